"""Construction of invalid bytes, for tests of a peer.

`encode_pdu` writes each of the seven PDUs and any item, even an unknown one, but nothing malformed: no wrong length, no
reserved bit in a control header, and no PDV that ends before or after the end of its PDU. The functions here check
nothing. `UpperLayer.inject` queues their bytes between the PDUs of an association.
"""

from collections.abc import Iterator, Sequence
from struct import pack

from .wire import Buffer

__all__ = ["cut", "forge_item", "forge_pdu", "forge_pdv"]


def forge_pdu(kind: int, value: bytes, *, length: int | None = None, reserved: int = 0) -> bytes:
    """Return a PDU of any type, PS3.8 §9.3.1, with any PDU-length; None stands for the correct length."""
    return pack(">BBI", kind, reserved, len(value) if length is None else length) + value


def forge_item(kind: int, value: bytes, *, length: int | None = None, second: int = 0) -> bytes:
    """Return an item or sub-item of any type, PS3.8 §9.3.2 and Annex D, with any length (None: the correct length).

    ``second`` is the byte after the type, which is reserved in nearly all items.
    """
    return pack(">BBH", kind, second, len(value) if length is None else length) + value


def forge_pdv(context_id: int, control: int, data: bytes, *, length: int | None = None) -> bytes:
    """Return a PDV item, PS3.8 Table 9-23, with any message control header (Annex E.2: bit 0 command, bit 1 last)."""
    return pack(">IBB", len(data) + 2 if length is None else length, context_id, control) + data


def cut(data: Buffer, sizes: Sequence[int]) -> Iterator[bytes]:
    """Yield ``data`` in pieces of these sizes, and then the rest, if any."""
    view = memoryview(data)
    for size in sizes:
        yield bytes(view[:size])
        view = view[size:]
    if view:
        yield bytes(view)
