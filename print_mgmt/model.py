"""What a print SCP keeps: PS3.3 C.13 as plain objects.

They hold the attributes as Data Sets, by their keywords, and the hierarchy as Python references:
a session has film boxes, a film box has image boxes. They belong to one association and go with it.
"""

from dataclasses import dataclass, field

from dimse.data import Dataset
from dimse.uids import BasicFilmBox, BasicFilmSession

from .film import Cell, PrintImage, Sheet
from .typed import text

__all__ = ["FilmBox", "FilmCopy", "FilmSession", "ImageBox", "Printer", "reference"]


def reference(sop_class: str, sop_instance: str) -> Dataset:
    """The item of a Referenced ... Sequence, PS3.3 Table 10-11."""
    return Dataset(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=sop_instance)


@dataclass(slots=True, kw_only=True, eq=False)
class ImageBox:
    """A Basic Grayscale or Color Image Box, PS3.3 C.13.5. ``image`` is None while it is empty."""

    SOPClassUID: str
    SOPInstanceUID: str
    ImageBoxPosition: int
    attributes: Dataset = field(default_factory=Dataset)
    image: PrintImage | None = None

    def cell(self) -> Cell:
        """What the renderer needs of it."""
        attributes = self.attributes
        return Cell(
            image=self.image,
            Polarity=text(attributes, "Polarity", "NORMAL"),
            MagnificationType=text(attributes, "MagnificationType") or None,
        )


@dataclass(slots=True, kw_only=True, eq=False)
class FilmBox:
    """A Basic Film Box, PS3.3 C.13.3."""

    SOPInstanceUID: str
    attributes: Dataset
    image_boxes: tuple[ImageBox, ...]
    SOPClassUID: str = BasicFilmBox


@dataclass(slots=True, kw_only=True, eq=False)
class FilmSession:
    """A Basic Film Session, PS3.3 C.13.1."""

    SOPInstanceUID: str
    attributes: Dataset
    film_boxes: list[FilmBox] = field(default_factory=list)
    SOPClassUID: str = BasicFilmSession


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilmCopy:
    """The working hierarchy of one film as it was at N-ACTION: later changes do not touch it.

    ``image_boxes`` have the attributes of each image box, in the order of Image Box Position,
    without the pixels: those are in ``sheet``, ready to be rendered.
    """

    film_session: Dataset
    film_box: Dataset
    image_boxes: tuple[Dataset, ...]
    sheet: Sheet

    @classmethod
    def of(cls, session: FilmSession, box: FilmBox) -> "FilmCopy":
        """The film as it stands now."""
        attributes = box.attributes
        return cls(
            film_session=session.attributes.copy(),
            film_box=attributes.copy(),
            image_boxes=tuple(image_box.attributes.copy() for image_box in box.image_boxes),
            sheet=Sheet(
                ImageDisplayFormat=text(attributes, "ImageDisplayFormat"),
                FilmOrientation=text(attributes, "FilmOrientation"),
                FilmSizeID=text(attributes, "FilmSizeID"),
                MagnificationType=text(attributes, "MagnificationType"),
                BorderDensity=text(attributes, "BorderDensity"),
                EmptyImageDensity=text(attributes, "EmptyImageDensity"),
                cells=tuple(image_box.cell() for image_box in box.image_boxes),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Printer:
    """What a printer says of itself, PS3.3 C.13.9."""

    PrinterStatus: str = "NORMAL"
    PrinterStatusInfo: str = "NORMAL"
    PrinterName: str = ""
    Manufacturer: str = "dimse-print"
    ManufacturerModelName: str = "dimse-print"
    DeviceSerialNumber: str = ""
    SoftwareVersions: str = ""
    DateOfLastCalibration: str = ""
    TimeOfLastCalibration: str = ""

    def attributes(self) -> Dataset:
        """All of them; what there is not is of zero length."""
        values = {keyword: getattr(self, keyword) or None for keyword in self.__dataclass_fields__}
        return Dataset(**values)
