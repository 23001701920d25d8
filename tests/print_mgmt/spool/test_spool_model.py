"""Any sequence of events has the same effect on a spool and on a small model."""

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from budget import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from postgres import Postgres
from spools import EmbeddedPlace, Place, PostgresPlace, job

from print_mgmt.spool import (
    Action,
    Cancel,
    Done,
    Doubtful,
    Failed,
    Hold,
    Later,
    Lease,
    Move,
    Outcome,
    Prioritize,
    Release,
    Reprint,
    Retry,
    Spool,
    SpoolError,
    StaleLease,
    Target,
)
from print_mgmt.spool.changes import MAX_ABANDONED

T = TypeVar("T")
LEASE, DELAY = 60.0, 30.0
TARGETS = {
    "laser": Target(destination="laser"),
    "inkjet": Target(destination="inkjet"),
    "folder": Target(destination="folder", repeatable=True),
}
RANKS = {"HIGH": 0, "MED": 1, "LOW": 2}
ENDED = {"done", "failed", "indeterminate", "canceled"}
names = st.sampled_from(sorted(TARGETS))


@dataclass
class Part:
    """A delivery in the model."""

    state: str = "queued"
    wanted: str = "queued"  # after an attempt that must be repeated
    due: float = 0.0
    ends: float = 0.0
    abandoned: int = 0  # leases in a row that ended without an outcome

    def free(self, state: str) -> None:
        self.state, self.wanted, self.abandoned = state, "queued", 0

    def abandon(self, state: str) -> None:
        count = self.abandoned + 1
        self.free("held" if state == "queued" and count >= MAX_ABANDONED else state)
        self.abandoned = count


@dataclass
class Film:
    """A film in the model; ``deliveries`` are pairs of destination and part."""

    order: tuple[int, int]
    rank: int
    deliveries: list[tuple[str, Part]] = field(default_factory=list)

    def states(self) -> list[tuple[str, str]]:
        return sorted((name, part.state) for name, part in self.deliveries)


class SpoolMachine(RuleBasedStateMachine):
    """A spool and its model side by side. A worker keeps all of its leases, even after they have ended."""

    place: Place

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.films: dict[str, Film] = {}
        self.leases: list[tuple[Lease, Part]] = []
        self.jobs = 0

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    @initialize()
    def start(self) -> None:
        self.place = self.make_place()
        self.spool = self.opened()

    def make_place(self) -> Place:
        self.folder = tempfile.TemporaryDirectory()
        return EmbeddedPlace(Path(self.folder.name) / "spool")

    def opened(self) -> Spool:
        spool = self.place.spool()
        self.run(spool.__aenter__())
        return spool

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.run(self.spool.__aexit__())
            self.folder.cleanup()
        self.runner.close()

    def parts(self) -> list[tuple[str, Part]]:
        return [one for film in self.films.values() for one in film.deliveries]

    def end_leases(self, *, all_of_them: bool = False) -> None:
        for name, part in self.parts():
            if part.state == "delivering" and (all_of_them or part.ends <= self.place.clock.now):
                part.abandon(part.wanted if TARGETS[name].repeatable else "indeterminate")

    # --- events of a spool ---

    @rule(
        count=st.integers(1, 3), to=st.sets(names, min_size=1), rank=st.sampled_from(sorted(RANKS)), hold=st.booleans()
    )
    def accept(self, count: int, to: set[str], rank: str, *, hold: bool) -> None:
        self.jobs += 1
        targets = [TARGETS[name] for name in sorted(to)]
        made = job(films=count, PrintPriority=rank, nbytes=1)
        films = self.run(self.spool.accept(made, targets, hold="held" if hold else ""))
        for number, film in enumerate(films):
            parts = [(name, Part("held" if hold else "queued")) for name in sorted(to)]
            self.films[film] = Film((self.jobs, number), RANKS[rank], parts)

    @rule(name=names)
    def lease(self, name: str) -> None:
        now = self.place.clock.now
        ready = [
            ((film.rank, film.order), film_id, part)
            for film_id, film in self.films.items()
            for where, part in film.deliveries
            if where == name and part.state == "queued" and part.due <= now
        ]
        lease = self.run(self.spool.lease(name, LEASE))
        if not ready:
            assert lease is None
            return
        _, film_id, part = min(ready, key=lambda one: one[0])
        assert lease is not None
        assert lease.film.id == film_id
        part.state, part.ends = "delivering", now + LEASE
        self.leases.append((lease, part))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), outcome=st.sampled_from([Done(), Failed(), Later(delay=DELAY), Doubtful()]))
    def report(self, data: st.DataObject, outcome: Outcome) -> None:
        """Report an outcome for a lease, which may have ended long ago."""
        at = data.draw(st.integers(0, len(self.leases) - 1))
        lease, part = self.leases.pop(at)
        later = any(other is part for _, other in self.leases[at:])
        if part.state != "delivering" or later:
            try:
                self.run(self.spool.report(lease, outcome))
            except StaleLease:
                return
            raise AssertionError("the outcome of a stale lease was accepted")
        self.run(self.spool.report(lease, outcome))
        match outcome:
            case Done():
                part.free("done")
            case Failed():
                part.free("failed")
            case Later():
                part.due = self.place.clock.now + DELAY if part.wanted == "queued" else 0.0
                part.free(part.wanted)
            case Doubtful():
                part.free(part.wanted if TARGETS[lease.destination].repeatable else "indeterminate")

    @rule(seconds=st.sampled_from([1.0, DELAY, LEASE]))
    def wait(self, seconds: float) -> None:
        self.place.clock.now += seconds
        self.end_leases()

    @rule()
    def restart(self) -> None:
        """The leases of a spool end with it."""
        self.run(self.spool.__aexit__())
        self.end_leases(all_of_them=True)
        self.spool = self.opened()

    # --- actions of an operator ---

    @precondition(lambda self: self.films)
    @rule(
        data=st.data(),
        action=st.sampled_from([Hold(), Release(), Cancel(), Retry(), Reprint(), Prioritize("HIGH"), Prioritize("LOW")])
        | names.map(lambda name: Move("P", (TARGETS[name],))),
    )
    def change(self, data: st.DataObject, action: Action) -> None:
        film_id = list(self.films)[data.draw(st.integers(0, len(self.films) - 1))]  # ids are random
        film = self.films[film_id]
        try:
            self.run(self.spool.change(film_id, action))
        except SpoolError:
            return  # nothing has changed, which `films_are_as_in_the_model` checks
        _ACTIONS[type(action)](film, action)

    @invariant()
    def films_are_as_in_the_model(self) -> None:
        if not hasattr(self, "spool"):
            return
        found = {film.id: film for film in self.run(self.spool.list())}
        assert found.keys() == self.films.keys()
        for film_id, film in found.items():
            states = sorted((one.destination, str(one.state)) for one in film.deliveries)
            assert states == self.films[film_id].states(), film_id


def _hold(film: Film, _: Action) -> None:
    for _name, part in film.deliveries:
        if part.state in ("queued", "waiting"):
            part.free("held")
            part.due = 0.0
        elif part.state == "delivering":
            part.wanted = "held"


def _release(film: Film, _: Action) -> None:
    for _name, part in film.deliveries:
        if part.state == "held":
            part.free("queued")
        elif part.state == "delivering":
            part.wanted = "queued"


def _cancel(film: Film, _: Action) -> None:
    for _name, part in film.deliveries:
        if part.state == "delivering":
            part.wanted = "canceled"
        elif part.state != "done":
            part.free("canceled")


def _retry(film: Film, _: Action) -> None:
    for _name, part in film.deliveries:
        if part.state in ("failed", "indeterminate"):
            part.free("queued")
        if part.state == "queued":
            part.due = 0.0


def _reprint(film: Film, _: Action) -> None:
    assert {part.state for _name, part in film.deliveries} <= ENDED
    for _name, part in film.deliveries:
        part.free("queued")
        part.due = 0.0


def _move(film: Film, action: Action) -> None:
    assert isinstance(action, Move)
    states = {part.state for _name, part in film.deliveries}
    assert "delivering" not in states
    new = Part("held" if "held" in states else "queued")
    film.deliveries = [one for one in film.deliveries if one[1].state == "done"] + [
        (action.targets[0].destination, new)
    ]


def _prioritize(film: Film, action: Action) -> None:
    assert isinstance(action, Prioritize)
    film.rank = RANKS[action.PrintPriority]


_ACTIONS = {
    Hold: _hold,
    Release: _release,
    Cancel: _cancel,
    Retry: _retry,
    Reprint: _reprint,
    Move: _move,
    Prioritize: _prioritize,
}


class PostgresMachine(SpoolMachine):
    """The same model, beside a spool in PostgreSQL."""

    server: Postgres

    def make_place(self) -> Place:
        self.folder = tempfile.TemporaryDirectory()
        return PostgresPlace(self.server)


def test_postgres_spool_agrees_with_the_model(postgres: Postgres) -> None:
    PostgresMachine.server = postgres
    run_state_machine_as_test(PostgresMachine, settings=settings(max_examples=examples(15), stateful_step_count=20))


TestEmbeddedSpool = SpoolMachine.TestCase
TestEmbeddedSpool.settings = settings(max_examples=examples(40), stateful_step_count=20)
