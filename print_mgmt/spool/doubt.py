"""Logs what follows when the lease of a delivery ends without an outcome: the film is in doubt, or is held.

The process that ends the lease logs this once, after the commit.
"""

import logging
from collections.abc import Iterable

from dimse.errors import escaped

from .changes import MAX_ABANDONED
from .records import FilmRecord
from .states import FilmState

__all__ = ["log_abandoned"]

_log = logging.getLogger("print_mgmt.spool")


def log_abandoned(films: Iterable[FilmRecord]) -> None:
    """Log what became of ``films`` after a lease of each has ended.

    There is a line for each film that is indeterminate, and for each delivery that is held because too many of its
    leases in a row (`MAX_ABANDONED`) ended without an outcome.
    """
    for film in films:
        for one in film.deliveries:
            if one.state is FilmState.HELD and one.abandoned >= MAX_ABANDONED:
                words = escaped(f"film {film.id} is held: {one.destination}: {one.reason}")
                _log.error("%s; see print-mgmt spool release", words)
        if film.state is not FilmState.INDETERMINATE:
            continue
        found = [one for one in film.deliveries if one.state is FilmState.INDETERMINATE]
        where = ", ".join(dict.fromkeys(one.destination for one in found))
        why = "; ".join(dict.fromkeys(one.reason for one in found))
        words = escaped(f"film {film.id} may have been printed by {where}: {why}")
        _log.warning("%s; check, then use print-mgmt spool confirm or retry", words)
