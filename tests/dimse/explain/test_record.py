"""The record of an association: each byte in one field, messages as steps, states, negotiation."""

import zlib
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import NAMES, Said, said_in, steps_in, steps_of, tiles, whole

from dimse.data import IMPLICIT_LE, Dataset, encode
from dimse.explain import ACCEPTOR, REQUESTOR, Step
from dimse.message import NCreateRQ, encode_command
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextAC,
    PresentationContextRQ,
    ReleaseRQ,
    UserIdentityRQ,
    encode_pdu,
)

SHORT = [name for name in NAMES if sum(len(data) for _, data, _ in said_in(name)) < 9000]
LABEL = Dataset(NumberOfCopies=2, FilmSessionLabel="a label that is cut")


def wire(*pdus: PDU) -> bytes:
    return b"".join(b"".join(encode_pdu(pdu)) for pdu in pdus)


def request() -> AssociateRQ:
    contexts = (PresentationContextRQ(1, "1.2.840.10008.5.1.1.9", ("1.2.840.10008.1.2",)),)
    return AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts)


def answer() -> AssociateAC:
    contexts = (PresentationContextAC(1, 0, "1.2.840.10008.1.2"),)
    return AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts)


def create(size: int, *, command_size: int = 1 << 16) -> list[PDataTF]:
    """Return a message in fragments of at most ``size`` bytes of its Data Set."""
    command = encode_command(NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2.840.10008.5.1.1.1", Data=b"there is some"))
    data = encode(LABEL, IMPLICIT_LE)
    parts = []
    for encoded, step, is_command in ((command, command_size, True), (data, size, False)):
        starts = range(0, len(encoded), step)
        parts += [PDataTF((PDV(1, encoded[at : at + step], is_command, at == starts[-1]),)) for at in starts]
    return parts


def tile(said: Said, steps: Sequence[Step]) -> None:
    """Check that the fields of each side lie side by side and are all of its bytes."""
    for side in (REQUESTOR, ACCEPTOR):
        places = tiles(steps, side)
        assert [end for _, end in places[:-1]] == [start for start, _ in places[1:]]
        stream = whole(said, side)
        assert (places[0][0], places[-1][1]) == (0, len(stream)) if places else not stream


@pytest.mark.parametrize("name", NAMES)
def test_fields_tile_each_recording(name: str) -> None:
    said = said_in(name)
    steps = steps_in(name)
    tile(said, steps)
    for step in steps:
        stream = whole(said, step.side)
        assert all(b"".join(stream[a:b] for a, b in one.ranges) == one.data for one in step.fields)


@pytest.mark.parametrize("most", range(4, 40, 3))
def test_fields_tile_a_pdu_with_too_many_fields(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.explain.pdu.MAX_LINES", most)
    parts = create(9, command_size=50) + create(1000)
    said: Said = [(REQUESTOR, wire(request(), PDataTF(tuple(pdv for part in parts for pdv in part.pdvs))), None)]
    steps = steps_of(said)
    tile(said, steps)
    assert len([message for step in steps for message in step.messages]) == 2


@given(name=st.sampled_from(SHORT), data=st.data())
def test_fields_tile_mutated_recordings(name: str, data: st.DataObject) -> None:
    said = said_in(name)
    number = data.draw(st.integers(0, len(said) - 1))
    side, octets, time = said[number]
    at = data.draw(st.integers(0, len(octets) - 1))
    inserted = data.draw(st.binary(max_size=4))
    removed = data.draw(st.integers(0, 4))
    said[number] = side, octets[:at] + inserted + octets[at + removed :], time
    tile(said, steps_of(said))


@given(data=st.binary(max_size=300), kind=st.sampled_from((1, 2, 4)))
def test_fields_tile_arbitrary_pdus(data: bytes, kind: int) -> None:
    said: Said = [(REQUESTOR, bytes([kind, 0]) + len(data).to_bytes(4, "big") + data, 0.0)]
    tile(said, steps_of(said))


@pytest.mark.parametrize("size", [1, 5, 16])
def test_element_is_followed_across_pdus(size: int) -> None:
    said: Said = [(REQUESTOR, wire(request(), *create(size)), 0.0)]
    steps = steps_of(said)
    tile(said, steps)
    fields = {one.name: one for one in steps[-1].fields}
    label = fields["FilmSessionLabel"]
    assert (label.value, label.length) == ("a label that is cut", 28)
    assert len(label.ranges) >= 28 // size
    assert all(first[1] < second[0] for first, second in pairwise(label.ranges))


def test_command_in_fragments_is_shown_as_elements() -> None:
    said: Said = [(REQUESTOR, wire(request(), *create(99, command_size=7)), 0.0)]
    steps = steps_of(said)
    tile(said, steps)
    assert [one.name for one in steps[-1].fields if one.category == "command"] == [
        "CommandGroupLength",
        "AffectedSOPClassUID",
        "CommandField",
        "MessageID",
        "CommandDataSetType",
    ]


def test_message_of_many_pdus_is_one_step() -> None:
    steps = steps_of([(REQUESTOR, wire(request(), *create(4)), 0.0)])
    assert [step.name for step in steps] == ["A-ASSOCIATE-RQ", "N-CREATE-RQ"]
    assert len(steps[1].turns) == 1 + -(-len(encode(LABEL, IMPLICIT_LE)) // 4)


def test_endless_message_is_cut_into_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The elements of a message that is too long to be held are not followed, but each byte is in a field."""
    monkeypatch.setattr("dimse.explain.record._MAX_TURNS", 1000)
    fragment = wire(PDataTF((PDV(1, b"x", False, False),)))
    said: Said = [(REQUESTOR, wire(request(), create(1)[0]) + fragment * 2300, 0.0)]
    steps = steps_of(said)
    tile(said, steps)
    assert [len(step.turns) for step in steps] == [1, 1000, 1000, 301]


def test_message_of_too_many_fields_is_cut_into_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.explain.record._MAX_LINES", 200)
    empty = PDataTF((PDV(1, b"", False, False),) * 20)
    said: Said = [(REQUESTOR, wire(request(), create(1)[0], *[empty] * 50), 0.0)]
    steps = steps_of(said)
    tile(said, steps)
    assert len(steps) > 10
    assert max(len(step.fields) for step in steps) < 300


def test_messages_of_too_many_elements_are_fragments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.explain.record._MAX_FIELDS", 20)
    pdvs = tuple(part.pdvs[0] for part in create(1000))
    said: Said = [(REQUESTOR, wire(request(), PDataTF(pdvs * 50)), 0.0)]
    steps = steps_of(said)
    tile(said, steps)
    assert len(steps[-1].messages) == 50
    elements = [one for one in steps[-1].fields if one.category == "element"]
    assert len(elements) <= 22


def test_findings_of_a_deflated_data_set_are_errors_of_its_step() -> None:
    deflated = "1.2.840.10008.1.2.1.99"
    contexts = (PresentationContextRQ(1, "1.2", (deflated,)),)
    asked = AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts)
    data = zlib.compress(encode(LABEL, IMPLICIT_LE), wbits=-zlib.MAX_WBITS)  # not in Explicit VR
    said: Said = [(REQUESTOR, wire(asked, create(99)[0], PDataTF((PDV(1, data, False, True),))), 0.0)]
    (error,) = steps_of(said)[-1].errors
    assert error.startswith("the Data Set is in Implicit VR")


def test_data_set_of_too_many_elements_is_one_field() -> None:
    elements = b"".join(b"\x00\x20" + number.to_bytes(2, "little") + bytes(4) for number in range(1, 60_000))
    said: Said = [(REQUESTOR, wire(request(), create(99)[0], PDataTF((PDV(1, elements, False, True),))), 0.0)]
    steps = steps_of(said)
    tile(said, steps)
    assert steps[-1].fields[-1].value == "479992 bytes of data set"
    assert "more than 50000 elements" in steps[-1].fields[-1].error


def test_steps_have_the_times_of_the_recording() -> None:
    times = [step.time for step in steps_in("echo-echoscu-dcmprscp")]
    assert times[0] == said_in("echo-echoscu-dcmprscp")[0][2]
    assert times[:-1] == sorted(time for time in times[:-1] if time is not None)


def test_both_sides_end_in_idle() -> None:
    moves = [move for step in steps_in("echo-echoscu-dcmprscp") for move in step.moves]
    for side in (REQUESTOR, ACCEPTOR):
        (*_, last) = [move for move in moves if move.side == side]
        assert last.after.name == "Sta1"
    assert all(move.action for move in moves)


def test_negotiation_has_each_context_and_its_result() -> None:
    (contract,) = [step.contract for step in steps_in("echo-echoscu-dcmprscp") if step.contract]
    assert [(one.id, one.result, one.transfer_syntax) for one in contract.contexts] == [
        (1, "acceptance", "1.2.840.10008.1.2")
    ]
    assert contract.window == (1, 1)


def test_failure_status_is_a_failed_step() -> None:
    failed = [step for step in steps_in("dcmtk-print-refused-value") if step.has_failed]
    assert [step.name for step in failed] == ["N-CREATE-RSP"]


def test_cut_off_message_is_a_step_of_its_own() -> None:
    said: Said = [(REQUESTOR, wire(request(), *create(8)[:3]), 0.0)]
    steps = steps_of(said)
    tile(said, steps)
    assert (steps[-1].name, steps[-1].words) == ("P-DATA-TF", "an incomplete message")


@pytest.mark.parametrize(
    ("last", "name"),
    [
        (wire(Abort(0, 0)), "A-ABORT"),
        (b"\x04\0\0\0\0\2ab", "P-DATA-TF"),
        (b"\x09\0\0\0\0\0", "Unrecognized"),
    ],
)
def test_pdu_that_interrupts_a_message_is_a_step_of_its_own(last: bytes, name: str) -> None:
    said: Said = [(REQUESTOR, wire(request(), *create(8)[:3]) + last, 0.0)]
    steps = steps_of(said)
    tile(said, steps)
    assert [(step.name, len(step.turns)) for step in steps if step.turns] == [
        ("A-ASSOCIATE-RQ", 1),
        ("P-DATA-TF", 3),
        (name, 1),
    ]
    assert [step.words == "an incomplete message" for step in steps[:3]] == [False, True, False]


def test_cut_off_abort_in_a_message_is_a_step_of_its_own() -> None:
    said: Said = [(REQUESTOR, wire(request(), *create(8)[:3], Abort(0, 0))[:-1], 0.0)]
    steps = steps_of(said)
    tile(said, steps)
    assert [step.name for step in steps] == ["A-ASSOCIATE-RQ", "P-DATA-TF", "A-ABORT"]


def test_states_change_in_the_order_of_the_pdus() -> None:
    """The acceptor asks for release while the message of the requestor is incomplete, and then the requestor sends it.

    In Sta7 the acceptor may still receive P-DATA-TFs, and in Sta8 the requestor may still send them.
    """
    first, *others = create(8)
    said: Said = [(REQUESTOR, wire(request()), 0.0), (ACCEPTOR, wire(answer()), 0.1)]
    said += [(REQUESTOR, wire(first), 0.2), (ACCEPTOR, wire(ReleaseRQ()), 0.3), (REQUESTOR, wire(*others), 0.4)]
    steps = steps_of(said)
    sent = [(move.before.name, move.event.name) for move in steps[3].moves if move.side == REQUESTOR]
    assert sent == [("Sta6", "Evt9")] + [("Sta8", "Evt9")] * len(others)


def test_abort_of_the_peer_ends_an_incomplete_message() -> None:
    said: Said = [(REQUESTOR, wire(request()), 0.0), (ACCEPTOR, wire(answer()), 0.1)]
    said += [(REQUESTOR, wire(*create(8)[:3]), 0.2), (ACCEPTOR, wire(Abort(0, 0)), 0.3)]
    steps = steps_of(said)
    tile(said, steps)
    assert [step.name for step in steps[2:4]] == ["P-DATA-TF", "A-ABORT"]
    assert all(move.action for step in steps for move in step.moves)
    (*_, last) = (move for step in steps for move in step.moves if move.side == REQUESTOR)
    assert last.after.name == "Sta1"


def test_passcode_is_secret_in_fields() -> None:
    identity = UserIdentityRQ(2, False, b"user", b"passcode")
    asked = AssociateRQ(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=request().presentation_contexts,
        user_information=(MaximumLength(0), identity),
    )
    (step,) = steps_of([(REQUESTOR, wire(asked), 0.0)])
    (field,) = [one for one in step.fields if bytes(one.data) == b"passcode"]
    assert field.secret
    assert "passcode" not in field.value
