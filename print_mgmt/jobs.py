"""Print jobs, the queue they wait in, and the state of the printer: PS3.3 C.13.8 and C.13.9, without I/O.

A job is made by N-ACTION and lives on by itself: PENDING in the queue, PRINTING, then DONE or FAILURE. Whoever
listens to it hears of each step, which is what N-EVENT-REPORT tells (PS3.4 H.4.5 and H.4.6). A job that failed
keeps the films that were not printed, and may be offered to the queue again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from dimse.data import Dataset
from dimse.errors import DimseError, LocalProtocolError
from dimse.uids import new_uid

from .model import FilmCopy
from .status_info import NORMAL, QUEUED, check_execution_status_info, check_printer_status_info

__all__ = ["Exposure", "JobFailed", "JobQueue", "PrintJob", "PrintQueue", "PrinterState"]

QUEUE_LENGTH = 16  # jobs that may wait
MEMORY = 1 << 32  # bytes of pixels in all jobs together
HISTORY = 256  # jobs that are remembered when they have ended

# PS3.3 C.13.8, and back to the queue for a job that is tried again
_STEPS = {
    "PENDING": ("PENDING", "PRINTING"),
    "PRINTING": ("DONE", "FAILURE"),
    "DONE": (),
    "FAILURE": ("PENDING",),
}
_JOB_EVENTS = {"PENDING": 1, "PRINTING": 2, "DONE": 3, "FAILURE": 4}  # Event Type IDs of PS3.4 H.4.5
_PRINTER_EVENTS = {NORMAL: 1, "WARNING": 2, "FAILURE": 3}  # Event Type IDs of PS3.4 H.4.6
_PRIORITIES = {"HIGH": 0, "MED": 1, "LOW": 2}


class JobFailed(DimseError):
    """A film could not be printed; ``ExecutionStatusInfo`` is the term of PS3.3 C.13.9.1 that the client is told."""

    def __init__(self, ExecutionStatusInfo: str, reason: str = "") -> None:
        check_execution_status_info("FAILURE", ExecutionStatusInfo)
        self.ExecutionStatusInfo = ExecutionStatusInfo
        super().__init__(reason or ExecutionStatusInfo)


class Exposure(NamedTuple):
    """One sheet of a job: copy ``copy`` of its film ``number``, both counted from 1."""

    film: FilmCopy
    number: int
    copy: int


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class PrintJob:
    """A Print Job, PS3.3 C.13.8. Made PENDING; `become` does the rest.

    ``films`` are printed ``copies`` times over, ``collated``: 1 2 3 1 2 3 (PS3.4 H.4.1.2.4), or 1 1 2 2 3 3.
    ``unprinted`` is what of it is still to be done, and empty once the job is DONE. ``confirmed`` says that
    the client has heard the end of the job: the instance exists no more.
    """

    films: tuple[FilmCopy, ...]
    copies: int = 1
    collated: bool = True
    SOPInstanceUID: str = field(default_factory=new_uid)
    PrintPriority: str = "MED"
    Originator: str = ""
    PrinterName: str = ""
    FilmSessionLabel: str = ""
    CreationDate: str = ""
    CreationTime: str = ""
    ExecutionStatus: str = "PENDING"
    ExecutionStatusInfo: str = QUEUED
    confirmed: bool = False
    unprinted: list[Exposure] = field(init=False)
    listeners: set[Callable[["PrintJob"], None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.unprinted = [
            Exposure(film, number, copy)
            for copy in range(1, self.copies + 1)
            for number, film in enumerate(self.films, 1)
        ]
        if not self.collated:
            self.unprinted.sort(key=lambda exposure: exposure.number)

    def __repr__(self) -> str:
        return f"<PrintJob {self.SOPInstanceUID} {self.ExecutionStatus}, {len(self.films)} films>"

    def become(self, ExecutionStatus: str, ExecutionStatusInfo: str = NORMAL) -> None:
        """Take the next step and tell the listeners.

        Raises `EncodeError` for a status or an info that there is not, and `LocalProtocolError` for a step that no
        job takes.
        """
        check_execution_status_info(ExecutionStatus, ExecutionStatusInfo)
        if ExecutionStatus not in _STEPS[self.ExecutionStatus]:
            raise LocalProtocolError(f"a job that is {self.ExecutionStatus} cannot become {ExecutionStatus}")
        self.ExecutionStatus, self.ExecutionStatusInfo = ExecutionStatus, ExecutionStatusInfo
        for listener in tuple(self.listeners):
            listener(self)

    @property
    def has_ended(self) -> bool:
        """Whether it is DONE or FAILURE."""
        return self.ExecutionStatus in ("DONE", "FAILURE")

    @property
    def nbytes(self) -> int:
        """The bytes of its images and overlays, as far as they are still to be printed."""
        films = {exposure.number: exposure.film for exposure in self.unprinted}
        return sum(cell.nbytes for film in films.values() for cell in film.sheet.cells)

    def attributes(self) -> Dataset:
        """What N-GET tells, PS3.4 H.4.5; what there is not is of zero length."""
        return _told(
            ExecutionStatus=self.ExecutionStatus,
            ExecutionStatusInfo=self.ExecutionStatusInfo,
            PrintPriority=self.PrintPriority,
            CreationDate=self.CreationDate,
            CreationTime=self.CreationTime,
            PrinterName=self.PrinterName,
            Originator=self.Originator,
        )

    @property
    def EventTypeID(self) -> int:
        """The event that its status is, PS3.4 H.4.5."""
        return _JOB_EVENTS[self.ExecutionStatus]

    def event_information(self) -> Dataset:
        """What N-EVENT-REPORT tells, PS3.4 H.4.5."""
        return _told(
            ExecutionStatusInfo=self.ExecutionStatusInfo,
            FilmSessionLabel=self.FilmSessionLabel,
            PrinterName=self.PrinterName,
        )


class JobQueue(Protocol):
    """Where accepted jobs are kept until they are printed, and longer for N-GET."""

    def offer(self, job: PrintJob, now: datetime) -> bool:
        """Take ``job``, new or failed, into the queue. False where there is no room for it."""

    def take(self) -> PrintJob | None:
        """The job to be printed next, PRINTING from now on; None where no job waits."""

    def finish(self, job: PrintJob) -> None:
        """``job``, which `take` gave, is DONE or FAILURE."""

    def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """The job of that instance, None where there is no such instance."""


class PrintQueue:
    """A `JobQueue` in memory: by priority, then first come, first served.

    ``length`` jobs may wait, and all that are kept have at most ``memory`` bytes of pixels together, but one job
    alone is always taken. Of the jobs that have ended the last ``history`` are kept: failed ones with their films
    while there is room.
    """

    def __init__(self, length: int = QUEUE_LENGTH, *, memory: int = MEMORY, history: int = HISTORY) -> None:
        self.length = length
        self._memory = memory
        self._history = history
        self._waiting: list[PrintJob] = []
        self._alive: dict[str, PrintJob] = {}  # waiting or printing
        self._ended: dict[str, PrintJob] = {}  # in the order of their end

    def __len__(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    @property
    def failed(self) -> tuple[PrintJob, ...]:
        """The jobs that may be offered again, the longest dead first."""
        return tuple(job for job in self._ended.values() if job.ExecutionStatus == "FAILURE")

    def offer(self, job: PrintJob, now: datetime) -> bool:
        """Take ``job`` into the queue; ``now`` is when. False where there is no room for it.

        Raises `LocalProtocolError` for a job that is in the queue already.
        """
        uid = job.SOPInstanceUID
        if uid in self._alive or (uid in self._ended and job.ExecutionStatus != "FAILURE"):
            raise LocalProtocolError(f"{job!r} is in the queue already")
        if len(self._waiting) >= self.length or not self._make_room(job):
            return False
        if not job.CreationDate:
            job.CreationDate, job.CreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
        self._ended.pop(uid, None)
        self._alive[uid] = job
        self._waiting.append(job)
        job.confirmed = False
        job.become("PENDING", QUEUED)
        return True

    def take(self) -> PrintJob | None:
        """The job to be printed next, PRINTING from now on; None where no job waits."""
        if not self._waiting:
            return None
        job = min(self._waiting, key=lambda job: _PRIORITIES.get(job.PrintPriority, 1))  # the first of equals
        self._waiting.remove(job)
        job.become("PRINTING")
        return job

    def finish(self, job: PrintJob) -> None:
        """``job`` is DONE or FAILURE: forget its films, or keep them for another try."""
        if job.ExecutionStatus == "DONE":
            job.films = ()
            job.unprinted.clear()
        self._ended[job.SOPInstanceUID] = self._alive.pop(job.SOPInstanceUID)
        if len(self._ended) > self._history:
            del self._ended[next(iter(self._ended))]

    def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """The job of that instance, None where there is no such instance."""
        job = self._alive.get(SOPInstanceUID) or self._ended.get(SOPInstanceUID)
        return None if job is None or job.confirmed else job

    def _make_room(self, job: PrintJob) -> bool:
        """Room in memory for ``job``; the films of failed jobs go first, the oldest first."""
        failed = [other for other in self.failed if other is not job]
        alive = sum(other.nbytes for other in self._alive.values())
        if alive and alive + job.nbytes > self._memory:
            return False
        held = alive + sum(other.nbytes for other in failed)
        for old in failed:
            if held + job.nbytes <= self._memory:
                break
            held -= old.nbytes
            del self._ended[old.SOPInstanceUID]
        return True


class PrinterState:
    """How the printer is: Printer Status and Printer Status Info, PS3.3 C.13.9."""

    def __init__(self) -> None:
        self.PrinterStatus = NORMAL
        self.PrinterStatusInfo = NORMAL
        self.listeners: set[Callable[[PrinterState], None]] = set()

    def __repr__(self) -> str:
        return f"<PrinterState {self.PrinterStatus}, {self.PrinterStatusInfo}>"

    def set(self, PrinterStatus: str, PrinterStatusInfo: str = NORMAL) -> None:
        """Change it and tell the listeners, if it is a change. Raises `EncodeError`.

        ::

            state.set("WARNING", "SUPPLY LOW")
            state.set("NORMAL")
        """
        check_printer_status_info(PrinterStatus, PrinterStatusInfo)
        if (PrinterStatus, PrinterStatusInfo) == (self.PrinterStatus, self.PrinterStatusInfo):
            return
        self.PrinterStatus, self.PrinterStatusInfo = PrinterStatus, PrinterStatusInfo
        for listener in tuple(self.listeners):
            listener(self)

    @property
    def EventTypeID(self) -> int:
        """The event that its status is, PS3.4 H.4.6."""
        return _PRINTER_EVENTS[self.PrinterStatus]

    def event_information(self, PrinterName: str = "") -> Dataset:
        """What N-EVENT-REPORT tells, PS3.4 H.4.6: nothing where all is well."""
        if self.PrinterStatus == NORMAL:
            return Dataset()
        return _told(PrinterStatusInfo=self.PrinterStatusInfo, PrinterName=PrinterName)


def _told(**values: str) -> Dataset:
    """Attributes that can be sent, whatever a client has called itself and its films; empty texts are no values."""
    dataset = Dataset(**{keyword: _sendable(keyword, value) or None for keyword, value in values.items()})
    if not all(str(element.value or "").isascii() for element in dataset):
        dataset.SpecificCharacterSet = "ISO_IR 192"
    return dataset


def _sendable(keyword: str, value: str) -> str:
    """``value`` as LO, as AE for the Originator, PS3.5 Table 6.2-1."""
    length = 64
    if keyword == "Originator":
        length, value = 16, value.encode("ascii", "replace").decode()
    return "".join(char if char.isprintable() and char != "\\" else "?" for char in value)[:length]
