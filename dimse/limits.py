"""Bounds on the resources and the time of a peer: two frozen dataclasses.

A peer that exceeds a bound loses its association; others are unaffected. ``docs/limits.md`` has a table of all bounds,
each with the answer to the peer.
"""

from dataclasses import dataclass

__all__ = ["LIMITS", "Limits", "Timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on the bytes of a peer, and on the number of peers."""

    # bytes
    max_pdu: int = 1 << 17  # announced as Maximum-length-received; at 128 KiB only the bytes of a PDU cost time
    associate_pdu: int = 1 << 20  # 128 contexts of 64 transfer syntaxes, UIDs of 64 characters: 566 KiB
    user_item: int = 1 << 15  # the longest known one is a SAML assertion
    command_set: int = 1 << 16  # a few hundred bytes; an N-GET may list many attributes
    data_set: int = 1 << 29  # the largest seen print image has 400 MiB; 65535 x 65535 pixels are not sensible

    # bytes of all messages that arrive, wait or are performed at once; beyond them peers are not read
    memory: int = 1 << 31
    host_memory: int = 3 << 28  # of `memory`, from one address: 19 images of 40 MiB fit, others wait

    # counts, in one message or PDU
    fragments: int = 1 << 18  # of one message: `data_set` in fragments of 2 KiB
    contexts: int = 128  # all odd ids, PS3.8 Table 9-13
    transfer_syntaxes: int = 64  # of one presentation context
    user_items: int = 400  # role selection and both extended negotiations for each of 128 contexts, and the rest

    # counts, at once
    requests: int = 2  # received and not yet begun; a peer with more is not read until they are
    associations: int = 500
    host_associations: int = 200  # of `associations`, from one address
    connections: int = 1000  # associated or not; further ones are closed unread
    host_connections: int = 400  # of `connections`, from one address


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Times to wait, in seconds."""

    connect: float = 10.0  # for the connection, TLS and the answer to A-ASSOCIATE-RQ; on a server for TLS
    artim: float = 10.0  # the ARTIM timer, PS3.8 §9.1.5
    pdu: float = 30.0  # for the rest of a PDU that has begun
    message: float = 900.0  # for the rest of a message that has begun: `Limits.data_set` at 5 Mbit/s
    stall: float = 10.0  # for 16 KiB more of a message, while others wait for the memory that it holds
    idle: float = 120.0  # for the peer's next whole PDU, on the acceptor's side
    dimse: float = 120.0  # for the response to a request
    handler: float = 120.0  # for the response of a handler; then the peer gets a processing failure
    write: float = 60.0  # for a peer that has stopped reading
    release: float = 5.0  # for A-RELEASE-RP
    linger: float = 1.0  # for the peer to close after an A-ABORT; then this side closes
