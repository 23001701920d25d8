"""The page of a recording in Chromium."""

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from recordings import said_in, steps_of

from dimse.data import EXPLICIT_LE, Dataset, Element, Tag, encode
from dimse.explain import ACCEPTOR, REQUESTOR, RecordedAssociation, Step
from dimse.explain.comparison import compare
from dimse.explain.comparison_page import comparison_page
from dimse.explain.page import Chapter, page_of
from dimse.message import NCreateRQ, encode_command
from dimse.ul import (
    PDU,
    PDV,
    AssociateAC,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextAC,
    PresentationContextRQ,
    encode_pdu,
)
from print_mgmt.explain import FilmView

pytestmark = pytest.mark.interop

FILM = "dcmtk-print-2x3-8bit"
ATTACK = "</script><script>window.hit=1</script><img src=x onerror=hit=1>"

Open = Callable[..., Any]


@pytest.fixture
def open_html(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open a page. At the end, check that nothing has failed, and that the page has loaded no other file."""
    complaints: list[str] = []
    asked: list[str] = []
    contexts = []

    def opened(html: str, *, step: int = 1, width: int = 1500, **options: object) -> Any:
        path = tmp_path / "page.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 1000}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        address = f"{path.as_uri()}#{step}"
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:") and not url.endswith("/page.html")] == []


@pytest.fixture
def open_page(open_html: Open) -> Open:
    """Open steps as a page."""

    def opened(steps: list[Step], **options: Any) -> Any:
        return open_html(page_of(ATTACK, [Chapter(title=ATTACK, steps=steps)], [FilmView()]), **options)

    return opened


@pytest.fixture
def open_comparison(open_html: Open) -> Open:
    """Open the comparison of an accepted and a refused film as a page."""

    def opened(**options: Any) -> Any:
        sides = [steps_of(said_in(name)) for name in ("dcmtk-print-1x1-8bit", "dcmtk-print-refused-value")]
        return open_html(comparison_page(ATTACK, (ATTACK, "b"), [compare(*sides)], [ATTACK]), **options)

    return opened


def film() -> list[Step]:
    return steps_of(said_in(FILM), [FilmView()])


def test_hover_on_a_byte_lights_its_field(open_page: Open) -> None:
    page = open_page(film())
    page.locator("#hex .b").nth(8).hover()
    (index,) = {node.get_attribute("data-field") for node in page.locator("#hex .hot").all()}
    assert "hot" in page.locator(f"#field-{index}").get_attribute("class")
    assert page.locator("#card h3").inner_text() == page.locator(f"#field-{index} b").inner_text()


def test_hover_on_a_field_lights_its_bytes(open_page: Open) -> None:
    page = open_page(film())
    row = page.locator(".field", has_text="Called-AE-title")
    row.hover()
    lit = page.locator(".row > .hot").all_inner_texts()
    assert bytes.fromhex(" ".join(lit)) == b"EIGHT".ljust(16)
    assert "16 characters" in page.locator("#card").inner_text()


def test_negotiation_is_a_table_of_names(open_page: Open) -> None:
    page = open_page(film(), step=2)
    row = page.locator("#says td").all_inner_texts()[:4]
    assert row == [
        "1",
        "Basic Grayscale Print Management Meta SOP Class",
        "acceptance",
        "Explicit VR Little Endian",
    ]


@pytest.mark.parametrize(("limit", "words"), [(16384, "16,384 bytes"), (0, "no limit")])
def test_negotiation_shows_the_maximum_lengths(open_page: Open, limit: int, words: str) -> None:
    information = (MaximumLength(limit),)
    context = PresentationContextRQ(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",))
    asked = AssociateRQ(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(context,), user_information=information
    )
    told = AssociateAC(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextAC(1, 0, "1.2.840.10008.1.2"),),
        user_information=information,
    )
    said = [(REQUESTOR, b"".join(encode_pdu(asked)), None), (ACCEPTOR, b"".join(encode_pdu(told)), None)]
    shown = open_page(steps_of(said), step=2).locator("#says").inner_text()
    assert f"the requestor receives: {words}; the acceptor: {words}." in shown


def test_click_chooses_byte_and_field(open_page: Open) -> None:
    page = open_page(film())
    page.locator(".row > .b").nth(4).click()
    (index,) = {node.get_attribute("data-field") for node in page.locator("#hex .on").all()}
    assert page.locator(f"#field-{index}").get_attribute("aria-selected") == "true"


def test_arrow_keys_walk_fields_and_steps(open_page: Open) -> None:
    page = open_page(film())
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator(".field.on b").inner_text() == "Reserved"
    page.keyboard.press("ArrowUp")
    assert page.locator(".field.on b").inner_text() == "Protocol-version"
    page.keyboard.press("ArrowRight")
    assert page.locator("#says h2").inner_text() == "A-ASSOCIATE-AC"
    assert page.locator("#count").inner_text().startswith("2 of ")
    page.keyboard.press("End")
    assert page.locator("#next").is_disabled()


def test_bytes_of_every_step_are_those_of_the_recording(open_page: Open) -> None:
    steps = film()
    page = open_page(steps)
    for number, step in enumerate(steps[:8]):
        page.evaluate("(at) => document.querySelectorAll('.step')[at].click()", number)
        shown = bytes.fromhex(" ".join(page.locator(".row > .b").all_inner_texts()))
        assert shown == b"".join(bytes(one.data) for one in step.fields)


def test_states_follow_the_steps(open_page: Open) -> None:
    page = open_page(film())
    assert page.locator("td.lit0").get_attribute("data-cell") == "Sta4 Evt2"
    assert page.locator("td.lit1").get_attribute("data-cell") == "Sta2 Evt6"
    page.locator("#next").click()
    assert page.locator("td.lit0").get_attribute("data-cell") == "Sta5 Evt3"
    assert page.locator("th.lit0.lit1").get_attribute("data-state") == "Sta6"
    assert "AE-3: indicate the received PDU to the local user" in page.locator("#moves").inner_text()


def test_film_grows_until_it_is_printed(open_page: Open) -> None:
    steps = film()
    page = open_page(steps)
    pictures = []
    for step in steps:
        pictures += [page.locator(".box img").count()] if step.view_events else []
        page.keyboard.press("ArrowRight")
    assert page.locator(".thing", has_text="printed film").locator("img").count() == 1
    assert pictures == [0, 0, 1, 2, 3, 4, 5, 6, 0]
    width = page.locator(".sheet > img").evaluate("(image) => image.naturalWidth")
    assert width > 300


def test_hostile_values_do_not_run(open_page: Open) -> None:
    syntax = "1.2.840.10008.1.2.1"
    asked = AssociateRQ(
        called_ae_title="<img src=x>",
        calling_ae_title="<svg onload=1>",
        presentation_contexts=(PresentationContextRQ(1, ATTACK[:60], (syntax,)),),
    )
    data = Dataset(FilmSessionLabel=ATTACK)
    data.add(Element(Tag(0x00090010), "LO", "<img src=x onerror=window.hit=1>"))
    data.add(Element(Tag(0x00091001), "UT", ATTACK))
    command = encode_command(NCreateRQ(MessageID=1, AffectedSOPClassUID=ATTACK[:60], Data=b"some"))
    bodies = (command, True), (encode(data, EXPLICIT_LE), False)
    pdus: list[PDU] = [asked, *(PDataTF((PDV(1, body, is_command, True),)) for body, is_command in bodies)]
    wire = b"".join(b"".join(encode_pdu(pdu)) for pdu in pdus)
    page = open_page(list(RecordedAssociation(pieces=[(REQUESTOR, wire, None)]).steps([FilmView()])))
    for _ in range(2):
        for row in page.locator(".field").all():
            row.click()
        page.keyboard.press("ArrowRight")
    assert ATTACK in page.locator("#fields").inner_text()
    assert page.evaluate("window.hit") is None
    assert page.locator("img").count() == 0


def test_script_in_the_page_is_refused_by_its_policy(open_page: Open, browser: Any, tmp_path: Path) -> None:
    page = open_page(film())
    hostile = tmp_path / "page.html"
    text = hostile.read_text(encoding="utf-8").replace("</body>", "<script>window.hit=1</script></body>")
    hostile.write_text(text, encoding="utf-8")
    other = browser.new_page()
    other.goto(hostile.as_uri())
    assert other.evaluate("window.hit") is None
    other.close()
    assert page.evaluate("window.hit") is None


def test_broken_rule_is_red(open_page: Open) -> None:
    page = open_page(steps_of(said_in("raw-dcmprscp-echo-on-wrong-context")), step=3)
    assert "the context was not proposed" in page.locator("#says .wrong").inner_text()
    assert page.locator(".field.bad").count() == 1
    assert page.locator(".step.wrong").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_the_paper(scheme: str, open_page: Open) -> None:
    page = open_page(film(), color_scheme=scheme)
    style = "(node) => [getComputedStyle(node).color, getComputedStyle(node).backgroundColor]"
    ink, paper = (_luminance(color) for color in page.locator("body").evaluate(style))
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) > 7
    assert (paper > ink) == (scheme == "light")


@pytest.mark.parametrize("width", [400, 1000, 1500])
@pytest.mark.parametrize("name", ["echo-echoscu-dcmprscp", FILM])
def test_panels_do_not_overlap_and_fill_the_window(name: str, width: int, open_page: Open) -> None:
    """The recording of an echo has nothing for the panel of films."""
    page = open_page(steps_of(said_in(name), [FilmView()]), width=width)
    panels = [panel for panel in page.locator("main > *").all() if panel.is_visible()]
    assert len(panels) == (4 if name == FILM else 3)
    boxes = [panel.bounding_box() for panel in panels]
    for one, other in combinations(boxes, 2):
        is_beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        is_above = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        assert is_beside or is_above
    assert max(box["x"] + box["width"] for box in boxes) >= 0.95 * width


@pytest.mark.parametrize("step", [1, 11, 24])
def test_narrow_screen_needs_no_sideways_scrolling(step: int, open_page: Open) -> None:
    page = open_page(film(), step=step, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator("#says h2").bounding_box()["width"] > 300


def test_sequence_is_there_without_a_script(open_page: Open) -> None:
    page = open_page(film(), java_script_enabled=False)
    assert page.locator(".step").count() == len(film())
    assert "A-ASSOCIATE-RQ" in page.locator("#sequence").inner_text()


def _luminance(color: str) -> float:
    """Return the relative luminance of ``rgb(r, g, b)`` (WCAG 2)."""
    numbers = [int(part) / 255 for part in color.strip("rgb() ").split(",")]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in numbers]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def test_comparison_opens_the_steps_that_differ(open_comparison: Open) -> None:
    page = open_comparison()
    assert "STANDARD\\1,2" in page.locator("details[open] tr:visible", has_text="ImageDisplayFormat").inner_text()


def test_comparison_shows_its_headline_first(open_comparison: Open) -> None:
    page = open_comparison()
    assert page.locator(".headline").bounding_box()["y"] < page.locator(".pair").first.bounding_box()["y"]


def test_comparison_shows_hostile_names_as_text(open_comparison: Open) -> None:
    page = open_comparison()
    assert page.locator("h1").inner_text() == ATTACK
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_comparison_fits_a_phone(open_comparison: Open, scheme: str) -> None:
    page = open_comparison(width=400, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
