"""The attributes of one frame, wherever its object keeps them.

Enhanced multi-frame objects hold what others have at the top level in functional groups, for each frame
or shared by all (PS3.3 C.7.6.16); ``Frame`` looks there first.
"""

import math
from dataclasses import dataclass

from dimse.data import Dataset

from ..typed import items
from .errors import ImageError

__all__ = ["Frame"]

# The functional group macro that holds an attribute
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
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of an image, by its number from 1."""

    dataset: Dataset
    number: int = 1

    def values(self, keyword: str) -> list[object]:
        """Return the values of an attribute but for empty ones; none where it is absent."""
        value = self._holder(keyword).get(keyword)
        values = value if isinstance(value, list) else [value]
        return [value for value in values if value is not None]

    def numbers(self, keyword: str) -> list[float]:
        """Return all values of a numeric attribute. Raises ImageError where one is no finite number."""
        values = self.values(keyword)
        numbers = [float(value) for value in values if isinstance(value, int | float)]
        numbers = [number for number in numbers if math.isfinite(number)]
        if len(numbers) < len(values):
            raise ImageError(f"{keyword} {values} is not numeric")
        return numbers

    def first(self, keyword: str, default: float) -> float:
        """Return the first value of a numeric attribute."""
        return next(iter(self.numbers(keyword)), default)

    def count(self, keyword: str, default: int | None = None) -> int:
        """Return a whole number of at least 1. Raises ImageError for any other, and where there is none to take."""
        number = next(iter(self.numbers(keyword)), default)
        if number is None:
            raise ImageError(f"{keyword} is missing (PS3.3 C.7.6.3)")
        if number < 1 or number % 1:
            raise ImageError(f"{keyword} {number:g} must be a whole number from 1 (PS3.3 C.7.6.3)")
        return int(number)

    def text(self, keyword: str, default: str = "") -> str:
        """Return the first value of an attribute as text."""
        return str(next(iter(self.values(keyword)), default))

    def texts(self, keyword: str) -> list[str]:
        """Return all values of an attribute as text."""
        return [str(value) for value in self.values(keyword)]

    def items(self, keyword: str) -> list[Dataset]:
        """Return the items of a sequence; none where there is no such sequence."""
        return items(self._holder(keyword), keyword)

    @property
    def signed(self) -> bool:
        """Whether Pixel Representation says two's complement."""
        return self.first("PixelRepresentation", 0) == 1

    def _holder(self, keyword: str) -> Dataset:
        """Return the Data Set that holds an attribute: the macro's item, or the whole one."""
        macro = _MACROS.get(keyword, "")
        places = ("PerFrameFunctionalGroupsSequence", self.number - 1), ("SharedFunctionalGroupsSequence", 0)
        for groups, index in places if macro else ():
            for group in items(self.dataset, groups)[index : index + 1]:
                for item in items(group, macro)[:1]:
                    return item
        return self.dataset
