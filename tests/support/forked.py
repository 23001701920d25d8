"""Processes that start at once: copies of one process that has imported our packages already.

A copy runs ``python -W error -m MODULE``, without the start of the interpreter and the imports, which take ten times as
long as most commands. Each process that runs tests has one original, from its first copy to its end.
"""

import asyncio
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TextIO

__all__ = ["AsyncCopy", "Copy", "async_copied", "copied"]

_SUPPORT = Path(__file__).parent
_REPOSITORY = _SUPPORT.parents[1]


class _Descriptors(NamedTuple):
    """Our ends of the pipes of a copy."""

    stdout: int
    stderr: int
    answers: int


@cache
def _original() -> socket.socket:
    """Start the process that is copied; return the socket for commands."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-W", "error", str(_SUPPORT / "original.py"), str(theirs.fileno())]
    # Python warns of copies of a process with threads
    environment = {**os.environ, "PYTHONPATH": f"{_REPOSITORY}:{_SUPPORT}", "OPENBLAS_NUM_THREADS": "1"}
    with theirs:
        process = subprocess.Popen(
            command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def stop() -> None:
        ours.close()
        process.wait()

    atexit.register(stop)
    return ours


def _start(module: str, arguments: tuple[object, ...], cwd: Path | None, more: Mapping[str, str]) -> _Descriptors:
    command = {
        "module": module,
        "arguments": [*map(str, arguments)],
        "cwd": str(cwd or Path.cwd()),
        "environment": {**os.environ, **more},
    }
    document, stdout, stderr, answers = (os.pipe() for _ in range(4))
    socket.send_fds(_original(), [b"!"], [document[0], stdout[1], stderr[1], answers[1]])
    for descriptor in (document[0], stdout[1], stderr[1], answers[1]):
        os.close(descriptor)
    with os.fdopen(document[1], "w") as file:
        json.dump(command, file)
    return _Descriptors(stdout[0], stderr[0], answers[0])


class Copy:
    """A running copy, with the methods of `subprocess.Popen`; leaving its block waits for its end."""

    def __init__(self, module: str, *arguments: object, cwd: Path | None = None, **more: str) -> None:
        found = _start(module, arguments, cwd, more)
        self.stdout = os.fdopen(found.stdout, encoding="utf-8", errors="replace")
        self.stderr = os.fdopen(found.stderr, encoding="utf-8", errors="replace")
        self._answers = os.fdopen(found.answers, "rb", buffering=0)
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status, or the negative number of the signal that killed it."""
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
            self.returncode = int(self._answers.readline())
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return the rest of its output and errors, once it has ended."""
        pool = ThreadPoolExecutor(2)
        readings = [pool.submit(file.read) for file in (self.stdout, self.stderr)]
        pool.shutdown(wait=False)
        output, errors = (reading.result(timeout) for reading in readings)
        self.wait(timeout)
        return output, errors

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wait()
        self.close()

    def close(self) -> None:
        """Close the pipes."""
        for file in (self.stdout, self.stderr, self._answers):
            file.close()


class AsyncCopy:
    """A running copy, with the methods of `asyncio.subprocess.Process`."""

    def __init__(self, copy: Copy, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader) -> None:
        self.pid = copy.pid
        self.stdout = stdout
        self.stderr = stderr
        self._copy = copy
        pool = ThreadPoolExecutor(1)
        self._end = asyncio.get_running_loop().run_in_executor(pool, copy.wait)
        pool.shutdown(wait=False)

    @property
    def returncode(self) -> int | None:
        return self._copy.returncode

    async def wait(self) -> int:
        return await asyncio.shield(self._end)

    async def communicate(self) -> tuple[bytes, bytes]:
        output, errors, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        return output, errors

    def send_signal(self, number: int) -> None:
        self._copy.send_signal(number)

    def terminate(self) -> None:
        self._copy.terminate()

    def kill(self) -> None:
        self._copy.kill()


@contextmanager
def copied(module: str, *arguments: object) -> Iterator[Copy]:
    """Run a module in a copy; leaving the block kills it."""
    with Copy(module, *arguments) as copy:
        try:
            yield copy
        finally:
            copy.kill()


@asynccontextmanager
async def async_copied(module: str, *arguments: object, cwd: Path, **more: str) -> AsyncIterator[AsyncCopy]:
    """Run a module in a copy; the block has ended it."""
    with Copy(module, *arguments, cwd=cwd, **more) as copy:
        yield AsyncCopy(copy, await _reader(copy.stdout), await _reader(copy.stderr))


async def _reader(pipe: TextIO) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
