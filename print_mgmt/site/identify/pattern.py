"""Identifies patient and study by a regular expression with named groups, from texts on the film.

Python cannot interrupt the matching of a regular expression, which can take years for a text that a malicious client
has crafted. So the texts are shortened, and are matched in another process, which is killed after a time limit. Few
such processes run at once, with a low priority, and the clients take turns.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dimse.data import Dataset
from dimse.errors import DimseError
from dimse.net.fairness import Slots

from ...config import ConfigError
from ...destinations.program import run_program
from ...scp import Film
from ...typed import text
from .identity import Findings, check_keywords

__all__ = ["PatternSource"]

_MAX_TEXT = 1024  # characters of a text; the rest is not searched
_MAX_TEXTS = 64  # texts of a film; the others are not searched
_AT_ONCE = 2  # processes
_NICE = 10  # is added to their niceness, so that clients come first
# In isolated mode and without site-packages, Python starts in 10 ms
_PYTHON = (sys.executable, "-I", "-S", "-c")
_MATCH = f"""
import json, os, re, sys
if hasattr(os, "nice"): os.nice({_NICE})
pattern, texts = json.load(sys.stdin)
found = next(filter(None, map(re.compile(pattern).search, texts)), None)
json.dump({{}} if found is None else {{name: value or "" for name, value in found.groupdict().items()}}, sys.stdout)
"""

Place = Literal["FilmSessionLabel", "annotations", "OwnerID"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternSource:
    """A source that searches the texts of a film, in the order of ``where``, for ``pattern``.

    The named groups of the pattern are keywords of `IDENTITY`: ``(?P<PatientID>[0-9]{6,10})``. ``seconds`` is the time
    limit for all texts of a film. Raises `ConfigError`.
    """

    pattern: str
    where: tuple[Place, ...] = ("FilmSessionLabel", "annotations")
    seconds: float = 2.0
    _slots: Slots = field(default_factory=lambda: Slots(_AT_ONCE), init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        try:
            compiled = re.compile(self.pattern)
        except (re.error, OverflowError, RecursionError) as exc:
            raise ConfigError("pattern", f"is not a regular expression: {exc}") from exc
        if not compiled.groupindex:
            raise ConfigError("pattern", "needs a named group, such as (?P<PatientID>[0-9]{6,10})")
        check_keywords("pattern", compiled.groupindex)
        if not self.where:
            raise ConfigError("where", "needs at least one place")
        if not 0 < self.seconds <= 60:
            raise ConfigError("seconds", f"{self.seconds:g} must be above 0 and at most 60")

    async def find(self, film: Film, known: Dataset) -> Findings:  # noqa: ARG002
        """Return the groups of the first match, or nothing without one.

        Raises `DimseError` if the program that matches fails or exceeds the time limit, OSError if it does not start.
        """
        texts = [words[:_MAX_TEXT] for words in _texts(film, self.where) if words][:_MAX_TEXTS]
        if not texts:
            return Findings()
        request = json.dumps([self.pattern, texts]).encode()
        async with self._slots.of(film.host):
            result = await run_program((*_PYTHON, _MATCH), seconds=self.seconds, stdin=request)
        if result.timed_out:
            raise DimseError(f"matching the pattern took more than {self.seconds:g} s")
        if failure := result.failure(self.seconds):
            raise DimseError(f"the pattern cannot be matched: {result.last_error or f'its program {failure}'}")
        return Findings(json.loads(result.out))


def _texts(film: Film, where: Sequence[Place]) -> Iterator[str]:
    for place in where:
        match place:
            case "annotations":
                yield from (annotation.TextString for annotation in film.sheet.annotations)
            case _:
                yield text(film.film_session, place)
