"""The processes of a duel: one for each client, one for each server."""

import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Concatenate, ParamSpec

import pytest

from benchmarks.duels import Contestant

__all__ = [
    "HOST",
    "Memory",
    "free_port",
    "in_process",
    "program",
    "require_linux",
    "require_package",
    "require_programs",
    "server",
    "until_idle",
    "watched_server",
    "worker",
]

HOST = "127.0.0.1"
_PATIENCE = 120.0  # seconds to wait for anything
_IDLE = 0.1  # seconds without work after which a process is idle
_RETRY = 0.02  # seconds between two attempts to connect: a foreign program does not tell when it listens
_CONTEXT = get_context("spawn")  # nothing of this process is in the other one

P = ParamSpec("P")


@contextmanager
def worker() -> Iterator[Executor]:
    """Yield a process that calls functions, one at a time."""
    with ProcessPoolExecutor(1, mp_context=_CONTEXT) as executor:
        yield executor


def in_process(executor: Executor, function: Callable[P, float], *args: P.args, **kwargs: P.kwargs) -> Contestant:
    """Return a contestant that runs in the process of ``executor``."""
    return lambda: executor.submit(function, *args, **kwargs).result(_PATIENCE)


@contextmanager
def server(serve: Callable[Concatenate[Connection, P], None], *args: P.args, **kwargs: P.kwargs) -> Iterator[int]:
    """Run ``serve`` in a process; yield the port that it sends to its connection."""
    with watched_server(serve, *args, **kwargs) as (port, _):
        yield port


@contextmanager
def watched_server(
    serve: Callable[Concatenate[Connection, P], None], *args: P.args, **kwargs: P.kwargs
) -> Iterator[tuple[int, "Memory"]]:
    """Run ``serve`` in a process; yield its port and its memory."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=serve, args=(theirs, *args), kwargs=kwargs, daemon=True)
    process.start()
    try:
        if not ours.poll(_PATIENCE):
            raise TimeoutError(f"{serve.__qualname__} does not listen")
        assert process.pid is not None
        yield ours.recv(), Memory(process.pid)
    finally:
        process.terminate()
        process.join()


class Memory:
    """The resident memory of a process on Linux, in bytes."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    @property
    def now(self) -> int:
        """The memory now."""
        return self._read("VmRSS")

    @property
    def peak(self) -> int:
        """The peak since `forget_peak`."""
        return self._read("VmHWM")

    def forget_peak(self) -> None:
        """Start a new peak."""
        (self._folder / "clear_refs").write_text("5")

    def _read(self, name: str) -> int:
        status = (self._folder / "status").read_text()
        return int(status.partition(f"{name}:")[2].split()[0]) * 1024


@contextmanager
def program(argv: Sequence[str | Path], port: int, *, environment: Mapping[str, str], folder: Path) -> Iterator[int]:
    """Run a program that listens at ``port``; yield its process ID."""
    process = subprocess.Popen(argv, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def until_idle(contestant: Contestant, pid: int) -> Contestant:
    """Return a contestant that ends its turn when a process and its children, all on Linux, are idle.

    Raises FileNotFoundError if the process ends.
    """

    def run() -> float:
        seconds = contestant()
        with os.fdopen(os.pidfd_open(pid), "rb") as process:
            before, now = -1, _used(pid)
            while now != before:
                select.select((process,), (), (), _IDLE)  # waits for its end
                before, now = now, _used(pid)
        return seconds

    return run


def _used(pid: int) -> int:
    """Return the processor time that a process and its children have taken, in ticks."""
    folder = Path(f"/proc/{pid}")
    user, system = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system) + sum(map(_used, _children(folder)))


def _children(folder: Path) -> Iterator[int]:
    for thread in (folder / "task").iterdir():
        with suppress(FileNotFoundError):  # the thread has ended
            yield from map(int, (thread / "children").read_text().split())


def free_port() -> int:
    """Return a free port."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def require_programs(*names: str) -> None:
    """Skip the test if a program of DCMTK is not installed."""
    for name in names:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed; on Debian: apt-get install dcmtk")


def require_linux() -> None:
    """Skip the test if the system does not tell the memory of a process."""
    if sys.platform != "linux":
        pytest.skip("memory is read from Linux's /proc")


def require_package(name: str) -> None:
    """Skip the test if a Python package is not installed, without importing it."""
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed: pip install {name}")


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(ConnectionRefusedError):
            socket.create_connection((HOST, port)).close()
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(_RETRY)
    raise TimeoutError(f"{process.args!r} does not listen at port {port}")
