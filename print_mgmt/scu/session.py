"""A film session on a printer, with its film boxes, images and annotations, for an SCU (PS3.4 H.4.1 to H.4.4)."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Unpack, overload

from dimse.data import Dataset, Value
from dimse.errors import AssociationAborted, ContextNotAccepted, EncodeError, RemoteProtocolError
from dimse.message import Response
from dimse.uids import BasicAnnotationBox, BasicFilmBox, BasicFilmSession, BasicPrintImageOverlayBox, ImageOverlayBox
from dimse.uids import PresentationLUT as PresentationLUTClass

from ..attributes import FILM_BOX, IMAGE_BOX, pick
from ..film import MAX_BOXES, Overlay, PresentationLUT, PrintImage
from ..images import ImageOptions
from ..items import lut_dataset, overlay_dataset, to_item
from ..model import reference
from ..sop import IMAGE_BOX as IMAGE_BOX_OF
from ..sop import IMAGE_SEQUENCE
from ..status import is_performed
from ..typed import items, text
from .connection import Connection
from .events import Job
from .operations import Operations, in_charset
from .options import Action, Printable

__all__ = ["FilmBox", "FilmSession"]

_ACTIONS: dict[Action, tuple[Action, ...]] = {
    "auto": ("film", "session"),
    "film": ("film",),
    "session": ("session",),
}

# Failure statuses of printers that cannot print film boxes, or cannot print sessions. A failure status means that
# nothing was printed, so N-ACTION of the other instance may be tried.
_TRY_OTHER_INSTANCE = frozenset({0x0110, 0x0112, 0x0118, 0x0119, 0x0122, 0x0123, 0x0211})


class FilmBox:
    """A Basic Film Box on the printer. `FilmSession.film_box` creates it.

    ``image_boxes`` and ``annotation_boxes`` are the UIDs of its boxes, from position 1; an annotation box for which the
    printer returned no UID has "". ``name`` appears in errors and warnings. ``was_asked``: N-ACTION has been sent.
    """

    def __init__(self, session: "FilmSession", name: str) -> None:
        self.name = name
        self.SOPInstanceUID = ""
        self.image_boxes: tuple[str, ...] = ()
        self.annotation_boxes: tuple[str, ...] = ()
        self.was_asked = False
        self._session = session
        self._connection = session.connection
        self._operations = session.operations
        self._image_class = IMAGE_BOX_OF[session.operations.meta]
        self._pixels = session.connection.pixels

    async def create(self, attributes: Dataset) -> None:
        """Send N-CREATE.

        Raises `RemoteProtocolError` if the response names no image boxes, an image box without a UID, a box twice, or
        too many boxes; `DecodeError`; and `PrintFailed`. After the first two, the film box exists on the printer.
        """
        dataset = Dataset(
            ImageDisplayFormat="STANDARD\\1,1",
            ReferencedFilmSessionSequence=[reference(BasicFilmSession, self._session.SOPInstanceUID)],
        )
        dataset.update(attributes)
        uid, response = await self._operations.create(self.name, BasicFilmBox, dataset)
        returned = self._operations.reply(BasicFilmBox, response)
        self.image_boxes = self._boxes(returned, "ReferencedImageBoxSequence")
        self.annotation_boxes = self._boxes(returned, "ReferencedBasicAnnotationBoxSequence")
        if not self.image_boxes:
            raise RemoteProtocolError(f"N-CREATE of {self.name}: the printer returned no image boxes")
        if "" in self.image_boxes:  # skipping this box would shift the other images
            unnamed = f"image box {self.image_boxes.index('') + 1} without a Referenced SOP Instance UID (0008,1155)"
            raise RemoteProtocolError(f"N-CREATE of {self.name}: the printer returned {unnamed}")
        self.SOPInstanceUID = uid

    def _boxes(self, returned: Dataset, keyword: str) -> tuple[str, ...]:
        """Return the UIDs in a reference sequence, by position; the UID is empty if a reference has none.

        The SOP Class of a reference is ignored, because CTN sends the Meta SOP Class.
        """
        references = items(returned, keyword)
        if len(references) > MAX_BOXES:
            what = f"{keyword} has {len(references)} items, more than {MAX_BOXES}"
            raise RemoteProtocolError(f"N-CREATE of {self.name}: {what}")
        boxes = tuple([text(box, "ReferencedSOPInstanceUID") for box in references])
        named = tuple(filter(None, boxes))
        if len(set(named)) < len(named):  # one image would replace another
            raise RemoteProtocolError(f"N-CREATE of {self.name}: {keyword} names an instance twice")
        return boxes

    async def annotate(self, position: int, text: str) -> None:
        """Write ``text`` into the annotation box at ``position``, from 1: N-SET, PS3.4 H.4.4.

        A film box has annotation boxes if the printer supports its Annotation Display Format ID. Raises `EncodeError`
        for a position without a box or for a text with a backslash; `RemoteProtocolError` if the printer returned no
        UID for the box; and `PrintFailed`.
        """
        if not 1 <= position <= len(self.annotation_boxes):
            last = len(self.annotation_boxes)
            boxes = f"annotation boxes 1 to {last}" if last else "no annotation box"
            raise EncodeError(f"{self.name} has {boxes}, so no box {position}", path="AnnotationPosition")
        if "\\" in text:
            raise EncodeError(f"{text!a} has a backslash, which separates values (PS3.5 6.4)", path="TextString")
        dataset = Dataset(AnnotationPosition=position, TextString=text)
        what, uid = f"annotation {position} of {self.name}", self.annotation_boxes[position - 1]
        if not uid:
            raise RemoteProtocolError(f"{what}: the printer returned no UID for its box (0008,1155)")
        await self._operations.set(what, BasicAnnotationBox, uid, in_charset(dataset))

    @overload
    async def set_image(self, position: int, image: Printable, **attributes: Value) -> None: ...

    @overload
    async def set_image(
        self,
        position: int,
        image: Printable,
        *,
        looks: ImageOptions | None = None,
        overlay: Overlay | None = None,
        presentation_lut: str = "",
        **attributes: Value,
    ) -> None: ...

    async def set_image(  # type: ignore[misc]  # the first overload is for a caller with **options, a dict[str, str]
        self,
        position: int,
        image: Printable,
        *,
        looks: ImageOptions | None = None,
        overlay: Overlay | None = None,
        presentation_lut: str = "",
        **attributes: Value,
    ) -> None:
        """Put ``image`` into the image box at ``position``, from 1: N-SET.

        ``attributes`` are attributes of the image box, by keyword, such as ``Polarity="REVERSE"``. ``looks`` are
        options of `print_mgmt.images.prepare`, such as ``{"window": "auto"}``. The printer burns ``overlay`` into the
        image. ``presentation_lut`` is a UID from `FilmSession.presentation_lut`. Raises `ImageError` for an image that
        cannot be printed; `EncodeError` for a position without a box or for a wrong attribute; `ContextNotAccepted` if
        the printer does not support overlays; and `PrintFailed`.
        """
        dataset = pick(IMAGE_BOX, attributes)
        if presentation_lut:
            dataset.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, presentation_lut)]
        await self.put(position, await self._pixels.first(image, **(looks or {})), dataset, overlay)

    async def put(
        self, position: int, image: PrintImage, attributes: Dataset, overlay: Overlay | None = None
    ) -> Response:
        """Put a prepared image into an image box, with the attributes as a Data Set; return the response.

        Raises what `set_image` raises, except for `ImageError`.
        """
        if not 1 <= position <= len(self.image_boxes):
            what = f"{self.name} has image boxes 1 to {len(self.image_boxes)}, not {position}"
            raise EncodeError(what, path="ImageBoxPosition")
        operations, uid = self._operations, self.image_boxes[position - 1]
        what = f"image {position} of {self.name}"
        for note in image.notes:
            operations.warn(f"{what}: {note}")
        dataset = Dataset(ImageBoxPosition=position, **{IMAGE_SEQUENCE[self._image_class]: [to_item(image)]})
        if attributes:
            dataset.update(in_charset(attributes))
        kind = None if overlay is None else _overlay_class(operations)
        if overlay is not None and kind == BasicPrintImageOverlayBox:
            created = await _create_overlay(operations, f"the overlay of {what}", kind, overlay)
            dataset.ReferencedImageOverlayBoxSequence = [created]
        response = await operations.set(what, self._image_class, uid, dataset)
        if overlay is not None and kind == ImageOverlayBox:
            image_box = reference(self._image_class, uid)
            await _create_overlay(operations, f"the overlay of {what}", kind, overlay, image_box)
        return response

    async def print(self) -> Job:
        """Send N-ACTION; return the print job, whose UID is empty if the response does not name a job.

        With the action "auto", if the printer cannot print film boxes, this and further films are printed with their
        session. Raises `PrintFailed`, and `AssociationAborted` if the association has ended.
        """
        if not self._operations.association.is_open:
            raise AssociationAborted(0, 0, f"the association ended before {self.name} could be printed")
        self.was_asked = True
        response = refusal = None
        sop_class = BasicFilmBox
        for action in _ACTIONS[self._connection.action]:
            sop_class, uid = self._target(action)
            response = await self._operations.print(sop_class, uid, with_data=self._connection.options.action_data)
            if is_performed(response.Status):
                refusal = None
                self._connection.learn_action(action)
                break
            refusal = refusal or response
            if response.Status not in _TRY_OTHER_INSTANCE:
                break
        assert response is not None
        self._operations.check(f"N-ACTION (Print) of {self.name}", refusal or response)
        return Job(self._operations.print_job(sop_class, response), self._operations, self._connection.events)

    def _target(self, action: Action) -> tuple[str, str]:
        if action == "session":
            return BasicFilmSession, self._session.SOPInstanceUID
        return BasicFilmBox, self.SOPInstanceUID


class FilmSession:
    """A Basic Film Session on the printer.

    ``lut`` is the UID of the Presentation LUT to which each new film box refers. ``lut`` is empty if there is no
    Presentation LUT, or if the session itself refers to it. ``was_asked``: N-ACTION of the session has been sent by
    `print`.
    """

    def __init__(self, connection: Connection, attributes: Dataset) -> None:
        self.connection = connection
        self.operations = connection.operations
        self.SOPInstanceUID = ""
        self.lut = ""
        self.films_created = 0
        self.was_asked = False
        self._attributes = attributes
        self._luts: list[str] = []
        self._holds_printed_film = False

    async def create(self) -> None:
        """Send N-CREATE. Raises `PrintFailed`, and `RemoteProtocolError` if the session gets no UID."""
        self.SOPInstanceUID, _ = await self.operations.create("the film session", BasicFilmSession, self._attributes)
        self._holds_printed_film = False

    async def delete(self) -> None:
        """Send N-DELETE for the session, which also deletes its film boxes, and for its Presentation LUTs."""
        await self._delete()
        for lut in self._luts:
            await self.operations.delete("the Presentation LUT", PresentationLUTClass, lut)
        self._luts.clear()

    async def _delete(self) -> None:
        await self.operations.delete("the film session", BasicFilmSession, self.SOPInstanceUID)

    async def print(self) -> Job:
        """Send N-ACTION for all films, with collated copies (PS3.4 H.4.1.2.4).

        Raises `PrintFailed`, and `AssociationAborted` if the association has ended.
        """
        if not self.operations.association.is_open:
            raise AssociationAborted(0, 0, "the association ended before the film session could be printed")
        self.was_asked = True
        with_data = self.connection.options.action_data
        response = await self.operations.print(BasicFilmSession, self.SOPInstanceUID, with_data=with_data)
        self.operations.check("N-ACTION (Print) of the film session", response)
        return Job(self.operations.print_job(BasicFilmSession, response), self.operations, self.connection.events)

    async def presentation_lut(self, lut: PresentationLUT) -> str:
        """Create a Presentation LUT (N-CREATE, PS3.4 H.4.9); return its UID, for film boxes or image boxes.

        Raises `ContextNotAccepted` if the printer does not support Presentation LUTs, and `PrintFailed`.
        """
        uid, _ = await self.operations.create("the Presentation LUT", PresentationLUTClass, lut_dataset(lut))
        self._luts.append(uid)
        return uid

    async def use_lut(self, lut: PresentationLUT, *, in_session: bool) -> None:
        """Use a Presentation LUT for all films. With ``in_session``, the session refers to it (CP 173).

        Call this method before `create`.
        """
        self.lut = await self.presentation_lut(lut)
        if in_session:
            self._attributes = self._attributes.copy()
            self._attributes.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, self.lut)]
            self.lut = ""

    async def prepare(self, image: Printable, **choices: Unpack[ImageOptions]) -> PrintImage:
        """Return the first frame of ``image`` in the format in which it is sent. Raises `ImageError`.

        ``choices`` are the options of `print_mgmt.images.prepare`, without ``color`` and ``bits``.
        """
        return await self.connection.pixels.first(image, **choices)

    def film_box(self, *, presentation_lut: str = "", **attributes: Value) -> AbstractAsyncContextManager[FilmBox]:
        """Create a film box (N-CREATE), and delete it at the end of the block (N-DELETE).

        ``attributes`` are attributes of the film box, by keyword. Without ImageDisplayFormat, the film has one image
        box. ``presentation_lut`` is a UID from the method `presentation_lut`. Raises `EncodeError` at once for a wrong
        attribute; the beginning of the block raises what `FilmBox.create` raises.
        """
        dataset = pick(FILM_BOX, attributes)
        if presentation_lut:
            dataset.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, presentation_lut)]
        return self.film_box_of(dataset)

    @asynccontextmanager
    async def film_box_of(self, attributes: Dataset) -> AsyncIterator[FilmBox]:
        """Create a film box as `film_box` does, with the attributes as a Data Set."""
        if self._holds_printed_film:
            # The printer did not delete that film, so N-ACTION of the session would print it again.
            await self._delete()
            await self.create()
        if self.lut and "ReferencedPresentationLUTSequence" not in attributes:
            attributes = attributes.copy()
            attributes.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, self.lut)]
        self.films_created += 1
        box = FilmBox(self, f"film {self.films_created}")
        await box.create(attributes)
        try:
            yield box
        finally:
            deleted = await self.operations.delete(box.name, BasicFilmBox, box.SOPInstanceUID)
            self._holds_printed_film = not deleted and self.connection.action == "session"


# --- overlays: an Image Overlay Box (PS3.4-1998) refers to its image box; with a Basic Print Image Overlay Box
# (PS3.4-2004), the image box refers to the overlay ---


def _overlay_class(operations: Operations) -> str:
    """Return the SOP Class of overlays on this printer, preferably the one of 2004. Raises `ContextNotAccepted`."""
    try:
        operations.context(BasicPrintImageOverlayBox)
    except ContextNotAccepted:
        operations.context(ImageOverlayBox)
        return ImageOverlayBox
    return BasicPrintImageOverlayBox


async def _create_overlay(
    operations: Operations, what: str, sop_class: str, overlay: Overlay, image_box: Dataset | None = None
) -> Dataset:
    """Create an overlay (N-CREATE); return a reference to it.

    An overlay of 1998 needs ``image_box``, the reference to its image box.
    """
    dataset = overlay_dataset(overlay)
    if image_box is not None:
        dataset.ReferencedImageBoxSequence = [image_box]
    uid, _ = await operations.create(what, sop_class, dataset)
    return reference(sop_class, uid)
