"""A check of reports that come from files. It implements the keywords of JSON Schema that ``schema.json`` uses."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from ...errors import DecodeError, shown
from .document import SCHEMA, schema

__all__ = ["check_report"]

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def check_report(report: Mapping[str, Any]) -> None:
    """Raise `DecodeError`, which names the field, if ``report`` does not conform to the schema of reports."""
    if report.get("schema") != SCHEMA:
        raise DecodeError(f"not a report of schema {SCHEMA}")
    try:
        _check(report, schema(), "report")
    except RecursionError as exc:
        raise DecodeError("the report is nested too deeply") from exc


def _check(value: Any, rules: Mapping[str, Any], path: str) -> None:
    if "anyOf" in rules:
        _check(value, next((each for each in rules["anyOf"] if _has_type(value, each)), rules["anyOf"][0]), path)
    if not _has_type(value, rules):
        raise DecodeError(f"{shown(value)} is not of type {rules['type']}", path=path)
    if isinstance(value, int | float) and not _is_finite(value):
        raise DecodeError(f"{shown(value)} is not finite, or is too large", path=path)
    if not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in rules.get("enum", [value])):
        raise DecodeError(f"{shown(value)} is not one of {', '.join(map(str, rules['enum']))}", path=path)
    if "pattern" in rules and not re.search(rules["pattern"], value):
        raise DecodeError(f"{shown(value)} does not match {rules['pattern']}", path=path)
    if isinstance(value, dict):
        _check_object(value, rules, path)
    elif isinstance(value, list) and "items" in rules:
        for number, item in enumerate(value):
            _check(item, rules["items"], f"{path}[{number}]")


def _is_finite(number: float) -> bool:
    try:
        return isfinite(number)
    except OverflowError:  # an int that no float can hold
        return False


def _has_type(value: Any, rules: Mapping[str, Any]) -> bool:
    names = rules.get("type", tuple(_TYPES))
    return any(
        isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in ([names] if isinstance(names, str) else names)
    )


def _check_object(value: dict[str, Any], rules: Mapping[str, Any], path: str) -> None:
    for name in rules.get("required", ()):
        if name not in value:
            raise DecodeError(f"{name} is missing", path=path)
    others = rules.get("additionalProperties", {})
    for name, item in value.items():
        _check(name, rules.get("propertyNames", {}), path)
        _check(item, rules.get("properties", {}).get(name, others), f"{path}.{name}")
