"""Looks at the index of a spool that delay no change of it, because they have a connection and a thread of their own.

A list of 100,000 films takes seconds. Meanwhile, thanks to the write-ahead log of SQLite, this process and others can
change the index; a look sees the index as it was at one moment.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from dimse.net.thread_pool import ThreadPool

from .index import Index, connect
from .records import SpoolError, reason_of
from .rows import DamageLog

__all__ = ["Looks"]

T = TypeVar("T")


class Looks:
    """The looks at the index in the file ``path``, used in ``with``. Damage is logged in ``damage``."""

    def __init__(self, path: Path, damage: DamageLog) -> None:
        self._db = connect(path)
        self._index = Index(self._db, damage)
        self._thread = ThreadPool(1, "spool looks")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._thread.shutdown()
        self._db.close()

    async def run(self, look: Callable[[Index], T]) -> T:
        """Return what ``look`` finds in the index. Raises what it raises, and `SpoolError` if the disk fails."""
        try:
            return await asyncio.wrap_future(self._thread.submit(self._run, look))
        except (OSError, sqlite3.Error) as exc:
            raise SpoolError(f"the index of the spool cannot be used: {reason_of(exc)}") from exc

    def _run(self, look: Callable[[Index], T]) -> T:
        self._db.execute("BEGIN")
        try:
            return look(self._index)
        finally:
            self._db.execute("COMMIT")
