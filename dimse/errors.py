"""The errors of this package, and functions that make values and untrusted text safe for their messages.

::

    DimseError                     base class of the errors of this package
    ├── DecodeError                received or stored bytes violate the standard
    ├── EncodeError                a value cannot be written by the rules of the standard
    ├── LocalProtocolError         this side requested something impossible in the current state
    ├── RemoteProtocolError        the peer sent something impossible in the current state
    │   └── LimitExceeded          the peer sent more than a limit allows
    ├── ConnectionFailed           no connection, no TLS, or no answer to A-ASSOCIATE-RQ in time
    ├── ResponseTimeout            no response to a DIMSE request in time
    ├── AssociationRejected        A-ASSOCIATE-RJ: result, source, reason
    ├── AssociationAborted         A-ABORT or A-P-ABORT: source, reason
    ├── ContextNotAccepted         no presentation context for the operation
    └── ServiceError               a response with a failure status
"""

import re
from copy import copy
from dataclasses import dataclass
from typing import TypeVar

__all__ = [
    "ABORT_REASONS",
    "ABORT_SOURCES",
    "REJECT_REASONS",
    "REJECT_RESULTS",
    "REJECT_SOURCES",
    "AssociationAborted",
    "AssociationRejected",
    "ConnectionFailed",
    "ContextNotAccepted",
    "DecodeError",
    "DimseError",
    "EncodeError",
    "Finding",
    "LimitExceeded",
    "LocalProtocolError",
    "RemoteProtocolError",
    "ResponseTimeout",
    "ServiceError",
    "copy_of",
    "cut",
    "escaped",
    "readable",
    "shown",
]

_E = TypeVar("_E", bound="DimseError")

_MAX_SHOWN = 69  # characters of a value in a message; a UID of 64 characters in quotes takes 66
_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")


class DimseError(Exception):
    """The base of all errors of this package. Each can be pickled and copied, whatever its constructor takes."""

    def __reduce__(self) -> tuple[object, tuple[object, ...], dict[str, object]]:
        """Return what pickle needs to recreate the error without calling ``__init__``."""
        return _recreate, (type(self), *self.args), self.__dict__


def copy_of(error: _E) -> _E:
    """Return a copy of an error that is kept, to be raised instead of it.

    A raised error refers to the frames of its traceback, and so to the values of all callers. If the kept error were
    raised, they would stay in memory with it, and each further caller would add frames.
    """
    again = copy(error)
    again.__cause__, again.__suppress_context__ = error.__cause__, error.__suppress_context__
    return again


def _recreate(kind: type[DimseError], *args: object) -> DimseError:
    return kind.__new__(kind, *args)


class DecodeError(DimseError):
    """Received or stored bytes that violate the standard.

    ``path`` leads to the place, such as ``(2020,0110)[0].(0028,0010)`` or the name of a PDU field. ``offset`` counts
    bytes from the start of the bytes being decoded; None if no offset applies. ``rule`` is the violated section, such
    as ``PS3.5 §7.5``, or the exceeded limit, such as ``DecodeLimits.depth``.
    """

    def __init__(self, what: str, *, path: str = "", offset: int | None = None, rule: str = "") -> None:
        self.what = what
        self.path = path
        self.offset = offset
        self.rule = rule
        where = "" if offset is None else f" (at byte {offset})"
        text = f"{what}{where} [{rule}]" if rule else f"{what}{where}"
        super().__init__(f"{path}: {text}" if path else text)

    @property
    def tag(self) -> int | None:
        """The tag of the faulty attribute, the innermost tag in ``path``; None if ``path`` contains no tag."""
        tags = _TAG.findall(self.path)
        return int("".join(tags[-1]), 16) if tags else None

    @property
    def brief(self) -> str:
        """The attribute or field and its fault, without offset and rule.

        It is meant for an Error Comment, for which the caller cuts it to 64 characters.
        """
        field = self.path.rpartition(".")[2]
        return f"{field}: {self.what}" if field else self.what


class EncodeError(DimseError):
    """A value that cannot be written by the rules of the standard. ``path`` leads to it."""

    def __init__(self, what: str, *, path: str = "") -> None:
        self.what = what
        self.path = path
        super().__init__(f"{path}: {what}" if path else what)


class LocalProtocolError(DimseError):
    """A request of this side that the standard does not allow in the current state."""


class RemoteProtocolError(DimseError):
    """A message or PDU of the peer that the standard does not allow in the current state."""


class LimitExceeded(RemoteProtocolError):
    """The error for a peer that has sent more than a limit allows.

    ``limit`` is the name of the limit in `dimse.limits`, and ``bound`` its value; None if the system set the limit.
    """

    def __init__(self, limit: str, what: str, bound: int | None, *, path: str = "") -> None:
        self.limit = limit
        self.bound = bound
        self.path = path
        text = what if bound is None else f"{what} exceeds the limit {limit} = {bound}"
        super().__init__(f"{path}: {text}" if path else text)


class ConnectionFailed(DimseError):
    """No association, because there was no connection, no TLS, or no answer to A-ASSOCIATE-RQ in time."""


class ResponseTimeout(DimseError):
    """No response to a DIMSE request in time."""


# PS3.8 Table 9-21
REJECT_RESULTS = {1: "rejected-permanent", 2: "rejected-transient"}
REJECT_SOURCES = {
    1: "DICOM UL service-user",
    2: "DICOM UL service-provider (ACSE related function)",
    3: "DICOM UL service-provider (Presentation related function)",
}
REJECT_REASONS = {
    (1, 1): "no-reason-given",
    (1, 2): "application-context-name-not-supported",
    (1, 3): "calling-AE-title-not-recognized",
    (1, 7): "called-AE-title-not-recognized",
    (2, 1): "no-reason-given",
    (2, 2): "protocol-version-not-supported",
    (3, 1): "temporary-congestion",
    (3, 2): "local-limit-exceeded",
}
# PS3.8 Table 9-26
ABORT_SOURCES = {0: "DICOM UL service-user", 2: "DICOM UL service-provider"}
ABORT_REASONS = {
    0: "reason-not-specified",
    1: "unrecognized-PDU",
    2: "unexpected-PDU",
    4: "unrecognized-PDU parameter",
    5: "unexpected-PDU parameter",
    6: "invalid-PDU-parameter value",
}


class AssociationRejected(DimseError):
    """An association that the peer rejected: A-ASSOCIATE-RJ, PS3.8 Table 9-21."""

    def __init__(self, result: int, source: int, reason: int) -> None:
        self.result = result
        self.source = source
        self.reason = reason
        super().__init__(
            f"association rejected: result {result} ({REJECT_RESULTS.get(result, 'reserved')}), "
            f"source {source} ({REJECT_SOURCES.get(source, 'reserved')}), "
            f"reason {reason} ({REJECT_REASONS.get((source, reason), 'reserved')})"
        )


class AssociationAborted(DimseError):
    """An association that ended with an A-ABORT or A-P-ABORT, PS3.8 Table 9-26.

    ``cause`` is the reason as this side knows it, such as the rule that the peer violated; empty if it is unknown.
    """

    def __init__(self, source: int, reason: int, cause: str = "") -> None:
        self.source = source
        self.reason = reason
        self.cause = cause
        words = f"source {source} ({ABORT_SOURCES.get(source, 'reserved')})"
        if source == 2:  # the reason of a service-user is not significant
            words += f", reason {reason} ({ABORT_REASONS.get(reason, 'reserved')})"
        super().__init__(f"association aborted: {words}" + (f": {cause}" if cause else ""))


class ContextNotAccepted(DimseError):
    """No accepted presentation context for the operation, PS3.8 §9.3.3.2."""


class ServiceError(DimseError):
    """A DIMSE response with a failure status, PS3.7 Annex C.

    ``offending`` holds the tags that the response names. ``details`` is additional text, shown in brackets at the end
    of the message.
    """

    def __init__(
        self,
        status: int,
        meaning: str,
        *,
        operation: str = "",
        comment: str = "",
        offending: tuple[int, ...] = (),
        details: str = "",
    ) -> None:
        self.status = status
        self.meaning = meaning
        self.operation = operation
        self.comment = comment
        self.offending = offending
        text = f"{operation}: " if operation else ""
        text += f"status {status:04X}H ({meaning})"
        text += f": {escaped(comment)}" if comment else ""
        super().__init__(f"{text} [{details}]" if details else text)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that a lenient reader tolerated, as an entry of its report.

    The fields are as in `DecodeError`. ``path`` leads to the place. ``offset`` counts bytes; it is None if no offset
    applies. ``rule`` is the violated section, such as ``PS3.5 §7.1``. ``what`` is the fault in words.
    """

    path: str
    offset: int | None
    rule: str
    what: str

    def __str__(self) -> str:
        where = "" if self.offset is None else f" (at byte {self.offset})"
        return f"{self.path}: {self.what}{where} [{self.rule}]".removeprefix(": ")


def readable(value: object) -> object:
    """Return ``value`` with bytes in place of memoryviews of bytes, because the repr of a memoryview is an address.

    Of a long list or memoryview, return only the start, as much as `shown` needs.
    """
    if isinstance(value, list):
        return [readable(one) for one in value[: _MAX_SHOWN + 1]]
    is_view = isinstance(value, memoryview) and value.ndim == 1 and value.format == "B"
    return bytes(value[: _MAX_SHOWN + 1]) if isinstance(value, memoryview) and is_view else value


def shown(value: object) -> str:
    """Return the repr of an invalid value, shortened for an error message."""
    try:
        return cut(repr(readable(value)), _MAX_SHOWN)
    except ValueError:  # an int of more than 4,300 digits
        return f"<{type(value).__name__}>"


def cut(text: str, max_length: int | None) -> str:
    """Return ``text`` in at most ``max_length`` characters. A longer text is cut and ends with three dots.

    ``max_length`` must be at least 3. If it is None, the text is returned whole.
    """
    return text if max_length is None or len(text) <= max_length else text[: max_length - 3] + "..."


def escaped(text: str) -> str:
    """Return the text of a peer or a file with each unprintable character escaped, safe for terminals and logs.

    The codecs keep a byte outside ISO 646 as a surrogate, which is escaped as that byte: ``R\\xd6NTGEN``.
    """
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(char: str) -> str:
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
