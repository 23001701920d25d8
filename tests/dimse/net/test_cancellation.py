"""An association that is canceled at any suspension sends an A-ABORT, and leaves no task and no socket."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from archive import FIND, SYNTAXES
from cancelling import CancelledAt, at_every_suspension, nothing_left
from pair import EXAMPLE
from raw import PRINT, until

from dimse.data import Dataset
from dimse.errors import AssociationAborted
from dimse.limits import Limits, Timeouts
from dimse.message import CFindRQ, NActionRQ, NEventReportRQ, NSetRQ, Response
from dimse.net import (
    VERIFICATION,
    Association,
    Handlers,
    Operation,
    Record,
    Server,
    Service,
    accept_anyone,
    connect,
    performer,
    serve,
)
from dimse.net.acceptor import Acceptor
from dimse.net.scu import c_echo, c_find, n_action, n_event_report, n_set
from dimse.uids import BasicFilmSession, ImplicitVRLittleEndian, Printer, PrinterInstance, Verification
from dimse.ul import Abort, AssociateRQ, AsynchronousOperationsWindow, ReleaseRQ, encode_pdu

CONTEXTS: dict[str, tuple[str, ...]] = dict.fromkeys((Verification, PRINT, FIND), SYNTAXES)
QUERY = Dataset(QueryRetrieveLevel="STUDY", PatientName="Doe")
LARGE = Dataset(Rows=1, PixelData=bytes(12_000_000))  # more than the kernel takes at once


async def acknowledge(operation: Operation) -> Response:
    await asyncio.sleep(0)
    return operation.reply()


async def act(operation: Operation) -> Response:
    """Report an event, and answer afterwards."""
    answer = await n_event_report(operation.association, operation.context, Printer, PrinterInstance, 2)
    return operation.reply(answer.Status)


async def find(operation: Operation) -> AsyncGenerator[Response, None]:
    for number in range(3):
        await asyncio.sleep(0)
        yield operation.pending(Dataset(InstanceNumber=number))


@asynccontextmanager
async def opened(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
    await asyncio.sleep(0)
    yield {(PRINT, NActionRQ): act, (PRINT, NSetRQ): acknowledge, (FIND, CFindRQ): find}
    await asyncio.sleep(0)


SERVICES = (VERIFICATION, Service({PRINT: SYNTAXES, FIND: SYNTAXES}, opened))


# A conversation with an association waits at least seven times: for the response to C-ECHO, twice in N-SET (until the
# peer reads, and for the response), and for the responses to N-ACTION, C-FIND, C-ECHO and A-RELEASE. Most runs wait 11
# times, because N-SET is sent in pieces and C-FIND has several responses; on a busy machine, these may go together.
LEAST_WAITS = 7


async def talk(port: int) -> None:
    """Connect, invoke operations of all kinds, and release."""
    handlers: Handlers = {(PRINT, NEventReportRQ): acknowledge}
    timeouts = Timeouts(linger=10)  # the A-ABORT stands behind 12 MB, which a busy machine may take long to read
    async with connect("127.0.0.1", port, CONTEXTS, handlers=handlers, timeouts=timeouts) as association:
        assert (await c_echo(association)).Status == 0
        context = association.context_for(PRINT)
        assert (await n_set(association, context, BasicFilmSession, "1.2", LARGE)).Status == 0
        assert (await n_action(association, context, BasicFilmSession, "1.2", 1)).Status == 0
        async with c_find(association, association.context_for(FIND), QUERY) as responses:
            async for _ in responses:
                pass
        assert (await c_echo(association)).Status == 0


class Heard:
    """The ``trace`` of a server, which notes the last control PDU of each peer."""

    def __init__(self) -> None:
        self.last: dict[str, object] = {}

    def __call__(self, record: Record) -> None:
        if record.direction == "<" and isinstance(record.what, AssociateRQ | ReleaseRQ | Abort):
            self.last[record.peer] = type(record.what)


async def test_client_canceled_anywhere_aborts() -> None:
    heard = Heard()
    aborted = 0
    async with serve(SERVICES, port=0, trace=heard) as server, nothing_left():
        async for number in at_every_suspension(lambda: talk(server.port)):
            await until(lambda: not server.associations)
            ends = set(heard.last.values())
            assert ends <= {Abort, ReleaseRQ}, f"suspension {number}: {ends}"
            aborted += Abort in ends
            heard.last.clear()
        assert set(heard.last.values()) == {ReleaseRQ}  # the last conversation was complete
    assert aborted >= LEAST_WAITS


async def test_client_canceled_before_the_answer_aborts() -> None:
    """A silent peer receives A-ABORT after A-ASSOCIATE-RQ."""
    received, abort = bytearray(), bytes.fromhex("07 00 00000004 0000 00 00")

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not received.endswith(abort) and (data := await reader.read(65536)):
            received.extend(data)
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    task = asyncio.create_task(talk(port))
    await until(lambda: received)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert received.endswith(abort)
    listener.close()


TASKS = [(Server, "_run", 4), (performer, "_perform", 8)]  # tasks of a server, and their least number of suspensions


@pytest.mark.parametrize(("owner", "name", "least"), TASKS)
async def test_server_task_canceled_anywhere_aborts(
    owner: object, name: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Services are left and the peer receives an A-ABORT, whatever the handler does at that moment."""
    run = getattr(owner, name)
    number, seen = 0, 0
    sources: set[int] = set()

    async def cancelled(*arguments: object) -> None:
        nonlocal seen
        awaited = CancelledAt(number - seen, run(*arguments))
        try:
            await awaited
        finally:
            seen += awaited.suspensions

    monkeypatch.setattr(owner, name, cancelled)
    async with serve(SERVICES, port=0) as server, nothing_left():
        before = asyncio.all_tasks()
        while seen >= number:
            number, seen = number + 1, 0
            try:
                await talk(server.port)
            except AssociationAborted as exc:
                sources.add(exc.source)
            await until(lambda: not server.associations)
            await until(lambda: asyncio.all_tasks() <= before)
    assert number >= least
    assert sources == {0}  # an A-ABORT, not only a closed connection


async def test_server_canceled_in_close_leaves_nothing() -> None:
    """Its peers do not close their connections after the A-ABORT."""
    timeouts = Timeouts(linger=0.01)
    acceptor = Acceptor(
        policy=accept_anyone,
        supported={Verification: [ImplicitVRLittleEndian]},
        as_scu=(),
        window=AsynchronousOperationsWindow(1, 1),
        plain_passcodes=False,
        limits=Limits(),
        seconds=timeouts.artim,
    )

    async def serve_deaf_peers(drain: float) -> None:
        writers, before = [], asyncio.all_tasks()
        server = Server(SERVICES, acceptor, Limits(), timeouts)
        await server.start("127.0.0.1", 0)
        try:
            for _ in range(2):
                _, writer = await asyncio.open_connection(server.host, server.port)
                writers.append(writer)
                writer.write(b"".join(encode_pdu(EXAMPLE[AssociateRQ])))
            await until(lambda: len(asyncio.all_tasks() - before) == 2)
        finally:
            try:
                await server.close(drain=drain)
            finally:
                for writer in writers:
                    writer.close()

    for drain in (0.0, 0.01):
        async with nothing_left():
            async for _ in at_every_suspension(partial(serve_deaf_peers, drain)):
                pass


def test_cancellation_works_on_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transports of uvloop suspend at other points than asyncio's."""
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed: pip install uvloop")

    async def both() -> None:
        await test_client_canceled_anywhere_aborts()
        for task in TASKS:
            with monkeypatch.context() as patch:
                await test_server_task_canceled_anywhere_aborts(*task, patch)
        await test_server_canceled_in_close_leaves_nothing()

    uvloop.run(both())
