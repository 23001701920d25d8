"""The seven PDUs, PS3.8 §9.3.

They are the whole vocabulary of the upper layer: the same classes are sent, received, given to the state machine and
compared in tests. P-DATA-TF has a module of its own, `p_data`.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from struct import Struct, pack
from struct import error as struct_error
from typing import Any, Self

from ..errors import DecodeError, EncodeError
from ..limits import Limits
from .common_ac import common_items
from .items import (
    PresentationContextAC,
    PresentationContextRQ,
    SOPClassCommonExtendedNegotiation,
    UnknownItem,
    UserItem,
    decode_user_item,
    encode_user_item,
)
from .p_data import P_DATA, PDV, PDataTF, decode_p_data, encode_run
from .wire import HEADER, Buffer, Reader, ascii_bytes, ascii_text, framed

__all__ = [
    "HEADER",
    "PDU",
    "PDV",
    "PDU_TYPES",
    "Abort",
    "AssociateAC",
    "AssociateRJ",
    "AssociateRQ",
    "PDataTF",
    "ReleaseRP",
    "ReleaseRQ",
    "decode_pdu",
    "encode_pdu",
]

_RULE = "PS3.8 §9.3"
_ASSOCIATE = Struct(">H2x32s32s")  # octets 7-74 of Tables 9-11 and 9-17

_APPLICATION_CONTEXT, _CONTEXT_RQ, _CONTEXT_AC, _USER_INFORMATION = 0x10, 0x20, 0x21, 0x50
_DICOM_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
_RESERVED = bytes(32)  # octets 43-74 of Tables 9-11 and 9-17


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateRQ:
    """A-ASSOCIATE-RQ, PS3.8 Table 9-11.

    ``title_octets`` is empty if the peer pads both titles with trailing spaces; otherwise, they are octets 11-42 as
    received. They are written unchanged, unless the titles have changed.
    """

    called_ae_title: str
    calling_ae_title: str
    presentation_contexts: tuple[PresentationContextRQ, ...]
    user_information: tuple[UserItem, ...] = ()
    application_context_name: str = _DICOM_APPLICATION_CONTEXT
    protocol_version: int = 1
    title_octets: bytes = b""
    reserved: bytes = _RESERVED
    unknown_items: tuple[UnknownItem, ...] = ()

    def __repr__(self) -> str:
        return _shown(self)

    def encode(self) -> list[Buffer]:
        return [_encode_associate(self, _CONTEXT_RQ)]

    @classmethod
    def decode(cls, value: Reader) -> Self:
        return cls(**_decode_associate(value, _CONTEXT_RQ, PresentationContextRQ.decode))


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateAC:
    """A-ASSOCIATE-AC, PS3.8 Table 9-17. Titles, their octets and the reserved bytes echo the request."""

    called_ae_title: str
    calling_ae_title: str
    presentation_contexts: tuple[PresentationContextAC, ...]
    user_information: tuple[UserItem, ...] = ()
    application_context_name: str = _DICOM_APPLICATION_CONTEXT
    protocol_version: int = 1
    title_octets: bytes = b""
    reserved: bytes = _RESERVED
    unknown_items: tuple[UnknownItem, ...] = ()

    def __repr__(self) -> str:
        return _shown(self)

    def encode(self) -> list[Buffer]:
        return [_encode_associate(self, _CONTEXT_AC)]

    @classmethod
    def decode(cls, value: Reader) -> Self:
        common = common_items(value.data, value.limits)
        if common is None:
            return cls(**_decode_associate(value, _CONTEXT_AC, PresentationContextAC.decode))
        version, called, calling, title_octets, reserved = _decode_head(value)
        name, contexts, items = common
        return cls(
            protocol_version=version,
            called_ae_title=called,
            calling_ae_title=calling,
            title_octets=title_octets,
            reserved=reserved,
            application_context_name=name,
            presentation_contexts=contexts,
            user_information=items,
        )


def _shown(pdu: "AssociateRQ | AssociateAC") -> str:
    """Return the call that creates the PDU, without fields that have their default."""
    values = {
        field.name: getattr(pdu, field.name) for field in fields(pdu) if getattr(pdu, field.name) != field.default
    }
    return f"{type(pdu).__name__}({', '.join(f'{name}={value!r}' for name, value in values.items())})"


@dataclass(frozen=True, slots=True)
class AssociateRJ:
    """A-ASSOCIATE-RJ, PS3.8 Table 9-21."""

    result: int
    source: int
    reason: int

    def encode(self) -> list[Buffer]:
        return [pack(">xBBB", self.result, self.source, self.reason)]

    @classmethod
    def decode(cls, value: Reader) -> Self:
        return cls(*value.fields(Struct(">xBBB"), "Result"))


@dataclass(frozen=True, slots=True)
class ReleaseRQ:
    """A-RELEASE-RQ, PS3.8 Table 9-24."""

    @classmethod
    def decode(cls, value: Reader) -> Self:
        value.take(4, "Reserved")
        return cls()


@dataclass(frozen=True, slots=True)
class ReleaseRP:
    """A-RELEASE-RP, PS3.8 Table 9-25."""

    @classmethod
    def decode(cls, value: Reader) -> Self:
        value.take(4, "Reserved")
        return cls()


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT, PS3.8 Table 9-26. Source 0 is the service-user, 2 the service-provider."""

    source: int = 0
    reason: int = 0

    def encode(self) -> list[Buffer]:
        return [pack(">2xBB", self.source, self.reason)]

    @classmethod
    def decode(cls, value: Reader) -> Self:
        return cls(*value.fields(Struct(">2xBB"), "Source"))


PDU = AssociateRQ | AssociateAC | AssociateRJ | PDataTF | ReleaseRQ | ReleaseRP | Abort


def encode_pdu(pdu: PDU) -> list[Buffer]:
    """Return the whole PDU as buffers to write in order. Only short payloads are copied.

    Raises `EncodeError` for a value that its field cannot hold.
    """
    try:
        if isinstance(pdu, PDataTF):
            buffers: list[Buffer] = []
            encode_run((pdu,), buffers, 0, 1)
            return buffers
        if isinstance(pdu, ReleaseRQ | ReleaseRP):
            return [_ENCODED_RELEASES[type(pdu)]]
        parts = pdu.encode()
    except struct_error as exc:
        raise EncodeError(f"a number does not fit its field: {exc}", path=_NAMES[type(pdu)]) from exc
    return [b"".join((HEADER.pack(PDU_TYPES[type(pdu)], sum(map(len, parts))), *parts))]


def decode_pdu(wire: Buffer, limits: Limits | None = None) -> PDU:
    """Return the PDU in the bytes ``wire``, header included. Payloads are views of ``wire``.

    Raises `DecodeError`, which names the field, if the bytes are not one whole and valid PDU, and `LimitExceeded` for a
    PDU that exceeds ``limits``. Without ``limits``, nothing is bounded.
    """
    view = memoryview(wire)
    if len(view) < HEADER.size:
        raise DecodeError(f"{HEADER.size} bytes wanted, {len(view)} left", path="PDU-header", offset=0, rule=_RULE)
    kind, length = HEADER.unpack_from(view)
    if length != len(view) - HEADER.size:
        what = f"the length is {length}, but {len(view) - HEADER.size} bytes follow"
        raise DecodeError(what, path="PDU-length", offset=2, rule=_RULE)
    if kind == P_DATA:
        return decode_p_data(view, limits)
    if kind in _WITHOUT_FIELDS and length == 4:
        return _WITHOUT_FIELDS[kind]
    if kind not in _PDUS:
        raise DecodeError(f"unrecognized PDU type {kind:02X}H", path="PDU-type", offset=0, rule=_RULE)
    cls = _PDUS[kind]
    return cls.decode(Reader(view[HEADER.size :], _NAMES[cls], HEADER.size, limits=limits))


def _encode_associate(pdu: AssociateRQ | AssociateAC, context_type: int) -> bytes:
    return b"".join(
        [
            _ASSOCIATE.pack(
                pdu.protocol_version,
                _at_most_32(_title_octets(pdu), "title_octets"),
                _at_most_32(pdu.reserved, "Reserved"),
            ),
            framed(_APPLICATION_CONTEXT, ascii_bytes(pdu.application_context_name, "Application-context-name")),
            *(framed(context_type, context.encode()) for context in pdu.presentation_contexts),
            framed(_USER_INFORMATION, b"".join(map(encode_user_item, pdu.user_information))),
            *(framed(item.type, item.value) for item in pdu.unknown_items),
        ]
    )


def _at_most_32(octets: bytes, field: str) -> bytes:
    """Return the value of a field of 32 octets, from which `Struct.pack` would cut the rest of a longer one."""
    if len(octets) > 32:
        raise EncodeError(f"{len(octets)} octets do not fit into the 32 of the field", path=field)
    return octets


def _title_octets(pdu: AssociateRQ | AssociateAC) -> bytes:
    """Return octets 11-42: as received, unless the titles have changed."""
    called, calling = pdu.called_ae_title, pdu.calling_ae_title
    if pdu.title_octets and _titles(pdu.title_octets) == (called, calling):
        return pdu.title_octets
    return _title(called, "Called-AE-title") + _title(calling, "Calling-AE-title")


def _titles(octets: bytes) -> tuple[str, str]:
    """Return both titles. The codec does not judge them; it keeps every byte, since the answer echoes them."""
    return ascii_text(octets[:16]), ascii_text(octets[16:])


def _title(title: str, field: str) -> bytes:
    raw = ascii_bytes(title, field)
    if len(raw) > 16:
        raise EncodeError(f"{title!r} is longer than 16 characters", path=field)
    return raw.ljust(16)


def _decode_head(value: Reader) -> tuple[int, str, str, bytes, bytes]:
    """Return version, both titles, ``title_octets`` (see `AssociateRQ`), and the reserved bytes."""
    version, title_octets, reserved = value.fields(_ASSOCIATE, "Protocol-version")
    called, calling = _titles(title_octets)
    is_plain = title_octets == ascii_bytes(f"{called:16}{calling:16}", "Called-AE-title")
    return version, called, calling, b"" if is_plain else title_octets, reserved


def _decode_associate(value: Reader, context_type: int, decode_context: Callable[[Reader], object]) -> dict[str, Any]:
    version, called, calling, title_octets, reserved = _decode_head(value)
    application_context_name = ""
    contexts: list[object] = []
    user_items: list[UserItem] = []
    unknown: list[UnknownItem] = []
    others = 0  # items other than contexts; a normal peer sends one of each kind
    while value:
        kind, _, item = value.item()
        if kind == context_type:
            contexts.append(decode_context(item))
            value.bound("contexts", len(contexts))
            continue
        others += 1
        value.bound("user_items", others)
        if kind == _APPLICATION_CONTEXT:
            application_context_name = item.text("Application-context-name")
        elif kind == _USER_INFORMATION:
            _decode_user_items(item, user_items)
        else:
            unknown.append(UnknownItem(kind, item.rest()))
    return {
        "protocol_version": version,
        "called_ae_title": called,
        "calling_ae_title": calling,
        "title_octets": title_octets,
        "reserved": reserved,
        "application_context_name": application_context_name,
        "presentation_contexts": tuple(contexts),
        "user_information": tuple(user_items),
        "unknown_items": tuple(unknown),
    }


def _decode_user_items(information: Reader, found: list[UserItem]) -> None:
    while information:
        kind, second, item = information.item()
        item.bound("user_item")
        user_item = decode_user_item(kind, second, item)
        found.append(user_item)
        count = len(found)
        if isinstance(user_item, _Related):
            count += sum(len(each.related_general_sop_classes) for each in found if isinstance(each, _Related))
        information.bound("user_items", count)


_Related = SOPClassCommonExtendedNegotiation
_Control = AssociateRQ | AssociateAC | AssociateRJ | ReleaseRQ | ReleaseRP | Abort

_PDUS: dict[int, type[_Control]] = {
    0x01: AssociateRQ,
    0x02: AssociateAC,
    0x03: AssociateRJ,
    0x05: ReleaseRQ,
    0x06: ReleaseRP,
    0x07: Abort,
}
PDU_TYPES: dict[type[PDU], int] = {cls: kind for kind, cls in _PDUS.items()} | {PDataTF: P_DATA}
_WITHOUT_FIELDS: dict[int, PDU] = {0x05: ReleaseRQ(), 0x06: ReleaseRP()}
_ENCODED_RELEASES: dict[type[PDU], Buffer] = {
    type(pdu): HEADER.pack(kind, 4) + bytes(4) for kind, pdu in _WITHOUT_FIELDS.items()
}
_NAMES: dict[type[PDU], str] = {
    AssociateRQ: "A-ASSOCIATE-RQ",
    AssociateAC: "A-ASSOCIATE-AC",
    AssociateRJ: "A-ASSOCIATE-RJ",
    ReleaseRQ: "A-RELEASE-RQ",
    ReleaseRP: "A-RELEASE-RP",
    Abort: "A-ABORT",
    PDataTF: "P-DATA-TF",
}
