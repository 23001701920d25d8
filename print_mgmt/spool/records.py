"""The records of the films in a spool, and of their deliveries, as immutable values.

Times are in seconds. ``accepted`` and ``ended`` are Unix times, to be shown to people. ``due`` and ``expires`` are
times on the spool's own clock: the monotonic clock of the machine, or the clock of the database.
"""

import re
from dataclasses import dataclass, field, fields, replace
from typing import Self

from dimse.errors import DimseError, escaped

from ..config import ConfigError
from .states import FilmState, check_transition, film_state

__all__ = [
    "CHECKSUM",
    "FILM_ID",
    "MAX_COPIES",
    "MAX_SIZE",
    "MAX_TIME",
    "CorruptFilm",
    "DamagedRow",
    "Delivery",
    "FilmRecord",
    "Lease",
    "NoSuchFilm",
    "SpoolError",
    "SpoolFull",
    "SpoolLimits",
    "StaleLease",
    "Target",
    "check_film_id",
    "job_key_of",
    "latest_lease",
    "reason_of",
    "storable",
]

FILM_ID = re.compile(r"[0-9a-z]{16}\.\d{1,4}", re.ASCII)  # the key of the job, and the number of the film in the job
CHECKSUM = re.compile(r"[0-9a-f]{64}", re.ASCII)
MAX_TIME = 1 << 37  # seconds; later times, after the year 6000, are damage, and `datetime` cannot represent all of them
MAX_SIZE = 1 << 40  # bytes of a film; even a film of the largest size has fewer
MAX_COPIES = 1_000_000  # of a film; a larger number is damage, and a job of so many copies would take minutes to make
_NOT_STORABLE = re.compile("[\0\ud800-\udfff]")


class SpoolError(DimseError):
    """A request that the spool cannot perform. Nothing has changed, unless the error is a `CorruptFilm`."""


class SpoolFull(SpoolError):
    """A job for which the spool has no room."""


class StaleLease(SpoolError):
    """A lease that has ended; another worker may be delivering the film now."""


class NoSuchFilm(SpoolError):
    """An id that no film in the spool has."""


class CorruptFilm(SpoolError):
    """A stored film that is missing or damaged, or a file that is not a film.

    If `Deliveries.film` raises this, the deliveries of the film that were neither done nor canceled have failed.
    """


class DamagedRow(SpoolError):
    """A row of the index with a value that the spool cannot have written."""


def storable(value: str) -> str:
    """Return a text that UTF-8 and every database can hold: a text with NUL or lone surrogates is escaped."""
    return escaped(value) if _NOT_STORABLE.search(value) else value


def reason_of(error: Exception) -> str:
    """Return the message of an error in one line, or its type; for an OSError, the file and the reason in words."""
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f"{error.filename}: "
        return escaped(f"{where}{error.strerror}")
    words = "; ".join(str(error).splitlines())  # PostgreSQL puts details on further lines
    return escaped(words) or type(error).__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A destination of a film.

    ``repeatable``: a second delivery of the same film is harmless, because the destination (a folder, a PACS)
    recognizes the film; otherwise, a delivery that is interrupted by a crash becomes indeterminate. ``each_copy``: each
    copy of the film has a delivery of its own, in the order of the job (collated or not); otherwise, one delivery makes
    all copies.
    """

    destination: str
    repeatable: bool = False
    each_copy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The delivery of a film to one destination.

    ``copy`` is the number of the copy, from 1, or 0 if one delivery makes all ``copies``. ``place`` orders the
    deliveries of a job. ``repeatable`` is as in `Target`.

    ``info`` is a term of PS3.3 C.13.9.1, and ``reason`` explains it. ``afterwards`` is the state that follows an
    attempt that has to be repeated: QUEUED, or HELD or CANCELED if an operator asked for that during the attempt.

    ``attempts`` counts the leases since the film was accepted, released, retried or reprinted, or its media were
    loaded. ``fence`` is the number of the latest lease, and ``owner`` the spool instance that granted it. ``due`` is
    the time at which the next attempt may begin, and ``expires`` the time at which the lease ends. ``abandoned`` counts
    the latest leases in a row that ended without an outcome.
    """

    id: int = 0
    destination: str
    copy: int = 0
    copies: int = 1
    place: int = 0
    repeatable: bool = False
    state: FilmState = FilmState.QUEUED
    afterwards: FilmState = FilmState.QUEUED
    attempts: int = 0
    fence: int = 0
    owner: str = ""
    due: float = 0.0
    expires: float = 0.0
    info: str = ""
    reason: str = ""
    abandoned: int = 0

    def is_due(self, now: float) -> bool:
        """Return whether an attempt may begin at the time ``now``."""
        return self.state is FilmState.QUEUED and self.due <= now

    def become(self, state: FilmState, *, info: str = "", reason: str = "", due: float = 0.0) -> Self:
        """Return the delivery in another state, without a lease, with ``abandoned`` and ``afterwards`` as in a new one.

        Raises `LocalProtocolError` if `TRANSITIONS` does not allow the step.
        """
        check_transition(f"the delivery to {self.destination!a}", self.state, state)
        return replace(
            self,
            state=state,
            afterwards=FilmState.QUEUED,
            info=storable(info),
            reason=storable(reason),
            due=due,
            owner="",
            expires=0.0,
            abandoned=0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmRecord:
    """A film in the spool, without its pixels.

    ``id`` identifies the film to operators and in all methods of the spool. ``job`` is the SOP Instance UID of its
    Print Job, and ``number`` the position of the film in that job, from 1. ``printer`` is a Printer Name,
    ``Originator`` the calling AE title, and ``host`` the address of the client. ``size`` (bytes) and ``checksum``
    (SHA-256, hexadecimal) describe the stored film. ``accepted`` and ``ended`` are times; 0 stands for none.
    """

    id: str
    job: str
    number: int
    printer: str
    PrintPriority: str = "MED"
    Originator: str = ""
    host: str = ""
    FilmSessionLabel: str = ""
    FilmSizeID: str = ""
    MediumType: str = ""
    copies: int = 1
    size: int = 0
    checksum: str = ""
    accepted: float = 0.0
    ended: float = 0.0
    state: FilmState = FilmState.RECEIVED
    deliveries: tuple[Delivery, ...] = field(default=())

    def with_deliveries(self, deliveries: tuple[Delivery, ...]) -> Self:
        """Return the film with other deliveries, and in the state that is derived from them.

        Raises `LocalProtocolError` if `TRANSITIONS` does not allow the step.
        """
        state = film_state({delivery.state for delivery in deliveries})
        check_transition(f"film {self.id}", self.state, state)
        return replace(self, deliveries=deliveries, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one worker to deliver a film to one destination for a limited time.

    ``fence`` grows with each lease that the spool grants. Only the latest lease of a delivery may report an outcome.
    """

    film: FilmRecord
    delivery: Delivery

    @property
    def fence(self) -> int:
        return self.delivery.fence

    @property
    def destination(self) -> str:
        return self.delivery.destination


def check_film_id(film_id: object) -> None:
    """Raise `NoSuchFilm` for a value that cannot be the id of a film; a database cannot search for every value."""
    if not isinstance(film_id, str) or not FILM_ID.fullmatch(film_id):
        raise NoSuchFilm(f"there is no film {film_id!a}")


def job_key_of(film_id: str) -> str:
    """Return the common start of the ids of all films in the job of a film."""
    return film_id.partition(".")[0]


def latest_lease(film: FilmRecord) -> Lease:
    """Return the latest lease of a film, which must have a delivery."""
    return Lease(film=film, delivery=max(film.deliveries, key=lambda delivery: delivery.fence))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolLimits:
    """The limits of a spool.

    With fewer than ``low`` free bytes, an operator is warned; with fewer than ``least``, films are refused. A spool
    keeps at most ``films`` films, and at most ``size`` bytes. Images of more than ``in_memory`` bytes are written to a
    disk while they arrive, and stay there until their film is stored or deleted: at most ``association_incoming`` bytes
    of one association, and ``host_incoming`` of all associations of one address. Raises `ConfigError`.
    """

    low: int = 4 << 30
    least: int = 1 << 30
    films: int = 100_000
    size: int = 1 << 50
    in_memory: int = 16 << 20
    association_incoming: int = 4 << 30  # eight images of the greatest size that `dimse.limits` allows
    host_incoming: int = 16 << 30

    def __post_init__(self) -> None:
        for one in fields(self):
            if getattr(self, one.name) < 0:
                raise ConfigError(one.name, f"{getattr(self, one.name)} must be at least 0")
