"""Items of association PDUs as octets, without the checks of `dimse.ul`: any item can be read, and any can be forged.

Octets are counted as in PS3.8: octet 11 of a PDU is ``octets[10]``.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..uids import DICOMApplicationContext, ImplicitVRLittleEndian, Verification
from ..ul.forge import forge_item, forge_pdu
from ..ul.items import encode_user_item
from .peer import Peer

__all__ = [
    "Item",
    "context_item",
    "forge_request",
    "items_of",
    "shown_octets",
    "sub_items_of",
    "user_item",
    "user_octets",
]

APPLICATION_CONTEXT, CONTEXT_RQ, CONTEXT_AC, USER_INFORMATION = 0x10, 0x20, 0x21, 0x50
ABSTRACT_SYNTAX, TRANSFER_SYNTAX, COMMON_EXTENDED = 0x30, 0x40, 0x57
_FIXED = 74  # octets of an A-ASSOCIATE PDU before its items
_ITEM_HEADER = 4  # octets: type, reserved, length
_CONTEXT_FIXED = 4  # octets of a Presentation Context Item between its header and its sub-items
_TITLE = 16  # octets of an AE title
_MAX_SHOWN = 16  # octets that are shown as hexadecimal numbers


class Item(NamedTuple):
    """An item or sub-item; ``second`` is the byte after its type, which is reserved except in 57H."""

    kind: int
    value: bytes
    second: int = 0

    @property
    def sets_reserved(self) -> bool:
        """Whether a reserved byte of an item of a request is not 0, apart from those of its sub-items."""
        reserved = [] if self.kind == COMMON_EXTENDED else [self.second]
        if self.kind == CONTEXT_RQ:
            reserved += self.value[1:_CONTEXT_FIXED]
        return any(reserved)


def items_of(octets: bytes) -> list[Item]:
    """Return the items of an A-ASSOCIATE-AC or -RQ. An item that extends beyond the PDU is cut off there."""
    return _items(octets[_FIXED:])


def sub_items_of(item: Item) -> list[Item]:
    """Return the sub-items of a Presentation Context Item or a User Information Item."""
    return _items(item.value[_CONTEXT_FIXED:] if item.kind in (CONTEXT_RQ, CONTEXT_AC) else item.value)


def _items(data: bytes) -> list[Item]:
    found, at = [], 0
    while (start := at + _ITEM_HEADER) <= len(data):
        end = start + int.from_bytes(data[at + 2 : start], "big")
        found.append(Item(data[at], data[start:end], data[at + 1]))
        at = end
    return found


def context_item(
    number: int,
    abstract_syntaxes: Iterable[str] = (Verification,),
    transfer_syntaxes: Iterable[str] = (ImplicitVRLittleEndian,),
    *,
    reserved: int = 0,
) -> bytes:
    """Return a Presentation Context Item of a request, PS3.8 Table 9-13; each reserved byte is ``reserved``."""
    subs = [forge_item(ABSTRACT_SYNTAX, uid.encode(), second=reserved) for uid in abstract_syntaxes]
    subs += [forge_item(TRANSFER_SYNTAX, uid.encode(), second=reserved) for uid in transfer_syntaxes]
    value = bytes((number, reserved, reserved, reserved)) + b"".join(subs)
    return forge_item(CONTEXT_RQ, value, second=reserved)


def user_item(octets: bytes, *, reserved: int = 0) -> bytes:
    """Return a User Information Item; ``octets`` are its sub-items."""
    return forge_item(USER_INFORMATION, octets, second=reserved)


def user_octets(peer: Peer) -> list[bytes]:
    """Return the tester's user information sub-items: 51H, 52H, 55H."""
    return [encode_user_item(item) for item in peer.user_information()]


def shown_octets(octets: bytes) -> str:
    """Return octets in plain words: text in quotes, one repeated octet, or the first octets as hexadecimal numbers."""
    if octets and all(0x20 <= octet < 0x7F for octet in octets):
        return f"'{octets.decode('ascii')}'"
    if len(octets) > 1 and len(set(octets)) == 1:
        return f"{len(octets)} times {octets[0]:02X}H"
    more = f" ... ({len(octets)} bytes)" if len(octets) > _MAX_SHOWN else ""
    return (octets[:_MAX_SHOWN].hex(" ").upper() or "nothing") + more


def forge_request(
    peer: Peer,
    *,
    contexts: Sequence[bytes] | None = None,
    user: bytes | None = None,
    more: bytes = b"",
    version: int = 1,
    called: bytes | None = None,
    calling: bytes | None = None,
    reserved: int = 0,
) -> bytes:
    """Return an A-ASSOCIATE-RQ, PS3.8 Table 9-11. ``user`` replaces item 50H, and ``more`` follows that item.

    ``contexts`` replace the items 20H, ``called`` octets 11-26, ``calling`` octets 27-42. Each reserved byte is
    ``reserved``, except in the replaced parts and in the sub-items of item 50H.
    """
    titles = (peer.target.called.encode().ljust(_TITLE) if called is None else called) + (
        peer.target.calling.encode().ljust(_TITLE) if calling is None else calling
    )
    fixed = version.to_bytes(2, "big") + bytes((reserved,)) * 2 + titles + bytes((reserved,)) * 32
    application = forge_item(APPLICATION_CONTEXT, DICOMApplicationContext.encode(), second=reserved)
    listed = (context_item(1, reserved=reserved),) if contexts is None else contexts
    information = user_item(b"".join(user_octets(peer)), reserved=reserved) if user is None else user
    return forge_pdu(0x01, fixed + application + b"".join(listed) + information + more, reserved=reserved)
