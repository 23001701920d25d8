"""What a peer may take, and how long it may take: two frozen dataclasses of named bounds.

What goes beyond one ends the association of the peer that did it, and nothing else. ``docs/limits.md`` has them in
a table, each with the answer that the peer gets.
"""

from dataclasses import dataclass

__all__ = ["LIMITS", "Limits", "Timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what a peer may send, and on how many peers there may be."""

    # bytes
    max_pdu: int = 1 << 17  # announced as Maximum-length-received; at 128 KiB a PDU costs no more than its bytes
    associate_pdu: int = 1 << 20  # 128 contexts of 64 transfer syntaxes, UIDs of 64 characters: 566 KiB
    user_item: int = 1 << 15  # the longest that is met is a SAML assertion
    command_set: int = 1 << 16  # some hundred bytes; an N-GET may list many attributes
    data_set: int = 1 << 29  # the largest print image, 65535 x 65535, is not sensible; one of 400 MiB has been seen

    # bytes of all messages at once that are under way, wait, or are performed; beyond it peers are not read
    memory: int = 1 << 31
    host_memory: int = 3 << 28  # of `memory`, from one address: 64 images of 40 MiB take turns in threes

    # how many, in one message or PDU
    fragments: int = 1 << 18  # of one message: `data_set` in fragments of 2 KiB
    contexts: int = 128  # all the ids there are, PS3.8 Table 9-13
    transfer_syntaxes: int = 64  # of one presentation context
    user_items: int = 400  # role selection and both extended negotiations for each of 128 contexts, and the rest

    # how many at once
    requests: int = 2  # received and not yet begun: a peer that sends on is not read until they are
    associations: int = 500
    host_associations: int = 200  # of `associations`, from one address
    connections: int = 1000  # associated or not: they are closed unread from here on
    host_connections: int = 400  # of `connections`, from one address


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds."""

    connect: float = 10.0  # for the connection, TLS and the answer to A-ASSOCIATE-RQ; for a client's TLS
    artim: float = 10.0  # the ARTIM timer, PS3.8 §9.1.5
    pdu: float = 30.0  # for the rest of a PDU that has begun
    message: float = 900.0  # for the rest of a message that has begun: `Limits.data_set` at 5 Mbit/s
    stall: float = 10.0  # for 16 KiB more of a message, while others wait for the memory that it holds
    idle: float = 120.0  # for the peer's next whole PDU, on the acceptor's side
    dimse: float = 120.0  # for the response to a request
    handler: float = 120.0  # for a handler to make a response, before it is answered that it failed
    write: float = 60.0  # for a peer that has stopped reading
    release: float = 5.0  # for A-RELEASE-RP
    linger: float = 1.0  # for the peer to close after an A-ABORT, before this side does
