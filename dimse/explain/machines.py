"""Both state machines of a recorded association, PS3.8 §9.2: the event of each PDU for its sender and its receiver.

A recording has no local primitives, so they are inferred: a side that sends an A-ASSOCIATE-AC has received an
A-ASSOCIATE response primitive (Evt7). A recording does not say when a PDU arrived either, so a PDU counts as received
when it was sent. If its receiver then sends a PDU that its new state does not allow, but its earlier state did, both
PDUs were under way at the same time, as in a release collision.
"""

from typing import NamedTuple

from ..ul import PDU, Abort, AssociateAC, AssociateRJ, AssociateRQ, Event, PDataTF, ReleaseRP, ReleaseRQ, State
from ..ul.provider import RECEIVED_EVENTS
from ..ul.state import TABLE_9_10

__all__ = ["ACCEPTOR", "REQUESTOR", "Machines", "Move"]

REQUESTOR, ACCEPTOR = ">", "<"  # the sides
_USER, _PROVIDER_ABORT = 1, 2  # values of Source: the user in A-ASSOCIATE-RJ, the provider in A-ABORT

_EVENTS_OF_SENDER: dict[type[PDU], Event] = {
    AssociateAC: Event.Evt7,
    AssociateRJ: Event.Evt8,
    PDataTF: Event.Evt9,
    ReleaseRQ: Event.Evt11,
    ReleaseRP: Event.Evt14,
    Abort: Event.Evt15,
}


class Move(NamedTuple):
    """A transition of one side's state machine. In a blank cell, ``action`` is "" and ``after`` equals ``before``."""

    who: str
    before: State
    event: Event
    action: str
    after: State


class Machines:
    """The state machines of requestor and acceptor."""

    def __init__(self) -> None:
        self.states = {REQUESTOR: State.Sta1, ACCEPTOR: State.Sta1}
        self._received: dict[str, Move] = {}  # by side: its latest move, if that move received a PDU

    def step(self, who: str, pdu: PDU | None) -> tuple[Move, ...]:
        """Return the moves of both sides for a PDU that ``who`` sent; None stands for a PDU that cannot be decoded."""
        other = ACCEPTOR if who == REQUESTOR else REQUESTOR
        return (*self._moves_of_sender(who, pdu), *self._moves_of_receiver(other, pdu))

    def close(self) -> tuple[Move, ...]:
        """Return the moves of sides that wait for the end of the transport connection."""
        waiting = [who for who, state in self.states.items() if state is State.Sta13]
        return tuple(self._move(who, Event.Evt17) for who in waiting)

    def _moves_of_sender(self, who: str, pdu: PDU | None) -> list[Move]:
        state = self.states[who]
        if isinstance(pdu, AssociateRQ) and state is State.Sta1:
            return [self._move(who, Event.Evt1), self._move(who, Event.Evt2)]
        if isinstance(pdu, AssociateRJ) and pdu.source != _USER and state is State.Sta3:
            self.states[who] = State.Sta13  # the provider itself rejected the request: the second branch of AE-6
            return [Move(who, State.Sta2, Event.Evt6, "AE-6", State.Sta13)]
        if isinstance(pdu, Abort) and state is State.Sta13:
            return []  # the action that led to Sta13 has sent it
        if isinstance(pdu, Abort) and pdu.source == _PROVIDER_ABORT:
            return [self._move(who, Event.Evt19)]
        event = None if pdu is None else _EVENTS_OF_SENDER.get(type(pdu))
        return [] if event is None else self._primitive(who, event)

    def _primitive(self, who: str, event: Event) -> list[Move]:
        last = self._received.pop(who, None)
        if last is None or (self.states[who], event) in TABLE_9_10 or (last.before, event) not in TABLE_9_10:
            return [self._move(who, event)]
        self.states[who] = last.before  # this side sent its PDU before it received the other
        return [self._move(who, event), self._move(who, last.event)]

    def _moves_of_receiver(self, who: str, pdu: PDU | None) -> list[Move]:
        moves = []
        if isinstance(pdu, AssociateRQ) and self.states[who] is State.Sta1:
            moves.append(self._move(who, Event.Evt5))
        event = Event.Evt19 if pdu is None else RECEIVED_EVENTS[type(pdu)]
        self._received[who] = self._move(who, event)
        return [*moves, self._received[who]]

    def _move(self, who: str, event: Event) -> Move:
        before = self.states[who]
        action = TABLE_9_10.get((before, event))
        if action is None:
            return Move(who, before, event, "", before)
        if action.otherwise is not None and event is Event.Evt12 and who == ACCEPTOR:  # AR-8
            action = action.otherwise
        self.states[who] = action.next
        return Move(who, before, event, action.name, action.next)
