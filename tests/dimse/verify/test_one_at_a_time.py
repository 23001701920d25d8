"""Peers that serve one association at a time: a connection that waits is not a fault, and damages nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hurried import run_hurried
from twin import HOST, Twin, serving

from dimse.verify import CASES, Flags, Options, Result, Target, Verdict
from dimse.verify.invariants import Invariants
from dimse.verify.judge import Judge

ARTIM = 30.0  # seconds


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
    writer.close()


@asynccontextmanager
async def one_at_a_time(port: int) -> AsyncIterator[int]:
    """Relay connections to a peer one after another, a silent one until an ARTIM expires. Yield the port."""
    turn, tasks = asyncio.Lock(), set[asyncio.Task[None]]()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with turn:
            with suppress(TimeoutError, OSError):
                async with asyncio.timeout(ARTIM):
                    first = await reader.read(1 << 16)
                if first:
                    there, to_peer = await asyncio.open_connection(HOST, port)
                    to_peer.write(first)
                    await asyncio.gather(pass_on(reader, to_peer), pass_on(there, writer))
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(connected(reader, writer)))

    async with await asyncio.start_server(begin, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_silent_connections_do_not_damage_a_peer_that_waits() -> None:
    case = next(case for case in CASES if case.id == "ROB-1.05")

    async def judged() -> Result:
        async with serving(Twin()) as inner, one_at_a_time(inner) as port:
            target = Target(host=HOST, port=port)
            return await Judge(target=target, options=Options(), watch=Invariants(), flags=Flags.NONE).run(case)

    result = run_hurried(judged())
    assert (result.verdict, result.is_damaged) == (Verdict.NON_STRICT, False)
