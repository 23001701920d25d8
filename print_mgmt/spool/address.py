"""Opens the spool at an address, which is a folder or the URL of a PostgreSQL database."""

import os
from importlib.util import find_spec

from .embedded import EmbeddedSpool
from .protocol import Spool
from .records import SpoolError, SpoolLimits

__all__ = ["is_database", "open_spool"]

_SCHEMES = ("postgresql:", "postgres:")


def is_database(address: str) -> bool:
    """Return whether an address is the URL of a PostgreSQL database."""
    return address.startswith(_SCHEMES)


def open_spool(address: str | os.PathLike[str], *, limits: SpoolLimits | None = None) -> Spool:
    """Return the spool at an address: a folder, or ``postgresql://user@host/database``. ``async with`` opens it.

    Raises `SpoolError` if the address is a database and the extra ``postgres`` is not installed.
    """
    limits = limits if limits is not None else SpoolLimits()
    text = os.fspath(address)
    if not is_database(text):
        return EmbeddedSpool(text, limits=limits)
    if find_spec("asyncpg") is None:
        raise SpoolError("a spool in PostgreSQL needs asyncpg: pip install 'dimse-print[postgres]'")
    from .postgres import PostgresSpool  # needs asyncpg, which is optional

    return PostgresSpool(text, limits=limits)
