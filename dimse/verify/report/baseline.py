"""Baselines, and differences between reports.

A baseline holds the bad verdicts that are expected of a peer, each with its observation, and the expected damage.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import EncodeError, shown
from ..result import ALWAYS_FINE

__all__ = ["Change", "baseline", "changes", "check_baseline", "regressions"]

Document = Mapping[str, Any]

# From best to worst: a case got worse if its verdict stands further right than before
_ORDER = ("UNIMPLEMENTED", "SKIPPED", "INFO", "PASS", "NON-STRICT", "INCONCLUSIVE", "WEAK", "FAIL", "ERROR")
_FINE = frozenset(verdict.value for verdict in ALWAYS_FINE)
_SCHEMA = 1
_TIME = re.compile(r" \(nothing within [0-9.]+ s\)| [0-9.]+ s\b")


@dataclass(frozen=True, slots=True)
class Change:
    """A case that differs from the baseline or the earlier report; ``is_worse`` tells whether it got worse."""

    case_id: str
    text: str
    is_worse: bool

    def __str__(self) -> str:
        return f"{self.case_id}: {self.text}"


def baseline(document: Document) -> dict[str, Any]:
    """Return the baseline of a report: each case that has a bad verdict or damaged the peer."""
    expected = {
        case["id"]: _entry(case) for case in document["cases"] if case["verdict"] not in _FINE or case["damaged"]
    }
    return {"schema": _SCHEMA, "peer": document["run"]["peer"], "expected": expected}


def _entry(case: Document) -> dict[str, Any]:
    """Return the entry of a case: its verdict, the observation behind a bad verdict, and damage if there was any."""
    because = "" if case["verdict"] in _FINE else ", ".join(case["observed"])
    entry = {"verdict": case["verdict"], "because": because}
    return {**entry, "damaged": True} if case["damaged"] else entry


def check_baseline(expected: Document) -> None:
    """Raise `EncodeError` if ``expected`` is not a baseline."""
    entries = expected.get("expected")
    if expected.get("schema") != _SCHEMA or not isinstance(entries, dict):
        raise EncodeError(
            'not a baseline of schema 1, which has the form {"schema": 1, "expected": {...}}', path="baseline"
        )
    for case_id, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("because", ""), str):
            raise EncodeError('not of the form {"verdict": "...", "because": "..."}', path=f"baseline.{case_id}")
        if entry.get("verdict") not in _ORDER:
            raise EncodeError(f"{shown(entry.get('verdict'))} is not a verdict", path=f"baseline.{case_id}")
        if not isinstance(entry.get("damaged", False), bool):
            raise EncodeError(f"{shown(entry['damaged'])} is not true or false", path=f"baseline.{case_id}.damaged")


def regressions(document: Document, expected: Document) -> Iterator[Change]:
    """Yield the cases of a report that differ from a baseline, whether they got worse or better. Times do not count.

    Raises `EncodeError` if ``expected`` is not a baseline.
    """
    check_baseline(expected)
    entries = expected["expected"]
    for case in document["cases"]:
        entry = entries.get(case["id"])
        if entry is not None:
            yield from _differences(case, {"damaged": False, "because": "", **entry})
        elif case["verdict"] not in _FINE or case["damaged"]:
            yield Change(case["id"], f"{_verdict(case)}, which the baseline does not expect: {case['reason']}", True)


def _differences(case: Document, entry: Document) -> Iterator[Change]:
    """Yield the difference of a case from its entry in the baseline, if there is one."""
    because, seen = _plain(entry["because"]), _plain(f"{case['reason']} {', '.join(case['observed'])}")
    if _is_worse(case, entry):
        yield Change(case["id"], f"{_verdict(case)}: {case['reason']}; the baseline has {_verdict(entry)}", True)
    elif _verdict(case) != _verdict(entry):
        yield Change(case["id"], f"{_verdict(case)}; the baseline still has {_verdict(entry)}", False)
    elif because not in seen:
        text = f"{_verdict(case)} for another reason: {case['reason']}; {entry['because']} was expected"
        yield Change(case["id"], text, True)


def changes(before: Document, after: Document) -> Iterator[Change]:
    """Yield the cases that differ between two reports: in verdict, in damage, or in observations.

    Times do not count. Cases that only one report has are included.
    """
    old, new = ({case["id"]: case for case in each["cases"]} for each in (before, after))
    for case_id in sorted(old.keys() | new.keys()):
        was, now = old.get(case_id), new.get(case_id)
        if was is None or now is None:
            yield Change(case_id, "only in the second report" if was is None else "only in the first report", False)
        elif (was["verdict"], was["damaged"]) != (now["verdict"], now["damaged"]):
            text = f"{_verdict(was)} became {_verdict(now)}: {now['reason']}"
            yield Change(case_id, text, _is_worse(now, was))
        elif [*map(_plain, was["observed"])] != [*map(_plain, now["observed"])]:
            yield Change(case_id, f"{', '.join(was['observed'])} became {', '.join(now['observed'])}", False)


def _is_worse(now: Document, was: Document) -> bool:
    """Return whether a case got worse: in damage, or in its verdict."""
    return now["damaged"] > was["damaged"] or _ORDER.index(now["verdict"]) > _ORDER.index(was["verdict"])


def _verdict(case: Document) -> str:
    return f"{case['verdict']}{' DAMAGED' if case['damaged'] else ''}"


def _plain(text: str) -> str:
    """Return an observation without its times."""
    return _TIME.sub("", text)
