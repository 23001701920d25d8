"""The changes that workers, operators and elapsed time make to a film in the spool, as functions of its record.

Both spools store records and call these functions, so both follow the same rules. Nothing here does I/O.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from dimse.errors import LocalProtocolError

from .records import Delivery, FilmRecord, SpoolError, StaleLease, Target, storable
from .states import ENDED, REMOVABLE, FilmState

__all__ = [
    "MAX_ABANDONED",
    "Action",
    "Assign",
    "Cancel",
    "Confirm",
    "Done",
    "Doubtful",
    "Failed",
    "Held",
    "Hold",
    "Later",
    "Move",
    "NoMedia",
    "Outcome",
    "Prioritize",
    "Release",
    "Reprint",
    "Retry",
    "apply_action",
    "apply_outcome",
    "deliveries_of",
    "expire_lease",
    "fail_lost_film",
    "films_to_purge",
    "lease_delivery",
    "media_loaded",
]

_S = FilmState
_PRIORITIES = ("HIGH", "MED", "LOW")
# Leases in a row that may end without an outcome; then an operator decides, because the film may kill its worker. A
# smaller number would hold films that are not at fault, on a machine that is killed again and again
MAX_ABANDONED = 10


# --- outcomes of a delivery, from a worker ---


@dataclass(frozen=True, slots=True)
class Done:
    """The destination has the film."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The destination will never accept the film as it is.

    In all outcomes that have them, ``info`` is a term of PS3.3 C.13.9.1 or "", and ``reason`` explains it.
    """

    info: str = "UNKNOWN"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """The destination does not have the film; another attempt may begin in ``delay`` seconds."""

    delay: float = 0.0
    info: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The destination does not have the film, and an operator has to decide."""

    info: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoMedia:
    """The medium of the film is not loaded in the size of the film; the film waits until `Deliveries.media_loaded`."""

    info: str = "REQ MED NOT INST"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """It is unknown whether the destination has the film, for example because the connection was lost."""

    reason: str = ""


Outcome = Done | Failed | Later | Held | NoMedia | Doubtful


# --- actions of an operator ---


@dataclass(frozen=True, slots=True)
class Hold:
    """Hold the film until it is released."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """Queue a held film again, with all attempts of its retry policy."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the deliveries of the film that are not done. A delivery that a worker has begun is still completed.

    A film without destinations is canceled as a whole.
    """


@dataclass(frozen=True, slots=True)
class Retry:
    """Repeat failed and indeterminate deliveries now; for queued deliveries, skip the pause before the next attempt."""


@dataclass(frozen=True, slots=True)
class Reprint:
    """Deliver an ended film to all its destinations once more."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """Declare that the indeterminate deliveries of a film were printed."""


@dataclass(frozen=True, slots=True)
class Assign:
    """Set the destinations of a film that has no deliveries; ``hold`` is the reason to hold the film, if any."""

    targets: tuple[Target, ...]
    hold: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """Print the film on another printer: deliveries to ``targets`` replace all deliveries that are not done.

    A held film stays held. A film that is being delivered cannot be moved.
    """

    printer: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Prioritize:
    """Change the Print Priority: HIGH, MED or LOW."""

    PrintPriority: str


Action = Hold | Release | Cancel | Retry | Reprint | Confirm | Assign | Move | Prioritize


def deliveries_of(
    targets: Sequence[Target], *, number: int, films: int, copies: int, collated: bool, hold: str = ""
) -> tuple[Delivery, ...]:
    """Return the deliveries of film ``number`` in a job of ``films`` films; ``hold`` is the reason to hold it, if any.

    Two copies of three films are delivered in the order 1 2 3 1 2 3 if ``collated``, else in the order 1 1 2 2 3 3.
    """
    made = []
    for target in targets:
        for copy in range(1, copies + 1) if target.each_copy else (0,):
            place = (max(copy, 1) - 1) * films + number if collated else (number - 1) * copies + max(copy, 1)
            delivery = Delivery(
                destination=target.destination,
                copy=copy,
                copies=1 if copy else copies,
                place=place,
                repeatable=target.repeatable,
                state=_S.HELD if hold else _S.QUEUED,
                reason=hold,
            )
            made.append(delivery)
    return tuple(made)


def apply_action(film: FilmRecord, action: Action, *, films: int = 1, collated: bool = True) -> FilmRecord:
    """Return the film after an action.

    ``films`` is the number of films in its job; ``collated`` is as in `deliveries_of`. Raises `SpoolError` if the
    action is not possible in the state of the film, or would change nothing.
    """
    try:
        after = _apply(film, action, films, collated)
    except LocalProtocolError as exc:
        raise SpoolError(str(exc)) from exc
    if after == film:
        raise SpoolError(f"film {film.id} is {film.state}: there is nothing to {type(action).__name__.lower()}")
    return after


def _apply(film: FilmRecord, action: Action, films: int, collated: bool) -> FilmRecord:
    match action:
        case Prioritize():
            if action.PrintPriority not in _PRIORITIES:
                raise SpoolError(f"PrintPriority {action.PrintPriority!a}: not one of {', '.join(_PRIORITIES)}")
            return replace(film, PrintPriority=action.PrintPriority)
        case Assign():
            if film.state is not _S.RECEIVED:
                raise SpoolError(f"film {film.id} is {film.state}: it has its destinations already, or needs none")
            return film.with_deliveries(_new_deliveries(film, action.targets, films, collated, action.hold))
        case Move():
            return _move(film, action, films, collated)
        case Reprint():
            if film.state not in ENDED:
                raise SpoolError(f"film {film.id} is {film.state}: only a film that has ended can be printed again")
            if not film.deliveries:
                raise _no_destinations(film)
            requeued = (replace(delivery, attempts=0).become(_S.QUEUED) for delivery in film.deliveries)
            return film.with_deliveries(tuple(requeued))
    if not film.deliveries:
        return _end_without_deliveries(film, action)
    step = _STEPS[type(action)]
    return film.with_deliveries(tuple(step(delivery, getattr(action, "reason", "")) for delivery in film.deliveries))


def _end_without_deliveries(film: FilmRecord, action: Action) -> FilmRecord:
    """Return a film without deliveries after an action: only `Cancel` and `Confirm` change it."""
    match action:
        case Cancel() if film.state not in (_S.DONE, _S.CANCELED):
            return replace(film, state=_S.CANCELED)
        case Confirm() if film.state is _S.INDETERMINATE:
            return replace(film, state=_S.DONE)
    raise _no_destinations(film)


def _no_destinations(film: FilmRecord) -> SpoolError:
    return SpoolError(f"film {film.id} is {film.state} and has no destinations: move it first")


def _new_deliveries(
    film: FilmRecord, targets: Sequence[Target], films: int, collated: bool, hold: str
) -> tuple[Delivery, ...]:
    if not targets:
        raise SpoolError(f"film {film.id}: no destination was given")
    return deliveries_of(targets, number=film.number, films=films, copies=film.copies, collated=collated, hold=hold)


def _move(film: FilmRecord, move: Move, films: int, collated: bool) -> FilmRecord:
    if film.state is _S.DELIVERING:
        raise SpoolError(f"film {film.id} is being delivered: wait until the delivery has ended")
    hold = next((delivery.reason or "moved" for delivery in film.deliveries if delivery.state is _S.HELD), "")
    kept = tuple(delivery for delivery in film.deliveries if delivery.state is _S.DONE)
    moved = replace(film, printer=move.printer)
    return moved.with_deliveries(kept + _new_deliveries(film, move.targets, films, collated, hold))


def _hold(delivery: Delivery, reason: str) -> Delivery:
    if delivery.state is _S.DELIVERING:
        return replace(delivery, afterwards=_S.HELD, reason=storable(reason))
    return delivery.become(_S.HELD, reason=reason) if delivery.state in (_S.QUEUED, _S.WAITING) else delivery


def _release(delivery: Delivery, _: str) -> Delivery:
    if delivery.state is _S.DELIVERING:
        return replace(delivery, afterwards=_S.QUEUED, reason="")
    return replace(delivery, attempts=0).become(_S.QUEUED) if delivery.state is _S.HELD else delivery


def _cancel(delivery: Delivery, _: str) -> Delivery:
    if delivery.state is _S.DELIVERING:
        return replace(delivery, afterwards=_S.CANCELED, reason="")
    return delivery if delivery.state in (_S.DONE, _S.CANCELED) else delivery.become(_S.CANCELED)


def _retry(delivery: Delivery, _: str) -> Delivery:
    if delivery.state in (_S.FAILED, _S.INDETERMINATE):
        return replace(delivery, attempts=0).become(_S.QUEUED)
    return replace(delivery, due=0.0) if delivery.state is _S.QUEUED else delivery


def _confirm(delivery: Delivery, _: str) -> Delivery:
    return delivery.become(_S.DONE) if delivery.state is _S.INDETERMINATE else delivery


_STEPS: dict[type[Action], Callable[[Delivery, str], Delivery]] = {
    Hold: _hold,
    Release: _release,
    Cancel: _cancel,
    Retry: _retry,
    Confirm: _confirm,
}


# --- leases ---


def lease_delivery(film: FilmRecord, delivery_id: int, *, fence: int, owner: str, expires: float) -> FilmRecord:
    """Return the film with one of its deliveries leased. Raises `LocalProtocolError` if that delivery is not queued."""

    def lease(delivery: Delivery) -> Delivery:
        taken = delivery.become(_S.DELIVERING)
        return replace(
            taken,
            attempts=delivery.attempts + 1,
            fence=fence,
            owner=owner,
            expires=expires,
            abandoned=delivery.abandoned,
        )

    return _change_one(film, delivery_id, lease)


def apply_outcome(film: FilmRecord, lease: Delivery, outcome: Outcome, now: float) -> FilmRecord:
    """Return the film after the outcome of ``lease``, a leased delivery; ``now`` is the time in seconds.

    Raises `StaleLease` if the lease has ended.
    """
    current = next((delivery for delivery in film.deliveries if delivery.id == lease.id), None)
    if current is None or current.state is not _S.DELIVERING or current.fence != lease.fence:
        state = "gone" if current is None else current.state
        raise StaleLease(
            f"film {film.id}: lease {lease.fence} for {lease.destination!a} has ended: the delivery is {state}"
        )
    return _change_one(film, lease.id, lambda delivery: _apply_to_delivery(delivery, outcome, now))


def _apply_to_delivery(delivery: Delivery, outcome: Outcome, now: float) -> Delivery:
    is_wanted = delivery.afterwards is _S.QUEUED  # no operator has held or canceled it during the delivery
    match outcome:
        case Done():
            return delivery.become(_S.DONE)
        case Failed():
            return delivery.become(_S.FAILED, info=outcome.info, reason=outcome.reason)
        case Doubtful():
            return _resolve_doubt(delivery, outcome.reason)
        case Later() if is_wanted:
            return delivery.become(_S.QUEUED, info=outcome.info, reason=outcome.reason, due=now + outcome.delay)
        case NoMedia() if is_wanted:
            return delivery.become(_S.WAITING, info=outcome.info, reason=outcome.reason)
        case Held() if delivery.afterwards is not _S.CANCELED:
            return delivery.become(_S.HELD, info=outcome.info, reason=_both_reasons(delivery, outcome.reason))
    return delivery.become(delivery.afterwards, reason=_both_reasons(delivery, outcome.reason))


def _both_reasons(delivery: Delivery, reason: str) -> str:
    """Return the reason of the operator who held a leased delivery, if any, and then the ``reason`` of its attempt."""
    return "; ".join(filter(None, (delivery.reason, reason)))


def _resolve_doubt(delivery: Delivery, reason: str) -> Delivery:
    if delivery.repeatable:
        return delivery.become(delivery.afterwards, reason=_both_reasons(delivery, reason))
    return delivery.become(_S.INDETERMINATE, info="CHECK PRINTER", reason=reason)


def expire_lease(film: FilmRecord, delivery_id: int, why: str) -> FilmRecord:
    """Return the film after a lease has ended without an outcome; ``why`` is the reason.

    After `MAX_ABANDONED` such leases in a row, a delivery that would be repeated is held.
    """

    def expire(delivery: Delivery) -> Delivery:
        count, ended = delivery.abandoned + 1, _resolve_doubt(delivery, why)
        if ended.state is _S.QUEUED and count >= MAX_ABANDONED:
            ended = delivery.become(_S.HELD, reason=f"{count} deliveries in a row ended without an outcome; {why}")
        return replace(ended, abandoned=count)

    return _change_one(film, delivery_id, expire)


def media_loaded(film: FilmRecord, destination: str) -> FilmRecord:
    """Return the film after media were loaded: its deliveries to ``destination`` that waited for them are queued."""

    def queue(delivery: Delivery) -> Delivery:
        is_waiting = delivery.destination == destination and delivery.state is _S.WAITING
        return replace(delivery, attempts=0).become(_S.QUEUED) if is_waiting else delivery

    return film.with_deliveries(tuple(map(queue, film.deliveries)))


def fail_lost_film(film: FilmRecord, reason: str) -> FilmRecord:
    """Return the film after its file was lost or damaged: deliveries that are neither done nor canceled have failed.

    A film without deliveries has failed, too, unless it is done or canceled.
    """
    failed = (
        delivery
        if delivery.state in (_S.DONE, _S.FAILED, _S.CANCELED)
        else delivery.become(_S.FAILED, info="UNKNOWN", reason=reason)
        for delivery in film.deliveries
    )
    if film.deliveries:
        return film.with_deliveries(tuple(failed))
    return film if film.state in REMOVABLE else replace(film, state=_S.FAILED)


def _change_one(film: FilmRecord, delivery_id: int, change: Callable[[Delivery], Delivery]) -> FilmRecord:
    deliveries = (change(delivery) if delivery.id == delivery_id else delivery for delivery in film.deliveries)
    return film.with_deliveries(tuple(deliveries))


# --- retention ---


def films_to_purge(
    films: Iterable[FilmRecord],
    totals: tuple[int, int],
    now: float,
    *,
    age: float | None,
    count: int | None,
    size: int | None,
) -> list[str]:
    """Return the ids of the films that `Upkeep.purge` removes; those that ended first come first.

    ``films`` are done or canceled, and ``totals`` is the number of all films in the spool and their bytes. ``age`` (in
    seconds), ``count`` and ``size`` (in bytes) are the limits, None for no limit; ``now`` is in seconds.
    """
    total, used = totals
    chosen = []
    for film in sorted(films, key=lambda film: film.ended):
        latest = max(film.ended, film.accepted)  # one damaged time must not make a film old
        is_old = age is not None and now - latest > age
        if is_old or (count is not None and total > count) or (size is not None and used > size):
            total, used = total - 1, used - film.size
            chosen.append(film.id)
    return chosen
