"""What happens on an association, record by record, for a log and for whoever wants to look on.

A `Trace` is called with each PDU and each message of either direction and each step of the state machine, in the
order in which they happen. Passcodes, tickets and pixels do not show in a record's text. Where nobody
looks on, nothing is made.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import DimseError
from ..message import Message
from ..ul import PDU, PDataTF
from ..ul.provider import Transition

__all__ = ["Observe", "Record", "Seen", "Trace", "observer"]

Seen = PDU | Message | Transition | DimseError

# One logger a floor
_upper_layer = logging.getLogger("dimse.ul")
_message = logging.getLogger("dimse.message")
_net = logging.getLogger("dimse.net")


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened; as text one line such as ``< PDataTF(2 PDVs, 16378 bytes)``.

    ``time`` is in seconds on the clock of the event loop. ``direction`` is ``>`` for what was sent, ``<`` for what
    was received (an error where the peer's bytes are no PDU), ``=`` for a step of the state machine.
    """

    time: float
    peer: str  # its address and port
    direction: str
    what: Seen

    def __str__(self) -> str:
        return f"{self.direction} {_line(self.what)}"


Trace = Callable[[Record], None]
Observe = Callable[[str, Seen], None]  # direction, what


def observer(peer: Callable[[], str], clock: Callable[[], float], trace: Trace | None) -> Observe | None:
    """What to call with everything that happens on one association; None where nobody looks on.

    Payloads of PDUs that were received are copied: the buffer that they came in is used again.
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
    """One line: what a peer says is escaped by ``repr``, or stands in an error of ours, which escapes it."""
    return repr(str(what))[1:-1] if isinstance(what, DimseError) else str(what)
