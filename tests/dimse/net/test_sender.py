"""A sender sends messages one after another, to a peer that may read slowly."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count

import pytest
from raw import ECHO, PRINT, SYNTAXES, Raw, raw_server, service

from dimse.data import Dataset
from dimse.errors import AssociationAborted, EncodeError, LocalProtocolError
from dimse.message import NSetRQ, Response
from dimse.net import VERIFICATION, Association, Limits, Operation, Timeouts, connect, serve
from dimse.net.buffers import WriteQueue
from dimse.net.scu import c_echo, n_set
from dimse.uids import BasicFilmSession
from dimse.ul import AsynchronousOperationsWindow, ReleaseRP, ReleaseRQ

Window = AsynchronousOperationsWindow
SET = NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3")
DATASET = Dataset(PixelData=bytes(1 << 25))


async def test_concurrent_echoes_are_sent_one_by_one() -> None:
    """PS3.7 D.3.3.3: one outstanding operation, unless another window was negotiated."""
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            responses = await asyncio.gather(*(c_echo(association) for _ in range(20)))
    assert [response.MessageIDBeingRespondedTo for response in responses] == list(range(1, 21))


async def test_peer_that_stops_reading_is_disconnected() -> None:
    """Sending waits for the peer, until the write timeout."""

    async def stop_reading(raw: Raw) -> None:
        await raw.accept()
        await asyncio.Event().wait()

    syntaxes = {PRINT: SYNTAXES}
    async with raw_server(stop_reading) as port:
        with pytest.raises(AssociationAborted, match=r"read nothing for 0\.05 s"):
            async with connect("127.0.0.1", port, syntaxes, timeouts=Timeouts(write=0.05)) as association:
                await n_set(association, association.contexts[1], BasicFilmSession, "1.2", DATASET)


async def test_slow_reader_is_not_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The write timeout begins again whenever the peer has read something."""
    sizes: list[int] = []

    def shrinking(_queue: WriteQueue) -> int:
        sizes.append(max(20 - len(sizes), 1))
        return sizes[-1]

    async def stop_reading(raw: Raw) -> None:
        await raw.accept()
        await asyncio.Event().wait()

    monkeypatch.setattr(WriteQueue, "size", property(shrinking))
    async with raw_server(stop_reading) as port:
        with pytest.raises(AssociationAborted, match=r"read nothing for 0\.01 s"):
            async with connect("127.0.0.1", port, {PRINT: SYNTAXES}, timeouts=Timeouts(write=0.01)) as association:
                await n_set(association, association.contexts[1], BasicFilmSession, "1.2", DATASET)
    assert sizes[-2:] == [1, 1]


async def test_slow_reader_is_disconnected_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = count(1 << 30, -1)

    async def stop_reading(raw: Raw) -> None:
        await raw.accept()
        await asyncio.Event().wait()

    monkeypatch.setattr(WriteQueue, "size", property(lambda _: next(sizes)))
    async with raw_server(stop_reading) as port:
        timeouts = Timeouts(write=0.01, message=0.05)
        with pytest.raises(AssociationAborted, match=r"did not read a message within 0\.05 s"):
            async with connect("127.0.0.1", port, {PRINT: SYNTAXES}, timeouts=timeouts) as association:
                await n_set(association, association.contexts[1], BasicFilmSession, "1.2", DATASET)


async def test_long_messages_are_not_mixed() -> None:
    """PS3.8 Annex E: the fragments of a message follow each other."""
    received: list[bytes] = []

    async def keep(operation: Operation) -> Response:
        assert isinstance(operation.message.Data, memoryview)
        received.append(bytes(operation.message.Data))
        return operation.reply()

    sent = [bytes([number]) * 2_000_000 for number in range(4)]
    async with serve([service(keep, NSetRQ)], port=0, window=Window(1, 4)) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}, user_items=[Window(4, 1)]) as association:
            context = association.context_for(PRINT)
            requests = [replace(SET, MessageID=number, Data=data) for number, data in enumerate(sent, 1)]
            await asyncio.gather(*(association.request(context, request) for request in requests))
    assert received == sent


@pytest.mark.parametrize("length", [100, 20_000, 2_000_000])
async def test_words_are_sent_as_their_bytes(length: int) -> None:
    received: list[bytes] = []

    async def keep(operation: Operation) -> Response:
        assert isinstance(operation.message.Data, bytes | memoryview)
        received.append(bytes(operation.message.Data))
        return operation.reply()

    words = memoryview(bytes(range(250)) * (length // 250 or 1)).cast("H")
    async with serve([service(keep, NSetRQ)], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            for data in (words, [words, words]):
                await association.request(association.context_for(PRINT), replace(SET, Data=data))
    assert received == [bytes(words), bytes(words) * 2]


@pytest.mark.parametrize("data", ["text", 5, memoryview(bytes(100))[::2], memoryview(bytes(100_000))[::2]])
async def test_unwritable_message_sends_nothing(data: object) -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            context = association.contexts[1]
            with pytest.raises(EncodeError, match="is not bytes or a list of bytes"):
                await association.send(context, replace(SET, Data=data))  # type: ignore[arg-type]  # on purpose
            assert (await c_echo(association)).Status == 0


async def test_short_message_waits_for_a_slow_reader() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            association.transport.pause_writing()  # as asyncio calls it
            assert not association.sender.can_send_now
            asking = asyncio.create_task(c_echo(association))
            await asyncio.sleep(0)
            association.transport.resume_writing()
            assert (await asking).Status == 0


async def test_message_after_the_end_raises_its_error() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            association.abort()
            with pytest.raises(AssociationAborted, match="by this side"):
                await association.send(association.contexts[1], SET)


@pytest.mark.parametrize(("send", "what"), [(Association.send, "message"), (Association.request, "request")])
async def test_message_after_the_release_request_raises(send: Callable[..., Awaitable[object]], what: str) -> None:
    async def slow(raw: Raw) -> None:
        await raw.accept()
        assert await raw.receive() == ReleaseRQ()
        await released.wait()
        raw.send(ReleaseRP())

    released = asyncio.Event()
    async with raw_server(slow) as port:
        async with connect("127.0.0.1", port, ECHO) as association:
            releasing = asyncio.create_task(association.release())
            await asyncio.sleep(0)
            with pytest.raises(LocalProtocolError, match=f"no {what} can be sent in Sta7"):
                await send(association, association.contexts[1], SET)
            released.set()
            await releasing


@pytest.mark.parametrize("longest", [74, 73])
async def test_command_longer_than_a_pdu_is_cut(longest: int) -> None:
    """A C-ECHO-RQ has 68 bytes, and its PDV 6 more."""
    async with serve([VERIFICATION], port=0, limits=Limits(max_pdu=longest)) as server:
        async with connect(server.host, server.port, ECHO) as association:
            assert (await c_echo(association)).Status == 0
