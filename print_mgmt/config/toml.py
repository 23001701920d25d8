"""A `PrinterConfig` from TOML. The keys are the fields of the classes, and values are checked by their types.

Presets are configurations in TOML that imitate real printers; they are also examples for your own.

An error names the key: ``media[1].MaxDensity: 'dark' is not a whole number``.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from difflib import SequenceMatcher, get_close_matches
from importlib import resources
from os import PathLike
from pathlib import Path
from types import UnionType
from typing import get_args, get_origin, get_type_hints

from dimse.errors import DimseError

from .printer import ConfigError, PrinterConfig

__all__ = ["PRESETS", "load_config", "preset", "read_config"]

# Descriptions by name
PRESETS = {
    "agfa-ds3000": "Agfa Drystar 3000: formats up to 6x6, LUT in the film session, 32 characters of annotation",
    "aycan": "Aycan print server: paper, REPLICATE only, no trim, its own film sizes only",
    "dcmprscp": "DCMTK dcmprscp in its IHE configuration: grayscale, no annotation, no jobs",
    "generic": "everything in the standard: the default",
    "ihe-minimum": "the minimum of IHE: one image, Implicit VR only, no SOP Class in N-CREATE responses",
    "kodak-8700": "Kodak 8700: CURRENT for film size and medium, smoothing 0 to 15, CSnnn contrast",
    "minimal": "the minimum of PS3.4: one film, no optional attribute, no printing of sessions",
    "strict": "only what is in the standard, for testers: refuses everything that it may",
}

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def load_config(path: str | PathLike[str]) -> PrinterConfig:
    """Return the configuration in a file. Raises OSError, and `ConfigError` with the file, the key and the reason."""
    path = Path(path)
    try:
        return read_config(path.read_text(encoding="utf-8"))
    except (ConfigError, UnicodeDecodeError) as exc:
        raise ConfigError(str(path), str(exc)) from exc


def read_config(text: str) -> PrinterConfig:
    """Return the configuration in ``text``, which is TOML. Raises `ConfigError`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError("TOML", str(exc)) from exc
    made = _made(PrinterConfig, table, "")
    assert isinstance(made, PrinterConfig)
    return made


def preset(name: str) -> PrinterConfig:
    """Return the configuration of a preset. Raises `ConfigError` for an unknown name."""
    if name not in PRESETS:
        raise ConfigError("preset", f"{name!a} is not one of {', '.join(PRESETS)}")
    return read_config(resources.files(__package__).joinpath(f"printers/{name}.toml").read_text(encoding="utf-8"))


def _value(kind: object, value: object, key: str) -> object:
    """Return ``value`` as the type ``kind``."""
    if kind in _WORDS:
        return _plain(kind, value, key)
    if isinstance(kind, UnionType):
        return _value(get_args(kind)[0], value, key)  # X | None: a value in TOML is an X
    if isinstance(kind, type) and is_dataclass(kind):
        return _made(kind, value, key)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Mapping:
        return {
            _key(arguments[0], name, key): _value(arguments[1], item, f"{key}.{name}")
            for name, item in _table(value, key).items()
        }
    if isinstance(kind, type) and hasattr(kind, "_fields"):  # a named tuple, such as a rectangle
        hints = get_type_hints(kind)
        return kind(*_numbered(tuple(hints.values()), value, key))
    if arguments[-1] is Ellipsis:
        return tuple(_value(arguments[0], item, f"{key}[{index}]") for index, item in enumerate(_array(value, key)))
    return _numbered(arguments, value, key)


def _plain(kind: object, value: object, key: str) -> object:
    fits = {
        str: isinstance(value, str),
        bool: isinstance(value, bool),
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, int | float) and not isinstance(value, bool),
    }
    for known, words in _WORDS.items():
        if kind is known and not fits[known]:
            raise ConfigError(key, f"{value!a} is not {words}")
    return value


def _made(kind: type, value: object, key: str, default: object = None) -> object:
    """Return an instance of a dataclass; the fields of ``default``, if there is one, stand for keys left out."""
    hints = get_type_hints(kind)
    known = {field.name: hints[field.name] for field in fields(kind) if field.init}
    defaults = {field.name: field.default for field in fields(kind) if is_dataclass(field.default)}
    given = {} if default is None else {name: getattr(default, name) for name in known}
    for name, item in _table(value, key).items():
        where = f"{key}.{name}" if key else name
        if name not in known:
            raise ConfigError(where, _unknown(name, known))
        given[name] = (
            _made(known[name], item, where, defaults[name]) if name in defaults else _value(known[name], item, where)
        )
    try:
        return kind(**given)
    except TypeError as exc:
        missing = sorted(known.keys() - given.keys())
        raise ConfigError(key, f"at least one key is missing, of {', '.join(missing)}") from exc
    except ConfigError as exc:
        raise ConfigError(f"{key}.{exc.key}" if key else exc.key, exc.why) from exc
    except DimseError as exc:  # refused by the class itself, such as a curve of one point
        raise ConfigError(key, str(exc)) from exc


def _unknown(name: str, known: Collection[str]) -> str:
    """Return an error message with the known keys, the most similar first."""
    near = get_close_matches(name, known, n=1)
    similar = sorted(known, key=lambda key: SequenceMatcher(None, name.lower(), key.lower()).ratio(), reverse=True)
    hint = f": did you mean {near[0]}?" if near else "."
    return f"unknown key{hint} The keys are {', '.join(similar)}"


def _key(kind: object, name: str, key: str) -> object:
    if kind is not int:
        return name
    if not name.isdecimal():
        raise ConfigError(f"{key}.{name}", "the key is not a whole number")
    return int(name)


def _numbered(kinds: tuple[object, ...], value: object, key: str) -> tuple[object, ...]:
    items = _array(value, key)
    if len(items) != len(kinds):
        raise ConfigError(key, f"{len(items)} values instead of {len(kinds)}")
    return tuple(
        _value(kind, item, f"{key}[{index}]") for index, (kind, item) in enumerate(zip(kinds, items, strict=True))
    )


def _array(value: object, key: str) -> list[object]:
    if not isinstance(value, list):
        raise ConfigError(key, f"{value!a} is not an array")
    return value


def _table(value: object, key: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ConfigError(key, f"{value!a} is not a table")
    return value
