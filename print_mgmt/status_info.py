"""What Printer Status Info and Execution Status Info say: the Defined Terms of PS3.3 C.13.9.1.

Printer Status and Execution Status tell how it stands; the info tells why, in one of these terms.
"""

from itertools import product

from dimse.errors import EncodeError

__all__ = ["NORMAL", "QUEUED", "STATUS_INFO", "check_execution_status_info", "check_printer_status_info"]

NORMAL, QUEUED = "NORMAL", "QUEUED"

_MAGAZINES = ("8X10", "10X12", "10X14", "11X14", "14X14", "14X17", "24X24", "24X30")
_FILMS = {"": "film", " BLUE": "blue film", " CLR": "clear film", " PAPR": "paper"}


def _supplies() -> dict[str, str]:
    """What is empty or low: a magazine for each size and medium."""
    supplies = {f"{size}{suffix}": f"{size} {medium}" for size in _MAGAZINES for suffix, medium in _FILMS.items()}
    supplies |= {"A4 PAPR": "A4 paper", "A4 TRANS": "A4 transparency"}
    return {
        f"{level} {term}": f"the {supply} supply is {level.lower()}"
        for level, (term, supply) in product(("EMPTY", "LOW"), supplies.items())
    }


# PS3.3 C.13.9.1: the terms for a printer that has a problem, and for a job that waits or has failed
STATUS_INFO: dict[str, str] = _supplies() | {
    "BAD RECEIVE MGZ": "the receive magazine takes no films",
    "BAD SUPPLY MGZ": "the supply magazine gives no films",
    "CALIBRATING": "calibrating itself; available soon",
    "CALIBRATION ERR": "calibration error; films may suffer",
    "CHECK CHEMISTRY": "a problem with the chemistry; films may suffer",
    "CHECK PRINTER": "the printer is not ready; an operator is needed",
    "CHECK PROC": "the processor is not ready; an operator is needed",
    "CHECK SORTER": "film sorter error",
    "CHEMICALS EMPTY": "no processing chemicals; nothing is printed until there are",
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
    "PRINTER DOWN": "stopped, the reason is not known",
    "PRINTER INIT": "warming up; ready by itself",
    "PRINTER OFFLINE": "switched off by an operator or the service",
    "PROC DOWN": "the processor has stopped, the reason is not known",
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

_FAILURE_ONLY = frozenset({"INVALID PAGE DES", "INSUFFIC MEMORY"})
_TERMS = frozenset(STATUS_INFO)

_PRINTER = {NORMAL: frozenset({NORMAL}), "WARNING": _TERMS, "FAILURE": _TERMS}
_EXECUTION = {
    "PENDING": _TERMS,
    "PRINTING": frozenset({NORMAL}),
    "DONE": frozenset({NORMAL}),
    "FAILURE": _TERMS | _FAILURE_ONLY,
}


def check_printer_status_info(PrinterStatus: str, PrinterStatusInfo: str) -> None:
    """Raise `EncodeError` where the printer cannot be in that status with that info, PS3.3 C.13.9."""
    _check(_PRINTER, "PrinterStatus", PrinterStatus, PrinterStatusInfo)


def check_execution_status_info(ExecutionStatus: str, ExecutionStatusInfo: str) -> None:
    """Raise `EncodeError` where a job cannot be in that status with that info, PS3.3 C.13.8."""
    _check(_EXECUTION, "ExecutionStatus", ExecutionStatus, ExecutionStatusInfo)


def _check(allowed: dict[str, frozenset[str]], keyword: str, status: str, info: str) -> None:
    if status not in allowed:
        raise EncodeError(f"{status!r} is not one of {', '.join(allowed)} (PS3.3 C.13)", path=keyword)
    if info not in allowed[status]:
        what = f"only {NORMAL}" if NORMAL in allowed[status] else "none of its terms"
        raise EncodeError(f"{info!r}, where {status} has {what} (PS3.3 C.13.9.1)", path=f"{keyword}Info")
