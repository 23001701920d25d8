"""Conversations explained: what is in the fragments, and what of the negotiation is needed to read it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pair import EXAMPLE

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, decode, encode
from dimse.explain import ACCEPTOR, REQUESTOR, Conversation, Turn, opens_association
from dimse.message import CEchoRQ, CEchoRSP, Message, NCreateRQ, NSetRSP, encode_command
from dimse.uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification
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
    """What each side said, in the order in which it was recorded."""
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


def turns(*said: tuple[str, bytes]) -> list[Turn]:
    conversation = Conversation()
    found = [turn for who, data in said for turn in conversation.receive(who, data)]
    return [*found, *conversation.close()]


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
    """What the last turn says of its Data Set."""
    lines = turns(*said)[-1].lines
    start = next(number for number, line in enumerate(lines) if line.field == "Data Set")
    return [": ".join(filter(None, (line.field, line.value, line.error))) for line in lines[start:]]


@pytest.mark.parametrize("name", NAMES)
def test_every_byte_of_a_recording_is_shown_once_and_in_its_place(name: str) -> None:
    said = recorded(name)
    found = turns(*said)
    for who in (REQUESTOR, ACCEPTOR):
        whole = b"".join(data for speaker, data in said if speaker == who)
        lines = [line for turn in found if turn.who == who for line in turn.lines]
        assert b"".join(line.data for line in lines) == whole
        assert all(whole[line.offset :][: len(line.data)] == line.data for line in lines)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("raw-")])
def test_nothing_is_wrong_or_unknown_in_a_recording_of_polite_peers(name: str) -> None:
    lines = [line for turn in turns(*recorded(name)) for line in turn.lines]
    assert not [line.error for line in lines if line.error]
    assert not [line.value for line in lines if "not known" in line.value or "Rest" in line.field]


def test_the_data_sets_of_a_print_are_shown_in_both_directions() -> None:
    shown = [line.field for turn in turns(*recorded("dcmtk-print-2x3-8bit")) for line in turn.lines]
    assert r"(2010,0010) ST    12  ImageDisplayFormat  STANDARD\2,3" in shown
    assert "(2110,0010) CS     6  PrinterStatus  NORMAL" in shown


def test_a_byte_at_a_time_gives_the_same_turns() -> None:
    said = recorded("dcmtk-print-refused-value")
    assert turns(*((who, data[at : at + 1]) for who, data in said for at in range(len(data)))) == turns(*said)


# --- Command Sets ---

NOT_TWO_BYTES = "US needs 2 bytes, or several times as many; got 3"


def test_a_command_set_element_by_element() -> None:
    (turn,) = turns((REQUESTOR, wire(command(CEchoRQ(MessageID=7, AffectedSOPClassUID=Verification)))))
    assert fields(turn).items() >= {
        ("(0000,0000) UL CommandGroupLength", "56"),
        ("(0000,0002) UI AffectedSOPClassUID", "1.2.840.10008.1.1 (Verification SOP Class)"),
        ("(0000,0100) US CommandField", "0030H (C-ECHO-RQ)"),
        ("(0000,0110) US MessageID", "7"),
        ("(0000,0800) US CommandDataSetType", "0101H (no Data Set)"),
    }
    assert turn.summary == f"1: CEchoRQ(MessageID=7, AffectedSOPClassUID='{Verification}')"
    assert (turn.name, turn.length, turn.offset) == ("P-DATA-TF", 80, 0)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0x0000, "0000H (Success)"),
        (0x0106, "0106H (Failure: Invalid attribute value)"),
        (0xB600, "B600H (Warning)"),  # a service's own
        (0xFF00, "FF00H (Pending)"),
    ],
)
def test_statuses_in_words(status: int, words: str) -> None:
    response = NSetRSP(MessageIDBeingRespondedTo=1, Status=status, OffendingElement=(0x20100010, 0x20100040))
    (turn,) = turns((ACCEPTOR, wire(command(response))))
    assert fields(turn)["(0000,0900) US Status"] == words
    assert fields(turn)["(0000,0901) AT OffendingElement"] == r"(2010,0010)\(2010,0040)"
    assert fields(turn)["(0000,0100) US CommandField"] == "8120H (N-SET-RSP)"


@pytest.mark.parametrize(
    ("element", "field", "value"),
    [
        ("0000 0001 02000000 3412", "(0000,0100) US CommandField", "1234H (no message)"),
        ("0000 0007 02000000 0100", "(0000,0700) US Priority", "0001H (HIGH)"),
        ("0000 0007 02000000 0900", "(0000,0700) US Priority", "0009H (not allowed)"),
        ("0000 0209 06000000 1B5B324A7878", "(0000,0902) LO ErrorComment", r"\x1b[2Jxx"),
        ("0000 1001 03000000 341200", "(0000,0110) US MessageID", f"! {NOT_TWO_BYTES}"),
        ("0000 0200 00000000", "(0000,0002) UI AffectedSOPClassUID", ""),
        ("0000 9999 02000000 3412", "(0000,9999)", ""),
        ("0800 0000 04000000 00000000", "(0008,0000) UL", ""),  # a group length where there should be none
        ("FEFF 0DE0 00000000", "(FFFE,E00D) NONE ItemDelimitationItem", "! a delimiter or item is out of place"),
        ("0000 0001 FFFFFFFF", "Rest", "no element"),
    ],
)  # fmt: skip
def test_elements_that_are_odd(element: str, field: str, value: str) -> None:
    (turn,) = turns((REQUESTOR, wire(PDataTF((PDV(1, bytes.fromhex(element), True, True),)))))
    shown = turn.lines[-1]
    assert (shown.field, shown.value) == (field, value)
    assert shown.data.hex() == element.replace(" ", "").lower()


def test_what_is_wrong_in_a_command_set_is_marked_at_its_element() -> None:
    broken = encode_command(CEchoRQ(MessageID=7, AffectedSOPClassUID=Verification)).replace(b"\x30\0", b"\x31\0")
    (turn,) = turns((REQUESTOR, wire(PDataTF((PDV(1, broken[:-2], True, True),)))))
    marked = [(line.field, line.error) for line in turn.lines if line.error]
    assert marked == [("Rest", "(0000,0800): length 2, 0 bytes left (at byte 66) [PS3.7 §6.3]")]
    (turn,) = turns((REQUESTOR, wire(PDataTF((PDV(1, broken, True, True),)))))
    marked = [(line.field, line.error) for line in turn.lines if line.error]
    assert marked == [
        (
            "(0000,0800) US CommandDataSetType",
            "(0000,0100): Command Field 0031H is no DIMSE message [PS3.7 Table E.1-1]",
        )
    ]
    assert turn.summary.endswith(f"! {marked[0][1]}")


def test_a_command_set_in_fragments_is_shown_as_it_came_and_its_data_set_is_read() -> None:
    whole = encode_command(NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2", Data=b""))
    pieces = PDataTF((PDV(1, whole[:20], True, False), PDV(1, whole[20:], True, True)))
    said = wire(request(ImplicitVRLittleEndian), pieces, data(encode(FILM, IMPLICIT_LE)))
    _, fragments, last = turns((REQUESTOR, said))
    assert not [line for line in fragments.lines if line.table == "PS3.7 Table E.1-1" or line.error]
    assert any(line.field == "Data Set" for line in last.lines)


def test_fragments_that_cannot_follow_each_other_are_marked_and_the_next_message_is_read() -> None:
    echo = command(CEchoRQ(MessageID=7, AffectedSOPClassUID=Verification))
    stray, good = turns((REQUESTOR, wire(data(b"xx"), echo)))
    assert [line.error for line in stray.lines if line.error] == [
        "a Data Set that no Command Set announced (PS3.7 §6.3.1)"
    ]
    assert not [line.error for line in good.lines if line.error]


# --- Data Sets ---

IMPLICIT = encode(FILM, IMPLICIT_LE)
SHOWN = [
    f"Data Set: {len(IMPLICIT)} bytes, Implicit VR Little Endian",
    "(2000,0010) IS     2  NumberOfCopies  2",
    "(2000,0050) LO     8  FilmSessionLabel  a label",
]


def test_the_answer_says_how_data_sets_are_written() -> None:
    said = [
        (REQUESTOR, wire(request(ExplicitVRLittleEndian, ImplicitVRLittleEndian))),
        (ACCEPTOR, wire(answer(ImplicitVRLittleEndian))),
        (REQUESTOR, wire(CREATE, data(IMPLICIT))),
    ]
    assert data_set(*said) == SHOWN


def test_one_side_alone_says_it_where_there_is_no_choice() -> None:
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
def test_nothing_is_guessed(said: list[tuple[str, bytes]]) -> None:
    assert data_set(*said) == [
        f"Data Set: {len(IMPLICIT)} bytes; the transfer syntax is not known from what was recorded"
    ]


def test_a_data_set_that_cannot_be_read_says_why() -> None:
    said = (REQUESTOR, wire(request(ExplicitVRLittleEndian), CREATE, data(b"\x28\0\x10\0--\xff\xff")))
    assert "is not a VR; is this Implicit VR?" in data_set(said)[0]
    said = (REQUESTOR, wire(request("1.2.3"), CREATE, data(IMPLICIT)))
    assert data_set(said) == [f"Data Set: {len(IMPLICIT)} bytes: '1.2.3' is not a Transfer Syntax [PS3.6 Table A-1]"]


def test_a_data_set_that_breaks_a_rule_is_shown_with_it() -> None:
    (turn,) = turns((REQUESTOR, wire(request(ExplicitVRLittleEndian), CREATE, data(IMPLICIT))))[-1:]
    shown = [line.error for line in turn.lines if line.field == "read in spite of"]
    assert shown
    assert all("is not a VR" in error for error in shown)


def test_a_data_set_in_fragments_is_shown_after_the_last() -> None:
    explicit = encode(FILM, EXPLICIT_LE)
    halves = [PDataTF((PDV(1, explicit[:10], False, False),)), data(explicit[10:])]
    *_, first, last = turns((REQUESTOR, wire(request(ExplicitVRLittleEndian), CREATE, *halves)))
    assert not any(line.field == "Data Set" for line in first.lines)
    assert [line.field for line in last.lines][-2:] == SHOWN[1:]
    assert decode(explicit, EXPLICIT_LE) == FILM


# --- the stream ---


def test_a_pdu_that_is_cut_off_comes_last_and_is_marked() -> None:
    release, rest = turns((REQUESTOR, wire(ReleaseRQ(), ReleaseRQ())[:-3]))
    assert (release.summary, rest.offset, rest.length) == ("", 10, 7)
    assert rest.summary == "! PDU-length: says 4, 1 follow"


def test_behind_a_type_that_does_not_exist_nothing_is_cut() -> None:
    _, rest = turns((REQUESTOR, wire(ReleaseRQ()) + b"\x09\0\0\0\0\0" + wire(ReleaseRQ())))
    assert rest.length == 16
    assert "unrecognized PDU type 09H" in rest.summary


def test_summaries_of_an_association() -> None:
    said = recorded("raw-dcmprscp-128-contexts")
    ask, agree, *_ = turns(*said)
    assert ask.summary.startswith("RAWCLIENT to ANY-SCP, presentation contexts 1, 3, 5, ")
    assert agree.summary.startswith("accepted ")
    rejected = turns(*recorded("dcmtk-termscu-reject"))[-1]
    assert rejected.summary.startswith("association rejected: result ")
    aborted = turns(*recorded("abort-by-scp"))[-1]
    assert aborted.summary.startswith("association aborted: source ")


def test_hostile_titles_do_not_reach_the_terminal() -> None:
    evil = AssociateRQ(called_ae_title="A", calling_ae_title="\x1b[2J\n", presentation_contexts=())
    (turn,) = turns((REQUESTOR, wire(evil)))
    assert turn.summary.startswith(r"\x1b[2J\n to A")


def test_what_begins_like_an_association() -> None:
    assert opens_association(wire(request(ImplicitVRLittleEndian))[:6])
    assert not opens_association(wire(answer(ImplicitVRLittleEndian)))
    assert not opens_association(b"\x01\0\0\0\0\x43")  # too short for the fixed fields
    assert not opens_association(b"\x01\0\xff\0\0\0")  # too long for anybody
    assert not opens_association(b"\x01\0\0")


# --- what cannot be where it is ---


def errors_of(*said: tuple[str, PDU]) -> list[str]:
    """The errors of a conversation."""
    conversation = Conversation()
    turns = [turn for who, pdu in said for turn in conversation.receive(who, b"".join(encode_pdu(pdu)))]
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
        ((*OPEN, (REQUESTOR, ReleaseRQ()), (REQUESTOR, ECHO_RQ)), "after A-RELEASE-RQ of the same side"),
        (
            (*OPEN, (REQUESTOR, ReleaseRQ()), (ACCEPTOR, ReleaseRP()), (ACCEPTOR, ECHO_RSP)),
            "P-DATA-TF after A-RELEASE-RP",
        ),
        ((*OPEN, (ACCEPTOR, ReleaseRP())), "A-RELEASE-RP that nobody asked for"),
        ((*OPEN, (REQUESTOR, Abort()), (REQUESTOR, ECHO_RQ)), "the association has ended"),
        ((OPEN[0], (ACCEPTOR, AssociateRJ(1, 1, 1)), (REQUESTOR, ECHO_RQ)), "the association has ended"),
    ],
)
def test_what_cannot_be_said_there_is_marked(said: tuple[tuple[str, PDU], ...], words: str) -> None:
    assert any(words in error for error in errors_of(*said))


@pytest.mark.parametrize(
    "said",
    [
        (*OPEN, (REQUESTOR, ECHO_RQ), (ACCEPTOR, ECHO_RSP), (REQUESTOR, ReleaseRQ()), (ACCEPTOR, ReleaseRP())),
        (*OPEN, (REQUESTOR, ECHO_RQ), (REQUESTOR, ReleaseRQ()), (ACCEPTOR, ECHO_RSP), (ACCEPTOR, ReleaseRP())),
        (*OPEN, (REQUESTOR, Abort()), (ACCEPTOR, ECHO_RSP)),  # they crossed
        ((ACCEPTOR, EXAMPLE[AssociateAC]), (ACCEPTOR, ECHO_RSP), (ACCEPTOR, ReleaseRP())),  # one side was recorded
    ],
)
def test_what_can_be_said_there_is_not_marked(said: tuple[tuple[str, PDU], ...]) -> None:
    assert errors_of(*said) == []


# --- credentials ---


@pytest.mark.parametrize("missing", range(1, 12))
def test_the_rest_of_a_credential_is_not_shown(missing: int) -> None:
    """A PDU-length that is too small makes another PDU of it."""
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


# --- a great deal of it ---


@pytest.mark.parametrize("body", [bytes(1 << 20), b"\0\0\0\2\1\0" * (1 << 17)], ids=["no PDVs", "empty PDVs"])
@pytest.mark.parametrize("length", [0xFFFFFFFF, None], ids=["cut off", "whole"])
def test_a_pdu_has_a_bounded_number_of_lines(body: bytes, length: int | None) -> None:
    wire = b"\4\0" + (len(body) if length is None else length).to_bytes(4, "big") + body
    conversation = Conversation()
    (turn,) = [*conversation.receive(REQUESTOR, wire), *conversation.close()]
    assert len(turn.lines) < 20_000
    assert len(turn.summary) < 2000
    assert sum(len(line.data) for line in turn.lines) == len(wire)
