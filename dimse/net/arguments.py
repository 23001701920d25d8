"""Checks of the arguments of `connect` and `serve`, before anything is opened.

A wrong argument raises an `EncodeError` that names the argument, or the field of the PDU that it fills: ``port: 70000
is not a port, 1 to 65535``. Classes built on `connect` and `serve` check their arguments with the same functions in
their constructors.
"""

import re
import ssl
from collections.abc import Iterable, Mapping
from operator import index
from typing import SupportsIndex

from ..errors import EncodeError, shown
from ..limits import Limits, Timeouts

__all__ = [
    "check_address",
    "check_ae_title",
    "check_callable",
    "check_choice",
    "check_contexts",
    "check_settings",
    "check_texts",
    "check_type",
    "is_host",
]

_MAX_CONTEXTS = 128  # the ids are the odd numbers of one byte, PS3.8 Table 9-13
_HIGHEST_PORT = 65535  # TCP ports have 16 bits
_HOST = re.compile(r"[^.\0]{1,63}(?:\.[^.\0]{1,63})*\.?")  # labels of RFC 1035, or an address


def check_ae_title(title: str, field: str) -> str:
    """Return ``title`` without outer spaces; raise `EncodeError` if it is not an AE title (PS3.5 Table 6.2-1)."""
    check_type(field, title, str, "an AE title")
    stripped = title.strip(" ")
    if not stripped or len(stripped) > 16:
        raise EncodeError(f"an AE title has 1 to 16 characters, not {title!r} (PS3.5 §6.2)", path=field)
    if not stripped.isascii() or not stripped.isprintable() or "\\" in stripped:
        raise EncodeError(f"{title!r} has a character that an AE title cannot have (PS3.5 §6.2)", path=field)
    return stripped


def check_address(host: str, port: int, *, lowest: int = 1) -> None:
    """Raise `EncodeError` for a host that is not text, and for a port that is not a number from ``lowest`` to 65535."""
    check_type("host", host, str, "the name or the address of a host")
    # int comes first, because isinstance() of a Protocol takes 1 % of the time of an association with one C-ECHO
    check_type("port", port, (int, SupportsIndex), f"a port, {lowest} to {_HIGHEST_PORT}")
    if not lowest <= index(port) <= _HIGHEST_PORT:
        raise EncodeError(f"{shown(port)} is not a port, {lowest} to {_HIGHEST_PORT}", path="port")


def is_host(text: str) -> bool:
    """Return whether ``text`` has the form of a host's name or address. If not, connecting to it raises ValueError."""
    if text.isascii():  # without the codec, whose import takes 10 ms
        return _HOST.fullmatch(text) is not None
    try:
        return bool(text.encode("idna"))
    except UnicodeError:
        return False


def check_contexts(contexts: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return the transfer syntaxes to propose for each abstract syntax, as tuples.

    Raises `EncodeError` if ``contexts`` is not such a mapping, or has no or too many entries.
    """
    check_type("contexts", contexts, Mapping, "a mapping of abstract syntaxes to their transfer syntaxes")
    checked = {uid: _syntaxes(uid, syntaxes) for uid, syntaxes in contexts.items()}
    if not checked:
        raise EncodeError("at least one presentation context is needed (PS3.8 §9.3.2)", path="contexts")
    if len(checked) > _MAX_CONTEXTS:
        what = f"{len(checked)} presentation contexts, at most {_MAX_CONTEXTS} are allowed (PS3.8 §9.3.2.2)"
        raise EncodeError(what, path="contexts")
    return checked


def _syntaxes(abstract_syntax: str, transfer_syntaxes: Iterable[str]) -> tuple[str, ...]:
    check_type("contexts", abstract_syntax, str, "the UID of an abstract syntax")
    path = f"contexts[{abstract_syntax!r}]"
    check_texts(path, transfer_syntaxes, "transfer syntax UIDs")
    syntaxes = tuple(transfer_syntaxes)
    if not syntaxes:
        raise EncodeError("at least one transfer syntax is needed (PS3.8 §9.3.2.2)", path=path)
    for syntax in syntaxes:
        if not isinstance(syntax, str):
            raise EncodeError(f"{shown(syntax)} is not a transfer syntax UID", path=path)
    return syntaxes


def check_settings(tls: object, trace: object, limits: object, timeouts: object) -> None:
    """Raise `EncodeError` if one of these arguments of `connect` and `serve` has the wrong type."""
    if tls is not None and not isinstance(tls, ssl.SSLContext) and not hasattr(tls, "engine"):
        raise EncodeError(f"{shown(tls)} is not a context from client_context or server_context", path="tls")
    if trace is not None:
        check_callable("trace", trace)
    check_type("limits", limits, Limits, "dimse.Limits")
    check_type("timeouts", timeouts, Timeouts, "dimse.Timeouts, such as Timeouts(connect=5)")


def check_callable(name: str, value: object) -> None:
    """Raise `EncodeError` for an argument that is not callable."""
    if not callable(value):
        raise EncodeError(f"{shown(value)} is not callable", path=name)


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise `EncodeError` for an argument that is not one of ``choices``."""
    if value not in choices:
        raise EncodeError(f"{shown(value)} is not one of {', '.join(map(repr, choices))}", path=name)


def check_texts(name: str, value: object, what: str) -> None:
    """Raise `EncodeError` for an argument that is not iterable, or that is one text; ``what`` names its items."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise EncodeError(f"{shown(value)} is not a list of {what}", path=name)


def check_type(name: str, value: object, kind: type | tuple[type, ...], what: str) -> None:
    """Raise `EncodeError` for an argument that is not an instance of ``kind``; ``what`` names the kind."""
    if not isinstance(value, kind):
        raise EncodeError(f"{shown(value)} is not {what}", path=name)
