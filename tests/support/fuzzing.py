"""Damaged recordings, and the two ends of an association, which must survive them.

`feed` gives bytes to one end, with a polite user and a print service above it. It raises if the core leaves Table 9-10,
writes bytes that are not a PDU, or raises a foreign error. The caller keeps the bytes.
"""

import random
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from pair import EXAMPLE, IMPLICIT_LE, VERIFICATION

from dimse.data import Dataset, Element, TransferSyntax, decode, encode, expected_length, syntax_of
from dimse.errors import DecodeError, DimseError, RemoteProtocolError
from dimse.message import Assembler, Message, Request, status_class
from dimse.uids import BasicGrayscalePrintManagementMeta
from dimse.ul import (
    PDU,
    TABLE_9_10,
    Abort,
    AssociateAC,
    AssociateRQ,
    AsynchronousOperationsWindow,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PDataTF,
    PDUStream,
    PresentationContextAC,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    RoleSelection,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    State,
    UnknownItem,
    UpperLayer,
    UserIdentityAC,
    UserIdentityRQ,
    accepted,
    answer,
    decode_pdu,
    encode_pdu,
)
from dimse.ul.provider import Observed, Transition
from print_mgmt.service import PrintService

CAPTURES = Path(__file__).parents[1] / "vectors" / "captures"

# All items of PS3.8 Annex D and PS3.7 Annex D.3.3, 10H to 59H, and an unknown one: no recording has them all.
EVERY_ITEM_RQ = AssociateRQ(
    called_ae_title="PRINTSCP",
    calling_ae_title="PRINTSCU",
    presentation_contexts=tuple(PresentationContextRQ(number, VERIFICATION, (IMPLICIT_LE,) * 3) for number in (1, 3)),
    user_information=(
        MaximumLength(16384),
        ImplementationClassUID("1.2.3"),
        AsynchronousOperationsWindow(2, 2),
        RoleSelection("1.2.4", True, True),
        ImplementationVersionName("VERSION"),
        SOPClassExtendedNegotiation("1.2.5", b"\1\2"),
        SOPClassCommonExtendedNegotiation("1.2.6", "1.2.7", ("1.2.8", "1.2.9")),
        UserIdentityRQ(2, True, b"user", b"passcode"),
        UnknownItem(0x7F, b"?"),
    ),
    unknown_items=(UnknownItem(0x60, b"?"),),
)
EVERY_ITEM_AC = AssociateAC(
    called_ae_title="PRINTSCP",
    calling_ae_title="PRINTSCU",
    presentation_contexts=(PresentationContextAC(1, 0, IMPLICIT_LE), PresentationContextAC(3, 3, IMPLICIT_LE)),
    user_information=(*EVERY_ITEM_RQ.user_information[:6], UserIdentityAC(b"ticket"), UnknownItem(0x7F, b"?")),
)


@cache
def recordings(direction: str) -> dict[str, bytes]:
    """Return the bytes of requestors ("c2s") or acceptors ("s2c") by the name of the recording."""
    made = EVERY_ITEM_RQ if direction == "c2s" else EVERY_ITEM_AC
    wires = {"every-item": b"".join(b"".join(encode_pdu(pdu)) for pdu in (made, EXAMPLE[PDataTF], ReleaseRQ()))}
    for path in sorted(CAPTURES.glob(f"*.{direction}.bin")):
        wires[path.name.partition(".")[0]] = path.read_bytes()
    return wires


# --- damage ---


def every_byte(wire: bytes) -> Iterator[bytes]:
    """Yield ``wire`` with each byte flipped, removed or repeated, and cut off at each byte."""
    for at, octet in enumerate(wire):
        for changed in (octet ^ 0xFF, octet ^ 0x01, octet ^ 0x80):
            yield wire[:at] + bytes([changed]) + wire[at + 1 :]
        yield wire[:at] + wire[at + 1 :]
        yield wire[: at + 1] + wire[at:]
        yield wire[:at]


def damaged(wire: bytes, chance: random.Random) -> bytes:
    """Return ``wire`` with a few random faults."""
    hurt = bytearray(wire)
    for _ in range(chance.randint(1, 4)):
        at = _somewhere(hurt, chance)
        match chance.randrange(7):
            case 0:
                hurt[at : at + 1] = bytes([chance.randrange(256)])
            case 1 if hurt:
                hurt[at] ^= 1 << chance.randrange(8)
            case 2:
                del hurt[at : at + chance.choice((1, 2, 4, 20, 1000))]
            case 3:
                hurt[at:at] = hurt[at : at + chance.choice((1, 2, 12, 200))]
            case 4:
                length = chance.choice((2, 4))
                hurt[at : at + length] = chance.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * length
            case 5:
                hurt[at:at] = b"".join(encode_pdu(chance.choice(list(EXAMPLE.values()))))
            case _:
                del hurt[at:]
    return bytes(hurt)


def _somewhere(wire: bytearray, chance: random.Random) -> int:
    """Return a random place, more often in the structure near the beginning than in the pixels."""
    end = max(len(wire) - 1, 0)
    return chance.randint(0, min(end, chance.choice((10, 100, 1000, end))))


# --- the ends of an association ---


def feed(wire: bytes, request: AssociateRQ | None, chance: random.Random) -> None:
    """Feed ``wire`` in pieces to one end of an association; a requestor sends ``request`` first."""
    core = UpperLayer.acceptor() if request is None else UpperLayer.requestor()
    user = _User(core)
    if request is not None:
        core.send(request)
    core.transport_connected()
    at = 0
    while at < len(wire) and core.transport_wanted:
        length = chance.choice((1, 6, 74, 1000, 1 << 20))
        core.receive_data(wire[at : at + length])
        user.answer()
        at += length
        if core.state is State.Sta6 and chance.random() < 0.05:
            core.send(chance.choice((ReleaseRQ(), Abort())))
    assert (core.artim is not None) == (core.state in (State.Sta2, State.Sta13)), f"ARTIM in {core.state}"
    core.artim_expired()
    core.transport_closed()
    user.answer()
    assert core.state is State.Sta1, f"{core.state} at the end"
    for whole in PDUStream().feed(b"".join(user.written)):
        decode_pdu(whole)


class _User:
    """A user that accepts requests, reads messages, answers a release, and checks each step of the table."""

    def __init__(self, core: UpperLayer) -> None:
        self.written: list[bytes] = []
        self._core = core
        self._request: AssociateRQ | None = None
        self._syntaxes: dict[int, TransferSyntax] = {}
        self._assembler = Assembler(lambda number, first: expected_length(first, self._syntaxes[number]))
        self._service = PrintService()
        core.observe = self._watch

    def answer(self) -> None:
        """Respond to the events of the core."""
        for event in self._core.events():
            self._answer(event)
        self.written += map(bytes, self._core.data_to_send())

    def _answer(self, event: PDU) -> None:
        match event:
            case AssociateRQ() if self._core.state is State.Sta3:
                supported = {
                    context.abstract_syntax: context.transfer_syntaxes for context in event.presentation_contexts
                }
                contexts = answer(event.presentation_contexts, supported)
                reply = AssociateAC(
                    called_ae_title=event.called_ae_title,
                    calling_ae_title=event.calling_ae_title,
                    presentation_contexts=contexts,
                    user_information=(MaximumLength(1 << 17),),
                )
                self._core.send(reply)
                self._agree(event, reply)
            case AssociateAC() if self._request is not None:
                self._agree(self._request, event)
            case PDataTF() if self._core.state is State.Sta6:
                self._read(event)
            case ReleaseRQ() if self._core.state in (State.Sta8, State.Sta9):
                self._core.send(ReleaseRP())
            case ReleaseRP() if self._core.state is State.Sta12:
                self._core.send(ReleaseRP())

    def _agree(self, request: AssociateRQ, reply: AssociateAC) -> None:
        for number, context in accepted(request.presentation_contexts, reply.presentation_contexts).items():
            with suppress(DecodeError):  # a request that a polite user would not have accepted
                self._syntaxes[number] = syntax_of(context.transfer_syntax)

    def _read(self, event: PDataTF) -> None:
        try:
            for pdv in event.pdvs:
                if pdv.context_id not in self._syntaxes:
                    raise RemoteProtocolError("a context that was not accepted")
                completed = self._assembler.add(pdv)
                if completed is not None:
                    self._take(*completed)
        except DimseError:
            if self._core.state is State.Sta6:
                self._core.send(Abort())

    def _take(self, number: int, message: Message) -> None:
        """Read a message to its last value; the print service answers a request."""
        dataset = None
        if isinstance(message.Data, bytes | memoryview):
            dataset = decode(message.Data, self._syntaxes[number])
            _touch(dataset)
        if isinstance(message, Request):
            answer = self._service.handle(BasicGrayscalePrintManagementMeta, message, dataset)
            status_class(answer.Status)
            if answer.dataset is not None:
                encode(answer.dataset, self._syntaxes[number])

    def _watch(self, direction: str, what: Observed) -> None:
        if isinstance(what, AssociateRQ) and direction == ">":
            self._request = what
        if not isinstance(what, Transition):
            return
        action = TABLE_9_10[what.before, what.event]
        assert what.action == action.name, what
        assert what.after in (action.next, action.otherwise and action.otherwise.next), what


def _touch(dataset: Dataset) -> None:
    """Read all values."""
    for element in dataset:
        _touch_element(element)


def _touch_element(element: Element) -> None:
    try:
        value = element.value
    except DecodeError:
        return
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Dataset):
            _touch(item)


def request_of(name: str) -> AssociateRQ:
    """Return the A-ASSOCIATE-RQ of a recording, or one with all items if the recording begins without one."""
    first = decode_pdu(next(PDUStream().feed(recordings("c2s")[name])))
    return first if isinstance(first, AssociateRQ) else EVERY_ITEM_RQ
