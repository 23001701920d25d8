"""The claims of a peer: a file that lists the features in its conformance statement or configuration.

Each claim is optional. PRN-N-1.09 judges whether the peer keeps its claims; a few other cases use them, too.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from dimse import uids
from dimse.errors import DecodeError
from dimse.uids import is_valid_uid

__all__ = ["Claims", "load_claims"]

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The claims of a peer; None means no claim."""

    sop_classes: Texts | None = None  # UIDs
    transfer_syntaxes: Texts | None = None  # UIDs
    max_associations: int | None = None  # at the same time
    checks_called: bool | None = None  # an unknown Called AE Title is rejected
    checks_calling: bool | None = None  # an unknown Calling AE Title is rejected
    medium_types: Texts | None = None
    film_sizes: Texts | None = None
    destinations: Texts | None = None
    display_formats: Texts | None = None
    max_density: int | None = None  # hundredths of OD
    bit_depths: tuple[int, ...] | None = None  # Bits Stored of gray images
    lut_descriptors: Texts | None = None  # such as 256\0\12
    session_action: bool | None = None  # N-ACTION of the film session is supported
    annotation_formats: Texts | None = None  # Annotation Display Format IDs
    tls_profile: str | None = None  # section of PS3.15, such as B.12
    user_identity: bool | None = None  # User Identity is answered with the sub-item 59H


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
_MAX_US = 0xFFFF  # the largest value of VR US
_PROFILES = ("B.9", "B.10", "B.12", "B.13")


def load_claims(path: Path) -> Claims:
    """Return the claims in a file: JSON if its name ends in ``.json``, otherwise TOML.

    Raises OSError, and `DecodeError`, which names the file or the key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except UnicodeDecodeError as exc:
        raise DecodeError(f"{path}: the byte at offset {exc.start} is not UTF-8") from exc
    except (ValueError, RecursionError) as exc:
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
            if not _is_descriptor(each):
                raise DecodeError(f"{key}: {each!r} is not a LUT Descriptor such as 256\\0\\12 (PS3.3 C.11.4)")
    return tuple(_uid(key, each) for each in value) if key in ("sop_classes", "transfer_syntaxes") else tuple(value)


def _is_descriptor(text: str) -> bool:
    if not _DESCRIPTOR.fullmatch(text):
        return False
    entries, first, _ = map(int, text.split("\\"))
    return 1 < entries <= _MAX_US and first <= _MAX_US


def _single(key: str, value: object) -> object:
    words: Mapping[type, str] = {int: "a whole number", bool: "true or false", str: "a text"}
    if type(value) is not _SINGLE[key]:
        raise DecodeError(f"{key}: {value!r} is not {words[_SINGLE[key]]}")
    if key == "tls_profile" and value not in _PROFILES:
        raise DecodeError(f"{key}: {value!r} is not one of {', '.join(_PROFILES)} (PS3.15)")
    return value


def _uid(key: str, text: str) -> str:
    """Return ``text`` if it is a UID, or else the UID with this keyword in PS3.6. Raises `DecodeError`."""
    if is_valid_uid(text):
        return text
    found = getattr(uids, text, None)
    if not isinstance(found, str) or not is_valid_uid(found):
        raise DecodeError(f"{key}: {text!r} is neither a UID nor a keyword of PS3.6")
    return found
