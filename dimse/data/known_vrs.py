"""Elements whose explicit VR is not the one of PS3.6, read as if it were.

Devices write Number of Copies (IS) as DS or US, or Image Display Format (ST) as LO. Where the bytes have a plain
meaning in the VR of the dictionary, whoever asks for the attribute by its keyword should get that. What has none
stays as it is.
"""

from collections.abc import Callable

from ..errors import DecodeError, EncodeError
from .dataset import Dataset, DecodedElement, Element
from .dictionary import lookup, vr_of
from .items import Items
from .numerals import DS
from .vr import US_OR_SS, row_of

__all__ = ["take_known_vrs"]


def take_known_vrs(dataset: Dataset) -> None:
    """Give elements of ``dataset``, and of its items, the VR that PS3.6 has, if their bytes mean something in that.

    Only what was decoded: an element that somebody made has the VR that was chosen.
    """
    if dataset._origin[0].layout.implicit:  # it has no other VRs
        return
    for element in dataset:
        if isinstance(element, Items):
            _in_items(element)
        elif element._origin[0].syntax is not None and (known := _known_vr(element)):
            again = _READ_AS[row_of(element.VR).kind, row_of(known).kind](element, known)
            if again is not None:
                dataset.add(again)


def _in_items(element: Element) -> None:
    try:
        value = element.value
    except DecodeError:  # whoever asks for it is told
        return
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Dataset):
            take_known_vrs(item)


def _known_vr(element: Element) -> str:
    """The VR of PS3.6, "" where the element has it, or one of those it may have."""
    entry = lookup(element.tag)
    if entry is None or element.VR in entry.vr.split(" or ") or entry.vr == "SQ":
        return ""
    vr = vr_of(element.tag)
    return "US" if vr == US_OR_SS else vr


def _same_bytes(element: Element, vr: str) -> Element | None:
    """The same bytes in another VR, if they are a value of it."""
    again = DecodedElement(element.tag, vr, element._origin, element._start, element._length)
    try:
        again.value  # noqa: B018
    except DecodeError:
        return None
    return again


def _same_value(element: Element, vr: str) -> Element | None:
    """The same numbers in another VR, if that can hold them: written as text, or as numbers of another size."""
    try:
        value = element.value
        numbers = [_number(item) for item in (value if isinstance(value, list) else [value])]
        return Element(element.tag, vr, [_as(vr, number) for number in numbers])
    except (DecodeError, EncodeError, ValueError, OverflowError):
        return None


def _number(item: object) -> int | float:
    """A number, or the text of one. Raises ValueError."""
    if isinstance(item, str):
        item = DS(item)
    if not isinstance(item, (int, float)):
        raise ValueError("it is no number")
    return int(item) if item == int(item) else item


def _as(vr: str, number: int | float) -> str | int | float:
    """A number as a value of ``vr``, text where that is neither IS nor DS."""
    return DS(number).text if row_of(vr).kind == "text" and vr not in ("IS", "DS") else number


def _nothing(element: Element, vr: str) -> Element | None:  # noqa: ARG001
    return None


# By the kind of the VR that is written, and of that in PS3.6.
_READ_AS: dict[tuple[str, str], Callable[[Element, str], Element | None]] = {
    ("text", "text"): _same_bytes,
    ("text", "number"): _same_value,
    ("text", "stream"): _nothing,
    ("number", "text"): _same_value,
    ("number", "number"): _same_value,
    ("number", "stream"): _same_bytes,
    ("stream", "text"): _same_bytes,
    ("stream", "number"): _same_bytes,
    ("stream", "stream"): _same_bytes,
}
