"""The bytes of one value to Python and back: PS3.5 §6.2 and §6.4.

=====================  =====================================================================================
AE AS CS DA DT LO PN   ``str`` without padding. PN, DA, TM, DT are not taken apart.
SH TM UC UI
LT ST UR UT            ``str``, always one value: a backslash belongs to the text.
IS, DS                 ``int``, ``float``.
US SS UL SL UV SV      ``int``.
FL FD                  ``float``.
AT                     :class:`Tag`.
OB OW OL OV OF OD UN   bytes-like, little endian whatever the syntax: a view where that needs no swap of bytes.
=====================  =====================================================================================

Several values are a list; among numbers an empty one is None. No value at all (no bytes, or only padding) is None.
"""

import re
import struct
import sys
from array import array
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from operator import index
from typing import TYPE_CHECKING, SupportsFloat, SupportsIndex, TypeAlias

from ..errors import DecodeError, EncodeError
from .charset import Charset, decode_text, encode_text
from .tag import Tag
from .vr import VR, VRS, row_of

__all__ = ["READERS", "WRITERS", "Item", "Value", "check_value", "decode_value", "encode_value", "shown", "swapped"]

if TYPE_CHECKING:
    from .dataset import Dataset

Scalar: TypeAlias = str | int | float | None
Item: TypeAlias = "str | int | float | memoryview | bytes | Dataset | None"
Value: TypeAlias = "str | int | float | memoryview | bytes | list[Item] | None"

_Raw: TypeAlias = bytes | memoryview
_Reader: TypeAlias = Callable[[_Raw, Charset], Value]
_Writer: TypeAlias = Callable[[Value, Charset], _Raw]

_PADDING = " \0"
_SHOWN = 40  # characters of a wrong value in an error
_MOST_DS = 16
_IS_RANGE = range(-(2**31), 2**31)
_CODES = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_ORDERS = {False: "<", True: ">"}
_WORDS = {2: "H", 4: "I", 8: "Q"}


def decode_value(vr: str, raw: bytes | memoryview, big_endian: bool = False, charset: Charset = ()) -> Value:
    """The value in ``raw``. Raises DecodeError for bytes that are none of this VR."""
    try:
        return READERS[big_endian][vr](raw, charset)
    except (ValueError, OverflowError) as exc:
        raise DecodeError(f"{vr} {exc}") from exc


def check_value(vr: str, value: object) -> Value:
    """``value`` as it would be read back. Raises EncodeError where the VR cannot hold it."""
    row = row_of(vr)
    try:
        return _CHECKS[row.kind](row, value)
    except (ValueError, TypeError, OverflowError, struct.error) as exc:
        raise EncodeError(f"{vr} cannot hold {shown(value)}: {exc}") from exc


def encode_value(vr: str, value: Value, *, big_endian: bool = False, charset: Charset = ()) -> bytes | memoryview:
    """The bytes, not yet padded, of a value that :func:`check_value` returned.

    Raises EncodeError for text that the character set cannot write.
    """
    return WRITERS[big_endian][vr](value, charset)


def swapped(raw: bytes | memoryview, size: int) -> bytes:
    """``raw`` with the bytes of each word of ``size`` reversed. Raises ValueError where words do not fill it."""
    words = array(_WORDS[size])
    words.frombytes(raw)
    words.byteswap()
    return words.tobytes()


# Reading


class _Readers(dict[str, _Reader]):
    """Readers by VR; a VR that is still to come is read as a stream of bytes, like UN."""

    def __missing__(self, vr: str) -> _Reader:
        return _read_stream


def _number_reader(vr: str, order: str) -> _Reader:
    code = _CODES[vr]
    one = struct.Struct(order + code)
    size = one.size
    unpack = one.unpack

    def read(raw: _Raw, charset: Charset) -> Value:  # noqa: ARG001
        if len(raw) == size:
            number: Scalar = unpack(raw)[0]
            return number
        if len(raw) % size:
            raise ValueError(f"needs {size} bytes, or several times as many; got {len(raw)}")
        return list(struct.unpack(f"{order}{len(raw) // size}{code}", raw)) or None

    return read


def _tag_reader(order: str) -> _Reader:
    def read(raw: _Raw, charset: Charset) -> Value:  # noqa: ARG001
        if len(raw) % 4:
            raise ValueError(f"needs 4 bytes, or several times as many; got {len(raw)}")
        words = struct.unpack(f"{order}{len(raw) // 2}H", raw)
        tags = [Tag(group << 16 | element) for group, element in zip(words[::2], words[1::2], strict=True)]
        return _folded(tags)

    return read


def _text_reader(row: VR) -> _Reader:
    strip = str.strip if row.strip == "both" else str.rstrip
    many, charset_applies, person = row.many, row.charset, row.name == "PN"

    def read(raw: _Raw, charset: Charset) -> Value:
        if charset and charset_applies:
            text = strip(decode_text(raw, charset, person=person), _PADDING)
        else:
            text = strip(str(raw, "latin_1"), _PADDING)
        if many and "\\" in text:
            pieces = text.split("\\")
            padded = " " in text or "\0" in text
            return [strip(piece, _PADDING) for piece in pieces] if padded else [*pieces]
        return text or None

    return read


def _read_integers(raw: _Raw, charset: Charset) -> Value:  # noqa: ARG001
    text = str(raw, "latin_1")
    return [*map(_integer, text.split("\\"))] if "\\" in text else _integer(text)


def _read_decimals(raw: _Raw, charset: Charset) -> Value:  # noqa: ARG001
    text = str(raw, "latin_1")
    try:
        numbers = [*map(float, text.split("\\"))]
        if isfinite(sum(numbers)) and "_" not in text:
            return [*numbers] if len(numbers) > 1 else numbers[0]
    except ValueError:
        pass  # one of them is empty, or no number
    return [*map(_decimal, text.split("\\"))] if "\\" in text else _decimal(text)


def _read_stream(raw: _Raw, charset: Charset) -> Value:  # noqa: ARG001
    return raw or None


def _swapping_reader(row: VR) -> _Reader:
    def read(raw: _Raw, charset: Charset) -> Value:  # noqa: ARG001
        return swapped(raw, row.size) or None

    return read


def _folded(values: Sequence[Scalar]) -> Value:
    """Several values are a list, one is itself, none is None."""
    if len(values) > 1:
        return [*values]
    value = values[0] if values else None
    return None if value == "" else value


def _integer(text: str) -> int | None:
    if len(text) < 20 and "_" not in text:  # int() takes underscores, and long for thousands of digits
        try:
            return int(text)
        except ValueError:
            number = _decimal(text)  # "1.0", as some modalities write it
            if number is None or number.is_integer():
                return None if number is None else int(number)
    raise ValueError(f"needs an integer, got {shown(text)}")


def _decimal(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        text = text.strip(_PADDING)
        if not text:
            return None
        number = _unlocalized(text)
    if isfinite(number) and "_" not in text:
        return number
    raise ValueError(f"needs a decimal number, got {shown(text)}")


def _unlocalized(text: str) -> float:
    """A number with a comma, as it comes from modalities that heed their locale."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"needs a decimal number, got {shown(text)}") from None


# Checking


def _check_number(row: VR, value: object) -> Value:
    return decode_value(row.name, _pack(row.name, _listed(value), big_endian=False))


def _check_text(row: VR, value: object) -> Value:
    check = _TEXT_CHECKS.get(row.name, _check_line)
    return _folded([check(row, piece) for item in _listed(value) for piece in _pieces(row, item)])


def _check_line(row: VR, item: object) -> str:
    if item is None:
        return ""
    if not isinstance(item, str):
        raise TypeError(f"it is {type(item).__name__}, not text")
    text = item.strip(_PADDING) if row.strip == "both" else item.rstrip(_PADDING)
    if text and not _PATTERNS[row.name].fullmatch(text):
        raise ValueError(f"only {row.pattern} is allowed")
    longest = max(map(len, text.split("="))) if row.name == "PN" else len(text)
    if row.most is not None and longest > row.most:
        raise ValueError(f"{longest} characters are more than {row.most}")
    return text


def _check_integer(row: VR, item: object) -> int | None:  # noqa: ARG001
    number = _integer(item or "") if isinstance(item, str | None) else _index(item)
    if number is not None and number not in _IS_RANGE:
        raise ValueError("it does not fit 32 bits")
    return number


def _check_decimal(row: VR, item: object) -> float | None:  # noqa: ARG001
    number = _decimal(item or "") if isinstance(item, str | None) else item
    if number is None:
        return None
    # float and int first: asking a Protocol takes ten times as long
    if not isinstance(number, float | int) and not isinstance(number, SupportsFloat):
        raise TypeError(f"it is {type(number).__name__}, not a number")
    rounded = float(_decimal_text(number))
    if not isfinite(rounded):
        raise ValueError("it is not finite")
    return rounded


def _check_stream(row: VR, value: object) -> Value:
    if value is None:
        return None
    view = memoryview(value)  # type: ignore[arg-type]  # the TypeError of what is no buffer says so
    if not view.nbytes:
        return None
    if view.nbytes % row.size:
        raise ValueError(f"{view.nbytes} bytes are not whole words of {row.size}")
    if view.itemsize > 1 and (view.format[0] in ">!" or (view.format[0] not in "<=" and sys.byteorder == "big")):
        return swapped(view.tobytes(), view.itemsize)
    return view.cast("B") if view.c_contiguous and view.format[0] not in "<=" else view.tobytes()


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def _pieces(row: VR, item: object) -> list[object]:
    return list(item.split("\\")) if row.many and isinstance(item, str) else [item]


def shown(value: object) -> str:
    """A wrong value, cut, for an error."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


# Writing


def _index(item: object) -> int:
    if not isinstance(item, int) and not isinstance(item, SupportsIndex):
        raise TypeError(f"it is {type(item).__name__}, not an integer")
    return index(item)


def _pack(vr: str, values: Sequence[object], big_endian: bool) -> bytes:
    if vr == "AT":
        vr, values = "US", [word for tag in map(_index, values) for word in (tag >> 16, tag & 0xFFFF)]
    return struct.pack(f"{_ORDERS[big_endian]}{len(values)}{_CODES[vr]}", *values)


def _decimal_text(value: object) -> str:
    """The shortest text of at most 16 characters that is nearest to the number."""
    if not isinstance(value, float):
        # int first: asking a Protocol takes ten times as long
        if not isinstance(value, int) and not isinstance(value, SupportsFloat):
            return ""
        value = float(value)
    text = repr(value)
    if text.endswith(".0"):
        text = text[:-2]
    digits = _MOST_DS
    while len(text) > _MOST_DS:
        text = f"{value:.{digits}g}"
        digits -= 1
    return text


def _plain_text(value: object) -> str:
    return "" if value is None else str(value)


class _Writers(dict[str, _Writer]):
    """Writers by VR; the value of a VR that is still to come is a stream of bytes."""

    def __missing__(self, vr: str) -> _Writer:
        return _write_stream


def _text_writer(row: VR) -> _Writer:
    one = _decimal_text if row.name == "DS" else _plain_text
    charset_applies, person = row.charset, row.name == "PN"

    def write(value: Value, charset: Charset) -> _Raw:
        if isinstance(value, str):
            text = value
        else:
            text = "\\".join(map(one, value)) if isinstance(value, list) else one(value)
        if text.isascii():
            return text.encode()
        return encode_text(text, charset if charset_applies else (), person=person)

    return write


def _number_writer(vr: str, big_endian: bool) -> _Writer:
    pack = struct.Struct(_ORDERS[big_endian] + _CODES[vr]).pack

    def write(value: Value, charset: Charset) -> _Raw:  # noqa: ARG001
        if isinstance(value, list):
            return _pack(vr, value, big_endian)
        return b"" if value is None else pack(value)

    return write


def _tag_writer(big_endian: bool) -> _Writer:
    def write(value: Value, charset: Charset) -> _Raw:  # noqa: ARG001
        return _pack("AT", _listed(value), big_endian)

    return write


def _write_stream(value: Value, charset: Charset) -> _Raw:  # noqa: ARG001
    return value if isinstance(value, (bytes, memoryview)) else b""


def _swapping_writer(row: VR) -> _Writer:
    def write(value: Value, charset: Charset) -> _Raw:
        return swapped(_write_stream(value, charset), row.size)

    return write


_TEXT_CHECKS: dict[str, Callable[[VR, object], Scalar]] = {"IS": _check_integer, "DS": _check_decimal}
_CHECKS = {"number": _check_number, "text": _check_text, "stream": _check_stream}
_PATTERNS = {row.name: re.compile(row.pattern) for row in VRS.values() if row.pattern}

_ALIKE = {row.name: _text_reader(row) for row in VRS.values() if row.kind == "text"}
_ALIKE |= {row.name: _read_stream for row in VRS.values() if row.kind == "stream"}
_ALIKE |= {"IS": _read_integers, "DS": _read_decimals}
_SWAPPED = {row.name: _swapping_reader(row) for row in VRS.values() if row.kind == "stream" and row.size > 1}

# Readers by byte order (True: big endian) and VR.
READERS = {
    big_endian: _Readers(
        _ALIKE
        | {vr: _number_reader(vr, order) for vr in _CODES}
        | {"AT": _tag_reader(order)}
        | (_SWAPPED if big_endian else {})
    )
    for big_endian, order in _ORDERS.items()
}

_WRITTEN_ALIKE = {row.name: _text_writer(row) for row in VRS.values() if row.kind == "text"}
_WRITTEN_SWAPPED = {row.name: _swapping_writer(row) for row in VRS.values() if row.kind == "stream" and row.size > 1}

# Writers by byte order and VR.
WRITERS = {
    big_endian: _Writers(
        _WRITTEN_ALIKE
        | {vr: _number_writer(vr, big_endian) for vr in _CODES}
        | {"AT": _tag_writer(big_endian)}
        | (_WRITTEN_SWAPPED if big_endian else {})
    )
    for big_endian in _ORDERS
}
