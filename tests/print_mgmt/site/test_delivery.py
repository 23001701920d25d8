"""One delivery: its lease is renewed, a hung delivery is abandoned, and a late outcome is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from sites import Shelf, site_config
from spools import Clock, job

from dimse.data import Dataset
from print_mgmt import Film
from print_mgmt.destinations import DeliveryFailed, Outcome, Receipt, RetryPolicy
from print_mgmt.scp import spooled
from print_mgmt.site import SiteDestination, delivery
from print_mgmt.site.conditions import Conditions
from print_mgmt.site.delivery import Delivery, Pace
from print_mgmt.spool import Done, EmbeddedSpool, FilmRecord, FilmState, Lease, SpoolError, Target


@dataclass(eq=False)
class Stubborn(Shelf):
    """A destination that continues when it is canceled."""

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        inner = asyncio.ensure_future(super().deliver(film, identified))
        while not inner.done():
            try:
                await asyncio.shield(inner)
            except asyncio.CancelledError:
                continue
        return inner.result()


class Bench:
    """A spool with one film, which one worker has leased."""

    def __init__(self, folder: Path, spool: EmbeddedSpool, clock: Clock) -> None:
        self.folder, self.spool, self.clock = folder, spool, clock

    async def lease(self, *, repeatable: bool = False) -> Lease:
        await self.spool.accept(job(), [Target(destination="shelf", repeatable=repeatable)])
        return await self.again()

    async def again(self) -> Lease:
        lease = await self.spool.lease("shelf", 60)
        assert lease is not None
        return lease

    def delivery(self, lease: Lease, *, renewal: float = 20.0) -> Delivery:
        config = site_config(self.folder)
        return Delivery(self.spool, lambda: config, Conditions({}), lease, pace=Pace(60.0, renewal))

    async def film(self) -> FilmRecord:
        (film,) = await self.spool.list()
        return film


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    clock = Clock()
    async with EmbeddedSpool(tmp_path, clock=clock) as spool:
        yield Bench(tmp_path, spool, clock)


async def test_lease_is_renewed_while_the_destination_works(bench: Bench) -> None:
    """Each renewal comes before the lease would have ended."""
    shelf, lease = Shelf(gate=asyncio.Event()), await bench.lease()
    running = asyncio.create_task(bench.delivery(lease, renewal=0.001).run(SiteDestination(destination=shelf)))
    await shelf.begun.wait()
    async with asyncio.timeout(60):
        while (await bench.film()).deliveries[0].expires < bench.clock.now + 120:
            bench.clock.now = min(bench.clock.now + 10, (await bench.film()).deliveries[0].expires - 30)
            if bench.clock.now > 1200:
                break
    assert shelf.gate is not None
    shelf.gate.set()
    await running
    assert (await bench.film()).state is FilmState.DONE


@pytest.mark.parametrize(("repeatable", "state"), [(True, FilmState.QUEUED), (False, FilmState.INDETERMINATE)])
async def test_hung_delivery_is_abandoned(bench: Bench, repeatable: bool, state: FilmState) -> None:
    shelf, lease = Shelf(gate=asyncio.Event(), repeatable=repeatable), await bench.lease(repeatable=repeatable)
    await bench.delivery(lease).run(SiteDestination(destination=shelf, deadline=0.01))
    (delivery,) = (await bench.film()).deliveries
    assert (delivery.state, delivery.reason) == (state, "shelf took more than 0.01 s")


@pytest.mark.parametrize(("then", "state"), [("hold", FilmState.HELD), ("fail", FilmState.FAILED)])
async def test_deadline_counts_as_an_attempt(bench: Bench, then: Literal["hold", "fail"], state: FilmState) -> None:
    """A destination that always takes too long would otherwise get the film again and again."""
    shelf, lease = Shelf(gate=asyncio.Event(), repeatable=True), await bench.lease(repeatable=True)
    retry = RetryPolicy(attempts=2, then=then)
    to = SiteDestination(destination=shelf, deadline=0.01, retry=retry)
    await bench.delivery(lease).run(to)
    assert (await bench.film()).state is FilmState.QUEUED
    bench.clock.now += retry.pause(1)
    await bench.delivery(await bench.again()).run(to)
    assert (await bench.film()).state is state


async def test_late_result_is_refused(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first worker hangs, another worker takes over, and then the first worker reports success."""
    monkeypatch.setattr(delivery, "_GRACE", 0.01)
    stubborn, lease = Stubborn(gate=asyncio.Event(), repeatable=True), await bench.lease(repeatable=True)
    late = bench.delivery(lease)
    await late.run(SiteDestination(destination=stubborn, deadline=0.01))
    assert late.is_hung
    bench.clock.now += 61
    other = await bench.again()
    assert other.fence > lease.fence
    assert stubborn.gate is not None
    stubborn.gate.set()
    await late.report_late()
    assert "a late outcome is refused" in caplog.text
    assert (await bench.film()).state is FilmState.DELIVERING
    await bench.spool.report(other, Done())


async def test_lost_lease_ends_the_delivery(bench: Bench) -> None:
    shelf, lease = Shelf(gate=asyncio.Event(), repeatable=True), await bench.lease(repeatable=True)
    running = asyncio.create_task(bench.delivery(lease, renewal=0.001).run(SiteDestination(destination=shelf)))
    await shelf.begun.wait()
    bench.clock.now += 61
    await bench.again()
    await running
    assert not shelf.films


async def test_stopped_delivery_is_in_doubt(bench: Bench) -> None:
    shelf, lease = Shelf(gate=asyncio.Event()), await bench.lease()
    running = asyncio.create_task(bench.delivery(lease).run(SiteDestination(destination=shelf)))
    await shelf.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await bench.film()).state is FilmState.INDETERMINATE


@pytest.mark.parametrize(("is_now", "state"), [(False, FilmState.INDETERMINATE), (True, FilmState.QUEUED)])
async def test_destination_of_another_kind_decides_whether_to_repeat(
    bench: Bench, is_now: bool, state: FilmState
) -> None:
    """The film was accepted before a reload, which gave the name of the destination to one of another kind."""
    shelf, lease = Shelf(gate=asyncio.Event(), repeatable=is_now), await bench.lease(repeatable=not is_now)
    running = asyncio.create_task(bench.delivery(lease).run(SiteDestination(destination=shelf)))
    await shelf.begun.wait()
    bench.clock.now += 61
    assert (await bench.spool.list(states={FilmState.DELIVERING})) == ()
    assert (await bench.film()).state is state
    running.cancel()
    await asyncio.wait({running})


async def test_delivery_stopped_before_it_begins_is_repeated(bench: Bench) -> None:
    """Nothing was sent to the destination, so there is no doubt."""
    shelf, lease = Shelf(), await bench.lease()
    running = asyncio.create_task(bench.delivery(lease).run(SiteDestination(destination=shelf)))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not shelf.begun.is_set()
    assert (await bench.film()).state is FilmState.QUEUED


async def test_outcome_is_reported_though_the_delivery_is_stopped(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The film was printed, and the first report of that has failed."""
    lease = await bench.lease()
    failing_once(monkeypatch, bench.spool, "report")
    running = asyncio.create_task(bench.delivery(lease).run(SiteDestination(destination=Shelf())))
    failed = asyncio.Event()
    monkeypatch.setattr(spooled._log, "error", lambda *_: failed.set())
    await failed.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await bench.film()).state is FilmState.DONE


@dataclass(eq=False)
class Finishing(Shelf):
    """A destination that finishes its film when it is canceled."""

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        try:
            return await super().deliver(film, identified)
        except asyncio.CancelledError:
            return Receipt()


@pytest.mark.parametrize("deadline", [0.01, 60])
async def test_film_that_a_stopped_delivery_finishes_is_done(bench: Bench, deadline: float) -> None:
    shelf, lease = Finishing(gate=asyncio.Event()), await bench.lease()
    to = SiteDestination(destination=shelf, deadline=deadline)
    running = asyncio.create_task(bench.delivery(lease).run(to))
    await shelf.begun.wait()
    if deadline == 60:
        running.cancel()
    await asyncio.wait({running})
    assert (await bench.film()).state is FilmState.DONE


@dataclass(eq=False)
class Slow(Shelf):
    """A destination that finishes its film when it is canceled twice."""

    canceled: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        try:
            return await super().deliver(film, identified)
        except asyncio.CancelledError:
            self.canceled.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return Receipt()


async def test_film_finished_after_its_deadline_and_a_stop_is_done(bench: Bench) -> None:
    slow, lease = Slow(gate=asyncio.Event()), await bench.lease()
    running = asyncio.create_task(bench.delivery(lease).run(SiteDestination(destination=slow, deadline=0.01)))
    await slow.canceled.wait()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert (await bench.film()).state is FilmState.DONE


async def test_damaged_film_fails(bench: Bench) -> None:
    lease = await bench.lease()
    (path,) = bench.folder.rglob("*.dcm")
    path.write_bytes(b"nothing")
    await bench.delivery(lease).run(SiteDestination(destination=Shelf()))
    assert (await bench.film()).state is FilmState.FAILED


def failing_once(monkeypatch: pytest.MonkeyPatch, spool: EmbeddedSpool, method: str) -> asyncio.Event:
    """Let the first call of a method of the spool fail; the event is set by the second one."""
    working, again, calls = getattr(spool, method), asyncio.Event(), list[str]()

    async def call(*arguments: object, **options: object) -> object:
        calls.append(method)
        if len(calls) == 1:
            raise SpoolError("the index is away")
        again.set()
        return await working(*arguments, **options)

    monkeypatch.setattr(spool, method, call)
    return again


async def test_outcome_is_reported_until_the_spool_takes_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lease = await bench.lease()
    monkeypatch.setattr(spooled, "_PAUSE", 0.0)
    failing_once(monkeypatch, bench.spool, "report")
    await bench.delivery(lease).run(SiteDestination(destination=Shelf()))
    assert (await bench.film()).state is FilmState.DONE
    assert caplog.messages == ["the spool failed: the index is away"]


async def test_lease_that_cannot_be_renewed_now_is_renewed_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shelf, lease = Shelf(gate=asyncio.Event()), await bench.lease()
    again = failing_once(monkeypatch, bench.spool, "renew")
    running = asyncio.create_task(bench.delivery(lease, renewal=0.001).run(SiteDestination(destination=shelf)))
    await again.wait()
    assert shelf.gate is not None
    shelf.gate.set()
    await running
    assert (await bench.film()).state is FilmState.DONE
    assert caplog.messages == ["a lease cannot be renewed: the index is away"]


async def test_destination_that_cancels_itself_leaves_doubt(bench: Bench) -> None:
    def give_up(_: Film) -> None:
        raise asyncio.CancelledError

    lease = await bench.lease()
    await bench.delivery(lease).run(SiteDestination(destination=Shelf(fail=give_up)))
    film = await bench.film()
    assert (film.state, film.deliveries[0].reason) == (FilmState.INDETERMINATE, "the delivery was canceled")


@dataclass(eq=False)
class Warned(Shelf):
    """A destination that takes films with a warning."""

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        await super().deliver(film, identified)
        return Receipt(warnings=("the toner is low",))


async def test_warning_of_a_destination_is_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    lease = await bench.lease()
    await bench.delivery(lease).run(SiteDestination(destination=Warned()))
    assert (await bench.film()).state is FilmState.DONE
    assert caplog.messages == [f"film {lease.film.id}: shelf: the toner is low"]


async def test_delivery_that_has_ended_has_no_late_result(bench: Bench) -> None:
    ended = bench.delivery(await bench.lease())
    await ended.run(SiteDestination(destination=Shelf()))
    await ended.report_late()
    assert (ended.is_hung, (await bench.film()).state) == (False, FilmState.DONE)


@pytest.mark.parametrize(
    ("failure", "next_step"),
    [
        (DeliveryFailed(Outcome.LATER, "no paper"), "the next attempt is in 7 s"),
        (DeliveryFailed(Outcome.NEVER, "no paper"), "the film is held"),
        (
            DeliveryFailed(Outcome.INDETERMINATE, "no paper"),
            "check whether it was printed, then use print-mgmt spool confirm or retry",
        ),
    ],
)
async def test_failure_is_logged_with_the_next_step(
    bench: Bench, caplog: pytest.LogCaptureFixture, failure: DeliveryFailed, next_step: str
) -> None:
    def fail(_: Film) -> None:
        raise failure

    lease = await bench.lease()
    to = SiteDestination(destination=Shelf(fail=fail), retry=RetryPolicy(first=7))
    await bench.delivery(lease).run(to)
    assert caplog.messages == [f"film {lease.film.id}: shelf: no paper; {next_step}"]
