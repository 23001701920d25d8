"""What a print SCP keeps: PS3.3 C.13 as plain objects.

They hold the attributes as Data Sets, by their keywords, and the hierarchy as Python references: a session has film
boxes, a film box has image boxes and annotation boxes. What changes gets another Data Set, so that a copy may keep
the one there was. ``beside`` is what an instance takes in memory, in bytes, beside pixels. They belong to one
association and go with it. A Presentation LUT that something still refers to lives on when its instance is deleted, as
the standard asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from dimse.data import Dataset, Element
from dimse.uids import BasicAnnotationBox, BasicFilmBox, BasicFilmSession, VOILUTBox
from dimse.uids import PresentationLUT as PresentationLUTClass

from .film import FILM, Annotation, Cell, Imager, Overlay, PresentationLUT, PrintImage, Sheet, lay_out
from .film.placement import Box, pixel_box
from .typed import integer, real, text

__all__ = [
    "AnnotationBox",
    "FilmBox",
    "FilmCopy",
    "FilmSession",
    "ImageBox",
    "Instance",
    "OverlayBox",
    "Printer",
    "StoredLUT",
    "VOIBox",
    "Viewable",
    "plain_sheet",
    "reference",
]


def reference(sop_class: str, sop_instance: str) -> Dataset:
    """The item of a Referenced ... Sequence, PS3.3 Table 10-11."""
    item = Dataset(ReferencedSOPInstanceUID=sop_instance)
    item.add(_class_element(sop_class))
    return item


@lru_cache(maxsize=32)  # a film box names the class of its image boxes for each of them
def _class_element(sop_class: str) -> Element:
    return Dataset(ReferencedSOPClassUID=sop_class)["ReferencedSOPClassUID"]


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class StoredLUT:
    """A Presentation LUT, PS3.3 C.11.4."""

    SOPInstanceUID: str
    attributes: Dataset
    lut: PresentationLUT
    SOPClassUID: str = PresentationLUTClass
    beside: int = 0


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class VOIBox:
    """A VOI LUT Box, retired in PS3.4 1998."""

    SOPInstanceUID: str
    attributes: Dataset
    SOPClassUID: str = VOILUTBox
    beside: int = 0


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class OverlayBox:
    """An Image Overlay Box of 1998, which names its image box, or of 2004, which image boxes name; both retired."""

    SOPClassUID: str
    SOPInstanceUID: str
    attributes: Dataset
    overlay: Overlay | None = None
    beside: int = 0


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class ImageBox:
    """A Basic Grayscale or Color Image Box, PS3.3 C.13.5. ``image`` is None while it is empty."""

    SOPClassUID: str
    SOPInstanceUID: str
    ImageBoxPosition: int
    attributes: Dataset = field(default_factory=Dataset)
    image: PrintImage | None = None
    lut: StoredLUT | None = None
    voi: VOIBox | None = None
    overlays: list[OverlayBox] = field(default_factory=list)
    beside: int = 0

    def cell(self) -> Cell:
        """What the renderer needs of it."""
        if self.image is None and not self.overlays:
            return _EMPTY
        attributes = self.attributes
        return Cell(
            image=self.image,
            Polarity=text(attributes, "Polarity", "NORMAL"),
            MagnificationType=text(attributes, "MagnificationType") or None,
            SmoothingType=text(attributes, "SmoothingType") or None,
            MinDensity=_known(attributes, "MinDensity"),
            MaxDensity=_known(attributes, "MaxDensity"),
            RequestedImageSize=real(attributes, "RequestedImageSize"),
            RequestedDecimateCropBehavior=text(attributes, "RequestedDecimateCropBehavior") or None,
            presentation_lut=None if self.lut is None else self.lut.lut,
            overlays=tuple(box.overlay for box in self.overlays if box.overlay is not None),
        )


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class AnnotationBox:
    """A Basic Annotation Box, PS3.3 C.13.7. ``TextString`` is empty while there is no text."""

    SOPInstanceUID: str
    AnnotationPosition: int
    attributes: Dataset = field(default_factory=Dataset)
    TextString: str = ""
    SOPClassUID: str = BasicAnnotationBox
    beside: int = 0


def plain_sheet(attributes: Dataset) -> Sheet:
    """The sheet of a film box by its own attributes: without images, annotations and Presentation LUT."""
    profile = attributes.get("ICCProfile")
    return Sheet(
        ImageDisplayFormat=text(attributes, "ImageDisplayFormat"),
        FilmOrientation=text(attributes, "FilmOrientation", "PORTRAIT"),
        FilmSizeID=text(attributes, "FilmSizeID"),
        RequestedResolutionID=text(attributes, "RequestedResolutionID", "STANDARD"),
        MagnificationType=text(attributes, "MagnificationType"),
        SmoothingType=text(attributes, "SmoothingType") or None,
        BorderDensity=text(attributes, "BorderDensity", "BLACK"),
        EmptyImageDensity=text(attributes, "EmptyImageDensity", "BLACK"),
        MinDensity=_known(attributes, "MinDensity"),
        MaxDensity=_known(attributes, "MaxDensity"),
        Trim=text(attributes, "Trim", "NO"),
        Illumination=_known(attributes, "Illumination"),
        ReflectedAmbientLight=_known(attributes, "ReflectedAmbientLight"),
        AnnotationDisplayFormatID=text(attributes, "AnnotationDisplayFormatID"),
        ICCProfile=bytes(profile) if isinstance(profile, bytes | memoryview) else None,
    )


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class FilmBox:
    """A Basic Film Box, PS3.3 C.13.3. ``imager`` is the printer with the film's medium.

    ``plain`` is `plain_sheet` of its attributes, which is asked for with each image. ``sent`` are the tags of what the
    client said and the printer took: the rest are its defaults.
    """

    SOPInstanceUID: str
    attributes: Dataset
    plain: Sheet
    image_boxes: tuple[ImageBox, ...]
    annotation_boxes: tuple[AnnotationBox, ...] = ()
    lut: StoredLUT | None = None
    imager: Imager = FILM
    jobs: int = 0  # how many it has become part of
    sent: frozenset[int] = frozenset()
    SOPClassUID: str = BasicFilmBox
    beside: int = 0
    _laid_out: tuple[Sheet, Imager, tuple[Box, ...]] | None = None

    def boxes(self) -> tuple[Box, ...]:
        """Return its image boxes in pixels of the printer, by position. Raises `LayoutError`.

        They are kept until its attributes or its medium change: without that, each image takes 40 calls more.
        """
        if self._laid_out is None or self._laid_out[0] is not self.plain or self._laid_out[1] is not self.imager:
            dpi = self.imager.resolution(self.plain.RequestedResolutionID)
            boxes = tuple(pixel_box(box, dpi) for box in lay_out(self.plain, self.imager).boxes)
            self._laid_out = self.plain, self.imager, boxes
        return self._laid_out[2]

    def sheet(self, cells: tuple[Cell, ...] = (), session_lut: StoredLUT | None = None) -> Sheet:
        """What the renderer needs of it; ``session_lut`` holds where it has no Presentation LUT itself."""
        lut = self.lut or session_lut
        texts = (
            Annotation(AnnotationPosition=box.AnnotationPosition, TextString=box.TextString)
            for box in self.annotation_boxes
            if box.TextString
        )
        presentation_lut = None if lut is None else lut.lut
        return replace(self.plain, presentation_lut=presentation_lut, annotations=tuple(texts), cells=cells)


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class FilmSession:
    """A Basic Film Session, PS3.3 C.13.1. ``sent`` is as in `FilmBox`.

    ``charset`` is the Specific Character Set that the client named last: annotations are in it, too.
    """

    SOPInstanceUID: str
    attributes: Dataset
    film_boxes: list[FilmBox] = field(default_factory=list)
    lut: StoredLUT | None = None
    charset: Element | None = None
    sent: frozenset[int] = frozenset()
    SOPClassUID: str = BasicFilmSession
    beside: int = 0

    @property
    def has_voi(self) -> bool:
        """Whether an image of it is to be seen through a VOI LUT Box."""
        boxes = (box for film_box in self.film_boxes for box in film_box.image_boxes)
        return any(box.voi is not None and box.image is not None for box in boxes)


_EMPTY = Cell()

Instance = FilmSession | FilmBox | ImageBox | AnnotationBox | StoredLUT | VOIBox | OverlayBox
Viewable = FilmSession | FilmBox | ImageBox  # what may refer to a Presentation LUT


def _known(dataset: Dataset, keyword: str) -> int | None:
    return integer(dataset, keyword) if keyword in dataset else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilmCopy:
    """The working hierarchy of one film as it was at N-ACTION: later changes do not touch it.

    ``image_boxes`` have the attributes of each image box, in the order of Image Box Position,
    without the pixels: those are in ``sheet``, ready to be rendered by ``imager``. ``annotation_boxes`` have those of
    each annotation box, ``referenced`` those of the Presentation LUTs, VOI LUT boxes and overlay boxes that the film
    refers to. The Data Sets are shared with the hierarchy, which puts others in their place where something changes:
    do not change them. ``sent`` are the tags of the film session and of the film box that are not defaults. ``beside``
    is what all of it takes in memory, in bytes, beside pixels.
    """

    film_session: Dataset
    film_box: Dataset
    image_boxes: tuple[Dataset, ...]
    sheet: Sheet
    imager: Imager = FILM
    sent: frozenset[int] = frozenset()
    annotation_boxes: tuple[Dataset, ...] = ()
    referenced: tuple[Dataset, ...] = ()
    beside: int = 0

    @property
    def nbytes(self) -> int:
        """The bytes that it keeps in memory."""
        return self.beside + self.sheet.nbytes

    @classmethod
    def of(cls, session: FilmSession, box: FilmBox, sheet: Sheet) -> "FilmCopy":
        """The film as it stands now."""
        boxes: tuple[Instance, ...] = (*box.image_boxes, *box.annotation_boxes)
        referenced = tuple(dict.fromkeys(_referenced(session, box)))
        return cls(
            film_session=session.attributes,
            film_box=box.attributes,
            image_boxes=tuple(image_box.attributes for image_box in box.image_boxes),
            sheet=sheet,
            imager=box.imager,
            sent=session.sent | box.sent,
            annotation_boxes=tuple(annotation_box.attributes for annotation_box in box.annotation_boxes),
            referenced=tuple(instance.attributes for instance in referenced),
            beside=sum(instance.beside for instance in (session, box, *boxes, *referenced)),
        )


def _referenced(session: FilmSession, box: FilmBox) -> Iterator[StoredLUT | VOIBox | OverlayBox]:
    """What a film box, its session and its image boxes refer to."""
    for lut in (session.lut, box.lut, *(image_box.lut for image_box in box.image_boxes)):
        if lut is not None:
            yield lut
    for image_box in box.image_boxes:
        if image_box.voi is not None:
            yield image_box.voi
        yield from image_box.overlays


@dataclass(frozen=True, slots=True, kw_only=True)
class Printer:
    """What a printer says of itself, PS3.3 C.13.9. How it is, `print_mgmt.jobs.PrinterState` tells."""

    PrinterName: str = ""
    Manufacturer: str = "dimse-print"
    ManufacturerModelName: str = "dimse-print"
    DeviceSerialNumber: str = ""
    SoftwareVersions: str = ""
    DateOfLastCalibration: str = ""
    TimeOfLastCalibration: str = ""

    def attributes(self, PrinterStatus: str = "NORMAL", PrinterStatusInfo: str = "NORMAL") -> Dataset:
        """All of them, with the status; what there is not is of zero length."""
        values = {keyword: getattr(self, keyword) or None for keyword in self.__dataclass_fields__}
        return Dataset(PrinterStatus=PrinterStatus, PrinterStatusInfo=PrinterStatusInfo, **values)
