"""The provider: dialogues of Table 9-10, hostile bytes, and runs of P-DATA-TF."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pair import EXAMPLE, Pair
from states import in_state
from strategies import mutated, pdus

from dimse.errors import EncodeError, LocalProtocolError
from dimse.limits import Limits
from dimse.ul import (
    PDU,
    PDV,
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
    encode_pdu,
)
from dimse.ul.p_data import encode_short


@pytest.mark.parametrize("state", [state for state in State if state is not State.Sta4][1:], ids=lambda s: s.name)
def test_closed_connection_ends_each_state(state: State) -> None:
    """Evt17: an A-P-ABORT if there is an association to lose (AA-4), else silence."""
    core = in_state(state)
    core.transport_closed()
    assert core.state is State.Sta1
    told = [] if state in (State.Sta2, State.Sta13) else [Abort(2, 0)]
    assert core.events() == told


@pytest.mark.parametrize("bad", [b"GET / HTTP/1.1\r\n\r\n", b"\x04\0\0\0\0\x06\0\0\0\x01\x01\x03"])
@pytest.mark.parametrize("state", [s for s in State if s not in (State.Sta1, State.Sta4)], ids=lambda s: s.name)
def test_bad_bytes_are_evt19_in_each_state(state: State, bad: bytes) -> None:
    core = in_state(state)
    core.receive_data(bad)
    action = TABLE_9_10[state, Event.Evt19]
    assert core.state is action.next is State.Sta13
    reason = 1 if bad[0] == ord("G") else 6  # unrecognized-PDU, invalid-PDU-parameter value
    abort = Abort(0, 0) if action.name == "AA-1" else Abort(2, reason)
    assert b"".join(core.data_to_send()) == b"".join(encode_pdu(abort))


def test_bytes_after_bad_framing_are_ignored() -> None:
    core = in_state(State.Sta6)
    core.receive_data(b"\xff")
    core.data_to_send()
    core.receive_data(b"\xff" * 100)
    assert core.data_to_send() == []
    assert core.cause == "PDU-type: unrecognized PDU type FFH (at byte 0) [PS3.8 §9.3]"


def test_unexpected_pdu_is_aborted_with_its_reason() -> None:
    core = in_state(State.Sta6)
    core.receive_data(b"".join(encode_pdu(EXAMPLE[AssociateRQ])))
    assert b"".join(core.data_to_send()) == b"".join(encode_pdu(Abort(2, 2)))
    assert core.events() == [Abort(2, 2)]
    assert core.cause.startswith("A-ASSOCIATE-RQ PDU received in Sta6")


def test_wrong_protocol_version_is_rejected() -> None:
    """AE-6, Table 9-11: bit 0 of Protocol-version is what an acceptor tests."""
    core = in_state(State.Sta2)
    wire = bytearray(b"".join(encode_pdu(EXAMPLE[AssociateRQ])))
    wire[6:8] = b"\0\2"
    core.receive_data(wire)
    assert b"".join(core.data_to_send()) == b"".join(encode_pdu(AssociateRJ(1, 2, 2)))
    assert core.state is State.Sta13
    assert core.events() == []
    assert core.artim is not None


def test_request_beyond_a_limit_is_rejected() -> None:
    core = UpperLayer.acceptor(limits=Limits(contexts=0))
    core.transport_connected()
    core.receive_data(b"".join(encode_pdu(EXAMPLE[AssociateRQ])))
    assert b"".join(core.data_to_send()) == b"".join(encode_pdu(AssociateRJ(1, 3, 2)))
    assert core.limit == "contexts"


def test_answer_beyond_a_limit_is_aborted() -> None:
    core = UpperLayer.requestor(limits=Limits(contexts=0))
    core.send(EXAMPLE[AssociateRQ])
    core.transport_connected()
    core.receive_data(b"".join(encode_pdu(EXAMPLE[AssociateAC])))
    assert core.events() == [Abort(2, 6)]
    assert core.limit == "contexts"


def test_error_names_the_limit_of_an_unannounced_length() -> None:
    waiting, pair = UpperLayer.acceptor(), Pair(max_length=0)
    waiting.transport_connected()
    pair.associate()
    for core in (waiting, pair.scp):
        core.receive_data(b"\x04\0\xff\xff\xff\xff")
    assert (waiting.limit, pair.scp.limit) == ("associate_pdu", "data_set")


def test_announced_length_is_enforced() -> None:
    pair = Pair()
    pair.associate()
    pair.scp.receive_data(b"\x04\0" + (16385).to_bytes(4, "big"))
    assert pair.scp.state is State.Sta13
    assert pair.scp.cause == "PDU-length: 16385 exceeds the limit max_pdu = 16384"
    assert pair.scp.limit == "max_pdu"


def test_association_transfers_and_releases() -> None:
    pair = Pair()
    pair.connect()
    assert pair.scp.events() == [EXAMPLE[AssociateRQ]]
    pair.scp.send(EXAMPLE[AssociateAC])
    pair.flow()
    assert pair.scu.events() == [EXAMPLE[AssociateAC]]
    pair.scu.send(EXAMPLE[PDataTF])
    pair.flow()
    assert pair.scp.events() == [EXAMPLE[PDataTF]]
    pair.scu.send(ReleaseRQ())
    pair.flow()
    assert pair.scp.events() == [ReleaseRQ()]
    pair.scp.send(PDataTF((PDV(1, b"ok", False, True),)))  # AR-7: data before the answer
    pair.scp.send(ReleaseRP())
    pair.flow()
    assert pair.scu.events() == [PDataTF((PDV(1, b"ok", False, True),)), ReleaseRP()]
    assert not pair.scu.transport_wanted
    assert pair.scp.artim is not None


def test_release_collision_ends_both_sides() -> None:
    """PS3.8 §7.2.2: the requestor of the association answers first."""
    pair = Pair()
    pair.associate()
    pair.scu.send(ReleaseRQ())
    pair.scp.send(ReleaseRQ())
    pair.flow()
    assert (pair.scu.state, pair.scp.state) == (State.Sta9, State.Sta10)
    pair.scu.send(ReleaseRP())
    pair.flow()
    assert (pair.scu.state, pair.scp.state) == (State.Sta11, State.Sta12)
    pair.scp.send(ReleaseRP())
    pair.flow()
    assert (pair.scu.state, pair.scp.state) == (State.Sta1, State.Sta13)
    assert not pair.scu.transport_wanted
    assert pair.scp.artim is not None


def test_artim_ends_the_wait_for_a_request() -> None:
    """AE-5 and AA-2."""
    core = UpperLayer.acceptor()
    core.transport_connected()
    assert core.artim is not None
    core.artim_expired()
    core.artim_expired()  # a timer that fired while it was stopped
    ended: tuple[State, bool, int | None] = (core.state, core.transport_wanted, core.artim)
    assert ended == (State.Sta1, False, None)


def test_expired_artim_names_the_limit_of_a_silent_requestor() -> None:
    core = UpperLayer.acceptor()
    core.transport_connected()
    core.artim_expired()
    assert (core.cause, core.limit) == ("the ARTIM timer expired", "artim")


def test_expired_artim_in_sta13_names_no_limit() -> None:
    pair = Pair()
    pair.associate()
    pair.scp.send(Abort(0, 0))
    pair.scp.artim_expired()
    assert (pair.scp.cause, pair.scp.limit) == ("the ARTIM timer expired", "")


def test_first_cause_and_limit_stay() -> None:
    core = UpperLayer.acceptor()
    core.fail("the peer is late", "pdu")
    core.fail("the connection broke", "write")
    assert (core.cause, core.limit) == ("the peer is late", "pdu")


def test_unwritable_request_raises_and_changes_nothing() -> None:
    core = UpperLayer.requestor()
    with pytest.raises(EncodeError):
        core.send(AssociateRQ(called_ae_title="A" * 17, calling_ae_title="B", presentation_contexts=()))
    assert (core.state, core.transport_wanted) == (State.Sta1, False)


def test_abort_before_the_connection_sends_nothing() -> None:
    """AA-2 in Sta4."""
    core = UpperLayer.requestor()
    core.send(EXAMPLE[AssociateRQ])
    assert core.transport_wanted
    core.send(Abort(0, 0))
    assert (core.state, core.transport_wanted, core.data_to_send()) == (State.Sta1, False, [])


@given(
    st.lists(mutated(pdus.map(lambda pdu: b"".join(encode_pdu(pdu)))), max_size=4),
    st.sampled_from(list(State)),
)
def test_no_bytes_of_a_peer_make_the_core_raise(stream: list[bytes], state: State) -> None:
    if state is State.Sta4:
        return
    core = in_state(state)
    for data in stream:
        core.receive_data(data)
        core.events()
        core.data_to_send()


# --- runs of P-DATA-TF: taken at once, but one by one if there is an observer ---

small_pdvs = st.builds(PDV, st.sampled_from([1, 3]), st.binary(max_size=30), st.booleans(), st.booleans())
controls: st.SearchStrategy[PDU] = st.sampled_from([ReleaseRQ(), ReleaseRP(), Abort(0, 0)])
transfers: st.SearchStrategy[list[PDU]] = st.lists(
    st.one_of(
        st.builds(lambda pdv: PDataTF((pdv,)), small_pdvs),
        st.builds(lambda pdv: PDataTF((pdv,)), small_pdvs),
        st.builds(PDataTF, st.lists(small_pdvs, min_size=1, max_size=3).map(tuple)),
        controls,
    ),
    max_size=12,
)
wires = transfers.map(lambda sent: b"".join(b"".join(encode_pdu(pdu)) for pdu in sent))


def results(core: UpperLayer, pieces: list[bytes]) -> tuple[object, ...]:
    """Return all visible results of a core that was given these bytes."""
    events: list[PDU] = []
    for piece in pieces:
        core.receive_data(memoryview(bytearray(piece)))
        events += core.events()
    return events, core.data_to_send(), core.state, core.cause, core.limit, core.is_midway, core.transport_wanted


@given(wires | mutated(wires), st.lists(st.integers(0, 500), max_size=6), st.sampled_from(list(State)))
def test_run_is_received_like_single_pdus(wire: bytes, cuts: list[int], state: State) -> None:
    if state is State.Sta4:
        return
    places = sorted({min(cut, len(wire)) for cut in cuts} | {0, len(wire)})
    pieces = [wire[start:end] for start, end in pairwise(places)]
    plain, observed = in_state(state, max_length=60), in_state(state, max_length=60)
    observed.observe = lambda direction, what: None  # noqa: ARG005
    assert results(plain, pieces) == results(observed, pieces)


@given(wires, st.integers(1, 3), st.sampled_from(list(State)))
def test_bytes_in_pieces_give_the_same_events(wire: bytes, most: int, state: State) -> None:
    """PDVs and other PDUs have the same order; PDVs may be grouped in other P-DATA-TFs."""
    if state is State.Sta4:
        return
    whole, pieces = in_state(state, max_length=60), in_state(state, max_length=60)
    whole.receive_data(wire)
    rest, events = memoryview(wire), []
    while rest or pieces.has_rest:
        rest = rest[pieces.receive_data(rest, most) :]
        now = pieces.events()
        assert sum(len(pdu.pdvs) if isinstance(pdu, PDataTF) else 1 for pdu in now) <= 3 * most + 3
        events += now
    assert flat(events) == flat(whole.events())
    assert b"".join(pieces.data_to_send()) == b"".join(whole.data_to_send())


THREE = tuple(PDV(1, bytes([number] * 2), False, False) for number in range(3))
THREE_WIRE = b"".join(encode_pdu(PDataTF(THREE)))


def test_pdvs_beyond_the_bound_are_indicated_later() -> None:
    core = in_state(State.Sta6)
    assert core.receive_data(THREE_WIRE, 1) == len(THREE_WIRE)
    seen = [core.events()]
    while core.has_rest:
        core.receive_data(b"", 1)
        seen.append(core.events())
    assert list(map(flat, seen)) == [flat([PDataTF((pdv,))]) for pdv in THREE]


def test_remaining_pdvs_are_dropped_after_an_abort() -> None:
    core = in_state(State.Sta6)
    core.receive_data(THREE_WIRE, 1)
    core.events()
    core.send(Abort(0, 0))
    core.receive_data(b"", 1)
    assert (core.events(), core.has_rest) == ([], False)


def test_broken_pdv_among_the_remaining_ones_aborts() -> None:
    core = in_state(State.Sta6)
    core.receive_data(THREE_WIRE[:-8] + b"\0\0\0\x09" + THREE_WIRE[-4:], 1)
    core.receive_data(b"", 1)
    core.events()
    core.receive_data(b"", 1)
    assert core.events() == [Abort(2, 6)]


@pytest.mark.parametrize("observed", [False, True])
def test_send_all_writes_each_pdu(observed: bool) -> None:
    core = in_state(State.Sta6)
    if observed:
        core.observe = lambda direction, what: None  # noqa: ARG005
    core.send_all([PDataTF(THREE), PDataTF(THREE)])
    assert b"".join(core.data_to_send()) == THREE_WIRE * 2


def flat(events: list[PDU]) -> list[object]:
    """Return PDVs and other PDUs, without the P-DATA-TFs around PDVs."""
    found: list[object] = []
    for pdu in events:
        if isinstance(pdu, PDataTF):
            found += [(pdv.context_id, bytes(pdv.data), pdv.is_command, pdv.is_last) for pdv in pdu.pdvs]
        else:
            found.append(pdu)
    return found


@given(
    st.lists(st.builds(lambda pdv: PDataTF((pdv,)), small_pdvs), max_size=12), st.integers(1, 100), st.integers(1, 5)
)
def test_run_is_sent_like_single_pdus(sent: list[PDataTF], enough: int, most: int) -> None:
    run, observed, single = in_state(State.Sta6), in_state(State.Sta8), in_state(State.Sta6)
    observed.observe = lambda direction, what: None  # noqa: ARG005
    for pdu in sent:
        single.send(pdu)
    wire = b"".join(single.data_to_send())
    for core in (run, observed):
        rest, written = iter(sent), b""
        while core.send_run(rest, enough, most):
            written += b"".join(core.data_to_send())
        assert written + b"".join(core.data_to_send()) == wire


@pytest.mark.parametrize("state", [state for state in State if state not in (State.Sta6, State.Sta8)])
def test_run_is_refused_like_single_pdus(state: State) -> None:
    with pytest.raises(LocalProtocolError):
        in_state(state).send_run(iter([PDataTF((PDV(1, b"xx", True, True),))]), 1, 1)


def test_received_run_is_not_copied() -> None:
    data = bytearray(b"".join(b"".join(encode_pdu(EXAMPLE[PDataTF])) for _ in range(3)))
    core = in_state(State.Sta6)
    core.receive_data(data)
    events = core.events()
    assert events == [EXAMPLE[PDataTF]] * 3
    for pdu in events:
        assert isinstance(pdu, PDataTF)
        payload = pdu.pdvs[0].data
        assert isinstance(payload, memoryview)
        assert payload.obj is data


ALONE = encode_short(1, b"1234")
ALONE_PDU = PDataTF((PDV(1, b"1234", True, True),))


@pytest.mark.parametrize("state", [s for s in State if s not in (State.Sta1, State.Sta4)], ids=lambda s: s.name)
def test_command_is_taken_where_p_data_is_only_indicated(state: State) -> None:
    core = in_state(state)
    is_indicated = TABLE_9_10[state, Event.Evt10].name in ("DT-2", "AR-6")
    assert core.receive_whole(memoryview(ALONE)) == ((ALONE_PDU,) if is_indicated else None)


@pytest.mark.parametrize(("state", "after"), [(State.Sta6, State.Sta8), (State.Sta7, State.Sta9)])
def test_release_request_is_taken_as_its_event(state: State, after: State) -> None:
    core = in_state(state)
    assert core.receive_whole(memoryview(b"".join(encode_pdu(ReleaseRQ())))) == [ReleaseRQ()]
    assert core.state is after
    assert core.events() == []


@pytest.mark.parametrize("octets", ["06 00 00000004 00000000", "05 00 00000004 00000000 04", "05 00 00000004"])
def test_other_bytes_than_a_release_request_are_not_taken(octets: str) -> None:
    core = in_state(State.Sta6)
    assert core.receive_whole(memoryview(bytes.fromhex(octets))) is None
    assert core.state is State.Sta6


def test_observed_command_is_not_taken() -> None:
    core = in_state(State.Sta6)
    core.observe = lambda _direction, _what: None
    assert core.receive_whole(memoryview(ALONE)) is None


def test_command_after_a_part_of_a_pdu_is_not_taken() -> None:
    core = in_state(State.Sta6)
    core.receive_data(ALONE[:7])
    assert core.receive_whole(memoryview(ALONE)) is None


def test_command_and_data_set_are_taken_together() -> None:
    wire = encode_short(1, b"1234", b"56")
    assert in_state(State.Sta6).receive_whole(memoryview(wire)) == [ALONE_PDU, PDataTF((PDV(1, b"56", False, True),))]


@pytest.mark.parametrize("more", [b"\x04", ALONE[:-1], b"".join(encode_pdu(ReleaseRQ()))])
def test_command_with_anything_else_is_not_taken(more: bytes) -> None:
    core = in_state(State.Sta6)
    assert core.receive_whole(memoryview(ALONE + more)) is None
    assert core.events() == []
    core.receive_data(ALONE + more)
    assert core.events()[0] == ALONE_PDU


def test_more_pdus_than_asked_for_are_not_taken() -> None:
    core = in_state(State.Sta6)
    assert core.receive_whole(memoryview(2 * ALONE), 2) == [ALONE_PDU, ALONE_PDU]
    assert core.receive_whole(memoryview(3 * ALONE), 2) is None


def test_sent_command_is_a_p_data_request() -> None:
    core = in_state(State.Sta6)
    core.data_to_send()
    assert core.send_short(1, b"1234") == [ALONE]


def test_command_is_sent_after_the_bytes_before_it() -> None:
    core = in_state(State.Sta6)
    core.data_to_send()
    core.inject(b"before")
    assert b"".join(core.send_short(1, b"1234")) == b"before" + ALONE


def test_observed_command_is_sent_as_a_pdu() -> None:
    core, seen = in_state(State.Sta6), []
    core.observe = lambda direction, what: seen.append((direction, what))
    core.send_short(1, b"1234")
    assert (">", ALONE_PDU) in seen


def test_observed_data_set_follows_its_command() -> None:
    core, seen = in_state(State.Sta6), []
    core.observe = lambda direction, what: seen.append(what)  # noqa: ARG005
    core.data_to_send()
    wire = b"".join(core.send_short(1, b"1234", b"56"))
    assert [what for what in seen if isinstance(what, PDataTF)] == [ALONE_PDU, PDataTF((PDV(1, b"56", False, True),))]
    assert wire == encode_short(1, b"1234", b"56")


def test_command_after_the_release_request_raises() -> None:
    with pytest.raises(LocalProtocolError, match="cannot happen in Sta7"):
        in_state(State.Sta7).send_short(1, b"1234")
