"""PERF: how fast a peer is. These cases do not judge: they measure, and the report has the figures.

Most figures are percentiles of many measurements. PERF-1.01 and PERF-1.02 begin with a warm-up, which is not measured.
On a busy machine the figures describe the machine, not the peer.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from statistics import quantiles

from ..case import Case, CaseRun, Flags, Unprepared
from ..observation import RELEASED, RULE_KEPT, SUCCESS, Kept, Seen, matches
from ..peer import Peer
from ..verdict import Level
from ..wire import Wire

__all__ = ["MAX_ENTRIES", "PERF", "associations", "at_once", "echoes", "kept", "note_percentiles", "percentile"]

_ASSOCIATIONS, _ECHOES = 200, 1000  # measurements of one case
_WARM_UP = 20  # associations, or C-ECHO, that are not counted
_ECHOES_AT_ONCE, _CONNECTIONS = 200, 8  # C-ECHO on each concurrent association, and the number of these associations
_MIN_COUNT, _MAX_SECONDS = 20, 10.0  # a case ends once it has this number of measurements and lasts this long
_DELAYED_ACKS = ((35.0, 50.0), (190.0, 220.0))  # ms: the delays of Linux, and of Windows and BSD
MAX_ENTRIES = 200  # entries in the trace of a case, which otherwise would have thousands
_ALONE = "perf: p99 of C-ECHO on one association"
_NAGLE = "looks like Nagle's algorithm waiting for a delayed ACK"


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of one or more values."""
    return values[0] if len(values) == 1 else quantiles(values, n=100, method="inclusive")[percent - 1]


def note_percentiles(peer: Peer, name: str, seconds: Sequence[float], percents: Sequence[int] = (50, 90, 99)) -> float:
    """Add percentiles of times to the figures of the case, and return the median, all in ms.

    ``percents`` contains 50.
    """
    found = {percent: percentile(seconds, percent) * 1000 for percent in percents}
    for percent, value in found.items():
        peer.measured[f"{name}, p{percent} of {len(seconds)}"] = (round(value, 3), "ms")
    return found[50]


def kept(median: float, what: str) -> Kept:
    """Return the result of a case: its median in ms, the likely cause of a delay, and the resolution of the clock."""
    resolution = time.get_clock_info("monotonic").resolution * 1000
    delayed = any(low <= median <= high for low, high in _DELAYED_ACKS)
    cause = f", which {_NAGLE}" if delayed else ""
    return Kept(f"{what}: p50 {median:.3f} ms{cause} (clock resolution {resolution:g} ms)")


def _require(seen: Seen, wanted: Seen, what: str) -> None:
    if not matches(wanted, (seen,)):
        raise Unprepared(f"{what}: {seen}")


async def _echo(peer: Peer, wire: Wire) -> None:
    peer.say_echo(wire)
    _require(await wire.response(peer.target.preparation), SUCCESS, "C-ECHO")


def associations(count: int = _ASSOCIATIONS, warm_up: int = _WARM_UP) -> CaseRun:
    """Return the run that associates, sends C-ECHO and releases, at most ``count`` times.

    Before, it does so ``warm_up`` times without measuring.
    """

    async def run(peer: Peer) -> Seen:
        peer.trace.max_entries = MAX_ENTRIES
        clock = asyncio.get_running_loop().time
        times: dict[str, list[float]] = {"associate": [], "C-ECHO": [], "release": []}
        start = clock()
        for number in range(warm_up + count):
            if number == warm_up:
                start = clock()
            if len(times["release"]) >= _MIN_COUNT and clock() - start > _MAX_SECONDS:
                break
            moments = [clock()]
            wire = await peer.associate_all()
            moments.append(clock())
            await _echo(peer, wire)
            moments.append(clock())
            _require(await wire.release(peer.target.preparation), RELEASED, "A-RELEASE")
            moments.append(clock())
            await peer.dismiss()
            if number >= warm_up:
                for step, before, after in zip(times.values(), moments, moments[1:], strict=False):
                    step.append(after - before)
        peer.measured["associations"] = (round(len(times["release"]) / (clock() - start), 1), "1/s")
        medians = [note_percentiles(peer, name, values) for name, values in times.items()]
        return kept(medians[0], "associate")

    return run


def echoes(count: int = _ECHOES, warm_up: int = _WARM_UP) -> CaseRun:
    """Return the run that sends at most ``count`` C-ECHO on one association, after ``warm_up`` C-ECHO as a warm-up."""

    async def run(peer: Peer) -> Seen:
        peer.trace.max_entries = MAX_ENTRIES
        wire = await peer.associate_all()
        await _echo_times(peer, wire, warm_up)
        times = await _echo_times(peer, wire, count)
        peer.shared.found[_ALONE] = percentile(times, 99)
        median = note_percentiles(peer, "C-ECHO", times)
        peer.measured["C-ECHO, maximum"] = (round(max(times) * 1000, 3), "ms")
        return kept(median, "C-ECHO")

    return run


def at_once(count: int = _ECHOES_AT_ONCE, connections: int = _CONNECTIONS) -> CaseRun:
    """Return the run that sends at most ``count`` C-ECHO on each of several associations at the same time."""

    async def run(peer: Peer) -> Seen:
        peer.trace.max_entries = MAX_ENTRIES
        clock = asyncio.get_running_loop().time
        wires = [await peer.associate_all() for _ in range(connections)]
        start = clock()
        found = await asyncio.gather(*(_echo_times(peer, wire, count) for wire in wires))
        took = clock() - start
        times = [each for one_association in found for each in one_association]
        peer.measured[f"C-ECHO on {connections} associations"] = (round(len(times) / took, 1), "1/s")
        median = note_percentiles(peer, "C-ECHO", times)
        alone = peer.shared.found.get(_ALONE)
        if isinstance(alone, float) and alone > 0:
            peer.measured["p99 divided by p99 of PERF-1.02"] = (round(percentile(times, 99) / alone, 2), "")
        return kept(median, f"C-ECHO on {connections} associations at once")

    return run


async def _echo_times(peer: Peer, wire: Wire, count: int) -> list[float]:
    """Return the times of at most ``count`` C-ECHO, one after another."""
    clock: Callable[[], float] = asyncio.get_running_loop().time
    found: list[float] = []
    begin = clock()
    for _ in range(count):
        start = clock()
        if len(found) >= _MIN_COUNT and start - begin > _MAX_SECONDS:
            break
        await _echo(peer, wire)
        found.append(clock() - start)
    return found


def _figures(number: str, title: str, run: CaseRun, more: Flags = Flags.NONE) -> Case:
    needs = Flags.ECHO | more
    return Case(
        id=f"PERF-1.{number}", title=title, section="-", level=Level.INFO, needs=needs, run=run, passes=(RULE_KEPT,)
    )


PERF: tuple[Case, ...] = (
    _figures("01", "Associate, C-ECHO, release", associations()),
    _figures("02", "C-ECHO round trip", echoes()),
    _figures("05", "Eight associations at once", at_once(), Flags.TWO_ASSOC),
)
