"""What is to be known of a page beside its pixels, as JSON: the film's attributes, and each decision of ours.

Attributes keep their DICOM keywords, each with its value as it was received or defaulted, numbers as numbers. What the
client says of a patient stands where he put it (labels, annotations), and nowhere else.
"""

import json
import math
from collections.abc import Mapping
from typing import BinaryIO, TypeAlias

from dimse.data import Dataset, Element, Item, Value
from dimse.errors import DecodeError

from ..film.sheet import Page

__all__ = ["JSON", "plain", "write_sidecar"]

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"


def write_sidecar(page: Page, about: Mapping[str, JSON], file: BinaryIO) -> None:
    """Write ``about``, after what is known of the page itself, as UTF-8."""
    text = json.dumps({"page": _page(page), **about}, ensure_ascii=False, indent=2)
    file.write(text.encode("utf-8", "backslashreplace") + b"\n")  # JSON writes a lone surrogate so


def plain(dataset: Dataset) -> dict[str, JSON]:
    """The attributes by keyword, by tag where they have none; sequences as lists, bytes as how many there are."""
    return {element.keyword or str(element.tag): _value(element) for element in dataset}


def _value(element: Element) -> JSON:
    try:
        return _plain(element.value)
    except DecodeError as exc:  # no film is lost for what only the sidecar would tell
        return f"! {exc.what}"


def _page(page: Page) -> dict[str, JSON]:
    rows, columns = page.pixels.shape[:2]
    return {
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 8 * page.pixels.itemsize,
        "PhotometricInterpretation": "MONOCHROME2" if page.pixels.ndim == 2 else "RGB",
        "width_mm": page.width_mm,
        "height_mm": page.height_mm,
        "dpi": page.dpi,
        "notes": list(page.notes),
    }


def _plain(value: "Value | Item") -> JSON:
    match value:
        case Dataset():
            return plain(value)
        case list():
            return [_plain(item) for item in value]
        case bytes() | memoryview():
            return f"{len(value)} bytes"
        case str():
            return str(value)
        case float() if not math.isfinite(value):
            return str(value)  # JSON has no such numbers (RFC 8259 §6)
    return value
