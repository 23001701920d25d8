"""The items inside the association PDUs: PS3.8 §9.3.2, §9.3.3 and Annex D; PS3.7 Annex D.3.3.

Each item is a frozen dataclass of the fields in its table, with `encode` and `decode` for its value. The table at the
foot of this file maps type bytes to the sub-items of User Information.
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct, pack
from typing import Protocol, Self

from ..errors import EncodeError
from .wire import Reader, ascii_bytes, framed

__all__ = [
    "AsynchronousOperationsWindow",
    "ContextResult",
    "ImplementationClassUID",
    "ImplementationVersionName",
    "MaximumLength",
    "PresentationContextAC",
    "PresentationContextRQ",
    "RoleSelection",
    "SOPClassCommonExtendedNegotiation",
    "SOPClassExtendedNegotiation",
    "UnknownItem",
    "UserIdentityAC",
    "UserIdentityRQ",
    "UserItem",
    "decode_user_item",
    "encode_user_item",
    "has_identity_form",
]

_ABSTRACT_SYNTAX, _TRANSFER_SYNTAX = 0x30, 0x40
_CONTEXT_RQ = Struct(">B3x")  # Table 9-13, octets 5-8
_CONTEXT_AC = Struct(">BxBx")  # Table 9-18, octets 5-8
_UINT16, _UINT32, _TWO_UINT16 = Struct(">H"), Struct(">I"), Struct(">HH")
_IDENTITY = Struct(">BBH")  # PS3.7 Table D.3-14, octets 5-8


class ContextResult(IntEnum):
    """Result/Reason of a presentation context, PS3.8 Table 9-18."""

    ACCEPTANCE = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4

    @classmethod
    def words(cls, result: int) -> str:
        """Return a result, even a reserved one, in words."""
        name = _RESULT_NAMES.get(result)
        return name.lower().replace("_", "-") if name else f"reserved result {result}"


_RESULT_NAMES = {result.value: result.name for result in ContextResult}


@dataclass(frozen=True, slots=True)
class PresentationContextRQ:
    """PS3.8 Table 9-13."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]

    def encode(self) -> bytes:
        abstract_syntax = ascii_bytes(self.abstract_syntax, "Abstract-syntax-name")
        parts = [_CONTEXT_RQ.pack(self.id), framed(_ABSTRACT_SYNTAX, abstract_syntax)]
        for uid in self.transfer_syntaxes:
            parts.append(framed(_TRANSFER_SYNTAX, ascii_bytes(uid, "Transfer-syntax-name")))
        return b"".join(parts)

    @classmethod
    def decode(cls, value: Reader) -> Self:
        (context_id,) = value.fields(_CONTEXT_RQ, "Presentation-context-ID")
        abstract_syntax, transfer_syntaxes, count = "", [], 0
        while value:
            kind, _, sub = value.item()
            if kind == _ABSTRACT_SYNTAX:
                abstract_syntax = sub.text("Abstract-syntax-name")
            elif kind == _TRANSFER_SYNTAX:
                transfer_syntaxes.append(sub.text("Transfer-syntax-name"))
            count += 1
            value.bound("transfer_syntaxes", count - 1)  # without the abstract syntax; unknown items count
        return cls(context_id, abstract_syntax, tuple(transfer_syntaxes))


@dataclass(frozen=True, slots=True)
class PresentationContextAC:
    """PS3.8 Table 9-18. The transfer syntax is significant only on acceptance; of several, use the first."""

    id: int
    result: int
    transfer_syntax: str

    def encode(self) -> bytes:
        uid = ascii_bytes(self.transfer_syntax, "Transfer-syntax-name")
        return _CONTEXT_AC.pack(self.id, self.result) + framed(_TRANSFER_SYNTAX, uid)

    @classmethod
    def decode(cls, value: Reader) -> Self:
        context_id, result = value.fields(_CONTEXT_AC, "Presentation-context-ID")
        names: list[str] = []
        count = 0
        while value:
            kind, _, sub = value.item()
            count += 1
            value.bound("transfer_syntaxes", count)
            if kind == _TRANSFER_SYNTAX:
                names.append(sub.text("Transfer-syntax-name"))
        return cls(context_id, result, names[0] if names else "")


@dataclass(frozen=True, slots=True)
class MaximumLength:
    """PS3.8 Table D.1-1: the PDU-length of the longest P-DATA-TF that this item's sender accepts; zero: no limit."""

    received: int

    def encode(self) -> bytes:
        return _UINT32.pack(self.received)

    @classmethod
    def decode(cls, value: Reader) -> Self:
        return cls(*value.fields(_UINT32, "Maximum-length-received"))


@dataclass(frozen=True, slots=True)
class ImplementationClassUID:
    """PS3.7 Table D.3-1."""

    uid: str

    def encode(self) -> bytes:
        return ascii_bytes(self.uid, "Implementation-class-uid")

    @classmethod
    def decode(cls, value: Reader) -> Self:
        return cls(value.text("Implementation-class-uid"))


@dataclass(frozen=True, slots=True)
class ImplementationVersionName:
    """PS3.7 Table D.3-3."""

    name: str

    def encode(self) -> bytes:
        return ascii_bytes(self.name, "Implementation-version-name")

    @classmethod
    def decode(cls, value: Reader) -> Self:
        return cls(value.text("Implementation-version-name"))


@dataclass(frozen=True, slots=True)
class AsynchronousOperationsWindow:
    """PS3.7 Table D.3-7. Zero means no limit."""

    invoked: int
    performed: int

    def encode(self) -> bytes:
        return _TWO_UINT16.pack(self.invoked, self.performed)

    @classmethod
    def decode(cls, value: Reader) -> Self:
        return cls(*value.fields(_TWO_UINT16, "Maximum-number-operations-invoked"))


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """PS3.7 Table D.3-9."""

    sop_class: str
    scu: bool
    scp: bool

    def encode(self) -> bytes:
        return _counted(ascii_bytes(self.sop_class, "SOP-class-uid")) + bytes((self.scu, self.scp))

    @classmethod
    def decode(cls, value: Reader) -> Self:
        sop_class = value.text("SOP-class-uid", _length(value, "UID-length"))
        return cls(sop_class, *map(bool, value.take(2, "SCU-role")))


@dataclass(frozen=True, slots=True)
class SOPClassExtendedNegotiation:
    """PS3.7 Table D.3-11."""

    sop_class: str
    application_information: bytes

    def encode(self) -> bytes:
        return _counted(ascii_bytes(self.sop_class, "SOP-class-uid")) + self.application_information

    @classmethod
    def decode(cls, value: Reader) -> Self:
        sop_class = value.text("SOP-class-uid", _length(value, "SOP-class-uid-length"))
        return cls(sop_class, value.rest())


@dataclass(frozen=True, slots=True)
class SOPClassCommonExtendedNegotiation:
    """PS3.7 Table D.3-12. The second byte of this item is a version, not reserved."""

    sop_class: str
    service_class: str
    related_general_sop_classes: tuple[str, ...] = ()
    version: int = 0

    def encode(self) -> bytes:
        related = [
            _counted(ascii_bytes(uid, "Related-general-sop-class-uid")) for uid in self.related_general_sop_classes
        ]
        return (
            _counted(ascii_bytes(self.sop_class, "SOP-class-uid"))
            + _counted(ascii_bytes(self.service_class, "Service-class-uid"))
            + _counted(b"".join(related))
        )

    @classmethod
    def decode(cls, value: Reader, version: int = 0) -> Self:
        sop_class = value.text("SOP-class-uid", _length(value, "SOP-class-uid-length"))
        service_class = value.text("Service-class-uid", _length(value, "Service-class-uid-length"))
        field = "Related-general-sop-class-identification"
        listed = value.part(_length(value, f"{field}-length"), field)
        related = []
        while listed:
            count = _length(listed, "Related-general-sop-class-uid-length")
            related.append(listed.text("Related-general-sop-class-uid", count))
            value.bound("user_items", len(related))
        return cls(sop_class, service_class, tuple(related), version)


@dataclass(frozen=True, slots=True)
class UserIdentityRQ:
    """PS3.7 Table D.3-14. ``primary`` and ``secondary`` are secret: ``repr``, and therefore every log, omits them."""

    type: int
    response_requested: bool
    primary: bytes
    secondary: bytes = b""

    def __repr__(self) -> str:
        return f"UserIdentityRQ(type={self.type}, response_requested={self.response_requested}, ...)"

    def encode(self) -> bytes:
        head = pack(">BB", self.type, self.response_requested)
        return head + _counted(self.primary) + _counted(self.secondary)

    @classmethod
    def decode(cls, value: Reader) -> Self:
        kind, response, length = value.fields(_IDENTITY, "User-Identity-Type")
        primary = value.take(length, "Primary-field")
        length = _length(value, "Secondary-field-length")
        return cls(kind, bool(response), primary, value.take(length, "Secondary-field"))


@dataclass(frozen=True, slots=True)
class UserIdentityAC:
    """PS3.7 Table D.3-15. The response is secret: ``repr`` omits it."""

    server_response: bytes

    def __repr__(self) -> str:
        return "UserIdentityAC(...)"

    def encode(self) -> bytes:
        return _counted(self.server_response)

    @classmethod
    def decode(cls, value: Reader) -> Self:
        length = _length(value, "Server-response-length")
        return cls(value.take(length, "Server-response"))


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """An item of an unknown type: kept, but without effect (PS3.8 §9.3.1)."""

    type: int
    value: bytes

    def __repr__(self) -> str:
        shown = f"<{len(self.value)} bytes, not shown>" if self.may_hold_identity else repr(self.value)
        return f"UnknownItem(type={self.type}, value={shown})"

    @property
    def may_hold_identity(self) -> bool:
        """Whether the item may be a user identity in the wrong place, or may contain one."""
        has_identity_type = self.type in _IDENTITIES or any(kind in self.value for kind in _IDENTITIES)
        return has_identity_type or has_identity_form(self.value)

    def encode(self) -> bytes:
        return self.value


class UserItem(Protocol):
    """A sub-item of the User Information item."""

    def encode(self) -> bytes: ...


class _KnownItem(UserItem, Protocol):
    @classmethod
    def decode(cls, value: Reader, /) -> UserItem: ...


def encode_user_item(item: UserItem) -> bytes:
    """Return the sub-item with its type and length. Raises `EncodeError`."""
    kind = _TYPE_OF.get(type(item))
    if kind is not None:
        return framed(kind, item.encode())
    match item:
        case UnknownItem(kind):
            return framed(kind, item.encode())
        case SOPClassCommonExtendedNegotiation():
            return framed(_COMMON_EXTENDED, item.encode(), item.version)
        case _:
            raise EncodeError(f"{item!r} is not a sub-item (PS3.8 D.1, PS3.7 D.3.3)", path="User-Information")


def decode_user_item(kind: int, second: int, value: Reader) -> UserItem:
    """Return the sub-item of type ``kind``; ``second`` is the byte after the type.

    Raises `DecodeError`, and `LimitExceeded` for too many related SOP Classes.
    """
    if kind == _COMMON_EXTENDED:
        return SOPClassCommonExtendedNegotiation.decode(value, second)
    if kind in _USER_ITEMS:
        return _USER_ITEMS[kind].decode(value)
    return UnknownItem(kind, value.rest())


def has_identity_form(value: bytes) -> bool:
    """Return whether ``value`` may contain the fields of a `UserIdentityRQ`."""
    end = len(value)
    for match in _IDENTITY_START.finditer(value):
        primary = int.from_bytes(match[1], "big")
        at = match.end(1) + primary
        secondary = int.from_bytes(value[at : at + 2], "big")
        if primary + secondary and at + 2 + secondary <= end:
            return True
    return False


def _counted(value: bytes) -> bytes:
    if len(value) > 0xFFFF:
        raise EncodeError(f"{len(value)} bytes; a 16-bit length counts at most 65535", path="User-Information")
    return _UINT16.pack(len(value)) + value


def _length(value: Reader, field: str) -> int:
    length: int = value.fields(_UINT16, field)[0]
    return length


# PS3.8 Annex D.1, PS3.7 Annex D.3.3
_COMMON_EXTENDED = 0x57
_IDENTITIES = (0x58, 0x59)
_IDENTITY_START = re.compile(rb"(?=[\x01-\x05][\x00\x01](..))", re.DOTALL)  # type, response requested, length
_USER_ITEMS: dict[int, type[_KnownItem]] = {
    0x51: MaximumLength,
    0x52: ImplementationClassUID,
    0x53: AsynchronousOperationsWindow,
    0x54: RoleSelection,
    0x55: ImplementationVersionName,
    0x56: SOPClassExtendedNegotiation,
    0x58: UserIdentityRQ,
    0x59: UserIdentityAC,
}
_TYPE_OF: dict[type, int] = {cls: kind for kind, cls in _USER_ITEMS.items()}
