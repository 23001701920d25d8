"""Reads frozen dataclasses from TOML tables. The keys are the fields of the class; their types determine the values.

A field may have the type str, int, float, bool, `Literal`, tuple, named tuple, `Mapping` or a frozen dataclass, or a
union of one of these types and None. A class refuses a value by raising `ConfigError` or another `DimseError`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import SequenceMatcher, get_close_matches
from itertools import islice
from types import UnionType
from typing import Literal, Self, TypeVar, Union, get_args, get_origin, get_type_hints

from dimse.errors import DimseError, shown

from .printer import ConfigError

__all__ = ["listed", "read_table", "read_value", "table_of", "unknown_key"]

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_MAX_LISTED = 50  # names in an error message
_INTEGERS = 1 << 63  # TOML has integers of 64 bits; `tomllib` also reads larger ones, some of which no float can hold
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)  # as a key; with leading zeros, two keys could be the same number
_Class = TypeVar("_Class")


def read_table(kind: type[_Class], value: object, key: str) -> _Class:
    """Return a TOML table as an instance of the dataclass ``kind``; ``key`` is its path.

    Raises `ConfigError` for the first invalid key, with the errors of the other keys.
    """
    made = _make(kind, value, key)
    assert isinstance(made, kind)
    return made


def read_value(kind: object, value: object, key: str) -> object:
    """Return ``value``, at the path ``key``, as the type ``kind``. Raises `ConfigError`.

    A whole number for a float is returned as an int.
    """
    if kind in _WORDS:
        return _read_scalar(kind, value, key)
    if get_origin(kind) is Literal:
        return _read_choice(get_args(kind), value, key)
    if get_origin(kind) in (UnionType, Union):  # `Literal[...] | None` is a Union, `int | None` a UnionType
        return read_value(get_args(kind)[0], value, key)  # X | None: a value in TOML is an X
    if isinstance(kind, type) and is_dataclass(kind):
        return _make(kind, value, key)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Mapping:
        return _read_mapping(arguments[0], arguments[1], table_of(value, key), key)
    if isinstance(kind, type) and hasattr(kind, "_fields"):  # a named tuple, such as a rectangle
        hints = get_type_hints(kind)
        return kind(*_read_items(tuple(hints.values()), value, key))
    if arguments[-1] is Ellipsis:
        items = _read_array(value, key)
        return _read_items((arguments[0],) * len(items), items, key)
    return _read_items(arguments, value, key)


def _read_choice(terms: tuple[object, ...], value: object, key: str) -> object:
    if value not in terms or isinstance(value, bool | float):  # True equals 1, and 8.0 equals 8
        raise ConfigError(key, f"{shown(value)} is not one of {', '.join(map(str, terms))}")
    return value


def _read_scalar(kind: object, value: object, key: str) -> object:
    fits = {
        str: isinstance(value, str),
        bool: isinstance(value, bool),
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, int | float) and not isinstance(value, bool),
    }
    for known, words in _WORDS.items():
        if kind is known and not fits[known]:
            raise ConfigError(key, f"{shown(value)} is not {words}")
    if isinstance(value, str) and "\0" in value:
        raise ConfigError(key, f"{shown(value)} has a NUL character")
    if isinstance(value, int) and not -_INTEGERS <= value < _INTEGERS:
        raise ConfigError(key, f"{shown(value)} does not fit in 64 bits")
    return value


def _make(kind: type, value: object, key: str, default: object = None) -> object:
    """Return an instance of a dataclass. Missing keys get their values from ``default``, if there is one."""
    hints = get_type_hints(kind)
    known = {field.name: hints[field.name] for field in fields(kind) if field.init}
    defaults = {field.name: field.default for field in fields(kind) if is_dataclass(field.default)}
    given = {} if default is None else {name: getattr(default, name) for name in known}
    table = table_of(value, key)
    missing = [field.name for field in fields(kind) if _is_required(field) and field.name not in {**given, **table}]
    with _Errors() as errors:
        for name, item in table.items():
            where = f"{key}.{name}" if key else name
            with errors.part():
                if name not in known:
                    raise ConfigError(where, unknown_key(name, known))
                given[name] = (
                    _make(known[name], item, where, defaults[name])
                    if name in defaults
                    else read_value(known[name], item, where)
                )
        with errors.part():
            if missing:
                raise ConfigError(key, f"missing keys: {', '.join(missing)}")
    try:
        return kind(**given)
    except ConfigError as exc:
        raise exc.within(key) from exc
    except DimseError as exc:  # refused by the class itself, such as a curve of one point
        raise ConfigError(key, str(exc)) from exc


def _is_required(field: Field[object]) -> bool:
    return field.init and field.default is MISSING and field.default_factory is MISSING


class _Errors:
    """The errors of the parts of a value, raised as one error at the end of the block."""

    def __init__(self) -> None:
        self._errors: list[ConfigError] = []

    @contextmanager
    def part(self) -> Iterator[None]:
        """Collect the errors of one part, so that the other parts are read, too."""
        try:
            yield
        except ConfigError as exc:
            self._errors += exc, *exc.others

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *_: object) -> None:
        if exc_type is None and self._errors:
            first, *others = self._errors
            raise ConfigError(first.key, first.why, tuple(others))


def unknown_key(name: str, known: Collection[str]) -> str:
    """Return the error message for an unknown key, with the known keys, the most similar first."""
    near = get_close_matches(name, known, n=1)
    similar = sorted(known, key=lambda key: SequenceMatcher(None, name.lower(), key.lower()).ratio(), reverse=True)
    hint = f": did you mean {near[0]}?" if near else "."
    return f"unknown key{hint} The keys are {', '.join(similar)}"


def listed(names: Collection[str]) -> str:
    """Return names for an error message: the first ones, and the number of the others."""
    others = len(names) - _MAX_LISTED
    return ", ".join(islice(names, _MAX_LISTED)) + (f" and {others} others" if others > 0 else "")


def _read_mapping(keys: object, values: object, table: Mapping[str, object], key: str) -> dict[object, object]:
    made: dict[object, object] = {}
    with _Errors() as errors:
        for name, item in table.items():
            with errors.part():
                made[_read_key(keys, name, key)] = read_value(values, item, f"{key}.{name}")
    return made


def _read_key(kind: object, name: str, key: str) -> object:
    if kind is not int:
        return name
    if not _NUMBER.fullmatch(name):
        raise ConfigError(f"{key}.{name}", "the key is not a whole number of at most 9 digits without leading zeros")
    return int(name)


def _read_items(kinds: tuple[object, ...], value: object, key: str) -> tuple[object, ...]:
    items = _read_array(value, key)
    if len(items) != len(kinds):
        raise ConfigError(key, f"{len(items)} values instead of {len(kinds)}")
    made = []
    with _Errors() as errors:
        for index, (kind, item) in enumerate(zip(kinds, items, strict=True)):
            with errors.part():
                made.append(read_value(kind, item, f"{key}[{index}]"))
    return tuple(made)


def _read_array(value: object, key: str) -> list[object]:
    if not isinstance(value, list):
        raise ConfigError(key, f"{shown(value)} is not an array")
    return value


def table_of(value: object, key: str) -> dict[str, object]:
    """Return ``value`` if it is a table. Raises `ConfigError` with the key otherwise."""
    if not isinstance(value, dict):
        raise ConfigError(key, f"{shown(value)} is not a table")
    return value
