"""Each bound of `Limits` and `Timeouts` has a test that begins with its name: the answer to the peer, and the count."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from clock import Clock
from pair import EXAMPLE, IMPLICIT_LE, VERIFICATION
from raw import ECHO, PRINT, SYNTAXES, Raw, echo, raw_client, raw_server, service, until

from dimse import net
from dimse.data import Dataset
from dimse.errors import AssociationAborted, ConnectionFailed, LimitExceeded, ResponseTimeout
from dimse.limits import Limits, Timeouts
from dimse.message import CEchoRQ, CStoreRQ, NSetRQ, Response, encode_command
from dimse.net import Association, Handlers, Operation, Server, Service, connect, serve
from dimse.net.scu import c_echo, n_set
from dimse.uids import BasicFilmSession, Verification
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    UnknownItem,
    UserIdentityRQ,
    encode_pdu,
)

pytestmark = pytest.mark.skips_waits

LOCAL_LIMIT_EXCEEDED = AssociateRJ(1, 3, 2)  # permanent; a lack of room would be transient
TABLE = (Path(__file__).parents[3] / "docs" / "limits.md").read_text()


@asynccontextmanager
async def server(hit: str, *, limits: Limits = Limits(), timeouts: Timeouts = Timeouts()) -> AsyncIterator[Server]:  # noqa: B008
    """Run a server that still serves at the end, and has counted one hit of one limit."""
    async with serve([net.VERIFICATION], port=0, limits=limits, timeouts=timeouts) as running:
        yield running
        await until(lambda: running.admission.hits)
        async with connect(running.host, running.port, ECHO) as association:
            assert (await c_echo(association)).Status == 0
        assert running.admission.hits == {hit: 1}


def request(**changes: object) -> AssociateRQ:
    example = EXAMPLE[AssociateRQ]
    assert isinstance(example, AssociateRQ)
    return dataclasses.replace(example, **changes)  # type: ignore[arg-type]  # fields of it


def context(number: int, syntaxes: int = 1) -> PresentationContextRQ:
    return PresentationContextRQ(number, VERIFICATION, (IMPLICIT_LE,) * syntaxes)


# --- sizes ---


async def test_max_pdu_aborts_a_longer_pdu() -> None:
    async with server("max_pdu", limits=Limits(max_pdu=1000)) as running, raw_client(running) as raw:
        raw.send(EXAMPLE[AssociateRQ])
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC)
        assert MaximumLength(1000) in answer.user_information
        raw.writer.write(b"\x04\0\0\0\x03\xe9")  # PDU-length 1001, nothing of which is awaited
        assert await raw.receive() == Abort(2, 6)


async def test_associate_pdu_aborts_a_longer_request() -> None:
    async with server("associate_pdu", limits=Limits(associate_pdu=500)) as running, raw_client(running) as raw:
        raw.writer.write(b"\x01\0\0\0\x01\xf5")
        assert await raw.receive() == Abort(0, 0)  # AA-1


async def refused(limit: str, bound: int, *, fits: AssociateRQ, exceeds: AssociateRQ) -> None:
    """AE-6: A-ASSOCIATE-RJ."""
    async with server(limit, limits=Limits(**{limit: bound})) as running:
        async with raw_client(running) as raw:
            await raw.associate(fits)
            raw.send(Abort())
        async with raw_client(running) as raw:
            raw.send(exceeds)
            assert await raw.receive() == LOCAL_LIMIT_EXCEEDED


async def test_contexts_beyond_the_limit_are_rejected() -> None:
    fits, exceeds = (tuple(map(context, range(1, 2 * count, 2))) for count in (3, 4))
    await refused(
        "contexts",
        3,
        fits=request(presentation_contexts=fits),
        exceeds=request(presentation_contexts=exceeds),
    )


async def test_transfer_syntaxes_beyond_the_limit_are_rejected() -> None:
    await refused(
        "transfer_syntaxes",
        2,
        fits=request(presentation_contexts=(context(1, 2), context(3, 2))),
        exceeds=request(presentation_contexts=(context(1, 2), context(3, 3))),
    )


async def test_user_items_beyond_the_limit_are_rejected() -> None:
    stray = UnknownItem(0x7F, b"")
    await refused(
        "user_items",
        3,
        fits=request(user_information=(stray,) * 3),
        exceeds=request(user_information=(stray,) * 4),
    )
    await refused(
        "user_items", 4, fits=request(unknown_items=(stray,) * 2), exceeds=request(unknown_items=(stray,) * 3)
    )


async def test_user_item_above_the_limit_is_rejected() -> None:
    fits, exceeds = (UserIdentityRQ(3, False, bytes(count)) for count in (54, 55))
    await refused("user_item", 60, fits=request(user_information=(fits,)), exceeds=request(user_information=(exceeds,)))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            {"user_information": (UnknownItem(0x7F, b""),) * 9},
            "A-ASSOCIATE-AC.50H: 9 exceeds the limit user_items",
        ),
        ({"unknown_items": (UnknownItem(0x7F, b""),) * 9}, "A-ASSOCIATE-AC: 9 exceeds the limit user_items"),
    ],
)
async def test_associate_ac_is_bounded(change: dict[str, object], cause: str) -> None:
    """Evt19 in Sta5: AA-8."""
    seen: list[PDU | None] = []

    async def talkative(raw: Raw) -> None:
        await raw.receive()
        example = EXAMPLE[AssociateAC]
        assert isinstance(example, AssociateAC)
        raw.send(dataclasses.replace(example, **change))  # type: ignore[arg-type]  # fields of it
        seen.append(await raw.receive())

    async with raw_server(talkative) as port:
        with pytest.raises(AssociationAborted, match=cause):
            async with connect("127.0.0.1", port, ECHO, limits=Limits(user_items=8)):
                pass
    assert seen == [Abort(2, 6)]


async def test_command_set_above_the_limit_is_aborted() -> None:
    async with server("command_set", limits=Limits(command_set=100)) as running, raw_client(running) as raw:
        await raw.associate()
        for _ in range(2):
            raw.send(PDataTF((PDV(1, bytes(60), True, False),)))
        assert await raw.receive() == Abort(0, 0)


STORE = encode_command(CStoreRQ(MessageID=1, AffectedSOPClassUID="1.2", AffectedSOPInstanceUID="1.3", Data=b""))


async def test_data_set_above_the_limit_is_aborted() -> None:
    async with server("data_set", limits=Limits(data_set=100)) as running, raw_client(running) as raw:
        await raw.associate()
        raw.send(PDataTF((PDV(1, STORE, True, True),)), *[PDataTF((PDV(1, bytes(60), False, False),))] * 2)
        assert await raw.receive() == Abort(0, 0)


async def test_fragments_beyond_the_limit_are_aborted() -> None:
    """A message needs few fragments; processing a million of them takes long."""
    async with server("fragments", limits=Limits(fragments=10)) as running, raw_client(running) as raw:
        await raw.associate()
        raw.send(PDataTF((PDV(1, STORE, True, True), *[PDV(1, b"", False, False)] * 9)))
        raw.send(PDataTF((PDV(1, b"", False, False),)))
        assert await raw.receive() == Abort(0, 0)


async def test_each_message_may_have_all_fragments() -> None:
    async with serve([net.VERIFICATION], port=0, limits=Limits(fragments=1)) as running, raw_client(running) as raw:
        await raw.associate()
        for number in range(1, 4):
            raw.send(echo(number))
            assert isinstance(await raw.receive(), PDataTF)


async def test_client_bounds_received_messages() -> None:
    async def verbose(raw: Raw) -> None:
        await raw.accept()
        await raw.receive()
        raw.send(*[PDataTF((PDV(1, bytes(60), True, False),))] * 2)
        await raw.receive()

    async with raw_server(verbose) as port:
        with pytest.raises(AssociationAborted, match="Command Set: 120 exceeds the limit command_set = 100"):
            async with connect("127.0.0.1", port, ECHO, limits=Limits(command_set=100)) as association:
                await c_echo(association)
    assert association.limit == "command_set"


async def test_requests_beyond_the_limit_are_not_read() -> None:
    """The association goes on; further requests stay in the kernel until there is room."""
    began: list[int] = []
    go_on = asyncio.Event()

    async def handler(operation: Operation) -> Response:
        began.append(operation.message.MessageID)
        await go_on.wait()
        return operation.reply()

    @asynccontextmanager
    async def open_(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
        yield {(Verification, CEchoRQ): handler}

    async with serve([Service(ECHO, open_)], port=0, limits=Limits(requests=1)) as running, raw_client(running) as raw:
        await raw.associate()
        for number in range(1, 10):
            raw.send(echo(number))
        await until(lambda: began)
        assert began == [1]
        go_on.set()
        for _ in range(9):
            assert isinstance(await raw.receive(), PDataTF)
        assert began == list(range(1, 10))


# --- numbers at once ---


async def test_associations_beyond_the_limit_are_rejected() -> None:
    async with serve([net.VERIFICATION], port=0, limits=Limits(associations=1)) as running:
        async with raw_client(running) as first, raw_client(running) as second:
            await first.associate()
            second.send(EXAMPLE[AssociateRQ])
            assert await second.receive() == AssociateRJ(2, 3, 2)
            first.send(ReleaseRQ())
            assert await first.receive() == ReleaseRP()
        async with raw_client(running) as third:
            await third.associate()
    assert running.admission.hits == {"associations": 1}


async def test_host_associations_beyond_the_limit_are_rejected() -> None:
    limits = Limits(associations=10, host_associations=1)
    async with serve([net.VERIFICATION], port=0, limits=limits) as running:
        async with raw_client(running) as first, raw_client(running) as second:
            await first.associate()
            second.send(EXAMPLE[AssociateRQ])
            assert await second.receive() == AssociateRJ(2, 3, 2)
    assert running.admission.hits == {"host_associations": 1}


async def closed_unread(limit: str) -> None:
    """Nothing can be sent in Sta2."""
    async with serve([net.VERIFICATION], port=0, limits=Limits(**{limit: 2})) as running:
        async with raw_client(running) as first, raw_client(running) as second:
            await first.associate()
            await second.associate()
            async with raw_client(running) as third:
                third.send(EXAMPLE[AssociateRQ])
                assert await third.receive() is None
            first.writer.close()
            await first.writer.wait_closed()
            await until(lambda: len(running.associations) < 2)
            async with raw_client(running) as fourth:
                await fourth.associate()
    assert running.admission.hits == {limit: 1}


async def test_connections_beyond_the_limit_are_closed_unread() -> None:
    await closed_unread("connections")


async def test_host_connections_beyond_the_limit_are_closed_unread() -> None:
    await closed_unread("host_connections")


# --- timeouts ---


async def test_connect_ends_a_connection_without_an_answer() -> None:
    async def silent(raw: Raw) -> None:
        await raw.reader.read()

    async with raw_server(silent) as port:
        with pytest.raises(ConnectionFailed, match=r"did not answer within 0\.05 s"):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(connect=0.05, linger=0.05)):
                pass


async def test_artim_closes_an_incomplete_request() -> None:
    async with server("artim", timeouts=Timeouts(artim=0.05)) as running, raw_client(running) as raw:
        raw.writer.write(b"\x01\0")
        assert await raw.receive() is None


async def test_pdu_aborts_a_slow_pdu() -> None:
    """The PDU has 4096 bytes, which arrive one by one."""
    async with server("pdu", timeouts=Timeouts(pdu=0.1)) as running, raw_client(running) as raw:
        await raw.associate()
        raw.writer.write(b"\x04\0\0\0\x10\0")
        ended = asyncio.create_task(raw.receive())
        while not ended.done():
            raw.writer.write(b"\0")
            await asyncio.wait({ended}, timeout=0.01)
        assert ended.result() == Abort(0, 0)


async def test_each_pdu_restarts_its_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read ends within a PDU, as in a stream of images; none of them takes long."""
    wire = b"".join(encode_pdu(echo()))
    async with serve([net.VERIFICATION], port=0, timeouts=Timeouts(pdu=1)) as running, raw_client(running) as raw:
        await raw.associate()
        clock = Clock(monkeypatch)
        raw.writer.write(wire[:20])
        for _ in range(5):
            raw.writer.write(wire[20:] + wire[:20])
            assert isinstance(await raw.receive(), PDataTF)
            await clock.pass_time(0.6)
    assert running.admission.hits == {}


async def test_message_aborts_a_slow_message() -> None:
    """Each PDU has one byte, so the message takes too long although its PDUs do not."""
    async with server("message", timeouts=Timeouts(message=0.1)) as running, raw_client(running) as raw:
        await raw.associate()
        raw.send(PDataTF((PDV(1, STORE, True, True),)))
        ended = asyncio.create_task(raw.receive())
        while not ended.done():
            raw.send(PDataTF((PDV(1, b"\0", False, False),)))
            await asyncio.wait({ended}, timeout=0.01)
        assert ended.result() == Abort(0, 0)


async def test_memory_makes_messages_wait() -> None:
    """No association is refused: a message waits until there is room, and all are answered."""
    await _send_four_large_messages(Limits(memory=3 << 20))


async def test_host_memory_makes_messages_wait() -> None:
    await _send_four_large_messages(Limits(host_memory=3 << 20))


async def _send_four_large_messages(limits: Limits) -> None:
    async def take(operation: Operation) -> Response:
        return operation.reply()

    large = Dataset(PixelData=bytes(12 << 20))
    async with serve([service(take, NSetRQ)], port=0, limits=limits) as running:

        async def send() -> int:
            async with connect(running.host, running.port, {PRINT: SYNTAXES}) as association:
                context = association.context_for(PRINT)
                return (await n_set(association, context, BasicFilmSession, "1.2", large)).Status

        assert await asyncio.gather(*(send() for _ in range(4))) == [0, 0, 0, 0]
        assert running.resources.budget.total == 0
    assert running.admission.hits == {}


async def test_stall_aborts_a_message_that_does_not_continue() -> None:
    """An incomplete message that does not continue is aborted once another waits for its memory."""
    limits, timeouts = Limits(memory=1 << 20), Timeouts(stall=0.05)
    async with server("stall", limits=limits, timeouts=timeouts) as running, raw_client(running) as raw:
        await raw.associate()
        raw.send(PDataTF((PDV(1, STORE, True, True),)))
        raw.send(*(PDataTF((PDV(1, bytes(1 << 16), False, False),)) for _ in range(40)))
        async with raw_client(running) as other:
            await other.associate()
            await until(lambda: running.resources.budget.total > 0)
            other.send(PDataTF((PDV(1, STORE, True, True),)))
            other.send(*(PDataTF((PDV(1, bytes(1 << 16), False, False),)) for _ in range(40)))
            assert await raw.receive() == Abort(0, 0)


async def test_idle_aborts_a_silent_association() -> None:
    async with server("idle", timeouts=Timeouts(idle=0.05)) as running, raw_client(running) as raw:
        await raw.associate()
        assert await raw.receive() == Abort(0, 0)


async def test_dimse_raises_without_a_response() -> None:
    async def mute(raw: Raw) -> None:
        await raw.accept()
        while await raw.receive() is not None:
            pass

    async with raw_server(mute) as port:
        with pytest.raises(ResponseTimeout, match=r"no response to CEchoRQ within 0\.05 s"):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(dimse=0.05, linger=0.05)) as association:
                await c_echo(association)


async def test_handler_fails_its_own_operation_only() -> None:
    """A handler that hangs fails its own operation only."""

    async def hang(operation: Operation) -> Response:  # noqa: ARG001
        await asyncio.Event().wait()
        raise AssertionError

    services = [service(hang, NSetRQ), net.VERIFICATION]
    async with serve(services, port=0, timeouts=Timeouts(handler=0.02)) as running:
        async with connect(running.host, running.port, ECHO | {PRINT: SYNTAXES}) as association:
            context = association.context_for(PRINT)
            response = await n_set(association, context, BasicFilmSession, "1.2", Dataset(Rows=1))
            assert (response.Status, response.ErrorComment) == (0x0110, "not done within 0.02 s")
            assert (await c_echo(association)).Status == 0


async def test_write_ends_an_association_that_is_not_read() -> None:
    async def stop_reading(raw: Raw) -> None:
        await raw.accept()
        await asyncio.Event().wait()

    dataset = Dataset(PixelData=bytes(1 << 25))
    async with raw_server(stop_reading) as port:
        with pytest.raises(AssociationAborted, match=r"read nothing for 0\.05 s"):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(write=0.05)) as association:
                await n_set(association, association.contexts[1], "1.2", "1.2", dataset)
    assert association.limit == "write"


async def test_release_aborts_without_an_answer() -> None:
    seen: list[PDU | None] = []

    async def mute(raw: Raw) -> None:
        await raw.accept()
        seen.extend([await raw.receive(), await raw.receive()])

    async with raw_server(mute) as port:
        async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(release=0.05)):
            pass
    assert seen == [ReleaseRQ(), Abort(0, 0)]


async def test_linger_closes_after_an_abort() -> None:
    closed = asyncio.Event()

    async def deaf(raw: Raw) -> None:
        await raw.accept()
        while await raw.receive() is not None:
            pass
        closed.set()

    async with raw_server(deaf) as port:
        async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(linger=0.05)) as association:
            association.abort()
        await closed.wait()


# --- the tables ---


def test_each_limit_has_one_test_of_its_name() -> None:
    for cls in (Limits, Timeouts):
        for field in dataclasses.fields(cls):
            assert len([name for name in globals() if name.startswith(f"test_{field.name}_")]) == 1, field.name


def test_the_table_has_each_limit_with_its_default() -> None:
    for cls in (Limits, Timeouts):
        table = TABLE.partition(f"## {cls.__name__}\n")[2].partition("\n## ")[0]
        rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,.]+)(?: \w+)? \|", table, re.M))
        for field in dataclasses.fields(cls):
            assert float(rows[field.name].replace(",", "")) == field.default, field.name


def test_error_names_field_limit_and_value() -> None:
    error = LimitExceeded("contexts", "129", 128, path="A-ASSOCIATE-RQ")
    assert str(error) == "A-ASSOCIATE-RQ: 129 exceeds the limit contexts = 128"
    assert str(LimitExceeded("contexts", "129", 128)) == "129 exceeds the limit contexts = 128"
    error = LimitExceeded("memory", "the system has no room for 5 bytes", None, path="Data Set")
    assert str(error) == "Data Set: the system has no room for 5 bytes"
