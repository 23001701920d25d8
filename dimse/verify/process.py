"""Programs that the tester starts: their command lines, their process groups, and how they ended."""

import asyncio
import os
import shlex
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import DecodeError

__all__ = ["Ended", "end_group", "signal_group", "signal_of", "split_words", "tail"]

_SHELL_SIGNAL = 128  # shells return this plus the number of the signal that ended a program
_LAST_SIGNAL = 64  # the highest signal number on Linux
_MAX_STDERR = 4000  # octets from the end of stderr that a report contains
_GRACE = 3.0  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a program. ``signal`` is the signal that ended it: None if it exited, or if the tester killed it."""

    argv: tuple[str, ...] = ()
    exit: int | None = None
    signal: int | None = None
    stderr: str = ""
    was_killed: bool = False

    def fields(self) -> dict[str, object]:
        """Return the report's fields about the program."""
        return {
            "argv": list(self.argv),
            "exit": self.exit,
            "signal": self.signal,
            "stderr_tail": self.stderr,
            "was_killed": self.was_killed,
        }


def split_words(option: str, text: str) -> tuple[str, ...]:
    """Return the argument vector in the value of an option. Raises `DecodeError` if it is empty or wrongly quoted."""
    try:
        words = tuple(shlex.split(text))
    except ValueError as exc:
        raise DecodeError(f"{option} {text!r}: {exc}") from exc
    if not words:
        raise DecodeError(f"{option} is empty")
    return words


def signal_of(status: int) -> int | None:
    """Return the signal that ended a program with this exit status, or None."""
    if status < 0:
        return -status
    return status - _SHELL_SIGNAL if _SHELL_SIGNAL < status <= _SHELL_SIGNAL + _LAST_SIGNAL else None


async def end_group(process: asyncio.subprocess.Process) -> int:
    """End the process group of a program; return the exit status.

    First send SIGTERM. Then send SIGKILL to the rest of the group: when the program has ended, after `_GRACE` seconds,
    or when this coroutine is canceled, whichever comes first.
    """
    signal_group(process.pid, signal.SIGTERM)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                return await process.wait()
    finally:
        signal_group(process.pid, signal.SIGKILL)
    return await process.wait()


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process group, if it still exists."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def tail(path: Path) -> str:
    """Return the last `_MAX_STDERR` bytes of a file as text."""
    with path.open("rb") as file:
        file.seek(-min(_MAX_STDERR, path.stat().st_size), os.SEEK_END)
        return file.read(_MAX_STDERR).decode("utf-8", "replace")
