"""PRN-N-2, PRN-L-2 and PRN-X-2: the negotiation of a print SCU, and the order and content of its operations."""

from collections.abc import Sequence

from dimse.data import Dataset, decode, syntax_of
from dimse.errors import DimseError, shown
from dimse.message import NActionRQ, NCreateRQ, NSetRQ
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    PresentationLUT,
    Printer,
    Verification,
    name_or_uid,
)
from dimse.verify import Case, Close, Flags, Level, SubCase, Unprepared, Verdict
from dimse.verify.observation import ABORT, CLOSED, DEVIATED, RULE_BROKEN, RULE_KEPT, SILENCE, Broken, Kept, Observation
from dimse.verify.scu import Exchange, Reaction, ScuPeer, Visit
from dimse.verify.scu.outcomes import goes_on
from dimse.verify.scu.reactions import with_fields

from ...sop import IMAGE_SEQUENCE, MEMBERS
from ..conversation import IMAGE_ATTRIBUTES, items_of
from .material import (
    BAD,
    CRASHED,
    FILM_BOX,
    IMAGE_CLASSES,
    RELEASE,
    Faults,
    accepting,
    data_sets_of,
    gives_up_film,
    instance_of,
    of_plain,
    print_case,
    reaches_action,
    run_with,
    sop_class_of,
    stray_request,
    syntax_of_exchange,
    uses_instance,
    with_data,
)
from .plain_printer import references

__all__ = ["PRN_L_2", "PRN_N_2", "PRN_X_2", "data_set_of", "image_sets", "with_boxes"]

_METAS = (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta)
_SINGLES = (BasicFilmSession, BasicFilmBox, BasicGrayscaleImageBox, BasicColorImageBox, Printer, PresentationLUT)
_NO_INSTANCE = 0x0112
_MANY_BOXES = 50
_QUEUE_FULL = 0xC602
_FILM_CLASSES = (BasicFilmBox, *IMAGE_CLASSES, BasicAnnotationBox)


# --- negotiation ---


def _context_faults(visit: Visit) -> Faults:
    """Yield the first request on a context that was not accepted, and each request on a context of another class."""
    if (wrong := stray_request(visit)) is not None:
        yield wrong
    for exchange in visit.exchanges:
        abstract, sop_class = exchange.wire.contexts[exchange.context_id][0], sop_class_of(exchange.request)
        if abstract != sop_class and sop_class not in MEMBERS.get(abstract, ()):
            yield Broken(f"a request of {name_or_uid(sop_class)} on the context of {name_or_uid(abstract)}")


def _judge_end(peer: ScuPeer, visit: Visit) -> Observation:
    """Return `Kept` if the SCU prints, or releases without printing; otherwise its actual reaction."""
    found = reaches_action(peer, visit)
    return (Kept("the SCU releases the association without printing"),) if found == (RELEASE,) else found


def _judge_gray(peer: ScuPeer, visit: Visit) -> Observation:
    """Judge an SCU for which the gray Meta SOP Class was accepted, but not the color one."""
    for exchange, data in data_sets_of(visit.exchanges):
        if sop_class_of(exchange.request) == BasicGrayscaleImageBox and b"RGB" in data:
            return (Broken("an RGB image in a grayscale image box"),)
    return _judge_end(peer, visit)


PRN_N_2: tuple[Case, ...] = (
    print_case(
        "PRN-N-2.01",
        "The SCU proposes each class it uses",
        "PS3.4 H.5 ('one Abstract Syntax, in a Presentation Context, for each supported SOP Class or Meta SOP Class')",
        of_plain(_context_faults, "each request is on a context of its class"),
        fails=(RULE_BROKEN,),
    ),
    print_case(
        "PRN-N-2.02",
        "Optional classes are refused",
        "PS3.4 H.3.3.1; PS3.7 D.3.2",
        run_with({}, reaches_action, service=accepting(Verification, *_METAS)),
        level=Level.SHOULD,
        nonstrict=(RELEASE,),
        fails=(RULE_BROKEN, CRASHED),
    ),
    print_case(
        "PRN-N-2.03",
        "The Meta class is refused, its member classes are accepted",
        "PS3.7 D.3.2 c",
        run_with({}, _judge_end, service=accepting(Verification, *_SINGLES, BasicAnnotationBox)),
        level=Level.INFO,
        nonstrict=(ABORT,),
        fails=BAD,
        close=Close.EITHER,
    ),
    print_case(
        "PRN-N-2.04",
        "Only the gray Meta class is accepted",
        "PS3.7 D.3.2 c",
        run_with(
            {}, _judge_gray, service=accepting(Verification, _METAS[0], PresentationLUT, BasicAnnotationBox, Printer)
        ),
        level=Level.SHOULD,
        needs=Flags.SCU_PRINT | Flags.SCU_COLOR,
        nonstrict=(ABORT, CLOSED),
        fails=(RULE_BROKEN, CRASHED),
    ),
)


# --- order ---


def _order_faults(visit: Visit) -> Faults:
    """Yield the violations of the order of operations, association by association."""
    for wire in visit.wires:
        session, film, boxes, luts = "", "", set[str](), set[str]()
        for exchange in (each for each in visit.exchanges if each.wire is wire):
            sop_class, uid = sop_class_of(exchange.request), instance_of(exchange)
            if isinstance(exchange.request, NCreateRQ):
                if sop_class == BasicFilmSession:
                    session = uid
                elif sop_class == BasicFilmBox:
                    if not session:
                        yield Broken("a film box without a film session")
                    film, boxes = uid, _boxes_of(exchange)
                    yield from _lut_faults(exchange, luts)
                elif sop_class == PresentationLUT:
                    luts.add(uid)
            elif uses_instance(exchange) and sop_class in _FILM_CLASSES and uid != film and uid not in boxes:
                yield Broken(f"{type(exchange.request).__name__} of {uid}, which does not belong to the last film box")


def _boxes_of(exchange: Exchange) -> set[str]:
    data = exchange.data
    keywords = ("ReferencedImageBoxSequence", "ReferencedBasicAnnotationBoxSequence")
    return {str(item.get("ReferencedSOPInstanceUID")) for keyword in keywords for item in items_of(data, keyword)}


def _lut_faults(exchange: Exchange, luts: set[str]) -> Faults:
    """Yield a fault for each reference of a film box to a Presentation LUT that is not among ``luts``."""
    for item in items_of(data_set_of(exchange), "ReferencedPresentationLUTSequence"):
        uid = str(item.get("ReferencedSOPInstanceUID"))
        if uid not in luts:
            yield Broken(f"a reference to the Presentation LUT {uid}, which was not created on this association")


def data_set_of(exchange: Exchange) -> Dataset:
    """Return the Data Set of a request, or an empty Data Set if it has none or an unreadable one."""
    for _, data in data_sets_of((exchange,)):
        try:
            return decode(data, syntax_of(syntax_of_exchange(exchange)))
        except DimseError:
            break
    return Dataset()


async def _judge_uids(peer: ScuPeer) -> Observation:
    """Judge whether the SCU uses the UIDs that the printer chose."""
    visit = peer.judge_plain()
    created = [each for each in visit.exchanges if isinstance(each.request, NCreateRQ)]
    if not any(isinstance(each.request, NCreateRQ) and not each.request.AffectedSOPInstanceUID for each in created):
        raise Unprepared("the SCU supplies the UIDs of all its instances", Verdict.UNIMPLEMENTED)
    for exchange in visit.exchanges:
        if uses_instance(exchange) and getattr(exchange.response, "Status", 0) == _NO_INSTANCE:
            return (Broken(f"{instance_of(exchange)} is not an instance that the responses named"),)
    return (Kept("later requests use the UIDs of the responses"),)


def _judge_failed_film(peer: ScuPeer, visit: Visit) -> Observation:
    """Return `Broken` if the SCU uses the film box whose creation failed; otherwise judge as `gives_up_film` does."""
    fired = visit.exchanges[visit.exchanges_at_reaction - 1] if visit.first_reaction else None
    film = instance_of(fired) if fired is not None else ""
    for exchange in visit.exchanges[visit.exchanges_at_reaction :]:
        if isinstance(exchange.request, NSetRQ | NActionRQ) and instance_of(exchange) == film:
            return (Broken("the SCU uses the film box that was not created"),)
    return gives_up_film(peer, visit)


PRN_L_2: tuple[Case, ...] = (
    print_case(
        "PRN-L-2.01",
        "Order of operations",
        "PS3.4 H.4.1.2.1.3, H.4.2.2, H.4.3.1.2.1.3, H.4.9.2.1.3",
        of_plain(_order_faults, "session, film box and image boxes come in this order"),
        fails=(RULE_BROKEN,),
    ),
    print_case(
        "PRN-L-2.02",
        "The SCU uses the UIDs of the response",
        "PS3.7 §10.1.5.1.4",
        _judge_uids,
        fails=(RULE_BROKEN,),
    ),
    print_case(
        "PRN-L-2.03",
        "A failure in the middle",
        "PS3.4 H.2.5",
        run_with({(FILM_BOX, 1): with_fields(Status=0x0106, Data=None)}, _judge_failed_film),
        level=Level.INFO,
        passes=(RULE_KEPT, DEVIATED),
        nonstrict=(ABORT,),
        fails=BAD,
    ),
)


# --- content ---


def _film_box_faults(visit: Visit) -> Faults:
    """Yield the faults in the Data Sets of N-CREATEs of film boxes."""
    sessions: dict[int, str] = {}
    for exchange in visit.exchanges:
        if not isinstance(exchange.request, NCreateRQ):
            continue
        sop_class = exchange.request.AffectedSOPClassUID
        if sop_class == BasicFilmSession:
            sessions[exchange.wire.number] = instance_of(exchange)
        elif sop_class == BasicFilmBox:
            yield from _faults_of_film_box(exchange, sessions.get(exchange.wire.number, ""))


def _faults_of_film_box(exchange: Exchange, session: str) -> Faults:
    data = data_set_of(exchange)
    if not data.get("ImageDisplayFormat"):
        yield Broken("Image Display Format is missing or empty")
    items = items_of(data, "ReferencedFilmSessionSequence")
    if len(items) != 1:
        yield Broken(f"Referenced Film Session Sequence has {len(items)} items, not 1")
    elif items[0].get("ReferencedSOPInstanceUID") != session:
        named = items[0].get("ReferencedSOPInstanceUID")
        yield Broken(f"Referenced Film Session Sequence names {shown(named)}, not the film session of the association")
    meta = exchange.wire.contexts[exchange.context_id][0]
    if meta == BasicGrayscalePrintManagementMeta and "ICCProfile" in data:
        yield Broken("ICC Profile (0028,2000) on the context of the gray Meta SOP Class")


_GRAY_DEPTHS, _COLOR_DEPTHS = ((8, 8, 7), (16, 12, 11)), ((8, 8, 7),)


def image_sets(visit: Visit) -> list[Exchange]:
    """Return the N-SETs of image boxes, except for those that erase the image by an empty image sequence.

    An N-SET without an image sequence is among them (PS3.4 H.4.3.1.2.1.3).
    """
    return [
        each
        for each in visit.exchanges
        if isinstance(each.request, NSetRQ)
        and (keyword := IMAGE_SEQUENCE.get(each.request.RequestedSOPClassUID)) is not None
        and data_set_of(each).get(keyword) != []
    ]


def _image_faults(visit: Visit) -> Faults:
    """Yield the faults in the Data Sets of N-SETs of image boxes."""
    for exchange in image_sets(visit):
        sop_class = sop_class_of(exchange.request)
        data = data_set_of(exchange)
        position = data.get("ImageBoxPosition")
        count = _box_count(visit, exchange)
        if not isinstance(position, int):
            yield Broken("Image Box Position is missing or has no single value")
        elif count and not 1 <= position <= count:
            yield Broken(f"Image Box Position {position} of a film with {count} image boxes")
        items = items_of(data, IMAGE_SEQUENCE[sop_class])
        if len(items) != 1:
            yield Broken(f"{IMAGE_SEQUENCE[sop_class]} has {len(items)} items, not 1")
            continue
        yield from _faults_of_image(items[0], is_color=sop_class == BasicColorImageBox)


def _box_count(visit: Visit, exchange: Exchange) -> int:
    """Return the number of image boxes on the film that has the image box of a request; 0 if there is no such film."""
    uid = instance_of(exchange)
    for made in visit.exchanges:
        if sop_class_of(made.request) == BasicFilmBox and uid in _boxes_of(made):
            return len(items_of(made.data, "ReferencedImageBoxSequence"))
    return 0


def _faults_of_image(image: Dataset, *, is_color: bool) -> Faults:
    required = (*IMAGE_ATTRIBUTES, "PlanarConfiguration") if is_color else IMAGE_ATTRIBUTES
    missing = next((keyword for keyword in required if image.get(keyword) in (None, "", b"")), None)
    if missing is not None:
        yield Broken(f"{missing} is missing or empty")
        return
    depth = (image.get("BitsAllocated"), image.get("BitsStored"), image.get("HighBit"))
    depths = _COLOR_DEPTHS if is_color else _GRAY_DEPTHS
    if depth not in depths:
        right = " or ".join("/".join(map(str, each)) for each in depths)
        yield Broken(f"Bits Allocated, Bits Stored and High Bit are {'/'.join(map(shown, depth))}, not {right}")
    if image.get("SamplesPerPixel") != (samples := 3 if is_color else 1):
        yield Broken(f"Samples per Pixel is {shown(image.get('SamplesPerPixel'))}, not {samples}")
    if image.get("PixelRepresentation") != 0:
        yield Broken(f"Pixel Representation is {shown(image.get('PixelRepresentation'))}, not 0")
    allowed = ("RGB",) if is_color else ("MONOCHROME1", "MONOCHROME2")
    if image.get("PhotometricInterpretation") not in allowed:
        found = image.get("PhotometricInterpretation")
        yield Broken(f"Photometric Interpretation is {shown(found)}, not {' or '.join(allowed)}")
    if is_color and image.get("PlanarConfiguration") != 1:
        yield Broken(f"Planar Configuration is {shown(image.get('PlanarConfiguration'))}, not 1")


def with_boxes(count: int | None) -> Reaction:
    """Return the reaction that answers the creation of a film box with ``count`` image boxes.

    If ``count`` is None, the answer has no Data Set.
    """
    if count is None:
        return with_fields(Data=None)

    def change(data: Dataset, exchange: Exchange) -> Dataset:
        data["ReferencedImageBoxSequence"] = _more_boxes(exchange, items_of(data, "ReferencedImageBoxSequence"), count)
        return data

    return with_data(change)


def _more_boxes(exchange: Exchange, items: Sequence[Dataset], count: int) -> list[Dataset]:
    made = list(items[:count])
    image_class = str(items[0].get("ReferencedSOPClassUID")) if items else BasicGrayscaleImageBox
    random = exchange.visit.random
    return made + references([(image_class, f"2.25.{random.getrandbits(100)}") for _ in range(count - len(made))])


def _judge_boxes(peer: ScuPeer, visit: Visit) -> Observation:
    """Judge an SCU whose film box got a wrong number of image boxes."""
    fired = visit.exchanges[visit.exchanges_at_reaction - 1] if visit.first_reaction else None
    given = {str(item.get("ReferencedSOPInstanceUID")) for item in _boxes_sent(fired)}
    later = visit.exchanges[visit.exchanges_at_reaction :]
    for exchange in later:
        if exchange.wire is not (fired.wire if fired is not None else None):
            continue
        if sop_class_of(exchange.request) == BasicFilmBox and isinstance(exchange.request, NCreateRQ):
            break
        is_image = isinstance(exchange.request, NSetRQ) and sop_class_of(exchange.request) in IMAGE_CLASSES
        if is_image and instance_of(exchange) not in given:
            return (Broken(f"N-SET of {instance_of(exchange)}, which the response did not name"),)
    if given:
        found = goes_on(peer, visit)
        return (Kept("the SCU releases the association"),) if found == (RELEASE,) else found
    return gives_up_film(peer, visit)


def _boxes_sent(exchange: Exchange | None) -> list[Dataset]:
    return [] if exchange is None else items_of(exchange.sent, "ReferencedImageBoxSequence")


def _set_meta_class(data: Dataset, exchange: Exchange) -> Dataset:
    """Give the image boxes of a response the Meta SOP Class as their class."""
    meta = exchange.wire.contexts[exchange.context_id][0]
    items = items_of(data, "ReferencedImageBoxSequence")
    data["ReferencedImageBoxSequence"] = references(
        [(meta, str(each.get("ReferencedSOPInstanceUID"))) for each in items]
    )
    return data


def _judge_failed_action(peer: ScuPeer, visit: Visit) -> Observation:
    """Judge an SCU whose N-ACTION was refused: it may try again and print."""
    again = [each for each in visit.exchanges[visit.exchanges_at_reaction :] if isinstance(each.request, NActionRQ)]
    if again:
        found = goes_on(peer, visit)
        return (Kept("the SCU tries again"),) if found == (RELEASE,) else found
    return gives_up_film(peer, visit)


PRN_X_2: tuple[Case, ...] = (
    print_case(
        "PRN-X-2.01",
        "The film box of the SCU",
        "PS3.4 Table H.4-6 (M/M)",
        of_plain(_film_box_faults, "each film box has a format and refers to its session"),
        fails=(RULE_BROKEN,),
    ),
    print_case(
        "PRN-X-2.02",
        "The image of the SCU",
        "PS3.4 Tables H.4-10, H.4-11 (M/M); PS3.3 C.13.5",
        of_plain(_image_faults, "each image is as in Tables H.4-10 and H.4-11"),
        fails=(RULE_BROKEN,),
    ),
    print_case(
        "PRN-X-2.03",
        "Fewer and more image boxes than requested",
        "PS3.4 H.4.2.2.1.3",
        run_with({(FILM_BOX, 1): with_boxes(0)}, _judge_boxes),
        level=Level.SHOULD,
        subcases=(SubCase(name="50", run=run_with({(FILM_BOX, 1): with_boxes(_MANY_BOXES)}, _judge_boxes)),),
        nonstrict=(DEVIATED, ABORT),
        fails=BAD,
    ),
    print_case(
        "PRN-X-2.04",
        "N-CREATE-RSP film box without data set",
        "PS3.4 H.4.2.2.1.3",
        run_with({(FILM_BOX, 1): with_boxes(None)}, gives_up_film),
        level=Level.SHOULD,
        nonstrict=(DEVIATED, ABORT),
        fails=BAD,
    ),
    print_case(
        "PRN-X-2.05",
        "The Meta class as the class of the image boxes",
        "PS3.4 H.4.2.2.1.3",
        run_with({(FILM_BOX, 0): with_data(_set_meta_class)}, _judge_end),
        level=Level.INFO,
        fails=(CRASHED,),
    ),
    print_case(
        "PRN-X-2.06",
        "The queue is full",
        "PS3.4 Table H.4-9 (C602)",
        run_with({("N-ACTION", 1): with_fields(Status=_QUEUE_FULL, Data=None)}, _judge_failed_action),
        level=Level.SHOULD,
        needs=Flags.SCU_PRINT | Flags.COMMAND,
        nonstrict=(DEVIATED, ABORT),
        fails=(CRASHED, SILENCE),
    ),
)
