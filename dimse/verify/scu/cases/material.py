"""Runs of cases for an SCU, each made from the tester's reactions and a function that observes the SCU."""

from collections.abc import Callable

from ...case import CaseRun
from ...observation import Observation
from ..outcomes import Observe
from ..peer import ScuPeer
from ..visit import ASSOCIATE, RELEASE, Reaction, Table

__all__ = ["NO_CONTEXT", "on_associate", "on_each", "on_release", "on_second_request", "script"]

NO_CONTEXT = 2  # a wrong context id, if the SCU has used all 128 odd ones: no id may be even (PS3.8 Table 9-13)

MakeTable = Callable[[ScuPeer], Table]


def script(table: MakeTable, observe: Observe) -> CaseRun:
    """Return the run that reacts to the SCU by a table, and returns what ``observe`` finds."""

    async def run(peer: ScuPeer) -> Observation:
        return observe(peer, await peer.visit(table(peer)))

    return run


def on_associate(reaction: Reaction, observe: Observe) -> CaseRun:
    """Return the run with a reaction to each A-ASSOCIATE-RQ."""
    return script(lambda _: {(ASSOCIATE, 0): reaction}, observe)


def on_second_request(reaction: Reaction, observe: Observe) -> CaseRun:
    """Return the run with a reaction to the second request, or to the only one."""
    return script(lambda peer: {("*", peer.second_or_only): reaction}, observe)


def on_each(reaction: Reaction, observe: Observe) -> CaseRun:
    """Return the run with a reaction to each request."""
    return script(lambda _: {("*", 0): reaction}, observe)


def on_release(reaction: Reaction, observe: Observe) -> CaseRun:
    """Return the run with a reaction to each A-RELEASE-RQ."""
    return script(lambda _: {(RELEASE, 0): reaction}, observe)
