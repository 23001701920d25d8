"""A server under attack, which still answers a bystander and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from raw import ECHO, HOST, PRINT, SYNTAXES, Raw, until

from dimse.data import Dataset
from dimse.limits import LIMITS, Limits, Timeouts
from dimse.message import NGetRQ, NSetRQ, Response
from dimse.net import VERIFICATION, Association, Handlers, Operation, Server, Service, connect, serve
from dimse.net.flow_control import MEMORY
from dimse.net.memory_budget import Account
from dimse.net.scu import c_echo

TIMEOUTS = Timeouts(artim=0.4, pdu=0.4, message=0.8, idle=10, write=0.2, linger=0.05, release=0.1)
LARGE = 8 << 20  # bytes of the response to an N-GET: more than the kernel keeps for a peer


@asynccontextmanager
async def under_attack(*, limits: Limits = LIMITS, timeouts: Timeouts = TIMEOUTS) -> AsyncIterator[Server]:
    """Run a server with Verification and a service for N-SET and for N-GET with a long response.

    A bystander sends echoes during the block, and all of them must be answered. At the end all associations, tasks and
    descriptors must be gone.
    """
    tasks, descriptors = len(asyncio.all_tasks()), _descriptors()
    async with serve(
        [VERIFICATION, Service({PRINT: SYNTAXES}, _open)], port=0, limits=limits, timeouts=timeouts
    ) as server:
        async with connect(server.host, server.port, ECHO) as bystander:
            echoing = asyncio.create_task(_echo_on(bystander))
            try:
                yield server
            finally:
                echoing.cancel()
                await asyncio.wait({echoing})
            assert echoing.cancelled(), echoing.exception()
        async with connect(server.host, server.port, ECHO) as newcomer:
            assert (await c_echo(newcomer)).Status == 0
        await until(lambda: not server.associations and server.admission.is_empty)
    await until(lambda: len(asyncio.all_tasks()) <= tasks and _descriptors() <= descriptors)


async def _echo_on(bystander: Association) -> None:
    while True:
        request = asyncio.create_task(c_echo(bystander))
        try:
            async with asyncio.timeout(5):
                assert (await asyncio.shield(request)).Status == 0
        except asyncio.CancelledError:
            await request  # a canceled request would abort the association
            raise
        await asyncio.sleep(0.01)


@asynccontextmanager
async def _open(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
    yield {(PRINT, NSetRQ): _take, (PRINT, NGetRQ): _give}


async def _take(operation: Operation) -> Response:
    operation.dataset()
    return operation.reply()


async def _give(operation: Operation) -> Response:
    return operation.reply(dataset=Dataset(PixelData=bytes(LARGE)))


class Bystander:
    """Sends echoes on an association of its own, and notes the longest time of one."""

    def __init__(self) -> None:
        self.worst = 0.0  # seconds

    async def echo_on(self, association: Association) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            start = clock()
            request = asyncio.create_task(c_echo(association))
            try:
                await asyncio.shield(request)
            except asyncio.CancelledError:
                await request
                raise
            self.worst = max(self.worst, clock() - start)


def waiting(server: Server) -> int:
    """Return the number of peers that wait for memory."""
    return sum(bool(association.transport.flow.hold_reasons & MEMORY) for association in server.associations)


@asynccontextmanager
async def watched(server: Server, tell: Callable[[str, object], None]) -> AsyncIterator[None]:
    """Report the longest echo of a bystander during the block, and the most memory that peers held, to ``tell``."""
    bystander, most = Bystander(), 0
    add = server.resources.budget.add

    def noted(account: Account, count: int) -> None:
        nonlocal most
        add(account, count)
        most = max(most, server.resources.budget.total)

    server.resources.budget.add = noted  # type: ignore[method-assign]
    async with connect(server.host, server.port, ECHO) as association:
        echoing = asyncio.create_task(bystander.echo_on(association))
        try:
            yield
        finally:
            echoing.cancel()
            await asyncio.wait({echoing})
    tell("worst_echo_ms", round(bystander.worst * 1e3, 1))
    tell("most_memory", most)


@asynccontextmanager
async def attacker(server: Server, *, address: str = HOST) -> AsyncIterator[Raw]:
    """Connect to ``server`` from ``address``, which must be one of this machine."""
    reader, writer = await asyncio.open_connection(server.host, server.port, local_addr=(address, 0))
    try:
        yield Raw(reader, writer)
    finally:
        writer.transport.abort()


def _descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
