"""The DIMSE messages, PS3.7 §9.3 and §10.3.

A message is a dataclass, and its fields are the command elements of its table in the standard; their names are the
DICOM keywords. A field without a default is mandatory. ``Data`` is the encoded Data Set that follows; for sending, it
may be a list of buffers. Messages are frozen for type checkers only: these report an assignment to a field, but Python
allows it.

CommandGroupLength, CommandField and CommandDataSetType are not fields, because they belong to the encoding:
`encode_command` writes them, and `decode_command` reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, TypeVar, dataclass_transform

from ..errors import EncodeError

__all__ = [
    "CCancelRQ",
    "CEchoRQ",
    "CEchoRSP",
    "CFindRQ",
    "CFindRSP",
    "CGetRQ",
    "CGetRSP",
    "CMoveRQ",
    "CMoveRSP",
    "CStoreRQ",
    "CStoreRSP",
    "MESSAGES",
    "Message",
    "NActionRQ",
    "NActionRSP",
    "NCreateRQ",
    "NCreateRSP",
    "NDeleteRQ",
    "NDeleteRSP",
    "NEventReportRQ",
    "NEventReportRSP",
    "NGetRQ",
    "NGetRSP",
    "NSetRQ",
    "NSetRSP",
    "RESPONSES",
    "Request",
    "Response",
    "joined",
    "length_of",
]

Buffer = bytes | bytearray | memoryview
_TAGS = ("OffendingElement", "AttributeIdentifierList")  # the elements whose values are tags
_Class = TypeVar("_Class")


def length_of(data: Buffer | Sequence[Buffer] | None) -> int:
    """Return the number of bytes of Data; 0 for None. Raises `EncodeError` for data that has no length."""
    if data is None:
        return 0
    length = 0
    try:
        if isinstance(data, bytes | bytearray):
            return len(data)
        if isinstance(data, memoryview):
            return data.nbytes
        len(data)  # raises TypeError for a generator: counting its buffers would use them up, and none would be sent
        for part in data:
            length += memoryview(part).nbytes
    except TypeError as exc:
        raise _not_buffers(data) from exc
    return length


def joined(data: Buffer | Sequence[Buffer]) -> Buffer:
    """Return Data as one buffer of bytes. Raises `EncodeError` for anything but one or several contiguous buffers."""
    try:
        if isinstance(data, bytes | bytearray):
            return data
        return data.cast("B") if isinstance(data, memoryview) else b"".join(data)
    except TypeError as exc:
        raise _not_buffers(data) from exc


def _not_buffers(data: object) -> EncodeError:
    return EncodeError(f"{data!r:.80} is not bytes or a list of bytes", path="Data")


def _format_field(name: str, value: object) -> str:
    """Return a command element as text: a status in hexadecimal digits, and tags as (gggg,eeee)."""
    match value:
        case int() if name == "Status":
            return f"{value:04X}H"
        case tuple() if name in _TAGS:
            return f"[{', '.join(f'({tag >> 16:04X},{tag & 0xFFFF:04X})' for tag in value)}]"
    return repr(value)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def _message(cls: type[_Class]) -> type[_Class]:
    """Make ``cls`` a dataclass with the ``==``, hash and repr of `Message`, frozen for type checkers.

    Compiling these three for each of 28 classes took 6 of the 16 ms of this module's import. If messages were
    frozen at run time, too, creating a message would take three times as long; a C-ECHO would need 8 % more processor
    time outside asyncio.
    """
    return dataclass(slots=True, kw_only=True, eq=False, repr=False)(cls)


@_message
class Message:
    """The base of all messages. ``str()`` shows the length of Data; ``repr()`` shows Data itself."""

    CommandField: ClassVar[int]
    Data: Buffer | Sequence[Buffer] | None = None

    def _values(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message) or type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._values().items())})"

    def __str__(self) -> str:
        shown = [
            f"{name}={_format_field(name, value)}"
            for name, value in self._values().items()
            if name != "Data" and value is not None
        ]
        if self.Data is not None:
            shown.append(f"Data={length_of(self.Data)} bytes")
        return f"{type(self).__name__}({', '.join(shown)})"


@_message
class Request(Message):
    """The base of all requests that have responses."""

    MessageID: int


@_message
class Response(Message):
    """The base of all responses. ErrorComment comes with some failure statuses, Annex C."""

    MessageIDBeingRespondedTo: int
    Status: int
    AffectedSOPClassUID: str | None = None
    ErrorComment: str | None = None


@_message
class CStoreRQ(Request):
    """PS3.7 Table 9.3-1."""

    CommandField: ClassVar[int] = 0x0001
    AffectedSOPClassUID: str
    AffectedSOPInstanceUID: str
    Priority: int = 0
    MoveOriginatorApplicationEntityTitle: str | None = None
    MoveOriginatorMessageID: int | None = None


@_message
class CStoreRSP(Response):
    """PS3.7 Table 9.3-2."""

    CommandField: ClassVar[int] = 0x8001
    AffectedSOPInstanceUID: str | None = None
    OffendingElement: tuple[int, ...] | None = None


@_message
class CFindRQ(Request):
    """PS3.7 Table 9.3-3."""

    CommandField: ClassVar[int] = 0x0020
    AffectedSOPClassUID: str
    Priority: int = 0


@_message
class CFindRSP(Response):
    """PS3.7 Table 9.3-4."""

    CommandField: ClassVar[int] = 0x8020
    OffendingElement: tuple[int, ...] | None = None


@_message
class CCancelRQ(Message):
    """PS3.7 Tables 9.3-5, 9.3-8 and 9.3-11, for C-FIND, C-GET and C-MOVE. C-CANCEL has no response."""

    CommandField: ClassVar[int] = 0x0FFF
    MessageIDBeingRespondedTo: int


@_message
class CGetRQ(Request):
    """PS3.7 Table 9.3-6."""

    CommandField: ClassVar[int] = 0x0010
    AffectedSOPClassUID: str
    Priority: int = 0


@_message
class _SubOperationsResponse(Response):
    """The base of C-GET and C-MOVE responses, with the sub-operation counters."""

    OffendingElement: tuple[int, ...] | None = None
    NumberOfRemainingSuboperations: int | None = None
    NumberOfCompletedSuboperations: int | None = None
    NumberOfFailedSuboperations: int | None = None
    NumberOfWarningSuboperations: int | None = None


@_message
class CGetRSP(_SubOperationsResponse):
    """PS3.7 Table 9.3-7."""

    CommandField: ClassVar[int] = 0x8010


@_message
class CMoveRQ(Request):
    """PS3.7 Table 9.3-9."""

    CommandField: ClassVar[int] = 0x0021
    AffectedSOPClassUID: str
    MoveDestination: str
    Priority: int = 0


@_message
class CMoveRSP(_SubOperationsResponse):
    """PS3.7 Table 9.3-10."""

    CommandField: ClassVar[int] = 0x8021


@_message
class CEchoRQ(Request):
    """PS3.7 Table 9.3-12."""

    CommandField: ClassVar[int] = 0x0030
    AffectedSOPClassUID: str


@_message
class CEchoRSP(Response):
    """PS3.7 Table 9.3-13."""

    CommandField: ClassVar[int] = 0x8030


@_message
class _NResponse(Response):
    """The base of the responses of the N-services."""

    AffectedSOPInstanceUID: str | None = None
    OffendingElement: tuple[int, ...] | None = None
    ErrorID: int | None = None


@_message
class NEventReportRQ(Request):
    """PS3.7 Table 10.3-1."""

    CommandField: ClassVar[int] = 0x0100
    AffectedSOPClassUID: str
    AffectedSOPInstanceUID: str
    EventTypeID: int


@_message
class NEventReportRSP(_NResponse):
    """PS3.7 Table 10.3-2."""

    CommandField: ClassVar[int] = 0x8100
    EventTypeID: int | None = None


@_message
class NGetRQ(Request):
    """PS3.7 Table 10.3-3. No AttributeIdentifierList, or an empty one, asks for all attributes."""

    CommandField: ClassVar[int] = 0x0110
    RequestedSOPClassUID: str
    RequestedSOPInstanceUID: str
    AttributeIdentifierList: tuple[int, ...] | None = None


@_message
class NGetRSP(_NResponse):
    """PS3.7 Table 10.3-4."""

    CommandField: ClassVar[int] = 0x8110
    AttributeIdentifierList: tuple[int, ...] | None = None


@_message
class NSetRQ(Request):
    """PS3.7 Table 10.3-5."""

    CommandField: ClassVar[int] = 0x0120
    RequestedSOPClassUID: str
    RequestedSOPInstanceUID: str


@_message
class NSetRSP(_NResponse):
    """PS3.7 Table 10.3-6."""

    CommandField: ClassVar[int] = 0x8120
    AttributeIdentifierList: tuple[int, ...] | None = None


@_message
class NActionRQ(Request):
    """PS3.7 Table 10.3-7."""

    CommandField: ClassVar[int] = 0x0130
    RequestedSOPClassUID: str
    RequestedSOPInstanceUID: str
    ActionTypeID: int


@_message
class NActionRSP(_NResponse):
    """PS3.7 Table 10.3-8."""

    CommandField: ClassVar[int] = 0x8130
    ActionTypeID: int | None = None


@_message
class NCreateRQ(Request):
    """PS3.7 Table 10.3-9. Without AffectedSOPInstanceUID, the performer assigns a UID."""

    CommandField: ClassVar[int] = 0x0140
    AffectedSOPClassUID: str
    AffectedSOPInstanceUID: str | None = None


@_message
class NCreateRSP(_NResponse):
    """PS3.7 Table 10.3-10."""

    CommandField: ClassVar[int] = 0x8140
    AttributeIdentifierList: tuple[int, ...] | None = None


@_message
class NDeleteRQ(Request):
    """PS3.7 Table 10.3-11."""

    CommandField: ClassVar[int] = 0x0150
    RequestedSOPClassUID: str
    RequestedSOPInstanceUID: str


@_message
class NDeleteRSP(_NResponse):
    """PS3.7 Table 10.3-12."""

    CommandField: ClassVar[int] = 0x8150


# PS3.7 Table E.1-1, Command Field (0000,0100)
MESSAGES: dict[int, type[Message]] = {
    cls.CommandField: cls
    for cls in (
        *(CStoreRQ, CStoreRSP, CFindRQ, CFindRSP, CGetRQ, CGetRSP, CMoveRQ, CMoveRSP, CCancelRQ),
        *(CEchoRQ, CEchoRSP, NEventReportRQ, NEventReportRSP, NGetRQ, NGetRSP, NSetRQ, NSetRSP),
        *(NActionRQ, NActionRSP, NCreateRQ, NCreateRSP, NDeleteRQ, NDeleteRSP),
    )
}


# The Command Field of a response equals its request's, with the highest bit set
RESPONSES: dict[type[Request], type[Response]] = {
    request: response
    for request in MESSAGES.values()
    if issubclass(request, Request) and issubclass(response := MESSAGES[request.CommandField | 0x8000], Response)
}
