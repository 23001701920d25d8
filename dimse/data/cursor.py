"""Where somebody is who reads a Data Set, and what they say when they cannot go on."""

from typing import TypeAlias

from ..errors import DecodeError
from .dataset import Element
from .items import Items
from .origin import Origin, Source, path_of, place_of

__all__ = ["Cursor", "Elements"]

Elements: TypeAlias = dict[int, Element]

# A sequence that is being parsed. Of the level around it: its elements, origin and end. Then where item and sequence
# end at once, -1 if a delimiter or another item comes between, or nothing is around; where the sequence ends, at the
# latest; how its items are read; and the sequence itself.
_Frame: TypeAlias = "tuple[Elements, Origin, int, int, int, Source, Items]"


class Cursor:
    """A place in a Data Set, or in the items of a sequence: ``offset`` is the next byte, ``end`` that of the level."""

    def __init__(self, origin: Origin, start: int, end: int) -> None:
        source = origin[0]
        self.view = source.view
        self.limits = source.limits
        self.left = source.limits.elements
        self.offset = start
        self.end = end
        self.elements: Elements = {}
        self.origin = origin
        self.stack: list[_Frame] = []
        self.padded = -1, -1  # the end of a level, and where the zeros begin that fill it up

    def error(self, tag: int, what: str, rule: str) -> DecodeError:
        """Something is wrong with an element of this level, at ``offset``."""
        return DecodeError(what, path=path_of(place_of(self.origin), tag), offset=self.offset, rule=rule)

    def overrun(self, at: int) -> DecodeError:
        """A common element, ``at`` that place, ends beyond its level."""
        layout = self.origin[0].layout
        group, number, length = layout.item.unpack_from(self.view, at)
        if not layout.implicit:
            length = layout.step.unpack_from(self.view, at)[1]
        return self.too_long(group << 16 | number, length, at + 8)

    def too_long(self, tag: int, length: int, start: int) -> DecodeError:
        """An element whose value begins at ``start`` ends beyond its level."""
        what = f"a value of {length} bytes where {max(self.end - start, 0)} are left"
        return DecodeError(what, path=path_of(place_of(self.origin), tag), offset=start, rule="PS3.5 §7.1.1")

    def too_many(self, at: int) -> DecodeError:
        """The element ``at`` that place is one more than the limit."""
        group, number, _ = self.origin[0].layout.item.unpack_from(self.view, at)
        self.offset = at
        return self.error(group << 16 | number, f"more than {self.limits.elements} elements", "DecodeLimits.elements")

    def cut_off(self, offset: int) -> DecodeError:
        """There is no whole header at ``offset``."""
        path = path_of(place_of(self.origin), 0).rpartition(".")[0]
        return DecodeError("the header of an element is cut off", path=path, offset=offset, rule="PS3.5 §7.1")
