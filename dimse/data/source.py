"""The source of decoded elements: the bytes, how to read them, the limits, and the path of an item.

A source does not refer to the elements that were decoded from it, so an element is freed as soon as nothing uses it.

The length of a value is checked before the value is decoded, against the VR (PS3.5 Table 6.2-1), the VM (PS3.6) and
`DecodeLimits`. A peer can send megabytes for an attribute of 12 characters, and creating a million Python objects takes
long. Streams of bytes and words are views, and have no such bound.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..errors import DecodeError
from .charset import Charset
from .dictionary import lookup
from .names import MAX_GROUPS
from .syntax import EXPLICIT_LE, Layout, TransferSyntax
from .tag import Tag
from .values import NUMBERS, READERS
from .vr import VR, row_of

__all__ = [
    "ALWAYS_ACCEPTED",
    "DecodeLimits",
    "LENGTH_KEPT",
    "NOWHERE",
    "Origin",
    "Place",
    "Source",
    "check_extent",
    "origin_of",
    "origin_of_value",
    "path_of",
    "path_of_item",
    "place_of",
]

LENGTH_KEPT = (0x0000, 0x0002)  # the groups whose group length is not retired, PS3.5 §7.2


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """Bounds on a Data Set. Decoding raises DecodeError if a Data Set exceeds one of them.

    ``size``: bytes of the Data Set. ``inflated``: bytes of a deflated Data Set after inflation. ``elements``: elements
    and items; at one to three microseconds each, the default takes 0.2 s at most. ``items``: items of one sequence, or
    fragments. ``depth``: sequences within sequences; structured reports reach about 10.

    The other limits are checked when a value of text or numbers is accessed. ``value``: bytes of one element.
    ``values``: values of one element. ``overlength``: length of a value, as a multiple of what its VR and VM allow. An
    element of up to 1024 bytes is not checked against them.
    """

    size: int = 1 << 32
    inflated: int = 512 << 20
    elements: int = 50_000
    items: int = 50_000
    depth: int = 64
    value: int = 4 << 20
    values: int = 1 << 20
    overlength: int = 4


class Source:
    """Bytes, and how to read them; immutable.

    ``syntax`` is the Transfer Syntax of the Data Set; None for bytes that the program gave to an element. ``layout``
    may differ from the layout of ``syntax``, in UN for example. ``lengths_kept`` are the groups whose group length is
    kept as an element. ``charset`` and ``signed`` come from Specific Character Set and Pixel Representation.
    """

    __slots__ = (
        "charset",
        "data",
        "has_big_endian_pixels",
        "layout",
        "lengths_kept",
        "limits",
        "numbers",
        "readers",
        "signed",
        "syntax",
        "view",
    )

    def __init__(
        self,
        view: memoryview,
        layout: Layout,
        syntax: TransferSyntax | None,
        limits: DecodeLimits,
        charset: Charset = (),
        signed: bool = False,
        lengths_kept: Container[int] = LENGTH_KEPT,
    ) -> None:
        self.view = view
        data = view.obj
        # If possible, the same bytes as `bytes`, whose slices take less time than those of a memoryview
        self.data = data if isinstance(data, bytes) and len(data) == len(view) else view
        self.layout = layout
        self.syntax = syntax
        self.limits = limits
        self.charset = charset
        self.signed = signed
        self.lengths_kept = lengths_kept
        self.has_big_endian_pixels = layout.big_endian or (syntax is not None and syntax.big_endian_pixels)
        self.numbers = NUMBERS[layout.big_endian]
        self.readers = READERS[layout.big_endian]

    def __reduce__(self) -> tuple[Callable[..., Source], tuple[object, ...]]:
        return _recreate, (bytes(self.view), *self._settings())

    def _settings(self) -> tuple[Any, ...]:
        """Return the arguments of a source after ``view``."""
        return self.layout, self.syntax, self.limits, self.charset, self.signed, self.lengths_kept

    def part(self, start: int, end: int) -> Source:
        """Return a source of some of the bytes."""
        return Source(self.view[start:end], *self._settings())

    def with_charset(self, charset: Charset) -> Source:
        """Return a source of the same bytes with another Specific Character Set."""
        return Source(self.view, self.layout, self.syntax, self.limits, charset, self.signed, self.lengths_kept)

    def with_signed(self, signed: bool) -> Source:
        """Return a source of the same bytes with another Pixel Representation."""
        return Source(self.view, self.layout, self.syntax, self.limits, self.charset, signed, self.lengths_kept)

    def with_layout(self, layout: Layout) -> Source:
        """Return a source of the same bytes with another layout."""
        return Source(self.view, layout, *self._settings()[1:])


def _recreate(data: bytes, *parts: Any) -> Source:
    return Source(memoryview(data), *parts)


# The place of an item: the place of the Data Set around its sequence, the tag of the sequence, and the index of the
# item. None is the place of a Data Set that is not an item.
Place: TypeAlias = "tuple[Place, int, int] | None"

# The origin of a Data Set and its elements: their source; for an item, also the origin of its sequence, the tag of the
# sequence, the index of the item, and whether its length is undefined. Places are derived from origins on demand.
Origin: TypeAlias = "tuple[Source, Origin | None, int, int, bool]"


def origin_of(source: Source) -> Origin:
    """Return the origin of a Data Set that is not an item."""
    return source, None, 0, 0, False


def place_of(origin: Origin) -> Place:
    """Return the place of the Data Set that has this origin."""
    steps: list[tuple[int, int]] = []
    while origin[1] is not None:
        steps.append(origin[2:4])
        origin = origin[1]
    place: Place = None
    for tag, number in reversed(steps):
        place = place, tag, number
    return place


def path_of(place: Place, tag: int) -> str:
    """Return the path of an element, such as ``(2020,0110)[0].(0028,0010)``."""
    steps = [str(Tag(tag))]
    while place is not None:
        place, sequence, index = place
        steps.append(f"{Tag(sequence)}[{index}]")
    return ".".join(reversed(steps))


def path_of_item(place: Place) -> str:
    """Return the path of an item, such as ``(2020,0110)[0]``; "" for a Data Set that is not an item."""
    return "" if place is None else f"{path_of(place[0], place[1])}[{place[2]}]"


_UNBOUNDED = 1 << 62
_NO_LIMITS = DecodeLimits(value=_UNBOUNDED, values=_UNBOUNDED, overlength=_UNBOUNDED)


def origin_of_value(data: bytes) -> Origin:
    """Return the origin of bytes that the program gave as the value of one element, without limits."""
    view = memoryview(data)
    return origin_of(Source(view, EXPLICIT_LE.layout, None, _NO_LIMITS))


NOWHERE = origin_of_value(b"")


ALWAYS_ACCEPTED = 1024  # bytes; a value up to this length is always accepted, because decoding it takes almost no time
_BYTES_PER_CHARACTER = 4  # the maximum in UTF-8, and about the maximum in ISO 2022 with its escapes
_BACKSLASH = b"\\"


def check_extent(tag: int, vr: str, origin: Origin, start: int, length: int) -> None:
    """Raise DecodeError if a value of ``length`` bytes is longer than its VR, its VM and the limits allow."""
    row, source = row_of(vr), origin[0]
    if row.kind not in ("text", "number"):
        return
    limits = source.limits
    allowed = max(_max_bytes(tag, row, limits), ALWAYS_ACCEPTED)
    if length > min(allowed, limits.value):
        what = f"{vr} of {length} bytes, more than {min(allowed, limits.value)}"
        rule = "DecodeLimits.overlength" if allowed < limits.value else "DecodeLimits.value"
    elif row.many and (count := _value_count(row, source.view[start : start + length])) > limits.values:
        what, rule = f"{vr} of {count} values, more than {limits.values}", "DecodeLimits.values"
    else:
        return
    offset = None if source.syntax is None else start
    raise DecodeError(what, path=path_of(place_of(origin), tag), offset=offset, rule=rule)


def _max_bytes(tag: int, row: VR, limits: DecodeLimits) -> int:
    """Return the maximum number of bytes of an attribute."""
    entry = lookup(tag)
    values = entry.vm.rpartition("-")[2] if entry is not None else "n"
    size = _max_value_size(row)
    if size is None or (row.many and not values.isdecimal()):
        return limits.value
    return limits.overlength * size * (int(values) if row.many else 1)


def _max_value_size(row: VR) -> int | None:
    """Return the maximum number of bytes in one value and its backslash; None if only the length field limits it."""
    if row.kind == "number":
        return 4 if row.name == "AT" else row.size
    if row.max_length is None:
        return None
    characters = (row.max_length + 1) * (MAX_GROUPS if row.name == "PN" else 1)
    return characters * (_BYTES_PER_CHARACTER if row.charset else 1)


def _value_count(row: VR, raw: memoryview) -> int:
    if row.kind == "number":
        return len(raw) // (4 if row.name == "AT" else row.size)
    return bytes(raw).count(_BACKSLASH) + 1
