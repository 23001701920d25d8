"""Print jobs, the queue in which they wait, and the status of the printer (PS3.3 C.13.8 and C.13.9), without I/O.

N-ACTION creates a job, which does not depend on the association: it is PENDING in the queue, then PRINTING, then DONE
or FAILURE. At each step, its listeners are called, for N-EVENT-REPORT (PS3.4 H.4.5 and H.4.6). A failed job keeps the
films that were not printed, and may be offered to the queue again.
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

__all__ = ["Exposure", "JobFailed", "JobFinder", "JobQueue", "PrintJob", "PrintQueue", "PrinterState"]

QUEUE_LENGTH = 16  # waiting jobs, at most
MEMORY = 1 << 32  # bytes of the films of all jobs, at most
HOST_MEMORY = 1 << 31  # bytes of the films of one host's jobs, at most
HISTORY = 256  # DONE jobs that N-GET can still find
_EXPOSURE_BYTES = 128  # bytes of memory that one more copy of a film needs

# The statuses that may follow each Execution Status (PS3.3 C.13.8): the info of a PENDING job may change, and a job in
# FAILURE may be retried
_STEPS = {
    "PENDING": ("PENDING", "PRINTING"),
    "PRINTING": ("DONE", "FAILURE"),
    "DONE": (),
    "FAILURE": ("PENDING",),
}
_BETWEEN = {"PENDING": QUEUED, "PRINTING": NORMAL, "FAILURE": "UNKNOWN"}  # the info of statuses that `follow` inserts
_JOB_EVENTS = {"PENDING": 1, "PRINTING": 2, "DONE": 3, "FAILURE": 4}  # Event Type IDs of PS3.4 H.4.5
_PRINTER_EVENTS = {NORMAL: 1, "WARNING": 2, "FAILURE": 3}  # Event Type IDs of PS3.4 H.4.6
_PRIORITIES = {"HIGH": 0, "MED": 1, "LOW": 2}


class JobFailed(DimseError):
    """A film could not be printed. ``ExecutionStatusInfo`` is the term of PS3.3 C.13.9.1 that the client receives.

    Raises `EncodeError` for any other term.
    """

    def __init__(self, ExecutionStatusInfo: str, reason: str = "") -> None:
        check_execution_status_info("FAILURE", ExecutionStatusInfo)
        self.ExecutionStatusInfo = ExecutionStatusInfo
        super().__init__(reason or ExecutionStatusInfo)


class Exposure(NamedTuple):
    """One copy of a film: copy ``copy`` of the film ``number`` of a job, both counted from 1."""

    film: FilmCopy
    number: int
    copy: int


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class PrintJob:
    """A Print Job, PS3.3 C.13.8. It is PENDING at first; `become` changes its status.

    The ``films`` are printed ``copies`` times, if ``collated`` in the order 1 2 3 1 2 3 (PS3.4 H.4.1.2.4), otherwise
    1 1 2 2 3 3. ``unprinted`` are the copies that are still to be printed; a DONE job has none. ``confirmed``: the
    client knows that the job has ended, so the instance no longer exists. ``host`` is the address of the client.
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
        """Return the state for a copy or a pickle, which has no listeners."""
        values: dict[str, object] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return None, values | {"listeners": set()}

    def become(self, ExecutionStatus: str, ExecutionStatusInfo: str = NORMAL) -> None:
        """Change the Execution Status, and call the listeners, which must not raise.

        Raises `EncodeError` for an unknown status or info, and `LocalProtocolError` for a step that is not allowed.
        """
        check_execution_status_info(ExecutionStatus, ExecutionStatusInfo)
        if ExecutionStatus not in _STEPS[self.ExecutionStatus]:
            raise LocalProtocolError(f"a job that is {self.ExecutionStatus} cannot become {ExecutionStatus}")
        self.ExecutionStatus, self.ExecutionStatusInfo = ExecutionStatus, ExecutionStatusInfo
        for listener in tuple(self.listeners):
            listener(self)

    def follow(self, other: "PrintJob") -> None:
        """Take over the status of ``other``, which is the same job as recorded in a spool, in allowed steps.

        A DONE job stays DONE, because its client has been told that it is DONE.
        """
        target = other.ExecutionStatus, other.ExecutionStatusInfo
        while self.ExecutionStatus != "DONE" and (self.ExecutionStatus, self.ExecutionStatusInfo) != target:
            possible = _STEPS[self.ExecutionStatus]
            if target[0] in possible:
                self.become(*target)
            elif self.ExecutionStatus == target[0]:  # the info of PRINTING and FAILURE never changes
                return
            else:
                self.become(possible[-1], _BETWEEN[possible[-1]])

    @property
    def has_ended(self) -> bool:
        """Whether the job is DONE or FAILURE."""
        return self.ExecutionStatus in ("DONE", "FAILURE")

    @property
    def nbytes(self) -> int:
        """The memory in bytes of the films that are still to be printed."""
        films = {exposure.number: exposure.film for exposure in self.unprinted}
        return sum(film.nbytes for film in films.values()) + _EXPOSURE_BYTES * (len(self.unprinted) - len(films))

    def attributes(self) -> Dataset:
        """Return the attributes for N-GET (PS3.4 H.4.5); attributes without a value have zero length."""
        return _encodable_dataset(
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
        """The Event Type ID for the status of the job, PS3.4 H.4.5."""
        return _JOB_EVENTS[self.ExecutionStatus]

    def event_information(self) -> Dataset:
        """Return the attributes for N-EVENT-REPORT, PS3.4 H.4.5."""
        return _encodable_dataset(
            ExecutionStatusInfo=self.ExecutionStatusInfo,
            FilmSessionLabel=self.FilmSessionLabel,
            PrinterName=self.PrinterName,
        )


class JobFinder(Protocol):
    """The accepted jobs, which N-GET can find even after they are printed. Any thread may call `find`."""

    def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """Return the job with this UID, or None if there is no such instance."""


class JobQueue(JobFinder, Protocol):
    """A queue of accepted jobs, which N-GET can find even after they are printed.

    `PrintServer` calls the methods on its event loop, except for `find`, which any thread may call. If `offer` raises
    an exception, N-ACTION is answered with 0110. If `take` or `finish` raises an exception, the printer prints and
    accepts no more films, and the exception is raised at the end of the server's block.
    """

    def offer(self, job: PrintJob, now: datetime) -> bool:
        """Put a new or failed job into the queue at the time ``now``. Return False if there is no room."""

    def take(self) -> PrintJob | None:
        """Return the next job, which becomes PRINTING, or None if no job waits."""

    def finish(self, job: PrintJob) -> None:
        """Record that a job that `take` returned has become DONE or FAILURE."""


class PrintQueue:
    """A `JobQueue` in memory, ordered by priority, then by arrival.

    A new job is refused if ``length`` jobs wait, if the films of all jobs would take more than ``memory`` bytes, or if
    the films of one host would take more than ``host_memory`` bytes. A job that is alone in memory may exceed
    ``memory``, and a job that is the only one of its host may exceed ``host_memory``. A failed job keeps its films, and
    its bytes count, until it is printed or discarded; it can always be offered again. The last ``history`` jobs that
    are DONE or discarded can still be found.
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
        self._failed: dict[str, PrintJob] = {}  # in the order in which they ended
        self._done: dict[str, PrintJob] = {}  # in the order in which they ended
        self._sizes: dict[str, int] = {}  # bytes of each job that is alive or failed
        self._by_host: Counter[str] = Counter()  # the sum of these bytes for each host

    def __len__(self) -> int:
        """Return the number of waiting jobs."""
        return sum(map(len, self._waiting))

    @property
    def failed(self) -> tuple[PrintJob, ...]:
        """The failed jobs, which may be offered again, in the order of their failure."""
        return tuple(self._failed.values())

    def offer(self, job: PrintJob, now: datetime) -> bool:
        """Put a job into the queue at the time ``now``. Return False if there is no room for a new job.

        There is always room for a failed job. Raises `LocalProtocolError` for a job that is already in the queue, is
        PRINTING in another queue, or is DONE or discarded.
        """
        uid = job.SOPInstanceUID
        if uid in self._alive:
            raise LocalProtocolError(f"{job!r} is already in the queue")
        failed_elsewhere = job.ExecutionStatus == "FAILURE" and uid not in self._failed
        if uid in self._done or job.ExecutionStatus == "DONE" or (failed_elsewhere and not job.unprinted):
            raise LocalProtocolError(f"{job!r} is DONE or discarded, so it has no films to print")
        if uid not in self._failed and not self._has_room(job):
            return False
        if not job.CreationDate:
            job.CreationDate, job.CreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
        job.become("PENDING", QUEUED)  # first, because it raises for a job that is PRINTING in another queue
        job.confirmed = False
        self._failed.pop(uid, None)
        self._alive[uid] = job
        self._waiting[_PRIORITIES.get(job.PrintPriority, 1)].append(job)
        self._count(job, job.nbytes)
        return True

    def take(self) -> PrintJob | None:
        """Return the next job, which becomes PRINTING, or None if no job waits."""
        queue = next((queue for queue in self._waiting if queue), None)
        if queue is None:
            return None
        job = queue.popleft()
        job.become("PRINTING")
        return job

    def finish(self, job: PrintJob) -> None:
        """Drop the films of a DONE job; keep the unprinted films of a failed job for another attempt."""
        del self._alive[job.SOPInstanceUID]
        if job.ExecutionStatus == "FAILURE":
            self._failed[job.SOPInstanceUID] = job
            self._count(job, job.nbytes)
        else:
            self._forget(job)

    def discard(self, job: PrintJob) -> None:
        """Drop the films of a failed job, so that it cannot be retried. Raises `LocalProtocolError` for other jobs."""
        if self._failed.pop(job.SOPInstanceUID, None) is None:
            raise LocalProtocolError(f"{job!r} is not one of the failed jobs of this queue")
        self._forget(job)

    def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """Return the job with this UID, or None if there is no such instance."""
        kept = (jobs.get(SOPInstanceUID) for jobs in (self._alive, self._failed, self._done))
        job = next((job for job in kept if job is not None), None)
        return None if job is None or job.confirmed else job

    def _forget(self, job: PrintJob) -> None:
        """Drop the films of a job, and keep its attributes for N-GET until newer jobs replace them."""
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
        """Count ``nbytes`` for ``job``, instead of the bytes that were counted for it before."""
        self._by_host[job.host] += nbytes - self._sizes.pop(job.SOPInstanceUID, 0)
        if nbytes:
            self._sizes[job.SOPInstanceUID] = nbytes
        elif not self._by_host[job.host]:
            del self._by_host[job.host]


class PrinterState:
    """The status of a printer: Printer Status and Printer Status Info, PS3.3 C.13.9."""

    def __init__(self) -> None:
        self.PrinterStatus = NORMAL
        self.PrinterStatusInfo = NORMAL
        self.listeners: set[Callable[[PrinterState], None]] = set()

    def __repr__(self) -> str:
        return f"<PrinterState {self.PrinterStatus}, {self.PrinterStatusInfo}>"

    def set(self, PrinterStatus: str, PrinterStatusInfo: str = NORMAL) -> None:
        """Set the status, and call the listeners if it has changed. Raises `EncodeError` for an unknown status or info.

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
        """The Event Type ID for the status of the printer, PS3.4 H.4.6."""
        return _PRINTER_EVENTS[self.PrinterStatus]

    def event_information(self, PrinterName: str = "") -> Dataset:
        """Return the attributes for N-EVENT-REPORT, PS3.4 H.4.6; none for NORMAL."""
        if self.PrinterStatus == NORMAL:
            return Dataset()
        return _encodable_dataset(PrinterStatusInfo=self.PrinterStatusInfo, PrinterName=PrinterName)


def _encodable_dataset(**values: str) -> Dataset:
    """Return attributes that can be encoded even if the client has sent invalid texts; an empty text has no value."""
    sendable = {keyword: _to_valid_text(keyword, value) for keyword, value in values.items()}
    if not all(map(str.isascii, sendable.values())):
        sendable["SpecificCharacterSet"] = "ISO_IR 192"
    return Dataset(**sendable)


def _to_valid_text(keyword: str, value: str) -> str:
    """Return ``value`` shortened and cleaned to be a valid LO, or a valid AE for Originator (PS3.5 Table 6.2-1)."""
    length = 64
    if keyword == "Originator":
        length, value = 16, value.encode("ascii", "replace").decode()
    if not value.isprintable() or "\\" in value:
        value = "".join(char if char.isprintable() and char != "\\" else "?" for char in value)
    return value[:length]
