"""A print session for cases: an association with a film session, a film box and image boxes.

The session keeps the rules of PS3.4 Annex H, so that a case breaks only the rule under test. The session never prints:
an N-ACTION is sent only by a case that passes one to `PrintSession.ask` or `PrintSession.say`.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from ..data import Dataset, TransferSyntax, encode, syntax_of
from ..message import Message, NActionRQ, NCreateRQ, NDeleteRQ, NSetRQ, Request
from ..uids import (
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ImplicitVRLittleEndian,
    is_valid_uid,
)
from .case import Flags, Unprepared
from .observation import Answered, Seen, Silent, succeeded
from .peer import OUR_MAXIMUM_LENGTH, Peer
from .verdict import Verdict
from .wire import Wire

__all__ = ["LABEL", "PrintSession", "print_session"]

LABEL = "CONFORMANCE TEST"
CONTEXT_ID = 1
SLOW_FACTOR = 10  # the response to an N-SET or N-ACTION may take this many times the time limit


@dataclass(slots=True)
class PrintSession:
    """An association for print on the Meta SOP Class ``meta``, and the instances that were created on it.

    ``image_uids`` are the UIDs of image boxes that the peer returned.
    """

    peer: Peer
    wire: Wire
    meta: str
    syntax: TransferSyntax
    context_is_accepted: bool = True
    session_uid: str = ""
    film_uid: str = ""
    image_uids: list[str] = field(default_factory=list)
    patience: float | None = None  # seconds to wait for an answer that is not judged; None outside `patiently`

    @property
    def is_color(self) -> bool:
        return self.meta == BasicColorPrintManagementMeta

    @property
    def image_class(self) -> str:
        """The SOP Class of the image boxes."""
        return BasicColorImageBox if self.is_color else BasicGrayscaleImageBox

    # --- one operation each ---

    async def ask(self, request: Request, data: Dataset | bytes | None = None) -> Seen:
        """Send a request with its Data Set; return the reaction of the peer."""
        self.say(request, data)
        is_slow = isinstance(request, NSetRQ | NActionRQ)
        return await self.wire.response(self.patience or self.wire.timeout * (SLOW_FACTOR if is_slow else 1))

    def say(self, request: Request, data: Dataset | bytes | None = None) -> None:
        """Send a request with its Data Set."""
        message: Message = request if data is None else replace(request, Data=self.encoded(data))
        self.wire.say(message, CONTEXT_ID)

    def encoded(self, data: Dataset | bytes) -> bytes:
        """Return a Data Set encoded in the syntax of the context; return bytes unchanged."""
        return data if isinstance(data, bytes) else encode(data, self.syntax)

    async def create_session(self, data: Dataset | bytes | None = None, *, uid: str | None = None) -> Seen:
        """Create a film session; ``data`` is its Data Set, by default a label and one copy."""
        request = self.creation(BasicFilmSession, uid)
        seen = await self.ask(request, Dataset(FilmSessionLabel=LABEL, NumberOfCopies=1) if data is None else data)
        if succeeded(seen):
            self.session_uid = request.AffectedSOPInstanceUID or ""
        return seen

    async def create_film_box(self, data: Dataset | bytes | None = None, *, uid: str | None = None) -> Seen:
        """Create a film box; ``data`` is its Data Set, by default `film_box` with one image."""
        request = self.creation(BasicFilmBox, uid)
        seen = await self.ask(request, self.film_box() if data is None else data)
        if succeeded(seen) and isinstance(seen, Answered):
            self.film_uid = request.AffectedSOPInstanceUID or ""
            self.image_uids = _image_uids(seen.data)
        return seen

    async def set_image(self, data: Dataset | bytes | None = None, *, uid: str | None = None) -> Seen:
        """Set an image box, by default the first one; ``data`` is its Data Set, by default `image_box`.

        Raises `Unprepared` without ``uid`` if the film box names no image box.
        """
        if not (uid or self.image_uids):
            raise Unprepared("the film box names no image box")
        request = NSetRQ(
            MessageID=self.wire.next_message_id(),
            RequestedSOPClassUID=self.image_class,
            RequestedSOPInstanceUID=uid or self.image_uids[0],
        )
        return await self.ask(request, self.image_box() if data is None else data)

    async def delete(self, sop_class: str, uid: str) -> Seen:
        """Delete an instance."""
        return await self.ask(
            NDeleteRQ(
                MessageID=self.wire.next_message_id(), RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid
            )
        )

    def creation(self, sop_class: str, uid: str | None = None) -> NCreateRQ:
        """Return the N-CREATE-RQ for an instance, by default with a new UID."""
        return NCreateRQ(
            MessageID=self.wire.next_message_id(),
            AffectedSOPClassUID=sop_class,
            AffectedSOPInstanceUID=uid or self.peer.random_uid(),
        )

    # --- Data Sets ---

    def film_box(self, ImageDisplayFormat: str = r"STANDARD\1,1", **values: object) -> Dataset:
        """Return the Data Set of a film box of this session."""
        reference = Dataset(ReferencedSOPClassUID=BasicFilmSession, ReferencedSOPInstanceUID=self.session_uid)
        return Dataset(ImageDisplayFormat=ImageDisplayFormat, ReferencedFilmSessionSequence=[reference], **values)

    def image_box(self, rows: int = 32, columns: int = 32, pixels: bytes | None = None, **values: object) -> Dataset:
        """Return the Data Set of an image box with an 8-bit image, whose pixels are 0 unless ``pixels`` are given.

        ``values`` set attributes of the image.
        """
        length = rows * columns * (3 if self.is_color else 1)
        color = {"SamplesPerPixel": 3, "PlanarConfiguration": 1, "PhotometricInterpretation": "RGB"}
        gray = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"}
        image = Dataset(
            **(color if self.is_color else gray),
            Rows=rows,
            Columns=columns,
            BitsAllocated=8,
            BitsStored=8,
            HighBit=7,
            PixelRepresentation=0,
        )
        for keyword, value in values.items():
            image[keyword] = value
        image["PixelData"] = bytes(length + length % 2) if pixels is None else pixels
        content = Dataset(ImageBoxPosition=1)
        content["BasicColorImageSequence" if self.is_color else "BasicGrayscaleImageSequence"] = [image]
        return content

    # --- preparation ---

    @contextmanager
    def patiently(self) -> Iterator[None]:
        """In this block, no answer is judged: wait for each one up to the time limit of preparation."""
        self.patience = self.peer.target.preparation
        try:
            yield
        finally:
            self.patience = None

    async def prepare_session(self) -> None:
        """Create a film session. Raises `Unprepared` if the peer does not create it."""
        with self.patiently():
            _require_success(await self.create_session(), "the film session was not created")

    async def prepare_film_box(self, data: Dataset | None = None) -> None:
        """Create a film box, and a film session if there is none.

        Raises `Unprepared` if the peer does not create them, or names no image box.
        """
        if not self.session_uid:
            await self.prepare_session()
        with self.patiently():
            _require_success(await self.create_film_box(data), "the film box was not created")
        if not self.image_uids:
            raise Unprepared("the film box has no image box")

    async def remove(self, sop_class: str, uid: str) -> None:
        """Delete an instance. Raises `Unprepared` if the peer does not delete it."""
        with self.patiently():
            _require_success(await self.delete(sop_class, uid), f"the instance {uid} was not deleted")

    async def clean(self) -> None:
        """Delete the film box and the film session, as long as the association is open and the peer answers."""
        for sop_class, uid in ((BasicFilmBox, self.film_uid), (BasicFilmSession, self.session_uid)):
            if uid and self.wire.is_associated and not isinstance(await self.delete(sop_class, uid), Answered):
                return

    @asynccontextmanager
    async def cleaned(self) -> AsyncIterator[Self]:
        """Clean up after this block.

        If the block raises an error, clean up unless the block was canceled or the peer still owes an answer.
        """
        try:
            yield self
        except Exception:
            if not (self.wire.events and isinstance(self.wire.events[-1], Silent)):
                await self.clean()
            raise
        await self.clean()


def _require_success(seen: Seen, failure: str) -> None:
    if not succeeded(seen):
        raise Unprepared(f"{failure}: {seen}")


def _image_uids(data: Dataset | None) -> list[str]:
    boxes = None if data is None else data.get("ReferencedImageBoxSequence")
    items = [item for item in boxes if isinstance(item, Dataset)] if isinstance(boxes, list) else []
    uids = (str(item.get("ReferencedSOPInstanceUID")) for item in items)
    return [uid for uid in uids if is_valid_uid(uid)]  # requests cannot be made for invalid UIDs


@asynccontextmanager
async def print_session(
    peer: Peer,
    syntaxes: Iterable[str] = (ImplicitVRLittleEndian,),
    *,
    max_length: int = OUR_MAXIMUM_LENGTH,
    is_needed: bool = True,
) -> AsyncIterator[PrintSession]:
    """Open an association for grayscale print, or for color if the peer prints only color; clean up afterwards.

    Raises `Unprepared` if there is no association, and, with the verdict UNIMPLEMENTED, if the peer refuses a context
    that ``is_needed``. ``max_length`` is our Maximum Length, in octets.
    """
    is_gray = Flags.GRAY_META in peer.flags or Flags.COLOR_META not in peer.flags
    meta = BasicGrayscalePrintManagementMeta if is_gray else BasicColorPrintManagementMeta
    proposed = tuple(syntaxes)
    wire = await peer.associate({CONTEXT_ID: (meta, proposed)}, user_information=peer.user_information(max_length))
    agreed = wire.contexts.get(CONTEXT_ID)
    if agreed is None and is_needed:
        raise Unprepared("the peer refuses the context for print", Verdict.UNIMPLEMENTED)
    session = PrintSession(peer, wire, meta, syntax_of(agreed[1] if agreed else proposed[0]), agreed is not None)
    async with session.cleaned():
        yield session
