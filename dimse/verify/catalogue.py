"""The catalogue: all cases of `dimse` and `print_mgmt` as data, in ``cases.csv``.

The code of a case repeats most of its row as Python values. `differences` compares them, except for the outcomes.
In the notes, ``V:`` names the peers with which a case was tried, and ``Known:`` the faults that real peers have.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from .case import Case, Flags, Role
from .verdict import Close, Level

__all__ = ["Entry", "catalogue", "catalogue_hash", "differences"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of the catalogue. Outcomes are text: the notation of `dimse.verify.observation`, and plain words."""

    id: str
    category: str
    title: str
    role: Role
    section: str
    level: Level
    needs: Flags
    steps: str
    passes: str
    nonstrict: str
    fails: str
    close: Close
    notes: str

    @property
    def is_cosmetic(self) -> bool:
        """Whether no peer suffers if the rule is broken."""
        return self.notes.startswith("Cosmetic")


def _octets() -> bytes:
    return (files(__package__) / "cases.csv").read_bytes()


@cache
def catalogue() -> dict[str, Entry]:
    """Return the rows of the catalogue by id, in the order of the file."""
    rows = csv.DictReader(_octets().decode().splitlines())
    return {row["id"]: _entry(row) for row in rows}


def _entry(row: dict[str, str]) -> Entry:
    return Entry(
        id=row["id"],
        category=row["category"],
        title=row["title"],
        role=Role(row["role_under_test"]),
        section=row["ps3_section"],
        level=Level(row["level"]),
        needs=Flags.parse(row["needs"]),
        steps=row["steps"],
        passes=row["pass"],
        nonstrict=row["nonstrict"],
        fails=row["fail"],
        close=Close(row["close"]),
        notes=row["notes"],
    )


def catalogue_hash() -> str:
    """Return the SHA-256 of ``cases.csv`` in hexadecimal, which identifies the catalogue in a report."""
    return sha256(_octets()).hexdigest()


def differences(cases: Iterable[Case]) -> Iterator[str]:
    """Yield each difference between the code of ``cases`` and the catalogue. Outcomes are not compared."""
    entries, seen = catalogue(), set()
    for case in cases:
        entry = entries.get(case.id)
        if entry is None:
            yield f"{case.id} is not in the catalogue"
            continue
        if (case.id, case.role) in seen:
            yield f"{case.id} is built twice"
        seen.add((case.id, case.role))
        in_code = (case.title, case.section, case.level, case.needs, case.close, case.risky)
        in_file = (entry.title, entry.section, entry.level, entry.needs, entry.close, entry.notes.startswith("risky"))
        names = ("title", "section", "level", "needs", "close", "risky")
        for name, ours, theirs in zip(names, in_code, in_file, strict=True):
            if ours != theirs:
                yield f"{case.id}: {name} is {ours!s}, {theirs!s} in the catalogue"
        if case.role is not entry.role and entry.role is not Role.BOTH:
            yield f"{case.id}: role is {case.role}, {entry.role} in the catalogue"
