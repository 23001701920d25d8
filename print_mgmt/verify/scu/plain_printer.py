"""The plain printer of the tester, for an SCU under test: it follows PS3.4 Annex H, and prints nothing.

Each request that it refuses breaks a rule, but it also accepts some requests that break one. It accepts all values that
a printer may support. The seed of the run determines its UIDs. Contexts of Print Job and of Printer Configuration
Retrieval are refused unless a case asks for them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from dimse.data import Dataset
from dimse.errors import DimseError
from dimse.message import CEchoRQ, NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request
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
    PrinterInstance,
    Verification,
)
from dimse.verify.scu import Answer
from dimse.verify.scu.service import BOTH_SYNTAXES

from ...film.formats import read_format

__all__ = ["IMAGE_BOXES", "SUPPORTED", "MadeFilm", "PlainPrinter"]

IMAGE_BOXES = {
    BasicGrayscalePrintManagementMeta: BasicGrayscaleImageBox,
    BasicColorPrintManagementMeta: BasicColorImageBox,
}
SUPPORTED: Mapping[str, Sequence[str]] = dict.fromkeys(
    (Verification, *IMAGE_BOXES, PresentationLUT, BasicAnnotationBox, Printer), BOTH_SYNTAXES
)
_DUPLICATE, _NO_INSTANCE, _MISSING, _INVALID_VALUE, _NOT_AN_OPERATION = 0x0111, 0x0112, 0x0120, 0x0106, 0x0211
_ANNOTATIONS = 6  # annotation boxes of a film with an Annotation Display Format
_SLIDES = {"SLIDE": 20, "SUPERSLIDE": 12}  # image boxes, one for each mount on a film
_STATUS = Dataset(PrinterStatus="NORMAL", PrinterStatusInfo="NORMAL", PrinterName="PLAIN", Manufacturer="VERIFY")


@dataclass(slots=True)
class MadeFilm:
    """A film box; ``boxes`` maps the UIDs of its image and annotation boxes to their SOP Classes."""

    uid: str
    boxes: dict[str, str] = field(default_factory=dict)


class PlainPrinter:
    """The print service and Verification for one association."""

    def __init__(self, random: Random, supported: Mapping[str, Sequence[str]] = SUPPORTED) -> None:
        self.supported = supported
        self.session = ""
        self.films: list[MadeFilm] = []
        self.luts: set[str] = set()
        self._random = random

    def perform(self, abstract_syntax: str, request: Request, data: Dataset | None) -> Answer:
        """Return the right answer to a request."""
        given = data if data is not None else Dataset()
        match request:
            case CEchoRQ():
                return Answer()
            case NGetRQ(RequestedSOPClassUID=sop_class):
                known = sop_class == Printer and request.RequestedSOPInstanceUID in ("", PrinterInstance)
                return (
                    Answer(data=_attributes_of(_STATUS, request.AttributeIdentifierList))
                    if known
                    else Answer(_NO_INSTANCE)
                )
            case NCreateRQ(AffectedSOPClassUID=sop_class):
                return self._create(abstract_syntax, sop_class, request.AffectedSOPInstanceUID or "", given)
            case NSetRQ(RequestedSOPInstanceUID=uid) | NActionRQ(RequestedSOPInstanceUID=uid):
                return Answer() if self._knows(uid) else Answer(_NO_INSTANCE)
            case NDeleteRQ(RequestedSOPInstanceUID=uid):
                return self._delete(uid)
        return Answer(_NOT_AN_OPERATION)

    def new_uid(self) -> str:
        """Return a new UID, which the seed of the run determines."""
        return f"2.25.{self._random.getrandbits(100)}"

    def _create(self, abstract_syntax: str, sop_class: str, uid: str, given: Dataset) -> Answer:
        if uid and self._knows(uid):
            return Answer(_DUPLICATE)
        uid = uid or self.new_uid()
        match sop_class:
            case _ if sop_class == BasicFilmSession:
                self.session, self.films = uid, []
                return Answer(instance=uid)
            case _ if sop_class == BasicFilmBox:
                return self._create_film(abstract_syntax, uid, given)
            case _ if sop_class == PresentationLUT:
                self.luts.add(uid)
                return Answer(instance=uid)
        return Answer(_NOT_AN_OPERATION)

    def _create_film(self, abstract_syntax: str, uid: str, given: Dataset) -> Answer:
        display_format = str(given.get("ImageDisplayFormat") or "")
        if not display_format or not given.get("ReferencedFilmSessionSequence"):
            return Answer(_MISSING)
        try:
            count = _box_count(display_format)
        except DimseError:
            return Answer(_INVALID_VALUE)
        film = MadeFilm(uid)
        image_class = IMAGE_BOXES.get(abstract_syntax, BasicGrayscaleImageBox)
        images = [(image_class, self.new_uid()) for _ in range(count)]
        annotations = [
            (BasicAnnotationBox, self.new_uid())
            for _ in range(_ANNOTATIONS if given.get("AnnotationDisplayFormatID") else 0)
        ]
        film.boxes = {box: box_class for box_class, box in images + annotations}
        self.films.append(film)
        data = Dataset(ReferencedImageBoxSequence=references(images))
        if annotations:
            data["ReferencedBasicAnnotationBoxSequence"] = references(annotations)
        return Answer(instance=uid, data=data)

    def _knows(self, uid: str) -> bool:
        films = {film.uid for film in self.films}.union(*(film.boxes for film in self.films))
        return uid != "" and (uid == self.session or uid in films or uid in self.luts)

    def _delete(self, uid: str) -> Answer:
        if not self._knows(uid):
            return Answer(_NO_INSTANCE)
        if uid == self.session:
            self.session, self.films = "", []
        self.films = [film for film in self.films if film.uid != uid]
        self.luts.discard(uid)
        return Answer()


def references(boxes: Sequence[tuple[str, str]]) -> list[Dataset]:
    """Return the items of a sequence of references to ``boxes``, each given by SOP Class and Instance UID."""
    return [Dataset(ReferencedSOPClassUID=uid, ReferencedSOPInstanceUID=instance) for uid, instance in boxes]


def _box_count(display_format: str) -> int:
    """Return the number of image boxes of an Image Display Format. Raises `LayoutError`."""
    found = read_format(display_format)
    return sum(found.counts) if found.numbers and found.name != "CUSTOM" else _SLIDES.get(found.name, 1)


def _attributes_of(data: Dataset, tags: Sequence[int] | None) -> Dataset:
    """Return the attributes with these tags, or all attributes if there are no tags."""
    if not tags:
        return data
    found = Dataset()
    for element in data:
        if int(element.tag) in tags:
            found[int(element.tag)] = element.value
    return found
