"""The judge, which runs one case against a peer. Every error becomes a result; only a cancellation is raised."""

import asyncio
import random
import traceback
from dataclasses import dataclass, field, replace

from ..errors import DecodeError, RemoteProtocolError
from .case import Case, Decided, Flags, SubCase, Unprepared
from .observation import (
    ALIVE,
    DEAD,
    Broken,
    Deviated,
    Kept,
    Observation,
    Rejected,
    Seen,
    Silent,
    shown_all,
    without_data,
)
from .peer import Peer, Target, Watch
from .result import Assertion, Options, Result, SubResult
from .shared import Shared
from .trace import CaseTrace
from .verdict import Column, Level, Verdict, close_verdict, column_of, verdict_of, worst

__all__ = [
    "PEER_ERRORS",
    "Judge",
    "judged_result",
    "level_of",
    "max_seconds",
    "peer_error",
    "reason_of",
    "summary_assertion",
    "unjudged_result",
]

PEER_ERRORS = (DecodeError, RemoteProtocolError)  # errors of a case that cannot use a value of the peer
_CONGESTION, _LOCAL_LIMIT = Rejected(2, 3, 1), Rejected(2, 3, 2)  # PS3.8 Table 9-21
_PATIENCE_FACTOR = 3  # a second try, after silence has led to a bad verdict, has this many times the time limit
_STEP = "the step that is judged"  # the expectation of a case that stops too early
_ANSWERS = 40  # a sub-case may take the time limit of this many answers, besides preparation and ARTIM


@dataclass(slots=True)
class Judge:
    """A judge of cases, one at a time. ``flags`` are the capabilities of the peer."""

    target: Target
    options: Options
    watch: Watch
    flags: Flags = Flags.NONE
    shared: Shared = field(default_factory=Shared)

    async def run(self, case: Case) -> Result:
        """Run the sub-cases of a case, until one of them leaves the peer dead; return the result of the case."""
        clock = asyncio.get_running_loop().time
        trace = CaseTrace(clock, self.options.full_trace, keeps_whole=self.options.pcap)
        start = clock()
        result = Result(case=case, verdict=Verdict.SKIPPED, trace=trace)
        found = []
        for number, subcase in enumerate(case.all_subcases()):
            trace.subcase = number
            sub = await self._judge_subcase(case, subcase, result)
            found.append(sub)
            if sub.observed[-1:] == (DEAD,):  # the last event counts: a peer may seem to be dead, and then come back
                result.is_damaged = True
                break
        result.subcases = tuple(found)
        result.verdict = worst(sub.verdict for sub in found)
        result.reason = next((reason_of(sub) for sub in found if sub.verdict is result.verdict), "")
        result.seconds = clock() - start
        return result

    def peer(self, trace: CaseTrace, case_id: str, subcase: str = "", target: Target | None = None) -> Peer:
        """Return the peer for one sub-case; its random numbers depend only on the seed, the case and the sub-case."""
        seeded = random.Random(f"{self.options.seed}/{case_id}/{subcase}")
        return Peer(
            target or self.target,
            trace,
            seeded,
            case_id,
            self.flags,
            self.watch,
            options=self.options,
            shared=self.shared,
        )

    async def _judge_subcase(self, case: Case, subcase: SubCase, result: Result) -> SubResult:
        """Judge a sub-case.

        After silence, try again with more patience. If the peer was full, try again once the peer has room.
        """
        assert result.trace is not None
        sub = await self._try(case, subcase, result, self.target)
        if sub.verdict.is_suspect and self._was_impatient(sub.observed):
            patient = replace(self.target, timeout=_PATIENCE_FACTOR * self.target.timeout)
            result.trace.note(0, f"once more, with a timeout of {patient.timeout:g} s")
            sub = replace(await self._try(case, subcase, result, patient), first=sub.observed)
        if sub.verdict.is_suspect and _is_full(sub.observed):
            await self.peer(result.trace, case.id, "wait").probe()
            again = await self._try(case, subcase, result, self.target)
            if _is_full(again.observed) and again.verdict.is_suspect:
                reason = f"the peer is full, so the case cannot be judged: {again.reason}"
                again = replace(again, verdict=Verdict.INCONCLUSIVE, reason=reason)
            sub = replace(again, first=sub.observed)
        return sub

    def _was_impatient(self, observed: Observation) -> bool:
        """Return whether a silence was shorter than the patience of a second try, and the peer still lives."""
        if DEAD in observed:
            return False
        silences = (seen.seconds or 0.0 for seen in observed if isinstance(seen, Silent))
        return any(seconds < _PATIENCE_FACTOR * self.target.timeout for seconds in silences)

    async def _try(self, case: Case, subcase: SubCase, result: Result, target: Target) -> SubResult:
        """Try a sub-case once; whatever goes wrong becomes a result."""
        assert result.trace is not None
        peer = self.peer(result.trace, case.id, subcase.name, target)
        peer.measured, peer.assertions, peer.level = result.measured, result.assertions, subcase.level or case.level
        observed: list[Seen] = []
        try:
            return await self._run_subcase(case, subcase, result, peer, observed)
        except Unprepared as exc:
            sub = unjudged_result(subcase, tuple(observed), exc.verdict, exc.reason)
        except TimeoutError:
            result.is_endless = True
            reason = f"the case did not end within {_patience(case, target):g} s"
            sub = unjudged_result(subcase, tuple(observed), Verdict.INCONCLUSIVE, reason)
        except PEER_ERRORS as exc:
            sub = unjudged_result(subcase, tuple(observed), Verdict.INCONCLUSIVE, peer_error(exc))
        except Exception as exc:
            result.trace.note(0, "".join(traceback.format_exception(exc)))
            reason = f"the tester failed: {type(exc).__name__}: {exc}"
            sub = unjudged_result(subcase, tuple(observed), Verdict.ERROR, reason)
        finally:
            await peer.dismiss()
        result.assertions.append(summary_assertion(sub, result.trace))
        return sub

    async def _run_subcase(
        self, case: Case, subcase: SubCase, result: Result, peer: Peer, found: list[Seen]
    ) -> SubResult:
        """Run a sub-case once, and judge it; then probe the peer if the case is risky.

        ``found`` receives the observation, which is then kept even if the end of the association times out.
        """
        before = len(result.assertions)
        async with asyncio.timeout(_patience(case, peer.target)):
            try:
                seen = await subcase.run(peer)
            except Decided as decided:
                seen = decided.seen
            observed = (seen,) if isinstance(seen, Seen) else seen
            found += observed
            ended = await peer.finish(case.close)
            result.close = close_verdict(case.close, ended) or result.close
        column, _ = column_of(observed, subcase.passes or (), subcase.nonstrict or (), subcase.fails or ())
        sub = judged_result(subcase, observed, verdict_of(level_of(case, subcase, observed), column), column)
        if not (result.assertions[before:] and _is_summary(observed)):
            result.assertions.append(summary_assertion(sub, peer.trace))
        await peer.dismiss()  # a peer that serves only one association cannot be probed before this
        is_probed = case.risky and DEAD not in observed
        return await _probe_after(case, subcase, sub, peer) if is_probed else sub


async def _probe_after(case: Case, subcase: SubCase, sub: SubResult, peer: Peer) -> SubResult:
    """Probe the peer after a risky case; return the result, made worse if the peer is dead."""
    probed = await peer.probe()
    peer.log(str(ALIVE), str(probed), Column.FAILS if probed == DEAD else Column.PASSES)
    if probed != DEAD:
        return sub
    dead = verdict_of(subcase.level or case.level, Column.FAILS)
    reason = f"{sub.reason}; then PROBE dead"
    return replace(sub, verdict=worst((sub.verdict, dead)), observed=(*sub.observed, DEAD), reason=reason)


def _is_summary(observed: Observation) -> bool:
    """Return whether the observation is the case's own summary of what it found."""
    return bool(observed) and isinstance(observed[-1], Broken | Deviated | Kept)


def summary_assertion(sub: SubResult, trace: CaseTrace) -> Assertion:
    """Return the line of the log for the result of a sub-case."""
    return Assertion(
        seconds=trace.now(),
        subcase=trace.subcase,
        due=sub.expected if sub.observed else _STEP,
        seen=shown_all(sub.observed, ", ") if sub.observed else sub.reason,
        verdict=sub.verdict,
    )


def level_of(case: Case, subcase: SubCase, observed: Observation) -> Level:
    """Return the level of a sub-case: MUST if the peer breaks a rule that it claims to keep."""
    if any(isinstance(seen, Broken) and seen.is_claimed for seen in observed):
        return Level.MUST
    return subcase.level or case.level


def _patience(case: Case, target: Target) -> float:
    """Return the longest time for one try of a sub-case, in seconds."""
    patience = target.preparation + 2 * target.artim + _ANSWERS * target.timeout
    return patience + (2 * target.slow_patience if case.is_slow else 0)


def max_seconds(case: Case, target: Target) -> float:
    """Return the longest time that a case can take, whatever the peer does, in seconds.

    A sub-case has at most three tries, one of them with more patience. After each try its connections are closed, and
    the peer may be probed.
    """
    patient = replace(target, timeout=_PATIENCE_FACTOR * target.timeout)
    tries = 2 * _patience(case, target) + _patience(case, patient)
    probes = 4 * (target.revival + target.preparation + _ANSWERS * target.timeout)
    return len(case.all_subcases()) * (tries + probes)


def _is_full(observed: Observation) -> bool:
    """Return whether the peer rejected, but may accept later: RJ(2,3,1), congestion, or RJ(2,3,2), a local limit."""
    return _CONGESTION in observed or _LOCAL_LIMIT in observed


def judged_result(subcase: SubCase, observed: Observation, verdict: Verdict, column: Column) -> SubResult:
    """Return the result of a sub-case that was judged."""
    due = subcase.passes or ()
    expected = shown_all(due)
    text = shown_all(observed, ", ")
    if column is Column.NONE:
        reason = f"expected {expected}; got {text}, which the catalogue does not list"
    elif column is Column.PASSES or isinstance(observed[-1], Deviated | Broken):
        reason = text
    else:
        reason = f"expected {expected}; got {text}"
    return SubResult(
        name=subcase.name, verdict=verdict, expected=expected, observed=without_data(observed), reason=reason
    )


def unjudged_result(subcase: SubCase, observed: Observation, verdict: Verdict, reason: str) -> SubResult:
    """Return the result of a sub-case that could not be judged."""
    expected = shown_all(subcase.passes or ())
    return SubResult(
        name=subcase.name, verdict=verdict, expected=expected, observed=without_data(observed), reason=reason
    )


def peer_error(error: DecodeError | RemoteProtocolError) -> str:
    """Return the reason of a sub-case that could not be judged because of a value of the peer."""
    if isinstance(error, DecodeError):  # the bytes are judged by an invariant, not by this case
        return f"the octets of the peer cannot be read: {error}"
    return f"the tester cannot talk to this peer: {error}"


def reason_of(sub: SubResult) -> str:
    """Return the reason of a sub-case, preceded by its name if it has one."""
    return f"{sub.name}: {sub.reason}" if sub.name else sub.reason
