"""A Data Set as text, for people: a line for each element, items indented.

::

    (2010,0010) ST    12  ImageDisplayFormat  STANDARD\\2,3
    (2010,0500) SQ     1  ReferencedFilmSessionSequence
      item 1
        (0008,1150) UI    22  ReferencedSOPClassUID  1.2.840.10008.5.1.1.1 (Basic Film Session SOP Class)

The number is the length of the value in bytes where it is known, of a sequence its items. Control characters are
escaped, so hostile text cannot move the cursor of a terminal; a value that cannot be decoded shows the error.
"""

from collections.abc import Iterator

from ..errors import DecodeError, cut, escaped
from ..uids import name_of
from .dataset import Dataset, Element, Item
from .dictionary import lookup
from .header import LEAST
from .items import Items
from .numerals import DS, IS

__all__ = ["WIDTH", "dump", "items_of"]

WIDTH = 120  # characters of a line
_SHOWN_BYTES = 16
_SHOWN_VALUES = 64
_FRAMED = ("SQ", "UN", "OB", "OW")  # VRs whose value may be a list of items
_STEP = "  "


def dump(dataset: Dataset, *, width: int | None = WIDTH, octets: bool = False) -> str:
    """The elements of a Data Set in lines of at most ``width`` characters; longer values are cut, with None nothing.

    With ``octets`` the bytes of each element that was decoded stand below it: where it begins, its header, its value.
    """
    return "\n".join(cut(line, width) for line in _lines(dataset, "", width is None, octets))


def items_of(element: Element) -> list[Dataset]:
    """The items of a sequence; none of anything else."""
    return [item for item in _listed(element) if isinstance(item, Dataset)]


def _lines(dataset: Dataset, indent: str, whole: bool, octets: bool) -> Iterator[str]:
    for element in dataset:
        vr = escaped(element.VR)
        yield f"{indent}{element.tag} {vr} {_length(element):>5}  {_name(element)}  {_text(element, whole)}".rstrip()
        if octets and element._origin[0].syntax is not None:
            yield f"{indent}{_STEP}{_octets(element, whole)}"
        for number, item in enumerate(items_of(element), 1):
            yield f"{indent}{_STEP}item {number}"
            yield from _lines(item, indent + _STEP + _STEP, whole, octets)


def _listed(element: Element) -> list[Item]:
    """The items of a sequence, or fragments."""
    try:
        value = element.value if element.VR in _FRAMED else None
    except DecodeError:  # the text of the element says so
        return []
    return value if isinstance(value, list) else []


def _length(element: Element) -> str:
    items = _listed(element)
    if items or element.VR == "SQ":
        return str(len(items))
    value = element._raw or element._value
    return str(len(value)) if isinstance(value, (memoryview, bytes)) else ""


def _name(element: Element) -> str:
    entry = lookup(element.tag)
    return "" if entry is None else entry.keyword or entry.name


def _text(element: Element, whole: bool) -> str:
    try:
        value = element.value
    except DecodeError as exc:
        return escaped(f"! {exc.what}")
    if isinstance(value, (memoryview, bytes)):
        return bytes(value).hex(" ") if whole else _bytes(value)
    values = [item for item in value if not isinstance(item, Dataset)] if isinstance(value, list) else [value]
    if whole and isinstance(element, Items):  # fragments
        return " ".join(f"[{bytes(item).hex(' ')}]" for item in values if isinstance(item, (bytes, memoryview)))
    text = "\\".join(map(_one, values if whole else values[:_SHOWN_VALUES]))
    name = name_of(text) if element.VR == "UI" else ""
    return f"{text} ({name})" if name else text


def _one(item: Item) -> str:
    match item:
        case None | Dataset():
            return ""
        case memoryview() | bytes():
            return f"[{len(item)} bytes]"
        case DS() | IS():
            return escaped(item.text)
        case float():
            return f"{item:.16g}"
    return escaped(str(item))


def _octets(element: Element, whole: bool) -> str:
    """Where an element begins, and its bytes: the header, and the value unless it has items."""
    view, start = element._origin[0].view, element._start
    begin = start - _header_length(element)
    header = bytes(view[begin:start]).hex(" ")
    value = b"" if isinstance(element, Items) else element._raw
    text = bytes(value).hex(" ") if whole else _bytes(value)
    return f"@{begin:08X}  {header}" + (f" | {text}" if text else "")


def _header_length(element: Element) -> int:
    """8 or 12: the longer header if the shorter one is not where the element says that its value begins."""
    source, offset = element._origin[0], element._start - LEAST
    group, number, _ = source.layout.item.unpack_from(source.view, offset)
    return LEAST if group << 16 | number == element._tag else LEAST + 4


def _bytes(value: memoryview | bytes) -> str:
    more = " ..." if len(value) > _SHOWN_BYTES else ""
    return bytes(value[:_SHOWN_BYTES]).hex(" ") + more
