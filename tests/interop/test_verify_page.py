"""The page of a report in Chromium: its filters work, and no script of a hostile peer runs."""

import asyncio
import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from twin import HOST, Twin, serving
from twins.common import UNKNOWN, ignores

from dimse.verify import CASES, Options, Target, verify_scp
from dimse.verify.report import document, page

pytestmark = pytest.mark.interop

ATTACK = "</script><script>window.hit=1</script><img src=x onerror=hit=1>\"'><svg onload=hit=1>"
NARROW, WIDE = 400, 1400

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def reports() -> list[dict[str, Any]]:
    """Return the reports of a right peer and of one that ignores unknown PDUs."""

    async def report(twin: Twin) -> dict[str, Any]:
        async with serving(twin) as port:
            target = Target(host=HOST, port=port, timeout=0.05, revival=0.1)
            options = Options(cases=("UL-F-2.0[1-5]", "UL-A-3.0*"), slow=False)
            run = await verify_scp(target, CASES, options)
        return document(run, target, options, ["dimse", "verify", "scp"])

    async def both() -> list[dict[str, Any]]:
        return [await report(Twin()), await report(ignores(UNKNOWN))]

    with ThreadPoolExecutor(1) as pool:  # Playwright's event loop runs in this thread
        return pool.submit(lambda: asyncio.run(both())).result()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open reports as a page. At the end, check that no script has failed, and that the page has requested nothing."""
    complaints: list[str] = []
    asked: list[str] = []
    contexts = []

    def opened(documents: list[dict[str, Any]], *, width: int = WIDE, **options: object) -> Any:
        path = tmp_path / "report.html"
        path.write_text(page(documents), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        found = context.new_page()
        found.on("console", lambda message: complaints.append(message.text))
        found.on("pageerror", lambda error: complaints.append(str(error)))
        found.on("request", lambda request: asked.append(request.url))
        found.goto(path.as_uri())
        return found

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.endswith("/report.html")] == []


def shown(opened: Any) -> set[str]:
    """Return the ids of the cases that the matrix shows."""
    return {row.locator("td").first.inner_text() for row in opened.locator("tr[data-case]:visible").all()}


def hostile(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the reports of a peer that puts an attack wherever its text can stand."""
    found = copy.deepcopy(documents)
    for each in found:
        each["peer"]["implementation_version_name"] = ATTACK
        each["run"]["stopped"] = ATTACK
        for case in each["cases"]:
            case["reason"], case["observed"] = ATTACK, [ATTACK]
            for entry in case["trace"]:
                entry["note"], entry["explained"] = entry["note"] and ATTACK, [ATTACK]
    return found


def test_filter_of_a_verdict_shows_its_cases(open_page: Open, reports: list[dict[str, Any]]) -> None:
    opened = open_page(reports)
    opened.select_option("#verdict", "FAIL")
    assert shown(opened) == {"UL-F-2.05"}


def test_filters_of_level_and_category_add_up(open_page: Open, reports: list[dict[str, Any]]) -> None:
    opened = open_page(reports)
    opened.select_option("#category", "UL-A")
    opened.select_option("#level", "INFO")
    expected = {case["id"] for case in reports[0]["cases"] if case["id"].startswith("UL-A") and case["level"] == "INFO"}
    assert shown(opened) == expected
    assert expected


def test_search_finds_words_of_the_trace(open_page: Open, reports: list[dict[str, Any]]) -> None:
    opened = open_page(reports)
    opened.fill("#q", "An unknown PDU type")
    assert shown(opened) == {"UL-F-2.05"}


def test_link_opens_its_case(open_page: Open, reports: list[dict[str, Any]]) -> None:
    opened = open_page(reports[:1])
    opened.locator("a", has_text="UL-F-2.05").click()
    opened.locator("details#UL-F-2\\.05[open]").wait_for()


def test_case_shows_its_explained_trace(open_page: Open, reports: list[dict[str, Any]]) -> None:
    opened = open_page(reports[:1])
    opened.locator("summary", has_text="UL-F-2.05").click()
    opened.locator("details[open] summary", has_text="A-ABORT").click()
    text = opened.locator("details[open] .trace").inner_text()
    assert "A-ASSOCIATE-RQ VERIFYSCU to ANY-SCP" in text
    assert "A-ABORT PDU [PS3.8 Table 9-26]" in text


def test_text_of_a_hostile_peer_does_not_run(open_page: Open, reports: list[dict[str, Any]]) -> None:
    opened = open_page(hostile(reports))
    for summary in opened.locator("summary").all():
        summary.click()
    assert opened.evaluate("window.hit") is None
    assert opened.locator("img, svg").count() == 0


def test_page_without_script_shows_all_cases(open_page: Open, reports: list[dict[str, Any]]) -> None:
    opened = open_page(reports, java_script_enabled=False)
    assert shown(opened) == {case["id"] for case in reports[0]["cases"]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_page_does_not_scroll_sideways(open_page: Open, reports: list[dict[str, Any]], scheme: str) -> None:
    opened = open_page(reports, width=NARROW, color_scheme=scheme)
    opened.locator("summary").first.click()
    assert opened.evaluate("document.documentElement.scrollWidth") <= NARROW


def test_dark_page_is_dark(open_page: Open, reports: list[dict[str, Any]]) -> None:
    opened = open_page(reports, color_scheme="dark")
    color = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert color == "rgb(22, 22, 22)"
