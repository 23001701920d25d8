"""Records of everything that happens on an association, for a log and for a callback.

A `Trace` is called, in order, with each PDU and each message in either direction, with each step of the state machine,
and with the error if the peer's bytes are not a PDU. The text of a record shows neither credentials nor pixels. Without
a trace, no records are created.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import DimseError, escaped
from ..message import Message
from ..ul import PDU, PDataTF
from ..ul.provider import Transition

__all__ = ["Observe", "Record", "Seen", "Trace", "observer"]

Seen = PDU | Message | Transition | DimseError

# One logger for each layer
_upper_layer = logging.getLogger("dimse.ul")
_message = logging.getLogger("dimse.message")
_net = logging.getLogger("dimse.net")


@dataclass(frozen=True, slots=True)
class Record:
    """One event; as text, one line such as ``< PDataTF(2 PDVs, 16378 bytes)``.

    ``time`` is in seconds on the clock of the event loop. ``direction`` is ``>`` for sent, ``<`` for received (also
    for the error of bytes that are not a PDU), and ``=`` for a step of the state machine.
    """

    time: float
    peer: str  # the address and the port of the peer
    direction: str
    what: Seen

    def __str__(self) -> str:
        return f"{self.direction} {_line(self.what)}"


Trace = Callable[[Record], None]
Observe = Callable[[str, Seen], None]  # direction, event


def observer(peer: Callable[[], str], clock: Callable[[], float], trace: Trace | None) -> Observe | None:
    """Return the function to call with each event of one association; None if no trace and no log wants the events.

    For a trace, the function copies the payloads of received PDUs, because the read buffer is reused.
    """
    is_logged = _upper_layer.isEnabledFor(logging.DEBUG) or _message.isEnabledFor(logging.DEBUG)
    if trace is None and not is_logged:
        return None

    def observe(direction: str, what: Seen) -> None:
        logger = _message if isinstance(what, Message) else _upper_layer
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s %s %s", peer(), direction, _line(what))
        if trace is None:
            return
        if direction == "<" and isinstance(what, PDataTF):
            what = PDataTF(tuple(pdv._replace(data=bytes(pdv.data)) for pdv in what.pdvs))
        try:
            trace(Record(clock(), peer(), direction, what))
        except Exception:
            _net.exception("%s: a trace failed", peer())

    return observe


def _line(what: Seen) -> str:
    """Return an event as one line. An error may quote the peer, so its text is escaped."""
    return escaped(str(what)) if isinstance(what, DimseError) else str(what)
