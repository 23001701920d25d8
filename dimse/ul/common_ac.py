"""A fast decoder of common A-ASSOCIATE-AC PDUs, for requestors: they decode one PDU for each association.

A common PDU has one Application Context Item, then Presentation Context Items with one transfer syntax each, then one
User Information Item, whose only sub-items are maximum length, implementation class UID and implementation version
name. Everything else, and every error, is left to the decoder in `pdu`, which reads each item with a `Reader`.

For an association with one C-ECHO, this saves 1,160 of 28,200 instructions of byte code (Python 3.11, both ends).
"""

from struct import Struct, error

from ..limits import Limits
from .items import (
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextAC,
    UserItem,
)
from .wire import ascii_text

__all__ = ["common_items"]

_ITEM = Struct(">BxH")  # type and length of an item or sub-item
_CONTEXT = Struct(">BxHBxBxBxH")  # Table 9-18, up to Transfer-syntax-name
_UINT32 = Struct(">I")
_TEXTS: dict[int, type[ImplementationClassUID | ImplementationVersionName]] = {
    0x52: ImplementationClassUID,
    0x55: ImplementationVersionName,
}
_FIRST = 68  # the place of the first item, after octets 7-74 of Table 9-17
_ITEMS_BESIDE_CONTEXTS = 2  # 10H and 50H; ``Limits.user_items`` bounds these items, and also the sub-items of 50H

_Items = tuple[str, tuple[PresentationContextAC, ...], tuple[UserItem, ...]]


def common_items(data: bytes, limits: Limits | None) -> _Items | None:
    """Return application context name, contexts and user items of an A-ASSOCIATE-AC.

    ``data`` is the PDU without its header. Return None unless all items are common ones, without errors and within
    ``limits``.
    """
    try:
        return _common_items(data, limits)
    except error:  # an item is missing, or ends beyond the PDU
        return None


def _common_items(data: bytes, limits: Limits | None) -> _Items | None:
    kind, length = _ITEM.unpack_from(data, _FIRST)
    if kind != 0x10:
        return None
    start, position = _FIRST + 4, _FIRST + 4 + length
    name = ascii_text(data[start:position])
    contexts: list[PresentationContextAC] = []
    kind, length = _ITEM.unpack_from(data, position)
    while kind == 0x21:
        _, _, context_id, result, inner, inner_length = _CONTEXT.unpack_from(data, position)
        if inner != 0x40 or inner_length != length - 8:
            return None
        start, position = position + 12, position + 4 + length
        contexts.append(PresentationContextAC(context_id, result, ascii_text(data[start:position])))
        kind, length = _ITEM.unpack_from(data, position)
    position, end = position + 4, len(data)
    if kind != 0x50 or position + length != end:
        return None
    user_items: list[UserItem] = []
    longest = 0
    while position < end:
        kind, length = _ITEM.unpack_from(data, position)
        start, position = position + 4, position + 4 + length
        if kind in _TEXTS:
            user_items.append(_TEXTS[kind](ascii_text(data[start:position])))
        elif kind == 0x51 and length == 4:
            user_items.append(MaximumLength(*_UINT32.unpack_from(data, start)))
        else:
            return None
        longest = length if length > longest else longest
    if position != end or (limits is not None and _exceeds(limits, len(contexts), len(user_items), longest)):
        return None
    return name, tuple(contexts), tuple(user_items)


def _exceeds(limits: Limits, contexts: int, user_items: int, longest: int) -> bool:
    return (
        contexts > limits.contexts
        or max(user_items, _ITEMS_BESIDE_CONTEXTS) > limits.user_items
        or longest > limits.user_item
        or limits.transfer_syntaxes < 1
    )
