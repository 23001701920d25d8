"""The program under test: a command that runs once for each visit, without a shell, in its own process group."""

import asyncio
import re
import signal
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import DecodeError
from ..process import Ended, end_group, signal_group, signal_of, split_words, tail

__all__ = ["PLACES", "Command", "Ended", "Program", "filled", "split_command"]

PLACES = ("host", "port", "ae", "case", "seed", "dir")  # names in braces that `filled` replaces
_PLACE = re.compile(r"\{\{(?P<text>[a-z_]+)\}\}|\{(?P<name>[a-z_]+)\}")


# Called with values for `PLACES`; canceling the call ends the program
Program = Callable[[Mapping[str, str]], Awaitable[Ended]]


def split_command(text: str) -> tuple[str, ...]:
    """Return the argument vector of a command line.

    Raises `DecodeError` if the command line is empty, wrongly quoted, or has a name in braces that is not in `PLACES`.
    """
    words = split_words("--command", text)
    named = (match["name"] for word in words for match in _PLACE.finditer(word))
    for name in filter(None, named):
        if name not in PLACES:
            known = ", ".join(f"{{{each}}}" for each in PLACES)
            raise DecodeError(f"--command: {{{name}}} is not one of {known}; write {{{{{name}}}}} for the text itself")
    return words


def filled(words: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the words with the values of `PLACES`, such as ``{port}``, filled in.

    ``{{port}}`` becomes ``{port}``; all other braces stay unchanged.
    """

    def value(match: re.Match[str]) -> str:
        return f"{{{match['text']}}}" if match["text"] else values.get(match["name"], match[0])

    return tuple(_PLACE.sub(value, word) for word in words)


@dataclass(frozen=True, slots=True)
class Command:
    """A program that is started by an argument vector."""

    words: tuple[str, ...]

    async def __call__(self, values: Mapping[str, str]) -> Ended:
        """Run the program once; return how it ended. Raises `OSError` if it cannot be started."""
        with tempfile.TemporaryDirectory(prefix="verify-") as folder:
            argv = filled(self.words, {**values, "dir": folder})
            log = Path(folder) / ".stderr"
            with log.open("wb") as errors:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,
                )
            was_killed = False
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                was_killed = True
                status = await end_group(process)
            signal_group(process.pid, signal.SIGKILL)  # processes that the program has left behind
            text = tail(log)
        return Ended(
            argv=argv,
            exit=status if status >= 0 else None,
            signal=None if was_killed else signal_of(status),
            stderr=text,
            was_killed=was_killed,
        )
