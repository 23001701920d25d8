"""The words of a command: octets, UIDs, and values of attributes.

A command is a line of words with spaces between them. Quotes join words; a backslash separates values, as in DICOM.
``#`` begins a comment, even in a word, but not in quotes.
"""

import re
import shlex
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from ..data import Dataset, Element, Tag, tag_of
from ..data.dictionary import vr_of
from ..data.vr import PIXEL_REPRESENTATION, US_OR_SS, chosen_vr, row_of
from ..errors import DimseError, EncodeError, shown
from ..uids import is_valid_uid, new_uid, registry

__all__ = ["Mistake", "integer", "is_name", "octets", "put", "split", "uid", "value_at", "value_of", "with_values"]

_MAX_OCTETS = 64 << 20  # octets that the words of one value or command may stand for
_RUN = re.compile(r"([0-9A-Fa-f]{2}(?:[0-9A-Fa-f]{2})*)(?:\*([0-9]{1,9}))?")  # octets, and how often they are repeated
# A keyword or a tag, and the number of an item or of a value
_PART = re.compile(r"(\w+|\([0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\))(?:\[([0-9]{1,4})\])?")
_NAME = re.compile(r"\$([A-Za-z_]\w*)")  # a name that stands for a value
_REALS = ("FL", "FD")


class Mistake(DimseError):
    """A command that cannot be understood or carried out. Nothing was sent."""


def split(line: str) -> list[str]:
    """Return the words of a line. Raises `Mistake` if a quote is not closed."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.escape = True, ""
    try:
        return list(lexer)
    except ValueError as exc:
        raise Mistake(f"a quote is not closed: {shown(line)}") from exc


def is_name(word: str) -> bool:
    """Return whether ``word`` can be a name, so that ``$`` and the name stand for a value."""
    return _NAME.fullmatch(f"${word}") is not None


def with_values(word: str, values: Mapping[str, str]) -> str:
    """Return ``word`` with the value of each name in it, such as ``$film``.

    The peer has sent the values, and must not choose which file is read and sent. So a word with a name must not become
    ``file=PATH``, contain ``@FILE``, or become ``KEY=VALUE`` because of a value. Raises `Mistake` if it does, and for a
    name without a value.
    """

    def value(match: "re.Match[str]") -> str:
        if match[1] not in values:
            raise Mistake(f"${match[1]} has no value; give it one with let {match[1]} = ...")
        return values[match[1]]

    found = _NAME.sub(value, word)
    if found == word:
        return word
    key, equals, text = found.partition("=")
    if equals and "=" not in word:
        raise Mistake(
            f"{shown(word)} is {shown(found)}: a value that the peer has sent must not turn a word into KEY=VALUE"
        )
    if (equals and key == "file") or any(each.startswith("@") for each in (text if equals else found).split()):
        raise Mistake(f"{shown(word)} is {shown(found)}: a word with a value of the peer cannot name a file")
    return found


def integer(text: str, largest: int = 0xFFFFFFFF) -> int:
    """Return a number from 0 to ``largest``: ``31``, ``0x1F``, or in the standard's form ``1FH``. Raises `Mistake`."""
    try:
        number = int(text[:-1], 16) if text[-1:] in ("H", "h") else int(text, 0 if text[:2] in ("0x", "0X") else 10)
    except ValueError:
        raise Mistake(f"{shown(text)} is not a number, such as 12, 0x0C or 000CH") from None
    if not 0 <= number <= largest:
        raise Mistake(f"{shown(text)} is not between 0 and {largest}")
    return number


def octets(words: Iterable[str]) -> bytes:
    """Return the octets that ``words`` stand for.

    A word is a run of hexadecimal octets (``0400``), a repeated run (``7F*4096``), or the octets of a file (``@FILE``).
    Raises `Mistake` for any other word, for a file that cannot be read, and for more than 64 MiB.
    """
    parts: list[bytes] = []
    length = 0
    for word in words:
        if word.startswith("@"):
            part = _file(word[1:])
        else:
            match = _RUN.fullmatch(word)
            if match is None:
                raise Mistake(f"{shown(word)} does not stand for octets; write 0400, 7F*4096 or @FILE")
            run, times = bytes.fromhex(match[1]), int(match[2] or 1)
            _check_length(length + len(run) * times)
            part = run * times
        length += len(part)
        _check_length(length)
        parts.append(part)
    return b"".join(parts)


def _file(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            data = file.read(_MAX_OCTETS + 1)
    except (OSError, ValueError) as exc:  # ValueError: a name with a NUL
        raise Mistake(f"{shown(name)}: {getattr(exc, 'strerror', None) or exc}") from exc
    _check_length(len(data))
    return data


def _check_length(length: int) -> None:
    if length > _MAX_OCTETS:
        raise Mistake(f"more than {_MAX_OCTETS >> 20} MiB in one command")


@cache
def _uids_by_keyword() -> Mapping[str, str]:
    return {row.keyword: row.uid for row in registry().values() if row.keyword}


def uid(word: str) -> str:
    """Return the UID that a word stands for: digits, a keyword of PS3.6 Annex A, or ``new`` (a new UID).

    Raises `Mistake`.
    """
    if word == "new":
        return new_uid()
    found = _uids_by_keyword().get(word, word)
    if not is_valid_uid(found):
        raise Mistake(f"{shown(word)} is neither a UID nor a keyword of PS3.6 Annex A, such as Verification")
    return found


# --- attributes ---


def put(dataset: Dataset, path: str, text: str) -> None:
    """Set the attribute at ``path`` to the value that ``text`` stands for.

    A path is a keyword or a tag, or leads through items: ``BasicGrayscaleImageSequence[0].Rows``. Items are numbered
    from 0, and ``[0]`` may be left out. The number after the last item adds an item. If ``text`` is ``hex:`` and
    octets, the octets become the value unchecked. Raises `Mistake`.
    """
    *outer, (tag, index) = _parts(path)
    if index is not None:
        raise Mistake(f"{shown(path)} ends in an item; it must go on with an attribute in the item: {path}.KEYWORD")
    for sequence, number in outer:
        dataset = _item(dataset, sequence, number or 0, create=True)
    vr = vr_of(tag)
    if text.startswith("hex:"):
        vr = chosen_vr(dataset.get(PIXEL_REPRESENTATION) == 1) if vr == US_OR_SS else vr
        vr = vr if row_of(vr).kind in ("text", "number", "stream") else "UN"
        dataset.add(Element(tag, vr, octets(text[4:].split())))
    elif vr == "SQ":
        if text:
            raise Mistake(f"{shown(path)} is a sequence; set an attribute in it: {path}[0].KEYWORD={text}")
        dataset[tag] = []
    else:
        dataset[tag] = value_of(vr, text)


def value_at(dataset: Dataset, path: str) -> str:
    """Return the value of the attribute at ``path`` as text, with a backslash between values.

    A number at the end of the path chooses one value, counted from 0.

    Raises `Mistake` if the attribute is missing, is empty, or has bytes or items.
    """
    *outer, (tag, index) = _parts(path)
    for sequence, number in outer:
        dataset = _item(dataset, sequence, number or 0, create=False)
    if tag not in dataset:
        raise Mistake(f"there is no {path} in the Data Set of the last message")
    value = dataset[tag].value
    values = value if isinstance(value, list) else [value]
    if index is not None:
        values = values[index : index + 1]
    if values in ([], [None]) or isinstance(values[0], Dataset | bytes | memoryview):
        raise Mistake(f"{path} has no value here, or has bytes or items, for which a name cannot stand")
    return "\\".join(map(str, values))


def _parts(path: str) -> list[tuple[Tag, int | None]]:
    parts = []
    for part in path.split("."):
        match = _PART.fullmatch(part)
        if match is None:
            raise Mistake(f"{shown(part)} is not a keyword, a tag (gggg,eeee) or an item KEYWORD[0]")
        try:
            tag = Tag(int(match[1][1:5] + match[1][6:10], 16)) if match[1][0] == "(" else tag_of(match[1])
        except EncodeError as exc:
            raise Mistake(exc.what) from exc
        parts.append((tag, None if match[2] is None else int(match[2])))
    return parts


def _item(dataset: Dataset, tag: Tag, number: int, *, create: bool) -> Dataset:
    value = dataset.get(tag)
    if not isinstance(value, list | None) or vr_of(tag) not in ("SQ", "UN"):
        raise Mistake(f"{tag} is not a sequence")
    items = value or []
    if create and number == len(items):
        items = [*items, Dataset()]
        dataset[tag] = items
    if number >= len(items):
        raise Mistake(f"{tag} has {len(items)} items, so there is no item {number}; items count from 0")
    item = items[number]
    if not isinstance(item, Dataset):
        raise Mistake(f"{tag} is not a sequence")
    return item


def value_of(vr: str, text: str) -> object:
    """Return the value that ``text`` stands for in an attribute of this VR, None for empty text. Raises `Mistake`."""
    row = row_of("US" if vr == US_OR_SS else vr)
    if row.kind == "stream":
        return octets(text.split())
    if text == "":
        return None
    words = text.split("\\")
    if vr == "UI":
        return [uid(word) for word in words]
    if vr == "AT":
        return [tag for word in words for tag, _ in _parts(word)]
    if vr in _REALS:
        return [_real(word) for word in words]
    if row.kind == "number":
        largest = (1 << 8 * row.size) - 1
        return [-integer(word[1:], largest) if word.startswith("-") else integer(word, largest) for word in words]
    return text


def _real(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise Mistake(f"{shown(word)} is not a number") from None
