"""Logs the films that may have been printed, because the lease of a delivery ended without an outcome.

The process that ends the lease logs this once, after the commit.
"""

import logging
from collections.abc import Iterable

from dimse.errors import escaped

from .records import FilmRecord
from .states import FilmState

__all__ = ["log_doubtful"]

_log = logging.getLogger("print_mgmt.spool")


def log_doubtful(films: Iterable[FilmRecord]) -> None:
    """Log a line for each film that is indeterminate."""
    for film in films:
        if film.state is not FilmState.INDETERMINATE:
            continue
        found = [one for one in film.deliveries if one.state is FilmState.INDETERMINATE]
        where = ", ".join(dict.fromkeys(one.destination for one in found))
        why = "; ".join(dict.fromkeys(one.reason for one in found))
        words = escaped(f"film {film.id} may have been printed by {where}: {why}")
        _log.warning("%s; check, then use print-mgmt spool confirm or retry", words)
