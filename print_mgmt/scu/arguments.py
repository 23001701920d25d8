"""Checks the arguments of `PrintClient` before anything is opened.

A wrong argument raises an `EncodeError` that names the argument, as in `dimse.net.arguments`.
"""

from collections.abc import Iterable
from functools import partial
from typing import Literal

from dimse.errors import EncodeError, shown
from dimse.net import Limits, Timeouts, TLSContext, Trace, connect
from dimse.net.arguments import check_address, check_ae_title, check_choice, check_settings, check_texts, check_type

from .connection import Connect
from .options import Action, Bits, Color
from .profiles import Profile

__all__ = ["check_options", "dialer"]


def dialer(
    host: str,
    port: int,
    called_ae_title: str,
    calling_ae_title: str,
    tls: TLSContext | None,
    trace: Trace | None,
    limits: Limits,
    timeouts: Timeouts,
) -> Connect:
    """Return a function that opens an association. Raises `EncodeError` for the first wrong argument."""
    check_address(host, port)
    check_settings(tls, trace, limits, timeouts)
    dial = partial(
        connect,
        host,
        port,
        called_ae_title=check_ae_title(called_ae_title, "called_ae_title"),
        calling_ae_title=check_ae_title(calling_ae_title, "calling_ae_title"),
        tls=tls,
        trace=trace,
        limits=limits,
        timeouts=timeouts,
    )
    return lambda contexts, handlers: dial(contexts, handlers=handlers)


def check_options(
    color: Color,
    bits: Bits | Literal["auto"],
    action: Action,
    optional: Iterable[str] | None,
    profile: Profile | None,
    retries: int,
) -> None:
    """Raise `EncodeError` for the first of these arguments of `PrintClient` that is wrong."""
    check_choice("color", color, (None, False, True, "prefer", "avoid"))
    check_choice("bits", bits, ("auto", 8, 12))
    check_choice("action", action, ("auto", "film", "session"))
    if optional is not None:
        check_texts("optional", optional, "SOP Class UIDs")
    if profile is not None:
        check_type("profile", profile, Profile, "a Profile, which print_mgmt.profile(NAME) makes")
    check_type("retries", retries, int, "a whole number from 0")
    if retries < 0:
        raise EncodeError(f"{shown(retries)} is not a whole number from 0", path="retries")
