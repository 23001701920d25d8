"""The SOP and Meta SOP Classes of Print Management, PS3.4 Annex H.3 and Table H.2-1.

A Meta SOP Class is negotiated as one presentation context; requests on it name its members.
Only what this package serves stands here.
"""

from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request
from dimse.uids import (
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Printer,
)

__all__ = ["IMAGE_BOX", "IMAGE_SEQUENCE", "META_CLASSES", "OPERATIONS", "TRANSFER_SYNTAXES", "TITLES"]

# Pixel Data lies in a sequence, where PS3.5 A.4 has no compression. Implicit is mandatory.
TRANSFER_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)

META_CLASSES = (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta)

# Which image boxes a film box gets is decided by the Meta SOP Class it is created under.
IMAGE_BOX = {
    BasicGrayscalePrintManagementMeta: BasicGrayscaleImageBox,
    BasicColorPrintManagementMeta: BasicColorImageBox,
}
IMAGE_SEQUENCE = {
    BasicGrayscaleImageBox: "BasicGrayscaleImageSequence",
    BasicColorImageBox: "BasicColorImageSequence",
}

# PS3.4 Tables H.4-1, H.4-4, H.4-7, H.4-9 and H.4-17: the operations of each class
OPERATIONS: dict[str, frozenset[type[Request]]] = {
    BasicFilmSession: frozenset({NCreateRQ, NSetRQ, NDeleteRQ, NActionRQ}),
    BasicFilmBox: frozenset({NCreateRQ, NSetRQ, NDeleteRQ, NActionRQ}),
    BasicGrayscaleImageBox: frozenset({NSetRQ}),
    BasicColorImageBox: frozenset({NSetRQ}),
    Printer: frozenset({NGetRQ}),
}

TITLES = {
    BasicFilmSession: "Basic Film Session",
    BasicFilmBox: "Basic Film Box",
    BasicGrayscaleImageBox: "Basic Grayscale Image Box",
    BasicColorImageBox: "Basic Color Image Box",
    Printer: "Printer",
}
