"""Jobs and events of our printer: pynetdicom and DCMTK get them and continue."""

import asyncio
import queue
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from peers import PATIENCE, Dcmtk, Films, need
from pynetdicom_scu import Scu, associated, image_item

from dimse.uids import BasicFilmBox, BasicFilmSession, Printer, PrinterInstance, PrintJob
from print_mgmt import Film, PrintServer
from print_mgmt.jobs import JobFailed, PrintQueue
from print_mgmt.scp import Change, Fault, Misbehavior

pytestmark = pytest.mark.interop

pydicom, pynetdicom = need("pydicom"), need("pynetdicom")

Heard = tuple[str, str, int, Any]  # context, SOP Instance, Event Type ID, Event Information

IMAGE = np.arange(64, dtype=np.uint8).reshape(8, 8)


class Ear:
    """An N-EVENT-REPORT handler of a pynetdicom SCU that records the events."""

    def __init__(self) -> None:
        self._heard: queue.Queue[Heard] = queue.Queue()
        self.handlers = [(pynetdicom.evt.EVT_N_EVENT_REPORT, self._hear)]

    def _hear(self, event: Any) -> tuple[int, None]:
        request = event.request
        information = event.event_information if request.EventInformation else None
        context = str(event.context.abstract_syntax)
        self._heard.put((context, str(request.AffectedSOPInstanceUID), int(request.EventTypeID), information))
        return 0x0000, None

    def next(self, count: int) -> list[Heard]:
        return [self._heard.get(timeout=PATIENCE) for _ in range(count)]


def print_film(scu: Scu) -> str:
    """Print a film; return the SOP Instance UID of its job."""
    session = scu.session(FilmSessionLabel="Knee", PrintPriority="HIGH")
    film = scu.film(session.SOPInstanceUID, "STANDARD\\1,1")
    assert scu.image(film, 1, image_item(IMAGE)).Status == 0
    printed = scu.print(BasicFilmBox, film.SOPInstanceUID)
    assert printed.Status == 0
    assert scu.delete(BasicFilmSession, session.SOPInstanceUID).Status == 0
    (reference,) = printed.dataset.ReferencedPrintJobSequencePullStoredPrint
    assert reference.ReferencedSOPClassUID == PrintJob
    return str(reference.ReferencedSOPInstanceUID)


async def test_pynetdicom_gets_the_events_of_its_jobs() -> None:
    queue_ = PrintQueue()

    async def on_film(film: Film) -> None:
        if film.number == 2:
            raise JobFailed("FILM JAM")

    def work(port: int) -> None:
        ear = Ear()
        with associated(port, also=[PrintJob], handlers=ear.handlers) as scu:
            for ends in ((3, "NORMAL"), (4, "FILM JAM"), (3, "NORMAL")):
                uid = print_film(scu)
                told = ear.next(3)
                assert {(context, instance) for context, instance, _, _ in told} == {(PrintJob, uid)}
                assert [(number, information.ExecutionStatusInfo) for _, _, number, information in told] == [
                    (1, "QUEUED"),
                    (2, "NORMAL"),
                    ends,
                ]
                assert {information.FilmSessionLabel for _, _, _, information in told} == {"Knee"}

    async with PrintServer(on_film, port=0, queue=queue_) as server:
        await asyncio.to_thread(work, server.port)
    assert (server.printed, server.failed) == (2, 1)


async def test_pynetdicom_gets_its_job() -> None:
    go_on = asyncio.Event()

    async def on_film(film: Film) -> None:  # noqa: ARG001
        await go_on.wait()

    def work(port: int, loop: asyncio.AbstractEventLoop) -> None:
        ear = Ear()
        with associated(port, also=[PrintJob], handlers=ear.handlers) as scu:
            uid = print_film(scu)
            ear.next(2)
            status, job = scu.association.send_n_get([], PrintJob, uid)
            assert status.Status == 0
            assert (job.ExecutionStatus, job.ExecutionStatusInfo) == ("PRINTING", "NORMAL")
            assert (job.PrintPriority, job.Originator, job.PrinterName) == ("HIGH", "PNDSCU", "PRINTSCP")
            assert len(job.CreationDate) == 8
            loop.call_soon_threadsafe(go_on.set)
            ear.next(1)
            status, job = scu.association.send_n_get([], PrintJob, uid)
            while status.Status == 0:  # until the confirmation reaches our printer
                status, job = scu.association.send_n_get([], PrintJob, uid)
            assert status.Status == 0x0112

    async with PrintServer(on_film, port=0) as server:
        await asyncio.to_thread(work, server.port, asyncio.get_running_loop())


async def test_pynetdicom_gets_printer_events_during_requests() -> None:
    changes = ["WARNING:SUPPLY LOW@N-SET", "FAILURE:SUPPLY EMPTY@N-ACTION", "NORMAL@N-DELETE"]
    bad = Misbehavior(changes=map(Change.parse, changes))

    def work(port: int) -> None:
        ear = Ear()
        with associated(port, also=[Printer, PrintJob], handlers=ear.handlers) as scu:
            for _ in range(3):
                print_film(scu)
                told = [heard for heard in ear.next(6) if heard[0] == Printer]
                assert [(instance, number) for _, instance, number, _ in told] == [
                    (PrinterInstance, 2),
                    (PrinterInstance, 3),
                    (PrinterInstance, 1),
                ]
                assert [information.PrinterStatusInfo for _, _, _, information in told[:2]] == [
                    "SUPPLY LOW",
                    "SUPPLY EMPTY",
                ]

    async with PrintServer(Films(), port=0, intercept=bad) as server:
        await asyncio.to_thread(work, server.port)
    assert server.printed == 3


async def test_dcmprscu_prints_despite_events(dcmtk: Dcmtk, images: list[Path]) -> None:
    """DCMTK proposes no context for Printer alone: the events come on the context of the Meta SOP Class."""
    changes = ["WARNING:SUPPLY LOW@N-CREATE", "FAILURE:COVER OPEN@N-SET", "NORMAL@N-ACTION"]
    bad = Misbehavior(changes=map(Change.parse, changes))
    stored = await dcmtk.store("OURS12", images[:3], "--layout", "1", "3")
    async with PrintServer(films := Films(), port=0, intercept=bad) as server:
        for _ in range(2):
            assert await dcmtk.print("OURS12", server.port, stored) == []
    assert len(films) == 2


@pytest.mark.parametrize("fault", ["C605@N-SET#2", "ABORT@N-ACTION#1", "DROP@N-CREATE FilmBox#1", "0110@N-GET#1"])
async def test_dcmprscu_prints_again_after_a_failure(dcmtk: Dcmtk, images: list[Path], fault: str) -> None:
    bad = Misbehavior([Fault.parse(fault)])
    stored = await dcmtk.store("OURS12", images[:2], "--layout", "1", "2")
    async with PrintServer(films := Films(), port=0, intercept=bad) as server:
        errors = await dcmtk.print("OURS12", server.port, stored)
        printed = len(films)
        assert await dcmtk.print("OURS12", server.port, stored) == []
    assert errors or fault.startswith("0110"), "it asks for the printer, and continues without an answer"
    assert len(films) == printed + 1
