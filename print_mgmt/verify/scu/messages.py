"""UL-P-3, DIMSE-2, ENC-2, CHS-2, ROB-2 and PERF-2: the messages, statuses, Data Sets and pace of a print SCU."""

from contextlib import suppress
from statistics import median
from struct import pack

from dimse.data import Dataset, encode, syntax_of, tag_of
from dimse.errors import DimseError
from dimse.message import NCreateRQ, NDeleteRSP, NSetRQ, NSetRSP, decode_command
from dimse.uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, name_or_uid
from dimse.ul import PDV, PDataTF, decode_pdu
from dimse.verify import Case, Close, Flags, Level, SubCase, Unprepared, Verdict
from dimse.verify.case import CaseRun
from dimse.verify.message_rules import data_findings
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    Broken,
    Deviated,
    Garbled,
    Kept,
    Observation,
    Seen,
)
from dimse.verify.scu import Exchange, Reaction, ScuPeer, Visit
from dimse.verify.scu.outcomes import first_after, goes_on
from dimse.verify.scu.reactions import in_pdvs, nothing, whole, with_fields
from dimse.verify.wire import Wire

from ...sop import IMAGE_SEQUENCE
from ..conversation import items_of
from .material import (
    ASKED,
    BAD,
    CRASHED,
    FILM_BOX,
    IMAGE_CLASSES,
    PRINTER_GET,
    RELEASE,
    STOPS,
    Faults,
    accepting,
    at_image,
    data_sets_of,
    gives_up_film,
    of_plain,
    print_case,
    reaches_action,
    run_with,
    sop_class_of,
    syntax_of_exchange,
    with_data,
)
from .plain_printer import IMAGE_BOXES, SUPPORTED
from .sessions import data_set_of, image_sets, with_boxes

__all__ = ["CHS_2", "DIMSE_2", "ENC_2", "PERF_2", "ROB_2", "UL_P_3"]

_P_DATA_TF = 0x04
_FAILED = 0xC605
_SMALL_MAXIMUM = 4096  # Maximum Length that makes an SCU send an image in several P-DATA-TF PDUs
_WARNINGS = (0xB609, 0xB60A, 0xB605, 0x0107, 0x0116, 0xB6FF)
_FAILURES = (0xC603, 0xC6FF, 0x0110, 0x0106, 0x0213)


# --- statuses ---


async def _answer_without_uids(exchange: Exchange) -> None:
    """Give the right answer without Affected UIDs, except for the UID of an instance if the printer has chosen it."""
    request = exchange.request
    changes: dict[str, object] = {"AffectedSOPClassUID": None}
    if not (isinstance(request, NCreateRQ) and not request.AffectedSOPInstanceUID):
        changes["AffectedSOPInstanceUID"] = None
    if exchange.response is not None and not hasattr(exchange.response, "AffectedSOPInstanceUID"):
        del changes["AffectedSOPInstanceUID"]
    exchange.proceed(**changes)


async def _answer_as_deleted(exchange: Exchange) -> None:
    """Answer with an N-DELETE-RSP."""
    assert exchange.request is not None
    exchange.wire.say(NDeleteRSP(MessageIDBeingRespondedTo=exchange.request.MessageID, Status=0), exchange.context_id)


def _warn_of_image(status: int) -> CaseRun:
    return run_with(at_image(with_fields(Status=status)), reaches_action, needs="N-SET")


def _warn_of_session(status: int) -> CaseRun:
    return run_with({("N-CREATE Film Session", 1): with_fields(Status=status)}, reaches_action)


def _refuse_image(status: int) -> CaseRun:
    return run_with(at_image(with_fields(Status=status)), gives_up_film, needs="N-SET")


# --- an early response ---


class EarlyFailure:
    """The first N-SET of an image in several parts fails after the first part of its Data Set.

    Each connection has its own message, so the parts of a Command Set and its Data Set are kept by connection.
    """

    def __init__(self) -> None:
        self._commands: dict[int, bytes] = {}  # the fragments of a Command Set so far
        self._images: dict[int, NSetRQ] = {}  # the request whose Data Set is still arriving

    def hear(self, visit: Visit, wire: Wire, pdu: bytes) -> None:
        """Take a PDU of the SCU, and answer the first that has a part of an image, but not its last part."""
        if pdu[0] != _P_DATA_TF or visit.first_reaction is not None:
            return
        try:
            decoded = decode_pdu(pdu)
        except DimseError:
            return  # the wire notes that the PDU is wrong
        assert isinstance(decoded, PDataTF)
        for pdv in decoded.pdvs:
            if pdv.is_command:
                self._add_command(wire.number, pdv)
            elif not pdv.is_last and (request := self._images.get(wire.number)) is not None:
                visit.first_reaction, visit.exchanges_at_reaction = (wire, len(wire.events)), len(visit.exchanges) + 1
                visit.table = {("*", 1): nothing}  # no second answer once the message is complete
                wire.say(NSetRSP(MessageIDBeingRespondedTo=request.MessageID, Status=_FAILED), pdv.context_id)
                return

    def _add_command(self, number: int, pdv: PDV) -> None:
        self._images.pop(number, None)
        octets = self._commands.pop(number, b"") + bytes(pdv.data)
        if not pdv.is_last:
            self._commands[number] = octets
            return
        with suppress(DimseError):  # the wire notes that the Command Set is wrong
            command = decode_command(octets)[0]
            if isinstance(command, NSetRQ) and _is_image(command):
                self._images[number] = command


def _is_image(request: NSetRQ) -> bool:
    return request.RequestedSOPClassUID in IMAGE_CLASSES


async def _fail_early(peer: ScuPeer) -> Observation:
    """Judge an SCU whose N-SET of an image fails before its Data Set is complete."""
    visit = await peer.visit({}, on_pdu=EarlyFailure().hear, is_judged=False, max_length=_SMALL_MAXIMUM)
    if visit.first_reaction is None:
        raise Unprepared("no image needs a second P-DATA-TF", Verdict.UNIMPLEMENTED)
    return gives_up_film(peer, visit)


UL_P_3: tuple[Case, ...] = (
    print_case(
        "UL-P-3.04",
        "Response and data set in one P-DATA-TF",
        "PS3.8 E.1 note",
        run_with({("*", 0): in_pdvs(whole, together=True)}, goes_on),
    ),
)

DIMSE_2: tuple[Case, ...] = (
    print_case(
        "DIMSE-2.03",
        "A response of another service",
        "PS3.7 §10.3 (Command Field)",
        run_with({("N-CREATE", 1): _answer_as_deleted}, first_after, needs="N-CREATE"),
        level=Level.SHOULD,
        needs=Flags.SCU,
        passes=(ABORT,),
        nonstrict=(RELEASE, CLOSED, SILENCE),
        fails=(ASKED, CRASHED),
        close=Close.EITHER,
    ),
    print_case(
        "DIMSE-2.04",
        "Responses without Affected UIDs",
        "PS3.7 Tables 10.3-4, -6, -8, -12 (U)",
        run_with({("*", 0): _answer_without_uids}, goes_on),
    ),
    print_case(
        "DIMSE-2.05",
        "Warning statuses, known and unknown",
        "PS3.7 Annex C (Bxxx, 0107, 0116 are warnings); PS3.4 H.2.5 ('will process it')",
        _warn_of_image(0xB604),
        level=Level.SHOULD,
        subcases=(
            *(SubCase(name=f"{status:04X}", run=_warn_of_image(status)) for status in _WARNINGS),
            SubCase(name="session B600", run=_warn_of_session(0xB600)),
            SubCase(name="N-ACTION B603", run=run_with({("N-ACTION", 1): with_fields(Status=0xB603)}, reaches_action)),
        ),
        nonstrict=(RELEASE,),
        fails=(ABORT, SILENCE, CRASHED),
    ),
    print_case(
        "DIMSE-2.06",
        "Failure statuses, known and unknown",
        "PS3.7 Annex C; PS3.4 H.2.5 ('unable to perform')",
        _refuse_image(_FAILED),
        level=Level.SHOULD,
        subcases=tuple(SubCase(name=f"{status:04X}", run=_refuse_image(status)) for status in _FAILURES),
        nonstrict=(DEVIATED, ABORT),
        fails=BAD,
    ),
    print_case(
        "DIMSE-2.07",
        "A status of no class, and Pending for an N-service",
        "PS3.7 Annex C",
        _refuse_image(0x1234),
        level=Level.INFO,
        subcases=(SubCase(name="FF00", run=_refuse_image(0xFF00)),),
        passes=(RULE_KEPT, DEVIATED, ABORT),
        nonstrict=(RULE_BROKEN,),
        fails=(CRASHED, SILENCE),
        close=Close.EITHER,
    ),
    print_case(
        "DIMSE-2.09",
        "An early failed response",
        "PS3.7 §10.1.3.2",
        _fail_early,
        passes=(RULE_KEPT, ABORT),
        nonstrict=(DEVIATED, CLOSED),
        fails=(CRASHED, SILENCE, Garbled(), RULE_BROKEN),
        close=Close.EITHER,
    ),
)


# --- Data Sets ---


def _written_in(syntax: str) -> CaseRun:
    """Return the run that accepts only one transfer syntax, and decodes each Data Set strictly."""

    async def run(peer: ScuPeer) -> Observation:
        if not _is_offered(peer.plain_visit(), syntax):
            raise Unprepared(f"the SCU does not propose {name_or_uid(syntax)}", Verdict.UNIMPLEMENTED)
        visit = await peer.visit({}, service=accepting(*SUPPORTED, syntaxes=(syntax,)))
        deviation: Deviated | None = None
        for exchange, data in data_sets_of(visit.exchanges):
            for finding in data_findings(data, syntax_of_exchange(exchange)):
                if isinstance(finding, Broken):
                    return (Broken(f"{type(exchange.request).__name__}: {finding}"),)
                deviation = deviation or (finding if isinstance(finding, Deviated) else None)
        found = reaches_action(peer, visit)
        return (deviation,) if deviation is not None and isinstance(found[0], Kept) else found

    return run


def _is_offered(visit: Visit, syntax: str) -> bool:
    """Return whether the SCU proposes a transfer syntax for print."""
    return any(
        each.abstract_syntax in IMAGE_BOXES and syntax in each.transfer_syntaxes
        for wire in visit.wires
        if wire.proposal is not None
        for each in wire.proposal.presentation_contexts
    )


_BOXES = tag_of("ReferencedImageBoxSequence")
_UNDEFINED = 0xFFFFFFFF
_ITEM, _END_ITEM, _END_SEQUENCE = (pack("<HH", 0xFFFE, number) for number in (0xE000, 0xE00D, 0xE0DD))


def _with_undefined_lengths(*, with_more: bool = False) -> Reaction:
    """Return the reaction that lists the image boxes of a film box in a sequence and items of undefined length.

    ``with_more`` adds a group length and private elements to each item.
    """

    def change(data: Dataset, exchange: Exchange) -> bytes:
        syntax = syntax_of(syntax_of_exchange(exchange))
        items = items_of(data, "ReferencedImageBoxSequence")
        before, after = Dataset(), Dataset()
        for element in data:
            if int(element.tag) != _BOXES:
                (before if int(element.tag) < _BOXES else after)[int(element.tag)] = element.value
        head = pack("<HH", _BOXES >> 16, _BOXES & 0xFFFF)
        head += b"SQ\0\0" if syntax.uid == ExplicitVRLittleEndian else b""
        sequence = head + pack("<I", _UNDEFINED)
        for item in items:
            content = encode(item, syntax)
            content = _with_more(content, is_explicit=syntax.uid == ExplicitVRLittleEndian) if with_more else content
            sequence += _ITEM + pack("<I", _UNDEFINED) + content + _END_ITEM + pack("<I", 0)
        return encode(before, syntax) + sequence + _END_SEQUENCE + pack("<I", 0) + encode(after, syntax)

    return with_data(change)


def _with_more(content: bytes, *, is_explicit: bool) -> bytes:
    """Return the content of an item with a group length before its elements, and private elements after them."""
    vr = {name: name.encode() if is_explicit else b"" for name in ("UL", "LO")}
    size = "<H" if is_explicit else "<I"
    group_length = pack("<HH", 8, 0) + vr["UL"] + pack(size, 4) + pack("<I", len(content))
    creator = pack("<HH", 9, 0x10) + vr["LO"] + pack(size, 6) + b"TESTER"
    private = pack("<HH", 9, 0x1001) + vr["LO"] + pack(size, 4) + b"TEXT"
    return group_length + content + creator + private


def _judge_boxes(peer: ScuPeer, visit: Visit) -> Observation:
    """Judge whether the SCU goes on, and sets only image boxes that the response named."""
    found = goes_on(peer, visit)
    wrong = next((each for each in image_sets(visit) if getattr(each.response, "Status", 0)), None)
    return (Broken("N-SET of an image box that the response did not name"),) if wrong is not None else found


def _pixel_faults(visit: Visit) -> Faults:
    """Yield a fault for each image whose Pixel Data contradicts its size or bit depth."""
    for exchange in image_sets(visit):
        image = next(iter(items_of(data_set_of(exchange), IMAGE_SEQUENCE[sop_class_of(exchange.request)])), None)
        if image is None or "PixelData" not in image:
            yield Broken("an image without Pixel Data")
            continue
        sizes = [image.get(each) for each in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")]
        rows, columns, samples, bits = (each if isinstance(each, int) else 0 for each in sizes)
        length = rows * columns * samples * (bits // 8)
        element = image["PixelData"]
        if element.undefined_length or not isinstance(element.value, bytes | bytearray | memoryview):
            yield Broken("Pixel Data has an undefined length, or no value")
            continue
        found = len(bytes(element.value))
        if found < length:
            yield Broken(
                f"Pixel Data has {found} bytes; {rows} x {columns} x {samples} samples of {bits} bits need {length}"
            )
        elif found > length + length % 2:
            yield Deviated(f"Pixel Data has {found} bytes instead of {length}")
        if str(element.VR) == "OB" and bits > 8:
            yield Broken(f"Pixel Data of {bits} bits has the VR OB, not OW")


ENC_2: tuple[Case, ...] = (
    print_case(
        "ENC-2.01",
        "The SCU writes in the accepted syntax",
        "PS3.5 §10; PS3.8 §7.1.1.14",
        _written_in(ImplicitVRLittleEndian),
        subcases=(SubCase(name="Explicit VR Little Endian", run=_written_in(ExplicitVRLittleEndian)),),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, CRASHED),
    ),
    print_case(
        "ENC-2.02",
        "The SCU reads sequences of undefined length",
        "PS3.5 §7.5.1, §7.5.2",
        run_with({(FILM_BOX, 0): _with_undefined_lengths()}, _judge_boxes, service=accepting(*SUPPORTED)),
        subcases=(
            SubCase(
                name="explicit",
                run=run_with(
                    {(FILM_BOX, 0): _with_undefined_lengths()},
                    _judge_boxes,
                    service=accepting(*SUPPORTED, syntaxes=(ExplicitVRLittleEndian, ImplicitVRLittleEndian)),
                ),
            ),
            SubCase(
                name="with group lengths",
                run=run_with({(FILM_BOX, 0): _with_undefined_lengths(with_more=True)}, _judge_boxes),
            ),
        ),
        fails=(*STOPS, RULE_BROKEN),
    ),
    print_case(
        "ENC-2.03",
        "Pixel Data of the SCU fits its description",
        "PS3.5 §8.1.1, §8.2; PS3.3 C.13.5",
        of_plain(_pixel_faults, "Pixel Data fits rows, columns, samples and bits"),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    ),
)


# --- character sets, robustness, pace ---


def _set_japanese_name(data: Dataset, _: Exchange) -> Dataset:
    data["SpecificCharacterSet"] = "ISO_IR 192"
    data["PrinterName"] = "プリンター"
    return data


def _set_latin_name(data: Dataset, exchange: Exchange) -> bytes:
    """Return a Data Set with Latin-1 text in Printer Name, but without Specific Character Set."""
    data["PrinterName"] = "DRUCKER"
    return encode(data, syntax_of(syntax_of_exchange(exchange))).replace(b"DRUCKER", b"DR\xdcCKER")


CHS_2: tuple[Case, ...] = (
    print_case(
        "CHS-2.01",
        "A printer name in UTF-8",
        "PS3.5 §6.1.2",
        run_with({(PRINTER_GET, 0): with_data(_set_japanese_name)}, goes_on, needs=PRINTER_GET),
        level=Level.SHOULD,
        subcases=(
            SubCase(
                name="Latin-1 without a character set",
                run=run_with({(PRINTER_GET, 0): with_data(_set_latin_name)}, goes_on, needs=PRINTER_GET),
            ),
        ),
        fails=(ABORT, CRASHED),
    ),
)

_MANY_BOXES = 10_000

ROB_2: tuple[Case, ...] = (
    print_case(
        "ROB-2.03",
        "Ten thousand image boxes",
        "PS3.4 H.4.2.2.1.3",
        run_with({(FILM_BOX, 1): with_boxes(_MANY_BOXES)}, goes_on),
        level=Level.SHOULD,
        passes=(RULE_KEPT, RELEASE, ABORT),
        nonstrict=(CLOSED,),
        fails=(SILENCE, CRASHED),
        close=Close.EITHER,
        risky=True,
    ),
)


async def _measure_pace(peer: ScuPeer) -> Seen:
    """Measure the times between the tester's answers and the next requests, and the length of the longest P-DATA-TF."""
    visit = peer.judge_plain()
    pauses: dict[str, list[float]] = {}
    for (_, _, answered), (name, asked, _) in zip(visit.times, visit.times[1:], strict=False):
        pauses.setdefault(name, []).append((asked - answered) * 1000)
    for name, values in pauses.items():
        peer.measured[f"before {name}"] = (round(median(values), 3), "ms")
    longest = max((wire.longest_p_data for wire in visit.wires), default=0)
    peer.measured["longest P-DATA-TF"] = (longest, "bytes")
    return Kept(f"{sum(map(len, pauses.values()))} pauses measured")


PERF_2: tuple[Case, ...] = (
    print_case("PERF-2.01", "The pace of the SCU", "-", _measure_pace, level=Level.INFO, fails=()),
)
