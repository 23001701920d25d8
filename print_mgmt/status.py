"""The statuses of responses in Print Management (PS3.4 Annex H.4), and of printers and jobs (PS3.3 C.13).

A response has a status of Annex H.4 or a general status of PS3.7 Annex C. A printer has a Printer Status, and a job an
Execution Status. Printer Status Info and Execution Status Info give the reason: NORMAL, or a term of PS3.3 C.13.9.1.
"""

from collections.abc import Mapping
from itertools import product

from dimse.errors import EncodeError
from dimse.message import GENERAL_STATUS, StatusClass, status_class
from dimse.uids import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
)

__all__ = [
    "BY_SERVICE",
    "NORMAL",
    "FAILURE_INFO",
    "PLACEMENT",
    "PRINT_STATUS",
    "QUEUED",
    "STATUS_INFO",
    "check_execution_status_info",
    "check_printer_status_info",
    "is_performed",
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

# The specific statuses of each service: PS3.4 H.4.1.2.1.2, H.4.1.2.4.2, H.4.2.2.1.2, H.4.2.2.4.2, H.4.3.1.2.1.2 and
# H.4.3.2.2.1.2. B605 for a Presentation LUT (H.4.9.2.1.2) is left out, because a Presentation LUT has no densities
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
    """Return the meaning of a status in the standard's words, or "not a status of this service" if it is unknown."""
    return PRINT_STATUS.get(status) or GENERAL_STATUS.get(status) or "not a status of this service"


def is_performed(status: int) -> bool:
    """Return whether the printer has performed the operation, perhaps with a warning.

    Print Management has neither Pending nor Cancel (PS3.7 Annex C), so an operation with such a status has failed.
    """
    return status_class(status) in _PERFORMED


_PERFORMED = (StatusClass.SUCCESS, StatusClass.WARNING)


# --- Printer Status and Execution Status, PS3.3 C.13.8 and C.13.9 ---

NORMAL, QUEUED = "NORMAL", "QUEUED"

_MAGAZINES = ("8X10", "10X12", "10X14", "11X14", "14X14", "14X17", "24X24", "24X30")
_FILMS = {"": "film", " BLUE": "blue film", " CLR": "clear film", " PAPR": "paper"}


def _supplies() -> dict[str, str]:
    """Return the terms for empty or low supplies and their meanings, with a supply for each film size and medium."""
    supplies = {f"{size}{suffix}": f"{size} {medium}" for size in _MAGAZINES for suffix, medium in _FILMS.items()}
    supplies |= {"A4 PAPR": "A4 paper", "A4 TRANS": "A4 transparency"}
    return {
        f"{level} {term}": f"the {supply} supply is {level.lower()}"
        for level, (term, supply) in product(("EMPTY", "LOW"), supplies.items())
    }


# PS3.3 C.13.9.1: the terms for a printer with a problem, and for a job that waits or has failed
STATUS_INFO: dict[str, str] = _supplies() | {
    "BAD RECEIVE MGZ": "the receive magazine accepts no films",
    "BAD SUPPLY MGZ": "the supply magazine gives no films",
    "CALIBRATING": "calibrating itself; available soon",
    "CALIBRATION ERR": "calibration error; films may be of poor quality",
    "CHECK CHEMISTRY": "a problem with the chemistry; films may be of poor quality",
    "CHECK PRINTER": "the printer is not ready; an operator is needed",
    "CHECK PROC": "the processor is not ready; an operator is needed",
    "CHECK SORTER": "film sorter error",
    "CHEMICALS EMPTY": "no processing chemicals; no films are printed until they are refilled",
    "CHEMICALS LOW": "processing chemicals are low",
    "COVER OPEN": "a cover, drawer or door is open",
    "ELEC CONFIG ERR": "the printer is not configured for this job",
    "ELEC DOWN": "stopped by a fault of the electronics",
    "ELEC SW ERROR": "stopped by a software error",
    "EXPOSURE FAILURE": "the exposure device failed",
    "FILM JAM": "a film is jammed in the printer or processor",
    "FILM TRANSP ERR": "the film transport fails; there may be a jam",
    "FINISHER EMPTY": "the finisher is empty",
    "FINISHER ERROR": "the finisher does not work",
    "FINISHER LOW": "the finisher is low on supplies",
    "NO RECEIVE MGZ": "there is no receive magazine",
    "NO RIBBON": "the ribbon cartridge must be replaced",
    "NO SUPPLY MGZ": "there is no supply magazine for this job",
    "PRINT BUFF FULL": "no room for new images now; clears by itself",
    "PRINTER BUSY": "busy; ready again without an operator",
    "PRINTER DOWN": "stopped for an unknown reason",
    "PRINTER INIT": "warming up; ready by itself",
    "PRINTER OFFLINE": "switched off by an operator or the service",
    "PROC DOWN": "the processor has stopped for an unknown reason",
    "PROC INIT": "the processor warms up; ready by itself",
    "PROC OVERFLOW FL": "the chemicals are near the overflow mark",
    "PROC OVERFLOW HI": "the chemicals are at the overflow mark",
    QUEUED: "the job is in the queue",
    "RECEIVER FULL": "the receive magazine is full",
    "REQ MED NOT AVAI": "the medium asked for is not available on this printer",
    "REQ MED NOT INST": "the medium asked for is not installed; an operator may install it",
    "RIBBON ERROR": "a problem with the ribbon",
    "SUPPLY EMPTY": "out of film",
    "SUPPLY LOW": "the film supply is low",
    "UNKNOWN": "a problem of unknown kind",
}

_TERMS = frozenset(STATUS_INFO)
# The terms for a job in FAILURE; only such a job may have the last two
FAILURE_INFO = _TERMS | {"INVALID PAGE DES", "INSUFFIC MEMORY"}

# The terms of the info that each status may have
_PRINTER = {NORMAL: frozenset({NORMAL}), "WARNING": _TERMS, "FAILURE": _TERMS}
_EXECUTION = {
    "PENDING": _TERMS,
    "PRINTING": frozenset({NORMAL}),
    "DONE": frozenset({NORMAL}),
    "FAILURE": FAILURE_INFO,
}


def check_printer_status_info(PrinterStatus: str, PrinterStatusInfo: str) -> None:
    """Raise `EncodeError` if a printer cannot have this status with this info (PS3.3 C.13.9)."""
    _check(_PRINTER, "PrinterStatus", PrinterStatus, PrinterStatusInfo)


def check_execution_status_info(ExecutionStatus: str, ExecutionStatusInfo: str) -> None:
    """Raise `EncodeError` if a job cannot have this status with this info (PS3.3 C.13.8)."""
    _check(_EXECUTION, "ExecutionStatus", ExecutionStatus, ExecutionStatusInfo)


def _check(allowed: dict[str, frozenset[str]], keyword: str, status: str, info: str) -> None:
    if status not in allowed:
        raise EncodeError(f"{status!r} is not one of {', '.join(allowed)} (PS3.3 C.13)", path=keyword)
    if info not in allowed[status]:
        what = f"{NORMAL}, the only info" if NORMAL in allowed[status] else "a term"
        raise EncodeError(f"{info!r} is not {what} for {status} (PS3.3 C.13.9.1)", path=f"{keyword}Info")
