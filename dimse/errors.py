"""The errors of this package, split by who is to blame.

::

    DimseError                     everything raised here
    ├── DecodeError                bytes that do not say what the standard says they should
    ├── EncodeError                a value that cannot be written as the standard asks
    ├── LocalProtocolError         you asked for what cannot happen in this state
    ├── RemoteProtocolError        the peer sent what cannot happen in this state
    │   └── LimitExceeded          the peer sent more than this side takes
    ├── ConnectionFailed           no transport connection: nobody listens, or no route
    ├── ResponseTimeout            the peer did not answer in time
    ├── AssociationRejected        A-ASSOCIATE-RJ: result, source, reason
    ├── AssociationAborted         A-ABORT or A-P-ABORT: source, reason
    ├── ContextNotAccepted         no presentation context for what you want to do
    └── ServiceError               a response with a failure status
"""

import re
from dataclasses import dataclass

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
    "escaped",
    "shown",
]

_SHOWN = 66  # characters: a UID in quotes is whole
_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")


class DimseError(Exception):
    """Base of everything this package raises. It can be pickled and copied, whatever its class is made from."""

    def __reduce__(self) -> tuple[object, tuple[object, ...], dict[str, object]]:
        """Return how to make it again: without ``__init__``, whose arguments nobody kept."""
        return _made_again, (type(self), *self.args), self.__dict__


def _made_again(kind: type[DimseError], *args: object) -> DimseError:
    return kind.__new__(kind, *args)


class DecodeError(DimseError):
    """Bytes that do not say what the standard says they should.

    ``path`` is the way in, such as ``(2020,0110)[0].(0028,0010)`` or the name of a PDU
    field; ``offset`` counts bytes from the start of what was decoded, and is None where
    there is no such place; ``rule`` is the section that says otherwise, such as ``PS3.5 §7.5``, or the limit that
    is exceeded, such as ``DecodeLimits.depth``.
    """

    def __init__(self, what: str, *, path: str = "", offset: int | None = None, rule: str = "") -> None:
        self.what = what
        self.path = path
        self.offset = offset
        self.rule = rule
        where = "" if offset is None else f" (at byte {offset})"
        said = f"{what}{where} [{rule}]" if rule else f"{what}{where}"
        super().__init__(f"{path}: {said}" if path else said)

    @property
    def tag(self) -> int | None:
        """The tag of the attribute that is wrong, the innermost one of ``path``; None where it names none."""
        tags = _TAG.findall(self.path)
        return int("".join(tags[-1]), 16) if tags else None

    @property
    def brief(self) -> str:
        """The attribute or field, and what is wrong with it: for an Error Comment, which has 64 characters."""
        field = self.path.rpartition(".")[2]
        return f"{field}: {self.what}" if field else self.what


class EncodeError(DimseError):
    """A value that cannot be written as the standard asks. ``path`` is the way in."""

    def __init__(self, what: str, *, path: str = "") -> None:
        self.what = what
        self.path = path
        super().__init__(f"{path}: {what}" if path else what)


class LocalProtocolError(DimseError):
    """You asked for something that the standard does not allow in this state."""


class RemoteProtocolError(DimseError):
    """The peer sent something that the standard does not allow in this state."""


class LimitExceeded(RemoteProtocolError):
    """The peer sent more than this side takes. ``limit`` is the name of the bound in `dimse.limits`."""

    def __init__(self, limit: str, what: str, bound: int, *, path: str = "") -> None:
        self.limit = limit
        self.bound = bound
        self.path = path
        text = f"{what} is more than {limit} allows, {bound}"
        super().__init__(f"{path}: {text}" if path else text)


class ConnectionFailed(DimseError):
    """There is no transport connection to the peer."""


class ResponseTimeout(DimseError):
    """The peer did not answer within the time allowed."""


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
    """The peer refused the association: A-ASSOCIATE-RJ, PS3.8 Table 9-21."""

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
    """The association ended with an A-ABORT or A-P-ABORT, PS3.8 Table 9-26.

    ``cause`` says more where this side knows it: the rule that the peer broke, or that the
    transport connection closed.
    """

    def __init__(self, source: int, reason: int, cause: str = "") -> None:
        self.source = source
        self.reason = reason
        self.cause = cause
        words = f"source {source} ({ABORT_SOURCES.get(source, 'reserved')})"
        if source == 2:  # for a service-user the reason is not significant
            words += f", reason {reason} ({ABORT_REASONS.get(reason, 'reserved')})"
        super().__init__(f"association aborted: {words}" + (f": {cause}" if cause else ""))


class ContextNotAccepted(DimseError):
    """The peer accepted no presentation context for what you want to do, PS3.8 §9.3.3.2."""


class ServiceError(DimseError):
    """A DIMSE response with a failure status, PS3.7 Annex C.

    ``offending`` are the tags that it names; ``details`` are further words for whoever reads the error.
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
    """A fault that a lenient reader tolerated, for its report.

    The fields are as in `DecodeError`: ``path`` is the way in, ``offset`` counts bytes, and is None where there is no
    such place, ``rule`` is the section that was broken, such as ``PS3.5 §7.1``.
    """

    path: str
    offset: int | None
    rule: str
    what: str

    def __str__(self) -> str:
        where = "" if self.offset is None else f" (at byte {self.offset})"
        return f"{self.path}: {self.what}{where} [{self.rule}]".removeprefix(": ")


def shown(value: object) -> str:
    """A wrong value, cut, for the message of an error."""
    try:
        text = repr(value)
    except ValueError:  # an int of more than 4,300 digits
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def escaped(text: str) -> str:
    """What a peer or a file says, harmless to terminals and files: each character that is not printable is escaped.

    A byte that is no ISO 646 text, which the codecs keep as a surrogate, is escaped as that byte: ``R\\xd6NTGEN``.
    """
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(char: str) -> str:
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
