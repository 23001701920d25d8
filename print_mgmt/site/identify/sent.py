"""Identifies patient and study from standard or private attributes that the client sent."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dimse.data import Dataset, Tag, tag_of
from dimse.data.charset import charset_of, decode_text
from dimse.errors import DecodeError, DimseError

from ...config import ConfigError
from ...scp import Film
from .identity import IDENTITY, Findings, check_keywords

__all__ = ["SentSource"]

_TAG = re.compile(r"\(([0-9A-Fa-f]{4}),([0-9A-Fa-f]{4})\)")
_PRIVATE = re.compile(r"\(([0-9A-Fa-f]{3}[13579BDFbdf]),[xX]{2}([0-9A-Fa-f]{2}),([^)]+)\)")
_BLOCKS = range(0x10, 0x100)  # element numbers of private creators (PS3.5 §7.8.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentSource:
    """A source that copies attributes that the client sent.

    ``attributes`` maps keywords of `IDENTITY` to the attributes to copy from: a keyword, a tag ``(gggg,eeee)``, or a
    private element with its creator, ``(gggg,xxee,CREATOR)`` (PS3.5 §7.8). By default, each attribute of `IDENTITY` is
    copied from the attribute with the same keyword. Raises `ConfigError`.
    """

    attributes: Mapping[str, str] = field(default_factory=lambda: {keyword: keyword for keyword in IDENTITY})

    def __post_init__(self) -> None:
        check_keywords("attributes", self.attributes)
        for keyword, place in self.attributes.items():
            if not (_TAG.fullmatch(place) or _PRIVATE.fullmatch(place)):
                try:
                    tag_of(place)
                except DimseError as exc:
                    why = f"{place!a} is not a keyword, (gggg,eeee) or (gggg,xxee,CREATOR)"
                    raise ConfigError(f"attributes.{keyword}", why) from exc

    async def find(self, film: Film, known: Dataset) -> Findings:  # noqa: ARG002
        """Return each value from the first Data Set of the film that has it, and notes about invalid values."""
        return await asyncio.to_thread(self._find, film)  # a client may send 5,000 attributes with each image box

    def _find(self, film: Film) -> Findings:
        sent = film.sent
        places = (sent.film_session, sent.film_box, *sent.image_boxes, *sent.annotation_boxes)
        values, notes = {}, []
        for keyword, place in self.attributes.items():
            for dataset in places:
                try:
                    value = _text_at(dataset, place)
                except DecodeError as exc:
                    notes.append(str(exc))
                    continue
                if value:
                    values[keyword] = value
                    break
        return Findings(values, notes)


def _text_at(dataset: Dataset, place: str) -> str:
    """Return the value at a place as text, or an empty string if there is none. Raises `DecodeError`."""
    for tag in _possible_tags(dataset, place):
        value = dataset.get(tag)
        if isinstance(value, bytes | memoryview):  # a private element in Implicit VR has the VR UN
            value = decode_text(value, charset_of(dataset.get("SpecificCharacterSet"))).rstrip(" \0")
        if isinstance(value, list) and value:
            raise DecodeError(f"{len(value)} values or items, where one value is needed", path=str(Tag(tag)))
        if isinstance(value, str | int | float):
            return str(value)
    return ""


def _possible_tags(dataset: Dataset, place: str) -> Iterator[int]:
    """Yield the tags that a place can stand for in this Data Set."""
    if found := _TAG.fullmatch(place):
        yield int(found[1] + found[2], 16)
    elif found := _PRIVATE.fullmatch(place):
        group, element = int(found[1], 16) << 16, int(found[2], 16)
        for block in _BLOCKS:
            creator = dataset.get(group | block)
            if isinstance(creator, bytes | memoryview):
                creator = bytes(creator).decode("ascii", "replace")
            if isinstance(creator, str) and creator.strip(" \0") == found[3].strip():
                yield group | block << 8 | element
    else:
        yield tag_of(place)
