"""Workers: each destination takes its films out of the spool, and does not wait for other destinations."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from dimse.errors import escaped

from ..destinations import Condition
from ..spool import Later, Lease, Spool, SpoolError
from ..spool.tasks import cancel_tasks
from .conditions import Conditions
from .config import SiteConfig, SiteDestination
from .delivery import DEFAULT_PACE, Delivery, Pace

__all__ = ["Workers"]

_log = logging.getLogger("print_mgmt.site")
_WAIT = 5.0  # seconds to wait for the next film
_PAUSE = 1.0  # seconds between an error of the spool and the next attempt
_TIME_TO_FINISH = 60.0  # seconds for the current deliveries to end when the server stops
_CHECK_PERIOD = 60.0  # seconds between two checks of the condition of a destination
_SILENT = Condition("WARNING", "CHECK PRINTER", "it does not answer")


class _SpoolFailed(Exception):
    """The spool failed while a worker was leasing a film; the error is in the log."""


class Workers:
    """The workers of all destinations of the site. The destinations may change while the workers run.

    ``site`` returns the current configuration.
    """

    def __init__(
        self, spool: Spool, site: Callable[[], SiteConfig], conditions: Conditions, *, pace: Pace = DEFAULT_PACE
    ) -> None:
        self.spool = spool
        self.conditions = conditions
        self.pace = pace
        self._site = site
        self._is_ending = False
        self._active: dict[str, _Worker] = {}
        self._stopping: dict[_Worker, asyncio.Task[None]] = {}
        self._late: set[asyncio.Task[None]] = set()  # tasks that report deliveries that still run after their deadline

    def apply(self, destinations: Mapping[str, SiteDestination]) -> None:
        """Take over the destinations: serve the new ones, and stop serving removed ones after their current films.

        Do nothing between `drain` and the end of `close`.
        """
        if self._is_ending:
            return
        for name in self._active.keys() - destinations.keys():
            worker = self._active.pop(name)
            self._stopping[worker] = stopping = asyncio.create_task(worker.stop())
            stopping.add_done_callback(partial(self._forget, worker))
        for name, to in destinations.items():
            if name in self._active:
                self._active[name].change(to)
            else:
                self._active[name] = _Worker(self, name, to)

    async def drain(self, seconds: float) -> None:
        """Deliver the films that are due, for at most ``seconds``; then finish the current deliveries, and stop.

        Deliveries that take more than another minute are canceled.
        """
        self._is_ending = True
        await asyncio.gather(*(worker.drain(seconds) for worker in self._all()))

    async def close(self) -> None:
        """Stop at once. A film that was being delivered may have been printed."""
        self._is_ending = True
        await asyncio.gather(*(worker.cancel() for worker in self._all()), return_exceptions=True)
        await cancel_tasks(*self._late)
        self._active.clear()
        self._is_ending = False

    def _forget(self, worker: "_Worker", _: asyncio.Task[None]) -> None:
        del self._stopping[worker]

    def _all(self) -> list["_Worker"]:
        """Return all workers, including those that are being stopped."""
        return [*self._active.values(), *self._stopping]

    async def deliver(self, lease: Lease, to: SiteDestination) -> None:
        """Deliver one film."""
        delivery = Delivery(self.spool, self._site, self.conditions, lease, pace=self.pace)
        try:
            await delivery.run(to)
        except Exception:  # a bug; the lease runs out, and other films are still delivered
            _log.exception("film %s: the delivery to %s failed", lease.film.id, lease.destination)
        if delivery.is_hung:
            late = asyncio.create_task(delivery.report_late())
            self._late.add(late)
            late.add_done_callback(self._late.discard)


class _Worker:
    """The worker of one destination, which delivers its films."""

    def __init__(self, workers: Workers, name: str, to: SiteDestination) -> None:
        self._workers = workers
        self._name = name
        self._to = to
        self._slots = asyncio.Semaphore(to.at_once)
        self._deliveries: set[asyncio.Task[None]] = set()
        self._leasing: asyncio.Task[Lease | None] | None = None
        self._is_stopping = False
        self._is_draining = False
        self._running = asyncio.create_task(self._run())
        self._checking = asyncio.create_task(self._check())

    def change(self, to: SiteDestination) -> None:
        """Take over another configuration from the next film on."""
        if to == self._to:
            return
        if to.at_once != self._to.at_once:
            self._slots = asyncio.Semaphore(to.at_once)
        self._to = to
        self._checking.cancel()
        self._checking = asyncio.create_task(self._check())

    async def drain(self, seconds: float) -> None:
        """Deliver the films that are due, for at most ``seconds``; then finish the current deliveries, and stop.

        Deliveries that take more than another minute are canceled.
        """
        self._is_draining = True
        if self._leasing is not None:
            self._leasing.cancel()
        await asyncio.wait((self._running,), timeout=seconds)
        stopping = asyncio.create_task(self.stop())
        try:
            await asyncio.wait((stopping,), timeout=_TIME_TO_FINISH)
        finally:
            await self.cancel()
            await stopping

    async def stop(self) -> None:
        """Take no more films, and finish the current deliveries."""
        self._is_stopping = True
        self._checking.cancel()
        if self._leasing is not None:
            self._leasing.cancel()
        await asyncio.gather(self._running, self._checking, return_exceptions=True)
        if self._deliveries:
            await asyncio.wait(self._deliveries)

    async def cancel(self) -> None:
        """Stop at once."""
        await cancel_tasks(self._running, self._checking)
        # Only now have all deliveries begun: canceled before it begins, a delivery would report no outcome
        await cancel_tasks(*self._deliveries)

    async def _run(self) -> None:
        while not self._is_stopping:
            slots = self._slots
            await slots.acquire()
            is_last = self._is_draining
            try:
                lease = await self._lease(0.0 if is_last else _WAIT)
            except _SpoolFailed:
                slots.release()
                await asyncio.sleep(_PAUSE)
                continue
            if lease is None:
                slots.release()
                if is_last:
                    if not self._deliveries:
                        return
                    # Perhaps only `at_once` was reached, which counts the deliveries of all processes: try again later
                    await asyncio.wait(self._deliveries, return_when=asyncio.FIRST_COMPLETED)
                continue
            delivering = asyncio.create_task(self._deliver(lease, slots))
            self._deliveries.add(delivering)
            delivering.add_done_callback(self._deliveries.discard)

    async def _deliver(self, lease: Lease, slots: asyncio.Semaphore) -> None:
        try:
            await self._workers.deliver(lease, self._to)
        finally:
            slots.release()

    async def _lease(self, wait: float) -> Lease | None:
        """Lease the next film; return None if there is none, or if `drain` or `stop` interrupts.

        Raises `_SpoolFailed` after an error, which is logged.
        """
        if self._is_stopping:
            return None
        spool, seconds = self._workers.spool, self._workers.pace.lease
        self._leasing = leasing = asyncio.create_task(
            spool.lease(self._name, seconds, wait=wait, at_once=self._to.at_once)
        )
        try:
            await asyncio.wait((leasing,))
            return None if leasing.cancelled() else leasing.result()
        except asyncio.CancelledError:
            await cancel_tasks(leasing)  # does nothing if the task has ended
            await self._requeue(leasing)
            raise
        except SpoolError as exc:
            _log.error("the spool failed: %s", escaped(str(exc)))
            raise _SpoolFailed from exc
        except Exception as exc:  # a bug; this destination tries again
            _log.exception("no film can be leased for %s", self._name)
            raise _SpoolFailed from exc
        finally:
            self._leasing = None
            del leasing  # otherwise its error would be in a cycle with this frame

    async def _requeue(self, leasing: asyncio.Task[Lease | None]) -> None:
        """Put a film back into the queue if it was leased at the moment of the cancellation."""
        lease = None if leasing.cancelled() or leasing.exception() is not None else leasing.result()
        if lease is not None:
            try:
                await self._workers.spool.report(lease, Later(reason="its worker has stopped"))
            except SpoolError as exc:
                _log.error("the spool failed: %s", escaped(str(exc)))

    async def _check(self) -> None:
        """Check the condition of the destination every `_CHECK_PERIOD` seconds."""
        while True:
            try:
                condition = await self._condition()
            except Exception:  # a bug in a destination, which may come from outside this package
                _log.exception("destination %s cannot be asked for its condition", self._name)
            else:
                self._workers.conditions.set_condition(self._name, condition)
            await asyncio.sleep(_CHECK_PERIOD)

    async def _condition(self) -> Condition:
        """Return the condition of the destination. While it does not answer, record that it is silent."""
        asking = asyncio.ensure_future(self._to.destination.check())
        try:
            while not (await asyncio.wait((asking,), timeout=_CHECK_PERIOD))[0]:
                self._workers.conditions.set_condition(self._name, _SILENT)
        finally:
            asking.cancel()  # without effect if it has ended
        return asking.result()
