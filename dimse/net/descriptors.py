"""How many connections a server can have with the descriptors that this process may open."""

import os
import sys
from dataclasses import replace

from ..limits import Limits

if sys.platform != "win32":
    import resource

__all__ = ["KEPT", "within_descriptors"]

KEPT = 64  # descriptors for films, files and what else the program opens, and for connections that are closed unread


def within_descriptors(limits: Limits) -> Limits:
    """``limits``, with no more connections than there are descriptors for; one host has its share of those.

    A connection for which there is none would wait, and so would every film that is to be written.
    """
    connections = min(limits.connections, max(_allowed() - _open() - KEPT, 1))
    if connections == limits.connections:
        return limits
    share = limits.host_connections * connections // limits.connections
    return replace(limits, connections=connections, host_connections=min(limits.host_connections, max(share, 1)))


def _allowed() -> int:
    """The descriptors that this process may have open."""
    if sys.platform == "win32":
        return sys.maxsize
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def _open() -> int:
    """Those that it has open."""
    try:
        return len(os.listdir("/dev/fd"))  # noqa: PTH208  # names alone are wanted
    except OSError:
        return 0
