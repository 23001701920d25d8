"""Faults on purpose: only the requested fault happens, at the requested place."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from dimse.errors import AssociationAborted, ResponseTimeout
from dimse.message import Message, NActionRQ, NEventReportRQ, NGetRQ, NGetRSP, NSetRQ, Request, Response
from dimse.net import Association, Operation, Record, Timeouts, connect, scu
from dimse.uids import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    ImplicitVRLittleEndian,
    Printer,
    PrinterInstance,
)
from print_mgmt import Film, PrintClient, PrintFailed, PrintServer, PrintUncertain
from print_mgmt.jobs import JobFailed, PrinterState, PrintQueue
from print_mgmt.scp.faults import Change, Fault, FaultError, Misbehavior, Place, parse_state

IMAGE = np.zeros((2, 2), np.uint8)
SET = NSetRQ(MessageID=1, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID="1.2")


@asynccontextmanager
async def printer(*faults: str, events: tuple[str, ...] = ()) -> AsyncIterator[tuple[PrintServer, list[Film]]]:
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        films.append(film)

    bad = Misbehavior(map(Fault.parse, faults), map(Change.parse, events))
    async with PrintServer(bad.wrap(on_film), port=0, intercept=bad) as server:
        yield server, films


async def outcome(server: PrintServer) -> str:
    """Return the outcome of a print of one image."""
    try:
        async with PrintClient(server.host, server.port, timeouts=Timeouts(dimse=0.2)) as client:
            report = await client.print_images([IMAGE])
    except (PrintFailed, PrintUncertain, AssociationAborted, ResponseTimeout) as exc:
        return str(exc)
    return " ".join(map(str, report.warnings))


# --- texts ---


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C605", r"'C605' is not WHAT@WHERE"),
        ("C605@N-EVENT", "'N-EVENT' is not OPERATION.*; the operations are N-CREATE, N-SET"),
        ("C605@N-SET#0", "'N-SET#0' is not OPERATION"),
        ("C605@N-SET Film#x", "is not OPERATION"),
        (
            "C605@N-SET Box of Chocolates",
            "'Box of Chocolates' is not one of the SOP Classes .* BasicFilmSession, BasicFilmBox",
        ),
        ("C60@N-SET", "'C60' is neither a status of four hexadecimal digits nor NO-ANSWER nor ABORT nor DROP"),
        ("EXPLODE@N-SET", "'EXPLODE' is neither a status"),
        ("NO FUN@FILM#1", "ExecutionStatusInfo: 'NO FUN'"),
        ("FILM JAM@FILM Box", "'FILM Box' is not OPERATION"),
    ],
)
def test_wrong_fault_is_refused(text: str, words: str) -> None:
    with pytest.raises(FaultError, match=words):
        Fault.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SUPPLY LOW@N-SET", "PrinterStatus: 'SUPPLY LOW'"),
        ("WARNING@N-SET", "PrinterStatusInfo: 'NORMAL'"),
        ("WARNING:SUPPLY LOW", "is not WHAT@WHERE"),
        ("NORMAL@FILM", "not at FILM"),
    ],
)
def test_wrong_change_is_refused(text: str, words: str) -> None:
    with pytest.raises(FaultError, match=words):
        Change.parse(text)


def test_normal_state_needs_no_info() -> None:
    assert parse_state("NORMAL") == ("NORMAL", "NORMAL")


GET = NGetRQ(MessageID=1, RequestedSOPClassUID=Printer, RequestedSOPInstanceUID=PrinterInstance)
ACTION = NActionRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID="1.2", ActionTypeID=1)


@pytest.mark.parametrize(
    ("place", "message", "is_there"),
    [
        ("N-SET", SET, True),
        ("N-GET", SET, False),
        ("N-SET image box", replace(SET, RequestedSOPClassUID=BasicColorImageBox), True),
        ("N-SET FilmBox", SET, False),
        ("N-GET Printer", GET, True),
        ("N-ACTION FilmBox#2", ACTION, True),
        ("N-ACTION FilmSession", ACTION, False),
    ],
)
def test_place_has_operation_and_sop_class(place: str, message: Request, is_there: bool) -> None:
    assert Place.parse(place).is_of(message) == is_there


def test_image_box_stands_for_gray_and_color() -> None:
    assert Place.parse("N-SET ImageBox").sop_classes == {BasicGrayscaleImageBox, BasicColorImageBox}


# --- effects ---


@pytest.mark.parametrize("fault", ["C605@N-SET#2", "C605@N-SET ImageBox#2", "c605@N-SET Basic Grayscale Image Box#2"])
async def test_failure_status_performs_nothing(fault: str) -> None:
    async with printer(fault) as (server, films):
        assert await outcome(server) == ""
        assert "status C605H (Insufficient memory in printer" in await outcome(server)
        assert await outcome(server) == ""
    assert len(films) == 2


async def test_canceled_request_prints_nothing() -> None:
    """FE00 is no success."""
    async with printer("FE00@N-ACTION") as (server, films):
        assert "FE00H" in await outcome(server)
    assert films == []


async def test_fault_without_number_is_repeated() -> None:
    async with printer("0110@N-CREATE FilmSession") as (server, films):
        assert ["0110H" in await outcome(server) for _ in range(3)] == [True] * 3
    assert films == []


async def test_warning_status_prints_the_film() -> None:
    async with printer("B605@N-CREATE FilmBox#1") as (server, films):
        assert "B605H" in await outcome(server)
        assert await outcome(server) == ""
    assert len(films) == 2


async def test_warning_does_not_hide_a_failure() -> None:
    async with printer("B605@N-GET") as (server, _):
        async with connect(server.host, server.port, {Printer: (ImplicitVRLittleEndian,)}) as association:
            context = association.context_for(Printer)
            response = await scu.n_get(association, context, Printer, "1.2.3")
    assert response.Status == 0x0112


@pytest.mark.parametrize(
    ("what", "words"), [("ABORT", "association aborted: source 0"), ("DROP", "association aborted: source 2")]
)
async def test_abort_and_drop_end_the_association(what: str, words: str) -> None:
    async with printer(f"{what}@N-ACTION#1") as (server, films):
        assert words in await outcome(server)
        assert await outcome(server) == ""
    assert len(films) == 1


async def test_no_answer_sends_no_response() -> None:
    async with printer("NO-ANSWER@N-CREATE FilmBox") as (server, films):
        assert "no response to NCreateRQ" in await outcome(server)
    assert films == []


async def test_film_fault_fails_one_job() -> None:
    queue = PrintQueue()
    bad = Misbehavior([Fault.parse("FILM JAM@FILM#2")])

    async def on_film(film: Film) -> None: ...

    async with PrintServer(bad.wrap(on_film), port=0, intercept=bad, queue=queue) as server:
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([IMAGE] * 3)
    assert [job.ExecutionStatusInfo for job in queue.failed] == ["FILM JAM"]
    assert (server.printed, server.failed) == (2, 1)


def test_each_fault_counts_all_films() -> None:
    bad = Misbehavior([Fault.parse("FILM JAM@FILM#1"), Fault.parse("COVER OPEN@FILM#2")])
    for term in ("FILM JAM", "COVER OPEN"):
        with pytest.raises(JobFailed, match=term):
            bad.count_film()
    bad.count_film()


async def test_change_is_reported_before_the_response() -> None:
    events = ("WARNING:SUPPLY LOW@N-GET#2", "NORMAL@N-GET#3")
    heard: list[type[Message]] = []

    def note(record: Record) -> None:
        if record.direction == "<" and isinstance(record.what, Message):
            heard.append(type(record.what))

    async with printer(events=events) as (server, _):
        proposed = {Printer: (ImplicitVRLittleEndian,)}
        async with connect(server.host, server.port, proposed, trace=note) as association:
            context = association.context_for(Printer)
            statuses = []
            for _ in range(3):
                async with asyncio.timeout(30):
                    response = await scu.n_get(association, context, Printer, PrinterInstance)
                statuses.append(scu.dataset_of(association, context, response).PrinterStatus)
    assert statuses == ["NORMAL", "WARNING", "NORMAL"]
    assert heard == [NGetRSP, NEventReportRQ, NGetRSP, NEventReportRQ, NGetRSP]


async def test_fault_is_limited_to_its_sop_class() -> None:
    async with printer("C600@N-ACTION FilmSession", "0124@N-SET FilmSession") as (server, films):
        assert await outcome(server) == ""
    assert len(films) == 1
    assert Place("N-SET").sop_classes >= {BasicFilmSession}


async def test_request_that_arrives_meanwhile_counts_later() -> None:
    """The first request waits until its client has confirmed the event; another request arrives during that time."""
    bad = Misbehavior([Fault.parse("C605@N-SET#1")], [Change.parse("WARNING:SUPPLY LOW@N-SET#1")])
    statuses: dict[str, int] = {}

    async def perform(operation: Operation) -> Response:
        return operation.reply()

    async def send(name: str) -> None:
        statuses[name] = (await bad(reporting, Operation(Mock(), Mock(), SET), perform)).Status

    async def flush_events(_: Association) -> None:
        await send("second")

    reporting = Mock(printer_state=PrinterState(), flush_events=flush_events)
    await send("first")
    assert statuses == {"first": 0xC605, "second": 0x0000}
