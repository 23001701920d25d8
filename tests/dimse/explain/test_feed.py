"""The stream of events of associations while they happen."""

import json
from pathlib import Path
from typing import Any

import pytest
from recordings import said_in, steps_of

from dimse.explain import ACCEPTOR, REQUESTOR
from dimse.explain.events import association_event, events_of
from dimse.explain.feed import Feed, Listener
from dimse.ul import PDV, Abort, PDataTF, encode_pdu

NAME = "dcmtk-print-1x1-8bit"
SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "trace-schema.json").read_text())
ENDLESS = b"\4\0\xff\xff\xff\xff" + bytes(100)


def events(listener: Listener) -> list[dict[str, Any]]:
    """Return the data of the events that a listener takes."""
    frames = listener.take().decode().split("\n\n")[:-1]
    return [json.loads(frame.partition("data: ")[2]) for frame in frames]


def play(feed: Feed, number: int = 1) -> None:
    """Pass a recorded association to the feed, as if it happened now."""
    said = said_in(NAME)
    feed.opened(number, "a:1", "b:2", said[0][2])
    for side, data, time in said:
        feed.received(number, side, data, time)
    feed.closed(number, "closed by both sides")


def test_events_are_those_of_the_recording() -> None:
    feed = Feed()
    listener = feed.listen()
    play(feed)
    said = said_in(NAME)
    recorded = [association_event(1, "a:1", "b:2", said[0][2])]
    recorded += (event for step in steps_of(said) for event in events_of(step, 1, said[0][2]))
    ended = {"association": 1, "category": "association", "name": "end", "data": {"words": "closed by both sides"}}
    assert events(listener) == json.loads(json.dumps([*recorded, ended]))


def test_last_event_follows_the_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    feed = Feed()
    listener = feed.listen()
    play(feed)
    jsonschema.Draft202012Validator(SCHEMA).validate(events(listener)[-1])


def test_event_has_number_and_category() -> None:
    feed = Feed()
    listener = feed.listen()
    feed.opened(1)
    assert listener.take().startswith(b"id: 1\nevent: association\ndata: {")


def test_events_are_taken_only_once() -> None:
    feed = Feed()
    listener = feed.listen()
    feed.opened(1)
    listener.take()
    assert listener.take() == b""


def test_late_listener_gets_the_earlier_events() -> None:
    feed = Feed()
    feed.opened(1)
    assert len(events(feed.listen())) == 1


def test_listener_goes_on_after_its_last_event() -> None:
    feed = Feed()
    feed.opened(1)
    feed.opened(2)
    assert [event["association"] for event in events(feed.listen(after=1))] == [2]


def test_unknown_last_event_brings_all_events() -> None:
    feed = Feed()
    feed.opened(1)
    assert len(events(feed.listen(after=999))) == 1


def test_forgotten_events_are_counted() -> None:
    feed = Feed(max_kept=1)
    for number in (1, 2, 3):
        feed.opened(number)
    assert feed.listen(after=1).take() == b'event: lost\ndata: {"events": 2}\n\n'


def test_forgotten_events_wake_the_listener() -> None:
    feed = Feed(max_kept=1)
    feed.opened(1)
    calls: list[None] = []
    feed.listen(lambda: calls.append(None), after=0)
    assert len(calls) == 1


def test_slow_listener_loses_its_oldest_events() -> None:
    feed = Feed()
    listener = feed.listen(max_waiting=200)
    for number in range(1, 10):
        feed.opened(number)
    lost, *rest = events(listener)
    assert [event["association"] for event in rest] == [*range(1 + lost["events"], 10)]


def test_wake_is_called_once_until_events_are_taken() -> None:
    feed = Feed()
    calls: list[None] = []
    listener = feed.listen(lambda: calls.append(None))
    feed.opened(1)
    feed.opened(2)
    assert len(calls) == 1
    listener.take()
    feed.opened(3)
    assert len(calls) == 2


def test_closed_listener_gets_nothing() -> None:
    feed = Feed()
    listener = feed.listen()
    listener.close()
    feed.opened(1)
    assert listener.take() == b""


def test_endless_message_ends_the_events() -> None:
    feed = Feed(max_held=1000)
    listener = feed.listen()
    feed.opened(1)
    feed.received(1, REQUESTOR, b"\4\0\xff\xff\xff\xff" + bytes(995))
    feed.received(1, REQUESTOR, bytes(5000))
    assert [event["name"] for event in events(listener)] == ["start", "end"]


def test_redacted_events_hide_values_and_addresses() -> None:
    feed = Feed(is_redacted=True)
    listener = feed.listen()
    play(feed)
    found = events(listener)
    assert found[0]["data"] == {}
    pixels = [one for event in found for one in event["data"].get("fields", ()) if one["name"] == "PixelData"]
    assert pixels
    assert all("hex" not in one for one in pixels)


def test_all_associations_together_are_bounded() -> None:
    feed = Feed(max_total=100)
    listener = feed.listen()
    for number, size in [(1, 30), (2, 40), (3, 50)]:
        feed.opened(number)
        feed.received(number, REQUESTOR, ENDLESS[:size])
    last = events(listener)[-1]
    assert (last["association"], last["name"]) == (3, "end")
    assert last["data"]["words"].startswith("no more events: the incomplete messages of all associations")


def test_ended_association_holds_nothing() -> None:
    feed = Feed(max_total=100)
    listener = feed.listen()
    for number in range(1, 10):
        feed.opened(number)
        feed.received(number, REQUESTOR, ENDLESS[:90])
        feed.closed(number, "reset")
    assert [one["data"]["words"] for one in events(listener) if one["name"] == "end"] == ["reset"] * 9


def test_aborted_association_holds_nothing() -> None:
    feed = Feed(max_total=100)
    listener = feed.listen()
    for number in range(1, 10):
        feed.opened(number)
        feed.received(number, REQUESTOR, b"".join(encode_pdu(PDataTF((PDV(1, bytes(50), True, False),)))))
        feed.received(number, ACCEPTOR, b"".join(encode_pdu(Abort(0, 0))))
    assert not [one for one in events(listener) if one["name"] == "end"]


def test_take_is_bounded() -> None:
    feed = Feed()
    listener = feed.listen()
    play(feed)
    assert len(listener.take(2000)) <= 2000
    assert len(listener.take(1).split(b"\n\n")) == 2
