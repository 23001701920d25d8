"""TCP keepalive, which notices that a silent peer is gone.

A peer that loses its power or its network sends no FIN, and a firewall forgets a connection that is silent for long,
often after an hour. Where this side waits for a PDU, a timeout notices that. But a client that waits for the events of
its print job may be silent for days, and the relay has no timeouts.
"""

import socket
from contextlib import suppress

__all__ = ["keep_alive"]

# A peer that is gone is noticed after 2 minutes of silence. Some systems lack one of these options
_OPTIONS = [
    (getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None)), 60),  # seconds before the first probe
    (getattr(socket, "TCP_KEEPINTVL", None), 10),  # seconds between probes
    (getattr(socket, "TCP_KEEPCNT", None), 6),  # probes without an answer
]


def keep_alive(sock: socket.socket) -> None:
    """Let the system ask a silent peer once a minute whether it is still there."""
    with suppress(OSError):  # the connection is broken, which reading will report
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _OPTIONS:
            if option is not None:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
