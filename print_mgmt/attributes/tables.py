"""The attributes of each SOP Class and service (PS3.4 Annex H.4), with the values that PS3.3 C.13 allows.

A row has an attribute, its usage as the standard writes it (SCU/SCP), and the values that the standard allows. The
configuration of a printer (`print_mgmt.config`) restricts these values to the supported ones, and sets the defaults.
Only the default of Polarity is here, because the standard fixes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dimse.data import Value

from ..film import FILM_SIZES, MAGNIFICATIONS, ORIENTATIONS, POLARITIES
from .values import (
    Values,
    any_value,
    character_sets,
    display_format,
    icc_profile,
    items,
    like_uid,
    number,
    one_item,
    terms,
    text,
    uid,
    whole,
)

__all__ = [
    "ANNOTATION_BOX",
    "COLOR_IMAGE",
    "FILM_BOX",
    "FILM_BOX_FIXED",
    "FILM_BOX_SET",
    "FILM_SESSION",
    "FILM_SESSION_EXTRA",
    "GRAY_IMAGE",
    "GRAY_IMAGE_BOX",
    "COLOR_IMAGE_BOX",
    "IMAGE_BOX",
    "IMAGE_BOX_EXTRA",
    "MEDIA",
    "OVERLAY_BOX",
    "OVERLAY_BOX_SET",
    "PRESENTATION_LUT",
    "PRINTER",
    "PRINTER_CONFIGURATION",
    "PRINT_JOB",
    "Attribute",
    "Table",
    "VOI_LUT_BOX",
    "row_of",
]


@dataclass(frozen=True, slots=True, eq=False)  # rows are compared by identity, since tables are keys of a cache
class Attribute:
    """A row of a table. ``items`` are the rows for the items of a sequence.

    ``refuse``: an unsupported value is refused (0106) rather than replaced (0116), because the default would waste
    a film. ``supported`` is False for an attribute that the printer does not support. ``aliases`` maps terms that some
    peers send to terms of the standard.
    """

    keyword: str
    usage: str
    values: Values
    default: Value = None
    refuse: bool = False
    items: tuple["Attribute", ...] = ()
    supported: bool = True
    aliases: Mapping[str, str] = field(default_factory=dict)

    @property
    def mandatory(self) -> bool:
        """Whether the SCU must always send the attribute."""
        return self.usage.startswith("M/")


Table = tuple[Attribute, ...]


def row_of(table: Iterable[Attribute], keyword: str) -> Attribute | None:
    """Return the row of an attribute; None if the table does not have it."""
    return next((row for row in table if row.keyword == keyword), None)


MEDIA = ("PAPER", "CLEAR FILM", "BLUE FILM", "MAMMO CLEAR FILM", "MAMMO BLUE FILM")
_DENSITY = terms("BLACK", "WHITE", "i")
_HUNDREDTHS = whole(0, 65535, "hundredths of OD")
_MAGNIFICATION = terms(*MAGNIFICATIONS)
_US = whole(0, 65535)
_MAX_FRAMES = 1024  # values of Referenced Frame Number in one image box


def _are_frames(value: Value) -> bool:
    numbers = value if isinstance(value, list) else [value]
    return len(numbers) <= _MAX_FRAMES and all(isinstance(number, int) for number in numbers)


# fmt: off
_REFERENCE = (
    Attribute("ReferencedSOPClassUID",    "M/M", uid),
    Attribute("ReferencedSOPInstanceUID", "M/M", like_uid),  # some SCUs create instances with UIDs that break the rules
)

# The light on the film, and the reference to a Presentation LUT: for film boxes, and for sessions of some printers
_VIEWING = (
    Attribute("ReferencedPresentationLUTSequence", "U/MC", one_item, refuse=True, items=_REFERENCE),
    Attribute("Illumination",                      "U/MC", whole(1, 65535, "cd/m2")),
    Attribute("ReflectedAmbientLight",             "U/MC", whole(0, 65535, "cd/m2")),
)

# The study of the printed images, PS3.3 C.13.2; other attributes of its item are left out
_STUDY = (
    *(Attribute(keyword, "U/U", text(64)) for keyword in (
        "StudyDate", "StudyTime", "StudyDescription", "StudyID", "AccessionNumber", "ReferringPhysicianName",
        "SeriesDescription", "Modality",
        "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    )),
    Attribute("SeriesNumber", "U/U", whole(-(2**31), 2**31 - 1)),
    *(Attribute(keyword, "U/U", uid) for keyword in ("StudyInstanceUID", "SeriesInstanceUID")),
)
# The items of Original Image Sequence; the editions of the standard from 2004 to 2020 do not have this sequence
_ORIGINAL = (
    *(Attribute(keyword, "U/U", uid) for keyword in (
        "ReferencedSOPClassUID", "ReferencedSOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
    )),
    Attribute("PatientID",             "U/U", text(64)),
    Attribute("InstanceNumber",        "U/U", whole(-(2**31), 2**31 - 1)),
    Attribute("ReferencedFrameNumber", "U/U", Values(_are_frames, "numbers of frames")),
)

# PS3.4 Table H.4-2; N-CREATE and N-SET have the same attributes
FILM_SESSION = (
    Attribute("SpecificCharacterSet",  "U/U", character_sets),
    Attribute("NumberOfCopies",        "U/M", whole(1, 2**31 - 1)),
    Attribute("PrintPriority",         "U/M", terms("HIGH", "MED", "LOW")),
    Attribute("MediumType",            "U/M", terms(*MEDIA)),
    Attribute("FilmDestination",       "U/M", terms("MAGAZINE", "PROCESSOR", "BIN_i")),
    Attribute("FilmSessionLabel",      "U/U", text(64)),
    Attribute("MemoryAllocation",      "U/U", whole(0, 2**31 - 1, "KB")),
    Attribute("OwnerID",               "U/U", text(16)),
    Attribute("ProposedStudySequence", "U/U", items(0, 1), items=_STUDY),
)
# Not in the standard: some printers (Agfa, CP-173) expect these in a session, so some SCUs send them to any printer
FILM_SESSION_EXTRA = _VIEWING

# PS3.4 Table H.4-6. An unsupported film size or orientation is refused, not replaced.
FILM_BOX = (
    Attribute("ImageDisplayFormat",            "M/M", display_format),
    Attribute("ReferencedFilmSessionSequence", "M/M", one_item, items=_REFERENCE),
    Attribute("FilmOrientation",               "U/M", terms(*ORIENTATIONS), refuse=True),
    Attribute("FilmSizeID",                    "U/M", terms(*FILM_SIZES), refuse=True),
    Attribute("MagnificationType",             "U/M", _MAGNIFICATION),
    Attribute("MaxDensity",                    "U/M", _HUNDREDTHS),
    Attribute("ConfigurationInformation",      "U/M", text(1024)),
    *_VIEWING,
    Attribute("AnnotationDisplayFormatID",     "U/U", text(16)),
    Attribute("SmoothingType",                 "U/U", text(16)),
    Attribute("BorderDensity",                 "U/U", _DENSITY),
    Attribute("EmptyImageDensity",             "U/U", _DENSITY),
    Attribute("MinDensity",                    "U/U", _HUNDREDTHS),
    Attribute("Trim",                          "U/U", terms("YES", "NO")),
    Attribute("RequestedResolutionID",         "U/U", terms("STANDARD", "HIGH")),
    Attribute("ICCProfile",                    "U/U", icc_profile),
)
# Attributes that N-SET cannot change, PS3.4 H.4.2.2.2
FILM_BOX_FIXED = (
    "ImageDisplayFormat",
    "ReferencedFilmSessionSequence",
    "FilmOrientation",
    "FilmSizeID",
    "AnnotationDisplayFormatID",
    "RequestedResolutionID",
)
FILM_BOX_SET = tuple(row for row in FILM_BOX if row.keyword not in FILM_BOX_FIXED)

# The items of the image sequences, as the standard defines them. `print_mgmt.items` also reads other images.
_MATRIX = (
    Attribute("Rows",                "M/M", whole(1, 65535)),
    Attribute("Columns",             "M/M", whole(1, 65535)),
    Attribute("PixelAspectRatio",    "MC/M", any_value("two whole numbers, vertical and horizontal, up to 100 to 1")),
    Attribute("PixelRepresentation", "M/M", whole(0, 0)),
    Attribute("PixelData",           "M/M", any_value("Rows x Columns of all samples")),
)
GRAY_IMAGE = (
    Attribute("SamplesPerPixel",           "M/M", whole(1, 1)),
    Attribute("PhotometricInterpretation", "M/M", terms("MONOCHROME1", "MONOCHROME2")),
    Attribute("BitsAllocated",             "M/M", Values(lambda bits: bits in (8, 16), "8, 16")),
    Attribute("BitsStored",                "M/M", Values(lambda bits: bits in (8, 12), "8, 12")),
    Attribute("HighBit",                   "M/M", Values(lambda bit: bit in (7, 11), "7, 11")),
    *_MATRIX,
)
COLOR_IMAGE = (
    Attribute("SamplesPerPixel",           "M/M", whole(3, 3)),
    Attribute("PhotometricInterpretation", "M/M", terms("RGB")),
    Attribute("PlanarConfiguration",       "M/M", whole(1, 1)),
    Attribute("BitsAllocated",             "M/M", whole(8, 8)),
    Attribute("BitsStored",                "M/M", whole(8, 8)),
    Attribute("HighBit",                   "M/M", whole(7, 7)),
    *_MATRIX,
)

# PS3.4 Tables H.4-10 and H.4-11: the attributes that gray and color image boxes have in common
_ANY_IMAGE_BOX = (
    Attribute("ImageBoxPosition",              "M/M", whole(1, 65535)),
    Attribute("Polarity",                      "U/M", terms(*POLARITIES), "NORMAL"),
    Attribute("MagnificationType",             "U/U", _MAGNIFICATION),
    Attribute("SmoothingType",                 "U/U", text(16)),
    Attribute("RequestedImageSize",            "U/U", number(0, 10_000, "mm")),
    Attribute("RequestedDecimateCropBehavior", "U/U", terms("DECIMATE", "CROP", "FAIL")),
    Attribute("OriginalImageSequence",         "U/U", items(0, 4096), items=_ORIGINAL),
)
# PS3.4 Table H.4-11
COLOR_IMAGE_BOX = (
    *_ANY_IMAGE_BOX,
    Attribute("BasicColorImageSequence",           "M/M", items(0, 1)),
)
# PS3.4 Table H.4-10
GRAY_IMAGE_BOX = (
    *_ANY_IMAGE_BOX,
    Attribute("BasicGrayscaleImageSequence",       "M/M", items(0, 1)),
    Attribute("MinDensity",                        "U/U", _HUNDREDTHS),
    Attribute("MaxDensity",                        "U/U", _HUNDREDTHS),
    Attribute("ConfigurationInformation",          "U/U", text(1024)),
    Attribute("ReferencedPresentationLUTSequence", "U/U", one_item, refuse=True, items=_REFERENCE),
)
# The references to the retired boxes of PS3.4-1998 H.4.7 and H.4.8
IMAGE_BOX_EXTRA = (
    Attribute("ReferencedImageOverlayBoxSequence", "U/U", one_item, refuse=True, items=_REFERENCE),
    Attribute("ReferencedVOILUTBoxSequence",       "U/U", one_item, refuse=True, items=_REFERENCE),
)

# The attributes that an SCU may choose for an image box: all but the image. A color image box has only some of them.
IMAGE_BOX = tuple(row for row in GRAY_IMAGE_BOX if row.keyword != "BasicGrayscaleImageSequence")

# PS3.4 Table H.4-13
ANNOTATION_BOX = (
    Attribute("AnnotationPosition", "M/M", whole(1, 65535)),
    Attribute("TextString",         "U/M", text(64)),
)

# PS3.4 Table H.4-23
_LUT = (
    Attribute("LUTDescriptor",  "MC/M", any_value("entries, first value mapped, bits")),
    Attribute("LUTExplanation", "U/U",  text(64)),
    Attribute("LUTData",        "MC/M", any_value("as many words as the descriptor says")),
)
PRESENTATION_LUT = (
    Attribute("PresentationLUTSequence", "MC/M", one_item, refuse=True, items=_LUT),
    Attribute("PresentationLUTShape",    "MC/M", terms("IDENTITY", "LIN OD"), refuse=True),
)

# PS3.4-1998 H.4.7, retired
VOI_LUT_BOX = (
    Attribute("WindowCenter",                 "U/U", any_value("a number")),
    Attribute("WindowWidth",                  "U/U", any_value("a number")),
    Attribute("WindowCenterWidthExplanation", "U/U", any_value("text")),
    Attribute("VOILUTSequence",               "U/U", one_item, items=_LUT),
)

# PS3.4-1998 H.4.8, and its successor, PS3.4-2004 H.4.12; both are retired
_OVERLAY = (
    Attribute("OverlayRows",          "M/M", whole(1, 65535)),
    Attribute("OverlayColumns",       "M/M", whole(1, 65535)),
    Attribute("OverlayOrigin",        "M/M", any_value("row and column")),
    Attribute("OverlayBitsAllocated", "M/M", whole(1, 16)),
    Attribute("OverlayBitPosition",   "M/M", whole(0, 15)),
    Attribute("OverlayData",          "M/M", any_value("Rows x Columns bits")),
)
OVERLAY_BOX = (
    Attribute("ReferencedImageBoxSequence",  "U/U", one_item, items=_REFERENCE),
    Attribute("OverlayPixelDataSequence",    "U/U", one_item, items=_OVERLAY),
    Attribute("OverlayMagnificationType",    "U/U", _MAGNIFICATION),
    Attribute("OverlaySmoothingType",        "U/U", text(16)),
    Attribute("OverlayForegroundDensity",    "U/U", _DENSITY),
    Attribute("OverlayMode",                 "U/U", text(16)),
    Attribute("ThresholdDensity",            "U/U", _DENSITY),
    # Only in PS3.4-2004 H.4.12
    Attribute("OverlayOrImageMagnification", "U/U", terms("IMAGE", "OVERLAY")),
    Attribute("MagnifyToNumberOfColumns",    "U/U", _US),
    Attribute("OverlayBackgroundDensity",    "U/U", _DENSITY),
)
OVERLAY_BOX_SET = tuple(row for row in OVERLAY_BOX if row.keyword != "ReferencedImageBoxSequence")

# PS3.4 Tables H.4-17, H.4-15 and H.4-26: the attributes of N-GET
PRINTER = (
    Attribute("PrinterStatus",         "U/M", terms("NORMAL", "WARNING", "FAILURE")),
    Attribute("PrinterStatusInfo",     "U/M", text(16)),
    Attribute("PrinterName",           "U/U", text(64)),
    Attribute("Manufacturer",          "U/U", text(64)),
    Attribute("ManufacturerModelName", "U/U", text(64)),
    Attribute("DeviceSerialNumber",    "U/U", text(64)),
    Attribute("SoftwareVersions",      "U/U", text(64)),
    Attribute("DateOfLastCalibration", "U/U", text(8)),
    Attribute("TimeOfLastCalibration", "U/U", text(16)),
)
PRINT_JOB = (
    Attribute("ExecutionStatus",     "U/M", terms("PENDING", "PRINTING", "DONE", "FAILURE")),
    Attribute("ExecutionStatusInfo", "U/M", text(16)),
    Attribute("PrintPriority",       "U/M", terms("HIGH", "MED", "LOW")),
    Attribute("CreationDate",        "U/U", text(8)),
    Attribute("CreationTime",        "U/U", text(16)),
    Attribute("PrinterName",         "U/U", text(64)),
    Attribute("Originator",          "U/U", text(16)),
)
_MEDIUM = (
    Attribute("MediumType", "-/M",  terms(*MEDIA)),
    Attribute("FilmSizeID", "-/M",  terms(*FILM_SIZES)),
    Attribute("MinDensity", "-/MC", _HUNDREDTHS),
    Attribute("MaxDensity", "-/M",  _HUNDREDTHS),
)
PRINTER_CONFIGURATION = (
    Attribute("PrinterConfigurationSequence", "U/M", items(1, 4096), items=(
        Attribute("SOPClassesSupported",     "-/M", any_value("UIDs")),
        Attribute("MaximumMemoryAllocation", "-/M", whole(0, 2**31 - 1, "KB")),
        Attribute("MemoryBitDepth",          "-/M", _US),
        Attribute("PrintingBitDepth",        "-/M", _US),
        Attribute("MediaInstalledSequence",  "-/M", items(0, 4096), items=(
            Attribute("ItemNumber", "-/M", whole(1, 4096)),
            *_MEDIUM,
        )),
        Attribute("OtherMediaAvailableSequence",         "-/M", items(0, 4096), items=_MEDIUM),
        Attribute("SupportedImageDisplayFormatsSequence", "-/M", items(0, 65535), items=(
            Attribute("Rows",                   "-/MC", _US),
            Attribute("Columns",                "-/MC", _US),
            Attribute("ImageDisplayFormat",     "-/M", display_format),
            Attribute("FilmOrientation",        "-/M", terms(*ORIENTATIONS)),
            Attribute("FilmSizeID",             "-/M", terms(*FILM_SIZES)),
            Attribute("PrinterResolutionID",    "-/M", terms("STANDARD", "HIGH")),
            Attribute("PrinterPixelSpacing",    "-/M", any_value("mm between rows, mm between columns")),
            Attribute("RequestedImageSizeFlag", "-/M", terms("NO", "YES")),
        )),
        Attribute("DefaultPrinterResolutionID",          "-/M", terms("STANDARD", "HIGH")),
        Attribute("DefaultMagnificationType",            "-/M", _MAGNIFICATION),
        Attribute("OtherMagnificationTypesAvailable",    "-/M", any_value("those other than the default")),
        Attribute("DefaultSmoothingType",                "-/M", text(16)),
        Attribute("OtherSmoothingTypesAvailable",        "-/M", any_value("those other than the default")),
        Attribute("ConfigurationInformationDescription", "-/M", text(10240)),
        Attribute("MaximumCollatedFilms",                "-/M", whole(0, 2**31 - 1)),
        Attribute("DecimateCropResult",                  "-/M", terms(
            "DECIMATE", "CROP", "FAIL", "DEF DECIMATE", "DEF CROP", "DEF FAIL")),
        Attribute("Manufacturer",          "-/M", text(64)),
        Attribute("ManufacturerModelName", "-/M", text(64)),
        Attribute("PrinterName",           "-/M", text(64)),
    )),
)
# fmt: on
