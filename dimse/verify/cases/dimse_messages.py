"""DIMSE: PS3.7 Command Sets and statuses, and the answers of a peer to wrong requests."""

from collections.abc import Mapping
from dataclasses import replace
from struct import pack, unpack_from

from ...data import Dataset
from ...message import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CStoreRQ,
    NActionRQ,
    NDeleteRQ,
    NGetRQ,
    NSetRQ,
    Request,
    encode_command,
    fragment,
)
from ...uids import BasicFilmBox, BasicFilmSession, Printer, PrinterInstance, StoredPrintStorage, Verification
from ...ul.forge import forge_pdu, forge_pdv
from ..case import Case, Flags, Role, Run, SubCase
from ..observation import (
    ABORT,
    BENT,
    BROKEN,
    CLOSED,
    FAILURE,
    KEPT,
    RESPONSE,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Bent,
    Broken,
    Garbled,
    Observation,
    Seen,
    Silent,
    Then,
    matches,
)
from ..peer import Peer
from ..print_session import CONTEXT_ID, LABEL, PrintSession, print_session
from ..verdict import Close, Level
from .material import octets_of

__all__ = ["DIMSE", "command_octets"]

P_DATA, COMMAND, LAST = 0x04, 1, 2
_CLASS, _FIELD, _ID, _DATA_SET_TYPE, _STATUS = 0x0002, 0x0100, 0x0110, 0x0800, 0x0900
_NO_DATA_SET = pack("<H", 0x0101)
_UNKNOWN_CLASS, _UNKNOWN_PRINTER = "1.2.3.4", "1.2.840.10008.5.1.1.17.9"
_COMMAND_START = 12  # octets of a P-DATA-TF before the Command Set
_DATA_SET_PRESENT = pack("<HHIH", 0, _DATA_SET_TYPE, 2, 1)
_WAIT = 2.0  # seconds without a response before the rest of the Data Set is sent


def command_octets(elements: Mapping[int, bytes]) -> bytes:
    """Return the Command Set with these elements of group 0000, preceded by the group length."""
    listed = sorted(elements.items())
    body = b"".join(pack("<HHI", 0, element, len(value)) + value for element, value in listed)
    return pack("<HHII", 0, 0, 4, len(body)) + body


def echo_elements(**changes: bytes | None) -> dict[int, bytes]:
    """Return the elements of a C-ECHO-RQ; ``changes`` replace some by name, and None leaves one out."""
    uid = Verification.encode()
    found = {
        "sop_class": uid + b"\0" * (len(uid) % 2),
        "field": pack("<H", 0x0030),
        "message_id": pack("<H", 1),
        "data_set": _NO_DATA_SET,
    } | changes
    tags = {"sop_class": _CLASS, "field": _FIELD, "message_id": _ID, "data_set": _DATA_SET_TYPE}
    return {tags[name]: value for name, value in found.items() if value is not None}


def in_pdu(command: bytes) -> bytes:
    """Return a Command Set in one P-DATA-TF on context 1."""
    return forge_pdu(P_DATA, forge_pdv(1, COMMAND | LAST, command))


def echoes(*message_ids: int) -> Run:
    """Return the run that sends C-ECHO requests with these Message IDs, one after another."""

    async def run(peer: Peer) -> Seen:
        wire = await peer.associate()
        seen: Seen = Silent()
        for message_id in message_ids:
            seen = await peer.echo(wire, 1, message_id)
            if not isinstance(seen, Answered):
                return seen
            if not isinstance(seen.message, CEchoRSP):
                return Broken(f"{type(seen.message).__name__} to a C-ECHO-RQ")
            if seen.message.MessageIDBeingRespondedTo != message_id:
                return Broken(f"Message ID Being Responded To is {seen.message.MessageIDBeingRespondedTo}")
            if seen.message.Data is not None:
                return Broken("a data set in a C-ECHO-RSP")
        return seen

    return run


async def retired_elements(peer: Peer) -> Seen:
    wire = await peer.associate()
    retired = {0x0001: pack("<I", 0), 0x0010: b"DICOM 3 "}
    wire.send(in_pdu(command_octets(echo_elements() | retired)))
    return await wire.response()


async def unknown_command_field(peer: Peer) -> Seen:
    wire = await peer.associate()
    wire.send(in_pdu(command_octets(echo_elements(field=pack("<H", 0x0200)))))
    seen = await wire.response()
    if isinstance(seen, Garbled):  # the response may repeat the unknown Command Field; only its status is judged
        status = _status_in(wire.last_pdu[_COMMAND_START:])
        return seen if status is None else Answered(status)
    return seen


def _status_in(command: bytes) -> int | None:
    at = 0
    while at + 10 <= len(command):
        _, element, length = unpack_from("<HHI", command, at)
        if element == _STATUS and length == 2:
            return int.from_bytes(command[at + 8 : at + 10], "little")
        at += 8 + int(length)
    return None


async def cancel_of_nothing(peer: Peer) -> Seen:
    wire = await peer.associate()
    wire.say(CCancelRQ(MessageIDBeingRespondedTo=7))
    seen = await peer.echo(wire, 1, 8)
    responded = getattr(seen.message, "MessageIDBeingRespondedTo", 8) if isinstance(seen, Answered) else 8
    return Broken(f"a response to Message ID {responded}") if responded != 8 else seen


async def echo_of_another_class(peer: Peer) -> Seen:
    wire = await peer.associate()
    wire.say(CEchoRQ(MessageID=1, AffectedSOPClassUID=_UNKNOWN_CLASS))
    return await wire.response()


def echo_without(name: str) -> Run:
    """Return the run that sends a C-ECHO-RQ without this element."""

    async def run(peer: Peer) -> Seen:
        wire = await peer.associate()
        wire.send(in_pdu(command_octets(echo_elements(**{name: None}))))
        seen = await wire.response()
        if isinstance(seen, Silent) and matches(SUCCESS, (await peer.echo(wire, 1, 9),)):
            return Bent("ignored; a C-ECHO that follows is answered")
        return seen

    return run


def data_set_type(value: int) -> Run:
    """Return the run that sends an N-CREATE-RQ with this Command Data Set Type."""

    async def run(peer: Peer) -> Seen:
        async with print_session(peer) as session:
            await session.prepare_session()
            await session.delete(BasicFilmSession, session.session_uid)
            session.session_uid = ""
            data = session.encoded(Dataset(FilmSessionLabel=LABEL, NumberOfCopies=1))
            command = encode_command(replace(session.creation(BasicFilmSession), Data=data))
            command = command.replace(_DATA_SET_PRESENT, _DATA_SET_PRESENT[:-2] + pack("<H", value))
            session.wire.send(in_pdu(command))
            session.wire.send(forge_pdu(P_DATA, forge_pdv(CONTEXT_ID, LAST, data)))
            return await session.wire.response()

    return run


def asked(request: Request, data: Dataset | None = None) -> Run:
    """Return the run that sends a request without creating any instance before."""

    async def run(peer: Peer) -> Seen:
        async with print_session(peer) as session:
            return await session.ask(request, data)

    return run


_NEVER_MADE = "2.25.11223344556677889900"
_UNKNOWN_INSTANCES: tuple[tuple[str, Request, Dataset | None], ...] = (
    (
        "N-SET of a film box that was never made",
        NSetRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=_NEVER_MADE),
        Dataset(MaxDensity=300),
    ),
    (
        "N-ACTION",
        NActionRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=_NEVER_MADE, ActionTypeID=1),
        None,
    ),
    (
        "N-DELETE",
        NDeleteRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=_NEVER_MADE),
        None,
    ),
)


async def instance_of_another_class(peer: Peer) -> Seen:
    async with print_session(peer) as session:
        await session.prepare_film_box()
        request = NSetRQ(
            MessageID=session.wire.next_message_id(),
            RequestedSOPClassUID=BasicFilmBox,
            RequestedSOPInstanceUID=session.image_uids[0],
        )
        return await session.ask(request, Dataset(MaxDensity=300))


def invalid_uid(uid: str) -> Run:
    """Return the run that sends an N-CREATE-RQ with this instance UID."""

    async def run(peer: Peer) -> Seen:
        async with print_session(peer) as session:
            return await session.create_session(uid=uid)

    return run


async def uid_twice(peer: Peer) -> Seen:
    async with print_session(peer) as session:
        await session.prepare_film_box()
        return await session.create_film_box(uid=session.film_uid)


async def unfinished_data_set(peer: Peer) -> Observation:
    async with print_session(peer) as session:
        await session.prepare_film_box()
        early, last = _set_image(session)
        for pdu in early:
            session.wire.send(pdu)
        seen = await session.wire.response(min(_WAIT, session.wire.timeout))
        if not isinstance(seen, Silent):
            return (seen,)
        session.wire.send(last)
        return (seen, await session.wire.response(session.wire.timeout * 10))


def _set_image(session: PrintSession) -> tuple[list[bytes], bytes]:
    """Return the PDUs of an N-SET of an image box: all but the last, and the last one."""
    request = NSetRQ(
        MessageID=session.wire.next_message_id(),
        RequestedSOPClassUID=session.image_class,
        RequestedSOPInstanceUID=session.image_uids[0],
    )
    data = session.encoded(session.image_box())
    pdus = fragment(CONTEXT_ID, encode_command(replace(request, Data=data)), data, 512)
    octets = [octets_of(pdu) for pdu in pdus]
    return octets[:-1], octets[-1]


_NO_ANSWER = (ABORT, CLOSED, SILENCE)
_MILD = (FAILURE, ABORT, CLOSED)
_NOT_SUPPORTED = Answered(frozenset({0x0211, 0x0122, 0x0110}))
_OF_PRINTER = NDeleteRQ(MessageID=1, RequestedSOPClassUID=Printer, RequestedSOPInstanceUID=PrinterInstance)

_ECHO_CASES = (
    Case(
        id="DIMSE-1.01",
        title="C-ECHO",
        section="PS3.7 §9.1.5, §9.3.5; PS3.4 A.3",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=echoes(5),
        passes=(SUCCESS,),
        fails=(BROKEN, RESPONSE, SILENCE),
        subcases=(
            SubCase(name="65535", run=echoes(65535)),
            SubCase(name="0", run=echoes(0)),
            SubCase(name="5 again after its answer", run=echoes(5, 5)),
        ),
    ),
    Case(
        id="DIMSE-1.02",
        title="Command sets of the peer are well formed",
        section="PS3.7 §6.3.1, §9.3, §10.3, Annex E",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(KEPT,),
        nonstrict=(BENT,),
        fails=(BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="DIMSE-1.03",
        title="UIDs in responses equal those of the request",
        section="PS3.7 §9.1.5.1.3, §10.1.1.1.3-4, §10.1.2.1.6-7, §10.1.3.1.7-8, §10.1.4.1.7-8, §10.1.5.1.3, "
        "§10.1.6.1.5-6",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(KEPT,),
        nonstrict=(BENT,),
        fails=(BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="DIMSE-1.04",
        title="Status values belong to a class",
        section="PS3.7 Annex C ('shall not use Status Codes with values not listed')",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(KEPT,),
        fails=(BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="DIMSE-1.05",
        title="Retired command elements",
        section="PS3.7 §6.3.1 note 1, E.2",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=retired_elements,
        passes=(SUCCESS,),
        nonstrict=_MILD,
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.06",
        title="A Command Field that does not exist",
        section="PS3.7 §9.1.5.1.4 e (0211), Annex E",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=unknown_command_field,
        passes=(ABORT, Answered(0x0211)),
        nonstrict=(CLOSED,),
        fails=(SILENCE, SUCCESS),
        close=Close.ABORT,
    ),
    Case(
        id="DIMSE-1.07",
        title="C-CANCEL with nothing to cancel",
        section="PS3.7 §9.3.2.3 (no response)",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=cancel_of_nothing,
        passes=(SUCCESS,),
        nonstrict=(ABORT, CLOSED),
        fails=(BROKEN, SILENCE),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.08",
        title="C-ECHO for another class than Verification",
        section="PS3.7 §9.1.5.1.4 b, e",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=echo_of_another_class,
        passes=(Answered(0x0122), Answered(0x0211), ABORT),
        nonstrict=(SUCCESS, FAILURE, CLOSED),
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.09",
        title="A mandatory command element is missing",
        section="PS3.7 §9.3.5, §9.1.5.1.4 d (0212)",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=echo_without("sop_class"),
        passes=(Answered(0x0212), ABORT),
        nonstrict=(RESPONSE, CLOSED, BENT),
        fails=(SILENCE,),
        subcases=(SubCase(name="without Message ID", run=echo_without("message_id")),),
        close=Close.EITHER,
    ),
)

_PRINT_CASES = (
    Case(
        id="DIMSE-1.10",
        title="Any Command Data Set Type but 0101H announces a data set",
        section="PS3.7 §10.3 ('any other value indicates')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=data_set_type(0x0102),
        passes=(SUCCESS, WARNING),
        fails=(*_NO_ANSWER, FAILURE),
        subcases=(
            SubCase(name="0000H", run=data_set_type(0x0000)),
            SubCase(name="FFFFH", run=data_set_type(0xFFFF)),
        ),
    ),
    Case(
        id="DIMSE-1.11",
        title="A service that the class does not have",
        section="PS3.7 §10.1.2.1.9 (0211), PS3.4 H.4.6.2",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=asked(_OF_PRINTER),
        passes=(_NOT_SUPPORTED, ABORT),
        nonstrict=(FAILURE, CLOSED),
        fails=(SUCCESS, SILENCE),
        subcases=(
            SubCase(
                name="C-STORE on the Meta context",
                run=asked(
                    CStoreRQ(MessageID=1, AffectedSOPClassUID=StoredPrintStorage, AffectedSOPInstanceUID=_NEVER_MADE),
                    Dataset(SOPInstanceUID=_NEVER_MADE),
                ),
            ),
        ),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.12",
        title="An unknown SOP Class in an N-service",
        section="PS3.7 §10.1.2.1.9 (0118)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=asked(NGetRQ(MessageID=1, RequestedSOPClassUID=_UNKNOWN_CLASS, RequestedSOPInstanceUID=PrinterInstance)),
        passes=(Answered(0x0118),),
        nonstrict=_MILD,
        fails=(SUCCESS, SILENCE),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.13",
        title="An unknown instance",
        section="PS3.7 §10.1.2.1.9, §10.1.3.1.9, §10.1.4.1.10, §10.1.6.1.7 (0112)",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=asked(NGetRQ(MessageID=1, RequestedSOPClassUID=Printer, RequestedSOPInstanceUID=_UNKNOWN_PRINTER)),
        passes=(Answered(0x0112),),
        nonstrict=_MILD,
        fails=(SUCCESS, WARNING, SILENCE),
        subcases=tuple(SubCase(name=name, run=asked(request, data)) for name, request, data in _UNKNOWN_INSTANCES),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.14",
        title="An instance of another class",
        section="PS3.7 §10.1.3.1.9 (0119)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=instance_of_another_class,
        passes=(Answered(0x0119), Answered(0x0112)),
        nonstrict=_MILD,
        fails=(SUCCESS, WARNING, SILENCE),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.15",
        title="An invalid UID is proposed for a new instance",
        section="PS3.7 §10.1.5.1.6 (0117); PS3.5 §9.1",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=invalid_uid("abc.1..2"),
        passes=(Answered(0x0117),),
        nonstrict=(FAILURE, ABORT, SUCCESS),
        fails=(SILENCE,),
        subcases=(SubCase(name="72 characters", run=invalid_uid("1.2." + "3" * 68)),),
        close=Close.EITHER,
    ),
    Case(
        id="DIMSE-1.16",
        title="A UID that is in use is proposed again",
        section="PS3.7 §10.1.5.1.6 (0111)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=uid_twice,
        passes=(Answered(0x0111),),
        nonstrict=(FAILURE,),
        fails=(SUCCESS, WARNING, SILENCE),
    ),
    Case(
        id="DIMSE-1.17",
        title="No success before the data set is complete",
        section="PS3.7 §10.1.3.2 ('shall not be returned until the entire N-SET indication has been received')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=unfinished_data_set,
        passes=(Then(SILENCE, RESPONSE), FAILURE),
        fails=(SUCCESS, WARNING),
    ),
)

DIMSE: tuple[Case, ...] = (*_ECHO_CASES, *_PRINT_CASES)
