"""The counters of an index: ``fence`` for leases, ``revision`` for jobs, and ``clock``.

``clock`` is the latest time of a lease or of an outcome.

A counter is damaged if it is not a number, or if a row has a greater number. It then gets the greatest number that a
row has.
"""

import sqlite3

from .records import DamagedRow
from .rows import MAX_NUMBER, DamageLog, number_of

__all__ = ["Counters"]

# SQL that selects, for each counter, the greatest number that a row has
_SOURCES = {
    "fence": "SELECT max(fence) FROM delivery",
    "revision": "SELECT max(revision) FROM job",
    "clock": "SELECT 0",
}
# Leaves out the numbers of damaged rows
_SOUND = "WHERE typeof({0}) = 'integer' AND {0} BETWEEN 0 AND " + str(MAX_NUMBER - 1)


class Counters:
    """The counters in the database of ``connection``."""

    def __init__(self, connection: sqlite3.Connection, damage: DamageLog) -> None:
        self._db = connection
        self._damage = damage

    def get(self, name: str) -> int:
        """Return the value of a counter. A damaged counter is logged and restored."""
        try:
            return self._read(name)
        except DamagedRow as exc:
            self._damage.report_row(exc)
            self.restore()
            return self._read(name)

    def next(self, name: str) -> int:
        """Increase a counter, and return its value."""
        value = self.get(name) + 1
        self._db.execute("UPDATE counter SET value = ? WHERE name = ?", (value, name))
        return value

    def restore(self) -> None:
        """Restore the counters that are damaged."""
        for name, source in _SOURCES.items():
            sound = "" if name == "clock" else _SOUND.format(name)
            (least,) = self._db.execute(f"{source} {sound}").fetchone()
            self._db.execute("INSERT OR IGNORE INTO counter VALUES (?, ?)", (name, least or 0))
            self._db.execute(
                "UPDATE counter SET value = ? WHERE name = ? "
                "AND (typeof(value) NOT IN ('real', 'integer') OR NOT value BETWEEN ? AND ?)",
                (least or 0, name, least or 0, MAX_NUMBER),
            )

    def _read(self, name: str) -> int:
        row = self._db.execute("SELECT value FROM counter WHERE name = ?", (name,)).fetchone()
        return int(number_of(f"the counter {name}", None if row is None else row[0]))
