"""One frame of an image: its attributes, wherever they are in the object, its size, and the size of its pixels.

Enhanced multi-frame objects keep some attributes in functional groups, for each frame or shared by all (PS3.3
C.7.6.16); ``Frame`` looks there first, and then at the top level. An item without a value is skipped. Callers that need
a valid value try one place after another, with `Frame.places`.

`Frame.valid_number` and `Frame.count` read the attributes that the pixels depend on, and refuse a wrong value.
`Frame.numbers` and `Frame.first` read other numbers; a wrong value, such as a spacing of "N/A", is ignored with a note.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from dimse.data import Dataset, Value
from dimse.errors import DecodeError

from ..typed import items
from .errors import ImageError

__all__ = [
    "ALWAYS_EXPANDED",
    "MAX_EXPANSION",
    "MAX_FRAMES",
    "MAX_PIXELS",
    "Frame",
    "aspect_of",
    "check_size",
    "check_expansion",
    "ratio",
    "shown_values",
    "spacing_of",
]

_SHUTTER = "FrameDisplayShutterSequence"
# The functional group macro of each attribute, named by its sequence
_MACROS = {
    "PixelSpacing": "PixelMeasuresSequence",
    "ImagerPixelSpacing": "FramePixelDataPropertiesSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "VOILUTFunction": "FrameVOILUTSequence",
    "VOILUTSequence": "FrameVOILUTSequence",
    "WindowCenter": "FrameVOILUTSequence",
    "WindowCenterWidthExplanation": "FrameVOILUTSequence",
    "WindowWidth": "FrameVOILUTSequence",
    "ShutterShape": _SHUTTER,
    "ShutterLeftVerticalEdge": _SHUTTER,
    "ShutterRightVerticalEdge": _SHUTTER,
    "ShutterUpperHorizontalEdge": _SHUTTER,
    "ShutterLowerHorizontalEdge": _SHUTTER,
    "CenterOfCircularShutter": _SHUTTER,
    "RadiusOfCircularShutter": _SHUTTER,
    "VerticesOfThePolygonalShutter": _SHUTTER,
    "ShutterPresentationValue": _SHUTTER,
    "ShutterPresentationColorCIELabValue": _SHUTTER,
}
_MAX_NOTES = 16  # notes about one frame; a hostile image may have a million wrong windows


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of an image, numbered from 1. ``notes`` name the errors that were ignored, one line each.

    ``place`` is a functional group macro and a Data Set: attributes of this macro are read from this Data Set alone.
    `places` makes frames with a place.
    """

    dataset: Dataset
    number: int = 1
    notes: list[str] = field(default_factory=list, compare=False)
    place: tuple[str, Dataset] | None = None
    _groups: tuple[Dataset, ...] | None = field(default=None, init=False, repr=False, compare=False)

    def note(self, words: str) -> None:
        """Add a note about an error that was ignored."""
        if words not in self.notes and len(self.notes) < _MAX_NOTES:
            self.notes.append(words)

    def places(self, keyword: str) -> "Iterator[Frame]":
        """Yield a copy of this frame for each place of an attribute: the frame's item, the shared item, the top level.

        Items without a value are left out. Each copy reads all attributes of the same macro from its place alone, so
        that they belong together.
        """
        macro = _MACROS.get(keyword, "")
        for holder in self._holders(macro):
            yield Frame(self.dataset, self.number, self.notes, (macro, holder))

    def values(self, keyword: str) -> list[object]:
        """Return the values of an attribute that are not empty; an empty list if there are none."""
        return [value for value in self._values_or_none(keyword) if value is not None]

    def numbers_or_none(self, keyword: str) -> list[float | None]:
        """Return a number for each value of an attribute; None for a value that is not a finite number."""
        return [_number(value) for value in self._values_or_none(keyword)]

    def numbers(self, keyword: str) -> list[float]:
        """Return all values of a numeric attribute; if one is not a finite number, note it and return an empty list."""
        values = self.values(keyword)
        numbers = [number for number in map(_number, values) if number is not None]
        if len(numbers) < len(values):
            self.note(f"{keyword} {shown_values(values)} is not numeric: ignored")
            return []
        return numbers

    def first(self, keyword: str, default: float) -> float:
        """Return the first value of a numeric attribute that the pixels do not depend on, or ``default``."""
        return next(iter(self.numbers(keyword)), default)

    def valid_number(self, keyword: str, default: float) -> float:
        """Return the first value of a numeric attribute, or ``default`` if there is none.

        Raises ImageError if the value is not a finite number, and DecodeError if its VR does not allow it.
        """
        number = self._required_number(keyword)
        return default if number is None else number

    def count(self, keyword: str, default: int | None = None) -> int:
        """Return the first value of an attribute, a whole number of at least 1, or ``default`` if there is none.

        Raises ImageError for another value, and if there is neither a value nor a default. Raises DecodeError for a
        value that its VR does not allow.
        """
        number = self._required_number(keyword)
        if number is None:
            number = default
        if number is None:
            raise ImageError(f"{keyword} is missing (PS3.3 C.7.6.3)")
        if number < 1 or number % 1:
            raise ImageError(f"{keyword} {number:g} must be a whole number from 1 (PS3.3 C.7.6.3)")
        return int(number)

    def text(self, keyword: str, default: str = "") -> str:
        """Return the first value of an attribute as text, or ``default`` if there is none."""
        return str(next(iter(self.values(keyword)), default))

    def term(self, keyword: str, default: str = "") -> str:
        """Return the first value of a code string, in capital letters and without padding (PS3.5 6.2)."""
        return self.text(keyword, default).strip(" \0").upper()

    def texts(self, keyword: str) -> list[str]:
        """Return all values of an attribute as text."""
        return [str(value) for value in self.values(keyword)]

    def items(self, keyword: str) -> list[Dataset]:
        """Return the items of a sequence; an empty list if it is absent."""
        return items(self._holder(keyword), keyword)

    @property
    def signed(self) -> bool:
        """Whether Pixel Representation is 1, two's complement."""
        return self.valid_number("PixelRepresentation", 0) == 1

    def _required_number(self, keyword: str) -> float | None:
        holder = self._holder(keyword)
        values = [value for value in _as_values(holder.get(keyword)) if value is not None]
        if not values:
            return None
        number = _number(values[0])
        if number is None:
            raise ImageError(f"{keyword} {shown_values(values)} is not numeric")
        return number

    def _values_or_none(self, keyword: str) -> list[object]:
        """Return the values, with None for each empty value.

        If the VR does not allow the values, note the error, and return the texts between the backslashes.
        """
        holder = self._holder(keyword)
        try:
            value = holder.get(keyword)
        except DecodeError as exc:
            self.note(f"{keyword}: {exc}")
            return _split_text(holder[keyword].raw)
        return _as_values(value)

    def _holder(self, keyword: str) -> Dataset:
        """Return the Data Set that holds an attribute: the item of its macro, or the object itself."""
        macro = _MACROS.get(keyword, "")
        return next(self._holders(macro)) if macro else self.dataset

    def _holders(self, macro: str) -> Iterator[Dataset]:
        """Yield the Data Sets that may hold attributes of a macro: its items with values, then the object itself."""
        if self.place is not None and self.place[0] == macro:
            yield self.place[1]
            return
        for group in self._functional_groups() if macro else ():
            for item in items(group, macro)[:1]:
                if _has_values(item, macro):
                    yield item
        yield self.dataset

    def _functional_groups(self) -> tuple[Dataset, ...]:
        """Return the functional groups of this frame and those of all frames, as far as they are present.

        They are kept, because about 40 questions are asked for an image: that saves 5 % of the time of a small one.
        """
        if self._groups is None:
            own = items(self.dataset, "PerFrameFunctionalGroupsSequence")[self.number - 1 : self.number]
            object.__setattr__(self, "_groups", (*own, *items(self.dataset, "SharedFunctionalGroupsSequence")[:1]))
        return self._groups or ()


_MAX_TEXT = 4096  # bytes of a broken value; the rest is not read


def _has_values(item: Dataset, macro: str) -> bool:
    """Return whether any attribute of a macro has a value in an item; spaces and empty sequences are not values."""
    keywords = (keyword for keyword, place in _MACROS.items() if place == macro and keyword in item)
    return any(bytes(item[keyword].raw).strip(b" \0\\") or item.get(keyword) for keyword in keywords)


def _as_values(value: Value) -> list[object]:
    """Return a value as a list; bytes, from a VR such as OB, are read as text."""
    if isinstance(value, bytes | memoryview):
        return _split_text(value)
    return [*value] if isinstance(value, list) else [] if value is None else [value]


def _split_text(raw: bytes | memoryview) -> list[object]:
    text = str(raw[:_MAX_TEXT], "latin-1")
    return [piece.strip(" \0") or None for piece in text.split("\\")]


def _number(value: object) -> float | None:
    """Return a finite number, or the finite number that a text contains; None for any other value."""
    if not isinstance(value, int | float | str) or (isinstance(value, str) and "_" in value):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def shown_values(values: Sequence[object]) -> str:
    """Return the beginning of values for an error or a note."""
    return ascii([str(value)[:32] for value in values[:4]])[1:-1] + (", ..." if len(values) > 4 else "")


# Bounds

# A film of 14 x 17 inches in HIGH resolution (640 dpi) has 97 million pixels; larger images gain nothing
MAX_PIXELS = 1 << 27
_MAX_SIDE = 0xFFFF  # Rows and Columns have the VR US
MAX_FRAMES = 1 << 20  # frames of one object: whole slide images have fewer than a million
ALWAYS_EXPANDED = 1 << 26  # bytes; a frame that decompresses to no more is never refused
MAX_EXPANSION = 1000  # bytes per compressed byte of larger frames; real images of all codecs stay below 200


def check_size(rows: int, columns: int) -> None:
    """Raise ImageError for an image without pixels, with more than `MAX_PIXELS`, or with a side above 65535.

    Rows and Columns go up to 65535, so a header of a few bytes can ask for 4 gigapixels.
    """
    if rows < 1 or columns < 1:
        raise ImageError(f"Rows {rows} and Columns {columns} must be at least 1 (PS3.3 C.7.6.3)")
    if max(rows, columns) > _MAX_SIDE:
        raise ImageError(f"Rows {rows} and Columns {columns} can be at most {_MAX_SIDE} (PS3.5 6.2)")
    if rows * columns > MAX_PIXELS:
        raise ImageError(f"{rows} rows of {columns} are more than the limit of {MAX_PIXELS} pixels")


def check_expansion(size: int, compressed: int, what: str) -> None:
    """Raise ImageError for a frame of ``compressed`` bytes that would become implausibly large: ``size`` bytes."""
    if size > max(ALWAYS_EXPANDED, MAX_EXPANSION * compressed):
        raise ImageError(
            f"{what} data of {compressed} bytes would decompress to {size}: more than {MAX_EXPANSION} times as many"
        )


# Sizes of pixels

_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_MAX_DENOMINATOR = 1000  # the largest denominator of a ratio: finer steps are invisible on film
_SAME_RATIO = 0.01  # relative difference of two ratios that agree: spacings are rounded
_MAX_RATIO = 100  # the largest ratio of the sides of a pixel: a larger one is a mistake, or an attack on the printer


def spacing_of(frame: Frame) -> tuple[float, float] | None:
    """Return the distances between rows and between columns in mm; None if they are unknown (PS3.3 10.7.1).

    Three attributes are tried in this order: Pixel Spacing, measured in the patient; Imager Pixel Spacing, measured at
    the detector; Nominal Scanned Pixel Spacing, measured on a film that was scanned.
    """
    for keyword in _SPACINGS:
        for place in frame.places(keyword):
            sizes = place.numbers(keyword)
            if _is_printable(frame, sizes, keyword):
                return sizes[0], sizes[1]
    return None


def aspect_of(frame: Frame, spacing: tuple[float, float] | None) -> tuple[int, int]:
    """Return the ratio of the vertical to the horizontal size of a pixel as two integers (PS3.3 C.7.6.3.1.7).

    ``spacing`` is the result of `spacing_of`. It is preferred to Pixel Aspect Ratio, which is meant for images without
    a spacing. If neither is valid, pixels are square.
    """
    sizes = frame.numbers("PixelAspectRatio")
    aspect = None
    if _is_printable(frame, sizes, "PixelAspectRatio"):
        aspect = ratio(sizes[0], sizes[1], "PixelAspectRatio")
    if spacing is None:
        return aspect or (1, 1)
    measured = ratio(*spacing, "the spacing of pixels")
    if aspect is not None and not math.isclose(aspect[0] * measured[1], aspect[1] * measured[0], rel_tol=_SAME_RATIO):
        found = (
            f"PixelAspectRatio {aspect[0]}:{aspect[1]} contradicts a spacing of {spacing[0]:g} and {spacing[1]:g} mm"
        )
        frame.note(f"{found}: ignored (PS3.3 C.7.6.3.1.7)")
    return measured


def ratio(vertical: float, horizontal: float, name: str) -> tuple[int, int]:
    """Return the ratio of two sizes as two integers, the second of them 1000 at most.

    Raises ImageError if one of the sizes is more than 100 times the other; the message begins with ``name``.
    """
    quotient = Fraction(vertical / horizontal).limit_denominator(_MAX_DENOMINATOR)
    if not 1 / _MAX_RATIO <= quotient <= _MAX_RATIO:
        fault = f"one side of a pixel is more than {_MAX_RATIO} times the other (PS3.3 C.7.6.3.1.7)"
        raise ImageError(f"{name} {vertical:g} to {horizontal:g}: {fault}")
    return quotient.numerator, quotient.denominator


def _is_printable(frame: Frame, sizes: list[float], name: str) -> bool:
    """Return whether these are the two sizes of a pixel that can be printed; note a ratio that is too large.

    Other wrong sizes get no note: some equipment writes 0 for unknown.
    """
    if len(sizes) != 2 or min(sizes) <= 0:
        return False
    try:
        ratio(sizes[0], sizes[1], name)
    except (ImageError, OverflowError) as exc:
        frame.note(f"{exc}: ignored")
        return False
    return True
