"""The SOP Classes and Meta SOP Classes of Print Management, PS3.4 H.3.2, H.3.3 and H.4.

A Meta SOP Class is negotiated as one presentation context, and requests on that context name its member classes. The
optional classes have contexts of their own. The tables contain only the classes that this package implements.
"""

from collections.abc import Mapping

from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    BasicPrintImageOverlayBox,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImageOverlayBox,
    ImplicitVRLittleEndian,
    PresentationLUT,
    Printer,
    PrinterConfigurationRetrieval,
    PrintJob,
    VOILUTBox,
)

__all__ = [
    "ACCEPTED_SYNTAXES",
    "EVENTS",
    "IMAGE_BOX",
    "IMAGE_SEQUENCE",
    "MEMBERS",
    "META_CLASSES",
    "OPERATIONS",
    "SOP_CLASSES",
    "TITLES",
    "TRANSFER_SYNTAXES",
]

# All are uncompressed, because Pixel Data inside a sequence cannot be compressed (PS3.5 A.4). Implicit VR is mandatory.
TRANSFER_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
# Printers also accept the retired Explicit VR Big Endian, which some old modalities need; clients do not propose it.
ACCEPTED_SYNTAXES = (*TRANSFER_SYNTAXES, ExplicitVRBigEndian)

META_CLASSES = (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta)

# The class of image boxes, by the Meta SOP Class on whose context their film box is created
IMAGE_BOX = {
    BasicGrayscalePrintManagementMeta: BasicGrayscaleImageBox,
    BasicColorPrintManagementMeta: BasicColorImageBox,
}
IMAGE_SEQUENCE = {
    BasicGrayscaleImageBox: "BasicGrayscaleImageSequence",
    BasicColorImageBox: "BasicColorImageSequence",
}

# PS3.4 H.3.2: the SOP Classes that share the context of a Meta SOP Class
MEMBERS: Mapping[str, frozenset[str]] = {
    meta: frozenset({BasicFilmSession, BasicFilmBox, image_box, Printer}) for meta, image_box in IMAGE_BOX.items()
}

_CREATE_SET_DELETE: frozenset[type[Request]] = frozenset((NCreateRQ, NSetRQ, NDeleteRQ))

# The operations of each class, from the section "DIMSE Service Group" of the class in PS3.4 H.4
OPERATIONS: Mapping[str, frozenset[type[Request]]] = {
    BasicFilmSession: _CREATE_SET_DELETE.union((NActionRQ,)),
    BasicFilmBox: _CREATE_SET_DELETE.union((NActionRQ,)),
    BasicGrayscaleImageBox: frozenset({NSetRQ}),
    BasicColorImageBox: frozenset({NSetRQ}),
    BasicAnnotationBox: frozenset({NSetRQ}),
    PresentationLUT: frozenset((NCreateRQ, NDeleteRQ)),
    Printer: frozenset({NGetRQ}),
    PrinterConfigurationRetrieval: frozenset({NGetRQ}),
    PrintJob: frozenset({NGetRQ}),
    VOILUTBox: _CREATE_SET_DELETE,  # these three are retired
    ImageOverlayBox: _CREATE_SET_DELETE,
    BasicPrintImageOverlayBox: _CREATE_SET_DELETE,
}

# PS3.4 Tables H.4-14 and H.4-16: the names of the events, by Event Type ID
EVENTS: Mapping[str, Mapping[int, str]] = {
    PrintJob: {1: "Pending", 2: "Printing", 3: "Done", 4: "Failure"},
    Printer: {1: "Normal", 2: "Warning", 3: "Failure"},
}

TITLES: Mapping[str, str] = {
    BasicGrayscalePrintManagementMeta: "Basic Grayscale Print Management Meta",
    BasicColorPrintManagementMeta: "Basic Color Print Management Meta",
    BasicFilmSession: "Basic Film Session",
    BasicFilmBox: "Basic Film Box",
    BasicGrayscaleImageBox: "Basic Grayscale Image Box",
    BasicColorImageBox: "Basic Color Image Box",
    BasicAnnotationBox: "Basic Annotation Box",
    PresentationLUT: "Presentation LUT",
    Printer: "Printer",
    PrinterConfigurationRetrieval: "Printer Configuration Retrieval",
    PrintJob: "Print Job",
    VOILUTBox: "VOI LUT Box",
    ImageOverlayBox: "Image Overlay Box",
    BasicPrintImageOverlayBox: "Basic Print Image Overlay Box",
}

# The UIDs of all these classes, each of which may be an abstract syntax, by the keyword of the class
SOP_CLASSES: Mapping[str, str] = {title.replace(" ", ""): uid for uid, title in TITLES.items()}
