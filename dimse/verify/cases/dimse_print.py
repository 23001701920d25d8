"""DIMSE: the answers of a peer to invalid requests about instances of Print Management (PS3.7 §10.1)."""

from dataclasses import replace
from struct import pack

from ...data import Dataset
from ...message import (
    CStoreRQ,
    NActionRQ,
    NDeleteRQ,
    NGetRQ,
    NSetRQ,
    Request,
    encode_command,
    fragment,
)
from ...uids import BasicFilmBox, BasicFilmSession, Printer, PrinterInstance, StoredPrintStorage
from ...ul.forge import forge_pdu, forge_pdv
from ..case import Case, CaseRun, Flags, SubCase
from ..observation import (
    ABORT,
    CLOSED,
    FAILURE,
    RESPONSE,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Observation,
    Seen,
    Silent,
    Then,
)
from ..peer import Peer
from ..print_session import CONTEXT_ID, LABEL, SLOW_FACTOR, PrintSession, print_session
from ..verdict import Close, Level
from .material import UNKNOWN_CLASS, command_pdu, octets_of

__all__ = ["DIMSE_PRINT"]

P_DATA, LAST = 0x04, 2
_UNKNOWN_PRINTER = "1.2.840.10008.5.1.1.17.9"
_DATA_SET_PRESENT = pack("<HHIH", 0, 0x0800, 2, 1)  # the Command Data Set Type that this side writes
_WAIT = 2.0  # seconds without a response before the rest of the Data Set is sent


def data_set_type(value: int) -> CaseRun:
    """Return the run that sends an N-CREATE-RQ with this Command Data Set Type."""

    async def run(peer: Peer) -> Seen:
        async with print_session(peer) as session:
            await session.prepare_session()
            await session.remove(BasicFilmSession, session.session_uid)
            session.session_uid = ""
            data = session.encoded(Dataset(FilmSessionLabel=LABEL, NumberOfCopies=1))
            command = encode_command(replace(session.creation(BasicFilmSession), Data=data))
            command = command.replace(_DATA_SET_PRESENT, _DATA_SET_PRESENT[:-2] + pack("<H", value))
            session.wire.send(command_pdu(command))
            session.wire.send(forge_pdu(P_DATA, forge_pdv(CONTEXT_ID, LAST, data)))
            return await session.wire.response()

    return run


def asked(request: Request, data: Dataset | None = None) -> CaseRun:
    """Return the run that sends a request and creates no instance before it."""

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


def invalid_uid(uid: str) -> CaseRun:
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
        early, last = _image_pdus(session)
        for pdu in early:
            session.wire.send(pdu)
        seen = await session.wire.response(min(_WAIT, session.wire.timeout))
        session.wire.send(last)  # also after an early response, because further requests may follow
        if not isinstance(seen, Silent):
            return (seen,)
        return (seen, await session.wire.response(session.wire.timeout * SLOW_FACTOR))


def _image_pdus(session: PrintSession) -> tuple[list[bytes], bytes]:
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
_OTHER_REFUSAL = (FAILURE, ABORT, CLOSED)
_NOT_SUPPORTED = Answered(frozenset({0x0211, 0x0122, 0x0110}))
_DELETE_PRINTER = NDeleteRQ(MessageID=1, RequestedSOPClassUID=Printer, RequestedSOPInstanceUID=PrinterInstance)

DIMSE_PRINT: tuple[Case, ...] = (
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
        run=asked(_DELETE_PRINTER),
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
        run=asked(NGetRQ(MessageID=1, RequestedSOPClassUID=UNKNOWN_CLASS, RequestedSOPInstanceUID=PrinterInstance)),
        passes=(Answered(0x0118),),
        nonstrict=_OTHER_REFUSAL,
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
        nonstrict=_OTHER_REFUSAL,
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
        nonstrict=_OTHER_REFUSAL,
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
        waits=True,
    ),
)
