"""The states of a film in the spool and of its deliveries, and a table of all steps between them.

A film has at least one delivery for each of its destinations, and the deliveries have independent states. The state of
the film is the first state of `PRECEDENCE` that one of its deliveries has. A film without deliveries has one of these
states:

- RECEIVED: it is on stable storage, and its destinations are not yet known.
- CANCELED: an operator does not want it.
- FAILED: its file is lost.
- DONE or INDETERMINATE: its rows were rebuilt from its file, which lacks the destinations that were chosen later.

The Execution Status of a Print Job is derived from the states of its films.

A delivery is INDETERMINATE if it is unknown whether the destination has printed the film, for example after a crash.
Such a delivery is repeated only if an operator asks for it.
"""

from collections.abc import Collection
from enum import StrEnum

from dimse.errors import LocalProtocolError

__all__ = [
    "ENDED",
    "OPEN",
    "PRECEDENCE",
    "REMOVABLE",
    "TRANSITIONS",
    "WITHOUT_DELIVERIES",
    "FilmState",
    "check_transition",
    "film_state",
]


class FilmState(StrEnum):
    """A state of a film, or of one of its deliveries."""

    RECEIVED = "received"
    HELD = "held"
    WAITING = "waiting for media"
    QUEUED = "queued"
    DELIVERING = "delivering"
    INDETERMINATE = "indeterminate"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"


_S = FilmState

TRANSITIONS: dict[FilmState, frozenset[FilmState]] = {
    _S.RECEIVED: frozenset({_S.HELD, _S.WAITING, _S.QUEUED, _S.FAILED, _S.CANCELED}),
    _S.HELD: frozenset({_S.WAITING, _S.QUEUED, _S.FAILED, _S.CANCELED}),
    _S.WAITING: frozenset({_S.HELD, _S.QUEUED, _S.FAILED, _S.CANCELED}),
    _S.QUEUED: frozenset({_S.HELD, _S.WAITING, _S.DELIVERING, _S.INDETERMINATE, _S.FAILED, _S.CANCELED}),
    _S.DELIVERING: frozenset({_S.HELD, _S.WAITING, _S.QUEUED, _S.INDETERMINATE, _S.DONE, _S.FAILED, _S.CANCELED}),
    _S.INDETERMINATE: frozenset({_S.HELD, _S.QUEUED, _S.DONE, _S.FAILED, _S.CANCELED}),
    _S.DONE: frozenset({_S.QUEUED, _S.FAILED}),
    _S.FAILED: frozenset({_S.HELD, _S.QUEUED, _S.CANCELED}),
    _S.CANCELED: frozenset({_S.QUEUED, _S.FAILED}),
}

# The state of a film is the first of these states that one of its deliveries has
PRECEDENCE = (
    _S.DELIVERING,
    _S.QUEUED,
    _S.WAITING,
    _S.HELD,
    _S.INDETERMINATE,
    _S.FAILED,
    _S.CANCELED,
    _S.DONE,
)
OPEN = frozenset({_S.RECEIVED, _S.HELD, _S.WAITING, _S.QUEUED, _S.DELIVERING})
ENDED = frozenset(FilmState) - OPEN
# The states of a film that has no deliveries
WITHOUT_DELIVERIES = (_S.RECEIVED, _S.INDETERMINATE, _S.DONE, _S.FAILED, _S.CANCELED)
REMOVABLE = frozenset({_S.DONE, _S.CANCELED})  # the other ended states wait for the decision of an operator


def film_state(deliveries: Collection[FilmState]) -> FilmState:
    """Return the state of a film whose deliveries have these states; RECEIVED if there are none."""
    return next((state for state in PRECEDENCE if state in deliveries), FilmState.RECEIVED)


def check_transition(what: str, old: FilmState, new: FilmState) -> None:
    """Raise `LocalProtocolError` if `TRANSITIONS` has no step from ``old`` to ``new``, and they differ.

    ``what`` is the subject of the error message, such as "film 0123456789abcdef.1".
    """
    if new is not old and new not in TRANSITIONS[old]:
        raise LocalProtocolError(f"{what} is {old} and cannot become {new}")
