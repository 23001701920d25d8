"""Several processes of ``print-mgmt serve``, which share one port and one spool.

The parent starts the processes, passes signals on to them, and replaces a process that dies. A pair of sockets connects
the parent with each child. Through this pair, the child reports that it is listening. When the parent's socket is
closed, the child stops.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial

from dimse.errors import DimseError
from dimse.net.addresses import bound_sockets

from ..spool.tasks import cancel_tasks
from .signals import handle_signals, restore_signals

__all__ = ["FleetError", "wait_for_end_of_parent", "run_fleet", "report_ready"]

_log = logging.getLogger("print_mgmt.cli")
_READY = b"r"
_RESTART_PAUSE = 1.0  # seconds before a process that died is replaced


class FleetError(DimseError):
    """A process has ended before it could listen."""


async def run_fleet(count: int, host: str, port: int, ready: Callable[[str, int], None], *, reloads: bool) -> int:
    """Run ``count`` processes with the arguments of this process until a signal stops them; return the exit status.

    ``ready`` is called with the address and the port once all processes listen. With ``reloads``, SIGHUP is passed on
    to all of them. Raises `FleetError` if a process cannot listen, and OSError if the port cannot be reserved.
    """
    with ExitStack() as reserved:
        sockets = [reserved.enter_context(sock) for sock in await bound_sockets(host, port, reuse_port=True)]
        address, port = sockets[0].getsockname()[:2]
        fleet = _Fleet((*sys.argv[1:], "--port", str(port)), count)
        retry, reload = partial(fleet.signal_one, signal.SIGUSR1), fleet.reload if reloads else None
        stop = handle_signals(retry=retry, reload=reload)
        try:
            await fleet.start()
            ready(address, port)
            await fleet.supervise(stop)
        finally:
            restore_signals()
            status = await fleet.stop()
    return status


class _Fleet:
    """The child processes, each with the parent's end of its pair of sockets."""

    def __init__(self, arguments: Sequence[str], count: int) -> None:
        self._arguments = arguments
        self._count = count
        self._children: dict[asyncio.subprocess.Process, socket.socket] = {}
        self._starting: dict[asyncio.subprocess.Process, socket.socket] = {}  # not listening yet

    async def start(self) -> None:
        """Start all processes. Raises `FleetError` if one of them cannot listen; that process has shown the reason."""
        starts = [asyncio.create_task(self._start_one()) for _ in range(self._count)]
        try:
            await asyncio.gather(*starts)
        finally:
            await cancel_tasks(*starts)

    async def supervise(self, stop: asyncio.Event) -> None:
        """Replace each process that dies, until ``stop`` is set."""
        supervisors = [asyncio.create_task(self._keep_running(child)) for child in self._children]
        try:
            await stop.wait()
        finally:
            await cancel_tasks(*supervisors)

    async def stop(self) -> int:
        """Stop all processes; return the highest of their exit statuses and signal numbers, or 1 if no process runs."""
        for child in self._children:
            _send(child, signal.SIGTERM)
        for end in self._starting.values():  # a signal would kill a process that does not handle signals yet
            end.close()
        statuses = [await child.wait() for child in (*self._children, *self._starting)]
        for end in self._children.values():
            end.close()
        return max((abs(status) for status in statuses), default=1)

    async def signal_one(self, number: signal.Signals) -> None:
        """Send a signal to one running process only: the signal acts on the spool, which all processes share."""
        child = next((child for child, end in self._children.items() if _is_running(end)), None)
        if child is not None:
            _send(child, number)

    async def reload(self) -> None:
        """Send SIGHUP to all processes."""
        for child in self._children:
            _send(child, signal.SIGHUP)

    async def _start_one(self) -> asyncio.subprocess.Process:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with ExitStack() as if_failed, theirs:
            if_failed.enter_context(ours)
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "print_mgmt",
                *self._arguments,
                "--parent-socket",
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C must reach only the parent, which passes it on
            )
            if_failed.pop_all()
        self._starting[child] = ours
        is_ready = await asyncio.get_running_loop().sock_recv(ours, 1) == _READY
        del self._starting[child]
        if not is_ready:
            ours.close()
            raise FleetError(f"a process {_end_in_words(await child.wait())} before it could listen")
        self._children[child] = ours
        return child

    async def _keep_running(self, child: asyncio.subprocess.Process) -> None:
        while True:
            status = await child.wait()
            _log.error("process %d %s; another one is started", child.pid, _end_in_words(status))
            self._children.pop(child).close()
            while True:
                await asyncio.sleep(_RESTART_PAUSE)
                try:
                    child = await self._start_one()
                    _log.warning("process %d now listens instead", child.pid)
                    break
                except (FleetError, OSError) as exc:
                    _log.error("%s", exc)


def _end_in_words(status: int) -> str:
    """Return how a process ended; a negative ``status`` is the number of the signal that killed it."""
    return f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"


def _is_running(end: socket.socket) -> bool:
    """Return whether the child at the other end of a pair of sockets is running: the system closes its end otherwise.

    The parent can send a signal to a child that has just ended, but the signal has no effect.
    """
    try:
        return bool(end.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return True


def _send(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        child.send_signal(number)


# --- in a child ---


def report_ready(descriptor: int) -> None:
    """Tell the parent that this process is listening; do nothing if the parent has ended or stops its processes."""
    with suppress(BrokenPipeError):
        os.write(descriptor, _READY)


async def wait_for_end_of_parent(descriptor: int) -> None:
    """Wait until the parent has ended, or has closed its socket to stop this process."""
    with socket.socket(fileno=os.dup(descriptor)) as end:
        end.setblocking(False)
        with suppress(ConnectionResetError):  # the parent closed its end without reading what `report_ready` wrote
            await asyncio.get_running_loop().sock_recv(end, 1)
