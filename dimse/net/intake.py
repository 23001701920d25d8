"""The intake of an association: from the bytes of a read to the PDUs that the core indicates.

Nearly always, a read is one PDU, which is processed immediately. Bytes that take long are processed in pieces, and the
peer waits for its turn between two pieces. A peer also waits for its turn if its A-ASSOCIATE-RQ is long, or if the
requests of many other peers arrive at the same time.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from time import monotonic

from ..message import UNCOUNTED
from ..ul import PDU, State, UpperLayer
from .fairness import Turns
from .flow_control import SHARE, FlowControl
from .memory_budget import Account
from .timers import Deadline

__all__ = ["PIECE", "Intake"]

PIECE = 128  # PDVs to process between two looks at the clock
_LONG_REQUEST = 4096  # bytes of an A-ASSOCIATE-RQ that always waits for its turn

# Peers with Nagle's algorithm (DCMTK and pynetdicom by default) write a message in pieces, and each time wait 40 ms for
# our delayed acknowledgment. Linux can acknowledge at once; this side asks for that after each short read that leaves
# a PDU or a message incomplete. A complete message is answered, and the answer acknowledges the message.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_SHORT_READ = 2048  # bytes


def _nothing() -> int:
    """Return 0: there is no association."""
    return 0


class Intake:
    """The intake of the bytes for ``core``.

    ``on_pdus`` is called with the PDUs that the core indicates; payloads in them are views that are valid only during
    the call. ``on_pdus`` returns whether the message of the peer is incomplete. ``follow_core`` does what the core
    requires after it has processed bytes. ``pdu_timer`` bounds the time of an incomplete PDU of the peer.
    """

    # The association sets these two before the connection exists
    account: Account | None = None
    ahead = staticmethod(_nothing)  # returns how many bytes of the incomplete message are counted before they arrive
    last_pdu = 0.0  # the time of the peer's latest complete PDU, on the clock of the event loop
    _socket: socket.socket | None = None
    _is_message_midway = False
    _counted = 0  # bytes that ``account`` counts, see `_count`

    def __init__(
        self,
        core: UpperLayer,
        on_pdus: Callable[[Sequence[PDU]], bool],
        follow_core: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
        flow: FlowControl,
        turns: Turns,
        pdu_timer: Deadline,
    ) -> None:
        self._core = core
        self._on_pdus = on_pdus
        self._follow_core = follow_core
        self._loop = loop
        self._flow = flow
        self._turns = turns
        self._pdu_timer = pdu_timer
        flow.timers.append(pdu_timer)

    def start(self, connected: socket.socket | None) -> None:
        """Begin with a new connection; ``connected`` is its socket."""
        self.last_pdu = self._loop.time()
        self._socket = connected

    def close(self) -> None:
        """Drop the socket, and the functions of the association and its transport: the connection is lost."""
        self._socket = self.account = None
        self.ahead = _nothing
        self._on_pdus, self._follow_core = lambda _: False, lambda: None

    def receive(self, data: memoryview) -> None:
        """Process ``data`` now, or leave a part of it, or all of it, for a later turn."""
        core = self._core
        if core.state is State.Sta6:
            if not self._counted and len(data) < _SHORT_READ and (pdus := core.receive_whole(data, PIECE)) is not None:
                self.last_pdu = self._loop.time()
                self._is_message_midway = self._on_pdus(pdus)
                if self._is_message_midway:
                    self._acknowledge()
                return
        elif core.state is State.Sta2 and not self._flow.is_turn and self._must_wait(data):
            self._flow.postpone(data)
            self._count()
            return
        before, is_short, until = self.last_pdu, len(data) < _SHORT_READ, monotonic() + SHARE
        while True:
            was_open = core.state is State.Sta6
            data = data[core.receive_data(data, PIECE) :]
            if not was_open or core.state is not State.Sta6:
                self._follow_core()
            elif pdus := core.events():  # only P-DATA has arrived: the core sends nothing, and sets no timer
                self.last_pdu = self._loop.time()
                self._is_message_midway = self._on_pdus(pdus)
            if not data and not core.has_rest:
                break
            if self._flow.is_held_beyond_turn or monotonic() > until:
                self._flow.postpone(data)
                self._count()
                break
        timer = self._pdu_timer
        if not core.is_midway:
            timer.since = None
        elif self.last_pdu != before:
            timer.begin(self.last_pdu)
        elif timer.since is None:
            timer.begin()
        if core.is_midway or self._counted:
            self._count()
        if is_short and (core.is_midway or self._is_message_midway):
            self._acknowledge()

    def indicate(self, pdus: Sequence[PDU]) -> None:
        """Pass on the PDUs that the core indicates, and note their time: only complete PDUs are a sign of life."""
        self.last_pdu = self._loop.time()
        self._is_message_midway = self._on_pdus(pdus)

    def _must_wait(self, data: memoryview) -> bool:
        """Return whether an A-ASSOCIATE-RQ must wait for its turn, because it is long or too many arrive at once."""
        return len(data) >= _LONG_REQUEST or not self._turns.try_enter()

    def _count(self) -> None:
        """Let ``account`` count the bytes that wait for further bytes or for their turn.

        They do not count if the memory into which they will be copied already counts.
        """
        kept = self._core.kept + self._flow.postponed
        if kept <= UNCOUNTED or kept <= self.ahead():
            kept = 0
        if kept != self._counted and self.account is not None:
            self._counted = kept
            self.account.set_unprocessed(kept)

    def _acknowledge(self) -> None:
        if self._socket is not None and _QUICKACK is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
