"""The claims of a peer: a file that lists the features in its conformance statement or configuration.

Each claim is optional. Some cases expect the peer to accept exactly the claimed values.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from dimse import uids
from dimse.errors import DecodeError

__all__ = ["Claims", "load_claims"]

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of a peer; None means no claim. Densities are hundredths of OD."""

    sop_classes: Texts | None = None  # UIDs
    transfer_syntaxes: Texts | None = None  # UIDs
    max_associations: int | None = None
    checks_called: bool | None = None
    checks_calling: bool | None = None
    medium_types: Texts | None = None
    film_sizes: Texts | None = None
    destinations: Texts | None = None
    display_formats: Texts | None = None
    max_density: int | None = None
    bit_depths: tuple[int, ...] | None = None
    lut_descriptors: Texts | None = None  # such as 256\0\12
    session_action: bool | None = None
    annotation_formats: Texts | None = None
    tls_profile: str | None = None
    user_identity: bool | None = None


_KINDS = {
    "sop_classes": str,
    "transfer_syntaxes": str,
    "medium_types": str,
    "film_sizes": str,
    "destinations": str,
    "display_formats": str,
    "lut_descriptors": str,
    "annotation_formats": str,
    "bit_depths": int,
}
_SINGLE = {
    "max_associations": int,
    "max_density": int,
    "checks_called": bool,
    "checks_calling": bool,
    "session_action": bool,
    "user_identity": bool,
    "tls_profile": str,
}
_DESCRIPTOR = re.compile(r"[1-9][0-9]{0,4}\\[0-9]{1,5}\\(?:[89]|1[0-6])", re.ASCII)
_PROFILES = ("B.9", "B.10", "B.12", "B.13")


def load_claims(path: Path) -> Claims:
    """Return the claims in a TOML or JSON file. Raises `DecodeError`, which names the key, and OSError."""
    text = path.read_text(encoding="utf-8-sig")
    try:
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as exc:
        raise DecodeError(f"{path}: {exc}") from exc
    if not isinstance(found, dict):
        raise DecodeError(f"{path}: claims must be an object with names and values")
    return Claims(**{key: _value(key, value) for key, value in found.items()})  # type: ignore[arg-type]  # checked


def _value(key: str, value: object) -> object:
    known = [each.name for each in fields(Claims)]
    if key not in known:
        raise DecodeError(f"{key} is not a claim. The claims are {', '.join(known)}")
    if key in _SINGLE:
        return _single(key, value)
    kind = _KINDS[key]
    if not isinstance(value, list) or not all(type(each) is kind for each in value):
        raise DecodeError(f"{key}: {value!r} is not a list of {'texts' if kind is str else 'whole numbers'}")
    if key == "lut_descriptors":
        for each in value:
            if not _DESCRIPTOR.fullmatch(each):
                raise DecodeError(f"{key}: {each!r} is not a LUT Descriptor such as 256\\0\\12 (PS3.3 C.11.4)")
    return tuple(_uid(key, each) for each in value) if key in ("sop_classes", "transfer_syntaxes") else tuple(value)


def _single(key: str, value: object) -> object:
    words: Mapping[type, str] = {int: "a whole number", bool: "true or false", str: "a text"}
    if type(value) is not _SINGLE[key]:
        raise DecodeError(f"{key}: {value!r} is not {words[_SINGLE[key]]}")
    if key == "tls_profile" and value not in _PROFILES:
        raise DecodeError(f"{key}: {value!r} is not one of {', '.join(_PROFILES)} (PS3.15)")
    return value


def _uid(key: str, text: str) -> str:
    """Return the UID that ``text`` is, or that has ``text`` as its keyword in PS3.6. Raises `DecodeError`."""
    if text[:1].isdigit():
        return text
    found = getattr(uids, text, None)
    if not isinstance(found, str):
        raise DecodeError(f"{key}: {text!r} is neither a UID nor a keyword of PS3.6")
    return found
