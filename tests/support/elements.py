"""Parts of encoded Data Sets: delimiters, elements in each syntax, and sequences in each form."""

from dimse.data import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, Dataset, Value

__all__ = [
    "ITEM",
    "ITEM_END",
    "PIXELS",
    "ROWS",
    "SEQUENCES",
    "SEQUENCE_END",
    "UNDEFINED",
    "first_item",
    "items",
    "sequence_of",
]

ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0" + bytes(4)
SEQUENCE_END = b"\xfe\xff\xdd\xe0" + bytes(4)
UNDEFINED = b"\xff\xff\xff\xff"

# One element of the short form and one of the long form, in each syntax
ROWS = {
    IMPLICIT_LE: b"\x28\x00\x10\x00\x02\x00\x00\x00\x04\x00",  # group, element; length; value
    EXPLICIT_LE: b"\x28\x00\x10\x00US\x02\x00\x04\x00",  # ... VR, length
    EXPLICIT_BE: b"\x00\x28\x00\x10US\x00\x02\x00\x04",
}
PIXELS = {
    IMPLICIT_LE: b"\xe0\x7f\x10\x00\x02\x00\x00\x00\x01\x02",
    EXPLICIT_LE: b"\xe0\x7f\x10\x00OW\x00\x00\x02\x00\x00\x00\x01\x02",  # ... VR, reserved, length
    EXPLICIT_BE: b"\x7f\xe0\x00\x10OW\x00\x00\x00\x00\x00\x02\x02\x01",  # words swapped
}

# The length and the item of a sequence, in explicit VR
SEQUENCES = {
    "explicit": b"SQ\0\0\x12\0\0\0" + ITEM + b"\x0a\0\0\0" + ROWS[EXPLICIT_LE],
    "undefined item": b"SQ\0\0\x1a\0\0\0" + ITEM + UNDEFINED + ROWS[EXPLICIT_LE] + ITEM_END,
    "undefined sequence": b"SQ\0\0" + UNDEFINED + ITEM + b"\x0a\0\0\0" + ROWS[EXPLICIT_LE] + SEQUENCE_END,
    "both": b"SQ\0\0" + UNDEFINED + ITEM + UNDEFINED + ROWS[EXPLICIT_LE] + ITEM_END + SEQUENCE_END,
}


def sequence_of(*contents: bytes) -> bytes:
    """Return a Referenced Film Session Sequence in explicit VR, with items of these contents."""
    whole = b"".join(ITEM + len(content).to_bytes(4, "little") + content for content in contents)
    return b"\x10\x20\x00\x05SQ\0\0" + len(whole).to_bytes(4, "little") + whole


def items(value: Value) -> list[Dataset]:
    """Return the items of a sequence."""
    assert isinstance(value, list)
    return [item for item in value if isinstance(item, Dataset)]


def first_item(value: Value) -> Dataset:
    """Return the first item of a sequence."""
    return items(value)[0]
