"""The connections of a spool to its PostgreSQL database: transactions, notices, and the lock of a living spool."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Self

import asyncpg

from dimse.errors import LocalProtocolError

from .film_folder import Step
from .notice import Notice
from .postgres_tables import Connection, create_tables
from .records import SpoolError, reason_of
from .tasks import cancel_tasks

__all__ = ["Interval", "NotBegun", "PostgresLink"]

_log = logging.getLogger("print_mgmt.spool")

_MAX_CONNECTIONS = 8  # connections in the pool
_PAUSE = 0.5  # seconds before the next attempt to connect
_CONNECT = 10.0  # seconds to connect
_ANSWER = 60.0  # seconds for the database to perform a statement; a machine that is cut off never answers
_CLOSE = 5.0  # seconds to close the connections; then they are dropped
# A commit accepts a film, so it must be on the server's disk, whatever the default of the database is. A process that
# stops in the middle of a transaction, or a machine that is gone, must not keep its row locks. So the server ends an
# idle transaction after 30 s, and checks after 60 s without traffic whether a machine is gone.
_SETTINGS = {
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_ALIVE = 0x2131  # class id of the advisory locks that spool instances hold
# asyncpg raises the internal error if it uses a connection before it has noticed that the server closed it
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Interval:
    """A timer for a repeated task, which is due at most once in ``seconds`` on ``clock``."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last: float | None = None

    def is_over(self) -> bool:
        """Return whether the task is due; if it is, begin a new interval."""
        now = self._clock()
        if self._last is not None and 0 <= now - self._last < self._seconds:
            return False
        self._last = now
        return True


class NotBegun(SpoolError):
    """A transaction that could not begin, so it has changed nothing."""


class PostgresLink:
    """A pool of connections, and a connection that receives notices and holds the advisory lock of ``owner``."""

    def __init__(self, dsn: str, clock: Callable[[], float] | None, step: Step) -> None:
        self.owner = str(int.from_bytes(os.urandom(4)) >> 1)
        self.notice = Notice()
        self._dsn = dsn
        self._clock = clock
        self._step = step
        self._pool: Any = None
        self._listens = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._pool is not None:
            raise LocalProtocolError("the spool is already open")
        try:
            async with AsyncExitStack() as stack:
                # With a greater min_size, the pool would log a traceback each time it cannot reach the server
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=_MAX_CONNECTIONS,
                    timeout=_CONNECT,
                    command_timeout=_ANSWER,
                    server_settings=_SETTINGS,
                )
                stack.push_async_callback(_close, self._pool)
                async with self.transaction() as db:
                    await create_tables(db)
                listening = asyncio.create_task(self._listen())
                stack.push_async_callback(cancel_tasks, listening)
                await self._listens.wait()
                self._stack = stack.pop_all()
        except BaseException as exc:
            self._pool = None
            if not isinstance(exc, (*_FAILURES, SpoolError)):
                raise
            cause = exc.__cause__ if isinstance(exc.__cause__, _FAILURES) else exc
            raise SpoolError(f"the spool database cannot be opened: {_reason_of(cause)}") from exc
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            await self._stack.aclose()
        finally:
            self._pool = None

    @property
    def is_open(self) -> bool:
        return self._pool is not None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Run the block in a transaction.

        Raises `NotBegun` if the transaction cannot begin, `SpoolError` if the database fails later, and
        `LocalProtocolError` if the spool is not open.
        """
        if self._pool is None:
            raise LocalProtocolError("the spool is not open: use it in `async with`")
        try:
            async with AsyncExitStack() as stack:
                try:
                    db = await self._begin(stack)
                except _FAILURES as exc:
                    raise NotBegun(f"the spool database has failed: {_reason_of(exc)}") from exc
                yield db
                self._step("commit")
        except _FAILURES as exc:
            raise SpoolError(f"the spool database has failed: {_reason_of(exc)}") from exc

    async def _begin(self, stack: AsyncExitStack) -> Connection:
        """Begin a transaction. Try all connections of the pool, because a restart of the server closes all of them."""
        for left in reversed(range(_MAX_CONNECTIONS + 1)):
            try:
                db = await stack.enter_async_context(self._pool.acquire())
                await stack.enter_async_context(db.transaction(isolation="read_committed"))
            except _FAILURES as exc:
                with suppress(*_FAILURES):
                    await stack.aclose()
                if not left or isinstance(exc, TimeoutError):  # another connection would not be answered, either
                    raise
            else:
                break
        return db

    async def now(self, db: Connection) -> float:
        """Return the time in seconds for leases and delays, by ``clock`` or else by the clock of the database."""
        if self._clock is not None:
            return self._clock()
        return float(await db.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8"))

    async def living_owners(self) -> list[str]:
        """Return the owners (spool instances) that are connected."""
        async with self.transaction() as db:
            rows = await db.fetch(
                "SELECT objid::text FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                _ALIVE,
            )
        return [owner for (owner,) in rows]

    async def _listen(self) -> None:
        """Hold the advisory lock of this spool, and pass on notices; reconnect whenever the connection ends."""
        while True:
            with suppress(*_FAILURES):
                connection = await asyncpg.connect(
                    self._dsn, timeout=_CONNECT, command_timeout=_ANSWER, server_settings=_SETTINGS
                )
                try:
                    await connection.execute("SELECT pg_advisory_lock($1, $2)", _ALIVE, int(self.owner))
                    await connection.add_listener("print_mgmt_spool", lambda *_: self.notice.give())
                    self._listens.set()
                    ended = asyncio.Event()
                    connection.add_termination_listener(lambda _, ended=ended: ended.set())
                    self.notice.give()
                    await ended.wait()
                    _log.warning("the connection to the spool database has ended: reconnecting")
                finally:
                    connection.terminate()
            await asyncio.sleep(_PAUSE)


def _reason_of(error: Exception) -> str:
    """Return in words why the database has failed. The errors of asyncpg for its time limits have no text."""
    return "it does not answer" if isinstance(error, TimeoutError) and not str(error) else reason_of(error)


async def _close(pool: Any) -> None:
    """Close the connections, and drop those whose server does not answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE):
            await pool.close()  # it drops them if it is canceled
