"""Peers that break an invariant, each with the case in whose traffic that shows."""

from collections.abc import Callable, Mapping

from twin import Twin

from dimse.ul import Abort, AssociateRJ, State

from .common import ASSOCIATE_RQ, UNKNOWN, answers

__all__ = ["INVARIANTS"]

INVARIANTS: Mapping[str, tuple[str, Callable[[], Twin]]] = {
    "UL-A-1.07": ("UL-A-2.02", lambda: answers(ASSOCIATE_RQ, AssociateRJ(3, 1, 1), State.Sta2)),
    "UL-A-1.08": ("UL-F-2.05", lambda: answers(UNKNOWN, Abort(1, 0))),
}
