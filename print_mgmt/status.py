"""The statuses of Print Management, PS3.4 Annex H.4, beside the general ones of PS3.7 Annex C."""

from collections.abc import Mapping

from dimse.message import GENERAL_STATUS
from dimse.uids import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
)

__all__ = [
    "BY_SERVICE",
    "PLACEMENT",
    "PRINT_STATUS",
    "meaning",
    "SUCCESS",
    "NO_SUCH_ATTRIBUTE",
    "INVALID_VALUE",
    "ATTRIBUTE_LIST",
    "PROCESSING_FAILURE",
    "DUPLICATE_INSTANCE",
    "NO_SUCH_INSTANCE",
    "NO_SUCH_EVENT",
    "NO_SUCH_ARGUMENT",
    "INVALID_ARGUMENT",
    "OUT_OF_RANGE",
    "INVALID_INSTANCE",
    "NO_SUCH_CLASS",
    "CLASS_CONFLICT",
    "MISSING_ATTRIBUTE",
    "MISSING_VALUE",
    "CLASS_NOT_SUPPORTED",
    "NO_SUCH_ACTION",
    "NOT_AUTHORIZED",
    "UNRECOGNIZED_OPERATION",
    "MISTYPED_ARGUMENT",
    "RESOURCE_LIMITATION",
    "MEMORY_NOT_SUPPORTED",
    "NOT_COLLATED",
    "EMPTY_SESSION",
    "EMPTY_FILM",
    "DEMAGNIFIED",
    "DENSITY_LIMITED",
    "CROPPED",
    "DECIMATED",
    "NO_FILM_BOX",
    "QUEUE_FULL_SESSION",
    "QUEUE_FULL_FILM",
    "IMAGE_TOO_LARGE",
    "NO_MEMORY",
    "COMBINED_TOO_LARGE",
    "UNPRINTED_FILM_BOX",
]

# PS3.7 Annex C
SUCCESS, NO_SUCH_ATTRIBUTE, INVALID_VALUE, ATTRIBUTE_LIST, PROCESSING_FAILURE = 0x0000, 0x0105, 0x0106, 0x0107, 0x0110
DUPLICATE_INSTANCE, NO_SUCH_INSTANCE, NO_SUCH_EVENT, NO_SUCH_ARGUMENT = 0x0111, 0x0112, 0x0113, 0x0114
INVALID_ARGUMENT, OUT_OF_RANGE, INVALID_INSTANCE, NO_SUCH_CLASS = 0x0115, 0x0116, 0x0117, 0x0118
CLASS_CONFLICT, MISSING_ATTRIBUTE, MISSING_VALUE, CLASS_NOT_SUPPORTED = 0x0119, 0x0120, 0x0121, 0x0122
NO_SUCH_ACTION, NOT_AUTHORIZED, UNRECOGNIZED_OPERATION = 0x0123, 0x0124, 0x0211
MISTYPED_ARGUMENT, RESOURCE_LIMITATION = 0x0212, 0x0213
# PS3.4 Annex H.4
MEMORY_NOT_SUPPORTED, NOT_COLLATED, EMPTY_SESSION, EMPTY_FILM = 0xB600, 0xB601, 0xB602, 0xB603
DEMAGNIFIED, DENSITY_LIMITED, CROPPED, DECIMATED = 0xB604, 0xB605, 0xB609, 0xB60A
NO_FILM_BOX, QUEUE_FULL_SESSION, QUEUE_FULL_FILM, IMAGE_TOO_LARGE = 0xC600, 0xC601, 0xC602, 0xC603
NO_MEMORY, COMBINED_TOO_LARGE, UNPRINTED_FILM_BOX = 0xC605, 0xC613, 0xC616

PRINT_STATUS: dict[int, str] = {
    MEMORY_NOT_SUPPORTED: "Memory allocation not supported",
    NOT_COLLATED: "Film session printing (collation) is not supported",
    EMPTY_SESSION: "Film session SOP Instance hierarchy does not contain Image Box SOP Instances (empty page)",
    EMPTY_FILM: "Film Box SOP Instance hierarchy does not contain Image Box SOP Instances (empty page)",
    DEMAGNIFIED: "Image size is larger than image box size, the image has been demagnified",
    DENSITY_LIMITED: "Requested Min Density or Max Density outside of printer's operating range",
    CROPPED: "Image size is larger than the image box size, the image has been cropped to fit",
    DECIMATED: "Image size or combined print image size is larger than the image box size, "
    "image or combined print image has been decimated to fit",
    NO_FILM_BOX: "Film session SOP Instance hierarchy does not contain Film Box SOP Instances",
    QUEUE_FULL_SESSION: "Unable to create Print Job SOP Instance; print queue is full",
    QUEUE_FULL_FILM: "Unable to create Print Job SOP Instance; print queue is full",
    IMAGE_TOO_LARGE: "Image size is larger than image box size",
    NO_MEMORY: "Insufficient memory in printer to store the image",
    COMBINED_TOO_LARGE: "Combined print image size is larger than the image box size",
    UNPRINTED_FILM_BOX: "There is an existing Film Box that has not been printed and N-ACTION at the Film Session "
    "level is not supported",
}


PLACEMENT = (DEMAGNIFIED, CROPPED, DECIMATED, IMAGE_TOO_LARGE, COMBINED_TOO_LARGE)

# PS3.4 Tables H.4-3, H.4-6, H.4-8 and H.4-10: which of them a service of a SOP Class may answer
BY_SERVICE: Mapping[tuple[str, str], tuple[int, ...]] = {
    (BasicFilmSession, "N-CREATE"): (MEMORY_NOT_SUPPORTED,),
    (BasicFilmSession, "N-SET"): (MEMORY_NOT_SUPPORTED,),
    (BasicFilmSession, "N-ACTION"): (NOT_COLLATED, EMPTY_SESSION, *PLACEMENT, NO_FILM_BOX, QUEUE_FULL_SESSION),
    (BasicFilmBox, "N-CREATE"): (DENSITY_LIMITED, UNPRINTED_FILM_BOX),
    (BasicFilmBox, "N-SET"): (DENSITY_LIMITED,),
    (BasicFilmBox, "N-ACTION"): (EMPTY_FILM, *PLACEMENT, QUEUE_FULL_FILM),
    (BasicGrayscaleImageBox, "N-SET"): (DENSITY_LIMITED, *PLACEMENT, NO_MEMORY),
    (BasicColorImageBox, "N-SET"): (*PLACEMENT, NO_MEMORY),
}


def meaning(status: int) -> str:
    """What a status says in the standard's words."""
    return PRINT_STATUS.get(status) or GENERAL_STATUS.get(status) or "not a status of this service"
