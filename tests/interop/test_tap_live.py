"""The live view of ``dimse tap`` in Chromium."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from raw import HOST, proposal
from recordings import said_in

from dimse.cli.tap_live import LiveView, listening_socket, url_of
from dimse.explain import REQUESTOR
from dimse.ul import AssociateRQ, encode_pdu

pytestmark = pytest.mark.interop

ATTACK = "<img src=x onerror=hit=1>"


@pytest.fixture
def live(browser: Any) -> Iterator[tuple[LiveView, Any]]:
    """A live view and its page; the browser must report no error."""
    complaints: list[str] = []
    sock = listening_socket(HOST, 0)
    view = LiveView(sock, tuple, is_redacted=False)
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url_of(sock))
    page.locator("#state", has_text=re.compile("^live$")).wait_for()
    yield view, page
    context.close()
    view.close()
    assert complaints == []


def play(view: LiveView, page: Any, number: int = 1) -> None:
    view.opened(number, f"client:{number} > printer:104", 0.0)
    for side, data, _ in said_in("echo-echoscu-dcmprscp"):
        view.received(number, side, data, 1.0)
    view.closed(number, "closed by both sides")
    page.get_by_text(f"{number}: closed by both sides").wait_for()


def test_messages_appear_while_they_happen(live: tuple[LiveView, Any]) -> None:
    view, page = live
    play(view, page)
    names = page.locator("#steps li b").all_inner_texts()
    assert names[:4] == [
        "1 \u2192 A-ASSOCIATE-RQ",
        "1 \u2190 A-ASSOCIATE-AC",
        "1 \u2192 C-ECHO-RQ",
        "1 \u2190 C-ECHO-RSP",
    ]


def test_click_shows_the_fields(live: tuple[LiveView, Any]) -> None:
    view, page = live
    play(view, page)
    page.locator("#steps li", has_text="C-ECHO-RSP").click()
    assert "0000H (Success)" in page.locator("#detail").inner_text()


def test_arrow_key_chooses_the_next_message(live: tuple[LiveView, Any]) -> None:
    view, page = live
    play(view, page)
    page.locator("#steps li", has_text="C-ECHO-RQ").click()
    page.locator("#steps").press("ArrowDown")
    assert page.locator("#detail h2").inner_text() == "C-ECHO-RSP"


def test_end_key_chooses_the_last_message(live: tuple[LiveView, Any]) -> None:
    view, page = live
    play(view, page)
    page.locator("#steps").press("End")
    assert page.locator("#detail h2").inner_text() == "A-RELEASE-RP"


def test_association_can_be_chosen(live: tuple[LiveView, Any]) -> None:
    view, page = live
    play(view, page, 1)
    play(view, page, 2)
    page.locator("#which").select_option("2")
    assert page.locator("#steps li:visible:not([data-association='2'])").count() == 0


def test_hostile_title_is_only_text(live: tuple[LiveView, Any]) -> None:
    view, page = live
    request = proposal()
    hostile = AssociateRQ(
        called_ae_title="<img src=x>",
        calling_ae_title="<b>",
        presentation_contexts=request.presentation_contexts,
    )
    view.opened(1, f"{ATTACK} > {ATTACK}", 0.0)
    view.received(1, REQUESTOR, b"".join(encode_pdu(hostile)), 1.0)
    view.closed(1, ATTACK)
    page.get_by_text("A-ASSOCIATE-RQ").wait_for()
    assert page.locator("#steps img, #steps b b, #which img").count() == 0
    assert page.evaluate("window.hit") is None
