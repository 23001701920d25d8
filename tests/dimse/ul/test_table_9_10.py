"""Each cell of Table 9-10 from both sides of a wire: brought about by PDUs, primitives and closing, as in real life.

What an action does is written here as Tables 9-6 to 9-9 have it: what is sent, what the user is told, whether ARTIM
runs afterwards, and whether the connection is to be closed.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from pair import EXAMPLE, Pair

from dimse.errors import LocalProtocolError
from dimse.ul import (
    PDU,
    TABLE_9_10,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    Event,
    PDataTF,
    ReleaseRP,
    ReleaseRQ,
    State,
    UpperLayer,
    decode_pdu,
    encode_pdu,
)
from dimse.ul.provider import Observed, Transition
from dimse.ul.stream import PDUStream

# --- how to get into each state, as requestor or acceptor of the association ---


def idle() -> UpperLayer:
    return UpperLayer.requestor()


def idle_acceptor() -> UpperLayer:
    return UpperLayer.acceptor()


def awaiting_request() -> UpperLayer:
    core = UpperLayer.acceptor()
    core.transport_connected()
    return core


def awaiting_local_answer() -> UpperLayer:
    pair = Pair()
    pair.connect()
    return pair.scp


def connecting() -> UpperLayer:
    core = UpperLayer.requestor()
    core.send(EXAMPLE[AssociateRQ])
    return core


def awaiting_answer() -> UpperLayer:
    core = connecting()
    core.transport_connected()
    return core


def associated(side: str) -> UpperLayer:
    pair = Pair()
    pair.associate()
    core: UpperLayer = getattr(pair, side)
    return core


def releasing(side: str) -> UpperLayer:
    core = associated(side)
    core.send(ReleaseRQ())
    return core


def being_released(side: str) -> UpperLayer:
    core = associated(side)
    core.receive_data(wire(ReleaseRQ()))
    return core


def colliding() -> Pair:
    pair = Pair()
    pair.associate()
    pair.scu.send(ReleaseRQ())
    pair.scp.send(ReleaseRQ())
    pair.flow()
    return pair


def collided() -> Pair:
    pair = colliding()
    pair.scu.send(ReleaseRP())
    pair.flow()
    return pair


def closing() -> UpperLayer:
    core = awaiting_request()
    core.receive_data(wire(ReleaseRQ()))
    return core


WAYS: list[tuple[State, Callable[[], UpperLayer]]] = [
    (State.Sta1, idle),
    (State.Sta1, idle_acceptor),
    (State.Sta2, awaiting_request),
    (State.Sta3, awaiting_local_answer),
    (State.Sta4, connecting),
    (State.Sta5, awaiting_answer),
    (State.Sta6, lambda: associated("scu")),
    (State.Sta6, lambda: associated("scp")),
    (State.Sta7, lambda: releasing("scu")),
    (State.Sta7, lambda: releasing("scp")),
    (State.Sta8, lambda: being_released("scu")),
    (State.Sta8, lambda: being_released("scp")),
    (State.Sta9, lambda: colliding().scu),
    (State.Sta10, lambda: colliding().scp),
    (State.Sta11, lambda: collided().scu),
    (State.Sta12, lambda: collided().scp),
    (State.Sta13, closing),
]

# --- how to bring about each event ---


def wire(pdu: PDU) -> bytes:
    return b"".join(encode_pdu(pdu))


def say(kind: type[PDU]) -> Callable[[UpperLayer], object]:
    return lambda core: core.send(EXAMPLE[kind])


def hear(kind: type[PDU]) -> Callable[[UpperLayer], object]:
    return lambda core: core.receive_data(wire(EXAMPLE[kind]))


EVENTS: dict[Event, Callable[[UpperLayer], object]] = {
    Event.Evt1: say(AssociateRQ),
    Event.Evt2: UpperLayer.transport_connected,
    Event.Evt3: hear(AssociateAC),
    Event.Evt4: hear(AssociateRJ),
    Event.Evt5: UpperLayer.transport_connected,
    Event.Evt6: hear(AssociateRQ),
    Event.Evt7: say(AssociateAC),
    Event.Evt8: say(AssociateRJ),
    Event.Evt9: say(PDataTF),
    Event.Evt10: hear(PDataTF),
    Event.Evt11: say(ReleaseRQ),
    Event.Evt12: hear(ReleaseRQ),
    Event.Evt13: hear(ReleaseRP),
    Event.Evt14: say(ReleaseRP),
    Event.Evt15: say(Abort),
    Event.Evt16: hear(Abort),
    Event.Evt17: UpperLayer.transport_closed,
    Event.Evt18: UpperLayer.artim_expired,
    Event.Evt19: lambda core: core.receive_data(b"\xff"),
}
LOCAL = [Event[f"Evt{number}"] for number in (1, 7, 8, 9, 11, 14, 15)]

# --- what each action does ---


class Does(NamedTuple):
    """``sends`` and ``tells`` one PDU of this type, if any; ``artim`` is None where it stays as it was."""

    sends: type[PDU] | None = None
    tells: type[PDU] | None = None
    artim: bool | None = None
    closes: bool = False


ACTIONS = {
    "AE-1": Does(),
    "AE-2": Does(sends=AssociateRQ),
    "AE-3": Does(tells=AssociateAC),
    "AE-4": Does(tells=AssociateRJ, closes=True),
    "AE-5": Does(artim=True),
    "AE-6": Does(tells=AssociateRQ, artim=False),
    "AE-7": Does(sends=AssociateAC),
    "AE-8": Does(sends=AssociateRJ, artim=True),
    "DT-1": Does(sends=PDataTF),
    "DT-2": Does(tells=PDataTF),
    "AR-1": Does(sends=ReleaseRQ),
    "AR-2": Does(tells=ReleaseRQ),
    "AR-3": Does(tells=ReleaseRP, closes=True),
    "AR-4": Does(sends=ReleaseRP, artim=True),
    "AR-5": Does(artim=False),
    "AR-6": Does(tells=PDataTF),
    "AR-7": Does(sends=PDataTF),
    "AR-8": Does(tells=ReleaseRQ),
    "AR-9": Does(sends=ReleaseRP),
    "AR-10": Does(tells=ReleaseRP),
    "AA-1": Does(sends=Abort, artim=True),
    "AA-2": Does(artim=False, closes=True),
    "AA-3": Does(tells=Abort, closes=True),
    "AA-4": Does(tells=Abort),
    "AA-5": Does(artim=False),
    "AA-6": Does(),
    "AA-7": Does(sends=Abort),
    "AA-8": Does(sends=Abort, tells=Abort, artim=True),
}
NOT_ITS_SIDE = {(idle, Event.Evt5), (idle_acceptor, Event.Evt1)}
CELLS = [
    pytest.param(state, way, event, id=f"{state.name}-{event.name}-{number}")
    for number, (state, way) in enumerate(WAYS)
    for event in EVENTS
    if (state, event) in TABLE_9_10 and (way, event) not in NOT_ITS_SIDE
]
BLANKS = [
    pytest.param(state, way, event, id=f"{state.name}-{event.name}-{number}")
    for number, (state, way) in enumerate(WAYS)
    for event in LOCAL
    if (state, event) not in TABLE_9_10
]


def test_there_is_a_way_into_each_state_and_to_each_cell() -> None:
    assert {state for state, _ in WAYS} == set(State)
    for state, way in WAYS:
        assert way().state is state
    assert {(cell.values[0], cell.values[2]) for cell in CELLS} == TABLE_9_10.keys()
    assert {action.name for action in TABLE_9_10.values()} == ACTIONS.keys()


@pytest.mark.parametrize(("state", "way", "event"), CELLS)
def test_a_cell_does_what_its_action_says(state: State, way: Callable[[], UpperLayer], event: Event) -> None:
    core = way()
    core.data_to_send()
    core.events()
    steps: list[Observed] = []
    core.observe = lambda direction, what: steps.append(what) if direction == "=" else None
    before = core.artim
    EVENTS[event](core)

    action = TABLE_9_10[state, event]
    does = ACTIONS[action.name]
    if action.name == "AR-8" and not core.is_requestor:
        assert action.otherwise is not None
        action = action.otherwise
    assert steps == [Transition(state, event, action.name, action.next)]
    assert core.state is action.next
    sent = [decode_pdu(whole) for whole in PDUStream().feed(b"".join(core.data_to_send()))]
    assert list(map(type, sent)) == ([does.sends] if does.sends else [])
    assert list(map(type, core.events())) == ([does.tells] if does.tells else [])
    assert (core.artim is not None) == (does.artim if does.artim is not None else before is not None)
    assert core.transport_wanted == (not does.closes and event is not Event.Evt17)


@pytest.mark.parametrize(("state", "way", "event"), BLANKS)
def test_a_primitive_in_a_blank_cell_is_refused_and_changes_nothing(
    state: State, way: Callable[[], UpperLayer], event: Event
) -> None:
    core = way()
    core.data_to_send()
    with pytest.raises(LocalProtocolError, match=state.name):
        EVENTS[event](core)
    assert core.state is state
    assert core.data_to_send() == []


def test_an_abort_says_whose_it_is() -> None:
    """AA-1: the service-user. AA-7 and AA-8: the service-provider, with the reason (Table 9-26)."""
    for way, event, said in (
        (awaiting_request, Event.Evt12, Abort(0, 0)),
        (awaiting_request, Event.Evt19, Abort(0, 0)),
        (lambda: associated("scp"), Event.Evt15, Abort(0, 0)),
        (lambda: associated("scp"), Event.Evt3, Abort(2, 2)),
        (lambda: associated("scp"), Event.Evt19, Abort(2, 1)),
        (closing, Event.Evt6, Abort(2, 2)),
        (closing, Event.Evt19, Abort(2, 1)),
    ):
        core = way()
        core.data_to_send()
        EVENTS[event](core)
        assert decode_pdu(b"".join(core.data_to_send())) == said
