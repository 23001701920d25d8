"""Destinations: where films go after the printer has accepted them.

A destination delivers one film. It knows nothing of queues, of other destinations, or of earlier attempts: the caller
keeps these, and asks `retry` what comes next.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from dimse.data import Dataset
from dimse.errors import ContextNotAccepted, DimseError, EncodeError, cut, escaped

from ..film import LayoutError
from ..images import ImageError
from ..output import OutputError
from ..scp import Film
from ..scu import PrintUncertain
from ..status import NORMAL, check_execution_status_info, check_printer_status_info

__all__ = ["Condition", "DeliveryFailed", "Destination", "Outcome", "Receipt", "as_failures", "failure_of"]

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_LONGEST = 1000  # characters of a reason; a peer or a program may say a lot


class Outcome(Enum):
    """What a failed delivery means for the next one."""

    LATER = "later"  # nothing was printed; another attempt may succeed
    NEVER = "never"  # nothing was printed; this film will not be taken as it is
    INDETERMINATE = "indeterminate"  # it may have been printed: only an operator may repeat it


class DeliveryFailed(DimseError):
    """The failure to deliver a film. Its text is the reason, in one line without control characters.

    ``info`` is the term of PS3.3 C.13.9.1 for Execution Status Info.
    """

    def __init__(self, outcome: Outcome, reason: str, *, info: str = "CHECK PRINTER") -> None:
        check_execution_status_info("FAILURE", info)
        self.outcome = outcome
        self.info = info
        super().__init__(cut(escaped(reason), _LONGEST) or outcome.value)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a delivery has made: paths of files, the UID of an object, the name of a print job; and warnings."""

    made: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a destination: Printer Status and Printer Status Info (PS3.3 C.13.9), and the reason in words.

    Raises `EncodeError` for terms that the standard does not have.
    """

    PrinterStatus: str = NORMAL
    PrinterStatusInfo: str = NORMAL
    reason: str = ""

    def __post_init__(self) -> None:
        check_printer_status_info(self.PrinterStatus, self.PrinterStatusInfo)


class Destination(Protocol):
    """A place where films go.

    ``deliver`` is called once for a film, and prints all its copies (``film.copies``) where copies make sense.
    ``identified`` has the attributes of patient and study that are known, by DICOM keyword; it may be empty. A repeat
    after a crash gets the same film: the job, position, copy, number, time and ``identified`` are those of before.

    Raising means that the delivery failed; `failure_of` tells what an exception means. A canceled delivery may have
    printed the film. Several films may be delivered at the same time. ``repeatable``: a second delivery of the same
    film is harmless, because the destination can tell that it has the film.

    ``check`` asks whether the destination can take films, and does not raise.
    """

    @property
    def repeatable(self) -> bool: ...

    async def deliver(self, film: Film, identified: Dataset) -> Receipt: ...

    async def check(self) -> Condition: ...


def failure_of(error: BaseException) -> DeliveryFailed:
    """Return the failed delivery that an exception of `Destination.deliver` means."""
    match error:
        case DeliveryFailed():
            return error
        case LayoutError() | OutputError() | ImageError() | EncodeError():
            return DeliveryFailed(Outcome.NEVER, str(error), info="INVALID PAGE DES")
        case ContextNotAccepted():
            return DeliveryFailed(Outcome.NEVER, str(error))
        case PrintUncertain():
            return DeliveryFailed(Outcome.INDETERMINATE, str(error))
        case MemoryError():
            return DeliveryFailed(Outcome.LATER, "out of memory", info="INSUFFIC MEMORY")
        case OSError():
            info = "INSUFFIC MEMORY" if error.errno in _DISK_FULL else "CHECK PRINTER"
            where = f"{error.filename}: " if error.filename else ""
            return DeliveryFailed(Outcome.LATER, f"{where}{error.strerror or error}", info=info)
        case DimseError():
            return DeliveryFailed(Outcome.LATER, str(error))
    return DeliveryFailed(Outcome.LATER, f"{type(error).__name__}: {error}", info="UNKNOWN")


@contextmanager
def as_failures(where: str = "") -> Iterator[None]:
    """Raise each error of the block as the `DeliveryFailed` that it means, with ``where`` before the reason."""
    try:
        yield
    except Exception as exc:
        failure = failure_of(exc)
        if failure is exc and not where:
            raise
        raise DeliveryFailed(
            failure.outcome, f"{where}: {failure}" if where else str(failure), info=failure.info
        ) from exc
