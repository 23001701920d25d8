"""Conversion of elements to the VR that PS3.6 defines, if the header has another VR.

Devices write Number of Copies (IS) as DS or US, or Image Display Format (ST) as LO. If the bytes have a clear meaning
in the VR of PS3.6, a program that reads the attribute by its keyword should get a value of that VR. Other elements stay
as they are.
"""

from collections.abc import Callable

from ..errors import DecodeError, EncodeError
from .dataset import Dataset, DecodedElement, Element
from .dictionary import plain_vrs, vr_of, vrs_of
from .items import Items, items_or_fragments
from .numerals import DS
from .values import WRITERS
from .vr import US_OR_SS, row_of

__all__ = ["take_known_vrs"]


def take_known_vrs(dataset: Dataset) -> None:
    """Convert the elements of ``dataset`` and its items to the VR of PS3.6, if their bytes have a meaning in that VR.

    Only decoded elements are converted: a program chooses the VR of the elements that it sets.
    """
    if dataset._origin[0].layout.implicit:  # all VRs come from PS3.6
        return
    plain = plain_vrs()
    for tag, element in dataset._elements.items():
        vr = element.VR
        if plain.get(tag) == vr:  # nearly always; without this shortcut, a film takes 4 % more calls
            continue
        if isinstance(element, Items):
            for item in items_or_fragments(element):  # if they cannot be read, the next access raises the error
                if isinstance(item, Dataset):
                    take_known_vrs(item)
            continue
        allowed = vrs_of(tag)
        if vr in allowed.split(" or ") or allowed in ("", "SQ") or element._origin[0].syntax is None:
            continue
        known = "US" if allowed == US_OR_SS else vr_of(tag)
        converted = _CONVERSIONS[row_of(vr).kind, row_of(known).kind](element, known)
        if converted is not None:
            dataset.add(converted)


def _reread_bytes(element: Element, vr: str) -> Element | None:
    """Return an element with the same bytes in another VR; None if they are not a value of that VR.

    A number is rewritten if that VR does not allow its text, such as 2.0 in IS.
    """
    converted = DecodedElement(element.tag, vr, element._origin, element._start, element._length)
    try:
        value = converted.value
    except DecodeError:
        return None
    if vr not in ("IS", "DS") or WRITERS[False][vr](value, ()) == bytes(converted.raw).rstrip(b" \0"):
        return converted
    return Element(element.tag, vr, value)


def _convert_numbers(element: Element, vr: str) -> Element | None:
    """Return an element with the same numbers in another VR, as text or in another size; None if they do not fit."""
    try:
        value = element.value
        numbers = [_number(item) for item in (value if isinstance(value, list) else [value])]
        return Element(element.tag, vr, [_to_value(vr, number) for number in numbers])
    except (DecodeError, EncodeError, ValueError, OverflowError):
        return None


def _number(item: object) -> int | float:
    """Return a number, or the number in a text, as an int if it is whole.

    Raises EncodeError for other text, OverflowError for an infinity, and ValueError for NaN and everything else.
    """
    if isinstance(item, str):
        item = DS(item)
    if not isinstance(item, (int, float)):
        raise ValueError("not a number")
    return int(item) if item == int(item) else item


def _to_value(vr: str, number: int | float) -> str | int | float:
    """Return a number as a value of ``vr``: as text if ``vr`` is a text VR other than IS and DS."""
    return DS(number).text if row_of(vr).kind == "text" and vr not in ("IS", "DS") else number


def _leave(element: Element, vr: str) -> Element | None:  # noqa: ARG001
    return None


# Conversions by the kind of the VR in the header, and the kind of the VR in PS3.6
_CONVERSIONS: dict[tuple[str, str], Callable[[Element, str], Element | None]] = {
    ("text", "text"): _reread_bytes,
    ("text", "number"): _convert_numbers,
    ("text", "stream"): _leave,
    ("number", "text"): _convert_numbers,
    ("number", "number"): _convert_numbers,
    ("number", "stream"): _reread_bytes,
    ("stream", "text"): _reread_bytes,
    ("stream", "number"): _reread_bytes,
    ("stream", "stream"): _reread_bytes,
}
