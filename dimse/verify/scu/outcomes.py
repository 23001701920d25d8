"""Functions that return the observation of a case: the events of the SCU after the first reaction of the script.

Each `Observe` returns the crash of the program if there was one. Otherwise, it raises `Unprepared` if the SCU did not
send the request to which the script reacts.
"""

from collections.abc import Callable, Sequence

from ..case import Unprepared
from ..observation import (
    Aborted,
    Closed,
    Crashed,
    Deviated,
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
    "require_reached",
]

Observe = Callable[[ScuPeer, Visit], Observation]


def crash(visit: Visit) -> Observation:
    """Return the crash of the program as an observation, which is empty if there was no crash."""
    ended = visit.ended
    return () if ended is None or ended.signal is None else (Crashed(ended.signal),)


def require_reached(visit: Visit) -> None:
    """Raise `Unprepared` if the SCU did not send the request to which the script reacts."""
    if visit.table and visit.first_reaction is None:
        done = ", ".join(visit.operations[-3:]) or "no request"
        raise Unprepared(f"the SCU did not send the request that this case is about; it ended after {done}")


def first_after(_peer: ScuPeer, visit: Visit) -> Observation:
    """Return the first event of the SCU after the first reaction, `Closed` if there is none, or the program's crash."""
    if found := crash(visit):
        return found
    require_reached(visit)
    after = visit.after()
    return (after[0],) if after else (Closed(),)


def end_of(peer: ScuPeer, visit: Visit) -> Observation:
    """Return what `first_after` returns, followed by `Running` if the command of the SCU did not end."""
    found = first_after(peer, visit)
    return (*found, Running(peer.patience)) if visit.is_running else found


def command_ends(peer: ScuPeer, visit: Visit) -> Observation:
    """Return `Kept` if the command ended after the connections had ended, else `Running`."""
    if found := crash(visit):
        return found
    require_reached(visit)
    if visit.is_running or visit.hung:
        return (Running(peer.patience),)
    return (Kept(_exit(visit)),)


def command_fails(peer: ScuPeer, visit: Visit) -> Observation:
    """Return `Kept` if the exit status reports a failure, `Deviated` if it is 0.

    Return `Running` if the tester had to end the command. Its exit status then shows only the signal of the tester:
    Java, for example, exits with 143.
    """
    if found := crash(visit):
        return found
    require_reached(visit)
    if visit.ended is None or visit.ended.was_killed or visit.ended.exit is None:
        return (Running(peer.patience),)
    return (Kept(_exit(visit)),) if visit.ended.exit else (Deviated(_exit(visit)),)


def _exit(visit: Visit) -> str:
    return "the command ended" if visit.ended is None else f"exit status {visit.ended.exit}"


def _first_missing(plain: Sequence[str], found: Sequence[str]) -> str:
    """Return the first operation in ``plain`` that ``found`` lacks, or "" if ``found`` has all in the same order."""
    rest = iter(found)
    return next((name for name in plain if name not in rest), "")


def goes_on(peer: ScuPeer, visit: Visit) -> Observation:
    """Return `Kept` if all operations of the plain scenario followed, and an A-RELEASE-RQ if that scenario has one.

    Otherwise, return how the SCU stopped: A-ABORT, `Closed`, silence, octets that cannot be read, or A-RELEASE-RQ.
    """
    if found := crash(visit):
        return found
    require_reached(visit)
    events = _events_since(visit)
    for seen in events:
        if isinstance(seen, Aborted | Silent | Garbled):
            return (seen,)
    lost = _first_missing(peer.plain_visit().operations, visit.operations)
    released = next((seen for seen in events if isinstance(seen, ReleaseAsked)), None)
    if not lost:
        if released is None and _releases(peer.plain_visit()):
            return (next((seen for seen in events if isinstance(seen, Closed)), Closed()),)
        return (Kept("the operations of the plain scenario followed"),)
    peer.trace.note(0, f"{lost} of the plain scenario did not follow")
    return (released,) if released is not None else (Closed(),)


def _events_since(visit: Visit) -> list[Seen]:
    """Return the events after the first reaction, on its connection and on later ones.

    Without a reaction, return all events.
    """
    later = visit.wires
    if visit.first_reaction is not None:
        later = later[later.index(visit.first_reaction[0]) + 1 :]
    return [*visit.after(), *(seen for wire in later for seen in wire.events)]


def _releases(visit: Visit) -> bool:
    return any(isinstance(seen, ReleaseAsked) for wire in visit.wires for seen in wire.events)
