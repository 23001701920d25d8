"""Recorded conversations of `tests/vectors/captures`, as steps."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from dimse.explain import ACCEPTOR, REQUESTOR, RecordedAssociation, Step, View

CAPTURES = Path(__file__).parents[1] / "vectors" / "captures"
NAMES = sorted(path.name.removesuffix(".json") for path in CAPTURES.glob("*.json"))

Said = list[tuple[str, bytes, float | None]]  # sides, their bytes, times


def said_in(name: str) -> Said:
    """Return the bytes of both sides in the order of the recording."""
    wires = {"c2s": (CAPTURES / f"{name}.c2s.bin").read_bytes(), "s2c": (CAPTURES / f"{name}.s2c.bin").read_bytes()}
    events = json.loads((CAPTURES / f"{name}.json").read_text())["events"]
    return [
        (
            REQUESTOR if event["dir"] == "c2s" else ACCEPTOR,
            wires[event["dir"]][event["offset"] : event["offset"] + event["length"]],
            event["t"],
        )
        for event in events
        if event["kind"] == "data"
    ]


def steps_of(said: Sequence[tuple[str, bytes, float | None]], views: Sequence[View] = ()) -> list[Step]:
    """Return the steps of a conversation."""
    return list(RecordedAssociation(pieces=said).steps(views))


@cache
def steps_in(name: str) -> tuple[Step, ...]:
    """Return the steps of a recording. Many tests look at all recordings, which are explained once for all of them."""
    return tuple(steps_of(said_in(name)))


def whole(said: Iterable[tuple[str, bytes, float | None]], side: str) -> bytes:
    """Return all bytes of one side."""
    return b"".join(data for speaker, data, _ in said if speaker == side)


def tiles(steps: Iterable[Step], side: str) -> list[tuple[int, int]]:
    """Return the places of all fields of one side, in order, without empty ones."""
    return sorted(
        place for step in steps if step.side == side for one in step.fields for place in one.ranges if one.data
    )
