"""Conversations explained: the messages in the fragments, the order of PDUs, and hidden credentials."""

import json
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pair import EXAMPLE

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, DecodeLimits, decode, encode
from dimse.explain import ACCEPTOR, REQUESTOR, Conversation, Turn, opens_association
from dimse.message import CEchoRQ, CEchoRSP, Message, NCreateRQ, encode_command
from dimse.uids import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextAC,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    UserIdentityRQ,
    encode_pdu,
)

CAPTURES = Path(__file__).parents[2] / "vectors" / "captures"
NAMES = sorted(path.name.removesuffix(".json") for path in CAPTURES.glob("*.json"))
FILM = Dataset(NumberOfCopies=2, FilmSessionLabel="a label")


def recorded(name: str) -> list[tuple[str, bytes]]:
    """Return the bytes of both sides in the order of the recording."""
    wires = {"c2s": (CAPTURES / f"{name}.c2s.bin").read_bytes(), "s2c": (CAPTURES / f"{name}.s2c.bin").read_bytes()}
    events = json.loads((CAPTURES / f"{name}.json").read_text())["events"]
    return [
        (
            REQUESTOR if event["dir"] == "c2s" else ACCEPTOR,
            wires[event["dir"]][event["offset"] : event["offset"] + event["length"]],
        )
        for event in events
        if event["kind"] == "data"
    ]


def turns(*said: tuple[str, bytes], with_elements: bool = True, with_fields: bool = True) -> list[Turn]:
    conversation = Conversation(with_elements=with_elements, with_fields=with_fields)
    found = [turn for side, data in said for turn in conversation.receive(side, data)]
    return [*found, *conversation.close()]


@cache
def turns_of_recording(name: str) -> tuple[Turn, ...]:
    return tuple(turns(*recorded(name)))


def wire(*pdus: PDU) -> bytes:
    return b"".join(b"".join(encode_pdu(pdu)) for pdu in pdus)


def command(message: Message, context_id: int = 1) -> PDU:
    return PDataTF((PDV(context_id, encode_command(message), True, True),))


def data(encoded: bytes, context_id: int = 1) -> PDU:
    return PDataTF((PDV(context_id, encoded, False, True),))


def request(*transfer_syntaxes: str) -> PDU:
    contexts = (PresentationContextRQ(1, Verification, transfer_syntaxes),)
    return AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts)


def answer(transfer_syntax: str, result: int = 0) -> PDU:
    contexts = (PresentationContextAC(1, result, transfer_syntax),)
    return AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts)


CREATE = command(NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2", Data=b"there is some"))


def fields(turn: Turn) -> dict[str, str]:
    return {line.field: line.value for line in turn.lines}


def data_set(*said: tuple[str, bytes]) -> list[str]:
    """Return the lines of the Data Set in the last turn."""
    lines = turns(*said)[-1].lines
    start = next(number for number, line in enumerate(lines) if line.field == "Data Set")
    return [": ".join(filter(None, (line.field, line.value, line.error))) for line in lines[start:]]


@pytest.mark.parametrize("name", NAMES)
def test_recording_is_shown_byte_by_byte(name: str) -> None:
    said = recorded(name)
    found = turns_of_recording(name)
    for side in (REQUESTOR, ACCEPTOR):
        whole = b"".join(data for speaker, data in said if speaker == side)
        lines = [line for turn in found if turn.side == side for line in turn.lines]
        assert b"".join(line.data for line in lines) == whole
        assert all(whole[line.offset :][: len(line.data)] == line.data for line in lines)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("raw-")])
def test_recording_of_polite_peers_has_no_errors(name: str) -> None:
    lines = [line for turn in turns_of_recording(name) for line in turn.lines]
    assert not [line.error for line in lines if line.error]
    assert not [line.value for line in lines if "does not say" in line.value or "Rest" in line.field]


@pytest.mark.parametrize("name", NAMES)
def test_turns_without_elements_differ_only_in_their_lines(name: str) -> None:
    full, short = turns_of_recording(name), turns(*recorded(name), with_elements=False)
    assert [turn._replace(lines=()) for turn in short] == [turn._replace(lines=()) for turn in full]
    assert all(set(less.lines) <= set(more.lines) for less, more in zip(short, full, strict=True))


def test_data_sets_are_shown_in_both_directions() -> None:
    shown = [line.field for turn in turns_of_recording("dcmtk-print-2x3-8bit") for line in turn.lines]
    assert r"(2010,0010) ST    12  ImageDisplayFormat  STANDARD\2,3" in shown
    assert "(2110,0010) CS     6  PrinterStatus  NORMAL" in shown


def test_single_bytes_give_the_same_turns() -> None:
    said = recorded("dcmtk-print-refused-value")
    assert turns(*((side, data[at : at + 1]) for side, data in said for at in range(len(data)))) == turns(*said)


# --- Command Sets ---


def test_error_in_a_command_set_stands_beside_its_element() -> None:
    broken = encode_command(CEchoRQ(MessageID=7, AffectedSOPClassUID=Verification)).replace(b"\x30\0", b"\x31\0")
    (turn,) = turns((REQUESTOR, wire(PDataTF((PDV(1, broken[:-2], True, True),)))))
    marked = [(line.field, line.error) for line in turn.lines if line.error]
    assert marked == [("Rest", "(0000,0800): a value of 2 bytes, but only 0 follow (at byte 66) [PS3.7 §6.3]")]
    (turn,) = turns((REQUESTOR, wire(PDataTF((PDV(1, broken, True, True),)))))
    marked = [(line.field, line.error) for line in turn.lines if line.error]
    assert marked == [
        (
            "(0000,0800) US CommandDataSetType",
            "(0000,0100): Command Field 0031H is not a DIMSE message [PS3.7 Table E.1-1]",
        )
    ]
    assert turn.summary.endswith(f"! {marked[0][1]}")


def test_data_set_after_a_command_set_in_fragments_is_read() -> None:
    whole = encode_command(NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2", Data=b""))
    pieces = PDataTF((PDV(1, whole[:20], True, False), PDV(1, whole[20:], True, True)))
    said = wire(request(ImplicitVRLittleEndian), pieces, data(encode(FILM, IMPLICIT_LE)))
    _, fragments, last = turns((REQUESTOR, said))
    assert not [line for line in fragments.lines if line.table == "PS3.7 Table E.1-1" or line.error]
    assert any(line.field == "Data Set" for line in last.lines)


def test_message_after_a_stray_fragment_is_read() -> None:
    echo = command(CEchoRQ(MessageID=7, AffectedSOPClassUID=Verification))
    stray, good = turns((REQUESTOR, wire(data(b"xx"), echo)))
    assert [line.error for line in stray.lines if line.error] == [
        "a Data Set that no Command Set announced (PS3.7 §6.3)"
    ]
    assert not [line.error for line in good.lines if line.error]


# --- Data Sets ---

IMPLICIT = encode(FILM, IMPLICIT_LE)
SHOWN = [
    f"Data Set: {len(IMPLICIT)} bytes, Implicit VR Little Endian",
    "(2000,0010) IS     2  NumberOfCopies  2",
    "(2000,0050) LO     8  FilmSessionLabel  a label",
]


def test_answer_tells_the_transfer_syntax() -> None:
    said = [
        (REQUESTOR, wire(request(ExplicitVRLittleEndian, ImplicitVRLittleEndian))),
        (ACCEPTOR, wire(answer(ImplicitVRLittleEndian))),
        (REQUESTOR, wire(CREATE, data(IMPLICIT))),
    ]
    assert data_set(*said) == SHOWN


def test_single_proposal_tells_the_transfer_syntax() -> None:
    assert data_set((REQUESTOR, wire(request(ImplicitVRLittleEndian), CREATE, data(IMPLICIT)))) == SHOWN
    assert data_set((ACCEPTOR, wire(answer(ImplicitVRLittleEndian), CREATE, data(IMPLICIT)))) == SHOWN


@pytest.mark.parametrize(
    "said",
    [
        [(REQUESTOR, wire(CREATE, data(IMPLICIT)))],
        [(REQUESTOR, wire(request(ExplicitVRLittleEndian, ImplicitVRLittleEndian), CREATE, data(IMPLICIT)))],
        [
            (REQUESTOR, wire(request(ImplicitVRLittleEndian))),
            (ACCEPTOR, wire(answer(ImplicitVRLittleEndian, 3))),
            (REQUESTOR, wire(CREATE, data(IMPLICIT))),
        ],
        [(ACCEPTOR, wire(answer(ImplicitVRLittleEndian, 3), CREATE, data(IMPLICIT)))],
    ],
    ids=["no association", "a choice", "refused", "refused, one side"],
)
def test_unknown_transfer_syntax_is_not_guessed(said: list[tuple[str, bytes]]) -> None:
    assert data_set(*said) == [f"Data Set: {len(IMPLICIT)} bytes; the recording does not state the transfer syntax"]


def test_unreadable_data_set_shows_its_error() -> None:
    said = (REQUESTOR, wire(request(ExplicitVRLittleEndian), CREATE, data(b"\x28\0\x10\0--\xff\xff")))
    assert "is not a VR; is this Implicit VR?" in data_set(said)[0]


def test_unknown_transfer_syntax_uid_is_an_error() -> None:
    said = (REQUESTOR, wire(request("1.2.3"), CREATE, data(IMPLICIT)))
    assert data_set(said) == [
        f"Data Set: {len(IMPLICIT)} bytes: '1.2.3' is not a known Transfer Syntax [PS3.6 Table A-1]"
    ]


def test_tolerated_faults_are_shown_with_the_data_set() -> None:
    (turn,) = turns((REQUESTOR, wire(request(ExplicitVRLittleEndian), CREATE, data(IMPLICIT))))[-1:]
    shown = [line.error for line in turn.lines if line.field == "tolerated"]
    assert shown == ["the Data Set is in Implicit VR, not in Explicit VR Little Endian (at byte 0) [PS3.5 §10]"]


def test_data_set_is_shown_after_its_last_fragment() -> None:
    explicit = encode(FILM, EXPLICIT_LE)
    halves = [PDataTF((PDV(1, explicit[:10], False, False),)), data(explicit[10:])]
    *_, first, last = turns((REQUESTOR, wire(request(ExplicitVRLittleEndian), CREATE, *halves)))
    assert not any(line.field == "Data Set" for line in first.lines)
    assert [line.field for line in last.lines][-2:] == SHOWN[1:]
    assert decode(explicit, EXPLICIT_LE) == FILM


# --- the stream ---


def test_cut_off_pdu_comes_last_with_an_error() -> None:
    release, rest = turns((REQUESTOR, wire(ReleaseRQ(), ReleaseRQ())[:-3]))
    assert (release.summary, rest.offset, rest.length) == ("", 10, 7)
    assert rest.summary == "! PDU-length: the length is 4, but 1 bytes follow"


UNKNOWN_PDU = b"\x09\0\0\0\0\4abcd"


def test_unknown_type_is_explained_at_its_header() -> None:
    first, unknown = Conversation().receive(REQUESTOR, wire(ReleaseRQ()) + UNKNOWN_PDU)
    assert (first.length, unknown.length) == (10, 6)
    assert "unrecognized PDU type 09H" in unknown.summary


def test_bytes_after_the_header_of_an_unknown_type_are_one_turn() -> None:
    *_, rest = turns((REQUESTOR, UNKNOWN_PDU), (REQUESTOR, wire(ReleaseRQ())))
    assert (rest.offset, rest.length, rest.pdu) == (6, 14, None)
    assert rest.summary == "14 bytes after the header of an unknown PDU"


@pytest.mark.parametrize(
    ("name", "number", "start"),
    [
        ("raw-dcmprscp-128-contexts", 0, "RAWCLIENT to ANY-SCP, presentation contexts 1, 3, 5, "),
        ("raw-dcmprscp-128-contexts", 1, "accepted "),
        ("dcmtk-termscu-reject", -1, "association rejected: result "),
        ("abort-by-scp", -1, "association aborted: source "),
    ],
)
def test_summary_names_the_parts_of_an_association_pdu(name: str, number: int, start: str) -> None:
    assert turns_of_recording(name)[number].summary.startswith(start)


@pytest.mark.parametrize(
    ("results", "summary"),
    [
        ((0, 0), "accepted all: 1, 3"),
        ((3, 0), "accepted 1 of 2: 3"),
        ((3, 4), "accepted none of 2"),
        ((), "accepted none of 0"),
    ],
)
def test_summary_counts_the_accepted_contexts(results: tuple[int, ...], summary: str) -> None:
    proposed = zip((1, 3), results, strict=False)
    answers = tuple(PresentationContextAC(number, result, ImplicitVRLittleEndian) for number, result in proposed)
    answer = AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=answers)
    (turn,) = turns((ACCEPTOR, wire(answer)))
    assert turn.summary == summary


def test_hostile_titles_are_escaped() -> None:
    evil = AssociateRQ(called_ae_title="A", calling_ae_title="\x1b[2J\n", presentation_contexts=())
    (turn,) = turns((REQUESTOR, wire(evil)))
    assert turn.summary.startswith(r"\x1b[2J\n to A")


def test_opens_association_needs_a_request_header() -> None:
    assert opens_association(wire(request(ImplicitVRLittleEndian))[:6])
    assert not opens_association(wire(answer(ImplicitVRLittleEndian)))
    assert not opens_association(b"\x01\0\0\0\0\x43")  # too short for the fixed fields
    assert not opens_association(b"\x01\0\xff\0\0\0")  # too long for any peer
    assert not opens_association(b"\x01\0\0")


# --- the order of PDUs ---


def errors_of(*said: tuple[str, PDU]) -> list[str]:
    """Return the errors of a conversation."""
    conversation = Conversation()
    turns = [turn for side, pdu in said for turn in conversation.receive(side, b"".join(encode_pdu(pdu)))]
    return [line.error for turn in turns for line in turn.lines if line.error]


ECHO_RQ = PDataTF((PDV(1, encode_command(CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification)), True, True),))
ECHO_RSP = PDataTF((PDV(1, encode_command(CEchoRSP(MessageIDBeingRespondedTo=1, Status=0)), True, True),))
OPEN = ((REQUESTOR, EXAMPLE[AssociateRQ]), (ACCEPTOR, EXAMPLE[AssociateAC]))
ANSWERED = AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=())


def answered(context: PresentationContextAC) -> tuple[tuple[str, PDU], tuple[str, PDU]]:
    return OPEN[0], (ACCEPTOR, replace(ANSWERED, presentation_contexts=(context,)))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ((*answered(PresentationContextAC(1, 3, "")), (REQUESTOR, ECHO_RQ)), "abstract-syntax-not-supported"),
        ((*answered(PresentationContextAC(1, 0, "1.2")), (REQUESTOR, ECHO_RQ)), "syntax that was not proposed"),
        ((OPEN[0], (ACCEPTOR, ANSWERED), (ACCEPTOR, ECHO_RSP)), "the context was not accepted: not answered"),
        ((*OPEN, (REQUESTOR, PDataTF((PDV(9, b"", True, True),)))), "the context was not proposed"),
        ((*OPEN, OPEN[0]), "a second A-ASSOCIATE-RQ"),
        (((REQUESTOR, ReleaseRQ()), OPEN[0]), "A-ASSOCIATE-RQ after another PDU"),
        ((*OPEN, (REQUESTOR, ReleaseRQ()), (REQUESTOR, ECHO_RQ)), "after A-RELEASE-RQ of the same side"),
        (
            (*OPEN, (REQUESTOR, ReleaseRQ()), (ACCEPTOR, ReleaseRP()), (ACCEPTOR, ECHO_RSP)),
            "P-DATA-TF after A-RELEASE-RP",
        ),
        ((*OPEN, (ACCEPTOR, ReleaseRP())), "A-RELEASE-RP without an A-RELEASE-RQ"),
        ((*OPEN, (REQUESTOR, Abort()), (REQUESTOR, ECHO_RQ)), "the association has ended"),
        ((OPEN[0], (ACCEPTOR, AssociateRJ(1, 1, 1)), (REQUESTOR, ECHO_RQ)), "the association has ended"),
    ],
)
def test_impossible_pdu_has_an_error(said: tuple[tuple[str, PDU], ...], words: str) -> None:
    assert any(words in error for error in errors_of(*said))


@pytest.mark.parametrize(
    "said",
    [
        (*OPEN, (REQUESTOR, ECHO_RQ), (ACCEPTOR, ECHO_RSP), (REQUESTOR, ReleaseRQ()), (ACCEPTOR, ReleaseRP())),
        (*OPEN, (REQUESTOR, ECHO_RQ), (REQUESTOR, ReleaseRQ()), (ACCEPTOR, ECHO_RSP), (ACCEPTOR, ReleaseRP())),
        (*OPEN, (REQUESTOR, Abort()), (ACCEPTOR, ECHO_RSP)),  # they crossed
        (OPEN[0], (ACCEPTOR, AssociateRJ(1, 1, 1)), (REQUESTOR, Abort())),  # they crossed
        ((ACCEPTOR, EXAMPLE[AssociateAC]), (ACCEPTOR, ECHO_RSP), (ACCEPTOR, ReleaseRP())),  # one side was recorded
    ],
)
def test_possible_pdu_has_no_error(said: tuple[tuple[str, PDU], ...]) -> None:
    assert errors_of(*said) == []


# --- credentials ---


@pytest.mark.parametrize("missing", range(1, 12))
def test_cut_off_credential_is_hidden(missing: int) -> None:
    """A PDU-length that is too small moves the end of the credential into the next PDU."""
    request = EXAMPLE[AssociateRQ]
    assert isinstance(request, AssociateRQ)
    items = (MaximumLength(16384), UserIdentityRQ(2, False, b"me", b"\4\0\0\0\0\4S3CRET"))
    wire = b"".join(encode_pdu(replace(request, user_information=items)))
    wire = wire[:2] + (len(wire) - 6 - missing).to_bytes(4, "big") + wire[6:]
    conversation = Conversation()
    turns = [*conversation.receive(REQUESTOR, wire), *conversation.close()]
    lines = [line for turn in turns for line in turn.lines]
    assert b"".join(bytes(line.data) for line in lines) == wire
    shown = b"".join(bytes(line.data) for line in lines if not line.secret)
    assert b"S3" not in shown
    assert b"ET" not in shown
    assert "S3" not in "".join(turn.summary for turn in turns)


# --- bounds ---


def test_deflated_data_set_is_inflated_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.explain.conversation._LIMITS", DecodeLimits(inflated=1 << 16))
    bomb = zlib.compress(bytes(2 << 16), wbits=-zlib.MAX_WBITS)
    turn = turns((REQUESTOR, wire(request(DeflatedExplicitVRLittleEndian), CREATE, data(bomb))))[-1]
    assert "inflates to more than 65536 bytes" in turn.completed[0].fault


@pytest.mark.parametrize("body", [bytes(1 << 20), b"\0\0\0\2\1\0" * (1 << 17)], ids=["no PDVs", "empty PDVs"])
@pytest.mark.parametrize("length", [0xFFFFFFFF, None], ids=["cut off", "whole"])
def test_lines_of_a_pdu_are_bounded(body: bytes, length: int | None) -> None:
    wire = b"\4\0" + (len(body) if length is None else length).to_bytes(4, "big") + body
    conversation = Conversation()
    (turn,) = [*conversation.receive(REQUESTOR, wire), *conversation.close()]
    assert len(turn.lines) < 20_000
    assert len(turn.summary) < 2000
    assert sum(len(line.data) for line in turn.lines) == len(wire)


ECHO = PDV(1, encode_command(CEchoRQ(MessageID=7, AffectedSOPClassUID=Verification)), True, True)
FRAGMENTS = (PDV(1, encode_command(NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2", Data=b"x")), True, True),) + (
    PDV(1, b"", False, False),
) * (1 << 14)  # more fields than are shown


def test_message_after_the_shown_fields_is_found() -> None:
    film = PDV(1, encode(FILM, IMPLICIT_LE), False, True)
    said = wire(request(ImplicitVRLittleEndian), PDataTF((*FRAGMENTS, film, ECHO)))
    first, second = turns((REQUESTOR, said))[-1].completed
    assert bytes(first.data) == film.data
    assert first.syntax is IMPLICIT_LE
    (start, end) = first.data_pieces[-1]
    assert said[start:end] == film.data
    assert second.message.CommandField == CEchoRQ.CommandField


def test_bytes_after_the_shown_fields_are_one_line() -> None:
    said = wire(PDataTF((*FRAGMENTS, ECHO)))
    turn = turns((REQUESTOR, said))[-1]
    assert b"".join(line.data for line in turn.lines) == said
    assert "the first 16384 fields of this PDU are shown" in [line.value for line in turn.lines]


def test_error_after_the_shown_fields_is_shown_once() -> None:
    stray = PDV(3, ECHO.data, True, True)
    associate = wire(request(ImplicitVRLittleEndian), answer(ImplicitVRLittleEndian))
    said = wire(PDataTF((*FRAGMENTS, PDV(1, b"", False, True), stray, stray)))
    turn = turns((REQUESTOR, associate), (REQUESTOR, said))[-1]
    assert [line.error for line in turn.lines if line.error] == ["the context was not proposed [PS3.8 §9.3.2.2]"]


FRAGMENT_KINDS = (
    ECHO,
    ECHO._replace(context_id=3),
    FRAGMENTS[0],
    PDV(1, encode(FILM, EXPLICIT_LE), False, True),  # not in the transfer syntax of the context
    *(PDV(context_id, b"", *kind) for context_id in (1, 3) for kind in ((True, False), (False, False), (False, True))),
)


@given(st.lists(st.lists(st.sampled_from(FRAGMENT_KINDS), max_size=8), max_size=4))
def test_turns_without_fields_differ_only_in_their_lines(pdus: list[list[PDV]]) -> None:
    associate = (REQUESTOR, wire(request(ImplicitVRLittleEndian))), (ACCEPTOR, wire(answer(ImplicitVRLittleEndian)))
    said = REQUESTOR, wire(*(PDataTF(tuple(pdvs)) for pdvs in pdus))
    full, short = (turns(*associate, said, with_fields=with_fields) for with_fields in (True, False))
    assert [turn._replace(lines=()) for turn in short] == [turn._replace(lines=()) for turn in full]


@pytest.mark.parametrize("pdu", [Abort(2, 0), ReleaseRQ(), PDataTF((ECHO,)), PDataTF(FRAGMENTS)])
def test_turn_without_fields_has_one_line(pdu: PDU) -> None:
    (turn,) = turns((REQUESTOR, wire(pdu)), with_fields=False)
    assert [line.field for line in turn.lines] == [f"{turn.name} PDU"]


def test_messages_after_the_shown_fields_have_no_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.explain.conversation.MAX_LINES", 20)
    film = PDV(1, encode(FILM, IMPLICIT_LE), False, True)
    said = wire(request(ImplicitVRLittleEndian), PDataTF((FRAGMENTS[0], film) * 9))
    turn = turns((REQUESTOR, said))[-1]
    assert len(turn.completed) == 9
    shown = [line for line in turn.lines if line.field == "Data Set"]
    assert [line.value.endswith("this PDU has no room for its elements") for line in shown] == [False] + [True] * 8
    assert b"".join(line.data for line in turn.lines) == said[-turn.length :]


def test_command_set_over_the_limit_is_one_line() -> None:
    pdv = PDV(1, bytes(8) * 9000, True, True)
    (turn,) = turns((REQUESTOR, wire(PDataTF((pdv,)))))
    assert len(turn.lines) == 5
    assert "exceeds the limit command_set" in turn.lines[-1].error
