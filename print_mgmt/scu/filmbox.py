"""A film box on a printer, with its image and annotation boxes: PS3.4 H.4.2 to H.4.4."""

from dimse.data import Dataset, Value
from dimse.errors import AssociationAborted, EncodeError, RemoteProtocolError
from dimse.message import Response, is_failure
from dimse.uids import BasicAnnotationBox, BasicFilmBox, BasicFilmSession, BasicPrintImageOverlayBox, ImageOverlayBox
from dimse.uids import PresentationLUT as PresentationLUTClass

from ..attributes import IMAGE_BOX, pick
from ..film import MAX_BOXES, Overlay, PrintImage
from ..items import to_item
from ..model import reference
from ..sop import IMAGE_BOX as IMAGE_BOX_OF
from ..sop import IMAGE_SEQUENCE
from ..typed import items, text
from .operations import Operations
from .overlays import create_overlay, overlay_class
from .style import Action, Printable, Style
from .watching import Events, Job

__all__ = ["FilmBox"]

_WAYS: dict[Action, tuple[Action, ...]] = {
    "auto": ("film", "session"),
    "film": ("film",),
    "session": ("session",),
}

# What printers say to an N-ACTION that they do not know, on a film box or on a session. A failure
# status means that nothing was done, so the other one may be tried.
_NOT_KNOWN = frozenset({0x0110, 0x0112, 0x0118, 0x0119, 0x0122, 0x0123, 0x0211})


class FilmBox:
    """A Basic Film Box on the printer. Made by `FilmSession.film_box`.

    ``image_boxes`` and ``annotation_boxes`` are the UIDs of its boxes: position 1 is the first of them.
    ``name`` is what errors and warnings call it; ``was_asked`` says that the printer was asked to print it.
    """

    def __init__(self, operations: Operations, events: Events, style: Style, session: str, name: str) -> None:
        self.name = name
        self.SOPInstanceUID = ""
        self.image_boxes: tuple[str, ...] = ()
        self.annotation_boxes: tuple[str, ...] = ()
        self.was_asked = False
        self._operations = operations
        self._events = events
        self._style = style
        self._session = session
        self._image_class = IMAGE_BOX_OF[operations.meta]

    async def create(self, attributes: Dataset) -> None:
        """N-CREATE. Raises `RemoteProtocolError` when the printer makes no image boxes, or one of them twice."""
        attributes = attributes.copy()
        attributes.ReferencedFilmSessionSequence = [reference(BasicFilmSession, self._session)]
        if "ImageDisplayFormat" not in attributes:
            attributes.ImageDisplayFormat = "STANDARD\\1,1"
        uid, response = await self._operations.create(self.name, BasicFilmBox, attributes)
        returned = self._operations.reply(BasicFilmBox, response)
        self.image_boxes = self._boxes(returned, "ReferencedImageBoxSequence")
        self.annotation_boxes = self._boxes(returned, "ReferencedBasicAnnotationBoxSequence")
        if not any(self.image_boxes):
            raise RemoteProtocolError(f"N-CREATE of {self.name}: the printer returned no image boxes")
        if "" in self.image_boxes:  # to pass over it would shift the images behind it
            unnamed = f"image box {self.image_boxes.index('') + 1} without a Referenced SOP Instance UID (0008,1155)"
            raise RemoteProtocolError(f"N-CREATE of {self.name}: the printer returned {unnamed}")
        self.SOPInstanceUID = uid

    def _boxes(self, returned: Dataset, keyword: str) -> tuple[str, ...]:
        """The instances of a sequence of references, by position; empty where one has no UID.

        Their class may be wrong: CTN names the Meta SOP Class.
        """
        references = items(returned, keyword)
        if len(references) > MAX_BOXES:
            raise RemoteProtocolError(f"N-CREATE of {self.name}: {keyword} has {len(references)} items")
        boxes = tuple(text(box, "ReferencedSOPInstanceUID") for box in references)
        named = tuple(filter(None, boxes))
        if len(set(named)) < len(named):  # one image would replace the other
            raise RemoteProtocolError(f"N-CREATE of {self.name}: {keyword} has an instance twice")
        return boxes

    async def annotate(self, position: int, text: str) -> None:
        """Write into the annotation box at ``position``, from 1: N-SET, PS3.4 H.4.4.

        There are annotation boxes where the film box has an Annotation Display Format ID that the printer knows.
        Raises `EncodeError` for a position that is not there, and for what no text can hold.
        """
        if not 1 <= position <= len(self.annotation_boxes):
            have = f"1 to {len(self.annotation_boxes)}" if self.annotation_boxes else "none"
            raise EncodeError(f"{self.name} has annotation boxes {have}, not {position}", path="AnnotationPosition")
        if "\\" in text:
            raise EncodeError(f"{text!a} has a backslash, which parts values (PS3.5 6.4)", path="TextString")
        dataset = Dataset(AnnotationPosition=position, TextString=text)
        what, uid = f"annotation {position} of {self.name}", self.annotation_boxes[position - 1]
        if not uid:
            raise RemoteProtocolError(f"{what}: the printer returned no UID for its box (0008,1155)")
        await self._operations.set(what, BasicAnnotationBox, uid, dataset)

    async def set_image(
        self,
        position: int,
        image: Printable,
        *,
        overlay: Overlay | None = None,
        presentation_lut: str = "",
        **attributes: Value,
    ) -> None:
        """Put ``image`` into the image box at ``position``, from 1: N-SET.

        ``attributes`` are those of the image box, by keyword, such as ``Polarity="REVERSE"``. ``overlay`` is laid on
        the image by the printer; ``presentation_lut`` is what `FilmSession.presentation_lut` has returned.
        Raises `ImageError` for what cannot be printed, `EncodeError` for a position that is not there,
        `ContextNotAccepted` where the printer has no overlays.
        """
        dataset = pick(IMAGE_BOX, attributes)
        if presentation_lut:
            dataset.ReferencedPresentationLUTSequence = [reference(PresentationLUTClass, presentation_lut)]
        await self.put(position, await self._style.first(image), dataset, overlay)

    async def put(
        self, position: int, image: PrintImage, attributes: Dataset, overlay: Overlay | None = None
    ) -> Response:
        """Put an image that is prepared, with attributes as a Data Set, as `set_image` does; return the response."""
        if not 1 <= position <= len(self.image_boxes):
            what = f"{self.name} has image boxes 1 to {len(self.image_boxes)}, not {position}"
            raise EncodeError(what, path="ImageBoxPosition")
        operations, uid = self._operations, self.image_boxes[position - 1]
        what = f"image {position} of {self.name}"
        for note in image.notes:
            operations.warn(f"{what}: {note}")
        dataset = attributes.copy()
        dataset.ImageBoxPosition = position
        dataset[IMAGE_SEQUENCE[self._image_class]] = [to_item(image)]
        kind = None if overlay is None else overlay_class(operations)
        if overlay is not None and kind == BasicPrintImageOverlayBox:
            laid = await create_overlay(operations, f"the overlay of {what}", kind, overlay)
            dataset.ReferencedImageOverlayBoxSequence = [laid]
        response = await operations.set(what, self._image_class, uid, dataset)
        if overlay is not None and kind == ImageOverlayBox:
            on = reference(self._image_class, uid)
            await create_overlay(operations, f"the overlay of {what}", kind, overlay, on)
        return response

    async def print(self) -> Job:
        """N-ACTION; the print job, whose UID is empty where the printer names none.

        Where the printer knows no N-ACTION on a film box it is asked to print the session, and at
        once from then on. Raises `PrintFailed`.
        """
        if not self._operations.association.is_open:
            raise AssociationAborted(0, 0, f"the association ended before {self.name} could be printed")
        self.was_asked = True
        style = self._style
        response = refusal = None
        sop_class = BasicFilmBox
        for way in _WAYS[style.action]:
            sop_class, uid = self._target(way)
            response = await self._operations.print(sop_class, uid, with_data=style.action_data)
            if not is_failure(response.Status):
                refusal, style.action = None, way
                break
            refusal = refusal or response
            if response.Status not in _NOT_KNOWN:
                break
        assert response is not None
        self._operations.check(f"N-ACTION (Print) of {self.name}", refusal or response)
        return Job(self._operations.print_job(sop_class, response), self._operations, self._events)

    def _target(self, way: Action) -> tuple[str, str]:
        if way == "session":
            return BasicFilmSession, self._session
        return BasicFilmBox, self.SOPInstanceUID
