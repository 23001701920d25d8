"""Other programs: started without a shell, with a limit of time, and ended with all that they have started."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

__all__ = ["Ended", "find_program", "run_program"]

_KEPT = 4096  # bytes of stderr, the last ones
_MOST = 1 << 20  # bytes of stdout, the first ones
_PATIENCE = 1.0  # seconds for pipes that a process outside the group holds open
_STDIN, _STDOUT = 0, 1


class Ended(NamedTuple):
    """The end of a program. ``said`` is the last line of stderr that is not empty; ``out`` is the begin of stdout.

    ``status`` is the exit status, or the negative number of the signal.
    """

    status: int
    out: bytes
    said: str
    timed_out: bool = False


def find_program(name: str) -> str | None:
    """Return the path of a program, None if there is none."""
    return shutil.which(name)


async def run_program(words: Sequence[str], *, seconds: float, cwd: str | None = None, stdin: bytes = b"") -> Ended:
    """Run a program to its end, or kill it after ``seconds`` or if canceled, with all processes of its group.

    ``stdin`` is its input. Its output is read to the end and kept in part. Raises OSError if it cannot be started.
    """
    loop = asyncio.get_running_loop()
    source = asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL
    transport, output = await loop.subprocess_exec(_Output, *words, stdin=source, cwd=cwd, start_new_session=True)
    timed_out = False
    try:
        pipe = transport.get_pipe_transport(_STDIN)
        if isinstance(pipe, asyncio.WriteTransport):
            pipe.write(stdin)
            pipe.write_eof()
        async with asyncio.timeout(seconds):
            await output.exited.wait()
    except TimeoutError:
        timed_out = True
    finally:
        _kill(transport)
        await output.exited.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await output.closed.wait()
        transport.close()
    status = transport.get_returncode()
    assert status is not None
    return Ended(status, bytes(output.out), _last_line(output.err), timed_out)


class _Output(asyncio.SubprocessProtocol):
    """The output of a program, and its end: ``exited``, and ``closed`` when nobody holds the pipes any more.

    `asyncio.subprocess.Process.wait` would wait for the pipes, which children of the program may hold open.
    """

    def __init__(self) -> None:
        self.out = bytearray()
        self.err = bytearray()
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDOUT:
            self.out += data[: _MOST - len(self.out)]
        else:
            self.err += data
            del self.err[:-_KEPT]

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the signature of asyncio
        self.closed.set()


def _kill(transport: asyncio.SubprocessTransport) -> None:
    """Kill a program, and the processes of its group that outlive it."""
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            transport.kill()
        else:
            os.killpg(transport.get_pid(), signal.SIGKILL)


def _last_line(data: bytes | bytearray) -> str:
    lines = (line.strip() for line in reversed(data.decode("utf-8", "replace").splitlines()))
    return next(filter(None, lines), "")
