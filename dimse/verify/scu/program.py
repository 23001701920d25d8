"""The program under test: a command that runs once for each step, without a shell, in its own process group."""

import asyncio
import os
import re
import shlex
import signal
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import DecodeError

__all__ = ["PLACES", "Command", "Ended", "Program", "filled", "split_command"]

PLACES = ("host", "port", "ae", "case", "seed", "dir")
_PLACE = re.compile(r"\{\{(?P<text>[a-z_]+)\}\}|\{(?P<name>[a-z_]+)\}")
_MOST_STDERR = 4000  # octets from the end of stderr that a report contains
_SHELL_SIGNAL = 128  # shells return this plus the number of the signal that ended a program
_LAST_SIGNAL = 64  # the highest signal number on Linux
_GRACE = 3.0  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a program. ``signal`` is the signal that ended it, or None if the tester killed the program."""

    argv: tuple[str, ...] = ()
    exit: int | None = None
    signal: int | None = None
    stderr: str = ""
    was_killed: bool = False

    def told(self) -> dict[str, object]:
        """Return the report's fields about the program."""
        return {
            "argv": list(self.argv),
            "exit": self.exit,
            "signal": self.signal,
            "stderr_tail": self.stderr,
            "was_killed": self.was_killed,
        }


# Called with values for `PLACES`; cancelling the call ends the program
Program = Callable[[Mapping[str, str]], Awaitable[Ended]]


def split_command(text: str) -> tuple[str, ...]:
    """Return the argument vector of a command line.

    Raises `DecodeError` if the command line is empty, wrongly quoted, or has a place that is not in `PLACES`.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as exc:
        raise DecodeError(f"--command {text!r}: {exc}") from exc
    if not words:
        raise DecodeError("--command is empty")
    named = (match["name"] for word in words for match in _PLACE.finditer(word))
    for name in filter(None, named):
        if name not in PLACES:
            known = ", ".join(f"{{{each}}}" for each in PLACES)
            raise DecodeError(f"--command: {{{name}}} is none of {known}; write {{{{{name}}}}} for the text itself")
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
                status = await asyncio.shield(_kill(process))
            _signal_group(process.pid, signal.SIGKILL)  # processes that the program has left behind
            text = _tail(log).decode("utf-8", "replace")
        return Ended(
            argv=argv,
            exit=status if status >= 0 else None,
            signal=None if was_killed else _signal_of(status),
            stderr=text,
            was_killed=was_killed,
        )


def _tail(path: Path) -> bytes:
    """Return the last octets of a file, which may be too long to be read whole."""
    with path.open("rb") as file:
        file.seek(-min(_MOST_STDERR, path.stat().st_size), os.SEEK_END)
        return file.read(_MOST_STDERR)


def _signal_of(status: int) -> int | None:
    if status < 0:
        return -status
    return status - _SHELL_SIGNAL if _SHELL_SIGNAL < status <= _SHELL_SIGNAL + _LAST_SIGNAL else None


async def _kill(process: asyncio.subprocess.Process) -> int:
    _signal_group(process.pid, signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE):
            return await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    return await process.wait()


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
