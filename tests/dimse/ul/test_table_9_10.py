"""Each cell of Table 9-10, by PDUs, primitives and connections.

The actions are written here as in Tables 9-6 to 9-9: the PDU sent, the PDU indicated to the user, whether ARTIM runs
afterwards, and whether the connection closes.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from pair import EXAMPLE
from states import SIDES, in_state

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

# --- the cause of each event ---


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

# --- the effects of each action ---


class Does(NamedTuple):
    """Types of the PDUs that it sends and indicates; whether ARTIM runs then, None if unchanged; whether it closes."""

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
PLACES = [(state, side) for state, sides in SIDES.items() for side in sides]
OTHER_SIDE = {(State.Sta1, "scu", Event.Evt5), (State.Sta1, "scp", Event.Evt1)}
CELLS = [
    pytest.param(state, side, event, id=f"{state.name}-{event.name}-{side}")
    for state, side in PLACES
    for event in EVENTS
    if (state, event) in TABLE_9_10 and (state, side, event) not in OTHER_SIDE
]
BLANKS = [
    pytest.param(state, side, event, id=f"{state.name}-{event.name}-{side}")
    for state, side in PLACES
    for event in LOCAL
    if (state, event) not in TABLE_9_10
]


@pytest.mark.parametrize(("state", "side"), PLACES)
def test_in_state_leads_to_the_state(state: State, side: str) -> None:
    assert in_state(state, side).state is state


def test_all_cells_and_actions_are_tried() -> None:
    assert {(cell.values[0], cell.values[2]) for cell in CELLS} == TABLE_9_10.keys()
    assert {action.name for action in TABLE_9_10.values()} == ACTIONS.keys()


@pytest.mark.parametrize(("state", "side", "event"), CELLS)
def test_cell_performs_its_action(state: State, side: str, event: Event) -> None:
    core = in_state(state, side)
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


@pytest.mark.parametrize(("state", "side", "event"), BLANKS)
def test_primitive_in_a_blank_cell_raises_and_changes_nothing(state: State, side: str, event: Event) -> None:
    core = in_state(state, side)
    with pytest.raises(LocalProtocolError, match=state.name):
        EVENTS[event](core)
    assert core.state is state
    assert core.data_to_send() == []


@pytest.mark.parametrize(
    ("state", "event", "abort"),
    [
        (State.Sta2, Event.Evt12, Abort(0, 0)),
        (State.Sta2, Event.Evt19, Abort(0, 0)),
        (State.Sta6, Event.Evt15, Abort(0, 0)),
        (State.Sta6, Event.Evt3, Abort(2, 2)),
        (State.Sta6, Event.Evt19, Abort(2, 1)),
        (State.Sta13, Event.Evt6, Abort(2, 2)),
        (State.Sta13, Event.Evt19, Abort(2, 1)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_abort_names_its_source_and_reason(state: State, event: Event, abort: Abort) -> None:
    """AA-1: the service-user. AA-7 and AA-8: the service-provider, with the reason (Table 9-26)."""
    core = in_state(state)
    EVENTS[event](core)
    assert decode_pdu(b"".join(core.data_to_send())) == abort
