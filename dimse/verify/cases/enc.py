"""ENC: encodings and transfer syntaxes of Data Sets, PS3.5, tested with the messages of print."""

from collections.abc import Awaitable, Callable, Iterator
from struct import pack

from ...data import Dataset, Element, decode, tag_of
from ...errors import DimseError, Finding
from ...uids import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from ..case import Case, CaseRun, Flags, Role, SubCase
from ..observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    FAILURE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Broken,
    Kept,
    Seen,
    succeeded,
)
from ..peer import Peer
from ..print_session import LABEL, PrintSession, print_session
from ..verdict import Close, Level

__all__ = ["ENC"]

_IMPLICIT, _EXPLICIT = (ImplicitVRLittleEndian,), (ExplicitVRLittleEndian,)
_JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
_OTHERS = (ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, _JPEG_BASELINE)
_FILM_SESSION_LABEL = tag_of("FilmSessionLabel")
_PIXEL_DATA = tag_of("PixelData")
_WRONG_SYNTAX = "PS3.5 §10"
_PIXELS = 32 * 32

Script = Callable[[PrintSession], Awaitable[Seen]]  # the steps of a case on an association for print


def on(syntaxes: tuple[str, ...], script: Script) -> CaseRun:
    """Return the run of a script on an association for print that proposes these transfer syntaxes."""

    async def run(peer: Peer) -> Seen:
        async with print_session(peer, syntaxes) as session:
            return await script(session)

    return run


async def film(session: PrintSession) -> Seen:
    """Create a film session and a film box, and set an image; return the first failure, or else the last answer."""
    seen = await session.create_session()
    if succeeded(seen):
        seen = await session.create_film_box()
    return await session.set_image() if succeeded(seen) else seen


async def explicit_film(session: PrintSession) -> Seen:
    """Do the steps of `film`; return `Broken` for a response that is not in the accepted syntax."""
    for step in (session.create_session, session.create_film_box, session.set_image):
        seen = await step()
        if fault := _syntax_fault(session, seen):
            return Broken(fault)
        if not succeeded(seen):
            break
    return seen


def _syntax_fault(session: PrintSession, seen: Seen) -> str:
    """Return the syntax error in the Data Set of a response, in words; "" if there is no error."""
    if not isinstance(seen, Answered) or seen.message is None or seen.message.Data is None:
        return ""
    assert isinstance(seen.message.Data, bytes | bytearray | memoryview)
    report: list[Finding] = []
    try:
        decode(bytes(seen.message.Data), session.syntax, report=report)
    except DimseError as exc:
        return f"the Data Set of a response is not in the accepted syntax: {exc}"
    return next((str(each) for each in report if each.rule == _WRONG_SYNTAX), "")


async def other_syntaxes(peer: Peer) -> Seen:
    accepted = []
    for syntax in _OTHERS:
        async with print_session(peer, (syntax,), is_needed=False) as session:
            if session.context_is_accepted:
                accepted.append(session.syntax.name)
                seen = await session.create_session()
                if not succeeded(seen):
                    return seen
        await peer.dismiss()
    return Kept(f"accepted: {', '.join(accepted) or 'none'}")


def undefined_lengths(*, sequences: bool, items: bool) -> Script:
    """Return the script that creates a film box and sets an image.

    ``sequences`` and ``items`` say which of the two have undefined lengths.
    """

    def with_lengths(dataset: Dataset) -> Dataset:
        for element, inner in sequences_of(dataset):
            element.undefined_length = sequences
            for item in inner:
                item.undefined_length = items
        return dataset

    async def script(session: PrintSession) -> Seen:
        await session.prepare_session()
        seen = await session.create_film_box(with_lengths(session.film_box()))
        return await session.set_image(with_lengths(session.image_box())) if succeeded(seen) else seen

    return script


def sequences_of(dataset: Dataset) -> Iterator[tuple[Element, list[Dataset]]]:
    """Yield the sequences of a Data Set with their items."""
    for element in dataset:
        if element.VR == "SQ" and isinstance(element.value, list):
            yield element, [item for item in element.value if isinstance(item, Dataset)]


async def group_length(session: PrintSession) -> Seen:
    data = session.encoded(Dataset(FilmSessionLabel=LABEL, NumberOfCopies=1))
    return await session.create_session(pack("<HHII", 0x2000, 0, 4, len(data)) + data)


async def private_elements(session: PrintSession) -> Seen:
    private = pack("<HHI", 0x0009, 0x0010, 8) + b"VERIFIER" + pack("<HHI", 0x0009, 0x1001, 4) + b"TEST"
    return await session.create_session(private + session.encoded(Dataset(FilmSessionLabel=LABEL)))


async def reserved_bytes(session: PrintSession) -> Seen:
    await session.prepare_session()
    return await session.create_film_box(session.encoded(session.film_box()).replace(b"SQ\0\0", b"SQ\xff\xff"))


def pixels_as(vr: str) -> Script:
    """Return the script that sets an 8-bit image whose Pixel Data element has this VR."""

    async def script(session: PrintSession) -> Seen:
        await session.prepare_film_box()
        content = session.image_box()
        for _, (image,) in sequences_of(content):
            image.add(Element(_PIXEL_DATA, vr, bytes(_PIXELS)))
        return await session.set_image(content)

    return script


async def odd_image(session: PrintSession) -> Seen:
    await session.prepare_film_box()
    return await session.set_image(session.image_box(33, 33))


async def cut_off(session: PrintSession) -> Seen:
    last = pack("<HHI", _FILM_SESSION_LABEL >> 16, _FILM_SESSION_LABEL & 0xFFFF, 4000) + b"XX"
    return await session.create_session(last)


async def bytes_after(session: PrintSession) -> Seen:
    return await session.create_session(session.encoded(Dataset(FilmSessionLabel=LABEL)) + b"\1\2")


_SUCCEEDED = (SUCCESS, WARNING)
_FAILED = (ABORT, CLOSED, SILENCE, FAILURE)
_NEEDS_EXPLICIT = Flags.PRINT | Flags.EXPLICIT_LE

ENC: tuple[Case, ...] = (
    Case(
        id="ENC-1.01",
        title="Implicit VR Little Endian",
        section="PS3.5 §7.1.3, A.1, §10.1",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on(_IMPLICIT, film),
        passes=_SUCCEEDED,
        fails=_FAILED,
    ),
    Case(
        id="ENC-1.02",
        title="Explicit VR Little Endian, where it was accepted",
        section="PS3.5 §7.1.2, A.2; PS3.8 §7.1.1.14",
        level=Level.MUST,
        needs=_NEEDS_EXPLICIT,
        run=on(_EXPLICIT, explicit_film),
        passes=_SUCCEEDED,
        fails=(*_FAILED, RULE_BROKEN),
    ),
    Case(
        id="ENC-1.03",
        title="Any other syntax that was accepted can be used",
        section="PS3.5 Annex A; PS3.8 §7.1.1.14",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=other_syntaxes,
        passes=(RULE_KEPT,),
        fails=_FAILED,
    ),
    Case(
        id="ENC-1.04",
        title="Response data sets are written in the accepted syntax",
        section="PS3.5 §7.1, §10; PS3.8 §7.1.1.14",
        level=Level.MUST,
        role=Role.BOTH,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="ENC-1.05",
        title="Sequences and items of undefined and explicit length",
        section="PS3.5 §7.5.1, §7.5.2 ('Both ways of encoding shall be supported by decoders')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on(_IMPLICIT, undefined_lengths(sequences=False, items=False)),
        passes=_SUCCEEDED,
        fails=_FAILED,
        subcases=(
            SubCase(name="undefined/explicit", run=on(_IMPLICIT, undefined_lengths(sequences=True, items=False))),
            SubCase(name="explicit/undefined", run=on(_IMPLICIT, undefined_lengths(sequences=False, items=True))),
            SubCase(name="undefined/undefined", run=on(_IMPLICIT, undefined_lengths(sequences=True, items=True))),
        ),
    ),
    Case(
        id="ENC-1.06",
        title="Group length elements",
        section="PS3.5 §7.2 ('shall be able to parse')",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on(_IMPLICIT, group_length),
        passes=(SUCCESS,),
        nonstrict=(WARNING,),
        fails=(FAILURE, ABORT, SILENCE),
    ),
    Case(
        id="ENC-1.07",
        title="Private elements",
        section="PS3.5 §7.8; PS3.4 H.2.4",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on(_IMPLICIT, private_elements),
        passes=(Answered(frozenset({0x0000, 0x0107, 0x0116})),),
        nonstrict=(FAILURE,),
        fails=(ABORT, CLOSED, SILENCE),
    ),
    Case(
        id="ENC-1.08",
        title="Reserved bytes of long VRs are not decoded",
        section="PS3.5 §7.1.2 ('shall not be used or decoded')",
        level=Level.MUST,
        needs=_NEEDS_EXPLICIT,
        run=on(_EXPLICIT, reserved_bytes),
        passes=_SUCCEEDED,
        fails=(ABORT, SILENCE, FAILURE),
    ),
    Case(
        id="ENC-1.09",
        title="8-bit Pixel Data as OB and as OW",
        section="PS3.5 A.2 ('shall have the Value Representation OB or OW')",
        level=Level.MUST,
        needs=_NEEDS_EXPLICIT,
        run=on(_EXPLICIT, pixels_as("OB")),
        passes=_SUCCEEDED,
        fails=(FAILURE, ABORT, SILENCE),
        subcases=(SubCase(name="OW", run=on(_EXPLICIT, pixels_as("OW"))),),
    ),
    Case(
        id="ENC-1.10",
        title="Pixel Data of an odd number of bytes is padded",
        section="PS3.5 §8.2, §6.4",
        level=Level.MUST,
        needs=Flags.PRINT,
        run=on(_IMPLICIT, odd_image),
        passes=_SUCCEEDED,
        fails=(FAILURE, ABORT, SILENCE),
    ),
    Case(
        id="ENC-1.11",
        title="A data set that ends within an element",
        section="PS3.5 §7.1",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on(_IMPLICIT, cut_off),
        passes=(FAILURE, ABORT),
        nonstrict=(CLOSED,),
        fails=(SUCCESS, SILENCE),
        subcases=(
            SubCase(
                name="two bytes after the last element",
                run=on(_IMPLICIT, bytes_after),
                nonstrict=(CLOSED, SUCCESS),
                fails=(SILENCE,),
            ),
        ),
        close=Close.EITHER,
        risky=True,
    ),
)
