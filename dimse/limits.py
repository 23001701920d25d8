"""Bounds on the memory, connections and time of this side that a peer may use: two frozen dataclasses.

If a peer exceeds a bound, other peers are unaffected, except that they may have to wait for `Limits.memory`.
``docs/limits.md`` lists what happens beyond each bound.
"""

from dataclasses import dataclass

__all__ = ["LIMITS", "Limits", "Timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on the memory and the connections of this side that a peer may use."""

    # bytes
    max_pdu: int = 1 << 17  # announced as Maximum-length-received; at 128 KiB the fixed cost per PDU no longer matters
    associate_pdu: int = 1 << 20  # 128 contexts of 64 transfer syntaxes, with UIDs of 64 characters, take 554 KiB
    user_item: int = 1 << 15  # the longest known user item is a SAML assertion
    command_set: int = 1 << 16  # usually a few hundred bytes, but an N-GET may list many attributes
    data_set: int = 1 << 29  # the largest print image seen has 400 MiB; 65535 x 65535 pixels are not worth supporting

    # bytes in use at the same time: of messages that arrive, wait or are performed, of association requests, and of
    # long responses; beyond that, this side reads only the message that began first
    memory: int = 1 << 31
    host_memory: int = 3 << 28  # bytes of `memory` for one address; 19 images of 40 MiB fit, and further ones wait

    # counts, in one message or PDU
    fragments: int = 1 << 18  # of one message; enough for `data_set` bytes in fragments of 2 KiB
    contexts: int = 128  # all odd ids from 1 to 255, PS3.8 Table 9-13
    transfer_syntaxes: int = 64  # of one presentation context
    user_items: int = 400  # 3 x 128 (roles and both extended negotiations for each context), and 16 others

    # counts, at the same time
    requests: int = 2  # requests that wait for their handler; this side stops reading from a peer with this many
    associations: int = 500
    host_associations: int = 200  # how many of `associations` may come from one address
    connections: int = 1000  # with or without an association; further connections are closed unread
    host_connections: int = 400  # how many of `connections` may come from one address


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Times to wait, in seconds."""

    connect: float = 10.0  # for the connection, TLS and the answer to A-ASSOCIATE-RQ; on a server, for TLS only
    artim: float = 10.0  # the ARTIM timer, PS3.8 §9.1.5
    pdu: float = 30.0  # for the rest of a PDU that has begun
    message: float = (
        900.0  # for the rest of a message that one side has begun; enough for `Limits.data_set` at 5 Mbit/s
    )
    stall: float = 10.0  # for 16 KiB more of a message, while other peers wait for its memory
    idle: float = 120.0  # for the peer's next complete PDU, on the acceptor's side
    dimse: float = 120.0  # for the response to a request
    handler: float = 120.0  # for the response of a handler; after that, the peer gets a processing failure
    write: float = 60.0  # for the peer to read some of the bytes that wait for it
    release: float = 5.0  # for A-RELEASE-RP
    linger: float = (
        1.0  # for the peer to close the connection after an A-ABORT of this side; servers use `artim` instead
    )
