"""Identifies patient and study with a program, such as a bar code reader or a text recognizer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dimse.data import Dataset
from dimse.errors import DimseError
from dimse.net.fairness import Slots

from ...destinations import CommandDestination
from ...scp import Film
from .identity import IDENTITY, Findings

__all__ = ["ProgramSource"]

_AT_ONCE = 4  # programs; the clients take turns


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSource:
    """A source that runs ``command`` as `CommandDestination` does, and reads a JSON object from its output.

    The names in the object are keywords of `IDENTITY`, and the values are strings. `CommandDestination` explains the
    fields. The constructor raises `ConfigError` for a value that `CommandDestination` does not accept.
    """

    command: tuple[str, ...]
    formats: tuple[str, ...] = ("png",)
    seconds: float = 30.0
    dpi: int = 150
    bits: Literal[8, 16] = 8
    _slots: Slots = field(default_factory=lambda: Slots(_AT_ONCE), init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        self._program()

    async def find(self, film: Film, known: Dataset) -> Findings:
        """Return the values in the output of the program, and a note about the first entry that cannot be used.

        Raises `DimseError` if the program fails or its output is not a JSON object, and what rendering and writing
        raise.
        """
        async with self._slots.of(film.host):
            result = await self._program().run(film, known)
        if failure := result.failure(self.seconds):
            raise DimseError(failure)
        return _read_output(result.out)

    def _program(self) -> CommandDestination:
        return CommandDestination(
            command=self.command, formats=self.formats, seconds=self.seconds, dpi=self.dpi, bits=self.bits
        )


def _read_output(out: bytes) -> Findings:
    """Return the values in the output of the program. Raises `DimseError` if it is not a JSON object."""
    try:
        found = json.loads(out or b"{}")
    except (ValueError, RecursionError) as exc:
        raise DimseError(f"the output is not JSON: {exc}") from exc
    if not isinstance(found, Mapping):
        raise DimseError("the output is not a JSON object")
    values = {name: value for name, value in found.items() if name in IDENTITY and isinstance(value, str)}
    why = f"is not a string, or its name is not one of {', '.join(IDENTITY)}"
    other = next((name for name in found if name not in values), None)  # the output may have 100,000 of them
    return Findings(values, () if other is None else (f"the entry {other!a} {why}",))
