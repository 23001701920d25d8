"""What the spool knows of its films: records, as values that never change.

Times are seconds. ``accepted`` and ``ended`` count from 1970, for people; ``due`` and ``expires`` count on a clock that
only the spool reads, and that nobody can set back.
"""

from dataclasses import dataclass, field, replace
from typing import Self

from dimse.errors import DimseError

from .states import FilmState, check_transition, film_state

__all__ = [
    "CorruptFilm",
    "Delivery",
    "FilmRecord",
    "Lease",
    "NoSuchFilm",
    "SpoolError",
    "SpoolFull",
    "SpoolLimits",
    "StaleLease",
    "Target",
    "latest_lease",
]


class SpoolError(DimseError):
    """A request that the spool cannot perform now. Nothing has changed."""


class SpoolFull(SpoolError):
    """No room for another film."""


class StaleLease(SpoolError):
    """The result of a worker whose lease has ended; another worker may have the delivery now."""


class NoSuchFilm(SpoolError):
    """The id of a film that the spool does not have."""


class CorruptFilm(SpoolError):
    """A stored film that is damaged. It is in quarantine, and its deliveries have failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A destination of a film.

    ``repeatable``: a second delivery of the same film is harmless, because the destination can tell (a folder, a PACS).
    Otherwise a delivery that a crash interrupts becomes indeterminate. ``each_copy``: there is a delivery for each copy
    of the film, in the collated order of the job; else one for all copies.
    """

    destination: str
    repeatable: bool = False
    each_copy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The delivery of a film to one destination.

    ``copy`` is the number of the copy, from 1, or 0 if the destination makes all ``copies``. ``place`` orders the
    deliveries of a job. ``attempts`` counts the leases, ``fence`` is the number of the latest one, ``owner`` the spool
    that has it. ``due`` is when the next attempt may begin, ``expires`` when the lease ends. ``info`` is a term of
    PS3.3 C.13.9.1, ``reason`` says more. ``afterwards`` is the state after an attempt that has to be repeated:
    QUEUED, or HELD or CANCELLED if an operator wanted that during the attempt.
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

    def become(self, state: FilmState, *, info: str = "", reason: str = "", due: float = 0.0) -> Self:
        """Return the delivery in another state, without a lease. Raises `LocalProtocolError` for a wrong step."""
        check_transition(f"the delivery to {self.destination!a}", self.state, state)
        return replace(
            self, state=state, afterwards=FilmState.QUEUED, info=info, reason=reason, due=due, owner="", expires=0.0
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmRecord:
    """A film in the spool, without its pixels.

    ``id`` names it to people and to all methods of the spool. ``number`` counts the films of the Print Job ``job``
    (its SOP Instance UID) from 1. ``size`` and ``checksum`` (SHA-256, hexadecimal) are those of the stored film.
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
        """Return the film with other deliveries, in the state that follows. Raises `LocalProtocolError`."""
        state = film_state({delivery.state for delivery in deliveries})
        check_transition(f"film {self.id}", self.state, state)
        return replace(self, deliveries=deliveries, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right of one worker to deliver a film to one destination, until it ends.

    ``fence`` grows with each lease of the spool: only the latest lease of a delivery can be settled.
    """

    film: FilmRecord
    delivery: Delivery

    @property
    def fence(self) -> int:
        return self.delivery.fence

    @property
    def destination(self) -> str:
        return self.delivery.destination


def latest_lease(film: FilmRecord) -> Lease:
    """Return the lease of a film that was made last."""
    return Lease(film=film, delivery=max(film.deliveries, key=lambda delivery: delivery.fence))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolLimits:
    """The room of a spool: bytes that must stay free on the disk, and bounds on films and bytes in the spool.

    With less than ``low`` free bytes an operator is warned, with less than ``least`` films are refused.
    """

    low: int = 4 << 30
    least: int = 1 << 30
    films: int = 100_000
    size: int = 1 << 50
