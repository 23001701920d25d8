"""Negotiated windows of asynchronous operations, PS3.7 D.3.3.3."""

import asyncio
from dataclasses import replace

import pytest
from latch import Latch
from raw import PRINT, SYNTAXES, act, proposal, raw_client, service, until

from dimse.message import (
    NActionRQ,
    NActionRSP,
    NEventReportRQ,
    NEventReportRSP,
    Response,
)
from dimse.net import Operation, connect, serve
from dimse.net.scu import n_event_report
from dimse.uids import Printer, PrinterInstance
from dimse.ul import (
    AssociateAC,
    AsynchronousOperationsWindow,
    ReleaseRP,
    ReleaseRQ,
)

Window = AsynchronousOperationsWindow
PROPOSED = {PRINT: SYNTAXES}
ACTION = NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=1)


@pytest.mark.parametrize(
    ("asked", "granted", "at_once"),
    [
        (None, Window(8, 8), 1),
        (Window(3, 1), Window(1, 1), 1),
        (Window(3, 1), Window(1, 8), 3),
        (Window(8, 1), Window(1, 2), 2),
        (Window(0, 1), Window(1, 4), 4),
    ],
)
async def test_window_bounds_outstanding_operations(asked: Window | None, granted: Window, at_once: int) -> None:
    latch = Latch()
    items = () if asked is None else (asked,)
    async with serve([service(latch, NActionRQ)], port=0, window=granted) as server:
        async with connect(server.host, server.port, PROPOSED, user_items=items) as association:
            operations = [asyncio.create_task(act(association)) for _ in range(10)]
            await until(lambda: len(latch.begun) == at_once)
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(latch.begun) == at_once
            while not all(operation.done() for operation in operations):
                latch.open()
                await asyncio.sleep(0)
            responses = [operation.result() for operation in operations]
    assert [response.Status for response in responses] == [0] * 10
    assert latch.most == at_once


async def test_requests_beyond_the_window_wait() -> None:
    """A peer sends nine requests in a window of two: two are performed at once, and all are answered."""
    latch = Latch()
    request = proposal(Window(2, 1))
    async with serve([service(latch, NActionRQ)], port=0, window=Window(1, 2)) as server, raw_client(server) as raw:
        raw.send(request)
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC)
        assert Window(2, 1) in answer.user_information
        for number in range(1, 10):
            raw.say(replace(ACTION, MessageID=number))
        await until(lambda: len(latch.begun) == 2)
        while len(latch.begun) < 9:
            latch.open()
            await asyncio.sleep(0)
        latch.open()
        answered = [(await raw.hear())[1] for _ in range(9)]
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()
    assert latch.most == 2
    assert sorted(a.MessageIDBeingRespondedTo for a in answered if isinstance(a, NActionRSP)) == list(range(1, 10))


async def test_release_waits_for_concurrent_requests() -> None:
    latch = Latch()
    request = proposal(Window(2, 1))
    async with serve([service(latch, NActionRQ)], port=0, window=Window(1, 2)) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        raw.say(ACTION)
        raw.send(ReleaseRQ())
        await until(lambda: latch.begun)
        latch.open()
        assert isinstance((await raw.hear())[1], NActionRSP)
        assert await raw.receive() == ReleaseRP()


async def test_handler_may_wait_for_a_busy_peer() -> None:
    """A response stands behind waiting requests, which are read with it and performed afterwards."""

    async def ask_back(operation: Operation) -> Response:
        answer = await n_event_report(operation.association, operation.context, Printer, PrinterInstance, 2)
        return operation.reply(answer.Status)

    request = proposal()
    async with serve([service(ask_back, NActionRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        for number in range(1, 10):
            raw.say(replace(ACTION, MessageID=number))
        for number in range(1, 10):
            _, heard = await raw.hear()
            assert isinstance(heard, NEventReportRQ)
            raw.say(NEventReportRSP(MessageIDBeingRespondedTo=heard.MessageID, Status=0))
            _, answer = await raw.hear()
            assert isinstance(answer, NActionRSP)
            assert answer.MessageIDBeingRespondedTo == number
