"""Bytes that no polite peer sends, for whoever tests one.

Every PDU and item can be written with `encode_pdu`, unknown ones too. What it does not write are contradictions:
lengths that are not those of what follows, control headers with reserved bits, a PDV that ends in the middle of its
PDU. Here nothing is checked. `UpperLayer.inject` puts what comes of it between the PDUs of an association.
"""

from collections.abc import Iterator, Sequence
from struct import pack

from .wire import Buffer

__all__ = ["cut", "forge_item", "forge_pdu", "forge_pdv"]


def forge_pdu(kind: int, value: bytes, *, length: int | None = None, reserved: int = 0) -> bytes:
    """A PDU of any type, PS3.8 §9.3.1, that says it is ``length`` bytes long."""
    return pack(">BBI", kind, reserved, len(value) if length is None else length) + value


def forge_item(kind: int, value: bytes, *, length: int | None = None, second: int = 0) -> bytes:
    """An item or sub-item of any type, PS3.8 §9.3.2 and Annex D, that says it is ``length`` bytes long."""
    return pack(">BBH", kind, second, len(value) if length is None else length) + value


def forge_pdv(context_id: int, control: int, data: bytes, *, length: int | None = None) -> bytes:
    """A PDV item, PS3.8 Table 9-23, with any message control header (Annex E.2: bit 0 command, bit 1 last)."""
    return pack(">IBB", len(data) + 2 if length is None else length, context_id, control) + data


def cut(data: Buffer, sizes: Sequence[int]) -> Iterator[bytes]:
    """``data`` in pieces of these sizes, and what is left, if anything is."""
    view = memoryview(data)
    for size in sizes:
        yield bytes(view[:size])
        view = view[size:]
    if view:
        yield bytes(view)
