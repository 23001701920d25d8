"""How long the value of an attribute may be: the length of one value (PS3.5 Table 6.2-1) and their number (PS3.6).

This is asked before anything is made of the bytes. A peer can send megabytes for an attribute that has one value of
12 characters, and a million Python objects are slow to make. Streams of bytes and words are views, and have no bound.
"""

from ..errors import DecodeError
from .dictionary import lookup
from .origin import DecodeLimits, Origin, path_of, place_of
from .vr import VR, row_of

__all__ = ["ALWAYS_TAKEN", "check_extent"]

ALWAYS_TAKEN = 1024  # bytes: no value this short costs time, whatever its attribute may have
_BYTES_OF_A_CHARACTER = 4  # in UTF-8; ISO 2022 takes about as many with its escapes
_GROUPS_OF_A_NAME = 3
_BACKSLASH = b"\\"


def check_extent(tag: int, vr: str, origin: Origin, start: int, length: int) -> None:
    """Raise DecodeError if the value of ``length`` bytes is longer than its VR, its VM and the limits allow."""
    row, source = row_of(vr), origin[0]
    if row.kind not in ("text", "number"):
        return
    limits = source.limits
    allowed = max(_most_bytes(tag, row, limits), ALWAYS_TAKEN)
    if length > min(allowed, limits.value):
        what = f"{vr} of {length} bytes, more than {min(allowed, limits.value)}"
        rule = "DecodeLimits.overlength" if allowed < limits.value else "DecodeLimits.value"
    elif row.many and (count := _count(row, source.view[start : start + length])) > limits.values:
        what, rule = f"{vr} of {count} values, more than {limits.values}", "DecodeLimits.values"
    else:
        return
    offset = None if source.syntax is None else start
    raise DecodeError(what, path=path_of(place_of(origin), tag), offset=offset, rule=rule)


def _most_bytes(tag: int, row: VR, limits: DecodeLimits) -> int:
    """How many bytes an attribute may have."""
    entry = lookup(tag)
    values = entry.vm.rpartition("-")[2] if entry is not None else "n"
    size = _size(row)
    if size is None or (row.many and not values.isdecimal()):
        return limits.value
    return limits.overlength * size * (int(values) if row.many else 1)


def _size(row: VR) -> int | None:
    """The most bytes of one value, with its backslash; None where only the length field limits it."""
    if row.kind == "number":
        return 4 if row.name == "AT" else row.size
    if row.most is None:
        return None
    characters = (row.most + 1) * (_GROUPS_OF_A_NAME if row.name == "PN" else 1)
    return characters * (_BYTES_OF_A_CHARACTER if row.charset else 1)


def _count(row: VR, raw: memoryview) -> int:
    if row.kind == "number":
        return len(raw) // (4 if row.name == "AT" else row.size)
    return bytes(raw).count(_BACKSLASH) + 1
