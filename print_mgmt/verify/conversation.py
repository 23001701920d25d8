"""A conversation with a printer: the contexts of print, one method for each operation, and the preparation of a film.

A conversation follows the rules of PS3.4 Annex H; each case breaks only the rule that it tests. A layout and a bit
depth that the printer accepts are found once for each Meta SOP Class, and are kept for all cases of a run.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from dimse.data import Dataset, syntax_of
from dimse.message import NActionRQ, NGetRQ, NSetRQ, Request
from dimse.uids import (
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscalePrintManagementMeta,
    ImplicitVRLittleEndian,
    Printer,
    PrinterConfigurationRetrieval,
    PrinterConfigurationRetrievalInstance,
    PrinterInstance,
)
from dimse.verify import Flags, Peer, Unprepared, Verdict
from dimse.verify.observation import Answered, Seen, Silent, matches, succeeded
from dimse.verify.print_session import PrintSession

from .case_mark import mark
from .options import PrintOptions, print_options

__all__ = [
    "DEEP",
    "IMAGE_ATTRIBUTES",
    "SIDE",
    "USUAL_LAYOUT",
    "Conversation",
    "Learned",
    "conversation",
    "items_of",
    "prepare",
    "references",
    "skipped",
    "unimplemented",
]

_META = 1  # the id of the context of the Meta SOP Class
_SYNTAXES = (ImplicitVRLittleEndian,)
USUAL_LAYOUT = r"STANDARD\1,1"
_INVALID_VALUE = 0x0106
DEEP = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}  # an image of 12 bits
SIDE = 32  # rows and columns of a test image
# The attributes of each image in an image box, PS3.3 C.13.5; a color image also has Planar Configuration
IMAGE_ATTRIBUTES = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
)


def unimplemented(reason: str) -> Unprepared:
    """Return the exception that ends a case about something that the peer need not support."""
    return Unprepared(reason, Verdict.UNIMPLEMENTED)


def skipped(reason: str) -> Unprepared:
    """Return the exception that ends a case that the options of the run or a limit of the tester forbid."""
    return Unprepared(reason, Verdict.SKIPPED)


def references(seen: Seen, keyword: str) -> list[tuple[str, str]]:
    """Return the SOP Class and Instance UIDs of a sequence of references in a response; [] if it is missing."""
    data = seen.data if isinstance(seen, Answered) else None
    return [
        (str(item.get("ReferencedSOPClassUID")), str(item.get("ReferencedSOPInstanceUID")))
        for item in items_of(data, keyword)
    ]


def items_of(data: Dataset | None, keyword: str) -> list[Dataset]:
    """Return the items of a sequence, or an empty list if the attribute is missing or is not a sequence."""
    items = None if data is None else data.get(keyword)
    return [item for item in items if isinstance(item, Dataset)] if isinstance(items, list) else []


@dataclass(frozen=True, slots=True)
class Learned:
    """The facts about a printer: a ``layout``, or "" if it refused every layout that was tried, and a bit depth.

    Images have 12 bits if ``is_deep``, otherwise 8. The defaults are assumed if the printer could not be asked.
    """

    layout: str = USUAL_LAYOUT
    is_deep: bool = False


@dataclass(slots=True)
class Conversation(PrintSession):
    """An association for print. ``contexts`` maps each SOP Class that has a context of its own to the context's id."""

    contexts: dict[str, int] = field(default_factory=dict)
    learned: Learned = field(default_factory=Learned)

    @property
    def options(self) -> PrintOptions:
        return print_options(self.peer.options)

    @property
    def image_sequence(self) -> str:
        """The keyword of the sequence that has the image in an image box."""
        return "BasicColorImageSequence" if self.is_color else "BasicGrayscaleImageSequence"

    # --- one operation each ---

    def say(
        self,
        request: Request,
        data: Dataset | bytes | None = None,
        *,
        context_id: int | None = None,
    ) -> None:
        """Send a request on the context of its SOP Class if it has one, otherwise on the context of the Meta SOP Class.

        ``context_id`` is used instead of these contexts.
        """
        uid = str(getattr(request, "AffectedSOPClassUID", None) or getattr(request, "RequestedSOPClassUID", ""))
        message = request if data is None else replace(request, Data=self.encoded(data))
        self.wire.say(message, self.contexts.get(uid, _META) if context_id is None else context_id)

    async def create(
        self, sop_class: str, data: Dataset | bytes | None = None, uid: str | None = None, *, is_named: bool = True
    ) -> Seen:
        """Create an instance, by default with a new UID. Unless ``is_named``, the printer must choose the UID."""
        request = self.creation(sop_class, uid)
        return await self.ask(request if is_named else replace(request, AffectedSOPInstanceUID=None), data)

    async def get(self, sop_class: str = Printer, uid: str = PrinterInstance, tags: Sequence[int] = ()) -> Seen:
        """Get attributes of an instance, by default of the printer. Without ``tags``, get all attributes."""
        return await self.ask(self.get_request(sop_class, uid, tags))

    def get_request(self, sop_class: str, uid: str, tags: Sequence[int] = ()) -> NGetRQ:
        """Return an N-GET-RQ."""
        return NGetRQ(
            MessageID=self.wire.next_message_id(),
            RequestedSOPClassUID=sop_class,
            RequestedSOPInstanceUID=uid,
            AttributeIdentifierList=tuple(tags) or None,
        )

    async def change(self, sop_class: str, uid: str, data: Dataset | bytes) -> Seen:
        """Send N-SET."""
        number = self.wire.next_message_id()
        request = NSetRQ(MessageID=number, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid)
        return await self.ask(request, data)

    def action(self, sop_class: str, uid: str, number: int = 1) -> NActionRQ:
        """Return an N-ACTION-RQ; ``number`` is its Action Type ID, and 1 prints."""
        return NActionRQ(
            MessageID=self.wire.next_message_id(),
            RequestedSOPClassUID=sop_class,
            RequestedSOPInstanceUID=uid,
            ActionTypeID=number,
        )

    async def print(self, sop_class: str = BasicFilmBox, uid: str = "", number: int = 1, films: int = 1) -> Seen:
        """Send N-ACTION, by default for the film box; ``number`` is its Action Type ID.

        Raises `Unprepared` (SKIPPED) if --max-films does not allow ``films`` more films.
        """
        self.take_film(films)
        return await self.ask(self.action(sop_class, uid or self.film_uid, number))

    def take_film(self, films: int = 1) -> None:
        """Count films against --max-films. Raises `Unprepared` (SKIPPED) if too few are left."""
        if self.peer.shared.films_left < films:
            raise skipped("needs more films than --max-films allows")
        for _ in range(films):
            self.peer.shared.take_film()

    async def print_nothing(self) -> Seen:
        """Send N-ACTION for a film session without film boxes. Raises `Unprepared` (SKIPPED) with --no-film."""
        if self.peer.options.no_film:
            raise skipped("--no-film sends no N-ACTION")
        return await self.ask(self.action(BasicFilmSession, self.session_uid))

    # --- preparation ---

    @property
    def layout(self) -> str:
        """A layout that the printer accepts. Raises `Unprepared` (SKIPPED) if none is known."""
        if not self.learned.layout:
            refused = self.options.display_format or USUAL_LAYOUT
            raise skipped(f"the printer does not accept {refused}; --format can name a layout that it accepts")
        return self.learned.layout

    @property
    def annotation_format(self) -> str:
        """An Annotation Display Format ID that the printer accepts. Raises `Unprepared` (SKIPPED) if none is known."""
        if not self.options.annotation_format:
            raise skipped("--annotation-format does not name an Annotation Display Format ID of the printer")
        return self.options.annotation_format

    async def prepare_film_box(self, data: Dataset | None = None) -> None:
        """Create a film box, and a film session if there is none. Raises `Unprepared`."""
        if not self.session_uid:
            await self.prepare_session()
        await PrintSession.prepare_film_box(self, self.film_box(self.layout) if data is None else data)

    async def prepare_image(self) -> None:
        """Set an image, after creating a film box if there is none. Raises `Unprepared`."""
        if not self.film_uid:
            await self.prepare_film_box()
        with self.patiently():
            seen = await self.set_image(self.plain_image())
        if not succeeded(seen):
            raise Unprepared(f"the image was not set: {seen}")

    def plain_image(self, rows: int = SIDE, columns: int = SIDE, **values: object) -> Dataset:
        """Return the Data Set of an image box whose image is white except for the id of the case.

        The image has a bit depth that the printer accepts. ``values`` set attributes of the image.
        """
        samples = 3 if self.is_color else 1
        lightest = b"\xff\x0f" if self.learned.is_deep else b"\xff"
        white = lightest * (rows * columns * samples)
        pixels = mark(white, rows, columns, self.peer.case_id, octets=len(lightest))
        depth: dict[str, object] = {**DEEP} if self.learned.is_deep else {}
        return self.image_box(rows, columns, pixels + bytes(len(pixels) % 2), **depth | values)

    def image_of(self, content: Dataset) -> Dataset:
        """Return the image in the Data Set of an image box."""
        return items_of(content, self.image_sequence)[0]


async def learned_of(peer: Peer, meta: str) -> Learned:
    """Return the facts about the printer. They are learned once for each ``meta``, on a separate association.

    Raises `Unprepared`.
    """
    found = peer.shared.found.get(meta)
    if not isinstance(found, Learned):
        further = (PrinterConfigurationRetrieval,) if Flags.CONFIG in peer.flags else ()
        async with _opened(peer, further, meta, Learned()) as talk:
            found = await _learn(talk)
            await talk.clean()
            if talk.wire.is_associated:
                await talk.wire.release(peer.target.preparation)
        await peer.dismiss()
        peer.shared.found[meta] = found
    return found


async def _learn(talk: Conversation) -> Learned:
    """Ask for the layouts, create a film box, and set an image.

    If the printer refuses each layout with 0106, no layout is known. If the film session fails, or the film box fails
    for another reason, assume 8 bits, and the layout of --format or else the usual layout. If the printer refuses an
    image of 8 bits with 0106, it needs 12 bits.
    """
    seen: Seen = Silent()
    if talk.contexts:
        seen = await talk.get(PrinterConfigurationRetrieval, PrinterConfigurationRetrievalInstance)
    configured = [str(layout) for each in _formats(seen) if (layout := each.get("ImageDisplayFormat"))]
    claims = talk.options.claims
    claimed = claims.display_formats or () if claims is not None else ()
    named = talk.options.display_format
    candidates = (named,) if named else (USUAL_LAYOUT, *configured[:1], *claimed[:1])
    if not succeeded(await talk.create_session()):
        return Learned(candidates[0])
    for layout in candidates:
        seen = await talk.create_film_box(talk.film_box(layout))
        if succeeded(seen) and talk.image_uids:
            seen = await talk.set_image(talk.plain_image())
            return Learned(layout, is_deep=_is_invalid(seen))
        if not _is_invalid(seen):
            return Learned(candidates[0])
    return Learned("")


def _is_invalid(seen: Seen) -> bool:
    return matches(Answered(_INVALID_VALUE), (seen,))


def _formats(seen: Seen) -> Iterator[Dataset]:
    """Yield the items of Supported Image Display Formats Sequence."""
    data = seen.data if isinstance(seen, Answered) else None
    for item in items_of(data, "PrinterConfigurationSequence"):
        yield from items_of(item, "SupportedImageDisplayFormatsSequence")


@asynccontextmanager
async def _opened(peer: Peer, further: Sequence[str], meta: str, learned: Learned) -> AsyncIterator[Conversation]:
    numbers = {uid: _META + 2 * (number + 1) for number, uid in enumerate(further)}
    contexts = {_META: (meta, _SYNTAXES)} | {number: (uid, _SYNTAXES) for uid, number in numbers.items()}
    wire = await peer.associate_all(contexts)
    yield Conversation(peer, wire, meta, syntax_of(wire.contexts[_META][1]), contexts=numbers, learned=learned)


def _usual_meta(peer: Peer) -> str:
    is_gray = Flags.GRAY_META in peer.flags or Flags.COLOR_META not in peer.flags
    return BasicGrayscalePrintManagementMeta if is_gray else BasicColorPrintManagementMeta


async def prepare(peer: Peer) -> None:
    """Learn the facts that the usual conversation needs, so that it then starts at once. Raises `Unprepared`."""
    await learned_of(peer, _usual_meta(peer))


@asynccontextmanager
async def conversation(peer: Peer, *further: str, meta: str = "") -> AsyncIterator[Conversation]:
    """Open an association for a Meta SOP Class and ``further`` SOP Classes.

    The default of ``meta`` is the gray Meta SOP Class, or the color one if the peer is known to support only color. The
    film box and the film session are deleted at the end. Raises `Unprepared`, with the verdict UNIMPLEMENTED if the
    peer refuses a context.
    """
    meta = meta or _usual_meta(peer)
    async with _opened(peer, further, meta, await learned_of(peer, meta)) as talk, talk.cleaned():
        yield talk
