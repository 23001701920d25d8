"""Image Display Formats, PS3.3 C.13.3: read, bounded and counted. `layout` places their boxes.

======================  ==========================================================================
``STANDARD\\C,R``        C columns by R rows of equal boxes, numbered row by row
``ROW\\R1,R2,...``       rows of equal height, the first with R1 boxes, numbered row by row
``COL\\C1,C2,...``       columns of equal width, the first with C1 boxes, numbered column by column
``SLIDE, SUPERSLIDE``   as many 35 mm or 40 mm slides as the film holds, numbered row by row
``CUSTOM\\i``            the boxes of the printer: `Imager.custom_formats`
======================  ==========================================================================
"""

import re
from typing import NamedTuple

from .errors import LayoutError

__all__ = ["MAX_BOXES", "MAX_SIDE", "Format", "read_format"]

MAX_SIDE = 99  # columns or rows: a box is then about 1 mm wide
MAX_BOXES = 256  # each box becomes an instance that a peer made us keep; real printers stop near 40

_SHAPE = "STANDARD\\columns,rows, ROW\\n,n,..., COL\\n,n,..., SLIDE, SUPERSLIDE or CUSTOM\\i"
_NUMBERED = re.compile(r"\s*(STANDARD|ROW|COL|CUSTOM)\s*\\\s*(\d{1,9}(?:\s*,\s*\d{1,9})*)\s*", re.ASCII)
_PLAIN = re.compile(r"\s*(SLIDE|SUPERSLIDE)\s*\\?\s*", re.ASCII)
_LONGEST = 1024  # characters: the VR ST has no more


class Format(NamedTuple):
    """A format: its name, and the numbers behind it."""

    name: str
    numbers: tuple[int, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of boxes in each row, or in each column of a COL format."""
        return (self.numbers[0],) * self.numbers[1] if self.name == "STANDARD" else self.numbers


def read_format(ImageDisplayFormat: str) -> Format:
    """Read a format; blanks around its parts are ignored. Raises LayoutError for other text and for too many boxes."""
    found = _parts(ImageDisplayFormat)
    if found is None or (found.name, len(found.numbers) == 2) == ("STANDARD", False):
        raise LayoutError("ImageDisplayFormat", ImageDisplayFormat, f"not of the form {_SHAPE}")
    if found.name == "CUSTOM":
        if len(found.numbers) != 1:
            raise LayoutError("ImageDisplayFormat", ImageDisplayFormat, f"not of the form {_SHAPE}")
    elif not _is_bounded(found):
        limits = f"columns and rows must be 1 to {MAX_SIDE}, and at most {MAX_BOXES} boxes together"
        raise LayoutError("ImageDisplayFormat", ImageDisplayFormat, limits)
    return found


def _parts(ImageDisplayFormat: str) -> Format | None:
    if len(ImageDisplayFormat) > _LONGEST:
        return None
    if match := _PLAIN.fullmatch(ImageDisplayFormat):
        return Format(match[1])
    if match := _NUMBERED.fullmatch(ImageDisplayFormat):
        return Format(match[1], tuple(int(number) for number in match[2].split(",")))
    return None


def _is_bounded(found: Format) -> bool:
    numbers = found.numbers
    if len(numbers) > MAX_SIDE or not all(1 <= number <= MAX_SIDE for number in numbers):
        return False
    return sum(found.counts) <= MAX_BOXES
