"""The interface of a spool: four small protocols, and `Spool`, which combines them.

A spool is opened with ``async with``. A method that raises `SpoolError` has changed nothing, unless its docstring says
otherwise. Several processes may open the same spool; each sees the films of the others.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol, Self

from dimse.net import Disk

from ..jobs import PrintJob
from ..model import FilmCopy
from .changes import Action, Outcome
from .records import FilmRecord, Lease, Target
from .states import FilmState

__all__ = [
    "DamagedFilm",
    "Deliveries",
    "Intake",
    "News",
    "Operations",
    "Repaired",
    "Room",
    "Spool",
    "Survey",
    "Upkeep",
    "Verified",
]


class News(NamedTuple):
    """The Print Jobs whose Execution Status has changed, and the revision to pass to the next call."""

    revision: int
    jobs: tuple[PrintJob, ...]


class Room(NamedTuple):
    """The room for more films: ``free`` bytes. ``is_low``: an operator should act; ``is_full``: films are refused."""

    free: int
    is_low: bool
    is_full: bool


class Verified(NamedTuple):
    """The result of a check: the number of intact films, and the ids of the damaged films."""

    intact: int
    damaged: tuple[str, ...]


class DamagedFilm(NamedTuple):
    """A film with a damaged row in the index: its id, or the wrong value in its place, and the damage in words."""

    id: str
    reason: str


class Survey(NamedTuple):
    """All films of the index: those that are intact, the oldest first, and those with a damaged row."""

    films: tuple[FilmRecord, ...]
    damaged: tuple[DamagedFilm, ...]


class Repaired(NamedTuple):
    """The result of a repair: the ids of the films that are intact again, and of those that were removed."""

    restored: tuple[str, ...]
    removed: tuple[str, ...]


class Intake(Protocol):
    """The interface for the printer, which accepts Print Jobs and reports their status."""

    @property
    def incoming(self) -> Disk:
        """The disk for large images while they arrive, for `dimse.net.serve`."""

    async def accept(self, job: PrintJob, targets: Sequence[Target] = (), *, hold: str = "") -> tuple[str, ...]:
        """Store the films of a job, and return their ids once all of them are on stable storage.

        Each film is queued for each of ``targets``; if ``hold`` gives a reason, it is held instead. Without targets,
        the films stay RECEIVED until `Assign`. Creation Date and Creation Time of the job are set if they are empty.
        Raises `SpoolFull` if there is no room, and `SpoolError` if the films cannot be stored; in both cases, no film
        is accepted.
        """

    async def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """Return a Print Job without its films, or None if it does not exist or the client has confirmed its end."""

    async def confirm(self, SOPInstanceUID: str) -> None:
        """Record that the client knows of the end of a job; the instance then no longer exists.

        This is PS3.4 H.4.5.2.1.2: the client has confirmed the event Done or Failure. Do nothing for a job that was
        retried meanwhile.
        """

    async def news(self, after: int | None = None, *, wait: float = 0.0) -> News:
        """Return the jobs whose status changed after the revision ``after``; wait up to ``wait`` seconds for a change.

        With None, return the current revision and no jobs.
        """

    @property
    def room(self) -> Room:
        """The room for more films; the figure may be about a second old."""


class Deliveries(Protocol):
    """The interface for the workers, which lease deliveries and report their outcomes."""

    async def lease(
        self, destination: str, seconds: float, *, wait: float = 0.0, at_once: int | None = None
    ) -> Lease | None:
        """Lease the next film for a destination, for ``seconds``; return None if none is due within ``wait`` seconds.

        Films are ordered by Print Priority, then by age. A film is skipped while its row in the index, or another row
        of its job, is damaged; the log says so once. ``at_once`` limits the number of concurrent leases of the
        destination.
        """

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        """Prolong a lease to ``seconds`` from now, and record whether its delivery is ``repeatable``.

        Raises `StaleLease` if the lease has ended.
        """

    async def report(self, lease: Lease, outcome: Outcome) -> FilmRecord:
        """Record the outcome of a delivery on stable storage. Raises `StaleLease` if the lease has ended."""

    async def film(self, film_id: str) -> FilmCopy:
        """Return a stored film. Raises `NoSuchFilm` and `CorruptFilm`.

        If the film is damaged, its deliveries fail before `CorruptFilm` is raised.
        """

    async def media_loaded(self, destination: str) -> int:
        """Requeue the films that wait for media of a destination, and return their number."""


class Operations(Protocol):
    """The interface for operators."""

    async def list(
        self, *, states: Collection[FilmState] = (), printer: str = "", limit: int | None = None
    ) -> tuple[FilmRecord, ...]:
        """Return at most ``limit`` films in one of ``states`` and of ``printer``, the oldest first.

        An empty argument selects all films. Films with a damaged row are left out.
        """

    async def count(self, *, states: Collection[FilmState] = (), printer: str = "") -> int:
        """Return the number of films in one of ``states`` and of ``printer``, without reading them.

        An empty argument selects all films. Films with a damaged row count, too.
        """

    async def survey(self) -> Survey:
        """Read the whole index once, and return all films.

        A film counts as damaged if it has a damaged row, or if its job has one. Such films are not delivered.
        """

    async def show(self, film_id: str) -> FilmRecord:
        """Return the record of a film. Raises `NoSuchFilm`."""

    async def change(self, film_id: str, action: Action) -> FilmRecord:
        """Apply an action to a film, record it on stable storage, and return the changed record.

        Raises `NoSuchFilm`, and `SpoolError` if the film is in a state that does not allow the action.
        """


class Upkeep(Protocol):
    """The interface for retention and integrity checks."""

    async def purge(
        self, *, age: float | None = None, count: int | None = None, size: int | None = None
    ) -> tuple[str, ...]:
        """Remove films that are done or canceled, the earliest ended first, and return their ids.

        A film is removed if it ended more than ``age`` seconds ago, or while the spool has more than ``count`` films or
        more than ``size`` bytes. Failed and indeterminate films stay until an operator decides about them.
        """

    async def verify(self) -> Verified:
        """Read all films. The deliveries of a damaged film fail, unless they have failed already.

        A film with a damaged row counts as damaged, but does not change.
        """

    async def repair(self) -> Repaired:
        """Rebuild the damaged rows of the index from the stored films; change no other job.

        A film that may have been delivered already is queued only for destinations where a second delivery is harmless;
        its other deliveries become indeterminate. If the bytes of a film are lost, too, its damaged row is removed. If
        they cannot be read now, the job stays as it is, and its films stay damaged.
        """


class Spool(Intake, Deliveries, Operations, Upkeep, Protocol):
    """A durable spool."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...
