"""The statuses of Print Management, PS3.4 Annex H.4, beside the general ones of PS3.7 Annex C."""

from collections.abc import Mapping

from dimse.message import GENERAL_STATUS
from dimse.uids import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
)

__all__ = ["BY_SERVICE", "PRINT_STATUS", "meaning"]

PRINT_STATUS: dict[int, str] = {
    0xB600: "Memory allocation not supported",
    0xB601: "Film session printing (collation) is not supported",
    0xB602: "Film session SOP Instance hierarchy does not contain Image Box SOP Instances (empty page)",
    0xB603: "Film Box SOP Instance hierarchy does not contain Image Box SOP Instances (empty page)",
    0xB604: "Image size is larger than image box size, the image has been demagnified",
    0xB605: "Requested Min Density or Max Density outside of printer's operating range",
    0xB609: "Image size is larger than the image box size, the image has been cropped to fit",
    0xB60A: "Image size or combined print image size is larger than the image box size, "
    "image or combined print image has been decimated to fit",
    0xC600: "Film session SOP Instance hierarchy does not contain Film Box SOP Instances",
    0xC601: "Unable to create Print Job SOP Instance; print queue is full",
    0xC602: "Unable to create Print Job SOP Instance; print queue is full",
    0xC603: "Image size is larger than image box size",
    0xC605: "Insufficient memory in printer to store the image",
    0xC613: "Combined print image size is larger than the image box size",
    0xC616: "There is an existing Film Box that has not been printed and N-ACTION at the Film Session "
    "level is not supported",
}


_PLACEMENT = (0xB604, 0xB609, 0xB60A, 0xC603, 0xC613)

# PS3.4 Tables H.4-3, H.4-6, H.4-8 and H.4-10: which of them a service of a SOP Class may answer
BY_SERVICE: Mapping[tuple[str, str], tuple[int, ...]] = {
    (BasicFilmSession, "N-CREATE"): (0xB600,),
    (BasicFilmSession, "N-SET"): (0xB600,),
    (BasicFilmSession, "N-ACTION"): (0xB601, 0xB602, *_PLACEMENT, 0xC600, 0xC601),
    (BasicFilmBox, "N-CREATE"): (0xB605, 0xC616),
    (BasicFilmBox, "N-SET"): (0xB605,),
    (BasicFilmBox, "N-ACTION"): (0xB603, *_PLACEMENT, 0xC602),
    (BasicGrayscaleImageBox, "N-SET"): (0xB605, *_PLACEMENT, 0xC605),
    (BasicColorImageBox, "N-SET"): (*_PLACEMENT, 0xC605),
}


def meaning(status: int) -> str:
    """What a status says in the standard's words."""
    return PRINT_STATUS.get(status) or GENERAL_STATUS.get(status) or "not a status of this service"
