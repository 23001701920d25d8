"""The instances of a print SCP (PS3.3 C.13) as plain objects.

The attributes of an instance are a Data Set, and its relations are Python references: a session has film boxes, and a
film box has image boxes and annotation boxes. A change replaces the Data Set of an instance, so that a copy of the
instance can keep the old Data Set.

Instances belong to one association, and end with it. A deleted Presentation LUT is kept as long as another instance
refers to it, as the standard requires.

``attribute_bytes`` is the memory of an instance in bytes, without pixels. ``unused`` has the attributes that the client
sent but the printer does not use: attributes of other SOP Classes, private attributes, and values that the printer has
replaced.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from dimse.data import Dataset, Element
from dimse.uids import BasicAnnotationBox, BasicFilmBox, BasicFilmSession, VOILUTBox
from dimse.uids import PresentationLUT as PresentationLUTClass

from .film import FILM, Annotation, Cell, Imager, Overlay, PresentationLUT, PrintImage, Sheet, lay_out
from .film.layout import Layout
from .film.placement import Box, pixel_box
from .typed import integers, texts

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
    "Attributes",
    "VOIBox",
    "plain_sheet",
    "reference",
]


NOTHING = Dataset()  # an empty Data Set that is shared, and must not be changed


def reference(sop_class: str, sop_instance: str) -> Dataset:
    """Return the item of a reference sequence (PS3.3 Table 10-11)."""
    return Dataset(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=sop_instance)


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class StoredLUT:
    """A Presentation LUT, PS3.3 C.11.4."""

    SOPInstanceUID: str
    attributes: Dataset
    lut: PresentationLUT
    SOPClassUID: str = PresentationLUTClass
    attribute_bytes: int = 0


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class VOIBox:
    """A VOI LUT Box (PS3.4-1998 H.4.7), which is retired."""

    SOPInstanceUID: str
    attributes: Dataset
    SOPClassUID: str = VOILUTBox
    attribute_bytes: int = 0


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class OverlayBox:
    """A retired overlay box.

    An Image Overlay Box (PS3.4-1998 H.4.8) refers to its image box. Image boxes refer to a Basic Print Image Overlay
    Box (PS3.4-2004 H.4.12).
    """

    SOPClassUID: str
    SOPInstanceUID: str
    attributes: Dataset
    overlay: Overlay | None = None
    attribute_bytes: int = 0


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class ImageBox:
    """A Basic Grayscale or Color Image Box, PS3.3 C.13.5. ``image`` is None while the box is empty."""

    SOPClassUID: str
    SOPInstanceUID: str
    ImageBoxPosition: int
    attributes: Dataset = field(default_factory=Dataset)
    image: PrintImage | None = None
    lut: StoredLUT | None = None
    voi: VOIBox | None = None
    overlays: list[OverlayBox] = field(default_factory=list)
    unused: Dataset = field(default_factory=lambda: NOTHING)
    attribute_bytes: int = 0

    def cell(self) -> Cell:
        """Return the image and the attributes of the box for the renderer."""
        if self.image is None and not self.overlays:
            return _EMPTY_CELL
        return cell_of(self.attributes, self.image, self.lut, self.overlays)


def cell_of(
    attributes: Dataset, image: PrintImage | None, lut: StoredLUT | None, overlays: Sequence[OverlayBox]
) -> Cell:
    """Return an image and the attributes of its box for the renderer."""
    polarity, magnification, smoothing, behavior, min_density, max_density, size = attributes.values_of(*_CELL_KEYWORDS)
    return Cell(
        image=image,
        Polarity=polarity if isinstance(polarity, str) else "NORMAL",
        MagnificationType=magnification if isinstance(magnification, str) else None,
        SmoothingType=smoothing if isinstance(smoothing, str) else None,
        RequestedDecimateCropBehavior=behavior if isinstance(behavior, str) else None,
        MinDensity=min_density if isinstance(min_density, int) else None,
        MaxDensity=max_density if isinstance(max_density, int) else None,
        RequestedImageSize=float(size) if isinstance(size, int | float) else None,
        presentation_lut=None if lut is None else lut.lut,
        overlays=tuple([box.overlay for box in overlays if box.overlay is not None]) if overlays else (),
    )


_CELL_KEYWORDS = (
    *("Polarity", "MagnificationType", "SmoothingType", "RequestedDecimateCropBehavior"),
    *("MinDensity", "MaxDensity", "RequestedImageSize"),
)


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class AnnotationBox:
    """A Basic Annotation Box, PS3.3 C.13.7. ``TextString`` is empty while the box has no text."""

    SOPInstanceUID: str
    AnnotationPosition: int
    attributes: Dataset = field(default_factory=Dataset)
    TextString: str = ""
    SOPClassUID: str = BasicAnnotationBox
    unused: Dataset = field(default_factory=lambda: NOTHING)
    attribute_bytes: int = 0


def plain_sheet(attributes: Dataset) -> Sheet:
    """Return the sheet of a film box with these attributes, but without images, annotations and Presentation LUT."""
    display_format, size, magnification, smoothing, annotation_format = texts(
        attributes,
        *("ImageDisplayFormat", "FilmSizeID", "MagnificationType", "SmoothingType", "AnnotationDisplayFormatID"),
    )
    orientation, resolution, border, empty, trim = texts(
        attributes, "FilmOrientation", "RequestedResolutionID", "BorderDensity", "EmptyImageDensity", "Trim"
    )
    min_density, max_density, illumination, ambient = integers(
        attributes, "MinDensity", "MaxDensity", "Illumination", "ReflectedAmbientLight"
    )
    profile = attributes.get("ICCProfile")
    return Sheet(
        ImageDisplayFormat=display_format,
        FilmOrientation=orientation or "PORTRAIT",
        FilmSizeID=size,
        RequestedResolutionID=resolution or "STANDARD",
        MagnificationType=magnification or "BILINEAR",
        SmoothingType=smoothing or None,
        BorderDensity=border or "BLACK",
        EmptyImageDensity=empty or "BLACK",
        MinDensity=min_density,
        MaxDensity=max_density,
        Trim=trim or "NO",
        Illumination=illumination,
        ReflectedAmbientLight=ambient,
        AnnotationDisplayFormatID=annotation_format,
        ICCProfile=bytes(profile) if isinstance(profile, bytes | memoryview) else None,
    )


@dataclass(slots=True, kw_only=True, eq=False, weakref_slot=True)
class FilmBox:
    """A Basic Film Box, PS3.3 C.13.3. ``imager`` is the imager of the printer with the medium of the film.

    ``plain`` is the `plain_sheet` of the attributes, kept because each image needs it. ``sent`` are the tags of the
    attributes that the client sent and that caused no warning. ``jobs`` counts the print jobs with this film.
    ``laid_out`` is the latest layout, with its sheet and its imager.
    """

    SOPInstanceUID: str
    attributes: Dataset
    plain: Sheet
    image_boxes: tuple[ImageBox, ...]
    annotation_boxes: tuple[AnnotationBox, ...] = ()
    lut: StoredLUT | None = None
    imager: Imager = FILM
    jobs: int = 0
    sent: frozenset[int] = frozenset()
    SOPClassUID: str = BasicFilmBox
    unused: Dataset = field(default_factory=lambda: NOTHING)
    attribute_bytes: int = 0
    laid_out: tuple[Sheet, Imager, Layout] | None = None
    _boxes: tuple[Layout, tuple[Box, ...]] | None = None

    def boxes(self) -> tuple[Box, ...]:
        """Return the rectangles of the image boxes in pixels of the printer, by position. Raises `LayoutError`.

        The layout and the rectangles are kept until the attributes or the medium change. This saves an eighth of the
        Python calls for each image.
        """
        laid_out = self.laid_out
        if laid_out is None or laid_out[0] is not self.plain or laid_out[1] is not self.imager:
            laid_out = self.laid_out = self.plain, self.imager, lay_out(self.plain, self.imager)
        layout = laid_out[2]
        if self._boxes is None or self._boxes[0] is not layout:
            dpi = self.imager.resolution(self.plain.RequestedResolutionID)
            self._boxes = layout, tuple([pixel_box(box, dpi) for box in layout.boxes])
        return self._boxes[1]

    def sheet(self, cells: tuple[Cell, ...] = (), session_lut: StoredLUT | None = None) -> Sheet:
        """Return the film for the renderer; ``session_lut`` applies if the film has no Presentation LUT of its own."""
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
    """A Basic Film Session, PS3.3 C.13.1. ``sent`` has the same meaning as in `FilmBox`.

    ``charset`` is the latest Specific Character Set of the session, which also applies to annotations.
    """

    SOPInstanceUID: str
    attributes: Dataset
    film_boxes: list[FilmBox] = field(default_factory=list)
    lut: StoredLUT | None = None
    charset: Element | None = None
    sent: frozenset[int] = frozenset()
    SOPClassUID: str = BasicFilmSession
    unused: Dataset = field(default_factory=lambda: NOTHING)
    attribute_bytes: int = 0

    @property
    def has_voi(self) -> bool:
        """Whether any image of the session has a VOI LUT Box."""
        for film_box in self.film_boxes:
            for box in film_box.image_boxes:
                if box.voi is not None and box.image is not None:
                    return True
        return False


_EMPTY_CELL = Cell()

Instance = FilmSession | FilmBox | ImageBox | AnnotationBox | StoredLUT | VOIBox | OverlayBox


class Attributes(NamedTuple):
    """Attributes that a client sent with a film, by instance; boxes are in the order of their positions."""

    film_session: Dataset = NOTHING
    film_box: Dataset = NOTHING
    image_boxes: tuple[Dataset, ...] = ()
    annotation_boxes: tuple[Dataset, ...] = ()

    @classmethod
    def unused(cls, session: FilmSession, box: FilmBox) -> "Attributes":
        """Return the unused attributes of a film; the tuples are empty if no box has unused attributes."""
        return cls(session.unused, box.unused, _unused(box.image_boxes), _unused(box.annotation_boxes))


def _unused(boxes: Sequence[ImageBox | AnnotationBox]) -> tuple[Dataset, ...]:
    unused = [box.unused for box in boxes]
    return tuple(unused) if any(unused) else ()


_NO_ATTRIBUTES = Attributes()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilmCopy:
    """A film as it was at N-ACTION; later changes of its instances do not affect it.

    ``image_boxes`` has the attributes of each image box, in the order of Image Box Position, without pixels. The pixels
    are in ``sheet``, which ``imager`` can render. ``annotation_boxes`` has the attributes of each annotation box, and
    ``referenced`` the attributes of the Presentation LUTs, VOI LUT boxes and overlay boxes that the film refers to. The
    Data Sets are shared with the instances, and must not be changed.

    ``sent`` are the tags of film session and film box attributes that the client sent and that caused no warning;
    ``unused`` are the attributes that the client sent but the printer does not use. ``attribute_bytes`` is the memory
    of all these attributes in bytes, without pixels.

    ``identified`` has the attributes of patient and study that the site has found for the film, and ``identified_by``
    the name of the source of each of them, by keyword.
    """

    film_session: Dataset
    film_box: Dataset
    image_boxes: tuple[Dataset, ...]
    sheet: Sheet
    imager: Imager = FILM
    sent: frozenset[int] = frozenset()
    annotation_boxes: tuple[Dataset, ...] = ()
    referenced: tuple[Dataset, ...] = ()
    unused: Attributes = _NO_ATTRIBUTES
    attribute_bytes: int = 0
    identified: Dataset = field(default_factory=lambda: NOTHING)
    identified_by: Mapping[str, str] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """The memory that the film takes, in bytes."""
        return self.attribute_bytes + self.sheet.nbytes

    @classmethod
    def of(cls, session: FilmSession, box: FilmBox, sheet: Sheet) -> "FilmCopy":
        """Return a copy of the film in its current state."""
        boxes: tuple[Instance, ...] = (*box.image_boxes, *box.annotation_boxes)
        referenced = tuple(dict.fromkeys(_referenced(session, box)))
        return cls(
            film_session=session.attributes,
            film_box=box.attributes,
            image_boxes=tuple([image_box.attributes for image_box in box.image_boxes]),
            sheet=sheet,
            imager=box.imager,
            sent=session.sent | box.sent,
            annotation_boxes=tuple([annotation_box.attributes for annotation_box in box.annotation_boxes]),
            referenced=tuple([instance.attributes for instance in referenced]),
            unused=Attributes.unused(session, box),
            attribute_bytes=sum([instance.attribute_bytes for instance in (session, box, *boxes, *referenced)]),
        )


def _referenced(session: FilmSession, box: FilmBox) -> Iterator[StoredLUT | VOIBox | OverlayBox]:
    """Yield the instances that a film box, its session and its image boxes refer to."""
    yield from filter(None, (session.lut, box.lut))
    for image_box in box.image_boxes:
        if image_box.lut is not None:
            yield image_box.lut
    for image_box in box.image_boxes:
        if image_box.voi is not None:
            yield image_box.voi
        yield from image_box.overlays


@dataclass(frozen=True, slots=True, kw_only=True)
class Printer:
    """The constant attributes of a printer, PS3.3 C.13.9. `print_mgmt.jobs.PrinterState` has the status."""

    PrinterName: str = ""
    Manufacturer: str = "dimse-print"
    ManufacturerModelName: str = "dimse-print"
    DeviceSerialNumber: str = ""
    SoftwareVersions: str = ""
    DateOfLastCalibration: str = ""
    TimeOfLastCalibration: str = ""

    def attributes(self, PrinterStatus: str = "NORMAL", PrinterStatusInfo: str = "NORMAL") -> Dataset:
        """Return all attributes, including the status; attributes without a value have zero length."""
        values = {keyword: getattr(self, keyword) or None for keyword in self.__dataclass_fields__}
        if not self.is_ascii:
            values["SpecificCharacterSet"] = "ISO_IR 192"
        return Dataset(PrinterStatus=PrinterStatus, PrinterStatusInfo=PrinterStatusInfo, **values)

    @property
    def is_ascii(self) -> bool:
        """Whether all attributes have only characters of the default repertoire."""
        return all(str.isascii(getattr(self, keyword)) for keyword in self.__dataclass_fields__)
