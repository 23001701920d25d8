"""The protocol of a destination, to which films are delivered after the printer has accepted them.

Each call delivers one film. A destination knows nothing of queues, other destinations or earlier attempts; its caller
keeps track of these, and asks a `RetryPolicy` what to do after a failure.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, Self, runtime_checkable

from dimse.data import Dataset
from dimse.errors import ContextNotAccepted, DimseError, EncodeError, cut, escaped
from dimse.net import Trace

from ..config import ConfigError
from ..film import LayoutError
from ..images import ImageError
from ..output import OutputError
from ..scp import Film
from ..scu import PrintUncertain
from ..status import NORMAL, check_execution_status_info, check_printer_status_info

__all__ = [
    "Condition",
    "DeliveryFailed",
    "Destination",
    "Outcome",
    "Receipt",
    "Traceable",
    "as_failures",
    "check_dpi",
    "check_seconds",
    "failure_of",
]

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_MAX_SECONDS = 86_400  # a day: the limit of all time limits
_MAX_REASON = 1000  # characters of a reason; it may quote text of any length from a peer or a program


class Outcome(Enum):
    """The meaning of a failed delivery for further attempts."""

    LATER = "later"  # nothing was printed, or printing it again is harmless; another attempt may succeed
    NEVER = "never"  # nothing was printed, and no further attempt can succeed with this film
    INDETERMINATE = "indeterminate"  # the film may have been printed: only an operator may repeat the delivery


class DeliveryFailed(DimseError):
    """A failed delivery of a film. The text is the reason, in one line without control characters.

    ``info`` is the term of PS3.3 C.13.9.1 for Execution Status Info. Raises `EncodeError` for an unknown term.
    """

    def __init__(self, outcome: Outcome, reason: str, *, info: str = "CHECK PRINTER") -> None:
        check_execution_status_info("FAILURE", info)
        self.outcome = outcome
        self.info = info
        super().__init__(_in_line(reason) or outcome.value)


def _in_line(text: str) -> str:
    """Return a text of a peer or a program for a line of the log: cut, and without control characters."""
    return cut(escaped(cut(text, _MAX_REASON)), _MAX_REASON)  # a text of 1 MiB would take a second to escape


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of a delivery: its products in ``made``, such as file paths or the UID of a job, and its warnings.

    Each warning becomes one line of at most 1,000 characters.
    """

    made: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "warnings", tuple(map(_in_line, self.warnings)))  # the dataclass is frozen


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a destination: Printer Status and Printer Status Info (PS3.3 C.13.9), and the reason in words.

    The reason becomes one line of at most 1,000 characters. Raises `EncodeError` for a status or an info that the
    standard does not define.
    """

    PrinterStatus: str = NORMAL
    PrinterStatusInfo: str = NORMAL
    reason: str = ""

    def __post_init__(self) -> None:
        check_printer_status_info(self.PrinterStatus, self.PrinterStatusInfo)
        object.__setattr__(self, "reason", _in_line(self.reason))  # the dataclass is frozen


@runtime_checkable
class Traceable(Protocol):
    """An object that opens associations and can report their events."""

    def traced(self, trace: Trace | None) -> Self:
        """Return a copy whose associations report their events to ``trace``."""


class Destination(Protocol):
    """A place to which films are delivered.

    Each call of ``deliver`` delivers one film, with all its copies (``film.copies``) where copies make sense.
    ``identified`` has the known attributes of the patient and the study; it may be empty. If a delivery is repeated
    after a crash, the film has the same job, position, copy, number and time as before, and ``identified`` is the same.

    If ``deliver`` raises, the delivery has failed; `failure_of` tells what the exception means. A canceled delivery may
    have printed the film. Several films may be delivered at the same time. ``repeatable``: a second delivery of the
    same film is harmless, because the destination recognizes the film.

    ``check`` tells whether the destination can accept films, and does not raise.
    """

    @property
    def repeatable(self) -> bool: ...

    async def deliver(self, film: Film, identified: Dataset) -> Receipt: ...

    async def check(self) -> Condition: ...


def failure_of(error: BaseException) -> DeliveryFailed:
    """Return the `DeliveryFailed` that corresponds to an exception raised by `Destination.deliver`.

    A `DeliveryFailed` is returned unchanged.
    """
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
            return DeliveryFailed(Outcome.LATER, f"{where}{error.strerror or _words_of(error)}", info=info)
        case DimseError():
            return DeliveryFailed(Outcome.LATER, str(error))
    return DeliveryFailed(Outcome.LATER, f"{type(error).__name__}: {error}".removesuffix(": "), info="UNKNOWN")


def _words_of(error: Exception) -> str:
    """Return the message of an error, or its type: the `TimeoutError` of asyncio has no message."""
    return str(error) or type(error).__name__


@contextmanager
def as_failures(where: str = "") -> Iterator[None]:
    """Convert an exception in the block to `DeliveryFailed`, with ``where`` before the reason; see `failure_of`."""
    try:
        yield
    except Exception as exc:
        failure = failure_of(exc)
        if failure is exc and not where:
            raise
        raise DeliveryFailed(
            failure.outcome, f"{where}: {failure}" if where else str(failure), info=failure.info
        ) from exc


def check_dpi(dpi: int) -> None:
    """Raise `ConfigError` for a resolution below 1."""
    if dpi < 1:
        raise ConfigError("dpi", f"{dpi} must be at least 1")


def check_seconds(key: str, seconds: float) -> None:
    """Raise a `ConfigError` that names ``key`` for a time limit that is not above 0 and at most a day."""
    if not 0 < seconds <= _MAX_SECONDS:
        raise ConfigError(key, f"{seconds:g} must be above 0 and at most {_MAX_SECONDS} seconds")
