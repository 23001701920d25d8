"""The Execution Status and the Print Priority of a Print Job (PS3.3 C.13.8), derived from its films in the spool."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from ..status import FAILURE_INFO, NORMAL, QUEUED, STATUS_INFO
from .records import FilmRecord
from .rows import RANKS
from .states import ENDED, FilmState

__all__ = ["ExecutionStatus", "execution_status", "print_priority"]


class ExecutionStatus(NamedTuple):
    """Execution Status (2100,0020) and Execution Status Info (2100,0030)."""

    ExecutionStatus: str
    ExecutionStatusInfo: str


def execution_status(films: Collection[FilmRecord], before: str = "PENDING") -> ExecutionStatus:
    """Return the status of a job with these films; ``before`` is its previous Execution Status.

    A job is PRINTING as soon as its first delivery begins. It is DONE if all its films are done, and in FAILURE if all
    have ended and at least one is not done. A job that has ended and is retried or printed again is PENDING again. The
    Execution Status Info of a PENDING job is the reason why it waits.
    """
    states = {film.state for film in films}
    deliveries = [delivery for film in films for delivery in film.deliveries]
    if states == {FilmState.DONE}:
        return ExecutionStatus("DONE", NORMAL)
    if states <= ENDED:
        infos = (one.info for one in deliveries if one.state is not FilmState.DONE)
        info = _first_term(infos, FAILURE_INFO, "UNKNOWN")
        return ExecutionStatus("FAILURE", info)
    if before == "PRINTING" or FilmState.DELIVERING in states:
        return ExecutionStatus("PRINTING", NORMAL)
    return ExecutionStatus("PENDING", _first_term((one.info for one in deliveries), STATUS_INFO, QUEUED))


def print_priority(films: Iterable[FilmRecord], before: str) -> str:
    """Return the Print Priority that all films of a job have, or ``before``, its previous one, if they differ."""
    found = {film.PrintPriority for film in films}
    return found.pop() if len(found) == 1 and found <= RANKS.keys() else before


def _first_term(infos: Iterable[str], terms: Collection[str], default: str) -> str:
    """Return the first of ``infos`` that is one of ``terms``, or ``default``."""
    return next((info for info in infos if info in terms), default)
