"""What a peer may take, and how long it may take: two frozen dataclasses of named bounds."""

from dataclasses import dataclass

from ..message.fragments import MAX_COMMAND, MAX_DATA

__all__ = ["Limits", "Timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what a peer may send; what exceeds one ends its association, and nothing else.

    ``max_pdu`` is announced as Maximum-length-received (PS3.8 Annex D.1). All but
    ``associations`` and ``requests`` are bytes.
    """

    max_pdu: int = 1 << 17  # at 128 KiB the cost of a PDU no longer shows beside that of its bytes
    command_set: int = MAX_COMMAND
    data_set: int = MAX_DATA
    associations: int = 500  # open at once; the next one is refused with local-limit-exceeded
    requests: int = 2  # received and not yet begun: a peer that sends on is not read until they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds."""

    connect: float = 10.0  # for the connection, TLS and the answer to A-ASSOCIATE-RQ; for a client's TLS
    artim: float = 10.0  # the ARTIM timer, PS3.8 §9.1.5
    dimse: float = 120.0  # for the response to a request
    release: float = 5.0  # for A-RELEASE-RP
    write: float = 60.0  # for a peer that has stopped reading
    idle: float = 120.0  # for the peer's next whole PDU, on the acceptor's side
    linger: float = 1.0  # for the peer to close after an A-ABORT, before this side does
