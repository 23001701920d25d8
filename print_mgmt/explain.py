"""The films of a recorded association, as they change with each message, for the pages of `dimse.explain`.

A film changes with each response that is not a failure. At N-ACTION, it is rendered at a low resolution, as the printer
of this package would print it; tones and margins of the recorded printer may differ.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, decode, tag_of
from dimse.errors import DimseError, escaped
from dimse.explain import ACCEPTOR, REQUESTOR, CompleteMessage, ViewEvent
from dimse.explain.pictures import Picture, png_of, stride
from dimse.message import (
    Message,
    NActionRQ,
    NCreateRQ,
    NDeleteRQ,
    NEventReportRQ,
    NSetRQ,
    Request,
    Response,
)
from dimse.packaged import packaged_text
from dimse.uids import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    PresentationLUT,
)

from .film import Sheet, lay_out, render
from .film.formats import MM_PER_INCH
from .items import from_item, lut_from
from .model import FilmBox, ImageBox, StoredLUT, plain_sheet
from .sop import EVENTS, IMAGE_SEQUENCE, TITLES
from .status import is_performed
from .typed import integer, items, text

__all__ = ["FilmView"]

_PAGE_SIDE = 480  # pixels of the longer side of a rendered film
_DEFAULT = Sheet(ImageDisplayFormat="STANDARD\\1,1")
_MAX_OUTSTANDING = 1000  # requests whose response is awaited; further requests are not shown
_TERM = re.compile(r"[A-Z\d _\\,]{1,64}")  # a term, or an Image Display Format
_WORDS = {
    BasicFilmSession: ("NumberOfCopies", "PrintPriority", "MediumType", "FilmDestination"),
    BasicFilmBox: ("ImageDisplayFormat", "FilmOrientation", "FilmSizeID", "MagnificationType"),
}


@dataclass(slots=True)
class _Instances:
    """The instances that exist at this point of the recording, by UID."""

    films: dict[str, FilmBox] = field(default_factory=dict)
    images: dict[str, tuple[str, ImageBox]] = field(default_factory=dict)  # with the UID of the film
    luts: dict[str, StoredLUT] = field(default_factory=dict)
    sessions: dict[str, Dataset] = field(default_factory=dict)
    session_of: dict[str, str] = field(default_factory=dict)  # by the UID of the film; "" if unknown


class FilmView:
    """A `dimse.explain.View` of printing, which sees the messages of one association."""

    def __init__(self) -> None:
        self._instances = _Instances()
        self._requests: dict[tuple[str, int], tuple[Message, Dataset]] = {}  # by side and Message ID

    def see(self, side: str, message: CompleteMessage) -> Iterator[ViewEvent]:
        """Yield the changes by a message: a response that is not a failure, or an event of the printer or a job.

        If a change cannot be shown, yield one event with the reason instead, and no further changes.
        """
        try:
            yield from self._changes(side, message)
        except DimseError as exc:
            yield ViewEvent(name="not shown", words=escaped(str(exc)), is_fault=True)

    def _changes(self, side: str, message: CompleteMessage) -> Iterator[ViewEvent]:
        content = message.message
        if isinstance(content, NEventReportRQ):
            yield from _event(content)
        elif isinstance(content, Request) and len(self._requests) < _MAX_OUTSTANDING:
            self._requests[side, content.MessageID] = content, _data_set(message)
        elif isinstance(content, Response):
            requester = ACCEPTOR if side == REQUESTOR else REQUESTOR
            request, sent = self._requests.pop((requester, content.MessageIDBeingRespondedTo), (None, Dataset()))
            if request is not None and is_performed(content.Status):
                yield from self._apply(request, sent, content, _data_set(message))

    def sentence(self, tag: int) -> tuple[str, str]:
        """Return a sentence about an attribute of Print Management, and the defining table; both "" if unknown."""
        return _sentences().get(tag, ("", ""))

    def _apply(self, request: Message, sent: Dataset, response: Response, received: Dataset) -> Iterable[ViewEvent]:
        match request:
            case NCreateRQ():
                uid = getattr(response, "AffectedSOPInstanceUID", None) or request.AffectedSOPInstanceUID or ""
                return self._create(request.AffectedSOPClassUID, uid, sent, received)
            case NSetRQ():
                return self._set(request.RequestedSOPInstanceUID, sent)
            case NActionRQ():
                return self._print(request.RequestedSOPInstanceUID)
            case NDeleteRQ():
                self._delete(request.RequestedSOPInstanceUID)
        return ()

    def _create(self, sop_class: str, uid: str, sent: Dataset, received: Dataset) -> Iterator[ViewEvent]:
        instances = self._instances
        if sop_class == PresentationLUT:
            instances.luts[uid] = StoredLUT(SOPInstanceUID=uid, attributes=sent, lut=lut_from(sent))
        elif sop_class == BasicFilmSession:
            instances.sessions[uid] = sent
            yield ViewEvent(name="film session", words=_words(sop_class, sent), key=uid)
        elif sop_class == BasicFilmBox:
            attributes = _merge(sent, received)  # the response has the defaults of the printer
            film = FilmBox(SOPInstanceUID=uid, attributes=attributes, plain=_sheet(attributes), image_boxes=())
            session = _reference(sent, "ReferencedFilmSessionSequence")  # raises an error if it cannot be read
            self._delete_film(uid)  # the recording may lack its deletion
            instances.films[uid], instances.session_of[uid] = film, session
            film.lut = self._lut(sent)
            film.image_boxes = tuple(_image_boxes(received))
            instances.images.update((box.SOPInstanceUID, (uid, box)) for box in film.image_boxes)
            yield _layout(film)

    def _lut(self, attributes: Dataset) -> StoredLUT | None:
        return self._instances.luts.get(_reference(attributes, "ReferencedPresentationLUTSequence"))

    def _set(self, uid: str, sent: Dataset) -> Iterator[ViewEvent]:
        instances = self._instances
        if uid in instances.images:
            film, box = instances.images[uid]
            yield from _fill(film, box, sent, self._lut(sent))
        elif uid in instances.films:
            film_box = instances.films[uid]
            film_box.attributes = _merge(film_box.attributes, sent)
            film_box.plain = _sheet(film_box.attributes)
            film_box.lut = self._lut(sent) or film_box.lut
            yield _layout(film_box)
        elif uid in instances.sessions:
            instances.sessions[uid] = _merge(instances.sessions[uid], sent)
            yield ViewEvent(name="film session", words=_words(BasicFilmSession, instances.sessions[uid]), key=uid)

    def _print(self, uid: str) -> Iterator[ViewEvent]:
        """Yield the printed film box ``uid``, or the printed films of the film session ``uid``.

        A film whose session is unknown counts as a film of this session.
        """
        films, session_of = self._instances.films, self._instances.session_of
        uids = [uid] if uid in films else [one for one in films if session_of[one] in ("", uid)]
        for film in (films[one] for one in uids):
            sheet = film.sheet(tuple(box.cell() for box in film.image_boxes))
            layout = lay_out(sheet)
            dpi = max(1, int(_PAGE_SIDE * MM_PER_INCH / max(layout.width, layout.height)))
            picture = _picture(render(sheet, dpi, is_preview=True).pixels)
            yield ViewEvent(
                name="printed film",
                words=_words(BasicFilmBox, film.attributes),
                image=picture.png,
                width=picture.width,
                height=picture.height,
                key=film.SOPInstanceUID,
            )

    def _delete(self, uid: str) -> None:
        """Delete an instance; with a film session, also its films (PS3.4 H.4.1.2.3)."""
        instances = self._instances
        if instances.sessions.pop(uid, None) is not None:
            for film in [film for film, session in instances.session_of.items() if session == uid]:
                self._delete_film(film)
        self._delete_film(uid)
        instances.luts.pop(uid, None)

    def _delete_film(self, uid: str) -> None:
        """Delete a film box, if there is one, with its image boxes (PS3.4 H.4.2.2.3)."""
        instances = self._instances
        film = instances.films.pop(uid, None)
        if film is not None:
            del instances.session_of[uid]
            for box in film.image_boxes:
                instances.images.pop(box.SOPInstanceUID, None)


def _image_boxes(received: Dataset) -> Iterator[ImageBox]:
    """Yield the image boxes that the response to the N-CREATE of a film box lists."""
    for position, item in enumerate(items(received, "ReferencedImageBoxSequence"), 1):
        sop_class, uid = text(item, "ReferencedSOPClassUID"), text(item, "ReferencedSOPInstanceUID")
        yield ImageBox(SOPClassUID=sop_class, SOPInstanceUID=uid, ImageBoxPosition=position)


def _reference(attributes: Dataset, keyword: str) -> str:
    """Return the instance UID in the first item of the sequence ``keyword``; "" if there is no item."""
    return next((text(item, "ReferencedSOPInstanceUID") for item in items(attributes, keyword)), "")


def _data_set(message: CompleteMessage) -> Dataset:
    """Return the Data Set of a message; an empty one if the message has none, or has one that cannot be read.

    If only a sequence in it cannot be read, access to this sequence raises the error.
    """
    if message.syntax is None or message.fault or not message.data:
        return Dataset()
    return decode(message.data, message.syntax, isolate=True)


def _merge(before: Dataset, changes: Dataset) -> Dataset:
    merged = before.copy()
    for element in changes:
        merged.add(element)
    return merged


def _sheet(attributes: Dataset) -> Sheet:
    """Return the sheet of a film box, without its images.

    Attributes that the recording does not contain have the defaults of `Sheet`. The film is shown without
    annotations, because the annotation formats of the printer are unknown.
    """
    sheet = plain_sheet(attributes)
    return replace(
        sheet,
        FilmSizeID=sheet.FilmSizeID or _DEFAULT.FilmSizeID,
        MagnificationType=sheet.MagnificationType or _DEFAULT.MagnificationType,
        AnnotationDisplayFormatID="",
    )


def _words(sop_class: str, attributes: Dataset) -> str:
    """Return the attributes that describe an instance, in one line; values that are not terms are left out."""
    values = (text(attributes, keyword) for keyword in _WORDS[sop_class] if keyword != "NumberOfCopies")
    copies = integer(attributes, "NumberOfCopies", 0) if sop_class == BasicFilmSession else 0
    counted = [f"{copies} {'copy' if copies == 1 else 'copies'}"] if copies else []
    terms = (value for value in values if _TERM.fullmatch(value))
    return escaped(", ".join([*counted, *terms])) or "with the defaults of the printer"


def _layout(film: FilmBox) -> ViewEvent:
    """Return the layout of a film as an event: its boxes, without images; its width and height are in mm."""
    layout = lay_out(film.plain)
    boxes = tuple(
        (box.x / layout.width, box.y / layout.height, box.width / layout.width, box.height / layout.height, str(number))
        for number, box in enumerate(layout.boxes, 1)
    )
    return ViewEvent(
        name="film box",
        words=_words(BasicFilmBox, film.attributes),
        width=round(layout.width),
        height=round(layout.height),
        boxes=boxes,
        key=film.SOPInstanceUID,
    )


def _fill(film: str, box: ImageBox, sent: Dataset, lut: StoredLUT | None) -> Iterator[ViewEvent]:
    """Put the image of an N-SET into its box, or empty the box; yield the event."""
    is_color = box.SOPClassUID == BasicColorImageBox
    keyword = IMAGE_SEQUENCE.get(box.SOPClassUID, IMAGE_SEQUENCE[BasicGrayscaleImageBox])
    box.attributes = sent
    box.ImageBoxPosition = integer(sent, "ImageBoxPosition", box.ImageBoxPosition)
    box.lut = lut or box.lut
    image = items(sent, keyword)
    if not image:
        box.image = None
        yield ViewEvent(name="image box", words="empty", key=box.SOPInstanceUID, box=(film, box.ImageBoxPosition - 1))
        return
    box.image = from_item(image[0], color=is_color)
    rows, columns = box.image.pixels.shape[:2]
    step = stride(rows, columns)
    pixels = box.image.pixels[::step, ::step]
    gray = (pixels >> (box.image.BitsStored - 8)).astype(np.uint8)
    if (box.image.PhotometricInterpretation == "MONOCHROME1") != (text(sent, "Polarity") == "REVERSE"):
        gray = 255 - gray
    picture = _picture(gray)
    yield ViewEvent(
        name=f"image box {box.ImageBoxPosition}",
        words=f"{columns} by {rows} pixels, {box.image.BitsStored} bits, {box.image.PhotometricInterpretation}",
        image=picture.png,
        width=picture.width,
        height=picture.height,
        key=box.SOPInstanceUID,
        box=(film, box.ImageBoxPosition - 1),
    )


def _picture(pixels: NDArray[np.uint8 | np.uint16]) -> Picture:
    samples = 3 if pixels.ndim == 3 else 1
    rows: Sequence[bytes] = [row.tobytes() for row in pixels.astype(np.uint8, copy=False)]
    return png_of(rows, samples)


def _event(event: NEventReportRQ) -> Iterator[ViewEvent]:
    names = EVENTS.get(event.AffectedSOPClassUID, {})
    if event.EventTypeID in names:
        title = TITLES[event.AffectedSOPClassUID].lower()
        yield ViewEvent(name=title, words=names[event.EventTypeID].lower(), key=title)


@cache
def _sentences() -> dict[int, tuple[str, str]]:
    rows = (line.split("\t") for line in packaged_text("print_mgmt", "sentences.tsv").splitlines())
    return {tag_of(keyword): (sentence, table) for keyword, table, sentence in rows}
