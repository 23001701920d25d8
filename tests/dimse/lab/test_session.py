"""A session of the laboratory with a peer that is the other end of a socket pair."""

import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, decode, encode, read_file, write_file
from dimse.errors import ConnectionFailed, DimseError
from dimse.explain import ACCEPTOR, ViewEvent
from dimse.explain.conversation import CompleteMessage
from dimse.lab import Connection, Lab, LabFailure, Mistake, exchange
from dimse.lab.manual import COMMANDS, manual
from dimse.lab.session import _COMMANDS
from dimse.message import (
    CEchoRQ,
    CEchoRSP,
    CStoreRQ,
    Message,
    NCreateRSP,
    NEventReportRQ,
    NEventReportRSP,
    NSetRQ,
    decode_command,
    encode_command,
)
from dimse.uids import (
    BasicFilmSession,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Printer,
    PrinterInstance,
    SecondaryCaptureImageStorage,
    Verification,
)
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRQ,
    ContextResult,
    PDataTF,
    PDUStream,
    PresentationContextAC,
    PresentationContextRQ,
    ReleaseRP,
    decode_pdu,
    encode_pdu,
)

AC = AssociateAC(
    called_ae_title="ANY-SCP",
    calling_ae_title="DIMSE-LAB",
    presentation_contexts=(PresentationContextAC(1, ContextResult.ACCEPTANCE, ImplicitVRLittleEndian),),
)
RQ = AssociateRQ(
    called_ae_title="LAB",
    calling_ae_title="CLIENT",
    presentation_contexts=(PresentationContextRQ(1, Verification, (ImplicitVRLittleEndian,)),),
)


def octets(what: PDU | Message) -> bytes:
    """Return the octets of a peer: a PDU, or a message in one PDU."""
    if isinstance(what, Message):
        pdvs = [PDV(1, encode_command(what), True, True)]
        pdvs += [PDV(1, what.Data, False, True)] if isinstance(what.Data, bytes) else []
        what = PDataTF(tuple(pdvs))
    return b"".join(encode_pdu(what))


class Answering(Connection):
    """A connection whose peer answers when the laboratory sends next."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        super().__init__(near, session=None, tap=None)
        self.far = far
        self.answer = b""

    def send(self, data: bytes, seconds: float) -> None:
        super().send(data, seconds)
        self.far.sendall(self.answer)
        self.answer = b""


class Bench:
    """A laboratory, and the far end of its connection."""

    def __init__(self, connection: Answering, lab: Lab) -> None:
        self.connection, self.far, self.lab = connection, connection.far, lab

    def run(self, line: str, *answer: PDU | Message) -> list[str]:
        """Run a command that sends, and let the peer answer."""
        self.connection.answer = b"".join(map(octets, answer))
        return [*self.lab.run(line)]

    def sent(self) -> bytes:
        """Return the octets that the laboratory has sent."""
        self.far.setblocking(False)
        parts = []
        try:
            while part := self.far.recv(1 << 20):
                parts.append(part)
        except BlockingIOError:
            pass
        self.far.setblocking(True)
        return b"".join(parts)

    def sent_message(self) -> Message:
        """Return the first message that the laboratory has sent."""
        for wire in PDUStream(0, 0).feed(self.sent()):
            pdu = decode_pdu(bytes(wire))
            if isinstance(pdu, PDataTF):
                return decode_command(pdu.pdvs[0].data)[0]
        raise AssertionError("no message")


@contextmanager
def bench(**options: object) -> Iterator[Bench]:
    near, far = socket.socketpair()
    connection = Answering(near, far)
    peers = [connection]

    def connect(_: float) -> Connection:
        if not peers:
            raise ConnectionFailed("the only peer has been connected before")
        return peers.pop()

    lab = Lab(connect, patience=0.01, **options)  # type: ignore[arg-type]  # as the caller wants
    with closing(near), closing(far):
        yield Bench(connection, lab)


def test_each_command_has_a_page() -> None:
    assert COMMANDS.keys() == _COMMANDS.keys()


def test_associate_proposes_abstract_syntaxes() -> None:
    with bench(called="PRINTSCP") as it:
        it.run("associate BasicGrayscalePrintManagementMeta Verification:implicit", AC)
        (wire,) = PDUStream(0, 0).feed(it.sent())
    request = decode_pdu(bytes(wire))
    assert isinstance(request, AssociateRQ)
    assert request.called_ae_title == "PRINTSCP"
    assert [len(one.transfer_syntaxes) for one in request.presentation_contexts] == [2, 1]


def test_associate_proposes_128_contexts() -> None:
    with bench() as it:
        it.run("associate" + 128 * " Verification", AC)
        (wire,) = PDUStream(0, 0).feed(it.sent())
    request = decode_pdu(bytes(wire))
    assert isinstance(request, AssociateRQ)
    assert [one.id for one in request.presentation_contexts] == list(range(1, 256, 2))


def test_associate_refuses_more_than_128_contexts() -> None:
    with bench() as it, pytest.raises(Mistake, match="129 abstract syntaxes; an association has at most 128 contexts"):
        it.run("associate" + 129 * " Verification")


def test_answer_is_explained() -> None:
    with bench() as it:
        lines = it.run("associate", AC)
    assert any("Result/Reason: 0 (acceptance)" in line for line in lines)


def test_states_of_both_sides_are_shown() -> None:
    with bench() as it:
        lines = it.run("associate", AC)
        assert it.lab.prompt == "Sta6> "
    assert lines[-1].startswith("= requestor Sta5: Evt3 A-ASSOCIATE-AC PDU received: AE-3, then Sta6")


def test_state_shows_the_possible_events() -> None:
    with bench() as it:
        it.run("associate", AC)
        lines = it.run("state")
    assert "  Evt11 A-RELEASE request primitive: AR-1, then Sta7" in lines


@pytest.mark.parametrize(("is_requestor", "after"), [(True, "Sta9"), (False, "Sta10")])
def test_state_shows_the_release_collision_of_its_side(is_requestor: bool, after: str) -> None:
    with bench(is_requestor=is_requestor) as it:
        if is_requestor:
            it.run("associate", AC)
        else:
            it.far.sendall(octets(RQ))
            it.run("connect")
            it.run("accept")
        it.run("release")
        lines = it.run("state")
    assert f"  Evt12 A-RELEASE-RQ PDU received: AR-8, then {after}" in lines


def test_send_fills_command_set_and_data_set() -> None:
    with bench() as it:
        it.run("associate BasicFilmSession", AC)
        it.sent()
        it.run("send N-CREATE-RQ AffectedSOPClassUID=BasicFilmSession NumberOfCopies=2")
        data = it.sent()
    assert encode(Dataset(NumberOfCopies=2), IMPLICIT_LE) in data
    assert BasicFilmSession.encode() in data


INSTANCE = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3", PatientName="A^B", PatientID="1")
STORES = AssociateAC(
    called_ae_title="ANY-SCP",
    calling_ae_title="DIMSE-LAB",
    presentation_contexts=(
        PresentationContextAC(1, ContextResult.ACCEPTANCE, ImplicitVRLittleEndian),
        PresentationContextAC(3, ContextResult.ACCEPTANCE, ImplicitVRLittleEndian),
        PresentationContextAC(5, ContextResult.ACCEPTANCE, ExplicitVRLittleEndian),
    ),
)


def stored(words: str, path: Path) -> tuple[CStoreRQ, int, Dataset]:
    """Return the request, the context and the Data Set that the laboratory sends for a file."""
    write_file(path, INSTANCE)
    classes = "Verification SecondaryCaptureImageStorage:implicit SecondaryCaptureImageStorage:explicit"
    with bench() as it:
        it.run(f"associate {classes}", STORES)
        it.sent()
        it.run(f"send C-STORE-RQ file='{path}' {words}")
        wires = [decode_pdu(bytes(wire)) for wire in PDUStream(0, 0).feed(it.sent())]
    pdvs = [pdv for pdu in wires if isinstance(pdu, PDataTF) for pdv in pdu.pdvs]
    message = decode_command(pdvs[0].data)[0]
    assert isinstance(message, CStoreRQ)
    syntax = EXPLICIT_LE if pdvs[1].context_id == 5 else IMPLICIT_LE
    return message, pdvs[1].context_id, decode(pdvs[1].data, syntax)


def test_file_is_sent_in_its_transfer_syntax(tmp_path: Path) -> None:
    message, context_id, sent = stored("", tmp_path / "a b.dcm")
    assert (message.AffectedSOPClassUID, message.AffectedSOPInstanceUID) == (SecondaryCaptureImageStorage, "1.2.3")
    assert (context_id, sent) == (5, INSTANCE)


def test_file_is_encoded_for_the_context_that_is_named(tmp_path: Path) -> None:
    assert stored("on=3", tmp_path / "a.dcm")[1:] == (3, INSTANCE)


def test_words_change_attributes_of_the_sent_file(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    message, _, sent = stored("SOPInstanceUID=1.2.4 PatientName=C", path)
    assert message.AffectedSOPInstanceUID == sent.SOPInstanceUID == "1.2.4"
    assert (sent.PatientName, sent.PatientID) == ("C", "1")
    assert read_file(path).dataset == INSTANCE


def test_command_set_may_contradict_the_file(tmp_path: Path) -> None:
    message, _, sent = stored("AffectedSOPInstanceUID=1.2.9", tmp_path / "a.dcm")
    assert (message.AffectedSOPInstanceUID, sent.SOPInstanceUID) == ("1.2.9", "1.2.3")


def test_file_that_is_not_dicom_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text")
    with bench() as it, pytest.raises(Mistake, match=r"^'.*: not a DICOM file: no DICM"):
        it.run(f"send C-STORE-RQ file={path}")


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("N-CREATE-RQ", "AffectedSOPClassUID=... [PS3.7 Table 10.3-9]"),
        ("C-CANCEL-RQ", "MessageIDBeingRespondedTo=... [PS3.7 Tables 9.3-5, 9.3-8 and 9.3-11]"),
    ],
)
def test_missing_element_is_named_with_its_table(message: str, words: str) -> None:
    with bench() as it, pytest.raises(Mistake, match=re.escape(f"{message} needs {words}")):
        it.run(f"send {message}")


def test_value_that_its_vr_cannot_hold_is_a_mistake() -> None:
    with bench() as it:
        with pytest.raises(Mistake, match="US cannot hold"):
            it.run("send C-STORE-RQ AffectedSOPClassUID=CTImageStorage AffectedSOPInstanceUID=1.2 Rows=-1")
        assert it.sent() == b""


def test_message_ids_count_up() -> None:
    with bench() as it:
        it.run("associate", AC)
        it.run("echo", CEchoRSP(MessageIDBeingRespondedTo=1, Status=0))
        it.sent()
        it.run("echo", CEchoRSP(MessageIDBeingRespondedTo=2, Status=0))
        message = it.sent_message()
    assert message == type(message)(MessageID=2, AffectedSOPClassUID=Verification)  # type: ignore[call-arg]


def test_wrong_message_is_not_counted() -> None:
    with bench() as it:
        it.run("associate", AC)
        with pytest.raises(Mistake):
            it.run("send N-SET-RQ")
        it.sent()
        it.run("echo")
        assert getattr(it.sent_message(), "MessageID", None) == 1


def test_let_takes_a_value_of_the_answer() -> None:
    with bench() as it:
        it.run("associate BasicFilmSession", AC)
        answer = NCreateRSP(
            MessageIDBeingRespondedTo=1,
            Status=0,
            AffectedSOPInstanceUID="1.2.3",
            Data=encode(Dataset(ReferencedImageBoxSequence=[Dataset(ReferencedSOPInstanceUID="1.2.4")]), IMPLICIT_LE),
        )
        it.run("send N-CREATE-RQ AffectedSOPClassUID=BasicFilmSession", answer)
        it.run("let film = AffectedSOPInstanceUID")
        assert it.run("let box = ReferencedImageBoxSequence[0].ReferencedSOPInstanceUID") == ["= $box is 1.2.4"]
        it.sent()
        it.run("send N-SET-RQ RequestedSOPClassUID=BasicGrayscaleImageBox RequestedSOPInstanceUID=$box")
        message = it.sent_message()
    assert isinstance(message, NSetRQ)
    assert message.RequestedSOPInstanceUID == "1.2.4"


def test_name_without_a_value_is_a_mistake() -> None:
    with bench() as it, pytest.raises(Mistake, match=r"\$box has no value"):
        it.run("raw $box")


def test_reply_answers_the_last_request() -> None:
    event = NEventReportRQ(
        MessageID=7, AffectedSOPClassUID=Printer, AffectedSOPInstanceUID=PrinterInstance, EventTypeID=2
    )
    with bench() as it:
        it.run("associate Printer", AC)
        it.far.sendall(octets(event))
        it.run("wait 1")
        it.sent()
        it.run("reply 0110H")
        message = it.sent_message()
    assert (message.MessageIDBeingRespondedTo, message.Status, message.EventTypeID) == (7, 0x0110, 2)  # type: ignore[attr-defined]


def test_patch_changes_the_next_octets() -> None:
    with bench() as it:
        it.run("patch 6 0000")
        it.run("associate", AC)
        assert it.sent()[6:8] == b"\0\0"


def test_patch_is_used_once() -> None:
    with bench() as it:
        it.run("patch 0 FF")
        it.run("raw 00")
        it.run("raw 00")
        assert it.sent() == b"\xff\0"


def test_patch_beyond_the_end_sends_nothing() -> None:
    with bench() as it:
        it.run("cut 1")
        it.run("patch 9 FF")
        with pytest.raises(Mistake, match="only 2 octets"):
            it.run("raw 0102")
        assert it.sent() == b""
        it.run("raw 0102")
        assert it.sent() == b"\1\2", "the cut is gone, too"


def test_cut_sends_the_beginning() -> None:
    with bench() as it:
        it.run("cut 20")
        lines = it.run("associate")
        assert len(it.sent()) == 20
    assert lines[0] == "> 20 octets that do not complete a PDU of a known type"


def test_pdu_has_a_wrong_length_on_request() -> None:
    with bench() as it:
        it.run("pdu 04H 00*4 length=4294967295")
        assert it.sent() == b"\4\0\xff\xff\xff\xff\0\0\0\0"


def test_silence_is_reported() -> None:
    with bench() as it:
        assert it.run("echo")[-1] == "= nothing from the peer within 0.01 s"


def test_end_of_the_connection_is_reported() -> None:
    with bench() as it:
        it.run("associate", AC)
        it.sent()
        it.far.close()
        assert it.run("contexts")[0] == "= the peer closed the connection"
        assert it.lab.prompt == "closed> "


def test_end_of_the_connection_moves_both_states() -> None:
    with bench() as it:
        it.run("associate", AC)
        it.run("abort")
        it.sent()
        it.far.close()
        lines = it.run("state")
    assert lines[:3] == [
        "= the peer closed the connection",
        "= requestor (this side): Sta1, Idle",
        "= acceptor: Sta1, Idle",
    ]


@pytest.mark.parametrize("command", ["accept", "reply"])
def test_request_of_an_ended_connection_is_not_answered(command: str) -> None:
    with bench(is_requestor=False) as it:
        it.far.sendall(octets(RQ))
        it.run("connect")
        it.run("accept", CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification))
        it.run("close")
        with pytest.raises(Mistake, match=r"no A-ASSOCIATE-RQ has arrived|the peer has sent no request"):
            it.run(command)


def test_abort_of_the_peer_moves_the_state() -> None:
    with bench() as it:
        it.run("associate", AC)
        lines = it.run("echo", Abort(2, 2))
    assert any("Reason/Diag: 2 (unexpected-PDU)" in line for line in lines)
    assert lines[-1].startswith("= requestor Sta6: Evt16 A-ABORT PDU received: AA-3, then Sta1")


def test_impossible_pdu_is_reported() -> None:
    with bench() as it:
        lines = it.run("release", ReleaseRP())
    assert any("a blank cell of Table 9-10" in line for line in lines)


def test_expect_finds_words_of_one_line() -> None:
    with bench() as it:
        it.run("associate", AC)
        assert it.run("expect A-ASSOCIATE-AC accepted") == ["= as expected: A-ASSOCIATE-AC accepted"]


def test_expect_fails_with_the_lines_of_the_peer() -> None:
    with bench() as it:
        it.run("associate", AC)
        with pytest.raises(LabFailure, match="expected A-ASSOCIATE-RJ, but the peer sent: < 000000"):
            it.run("expect A-ASSOCIATE-RJ")


def test_brief_shows_one_line_for_a_pdu() -> None:
    with bench() as it:
        it.run("brief")
        it.run("associate", AC)
        lines = it.run("echo", CEchoRSP(MessageIDBeingRespondedTo=1, Status=0))
    assert [line[:2] for line in lines] == ["> ", "< "]


def test_hostile_text_is_escaped() -> None:
    with bench() as it:
        hostile = AssociateAC(
            called_ae_title="\x1b[2J",
            calling_ae_title="\r",
            presentation_contexts=AC.presentation_contexts,
        )
        assert all(line.isprintable() for line in it.run("associate", hostile))


def test_acceptor_answers_a_request() -> None:
    with bench(is_requestor=False) as it:
        it.far.sendall(octets(RQ))
        it.run("connect")
        it.sent()
        it.run("accept")
        (wire,) = PDUStream(0, 0).feed(it.sent())
    accepted = decode_pdu(bytes(wire))
    assert isinstance(accepted, AssociateAC)
    assert [one.result for one in accepted.presentation_contexts] == [ContextResult.ACCEPTANCE]


def test_acceptor_accepts_only_named_abstract_syntaxes() -> None:
    with bench(is_requestor=False) as it:
        it.far.sendall(octets(RQ))
        it.run("connect")
        it.sent()
        it.run("accept Printer")
        (wire,) = PDUStream(0, 0).feed(it.sent())
    accepted = decode_pdu(bytes(wire))
    assert isinstance(accepted, AssociateAC)
    assert [one.result for one in accepted.presentation_contexts] == [ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED]


@pytest.mark.parametrize("words", ["", " Verification"])
def test_accept_takes_the_first_transfer_syntax_of_each_context(words: str) -> None:
    proposed = ((ExplicitVRLittleEndian, ImplicitVRLittleEndian), (DeflatedExplicitVRLittleEndian,))
    contexts = tuple(PresentationContextRQ(2 * n + 1, Verification, syntaxes) for n, syntaxes in enumerate(proposed))
    with bench(is_requestor=False) as it:
        it.far.sendall(octets(replace(RQ, presentation_contexts=contexts)))
        it.run("connect")
        it.sent()
        it.run(f"accept{words}")
        (wire,) = PDUStream(0, 0).feed(it.sent())
    accepted = decode_pdu(bytes(wire))
    assert isinstance(accepted, AssociateAC)
    assert [one.transfer_syntax for one in accepted.presentation_contexts] == [syntaxes[0] for syntaxes in proposed]
    assert {one.result for one in accepted.presentation_contexts} == {ContextResult.ACCEPTANCE}


def test_acceptor_rejects_with_the_given_octets() -> None:
    with bench(is_requestor=False) as it:
        it.far.sendall(octets(RQ))
        it.run("connect")
        it.sent()
        it.run("reject 2 3 2")
        assert it.sent() == bytes.fromhex("0300 00000004 00 02 03 02")


class Watching:
    """A view that sees the side of each message."""

    def see(self, side: str, message: CompleteMessage) -> list[ViewEvent]:
        return [ViewEvent(name="seen", words=f"{side} {type(message.message).__name__}")]

    def sentence(self, tag: int) -> tuple[str, str]:  # noqa: ARG002
        return "", ""


def test_view_sees_the_messages() -> None:
    with bench(views=lambda: [Watching()]) as it:
        it.run("associate", AC)
        lines = it.run("echo", CEchoRSP(MessageIDBeingRespondedTo=1, Status=0))
    assert f"= seen: {ACCEPTOR} CEchoRSP" in lines


def test_help_shows_a_command_with_examples() -> None:
    with bench() as it:
        assert it.run("help patch")[-2:] == ["  > patch 6 0000", "  > associate"]


@pytest.mark.parametrize(
    "line",
    [
        "unknown",
        "send",
        "send N-NOTHING",
        "send C-ECHO-RQ word",
        "associate NoSuchClass",
        "accept",
        "reply",
        "wait never",
        "wait 1",
        "let x",
        "let x = Status",
        "close",
        "contexts",
        "abort 1 2 3",
        "reject 999",
        "pdu",
        "cut",
        "patch 1",
        "release now",
        "help nothing",
        "'",
    ],
)
def test_mistake_sends_nothing(line: str) -> None:
    with bench() as it:
        with pytest.raises(Mistake):
            it.run(line)
        assert it.sent() == b""


_WORDS = st.one_of(
    st.sampled_from(
        [
            *COMMANDS,
            "N-SET-RQ",
            "Rows=1",
            "on=9",
            "max=1",
            "00*9",
            "=",
            "new",
            "$x",
            "data=00",
            "file=/",
            "(0008,0018)=1.2",
        ]
    ),
    st.text(max_size=8).filter(lambda word: "@" not in word),
)


@given(st.lists(st.lists(_WORDS, min_size=1, max_size=4).map(" ".join), max_size=4), st.binary(max_size=40))
@example(["connect", "close", "associate"], b"")
def test_any_line_gives_lines_or_a_clear_error(lines: list[str], answer: bytes) -> None:
    with bench() as it:
        it.far.sendall(answer)
        for line in lines:
            with suppress(DimseError):
                assert all(shown.isprintable() for shown in it.lab.run(line))


def test_reply_answers_the_request_before_an_event() -> None:
    event = NEventReportRSP(MessageIDBeingRespondedTo=1, Status=0)
    with bench() as it:
        it.run("associate Printer", AC)
        it.far.sendall(octets(CEchoRQ(MessageID=7, AffectedSOPClassUID=Verification)))
        it.run("wait")
        name = "AffectedSOPClassUID=Printer AffectedSOPInstanceUID=PrinterInstance EventTypeID=1"
        it.run(f"send N-EVENT-REPORT-RQ {name}", event)
        it.sent()
        it.run("reply")
        assert it.sent_message() == CEchoRSP(MessageIDBeingRespondedTo=7, Status=0, AffectedSOPClassUID=Verification)


def test_ampersand_does_not_listen() -> None:
    with bench() as it:
        assert not any(line.startswith("<") for line in it.run("associate &", AC))
        assert any(line.startswith("< A-ASSOCIATE-AC") for line in it.run("wait"))


def test_endless_pdu_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_MAX_HELD", 1000)
    with bench() as it:
        it.run("associate", AC)
        it.far.sendall(b"\4\0\xff\xff\xff\xff" + bytes(1000))
        assert "= a PDU or message of the peer has more than 1000 bytes" in it.run("state")


def test_flood_ends_a_command() -> None:
    with bench() as it:
        it.run("associate", AC)
        it.far.sendall(octets(ReleaseRP()) * 5000)
        assert it.run("wait 0.001")[-1] == "= the peer is still sending; `wait` shows more"


def test_lines_for_expect_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_MAX_ANSWER_LINES", 3)
    with bench() as it:
        it.run("associate", AC, *[ReleaseRP()] * 3)
        with pytest.raises(LabFailure):
            it.run("expect A-ASSOCIATE-AC")


def test_let_alone_shows_the_names() -> None:
    with bench() as it:
        (line,) = it.run("let film = new")
        assert it.run("let") == [line]


def test_file_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    with bench() as it, pytest.raises(Mistake, match="No such file"):
        it.run(f"raw @{tmp_path / 'pdu.bin'}")


def test_lines_of_help_fit_a_terminal() -> None:
    assert max(map(len, manual(["send"]))) <= 106
