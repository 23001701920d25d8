"""A program as a destination: it gets the files of a film, and a description of the film in JSON.

The program is started with an argument vector, never through a shell. No argument contains a value from a film: this
module chooses the names of the files. The files are in a folder that only this user can read, and that is removed when
the program has ended.

Exit status 0 means that the film was delivered, and 65 (EX_DATAERR) that no further attempt can succeed; after any
other exit status, the film is tried again.

A program that exceeds its time limit is killed, together with all processes of its group. Such a program, or one that
was ended by a signal, may have done its work. So the delivery is indeterminate, unless ``repeatable`` says that a
second run is harmless.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dimse.data import Dataset
from dimse.errors import escaped

from ..config import ConfigError
from ..film import Page
from ..output import OutputError, check_formats, write_page
from ..scp import Film
from ..spool.tasks import Completion
from .capture import capture_attributes
from .description import describe
from .destination import Condition, DeliveryFailed, Outcome, Receipt, as_failures, check_dpi, check_seconds
from .names import film_id
from .program import ProgramResult, find_program, private_folder, run_program

__all__ = ["CommandDestination"]

_BAD_DATA = 65  # EX_DATAERR of sysexits.h
_FILES, _JSON = "{files}", "{json}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDestination:
    """A `Destination` that runs ``command`` for each film.

    The argument ``{files}`` is replaced by the paths of the files, and ``{json}`` by the path of the description; if
    neither is given, the paths of the files are appended. ``formats`` are keys of `print_mgmt.output.FORMATS`, ``dpi``
    is the resolution in pixels per inch, and ``bits`` the number of bits per gray value. ``seconds`` is the time limit
    of the program. Raises `ConfigError`.
    """

    command: tuple[str, ...]
    formats: tuple[str, ...] = ("png",)
    seconds: float = 120.0
    repeatable: bool = False
    dpi: int = 150
    bits: Literal[8, 16] = 8

    def __post_init__(self) -> None:
        if not self.command or not self.command[0]:
            raise ConfigError("command", "needs at least the path of a program")
        if any("\0" in word for word in self.command):
            raise ConfigError("command", "contains a NUL character")
        check_seconds("seconds", self.seconds)
        check_dpi(self.dpi)
        try:
            check_formats(self.formats)
        except OutputError as exc:
            raise ConfigError("formats", str(exc)) from exc

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        """Write the files, and run the program. Raises `DeliveryFailed`.

        A call that is canceled after the program has ended returns its result.
        """
        results: list[ProgramResult] = []
        try:
            with as_failures():
                await self._run(film, identified, results)
        except asyncio.CancelledError:
            if not results:
                raise
        return self._receipt(results.pop())

    async def run(self, film: Film, identified: Dataset) -> ProgramResult:
        """Write the files, run the program, and return how it ended. Raises what rendering and writing raise."""
        results: list[ProgramResult] = []
        await self._run(film, identified, results)
        return results.pop()

    async def _run(self, film: Film, identified: Dataset, results: list[ProgramResult]) -> None:
        """Add to ``results`` how the program ended, before its folder is removed."""
        page = await film.render(self.dpi, bits=self.bits)
        async with private_folder() as folder:
            writing = asyncio.to_thread(self._arguments, page, folder, film, identified)
            words = await Completion().run(writing)  # if canceled, the folder stays until nothing writes to it
            results.append(await run_program(words, cwd=str(folder), seconds=self.seconds))

    async def check(self) -> Condition:
        """Return the condition NORMAL if the program exists, otherwise WARNING."""
        if find_program(self.command[0]):
            return Condition()
        return Condition("WARNING", "CHECK PRINTER", f"{escaped(self.command[0])} is not a program")

    def _arguments(self, page: Page, folder: Path, film: Film, identified: Dataset) -> list[str]:
        """Write the files of a film, and return the argument vector."""
        name, attributes = f"film-{film_id(film)}", capture_attributes(film, identified)
        about = describe(film, identified)
        formats = dict.fromkeys((*self.formats, "json"))
        paths = write_page(page, folder, name, tuple(formats), title=name, about=lambda: about, attributes=attributes)
        files = [str(path) for suffix, path in zip(formats, paths, strict=True) if suffix in self.formats]
        words: list[str] = []
        for word in self.command:
            words += files if word == _FILES else [str(folder / f"{name}.json") if word == _JSON else word]
        return words if {_FILES, _JSON} & set(self.command) else words + files

    def _receipt(self, result: ProgramResult) -> Receipt:
        """Return the receipt of a delivery with this result. Raises `DeliveryFailed` unless the exit status is 0."""
        program = Path(self.command[0]).name
        if failure := result.failure(self.seconds):
            outcome = Outcome.NEVER if result.status == _BAD_DATA else Outcome.LATER
            if result.timed_out or result.status < 0:
                outcome = Outcome.LATER if self.repeatable else Outcome.INDETERMINATE
            raise DeliveryFailed(outcome, f"{program} {failure}")
        return Receipt((program,), tuple(filter(None, (result.last_error,))))
