"""Processes that start at once: copies of one process that has imported everything already.

Run as a program, it is the process that is copied. It gets the arguments of `spool_process.main` and the standard
output of the copy on a socket, and answers with the number of the copy and, after its end, with its exit status.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import spool_process

__all__ = ["Copy", "Original", "original"]

_SUPPORT = Path(__file__).parent


class Copy:
    """A running copy. ``stdout`` is what it writes."""

    def __init__(self, pid: int, stdout: BinaryIO, answers: BinaryIO) -> None:
        self.pid = pid
        self.stdout = stdout
        self._answers = answers
        self._status: int | None = None

    def kill(self) -> None:
        """End it as ``kill -9`` does, and wait for its end."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def wait(self) -> int:
        """Wait for its end. Return its exit status, or the negative number of the signal that killed it."""
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(int(self._answers.readline()))
        return self._status


class Original:
    """The process that is copied, at the other end of ``control``."""

    def __init__(self, control: socket.socket, answers: BinaryIO) -> None:
        self._control = control
        self._answers = answers

    @contextmanager
    def copy(self, *arguments: object) -> Iterator[Copy]:
        """Run a copy, one at a time, with the arguments of `spool_process.main`. Leaving the block kills it."""
        reading, writing = os.pipe()
        socket.send_fds(self._control, [json.dumps([*map(str, arguments)]).encode()], [writing])
        os.close(writing)
        with os.fdopen(reading, "rb") as stdout:
            copy = Copy(int(self._answers.readline()), stdout, self._answers)
            try:
                yield copy
            finally:
                copy.kill()


@contextmanager
def original() -> Iterator[Original]:
    """Run the process that is copied."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, __file__, str(theirs.fileno())]
    environment = {**os.environ, "PYTHONPATH": f"{_SUPPORT.parents[1]}:{_SUPPORT}"}
    with (
        ours,
        ours.makefile("rb") as answers,
        subprocess.Popen(command, env=environment, pass_fds=[theirs.fileno()]) as process,
    ):
        theirs.close()
        try:
            yield Original(ours, answers)
        finally:
            process.kill()


def _serve(control: socket.socket) -> None:
    while True:
        order, (stdout,), _, _ = socket.recv_fds(control, 1 << 16, 1)
        pid = os.fork()
        if not pid:
            os.dup2(stdout, 1)
            control.close()
            spool_process.main(*json.loads(order))
            os._exit(0)
        os.close(stdout)
        control.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        control.sendall(f"{status}\n".encode())


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
