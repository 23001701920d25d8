"""How many connections and associations there may be, in total and from one address.

A peer that opens connections by the thousand is closed unread from its own bound on, long before the one that
all share is reached; so one peer cannot keep the others out.
"""

import logging
from collections import Counter
from time import monotonic

from ..limits import Limits

__all__ = ["Admission"]

_LINES, _MINUTE = 50, 60.0

_log = logging.getLogger("dimse.net")


class Admission:
    """The books of a server. ``hits`` counts how often each limit was hit, by its name."""

    def __init__(self, limits: Limits) -> None:
        self.hits: Counter[str] = Counter()
        self._limits = limits
        self._since = monotonic()  # what was logged was logged
        self._logged: Counter[str] = Counter()
        self._connections: Counter[str] = Counter()  # by address
        self._associations: Counter[str] = Counter()

    def hit(self, limit: str, peer: str, cause: str = "") -> None:
        """Count and log that ``peer`` went beyond ``limit``. A flood fills no log: few lines of a limit in a minute."""
        self.hits[limit] += 1
        now = monotonic()
        if now - self._since > _MINUTE:
            self._since = now
            for name, count in self._logged.items():
                if count > _LINES:
                    _log.warning("limit %s was hit %d more times", name, count - _LINES)
            self._logged.clear()
        self._logged[limit] += 1
        if self._logged[limit] <= _LINES:
            _log.warning("%s: limit %s hit%s", peer, limit, f": {cause}" if cause else "")

    @property
    def is_empty(self) -> bool:
        """Whether there is no connection."""
        return not self._connections and not self._associations

    def connect(self, host: str) -> str:
        """Take a connection into the books; the limit that forbids it, or nothing."""
        limits, connections = self._limits, self._connections
        return _take(connections, host, limits.connections, limits.host_connections, "connections")

    def disconnect(self, host: str) -> None:
        """Strike out a connection that `connect` took."""
        _strike(self._connections, host)

    def associate(self, host: str) -> str:
        """Take an association into the books; the limit that forbids it, or nothing."""
        limits, associations = self._limits, self._associations
        return _take(associations, host, limits.associations, limits.host_associations, "associations")

    def dissociate(self, host: str) -> None:
        """Strike out an association that `associate` took."""
        _strike(self._associations, host)


def _take(book: Counter[str], host: str, total: int, each: int, name: str) -> str:
    if book.total() >= total:
        return name
    if book[host] >= each:
        return f"host_{name}"
    book[host] += 1
    return ""


def _strike(book: Counter[str], host: str) -> None:
    book[host] -= 1
    if not book[host]:
        del book[host]  # addresses come and go
