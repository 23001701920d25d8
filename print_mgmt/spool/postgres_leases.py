"""The leases of a spool in PostgreSQL: a worker gets a lease, which ends if the worker reports no outcome in time."""

import time
from collections.abc import Callable

from dimse.errors import LocalProtocolError

from .changes import expire_lease, lease_delivery
from .doubt import Ended, log_abandoned
from .postgres_link import Interval, PostgresLink
from .postgres_tables import Connection, film_record, next_delivery, save
from .records import DamagedRow, FilmRecord, NoSuchFilm
from .rows import DAMAGE, DamageLog
from .states import FilmState

__all__ = ["PostgresLeases", "change_film"]

_Change = Callable[[FilmRecord, int, bool], FilmRecord]
_CHECK_EVERY = 1.0  # seconds between two checks for expired leases


class PostgresLeases:
    """The leases that the spool instance behind ``link`` grants, and those that it ends.

    ``clock`` returns the seconds for the pause between two checks; by default, it is the monotonic clock. The times of
    leases come from ``link``.
    """

    def __init__(self, link: PostgresLink, clock: Callable[[], float] | None) -> None:
        self._link = link
        self._damage = DamageLog()
        self._check_interval = Interval(_CHECK_EVERY, clock or time.monotonic)

    async def grant(self, destination: str, seconds: float, at_once: int | None) -> FilmRecord | None:
        """Lease the next film for a destination, and return it, or None; see `Deliveries.lease`.

        A film is logged and skipped if a row of the film, or of another film of its job, is damaged.
        """
        damaged: list[str] = []
        while True:
            try:
                return await self._lease_next(destination, seconds, at_once, damaged)
            except DamagedRow as exc:
                self._damage.report(damaged[-1], exc)

    async def _lease_next(
        self, destination: str, seconds: float, at_once: int | None, damaged: list[str]
    ) -> FilmRecord | None:
        """Lease the next film that is not in ``damaged``.

        If that film has a damaged row, add the film to ``damaged``, and raise `DamagedRow`.
        """
        async with self._link.transaction() as db:
            now = await self._link.now(db)
            if at_once is not None:  # an expired lease does not count: it stays if its film has a damaged row
                await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", destination)
                count = await db.fetchval(
                    "SELECT count(*) FROM delivery WHERE destination = $1 AND state = $2 AND expires > $3",
                    destination,
                    FilmState.DELIVERING,
                    now,
                )
                if count >= at_once:
                    return None
            while (found := await next_delivery(db, destination, now, damaged)) is not None:
                film_id, delivery_id = found
                try:
                    film = await film_record(db, film_id)
                    if any(one.id == delivery_id and one.is_due(now) for one in film.deliveries):
                        return await save(db, film, await self._leased(db, film, delivery_id, now + seconds))
                except DAMAGE as exc:
                    damaged.append(film_id)
                    raise DamagedRow(str(exc)) from exc
            return None

    async def _leased(self, db: Connection, film: FilmRecord, delivery_id: int, expires: float) -> FilmRecord:
        fence = await db.fetchval("SELECT nextval('fence')")
        return lease_delivery(film, delivery_id, fence=fence, owner=self._link.owner, expires=expires)

    async def end_abandoned(self) -> None:
        """End the leases of spool instances that are no longer connected."""
        async with self._link.transaction() as db:
            leases = await db.fetch(
                "SELECT film, id, fence, owner FROM delivery WHERE state = $1", FilmState.DELIVERING
            )
        # Read the owners after the leases: an instance may connect and lease a film meanwhile
        living = await self._link.living_owners()
        for film_id, delivery, fence, owner in leases:
            if owner not in living:
                await self._expire(film_id, delivery, fence, "its worker was killed")

    async def end_expired(self) -> None:
        """End the expired leases, unless this was done within the last `_CHECK_EVERY` seconds."""
        if not self._check_interval.is_over():
            return
        async with self._link.transaction() as db:
            now = await self._link.now(db)
            rows = await db.fetch(
                "SELECT film, id, fence FROM delivery WHERE state = $1 AND expires <= $2", FilmState.DELIVERING, now
            )
        for film_id, delivery, fence in rows:
            await self._expire(film_id, delivery, fence, "the lease of its worker has ended", now)

    async def _expire(self, film_id: str, delivery: int, fence: int, why: str, now: float | None = None) -> None:
        """End the lease ``fence``, unless it has ended or, with ``now``, was prolonged meanwhile."""
        ended: list[Ended] = []

        def end(film: FilmRecord, *_: object) -> FilmRecord:
            current = next((one for one in film.deliveries if one.id == delivery), None)
            if (
                current is None
                or current.state is not FilmState.DELIVERING
                or current.fence != fence
                or (now is not None and current.expires > now)
            ):
                return film
            expired = expire_lease(film, delivery, why)
            ended[:] = [(film_id, one) for one in expired.deliveries if one.id == delivery]
            return expired

        if await self.change_intact(film_id, end):
            log_abandoned(ended)

    async def change_intact(self, film_id: str, change: _Change) -> bool:
        """Change a film as `change_film` does, and return True.

        If the film was removed meanwhile, or if a row of the film or its job is damaged, change nothing, and return
        False; damage is logged.
        """
        try:
            await change_film(self._link, film_id, change)
        except NoSuchFilm:
            return False
        except (DamagedRow, LocalProtocolError) as exc:
            if not self._link.is_open:
                raise
            self._damage.report(film_id, exc)
            return False
        return True


async def change_film(link: PostgresLink, film_id: str, change: _Change) -> FilmRecord:
    """Change a film in a transaction of its own.

    ``change`` gets the film, the number of films in its job, and whether the job is collated. Return the changed film.
    Raises `NoSuchFilm`, and `DamagedRow` if a row of the film or its job is damaged.
    """
    async with link.transaction() as db:
        film = await film_record(db, film_id, lock=True)
        row = await db.fetchrow('SELECT films, collated FROM job WHERE "SOPInstanceUID" = $1', film.job)
        return await save(db, film, change(film, row["films"], row["collated"]))
