"""Print jobs, the queue they wait in, and the state of the printer: PS3.3 C.13.8 and C.13.9, without I/O.

A job is made by N-ACTION and lives on by itself: PENDING in the queue, PRINTING, then DONE or FAILURE. Whoever
listens to it hears of each step, which is what N-EVENT-REPORT tells (PS3.4 H.4.5 and H.4.6). A job that failed
keeps the films that were not printed, and may be offered to the queue again.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from dimse.data import Dataset
from dimse.errors import DimseError, LocalProtocolError
from dimse.uids import new_uid

from .model import FilmCopy
from .status import NORMAL, QUEUED, check_execution_status_info, check_printer_status_info

__all__ = ["Exposure", "JobFailed", "JobQueue", "PrintJob", "PrintQueue", "PrinterState"]

QUEUE_LENGTH = 16  # jobs that may wait
MEMORY = 1 << 32  # bytes that the films of all jobs may hold together
HOST_MEMORY = 1 << 31  # bytes of `MEMORY` for the jobs of one host
HISTORY = 256  # jobs that are remembered when they are DONE
_EXPOSURE = 128  # bytes that one more copy of a film takes here

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
    the client has heard the end of the job: the instance exists no more. ``host`` is the address it came from.
    """

    films: tuple[FilmCopy, ...]
    copies: int = 1
    collated: bool = True
    SOPInstanceUID: str = field(default_factory=new_uid)
    PrintPriority: str = "MED"
    Originator: str = ""
    host: str = ""
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

    def __getstate__(self) -> tuple[None, dict[str, object]]:
        """Return what a copy has, in this process or in another: all but those that listen to this one."""
        values: dict[str, object] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return None, values | {"listeners": set()}

    def become(self, ExecutionStatus: str, ExecutionStatusInfo: str = NORMAL) -> None:
        """Take the next step and tell the listeners, which must not raise.

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
        """The bytes that it keeps in memory: its films, as far as they are still to be printed."""
        films = {exposure.number: exposure.film for exposure in self.unprinted}
        return sum(film.nbytes for film in films.values()) + _EXPOSURE * (len(self.unprinted) - len(films))

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

    A new job is refused when ``length`` jobs wait, and when the films of all jobs would take more than ``memory``
    bytes, those of one host more than ``host_memory``; one job alone is always taken. A job that failed keeps its
    films, and counts, until it is printed or discarded; it needs no room to be offered again. The last ``history``
    jobs that are DONE can still be found.
    """

    def __init__(
        self,
        length: int = QUEUE_LENGTH,
        *,
        memory: int = MEMORY,
        host_memory: int = HOST_MEMORY,
        history: int = HISTORY,
    ) -> None:
        self.length = length
        self._memory = memory
        self._host_memory = host_memory
        self._history = history
        self._waiting: tuple[deque[PrintJob], ...] = tuple(deque() for _ in _PRIORITIES)  # the most urgent first
        self._alive: dict[str, PrintJob] = {}  # waiting or printing
        self._failed: dict[str, PrintJob] = {}  # in the order of their end, as the next
        self._done: dict[str, PrintJob] = {}
        self._sizes: dict[str, int] = {}  # bytes of each job that is alive or failed
        self._by_host: Counter[str] = Counter()  # the same by host

    def __len__(self) -> int:
        """How many jobs wait."""
        return sum(map(len, self._waiting))

    @property
    def failed(self) -> tuple[PrintJob, ...]:
        """The jobs that may be offered again, the longest dead first."""
        return tuple(self._failed.values())

    def offer(self, job: PrintJob, now: datetime) -> bool:
        """Take ``job`` into the queue; ``now`` is when. False where there is no room for it; a failed job has room.

        Raises `LocalProtocolError` for a job that is in the queue already.
        """
        uid = job.SOPInstanceUID
        if uid in self._alive or uid in self._done:
            raise LocalProtocolError(f"{job!r} is in the queue already")
        if uid not in self._failed and not self._has_room(job):
            return False
        if not job.CreationDate:
            job.CreationDate, job.CreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
        self._failed.pop(uid, None)
        self._alive[uid] = job
        self._waiting[_PRIORITIES.get(job.PrintPriority, 1)].append(job)
        self._count(job, job.nbytes)
        job.confirmed = False
        job.become("PENDING", QUEUED)
        return True

    def take(self) -> PrintJob | None:
        """The job to be printed next, PRINTING from now on; None where no job waits."""
        line = next((line for line in self._waiting if line), None)
        if line is None:
            return None
        job = line.popleft()
        job.become("PRINTING")
        return job

    def finish(self, job: PrintJob) -> None:
        """``job`` is DONE or FAILURE: forget its films, or keep them for another try."""
        del self._alive[job.SOPInstanceUID]
        if job.ExecutionStatus == "FAILURE":
            self._failed[job.SOPInstanceUID] = job
            self._count(job, job.nbytes)
        else:
            self._forget(job)

    def discard(self, job: PrintJob) -> None:
        """Give up a job that failed, and its films. Raises `LocalProtocolError` for one that has not."""
        if self._failed.pop(job.SOPInstanceUID, None) is None:
            raise LocalProtocolError(f"{job!r} has not failed")
        self._forget(job)

    def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """The job of that instance, None where there is no such instance."""
        kept = (jobs.get(SOPInstanceUID) for jobs in (self._alive, self._failed, self._done))
        job = next((job for job in kept if job is not None), None)
        return None if job is None or job.confirmed else job

    def _forget(self, job: PrintJob) -> None:
        """Keep what N-GET asks for, as long as there is no newer history."""
        job.films = ()
        job.unprinted.clear()
        self._count(job, 0)
        self._done[job.SOPInstanceUID] = job
        if len(self._done) > self._history:
            del self._done[next(iter(self._done))]

    def _has_room(self, job: PrintJob) -> bool:
        if len(self) >= self.length:
            return False
        held, of_host = self._by_host.total(), self._by_host[job.host]
        return not (
            (held and held + job.nbytes > self._memory) or (of_host and of_host + job.nbytes > self._host_memory)
        )

    def _count(self, job: PrintJob, nbytes: int) -> None:
        """Let ``job`` hold so many bytes, in place of those before."""
        self._by_host[job.host] += nbytes - self._sizes.pop(job.SOPInstanceUID, 0)
        if nbytes:
            self._sizes[job.SOPInstanceUID] = nbytes
        elif not self._by_host[job.host]:
            del self._by_host[job.host]


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
    if not value.isprintable() or "\\" in value:
        value = "".join(char if char.isprintable() and char != "\\" else "?" for char in value)
    return value[:length]
