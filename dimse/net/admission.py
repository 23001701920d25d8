"""Admission: the number of connections and associations that a server admits, in total and from one address.

A peer that opens thousands of connections reaches the limit of its own address long before the limit that all peers
share, and its further connections are closed unread. So one address cannot keep others out. There are never more
connections than file descriptors.
"""

import logging
import os
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from time import monotonic

from ..limits import Limits

if sys.platform != "win32":
    import resource

__all__ = [
    "MAX_DESCRIPTORS",
    "RESERVED_DESCRIPTORS",
    "Admission",
    "allowed_descriptors",
    "raise_descriptor_limit",
    "within_descriptors",
]

_log = logging.getLogger("dimse.net")

RESERVED_DESCRIPTORS = 64  # descriptors for films and other files, and for connections that are closed unread
MAX_DESCRIPTORS = 1 << 16  # descriptors that this process allows itself, at most
_MAX_LINES = 50  # lines of log in a minute for one kind of event
_MINUTE = 60.0  # seconds


class Admission:
    """The connections and associations of a server. ``hits`` counts how often each limit was exceeded."""

    def __init__(self, limits: Limits) -> None:
        self.hits: Counter[str] = Counter()
        self._limits = limits
        self._minute_began = monotonic()
        self._logged: Counter[str] = Counter()  # events in the current minute
        self._connections: dict[str, int] = {}  # connections by address
        self._associations: dict[str, int] = {}

    def record_limit(self, limit: str, peer: str, cause: str = "") -> None:
        """Count and log that ``peer`` exceeded ``limit``."""
        self.hits[limit] += 1
        self.warn(f"limit {limit} was hit", f"{peer}: limit {limit} hit{f': {cause}' if cause else ''}")

    def warn(self, event: str, text: str) -> None:
        """Log ``text``, but at most 50 lines a minute for each ``event``, and later the number of lines left out."""
        now = monotonic()
        if now - self._minute_began > _MINUTE:
            self._minute_began = now
            for name, count in self._logged.items():
                if count > _MAX_LINES:
                    _log.warning("%s %d more times", name, count - _MAX_LINES)
            self._logged.clear()
        self._logged[event] += 1
        if self._logged[event] <= _MAX_LINES:
            _log.warning("%s", text)

    @property
    def is_empty(self) -> bool:
        """Whether there are no connections and no associations."""
        return not self._connections and not self._associations

    def connect(self, host: str) -> str:
        """Count a connection and return an empty string, or return the name of the limit that forbids it."""
        limits, connections = self._limits, self._connections
        return _increment(connections, host, limits.connections, limits.host_connections, "connections")

    def disconnect(self, host: str) -> None:
        """Stop counting a connection."""
        _decrement(self._connections, host)

    def associate(self, host: str) -> str:
        """Count an association and return an empty string, or return the name of the limit that forbids it."""
        limits, associations = self._limits, self._associations
        return _increment(associations, host, limits.associations, limits.host_associations, "associations")

    def dissociate(self, host: str) -> None:
        """Stop counting an association."""
        _decrement(self._associations, host)


def _increment(counts: dict[str, int], host: str, max_total: int, max_of_host: int, name: str) -> str:
    if sum(counts.values()) >= max_total:
        return name
    of_host = counts.get(host, 0)
    if of_host >= max_of_host:
        return f"host_{name}"
    counts[host] = of_host + 1
    return ""


def _decrement(counts: dict[str, int], host: str) -> None:
    counts[host] -= 1
    if not counts[host]:
        del counts[host]  # so that the addresses of former peers take no memory


def within_descriptors(limits: Limits, files: int = 0) -> Limits:
    """Return ``limits`` with connections lowered to the number of descriptors that this process can still open.

    ``files`` descriptors are reserved for the files of long Data Sets. The share of one host is lowered in proportion.
    Without a free descriptor, connections would wait, and films could not be written.
    """
    free = allowed_descriptors() - _open_descriptors() - RESERVED_DESCRIPTORS - files
    connections = min(limits.connections, max(free, 1))
    if connections == limits.connections:
        return limits
    share = limits.host_connections * connections // limits.connections
    return replace(limits, connections=connections, host_connections=min(limits.host_connections, max(share, 1)))


def allowed_descriptors() -> int:
    """Return the number of descriptors that this process may have open; `sys.maxsize` if there is no limit."""
    if sys.platform == "win32":
        return sys.maxsize
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> None:
    """Allow this process as many descriptors as the system permits, at most `MAX_DESCRIPTORS`.

    Programs that this process starts inherit the limit, and some of them close every possible descriptor up to the
    limit. So it is not raised above `MAX_DESCRIPTORS`.
    """
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(OSError, ValueError):  # macOS permits fewer than it reports
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _open_descriptors() -> int:
    """Return the number of descriptors that this process has open; 0 if the system does not tell."""
    try:
        return len(os.listdir("/dev/fd"))  # noqa: PTH208  # only the number is needed
    except OSError:
        return 0
