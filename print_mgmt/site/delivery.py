"""One delivery: a leased film goes to its destination, and the outcome is reported to the spool.

The lease is renewed while the destination works. A delivery that takes longer than its deadline is canceled. If it does
not end even then, its lease is no longer renewed, and its late outcome is refused once the lease has ended.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from dimse.errors import DimseError, escaped

from ..destinations import DeliveryFailed, Receipt, failure_of
from ..destinations import Outcome as FailureOutcome
from ..film import LayoutError
from ..jobs import Exposure
from ..model import FilmCopy
from ..output import IncompleteError
from ..scp import Film, job_of
from ..scp.spooled import report_outcome
from ..spool import Done, Doubtful, Failed, Held, Later, Lease, NoMedia, Outcome, Spool, SpoolError, StaleLease
from .conditions import Conditions
from .config import SiteConfig, SiteDestination, SitePrinter
from .media import is_loaded, move_to_loaded

__all__ = ["DEFAULT_PACE", "Delivery", "Pace"]

_log = logging.getLogger("print_mgmt.site")
_GRACE = 1.0  # seconds that a canceled delivery has to end
_STOPPED = "the server was stopped"


@dataclass(frozen=True, slots=True)
class Pace:
    """The duration of a lease and the time between two renewals, in seconds."""

    lease: float = 60.0
    renewal: float = 20.0


DEFAULT_PACE = Pace()


class Delivery:
    """The delivery of a leased film to a destination of the site. ``site`` returns the current configuration."""

    def __init__(
        self,
        spool: Spool,
        site: Callable[[], SiteConfig],
        conditions: Conditions,
        lease: Lease,
        *,
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self._spool = spool
        self._site = site()
        self._conditions = conditions
        self._lease = lease
        self._pace = pace
        self._hung: asyncio.Future[Receipt] | None = None
        self._outcome_if_stopped: Outcome = Later(reason=_STOPPED)  # until the destination begins

    @property
    def is_hung(self) -> bool:
        """Whether the delivery was canceled, and the destination did not end soon after that."""
        return self._hung is not None

    async def report_late(self) -> None:
        """Wait until the destination has ended, and report the outcome; the spool refuses it if the lease has ended."""
        if self._hung is not None:
            await asyncio.wait((self._hung,))
            await self._report(_late_outcome(self._hung))

    async def run(self, to: SiteDestination) -> None:
        """Deliver the film, and report the outcome to the spool."""
        try:
            outcome = await self._deliver(to)
            if outcome is not None:
                self._outcome_if_stopped = outcome
                await self._report(outcome)
        except asyncio.CancelledError:
            await self._report(self._outcome_if_stopped)
            raise

    async def _deliver(self, to: SiteDestination) -> Outcome | None:
        """Deliver the film, and return the outcome; None if the lease is lost, or if the destination hangs."""
        record = self._lease.film
        try:
            copy = await self._spool.film(record.id)
            printer = self._printer(record.printer)
            if printer is not None and not is_loaded(printer.config, copy):
                if printer.missing_medium == "wait":
                    return NoMedia(reason=f"its medium is not loaded in the size {copy.sheet.FilmSizeID}")
                if printer.missing_medium == "fail":
                    return Failed(info="REQ MED NOT INST", reason="its medium is not loaded")
                copy = move_to_loaded(printer.config, copy)
            return await self._deliver_copy(to, copy)
        except StaleLease as exc:
            _log.warning("%s", escaped(str(exc)))
            return None
        except LayoutError as exc:
            return Failed(info="INVALID PAGE DES", reason=str(exc))
        except SpoolError as exc:  # the disk fails, or the film is damaged and its deliveries are already FAILED
            _log.error("film %s: %s", record.id, escaped(str(exc)))
            return Later(delay=to.retry.pause(self._lease.delivery.attempts), reason=str(exc))

    def _printer(self, PrinterName: str) -> SitePrinter | None:
        printers = self._site.printers.values()
        return next((printer for printer in printers if printer.PrinterName == PrinterName), None)

    async def _deliver_copy(self, to: SiteDestination, copy: FilmCopy) -> Outcome | None:
        await self._update_repeatable(to)
        record, delivery = self._lease.film, self._lease.delivery
        film = Film(delivery.id, job_of(record), Exposure(copy, record.number, max(delivery.copy, 1)))
        task = asyncio.ensure_future(to.destination.deliver(film, copy.identified))
        self._outcome_if_stopped = Doubtful(reason=_STOPPED)
        try:
            is_done = await self._wait(task, to.deadline)
            has_ended = is_done or await self._cancel(task)
        except (StaleLease, asyncio.CancelledError):
            await self._cancel(task)
            if _has_succeeded(task):
                self._outcome_if_stopped = self._final_outcome(to, task)
            raise
        if not has_ended:
            return None
        name = delivery.destination
        if not is_done and not _has_succeeded(task):
            outcome = FailureOutcome.LATER if to.destination.repeatable else FailureOutcome.INDETERMINATE
            late = DeliveryFailed(outcome, f"{name} took more than {to.deadline:g} s")
            return self._outcome_after(late, to, str(late))
        return self._final_outcome(to, task)

    async def _update_repeatable(self, to: SiteDestination) -> None:
        """Record whether a second delivery is harmless, if that has changed since the film was accepted.

        A reload may give the name of a folder to a printer, which must not get a film twice. Raises `SpoolError`.
        """
        delivery, repeatable = self._lease.delivery, to.destination.repeatable
        if delivery.repeatable != repeatable:
            changed = replace(self._lease, delivery=replace(delivery, repeatable=repeatable))
            self._lease = await self._spool.renew(changed, self._pace.lease)

    async def _wait(self, task: asyncio.Future[Receipt], deadline: float) -> bool:
        """Renew the lease until the delivery has ended, and return True; return False after ``deadline`` seconds.

        Raises `StaleLease` if the lease has ended.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline
        while True:
            left = end - loop.time()
            done, _ = await asyncio.wait((task,), timeout=max(min(self._pace.renewal, left), 0))
            if done:
                return True
            if loop.time() >= end:
                return False
            try:
                self._lease = await self._spool.renew(self._lease, self._pace.lease)
            except StaleLease:
                raise
            except SpoolError as exc:
                _log.error("a lease cannot be renewed: %s", escaped(str(exc)))

    async def _cancel(self, task: asyncio.Future[Receipt]) -> bool:
        """Cancel a delivery, and return whether it ends soon. If not, its lease ends, and its outcome is late."""
        task.cancel()
        done, _ = await asyncio.wait((task,), timeout=_GRACE)
        if done:
            if not task.cancelled():
                task.exception()
            return True
        _log.error("film %s: %s hangs; the lease will not be renewed", self._lease.film.id, self._lease.destination)
        self._hung = task
        return False

    def _final_outcome(self, to: SiteDestination, task: asyncio.Future[Receipt]) -> Outcome:
        """Return the outcome of a delivery that has ended."""
        record, delivery = self._lease.film, self._lease.delivery
        if task.cancelled():
            return Doubtful(reason="the delivery was canceled")
        error = task.exception()
        if error is None:
            self._conditions.record_success(delivery.destination)
            for warning in task.result().warnings:
                _log.warning("film %s: %s: %s", record.id, delivery.destination, escaped(warning))
            return Done()
        failure = failure_of(error)
        return self._outcome_after(failure, to, f"{delivery.destination}: {failure}", next(_unforeseen(error), None))

    def _outcome_after(
        self, failure: DeliveryFailed, to: SiteDestination, words: str, cause: BaseException | None = None
    ) -> Outcome:
        """Return the outcome of a failed delivery. Log it in ``words``, with the traceback of an unforeseen cause."""
        delivery = self._lease.delivery
        outcome = _outcome_of(failure, to, delivery.attempts)
        _log.error("%s", escaped(f"film {self._lease.film.id}: {words}; {_next_step(outcome)}"), exc_info=cause)
        if failure.outcome is FailureOutcome.LATER:
            self._conditions.record_failure(delivery.destination, failure)
        return outcome

    async def _report(self, outcome: Outcome) -> None:
        await report_outcome(self._spool, self._lease, outcome)


def _has_succeeded(task: asyncio.Future[Receipt]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _unforeseen(error: BaseException) -> Iterator[BaseException]:
    """Yield the unforeseen exceptions in a failure, so that the log shows where they happened."""
    cause = error.__cause__ if isinstance(error, DeliveryFailed) else error
    if isinstance(cause, IncompleteError):
        yield from cause.failures.values()
    elif cause is not None and not isinstance(cause, DimseError | OSError | MemoryError):
        yield cause


def _late_outcome(task: asyncio.Future[Receipt]) -> Outcome:
    if task.cancelled() or task.exception() is not None:
        return Doubtful(reason="the delivery was canceled at its deadline")
    return Done()


def _next_step(outcome: Outcome) -> str:
    """Return in words what happens to a film after a failed attempt."""
    match outcome:
        case Later(delay=seconds):
            return f"the next attempt is in {seconds:g} s"
        case Held():
            return "the film is held"
        case Failed():
            return "the film has failed"
    return "check whether it was printed, then use print-mgmt spool confirm or retry"


def _outcome_of(failure: DeliveryFailed, to: SiteDestination, attempts: int) -> Outcome:
    """Return the outcome that the retry policy chooses after a failed attempt."""
    info, reason = failure.info, str(failure)
    step, seconds = to.retry.after(attempts, failure.outcome)
    match step:
        case "again":
            return Later(delay=seconds, info=info, reason=reason)
        case "hold":
            return Held(info=info, reason=reason)
        case "fail":
            return Failed(info=info, reason=reason)
    return Doubtful(reason=reason)
