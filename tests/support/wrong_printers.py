"""Runs our own printer with one fault, and judges a case against it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from print_twins import Wrong
from printers import printer

from dimse.verify import Flags, Target
from dimse.verify.invariants import Invariants
from dimse.verify.judge import Judge
from dimse.verify.shared import Shared
from print_mgmt.sop import META_CLASSES
from print_mgmt.verify import PrintOptions
from print_mgmt.verify.conversation import Learned

__all__ = ["FILMS", "HOST", "judge", "serving"]

HOST = "127.0.0.1"
PEER = (
    Flags.ECHO
    | Flags.PRINT
    | Flags.GRAY_META
    | Flags.COLOR_META
    | Flags.PLUT
    | Flags.ANNOTATION
    | Flags.JOBS
    | Flags.CONFIG
    | Flags.TWO_ASSOC
    | Flags.SESSION_ACTION
)
_EVENT = bytes.fromhex("0000 0001 0200 0000 0001")  # Command Field of N-EVENT-REPORT-RQ
FILMS = 20


@asynccontextmanager
async def relay(port: int) -> AsyncIterator[int]:
    """Pass octets on to a printer and back, except for those that follow an event of the printer. Yield the port."""
    tasks: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_printer = await asyncio.open_connection(HOST, port)
        tasks.append(asyncio.create_task(_pass_on(reader, to_printer, is_whole=True)))
        tasks.append(asyncio.create_task(_pass_on(there, writer, is_whole=False)))

    async with await asyncio.start_server(connected, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_whole: bool) -> None:
    is_mute = False
    try:
        while data := await reader.read(1 << 16):
            if not is_mute:
                writer.write(data)
            is_mute = is_mute or (not is_whole and _EVENT in data)
    finally:
        writer.close()


@asynccontextmanager
async def serving(wrong: Wrong) -> AsyncIterator[int]:
    """Run a printer with a fault; yield its port."""
    async with printer(intercept=wrong.intercept) as (server, _):
        if not wrong.is_mute_after_events:
            yield server.port
            return
        async with relay(server.port) as port:
            yield port


def judge(port: int, wrong: Wrong, watch: Invariants) -> Judge:
    options = PrintOptions(max_films=FILMS, **wrong.options)
    target = Target(host=HOST, port=port, timeout=1.0)
    flags = PEER | options.flags()
    shared = Shared(films_left=FILMS, found={meta: Learned() for meta in META_CLASSES})
    return Judge(target=target, options=options, watch=watch, flags=flags, shared=shared)
