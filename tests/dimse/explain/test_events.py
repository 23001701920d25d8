"""The record as JSON, against its published schema."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from recordings import NAMES, said_in, steps_in, whole

from dimse.explain.events import association_event, events_of, header
from dimse.explain.machines import SIDES

jsonschema = pytest.importorskip("jsonschema")  # of the group dev

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "trace-schema.json").read_text())


def events(name: str, *, is_whole: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the lines of a recording as a consumer reads them."""
    said = said_in(name)
    lines = [header(), association_event(1, "a", "b", said[0][2])]
    lines += (event for step in steps_in(name) for event in events_of(step, 1, said[0][2], whole=is_whole))
    yield from (json.loads(json.dumps(line)) for line in lines)


def shape(event: dict[str, Any]) -> str:
    """Return the keys and names of an event; events with the same ones follow the same branch of the schema."""
    fields = event.get("data", {}).get("fields", ())
    return repr((event.get("category"), sorted(event), sorted(event.get("data", ())), [sorted(one) for one in fields]))


@pytest.mark.parametrize("name", NAMES)
def test_trace_follows_the_schema(name: str) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for event in {shape(event): event for event in events(name)}.values():  # validating takes a millisecond
        validator.validate(event)


def test_schema_refuses_other_members() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    _, _, event, *_ = events("echo-echoscu-dcmprscp")
    assert validator.is_valid(event)
    assert not validator.is_valid({**event, "color": "red"})
    assert not validator.is_valid({**event, "category": "telepathy"})


@pytest.mark.parametrize("name", NAMES)
def test_fields_of_events_hold_all_bytes(name: str) -> None:
    said = said_in(name)
    _, *found_events = events(name, is_whole=True)
    fields = [(event["side"], one) for event in found_events for one in event["data"].get("fields", ())]
    for side, name in SIDES.items():
        stream, found = whole(said, side), bytearray(len(whole(said, side)))
        for _, one in (pair for pair in fields if pair[0] == name and "hex" in pair[1]):
            octets, used = bytes.fromhex(one["hex"]), 0
            for start, end in one["ranges"]:
                found[start:end] = octets[used : used + end - start]
                used += end - start
        assert bytes(found) == stream


def test_long_fields_are_cut() -> None:
    _, *said = events("dcmtk-print-2x3-8bit")
    pixels = [one for event in said for one in event["data"].get("fields", ()) if one["name"] == "PixelData"]
    assert pixels
    assert all(len(one["hex"]) // 2 + one["elided"] == sum(b - a for a, b in one["ranges"]) for one in pixels)


def test_times_count_from_the_first_bytes() -> None:
    times = [event["time"] for event in events("echo-echoscu-dcmprscp") if "time" in event]
    assert times[0] == 0
    assert times == sorted(times)
