"""Ways into each state of Table 9-10, by PDUs, primitives and connections."""

from pair import EXAMPLE, Pair

from dimse.ul import AssociateRQ, ReleaseRP, ReleaseRQ, State, UpperLayer, encode_pdu

# The sides that can be in a state: the requestor, the acceptor, or both
SIDES = {
    State.Sta1: ("scu", "scp"),
    State.Sta2: ("scp",),
    State.Sta3: ("scp",),
    State.Sta4: ("scu",),
    State.Sta5: ("scu",),
    State.Sta6: ("scu", "scp"),
    State.Sta7: ("scu", "scp"),
    State.Sta8: ("scu", "scp"),
    State.Sta9: ("scu",),
    State.Sta10: ("scp",),
    State.Sta11: ("scu",),
    State.Sta12: ("scp",),
    State.Sta13: ("scp",),
}


def in_state(state: State, side: str = "", *, max_length: int = 16384) -> UpperLayer:
    """Return a core in ``state`` that has no events and nothing to send; ``max_length`` was announced by both sides."""
    pair = Pair(max_length)
    core: UpperLayer = getattr(pair, side or SIDES[state][0])
    match state:
        case State.Sta2 | State.Sta13:
            core.transport_connected()
            if state is State.Sta13:
                core.receive_data(b"".join(encode_pdu(ReleaseRQ())))
        case State.Sta3:
            pair.connect()
        case State.Sta4 | State.Sta5:
            core.send(EXAMPLE[AssociateRQ])
            if state is State.Sta5:
                core.transport_connected()
        case State.Sta6 | State.Sta7 | State.Sta8:
            pair.associate()
            if state is State.Sta7:
                core.send(ReleaseRQ())
            elif state is State.Sta8:
                core.receive_data(b"".join(encode_pdu(ReleaseRQ())))
        case State.Sta9 | State.Sta10 | State.Sta11 | State.Sta12:
            pair.associate()
            pair.scu.send(ReleaseRQ())
            pair.scp.send(ReleaseRQ())
            pair.flow()
            if state in (State.Sta11, State.Sta12):
                pair.scu.send(ReleaseRP())
                pair.flow()
    core.events()
    core.data_to_send()
    return core
