"""Where decoded elements come from: the bytes, how they are read, and the way to an item.

What is here knows none of the objects that are made of it, so that those are gone when nobody uses them any more.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..errors import DecodeError
from .charset import Charset
from .dictionary import lookup
from .syntax import EXPLICIT_LE, Layout, TransferSyntax, layout_of
from .tag import Tag
from .values import READERS
from .vr import VR, row_of

__all__ = [
    "ALWAYS_TAKEN",
    "DecodeLimits",
    "LENGTH_KEPT",
    "NOWHERE",
    "Origin",
    "Place",
    "Source",
    "check_extent",
    "given",
    "origin_of",
    "path_of",
    "place_of",
]

LENGTH_KEPT = (0x0000, 0x0002)  # the groups that still have a length, PS3.5 §7.2


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """What a Data Set may ask of its reader. More of anything is a DecodeError.

    ``size`` is the most bytes of the whole, ``inflated`` the most that a deflated Data Set may become. ``elements``
    counts elements and items: at one to three microseconds each, the default is a pause of 0.2 s at most. ``items``
    are those of one sequence, or fragments. ``depth`` counts sequences within sequences; structured reports reach about
    10. The others bound text and numbers, which become objects, when their value is asked for: ``value`` is the most
    bytes of an element, ``values`` the most values, and ``overlength`` says how many times as long a value may be as
    its VR and VM allow. Streams of bytes and words are views, and free.
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
    """Bytes, and how to read them. Nobody changes one.

    ``syntax`` is the Transfer Syntax of the whole, None for bytes that somebody gave to an element; ``layout`` may
    differ from its own in UN. ``lengths_kept`` are the groups whose length is an element, not dropped. ``charset`` and
    ``signed`` are what Specific Character Set and Pixel Representation say.
    """

    __slots__ = (
        "charset",
        "data",
        "has_big_endian_pixels",
        "layout",
        "lengths_kept",
        "limits",
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
        self.data = _bytes_behind(view)  # the same, for whoever cuts it into small pieces
        self.layout = layout
        self.syntax = syntax
        self.limits = limits
        self.charset = charset
        self.signed = signed
        self.lengths_kept = lengths_kept
        self.has_big_endian_pixels = layout.big_endian or (syntax is not None and syntax.big_endian_pixels)
        self.readers = READERS[layout.big_endian]

    def __reduce__(self) -> tuple[Callable[..., Source], tuple[object, ...]]:
        return _source, (bytes(self.view), *self._how())

    def _how(self) -> tuple[Any, ...]:
        """How the bytes are read: what follows ``view`` when a source is made."""
        return self.layout, self.syntax, self.limits, self.charset, self.signed, self.lengths_kept

    def part(self, start: int, end: int) -> Source:
        """Some of the bytes, read in the same way."""
        return Source(self.view[start:end], *self._how())

    def with_charset(self, charset: Charset) -> Source:
        """The same bytes, read with another Specific Character Set."""
        return Source(self.view, self.layout, self.syntax, self.limits, charset, self.signed, self.lengths_kept)

    def with_signed(self, signed: bool) -> Source:
        """The same bytes, read with another Pixel Representation."""
        return Source(self.view, self.layout, self.syntax, self.limits, self.charset, signed, self.lengths_kept)

    def with_layout(self, layout: Layout) -> Source:
        """The same bytes, laid out in another way."""
        return Source(self.view, layout, *self._how()[1:])


def _source(data: bytes, *parts: Any) -> Source:
    return Source(memoryview(data), *parts)


def _bytes_behind(view: memoryview) -> bytes | memoryview:
    """The bytes that this is a view of, which Python cuts faster; the view itself where it is one of other things."""
    data = view.obj
    return data if isinstance(data, bytes) and len(data) == len(view) else view


# The item that a Data Set is: the place of the Data Set around it, the tag of the sequence, the item's index.
Place: TypeAlias = "tuple[Place, int, int] | None"

# Where a Data Set and its elements come from. Of an item then the origin of the sequence it is in, the tag of that, the
# item's index, and whether its length is undefined. A place is made of it when somebody asks for one.
Origin: TypeAlias = "tuple[Source, Origin | None, int, int, bool]"


def origin_of(source: Source) -> Origin:
    """The origin of what is in no item."""
    return source, None, 0, 0, False


def place_of(origin: Origin) -> Place:
    """The place of a Data Set with this origin."""
    steps: list[tuple[int, int]] = []
    while origin[1] is not None:
        steps.append(origin[2:4])
        origin = origin[1]
    place: Place = None
    for tag, number in reversed(steps):
        place = place, tag, number
    return place


def path_of(place: Place, tag: int) -> str:
    """The way to an element, such as ``(2020,0110)[0].(0028,0010)``."""
    steps = [str(Tag(tag))]
    while place is not None:
        place, sequence, index = place
        steps.append(f"{Tag(sequence)}[{index}]")
    return ".".join(reversed(steps))


_UNBOUNDED = 1 << 62
_ANY = DecodeLimits(value=_UNBOUNDED, values=_UNBOUNDED, overlength=_UNBOUNDED)


def given(data: bytes) -> Origin:
    """The origin of bytes that are the value of one element and lie in no Data Set; what is given is not bounded."""
    view = memoryview(data)
    return origin_of(Source(view, layout_of(EXPLICIT_LE), None, _ANY))


NOWHERE = given(b"")


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
