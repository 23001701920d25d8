"""The leases of the embedded spool: a worker gets a lease, which ends if the worker reports no outcome in time.

These functions change the rows of an `Index`, inside a transaction that the caller commits. Films with a damaged row
are logged and skipped.
"""

from collections.abc import Collection
from functools import partial
from itertools import count

from .changes import Outcome, apply_outcome, expire_lease, lease_delivery, media_loaded
from .doubt import Ended
from .index import Index, placeholders
from .records import Delivery, FilmRecord
from .states import FilmState

__all__ = [
    "end_expired",
    "end_those_of_others",
    "grant",
    "load_media",
    "next_due",
    "prolong",
    "record_outcome",
    "restart_clock",
]


def grant(
    index: Index, destination: str, now: float, expires: float, owner: str, at_once: int | None
) -> FilmRecord | None:
    """Lease the next delivery to a destination, and return its film; return None if no delivery is due.

    ``owner`` gets the lease, which ends at the time ``expires``. ``at_once`` is as in `Deliveries.lease`. In
    the returned film, the leased delivery has the highest fence.
    """
    if at_once is not None:  # without expired leases: a damaged row can prevent that they are ended
        (leased,) = index.db.execute(
            "SELECT count(*) FROM delivery WHERE destination = ? AND state = ? AND expires > ?",
            (destination, FilmState.DELIVERING, now),
        ).fetchone()
        if leased >= at_once:
            return None
    queued = destination, FilmState.QUEUED, now
    is_due = "SELECT 1 FROM delivery WHERE destination = ? AND state = ? AND due <= ? LIMIT 1"
    if index.db.execute(is_due, queued).fetchone() is None:
        return None  # this check is fast, even if 100,000 films wait for their next attempt
    for skipped in count():
        row = index.db.execute(  # the plus sign makes SQLite use the index `delivery_next`, and sort nothing
            "SELECT id, film FROM delivery WHERE destination = ? AND state = ? AND +due <= ? "
            "ORDER BY urgency, job, place LIMIT 1 OFFSET ?",
            (*queued, skipped),
        ).fetchone()
        if row is None:
            break

        def lease(film: FilmRecord, delivery: int = row[0]) -> FilmRecord:
            return lease_delivery(film, delivery, fence=index.counters.next("fence"), owner=owner, expires=expires)

        film = index.change_intact(row[1], lease)
        if film is not None:
            _note_time(index, now)
            return film
    return None


def _note_time(index: Index, now: float) -> None:
    """Record the latest time of a lease or an outcome: a clock that shows less has restarted."""
    index.db.execute("UPDATE counter SET value = max(value, ?) WHERE name = 'clock'", (now,))


def prolong(index: Index, delivery: Delivery) -> None:
    """Store the new end of a lease, and whether the delivery is repeatable."""
    values = (delivery.expires, delivery.repeatable, delivery.id)
    index.db.execute("UPDATE delivery SET expires = ?, repeatable = ? WHERE id = ?", values)


def record_outcome(index: Index, film_id: str, lease: Delivery, outcome: Outcome, now: float) -> FilmRecord:
    """Record the outcome of ``lease``, a leased delivery, and return its film. Raises as `apply_outcome`."""
    film = index.film(film_id)
    after = index.save(film, apply_outcome(film, lease, outcome, now))
    _note_time(index, now)  # it may be hours after the lease, which `prolong` has prolonged
    return after


def end_expired(index: Index, now: float) -> list[Ended]:
    """End the expired leases, and return their deliveries, each with the id of its film."""
    return _end_selected(
        index, "state = ? AND expires <= ?", (FilmState.DELIVERING, now), "the lease of its worker has ended"
    )


def end_those_of_others(index: Index, living: Collection[str]) -> list[Ended]:
    """End the leases of all owners that are not in ``living``, and return their deliveries as `end_expired` does."""
    values = (FilmState.DELIVERING, *living)
    return _end_selected(
        index, f"state = ? AND owner NOT IN ({placeholders(len(living))})", values, "its worker was killed"
    )


def _end_selected(index: Index, where: str, values: tuple[object, ...], why: str) -> list[Ended]:
    rows = index.db.execute(f"SELECT id, film FROM delivery WHERE {where}", values).fetchall()
    ended = []
    for delivery_id, film_id in rows:
        film = index.change_intact(film_id, partial(expire_lease, delivery_id=delivery_id, why=why))
        if film is not None:
            ended += [(film.id, delivery) for delivery in film.deliveries if delivery.id == delivery_id]
    return ended


def restart_clock(index: Index, now: float) -> None:
    """Reset all times on the monotonic clock if that clock has restarted, because the machine was rebooted."""
    if now < index.counters.get("clock"):
        index.db.execute("UPDATE delivery SET due = 0, expires = 0")
        index.db.execute("UPDATE counter SET value = ? WHERE name = 'clock'", (now,))


def next_due(index: Index, destination: str, now: float) -> float | None:
    """Return the first time after ``now`` at which a queued delivery to a destination is due, or None."""
    (due,) = index.db.execute(
        "SELECT min(due) FROM delivery WHERE destination = ? AND state = ? AND due > ?",
        (destination, FilmState.QUEUED, now),
    ).fetchone()
    return due if isinstance(due, float) else None  # there is none, or a damaged row


def load_media(index: Index, destination: str) -> int:
    """Requeue the films that wait for media of a destination, and return their number."""
    rows = index.db.execute(
        "SELECT DISTINCT film FROM delivery WHERE destination = ? AND state = ?", (destination, FilmState.WAITING)
    ).fetchall()
    requeued = [index.change_intact(film_id, partial(media_loaded, destination=destination)) for (film_id,) in rows]
    return sum(film is not None for film in requeued)
