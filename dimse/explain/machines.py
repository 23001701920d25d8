"""Both state machines of a recorded association, PS3.8 §9.2. Each PDU is an event for its sender and its receiver.

A recording has no local primitives, so they are inferred: a side that sends an A-ASSOCIATE-AC has received an
A-ASSOCIATE response primitive (Evt7). A recording does not say when a PDU arrived either, so a PDU counts as received
when it was sent. If its receiver then sends a PDU that its new state does not allow, but its earlier state did, both
PDUs were under way at the same time, as in a release collision.
"""

from typing import NamedTuple

from ..ul import PDU, Abort, AssociateAC, AssociateRJ, AssociateRQ, Event, PDataTF, ReleaseRP, ReleaseRQ, State
from ..ul.provider import RECEIVED_EVENTS
from ..ul.state import TABLE_9_10, Action

__all__ = ["ACCEPTOR", "REQUESTOR", "SIDES", "Machines", "Move"]

REQUESTOR, ACCEPTOR = ">", "<"  # the sides
SIDES = {REQUESTOR: "requestor", ACCEPTOR: "acceptor"}
_USER, _PROVIDER_ABORT = 1, 2  # values of Source: the user in A-ASSOCIATE-RJ, the provider in A-ABORT

# The local primitive that makes a side send each PDU
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

    side: str
    before: State
    event: Event
    action: str
    after: State


class Machines:
    """The state machines of requestor and acceptor."""

    def __init__(self) -> None:
        self.states = {REQUESTOR: State.Sta1, ACCEPTOR: State.Sta1}
        self._received: dict[str, Move] = {}  # by side: its latest move, if that move received a PDU

    def step(self, side: str, pdu: PDU | None) -> tuple[Move, ...]:
        """Return the moves of both sides for a PDU that ``side`` sent; None stands for a PDU that cannot be decoded."""
        other = ACCEPTOR if side == REQUESTOR else REQUESTOR
        return (*self._moves_of_sender(side, pdu), *self._moves_of_receiver(other, pdu))

    def close(self) -> tuple[Move, ...]:
        """Return the moves of sides that wait for the end of the transport connection."""
        waiting = [side for side, state in self.states.items() if state is State.Sta13]
        return tuple(self._move(side, Event.Evt17) for side in waiting)

    def disconnect(self) -> None:
        """Take the end of the transport connection into account: Evt17 for both sides."""
        for side in self.states:
            self._move(side, Event.Evt17)

    def actions(self, side: str, event: Event) -> tuple[Action, ...]:
        """Return the actions that ``event`` can cause in the state of ``side``: two if AE-6 depends on the request."""
        action = TABLE_9_10.get((self.states[side], event))
        if action is None:
            return ()
        if action.otherwise is None:
            return (action,)
        if event is Event.Evt12:  # AR-8 depends on the side
            return (action.otherwise if side == ACCEPTOR else action,)
        return action, action.otherwise

    def _moves_of_sender(self, side: str, pdu: PDU | None) -> list[Move]:
        state = self.states[side]
        if isinstance(pdu, AssociateRQ) and state is State.Sta1:
            return [self._move(side, Event.Evt1), self._move(side, Event.Evt2)]
        if isinstance(pdu, AssociateRJ) and pdu.source != _USER and state is State.Sta3:
            self.states[side] = State.Sta13  # the provider itself rejected the request: the second branch of AE-6
            return [Move(side, State.Sta2, Event.Evt6, "AE-6", State.Sta13)]
        if isinstance(pdu, Abort) and state is State.Sta13:
            return []  # the action that led to Sta13 has sent it
        if isinstance(pdu, Abort) and pdu.source == _PROVIDER_ABORT:
            return [self._move(side, Event.Evt19)]
        event = None if pdu is None else _EVENTS_OF_SENDER.get(type(pdu))
        return [] if event is None else self._moves_of_primitive(side, event)

    def _moves_of_primitive(self, side: str, event: Event) -> list[Move]:
        last = self._received.pop(side, None)
        if last is None or (self.states[side], event) in TABLE_9_10 or (last.before, event) not in TABLE_9_10:
            return [self._move(side, event)]
        self.states[side] = last.before  # this side sent its PDU before it received the other
        sent, self._received[side] = self._move(side, event), self._move(side, last.event)
        return [sent, self._received[side]]

    def _moves_of_receiver(self, side: str, pdu: PDU | None) -> list[Move]:
        moves = []
        if isinstance(pdu, AssociateRQ) and self.states[side] is State.Sta1:
            moves.append(self._move(side, Event.Evt5))
        event = Event.Evt19 if pdu is None else RECEIVED_EVENTS[type(pdu)]
        self._received[side] = self._move(side, event)
        return [*moves, self._received[side]]

    def _move(self, side: str, event: Event) -> Move:
        before = self.states[side]
        actions = self.actions(side, event)
        if not actions:
            return Move(side, before, event, "", before)
        action = actions[0]  # AE-6 accepts, until the answer shows that it did not
        self.states[side] = action.next
        return Move(side, before, event, action.name, action.next)
