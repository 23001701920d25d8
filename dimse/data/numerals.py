"""Numbers written as text: the VRs DS and IS of PS3.5 §6.2.

A :class:`DS` is a float and an :class:`IS` is an int. Both keep their text, so that a value copied to another Data Set
is written with the same digits, unless it is longer than the standard allows.

Reading is lenient: it accepts NULs as padding, and values that are too long, but neither infinities nor integers of
more than 20 characters. Construction reads text in the same way, but its result is strict: the text of a DS has at most
16 characters, all of which a DS may contain, and an IS must fit in 32 bits.

The standard does not allow a comma. In a DS, one comma is read as the decimal point, because devices that follow their
locale write numbers in this way: "1,000" is 1.000, not one thousand. Several commas can only separate thousands; they
are an error, because no device is known to write them. In an IS, a comma is an error, because it may mean a decimal
point or a separator of thousands. `Element.raw` always has the bytes as received.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from numbers import Complex, Real
from operator import index
from typing import Self, SupportsFloat, SupportsIndex, TypeAlias

from ..errors import EncodeError, shown

__all__ = [
    "DS",
    "IS",
    "MAX_VALUES",
    "AnyDecimal",
    "AnyInteger",
    "decimal_text",
    "decimals_in",
    "integer_text",
    "integers_in",
    "is_complex",
    "split_values",
]

AnyDecimal: TypeAlias = "str | float | Decimal | SupportsFloat"
AnyInteger: TypeAlias = "str | int | SupportsIndex"

MAX_VALUES = 1 << 20  # values of one element; each becomes an object, and a large contour has 100,000

_PADDING = " \0"
_MAX_DS = 16  # characters, PS3.5 Table 6.2-1
_MAX_IS = 12  # characters, PS3.5 Table 6.2-1
_MAX_INTEGER = 20  # characters; int() is slow for thousands of digits
_IS_RANGE = range(-(2**31), 2**31)
_DECIMAL = re.compile(r" *[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[Ee][+-]?[0-9]+)? *")
_INTEGER = re.compile(r" *[+-]?[0-9]+ *")
_EXPONENT = re.compile(r"e\+?(-?)0*")  # the exponent as Python writes it; DS needs neither the plus sign nor the zeros


class DS(float):
    """A Decimal String: a float with its text.

    A number that needs more than 16 characters is rounded until its text, as Python writes it, fits. Raises EncodeError
    if the value, or the rounded number, is not a finite number.
    """

    __slots__ = ("_text",)
    _text: str

    def __new__(cls, value: AnyDecimal) -> Self:
        try:
            text = _decimal_text(value)
        except (ValueError, TypeError, OverflowError) as exc:
            raise EncodeError(f"DS cannot hold {shown(value)}: {exc}") from exc
        self = float.__new__(cls, text)
        self._text = text
        return self

    def __reduce__(self) -> "tuple[Callable[[float, str], DS], tuple[float, str]]":
        return _decimal_of, (float(self), self._text)

    @property
    def text(self) -> str:
        """The text of the value, without padding."""
        return self._text.strip(_PADDING)

    def decimal(self) -> Decimal:
        """Return the exact number, which may have more digits than a float."""
        return Decimal(self.text)


class IS(int):
    """An Integer String: an int with its text. Raises EncodeError if the value is not an integer of 32 bits."""

    _text = ""  # the text as given; "" stands for the shortest text of the number

    def __new__(cls, value: AnyInteger) -> Self:
        try:
            number = _check_integer(value)
        except (ValueError, TypeError) as exc:
            raise EncodeError(f"IS cannot hold {shown(value)}: {exc}") from exc
        self = int.__new__(cls, number)
        text = value._text if isinstance(value, IS) else value
        if isinstance(text, str) and len(text) <= _MAX_IS and _INTEGER.fullmatch(text):
            self._text = text
        return self

    def __reduce__(self) -> "tuple[Callable[[int, str], IS], tuple[int, str]]":
        return _integer_of, (int(self), self._text)

    @property
    def text(self) -> str:
        """The text of the value, without padding."""
        return self._text.strip(_PADDING) or int.__repr__(self)


def _decimal_of(number: float, text: str) -> DS:
    """Return a number that was pickled or copied, with its text."""
    decimal = _new_decimal(DS, number)
    decimal._text = text
    return decimal


def _integer_of(number: int, text: str) -> IS:
    integer = _new_integer(IS, number)
    if text:
        integer._text = text
    return integer


# Reading


def split_values(text: str) -> list[str]:
    """Return the values between backslashes. Raises ValueError for more than `MAX_VALUES`."""
    pieces = text.split("\\")
    if len(pieces) > MAX_VALUES:
        raise ValueError(f"has {len(pieces)} values, more than {MAX_VALUES}")
    return pieces


def decimals_in(text: str) -> DS | list[DS | None] | None:
    """Return the number, or the list of numbers, in a value of DS; None for an empty value.

    Raises ValueError if a text is not a finite number, and for more than `MAX_VALUES` numbers.
    """
    try:
        if "\\" not in text:
            number = _new_decimal(DS, text)
            number._text = text
            if isfinite(number) and "_" not in text and text.isprintable():  # `float` accepts a tab or \xa0 as a space
                return number
        else:
            numbers: list[DS | None] = []
            total = 0.0
            for piece in split_values(text):
                number = _new_decimal(DS, piece)
                number._text = piece
                numbers.append(number)
                total += number
            if isfinite(total) and "_" not in text and text.isprintable():
                return numbers
    except ValueError:
        pass  # a number is empty, or needs a closer look
    return [*map(_read_decimal, split_values(text))] if "\\" in text else _read_decimal(text)


def integers_in(text: str) -> IS | list[IS | None] | None:
    """Return the number, or the list of numbers, in a value of IS; None for an empty value.

    Raises ValueError if a text is not an integer of at most 20 characters, and for more than `MAX_VALUES` numbers.
    """
    text = text.removesuffix(" ")  # encoding adds the padding again
    return [*map(_read_integer, split_values(text))] if "\\" in text else _read_integer(text)


def _read_decimal(text: str) -> DS | None:
    """Return one number with its text; None if the text is empty.

    If the text has characters that a DS cannot contain, the number gets a new text without them. A text that is only
    too long is kept.
    """
    stripped = text.strip(_PADDING)
    if not stripped:
        return None
    number = _float_in(stripped)
    if number is None:
        raise ValueError(f"needs a finite decimal number, got {shown(stripped)}")
    decimal = _new_decimal(DS, number)
    texts = (text, stripped.replace(",", "."))
    decimal._text = next(filter(_DECIMAL.fullmatch, texts), None) or _shortest_text(number)
    return decimal


def _float_in(text: str) -> float | None:
    """Return a finite number, in which a comma may be the decimal point; None if the text is not such a number."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if isfinite(number) and "_" not in text else None


def _read_integer(text: str) -> IS | None:
    if not text:
        return None
    try:
        if len(text) > _MAX_INTEGER or "_" in text:
            raise ValueError
        number = _new_integer(IS, text)
    except ValueError:
        stripped = text.strip(_PADDING)
        if not stripped:
            return None
        found = _int_in(stripped)
        if found is None:
            raise ValueError(f"needs an integer of at most {_MAX_INTEGER} characters, got {shown(stripped)}") from None
        return _new_integer(IS, found)
    if int.__repr__(number) != text and len(text) <= _MAX_IS and _INTEGER.fullmatch(text):
        number._text = text
    return number


def _int_in(text: str) -> int | None:
    """Return an integer, perhaps written like "1.0", as some modalities do; None if the text is not an integer."""
    if len(text) > _MAX_INTEGER or "_" in text:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() and abs(number) < 10**_MAX_INTEGER else None


# Writing


def decimal_text(value: object) -> str:
    """Return the text of one value of DS; "" for None.

    Raises EncodeError if the value is not a finite number, and for a type other than DS, float, int, str and None.
    """
    if isinstance(value, DS):
        return value._text if len(value._text) <= _MAX_DS else _shortest_text(value)
    if value is None:
        return ""
    if isinstance(value, (float, int, str)):  # a plain number that the caller put into a list of values
        return DS(value)._text
    raise EncodeError(f"DS cannot hold {shown(value)}")


def integer_text(value: object) -> str:
    """Return the text of one value of IS; "" for None. Raises EncodeError if it is not an integer of 32 bits."""
    if isinstance(value, IS):
        return value._text or int.__repr__(value)
    if value is None:
        return ""
    if isinstance(value, (int, str)):  # a plain number that the caller put into a list of values
        return integer_text(IS(value))
    raise EncodeError(f"IS cannot hold {shown(value)}")


# Construction


def _decimal_text(value: AnyDecimal) -> str:
    if isinstance(value, (DS, str, int, Decimal)):
        text = _exact_text(value)
        if len(text) <= _MAX_DS and _DECIMAL.fullmatch(text):
            return _check_finite(text)
        number = _float_in(text.strip(_PADDING))
        if number is None:
            raise ValueError("it is not a finite decimal number")
        return _check_finite(_shortest_text(number))
    if is_complex(type(value)):
        raise TypeError(f"type {type(value).__name__}, not a number")
    return _check_finite(_shortest_text(float(value)))


def is_complex(kind: type) -> bool:
    """Return whether numbers of this type have an imaginary part. `float` would drop it from a number of numpy."""
    # float and int first: issubclass() of an abstract class takes ten times as long
    return not issubclass(kind, (float, int)) and issubclass(kind, Complex) and not issubclass(kind, Real)


def _exact_text(value: "DS | str | int | Decimal") -> str:
    match value:
        case DS():
            return value._text
        case int():
            return int.__repr__(value)
    return str(value)


def _check_finite(text: str) -> str:
    if not isfinite(float(text)):
        raise ValueError("it is not finite")
    return text


def _shortest_text(number: float) -> str:
    """Return the shortest text of a number, rounded as far as 16 characters require."""
    text = float.__repr__(number).removesuffix(".0")
    digits = _MAX_DS
    while len(text) > _MAX_DS:
        text = _EXPONENT.sub(r"e\1", f"{number:.{digits}g}")
        digits -= 1
    return text


def _check_integer(value: AnyInteger) -> int:
    number = _int_in(value.strip(_PADDING)) if isinstance(value, str) else index(value)
    if number is None or number not in _IS_RANGE:
        raise ValueError("it is not an integer of 32 bits")
    return number


_new_decimal = float.__new__
_new_integer = int.__new__
