"""The identity of a film: the attributes of its patient and study, and the source of each attribute."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from dimse.data import Dataset
from dimse.errors import DimseError, cut, escaped, shown

from ...config import ConfigError
from ...scp import Film
from ...spool.records import storable

__all__ = ["IDENTITY", "Findings", "Identity", "Patience", "Source", "check_keywords", "identify"]

# The attributes that can be identified: PS3.3 C.2.2, C.7.1.1 and C.7.2.1
IDENTITY = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_MAX_NOTE = 300  # characters of a note; the rest is cut off
_JOB_SECONDS = 90.0  # for all sources and all films of a job: N-ACTION is answered within `Timeouts.handler`, 120 s
_SOURCE_SECONDS = 1.0  # at least, for one source and all films of a job: others cannot take the time of a quick source


@dataclass(slots=True)
class Findings:
    """The result of a source: values by keyword of `IDENTITY`, and notes about values that could not be used."""

    values: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Source(Protocol):
    """A source of patient and study attributes.

    ``find`` gets the film, and the attributes that earlier sources have found. If it raises an exception, or returns
    anything but `Findings` of texts, the film is identified by the other sources.
    """

    async def find(self, film: Film, known: Dataset) -> Findings: ...


@dataclass(slots=True)
class Identity:
    """The attributes of a film's patient and study; ``sources`` maps the keyword of each to the name of its source.

    ``notes`` has a line, without control characters, for each source that failed, for each value that could not be
    used, and for each note of a source.
    """

    attributes: Dataset = field(default_factory=Dataset)
    sources: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, source: str, findings: Findings) -> None:
        """Add the values that are not known yet, and the notes of the source.

        Add a note for a value that is invalid for its attribute. Ignore empty values and other keywords.
        """
        for keyword, value in findings.values.items():
            value = value.strip()
            if keyword not in IDENTITY or not value or keyword in self.sources:
                continue
            try:
                self.attributes[keyword] = _checked(keyword, value)
            except DimseError as exc:
                self.note(source, str(exc))
            else:
                self.sources[keyword] = source
        for note in findings.notes:
            self.note(source, note)

    def note(self, source: str, words: str) -> None:
        """Add a note about a source."""
        self.notes.append(cut(escaped(f"{source}: {words}"), _MAX_NOTE))

    def has(self, keywords: Iterable[str]) -> bool:
        """Return whether all these attributes have been identified."""
        return all(keyword in self.sources for keyword in keywords)


def _checked(keyword: str, value: str) -> str:
    """Return ``value`` if it can be stored with a film. Raises `DimseError` otherwise."""
    if "\\" in value:  # a backslash separates values, but each attribute of `IDENTITY` has one
        raise DimseError(f"{keyword} {shown(value)}: a backslash is not allowed")
    if storable(value) != value:
        raise DimseError(f"{keyword} {shown(value)}: a character is not part of Unicode text")
    return value


class Patience:
    """The time for the sources of the films of one job: 90 seconds. After that, only quick sources are still asked."""

    def __init__(self) -> None:
        self._spent = defaultdict[str, float](float)  # seconds, by the name of the source

    @asynccontextmanager
    async def bound(self, source: str) -> AsyncIterator[None]:
        """Bound the time of the block, in which a source is asked. Raises `DimseError` if the time is over."""
        left = max(_JOB_SECONDS - sum(self._spent.values()), _SOURCE_SECONDS - self._spent[source])
        if left <= 0:
            raise DimseError("was not asked, because the other films of the job have taken too long")
        now = asyncio.get_running_loop().time
        began, timeout = now(), asyncio.timeout(left)
        try:
            async with timeout:
                yield
        except TimeoutError as exc:
            if timeout.expired():
                why = "because the films of the job take too long"
                raise DimseError(f"was given up after {left:.0f} s, {why}") from exc
            raise
        finally:
            self._spent[source] += left if timeout.expired() else now() - began


async def identify(film: Film, sources: Mapping[str, Source], patience: Patience | None = None) -> Identity:
    """Ask the sources in order, and combine their values: for each attribute, the first source that has it wins.

    The films of a job share ``patience``.
    """
    identity, patience = Identity(), patience or Patience()
    for name, source in sources.items():
        try:
            async with patience.bound(name):
                found = await source.find(film, identity.attributes.copy())
            identity.add(name, found)
        except Exception as exc:  # a film must not be lost because a source fails, or returns values of wrong types
            words, kind = str(exc), type(exc).__name__
            if words and not isinstance(exc, DimseError | OSError):
                words = f"{kind}: {words}"
            identity.note(name, words or kind)
    return identity


def check_keywords(key: str, keywords: Iterable[str]) -> None:
    """Raise `ConfigError` for a keyword that is not in `IDENTITY`."""
    for keyword in keywords:
        if keyword not in IDENTITY:
            raise ConfigError(key, f"{keyword!a} is not one of {', '.join(IDENTITY)}")
