"""UL-P: P-DATA-TF and its PDVs, PS3.8 §9.3.5 and Annexes D.1 and E."""

from collections.abc import Sequence
from dataclasses import replace
from struct import pack

from ...data import Dataset
from ...message import CEchoRQ, NCreateRSP, NGetRQ, encode_command
from ...uids import BasicFilmBox, BasicFilmSession, ImplicitVRLittleEndian, Printer, PrinterInstance, Verification
from ...ul.forge import cut, forge_pdu, forge_pdv
from ..case import Case, CaseRun, Flags, Role, SubCase, Unprepared
from ..flags import JUDGED_MAXIMA
from ..observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    FAILURE,
    REJECT,
    RESPONSE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    WARNING,
    Aborted,
    Answered,
    Broken,
    Kept,
    Seen,
    succeeded,
)
from ..peer import ECHO, Peer
from ..print_session import LABEL, PrintSession, print_session
from ..verdict import Close, Level
from .material import TABLE_9_10, UNKNOWN_CLASS, echo_octets

__all__ = ["UL_P"]

P_DATA = 0x04
COMMAND, LAST = 1, 2  # bits of the message control header, PS3.8 Annex E.2
_FRAGMENTS = (2, 4, 6, 10, 14, 22, 38)  # octets of each fragment but the last
_FORMATS = tuple(rf"STANDARD\{columns},{rows}" for columns, rows in ((4, 5), (3, 4), (2, 3), (2, 2), (1, 2), (1, 1)))
_ERROR_COMMENT = 0x0902


def echo_command() -> bytes:
    """Return the Command Set of a C-ECHO-RQ."""
    return encode_command(CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification))


def in_pdus(*pdvs: tuple[int, int, bytes]) -> list[bytes]:
    """Return a P-DATA-TF for each PDV, given by context, control header and octets."""
    return [forge_pdu(P_DATA, forge_pdv(*pdv)) for pdv in pdvs]


def in_one_pdu(*pdvs: tuple[int, int, bytes]) -> list[bytes]:
    """Return one P-DATA-TF with these PDVs."""
    return [forge_pdu(P_DATA, b"".join(forge_pdv(*pdv) for pdv in pdvs))]


def sends(pdus: Sequence[bytes]) -> CaseRun:
    """Return the run that sends these PDUs on an association with context 1."""

    async def run(peer: Peer) -> Seen:
        wire = await peer.associate()
        for pdu in pdus:
            wire.send(pdu)
        return await wire.response()

    return run


def pieces(data: bytes, sizes: Sequence[int], *, kind: int = COMMAND) -> list[tuple[int, int, bytes]]:
    """Return the PDVs of a Command Set or a Data Set: fragments of these ``sizes``, then one with the rest.

    ``kind`` is bit 0 of their message control headers: COMMAND, or 0 for a Data Set.
    """
    parts = list(cut(data, sizes))
    return [(1, kind, part) for part in parts[:-1]] + [(1, kind | LAST, parts[-1])]


async def command_and_data(peer: Peer) -> Seen:
    async with print_session(peer) as session:
        data = session.encoded(Dataset(FilmSessionLabel=LABEL))
        request = session.creation(BasicFilmSession)
        command = encode_command(replace(request, Data=data))
        session.wire.send(in_one_pdu((1, COMMAND | LAST, command), (1, LAST, data))[0])
        return await session.wire.response()


async def data_set_in_fragments(peer: Peer) -> Seen:
    async with print_session(peer) as session:
        await session.prepare_session()
        whole = await _answer_in_one_piece(session)
        request = session.creation(BasicFilmBox)
        data = session.encoded(session.film_box())
        command = encode_command(replace(request, Data=data))
        for pdu in in_pdus((1, COMMAND | LAST, command), *pieces(data, _FRAGMENTS, kind=0)):
            session.wire.send(pdu)
        seen = await session.wire.response()
        if not isinstance(seen, Answered):
            return seen
        if seen.status == whole.status:
            return Kept(f"{seen}, as in one piece")
        return Broken(f"{seen}; in one piece {whole}")


async def _answer_in_one_piece(session: PrintSession) -> Answered:
    """Return the response to the N-CREATE of a film box, and delete the film box.

    The film box must go, because a peer that cannot print a whole film session may refuse a second film box before the
    first is printed (PS3.4 H.4.2.2.1.3). Raises `Unprepared` if the peer does not respond, or does not delete the film
    box.
    """
    with session.patiently():
        whole = await session.create_film_box()
    if not isinstance(whole, Answered):
        raise Unprepared(f"no response to the Data Set in one piece: {whole}")
    if succeeded(whole):
        await session.remove(BasicFilmBox, session.film_uid)
        session.film_uid = ""
    return whole


async def refused_context(peer: Peer) -> Seen:
    wire = await peer.associate({**ECHO, 3: (UNKNOWN_CLASS, (ImplicitVRLittleEndian,))})
    wire.send(echo_octets(3))
    return await wire.response()


async def interleaved(peer: Peer) -> Seen:
    async with print_session(peer) as session:
        request = session.creation(BasicFilmSession)
        session.wire.send(in_pdus((1, COMMAND | LAST, encode_command(replace(request, Data=b""))))[0])
        query = NGetRQ(
            MessageID=session.wire.next_message_id(),
            RequestedSOPClassUID=Printer,
            RequestedSOPInstanceUID=PrinterInstance,
        )
        session.say(query)
        seen = await session.wire.response()
        if isinstance(seen, Answered) and isinstance(seen.message, NCreateRSP) and seen.status == 0:
            return Broken("RSP(0000) to the N-CREATE, whose Data Set never came")
        return seen


async def too_long(peer: Peer) -> Seen:
    wire = await peer.associate()
    if wire.max_length not in JUDGED_MAXIMA:  # it was another one in the association that found the flags
        raise Unprepared(f"the peer's Maximum Length is now {wire.max_length}")
    octets = echo_command()[12:]  # without the element of the group length
    headers = 6 + 12 + 8  # of the PDV, the element of the group length, and the header of Error Comment
    comment = b"x" * (wire.max_length + 100 - len(octets) - headers)
    comment += b" " * (len(comment) % 2)
    octets += pack("<HHI", 0, _ERROR_COMMENT, len(comment)) + comment
    command = pack("<HHII", 0, 0, 4, len(octets)) + octets
    wire.send(in_pdus((1, COMMAND | LAST, command))[0])
    return await wire.response()


def keeps_to(limit: int) -> CaseRun:
    """Return the run that announces this Maximum Length, and asks for a film box with as many images as possible."""

    async def run(peer: Peer) -> Seen:
        wire, answer = await peer.ask(user_information=peer.user_information(limit))
        if wire.answer is None:
            return answer
        await wire.release(peer.target.preparation)
        await peer.dismiss()
        async with print_session(peer, max_length=limit) as session:
            seen = await session.create_session()
            for layout in _FORMATS:
                seen = await session.create_film_box(session.film_box(layout))
                if not isinstance(seen, Answered) or succeeded(seen):
                    break
            longest = session.wire.longest_p_data
            if longest > limit:
                return Broken(f"a P-DATA-TF of PDU-length {longest}; {limit} was announced")
            if not isinstance(seen, Answered):
                return seen
            if not session.film_uid:
                raise Unprepared(f"without a film box, no response is long: {seen}")
            return Kept(f"PDU-lengths up to {longest}")

    return run


_UNANSWERED = (ABORT, CLOSED, SILENCE)
_ECHO = echo_command()

UL_P: tuple[Case, ...] = (
    Case(
        id="UL-P-1.01",
        title="Command and data in one P-DATA-TF",
        section="PS3.8 E.1 (and note on one P-DATA request)",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=command_and_data,
        passes=(SUCCESS, WARNING),
        fails=_UNANSWERED,
    ),
    Case(
        id="UL-P-1.02",
        title="A command in two P-DATA-TF, cut within an element",
        section="PS3.8 E.1 note 2",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=sends(in_pdus(*pieces(_ECHO, (6,)))),
        passes=(SUCCESS,),
        fails=_UNANSWERED,
    ),
    Case(
        id="UL-P-1.03",
        title="A command in two PDVs of one P-DATA-TF",
        section="PS3.8 E.1 ('receivers must be able to receive and process such PDVs')",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=sends(in_one_pdu(*pieces(_ECHO, (6,)))),
        passes=(SUCCESS,),
        fails=_UNANSWERED,
    ),
    Case(
        id="UL-P-1.04",
        title="Fragments of two bytes",
        section="PS3.8 E.1",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=sends(in_pdus(*pieces(_ECHO, (2,) * (len(_ECHO) // 2 - 1)))),
        passes=(SUCCESS,),
        fails=_UNANSWERED,
    ),
    Case(
        id="UL-P-1.05",
        title="A data set cut within tags, lengths and values",
        section="PS3.8 E.1 note 2",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=data_set_in_fragments,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN, *_UNANSWERED),
    ),
    Case(
        id="UL-P-1.06",
        title="A fragment of an odd number of bytes",
        section="PS3.8 E.1 ('an even number of bytes')",
        level=Level.INFO,
        needs=Flags.ECHO,
        run=sends(in_pdus(*pieces(_ECHO, (7,)))),
        passes=(SUCCESS, ABORT),
        nonstrict=(CLOSED,),
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="UL-P-1.07",
        title="An empty last fragment",
        section="PS3.8 E.1 last note ('it is recommended that receivers be able')",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=sends(in_pdus((1, COMMAND, _ECHO), (1, COMMAND | LAST, b""))),
        passes=(SUCCESS,),
        nonstrict=(ABORT, CLOSED),
        fails=(SILENCE,),
        close=Close.EITHER,
    ),
    Case(
        id="UL-P-1.08",
        title="Bits 2-7 of the message control header are not checked",
        section="PS3.8 E.2 ('never checked by the receiver')",
        level=Level.MUST,
        needs=Flags.ECHO,
        run=sends(in_pdus((1, 0xFF, _ECHO))),
        passes=(SUCCESS,),
        fails=_UNANSWERED,
    ),
    Case(
        id="UL-P-1.09",
        title="A PDV for a context that was never proposed, or was refused",
        section="PS3.8 E.1, §7.1.1.14",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=sends([echo_octets(5)]),
        passes=(ABORT,),
        nonstrict=(CLOSED,),
        fails=(SUCCESS, SILENCE),
        subcases=(SubCase(name="a refused context", run=refused_context),),
        close=Close.ABORT,
    ),
    Case(
        id="UL-P-1.10",
        title="Interleaved messages",
        section="PS3.8 E.1 ('interleaving ... is not permitted')",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=interleaved,
        passes=(ABORT,),
        nonstrict=(CLOSED, FAILURE, SUCCESS),
        fails=(RULE_BROKEN, SILENCE),
        close=Close.ABORT,
    ),
    Case(
        id="UL-P-1.11",
        title="Data before a command",
        section="PS3.7 §6.3 (command set, then data set)",
        level=Level.SHOULD,
        needs=Flags.ECHO,
        run=sends(in_pdus((1, LAST, bytes(8)))),
        passes=(ABORT,),
        nonstrict=(CLOSED,),
        fails=(SILENCE, RESPONSE),
        close=Close.ABORT,
    ),
    Case(
        id="UL-P-1.12",
        title="Impossible PDV item lengths",
        section=f"PS3.8 §9.3.5.1 Table 9-23; {TABLE_9_10.removeprefix('PS3.8 §9.2.3 ')} Evt19 x Sta6 (AA-8)",
        level=Level.MUST,
        run=sends([forge_pdu(P_DATA, forge_pdv(1, COMMAND | LAST, bytes(16), length=0))]),
        passes=(Aborted(2),),
        nonstrict=(Aborted(0), CLOSED),
        fails=(SILENCE, RESPONSE),
        subcases=(
            SubCase(name="1", run=sends([forge_pdu(P_DATA, forge_pdv(1, COMMAND | LAST, bytes(16), length=1))])),
            SubCase(
                name="500 of 22", run=sends([forge_pdu(P_DATA, forge_pdv(1, COMMAND | LAST, bytes(16), length=500))])
            ),
        ),
        close=Close.ABORT,
        risky=True,
    ),
    Case(
        id="UL-P-1.13",
        title="P-DATA-TF without a PDV",
        section="PS3.8 §9.3.5 ('one or more')",
        level=Level.SHOULD,
        run=sends([forge_pdu(P_DATA, b""), echo_octets()]),
        passes=(ABORT,),
        nonstrict=(SUCCESS, CLOSED),
        fails=(SILENCE,),
        close=Close.ABORT,
    ),
    Case(
        id="UL-P-1.14",
        title="A P-DATA-TF longer than the peer's Maximum Length",
        section="PS3.8 D.1.2 ('Otherwise, it shall be a protocol error')",
        level=Level.MUST,
        needs=Flags.ECHO | Flags.MAX_LENGTH,
        run=too_long,
        passes=(ABORT,),
        nonstrict=(CLOSED, RESPONSE),
        fails=(SILENCE,),
        close=Close.ABORT,
    ),
    Case(
        id="UL-P-2.01",
        title="The peer keeps to our Maximum Length of 4096",
        section="PS3.8 D.1.1",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=keeps_to(4096),
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN, SILENCE),
    ),
    Case(
        id="UL-P-2.02",
        title="The peer keeps to our Maximum Length of 256, and of 64",
        section="PS3.8 D.1.1",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=keeps_to(256),
        passes=(RULE_KEPT,),
        nonstrict=(REJECT, ABORT),
        fails=(RULE_BROKEN, SILENCE),
        subcases=(SubCase(name="64", run=keeps_to(64)),),
    ),
    Case(
        id="UL-P-2.03",
        title="The PDVs of the peer keep the rules",
        section="PS3.8 E.1, E.2, Table 9-23",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
)
