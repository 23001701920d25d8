"""Logs what follows when the lease of a delivery ends without an outcome: the film is in doubt, or is held.

The process that ends the lease logs this once, after the commit; films and deliveries of earlier leases are not
logged again.
"""

import logging
from collections.abc import Iterable
from typing import TypeAlias

from dimse.errors import escaped

from .changes import MAX_ABANDONED
from .records import Delivery
from .states import FilmState

__all__ = ["Ended", "log_abandoned"]

_log = logging.getLogger("print_mgmt.spool")

Ended: TypeAlias = tuple[str, Delivery]  # the id of a film, and a delivery of it whose lease has just ended


def log_abandoned(ended: Iterable[Ended]) -> None:
    """Log what became of deliveries after their leases have ended; each is given with the id of its film.

    There is a line for each delivery that is indeterminate, and for each that is held because too many of its leases in
    a row (`MAX_ABANDONED`) ended without an outcome.
    """
    for film_id, delivery in ended:
        destination, reason = delivery.destination, delivery.reason
        if delivery.state is FilmState.HELD and delivery.abandoned >= MAX_ABANDONED:
            words = escaped(f"film {film_id} is held: {destination}: {reason}")
            _log.error("%s; see print-mgmt spool release", words)
        elif delivery.state is FilmState.INDETERMINATE:
            words = escaped(f"film {film_id} may have been printed by {destination}: {reason}")
            _log.warning("%s; check, then use print-mgmt spool confirm or retry", words)
