"""The statuses of Print Management, PS3.4 Annex H.4, beside the general ones of PS3.7 Annex C."""

from dimse.message import GENERAL_STATUS

__all__ = ["PRINT_STATUS", "meaning"]

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


def meaning(status: int) -> str:
    """What a status says in the standard's words."""
    return PRINT_STATUS.get(status) or GENERAL_STATUS.get(status) or "not a status of this service"
