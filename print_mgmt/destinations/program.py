"""Runs other programs without a shell and with a time limit, and kills the processes that they leave behind.

On Windows, only the program itself is killed.
"""

import asyncio
import logging
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Protocol, runtime_checkable

from ..spool.tasks import Completion

__all__ = ["ProgramResult", "find_program", "private_folder", "run_program"]

_log = logging.getLogger("print_mgmt.destinations")

_MAX_ERROR = 4096  # bytes kept from the end of stderr, for the error message
_MAX_OUTPUT = 1 << 20  # bytes kept from the start of stdout
_PIPE_WAIT = 1.0  # seconds to wait until the pipes close; a process outside the group may hold them open
_STDIN, _STDOUT = 0, 1


class ProgramResult(NamedTuple):
    """The result of a program that has ended.

    ``status`` is the exit status, or the negative number of the signal that ended the program. ``out`` is the start of
    stdout, at most 1 MiB, and ``last_error`` the last line of stderr that is not empty. ``timed_out``: the program was
    killed because its time was over.
    """

    status: int
    out: bytes
    last_error: str
    timed_out: bool = False

    def failure(self, seconds: float) -> str:
        """Return how the program failed within ``seconds``: "failed with exit status 1: no toner"; "" if it did not.

        The last line of stderr follows, if there is one.
        """
        detail = f": {self.last_error}" if self.last_error else ""
        if self.timed_out:
            return f"did not end within {seconds:g} s and was killed{detail}"
        if self.status < 0:
            return f"was ended by {_signal_name(-self.status)}{detail}"
        return f"failed with exit status {self.status}{detail}" if self.status else ""


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def find_program(name: str) -> str | None:
    """Return the path of a program, or None if there is no executable file of that name."""
    return shutil.which(name)


@asynccontextmanager
async def private_folder() -> AsyncIterator[Path]:
    """Make a folder that only this user can read, for the time of the block.

    A program may leave any number of files there, so a thread removes them. If that fails, the folder remains.
    """
    folder = TemporaryDirectory(prefix="dimse-print-", ignore_cleanup_errors=True)
    try:
        yield Path(folder.name)
    finally:
        try:
            await Completion().run(asyncio.to_thread(_remove, folder))
        except RuntimeError as exc:  # the system allows no more threads; the result of the program counts
            _log.warning("%s is not removed now: %s", folder.name, exc)


def _remove(folder: "TemporaryDirectory[str]") -> None:
    try:
        folder.cleanup()
    except RecursionError:  # the film is delivered, whatever the program has left
        _log.warning("%s remains: its folders are nested too deeply", folder.name)


async def run_program(
    words: Sequence[str], *, seconds: float, cwd: str | None = None, stdin: bytes = b""
) -> ProgramResult:
    """Run a program for at most ``seconds``, and then kill all processes of its group, even after a cancellation.

    ``stdin`` is the input of the program. All of its output is read, but only a part is kept (see `ProgramResult`).
    Raises OSError if the program cannot be started.
    """
    loop = asyncio.get_running_loop()
    source = asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL
    try:
        transport, output = await loop.subprocess_exec(_Output, *words, stdin=source, cwd=cwd, start_new_session=True)
    except OSError as exc:
        exc.filename = exc.filename or words[0]  # uvloop does not set it
        raise
    timed_out = False
    try:
        pipe: object = transport.get_pipe_transport(_STDIN)
        if isinstance(pipe, _Input):
            with suppress(RuntimeError):  # of uvloop, if the program has ended, or has closed its input
                pipe.write(stdin)
                pipe.write_eof()
        async with asyncio.timeout(seconds):
            await output.exited.wait()
    except TimeoutError:
        timed_out = True
    finally:
        _kill(transport)
        try:  # this task may be canceled once more
            await output.exited.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(_PIPE_WAIT):
                    await output.closed.wait()
        finally:
            transport.close()
    status = transport.get_returncode()
    assert status is not None
    return ProgramResult(status, bytes(output.out), _last_line(output.err), timed_out)


@runtime_checkable
class _Input(Protocol):
    """The pipe to a program. On uvloop, it is not an `asyncio.WriteTransport`."""

    def write(self, data: bytes, /) -> None: ...

    def write_eof(self) -> None: ...


class _Output(asyncio.SubprocessProtocol):
    """The output of a program. ``exited`` is set when the program ends, and ``closed`` when its pipes are closed, too.

    `asyncio.subprocess.Process.wait` would also wait for the pipes, which children of the program may hold open.
    """

    def __init__(self) -> None:
        self.out = bytearray()
        self.err = bytearray()
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDOUT:
            self.out += data[: _MAX_OUTPUT - len(self.out)]
        else:
            self.err += data
            del self.err[:-_MAX_ERROR]

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the signature of asyncio
        self.closed.set()


def _kill(transport: asyncio.SubprocessTransport) -> None:
    """Kill a program and all processes of its group, even after the program has ended; on Windows, only the program."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            transport.kill()
        else:
            os.killpg(transport.get_pid(), signal.SIGKILL)


def _last_line(data: bytes | bytearray) -> str:
    lines = (line.strip() for line in reversed(data.decode("utf-8", "replace").splitlines()))
    return next(filter(None, lines), "")
