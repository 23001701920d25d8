"""A process that has imported our packages, and is copied to run a command: run by `forked`, never imported.

The number of a socket is its argument. Each byte there comes with four descriptors: the command (a JSON document, read
to its end), the standard output and the standard error of the copy, and a pipe for the number of the copy and its exit
status.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

_COMMANDS = ("dimse.cli", "print_mgmt.cli")
_LATER = ("asyncpg", "spools", "uvloop")  # modules that commands and `spool_process` import on demand


def _import_all() -> None:
    for name in _COMMANDS:
        package = importlib.import_module(name)
        for module in pkgutil.iter_modules(package.__path__, f"{name}."):
            importlib.import_module(module.name)
    for name in _LATER:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the garbage collector of a copy would write to the memory that it shares


def _next_command(control: socket.socket, wakeup: socket.socket) -> dict[str, Any] | None:
    """Copy the process for each command. Return the command in the copy, None once no more commands can come."""
    copies: dict[int, int] = {}  # the pipe of each copy, by the number of the process
    with selectors.DefaultSelector() as events:
        events.register(control, selectors.EVENT_READ)
        events.register(wakeup, selectors.EVENT_READ)
        while True:
            for key, _ in events.select():
                if key.fileobj is wakeup:
                    wakeup.recv(4096)
                    _report_ends(copies)
                    continue
                byte, descriptors, _, _ = socket.recv_fds(control, 1, 4)
                if not byte:
                    for pid in copies:
                        os.kill(pid, signal.SIGKILL)
                    return None
                document, stdout, stderr, answers = descriptors
                pid = os.fork()
                if not pid:
                    for descriptor in (answers, *copies.values()):
                        os.close(descriptor)
                    return _become(document, stdout, stderr)
                os.write(answers, f"{pid}\n".encode())
                copies[pid] = answers
                for descriptor in (document, stdout, stderr):
                    os.close(descriptor)


def _report_ends(copies: dict[int, int]) -> None:
    """Write the exit status of each copy that has ended."""
    while copies:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        answers = copies.pop(pid)
        with suppress(BrokenPipeError):
            os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os.close(answers)


def _become(document: int, stdout: int, stderr: int) -> dict[str, Any]:
    """Take over the descriptors, signals, folder and environment of a command in a copy; return the command."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor, standard in ((stdout, 1), (stderr, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    before = sys.stdout  # made for /dev/null, so it would treat the pipe as seekable
    sys.stdout = open(1, "w", encoding=before.encoding, errors=before.errors, closefd=False)  # noqa: SIM115  # until the end
    with open(document, "rb") as file:
        command: dict[str, Any] = json.load(file)
    os.chdir(command["cwd"])
    os.environ.clear()
    os.environ.update(command["environment"])
    return command


class _End:
    """The end of a copy: the last function that Python calls at exit, because it is registered first.

    It leaves out freeing each object of each module, which takes three times as long as the start of the copy.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        atexit.register(self)

    def __call__(self) -> None:
        if self.status is not None:
            gc.collect()  # warns of unclosed resources
            sys.stdout.flush()
            os._exit(self.status)


def _run(command: dict[str, Any], end: _End) -> None:
    sys.argv[1:] = command["arguments"]
    try:
        runpy.run_module(command["module"], run_name="__main__", alter_sys=True)
        end.status = 0
    except SystemExit as exc:
        if isinstance(exc.code, int | None):
            end.status = exc.code or 0
        raise


def _main() -> None:
    end = _End()
    control = socket.socket(fileno=int(sys.argv[1]))
    wakeup, alarm = socket.socketpair()
    wakeup.setblocking(False)
    alarm.setblocking(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(alarm.fileno())
    _import_all()
    command = _next_command(control, wakeup)
    for each in (control, wakeup, alarm):
        each.close()
    if command is not None:
        _run(command, end)


if __name__ == "__main__":
    _main()
