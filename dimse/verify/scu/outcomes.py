"""What a visit tells: the observation of a case, read from all that the SCU did after the step that matters."""

from collections.abc import Callable, Sequence

from ..case import Unprepared
from ..observation import (
    Aborted,
    Bent,
    Broken,
    Closed,
    Crashed,
    Garbled,
    Kept,
    Observation,
    ReleaseAsked,
    Running,
    Seen,
    Silent,
)
from .peer import ScuPeer
from .visit import Visit

__all__ = [
    "Observe",
    "command_ends",
    "command_fails",
    "crash",
    "end_of",
    "first_after",
    "goes_on",
    "gives_up",
    "missing",
    "reached",
]

Observe = Callable[[ScuPeer, Visit], Observation]


def crash(visit: Visit) -> Observation:
    """Return the crash of the program, nothing without one."""
    ended = visit.ended
    return () if ended is None or ended.signal is None else (Crashed(ended.signal),)


def reached(visit: Visit) -> None:
    """Raise `Unprepared` if the SCU did not get as far as the step that matters."""
    if visit.table and visit.fired is None:
        done = ", ".join(visit.operations[-3:]) or "no request"
        raise Unprepared(f"the SCU did not get as far as the step that matters; it ended after {done}")


def first_after(_peer: ScuPeer, visit: Visit) -> Observation:
    """Return the first thing that the SCU did after the step."""
    if found := crash(visit):
        return found
    reached(visit)
    after = visit.after()
    return (after[0],) if after else (Closed(),)


def end_of(peer: ScuPeer, visit: Visit) -> Observation:
    """Return the first thing that the SCU did, and `Running` if its command then does not end."""
    found = first_after(peer, visit)
    return (*found, Running(peer.patience)) if visit.is_running else found


def command_ends(peer: ScuPeer, visit: Visit) -> Observation:
    """Return whether the command ended, once the tester had ended the connection."""
    if found := crash(visit):
        return found
    reached(visit)
    if visit.is_running or visit.hung:
        return (Running(peer.patience),)
    return (Kept(_exit(visit)),)


def command_fails(_peer: ScuPeer, visit: Visit) -> Observation:
    """Return whether the command told that it failed."""
    if found := crash(visit):
        return found
    reached(visit)
    if visit.ended is None or visit.ended.exit is None:
        return (Running(),)
    return (Kept(_exit(visit)),) if visit.ended.exit else (Bent(_exit(visit)),)


def _exit(visit: Visit) -> str:
    return "the command ended" if visit.ended is None else f"exit status {visit.ended.exit}"


def missing(plain: Sequence[str], found: Sequence[str]) -> str:
    """Return the first operation of the plain scenario that did not follow, "" if all did in their order."""
    rest = iter(found)
    return next((name for name in plain if name not in rest), "")


def goes_on(peer: ScuPeer, visit: Visit) -> Observation:
    """Return `Kept` if the operations of the plain scenario followed.

    Else how the SCU stopped: an A-ABORT, `Closed`, silence, or A-RELEASE-RQ for a stop in order.
    """
    if found := crash(visit):
        return found
    reached(visit)
    events = visit.after() if visit.fired else [seen for wire in visit.wires for seen in wire.events]
    for seen in events:
        if isinstance(seen, Aborted | Silent | Garbled):
            return (seen,)
    lost = missing(peer.plain_visit().operations, visit.operations)
    released = next((seen for seen in events if isinstance(seen, ReleaseAsked)), None)
    if not lost:
        if released is None and _releases(peer.plain_visit()):
            return (next((seen for seen in events if isinstance(seen, Closed)), Closed()),)
        return (Kept("the operations of the plain scenario followed"),)
    peer.trace.note(0, f"{lost} of the plain scenario did not follow")
    return (released,) if released is not None else (Closed(),)


def _releases(visit: Visit) -> bool:
    return any(isinstance(seen, ReleaseAsked) for wire in visit.wires for seen in wire.events)


def gives_up(*done: str) -> Observe:
    """Return the outcome of a step after which the SCU must not go on as if it were well.

    ``done`` are operations that count as going on, such as N-ACTION.
    """

    def observe(peer: ScuPeer, visit: Visit) -> Observation:
        if found := crash(visit):
            return found
        reached(visit)
        later = visit.operations[visit.fired_operations :]
        wrong = next((name for name in later if name.startswith(done)), None)
        if wrong is not None:
            return (Broken(f"{wrong} followed as if nothing had happened"),)
        return (_ended_well(peer, visit),)

    return observe


def _ended_well(_peer: ScuPeer, visit: Visit) -> Seen:
    """Return `Kept` for a stop in order, `Bent` if the command then told nothing of it."""
    for seen in visit.after():
        if isinstance(seen, Aborted | Silent | Garbled):
            return seen
        if isinstance(seen, ReleaseAsked):
            if visit.ended is not None and visit.ended.exit == 0:
                return Bent("it releases in order, but the exit status is 0")
            return Kept("it ends in order")
    return Closed()
