"""Many associations at once: open in one process, or sending in several."""

import asyncio
from contextlib import AsyncExitStack
from statistics import median
from time import perf_counter, sleep, time
from typing import NamedTuple

from benchmarks import own, raw
from benchmarks.processes import HOST, Memory
from dimse.limits import Limits, Timeouts
from dimse.net import VERIFICATION, Association, connect, scu, serve
from dimse.uids import ImplicitVRLittleEndian, Verification

__all__ = ["LIMITS", "Held", "hold", "hold_both_ends", "n_set_at", "send_at"]

LIMITS = Limits(associations=10_000, host_associations=10_000, connections=10_000, host_connections=10_000)
_PATIENT = Timeouts(connect=120, idle=600)
_CONTEXTS = {Verification: (ImplicitVRLittleEndian,)}
_AT_ONCE = 100  # are opened
_ECHOES = 200


class Held(NamedTuple):
    """The time to open many associations, and the time of an echo on another one while they are open."""

    seconds: float
    echo: float  # the median
    bytes_each: float  # on the server's side, where it is known


def hold(port: int, memory: Memory, count: int) -> Held:
    """Hold ``count`` associations with a server in another process; measure the memory there."""
    return asyncio.run(_hold(port, memory, count))


def hold_both_ends(count: int) -> Held:
    """Hold both ends of ``count`` associations in this process."""
    return asyncio.run(_hold_both_ends(count))


async def _hold_both_ends(count: int) -> Held:
    async with serve([VERIFICATION], HOST, 0, limits=LIMITS, timeouts=_PATIENT) as server:
        return await _hold(server.port, None, count)


async def _hold(port: int, memory: Memory | None, count: int) -> Held:
    async with connect(HOST, port, _CONTEXTS, timeouts=_PATIENT) as one_more, AsyncExitStack() as stack:
        before = memory.now if memory is not None else 0
        start = perf_counter()
        for _ in range(count // _AT_ONCE):
            opening = (connect(HOST, port, _CONTEXTS, timeouts=_PATIENT) for _ in range(_AT_ONCE))
            await asyncio.gather(*map(stack.enter_async_context, opening))
        seconds = perf_counter() - start
        after = memory.now if memory is not None else 0
        echoes = [await _echo(one_more) for _ in range(_ECHOES)]
    return Held(seconds, median(echoes), (after - before) / count)


async def _echo(association: Association) -> float:
    start = perf_counter()
    await scu.c_echo(association)
    return perf_counter() - start


def send_at(moment: float, port: int, max_pdu: int, mebibytes: int, times: int) -> float:
    """Return the same as `raw.send`, started by several processes at ``moment``, in seconds since the epoch."""
    sleep(max(moment - time(), 0))
    return raw.send(port, max_pdu, mebibytes, times)


def n_set_at(moment: float, port: int, max_pdu: int, mebibytes: int, times: int) -> float:
    """Return the same as `own.n_set`, started by several processes at ``moment``, in seconds since the epoch."""
    sleep(max(moment - time(), 0))
    return own.n_set(port, max_pdu, mebibytes, times)
