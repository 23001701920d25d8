"""The spool as its users see it: four small protocols, and `Spool`, which is all of them.

A spool is opened with ``async with``. Its methods raise `SpoolError`, and change nothing then. Several processes may
have the same spool open, and see each other's films.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol, Self

from ..jobs import PrintJob
from ..model import FilmCopy
from .changes import Action, Outcome
from .records import FilmRecord, Lease, Target
from .states import FilmState

__all__ = ["Deliveries", "Intake", "News", "Operations", "Room", "Spool", "Upkeep", "Verified"]


class News(NamedTuple):
    """The Print Jobs whose Execution Status has changed, and the number to ask for the next ones."""

    revision: int
    jobs: tuple[PrintJob, ...]


class Room(NamedTuple):
    """The room for more films. ``is_low``: an operator should act; ``is_full``: films are refused now."""

    free: int
    is_low: bool
    is_full: bool


class Verified(NamedTuple):
    """The number of films that were read and found right, and the ids of those that are damaged."""

    right: int
    damaged: tuple[str, ...]


class Intake(Protocol):
    """The side of the printer: it accepts jobs, and answers questions about them."""

    async def accept(self, job: PrintJob, targets: Sequence[Target] = (), *, hold: str = "") -> tuple[str, ...]:
        """Store the films of a job, and return their ids, once they are on stable storage.

        Each film is queued for each of ``targets``, or held for the reason ``hold``; without targets the films are
        received, and wait for `Assign`. Creation Date and Time of the job are set. Raises `SpoolFull` if there is no
        room, and `SpoolError` if the films cannot be stored; then none of them is.
        """

    async def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """Return the Print Job of that instance without its films, None if there is none, or its end was confirmed."""

    async def confirm(self, SOPInstanceUID: str) -> None:
        """Note that the client knows the end of a job: the instance no longer exists, PS3.4 H.4.5."""

    async def news(self, after: int | None = None, *, wait: float = 0.0) -> News:
        """Return the jobs whose status changed after the revision ``after``; wait up to ``wait`` seconds for one.

        None asks for the present revision.
        """

    @property
    def room(self) -> Room:
        """The room for more films, as it was seldom more than a second ago."""


class Deliveries(Protocol):
    """The side of the workers: each takes a delivery, and says what became of it."""

    async def lease(
        self, destination: str, seconds: float, *, wait: float = 0.0, at_once: int | None = None
    ) -> Lease | None:
        """Lease the next film for a destination for some seconds; None if there is none within ``wait`` seconds.

        The most urgent films come first, then the oldest. ``at_once`` limits the leases of the destination, for those
        that take one film after the other.
        """

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        """Prolong a lease. Raises `StaleLease` if it has ended."""

    async def settle(self, lease: Lease, outcome: Outcome) -> FilmRecord:
        """Say what became of a delivery, on stable storage. Raises `StaleLease` if another worker may have it now."""

    async def film(self, film_id: str) -> FilmCopy:
        """Return a stored film. Raises `CorruptFilm`, after its deliveries have failed, and `NoSuchFilm`."""

    async def media_loaded(self, destination: str) -> int:
        """Queue the films again that wait for media of a destination, and return their number."""


class Operations(Protocol):
    """The side of the operator."""

    async def list(
        self, *, states: Collection[FilmState] = (), printer: str = "", limit: int | None = None
    ) -> tuple[FilmRecord, ...]:
        """Return the films in some states (all if none are named) and of a printer, the oldest first."""

    async def show(self, film_id: str) -> FilmRecord:
        """Return a film. Raises `NoSuchFilm`."""

    async def change(self, film_id: str, action: Action) -> FilmRecord:
        """Hold, release, cancel, retry, reprint, confirm, assign, move or prioritize a film, on stable storage."""


class Upkeep(Protocol):
    """Retention and checks."""

    async def purge(
        self, *, age: float | None = None, count: int | None = None, size: int | None = None
    ) -> tuple[str, ...]:
        """Remove films that have ended, the oldest first, and return their ids.

        Those are removed that ended more than ``age`` seconds ago, and those beyond ``count`` films or ``size`` bytes
        of the whole spool.
        """

    async def verify(self) -> Verified:
        """Read all films, and put the damaged ones into quarantine."""


class Spool(Intake, Deliveries, Operations, Upkeep, Protocol):
    """A durable spool."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...
