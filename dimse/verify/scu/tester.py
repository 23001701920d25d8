"""A run against an SCU: first the plain scenario, which determines the flags, then the cases, then the invariants.

If the tester has a command, the command runs once for each visit, and one visit follows the other. Without a command,
all cases wait at the same time. The port or the called AE title of a connection selects its case; if neither does, the
first waiting case gets the connection.
"""

import asyncio
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ...uids import (
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    PrintJob,
)
from ...ul import ImplementationClassUID, ImplementationVersionName, maximum_length
from ..case import Case, Flags, Role, SubCase, Unprepared
from ..catalogue import catalogue
from ..flags import result_without_run
from ..invariants import Invariants
from ..judge import (
    PEER_ERRORS,
    judged_result,
    level_of,
    peer_error,
    reason_of,
    summary_assertion,
    unjudged_result,
)
from ..observation import (
    Aborted,
    Closed,
    Crashed,
    Observation,
    ReleaseAsked,
    Running,
    Seen,
    Silent,
)
from ..result import ENDLESS, Options, PeerFacts, Result, Run, SubResult, is_stuck
from ..trace import CaseTrace
from ..verdict import Close, CloseVerdict, Verdict, column_of, verdict_of, worst
from .dispatcher import Dispatcher
from .peer import ScuPeer, ScuTarget
from .service import EchoService, MakeService, class_name
from .visit import Visit

__all__ = ["PLAIN", "ScuTester", "verify_scu"]

PLAIN = "PLAIN"  # the AE title that selects the plain scenario
_PATIENCE_FACTOR = 3  # a second try, after silence has led to a bad verdict, has this many times the patience

OnResult = Callable[[Result], None]
# Called when a visit waits: with the case id, the case and the plain visit; for the plain visit itself, with PLAIN,
# None and None
OnWaiting = Callable[[str, Case | None, Visit | None], None]
OnListening = Callable[[int], None]  # called once, with the port that the tester listens on


async def verify_scu(
    target: ScuTarget,
    cases: Iterable[Case],
    options: Options | None = None,
    *,
    service: MakeService = EchoService,
    run: Run | None = None,
    on_result: OnResult = lambda _result: None,
    on_waiting: OnWaiting = lambda _case_id, _case, _plain: None,
    on_listening: OnListening = lambda _port: None,
    done: Iterable[str] = (),
) -> Run:
    """Run those of ``cases`` that are for an SCU, and return the run. ``run`` receives each result immediately.

    Cases whose ids are in ``done`` are left out. Raises `OSError` if a port cannot be opened. After a cancellation,
    ``run`` has the results so far.
    """
    tester = ScuTester(
        target=target,
        cases=tuple(case for case in cases if case.role in (Role.SCU, Role.BOTH)),
        options=options or Options(),
        service=service,
        run=run or Run(),
        on_result=on_result,
        on_waiting=on_waiting,
        on_listening=on_listening,
        done=frozenset(done),
    )
    await tester.test()
    return tester.run


@dataclass(slots=True, kw_only=True)
class ScuTester:
    """A run against one SCU."""

    target: ScuTarget
    cases: Sequence[Case]
    options: Options
    service: MakeService
    run: Run
    on_result: OnResult
    on_waiting: OnWaiting
    on_listening: OnListening = lambda _port: None
    done: frozenset[str] = frozenset()
    watch: Invariants = field(init=False)  # they listen to the traffic of all cases
    dispatcher: Dispatcher = field(init=False)
    plain: Visit | None = None

    def __post_init__(self) -> None:
        self.watch = Invariants(case.make_listener for case in self.cases if case.make_listener is not None)
        target = self.target
        by_title = target.program is None and not target.by_port
        self.dispatcher = Dispatcher(target.host, target.port, self.watch, target.by_port, by_title, target.tls)

    async def test(self) -> None:
        """Run all cases that the options choose."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        self.run.started = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            await self.dispatcher.open()
            self.on_listening(self.dispatcher.port)
            await self._test()
        finally:
            self.run.seconds = loop.time() - start
            await self.dispatcher.close()

    async def _test(self) -> None:
        if not await self._run_plain_scenario():
            return
        order = {case_id: number for number, case_id in enumerate(catalogue())}
        chosen = [case for case in self.cases if self.options.selects(case.id) and case.id not in self.done]
        chosen.sort(key=lambda case: order.get(case.id, len(order)))
        active = [case for case in chosen if case.run is not None]
        run_all = self._run_together if self.target.program is None else self._run_in_turn
        if not await run_all(active):
            return
        for case in chosen:
            if case.run is None:
                self._report(_invariant_result(self.watch.judge(case)))

    # --- the plain scenario ---

    async def _run_plain_scenario(self) -> bool:
        """Run the plain scenario, which determines the flags. Return whether it succeeded."""
        trace = self._trace()
        peer = self._peer(PLAIN, "", trace, self.target.patience)
        peer.on_waiting = lambda: self.on_waiting(PLAIN, None, None)
        try:
            visit = await peer.visit({})
        except Unprepared as exc:
            return self._stop(f"the plain scenario failed: {exc}")
        except OSError as exc:
            return self._stop(f"the plain scenario failed: the tester failed: {type(exc).__name__}: {exc}")
        except PEER_ERRORS as exc:
            return self._stop(f"the plain scenario failed: {peer_error(exc)}")
        if reason := _fault_of(visit, self.target.patience):
            return self._stop(f"the plain scenario failed: {reason}")
        self.plain = visit
        self.run.facts = _facts(visit, is_command=self.target.program is not None)
        if self.target.tls is not None:
            self.run.facts = self.run.facts.with_flags(Flags.TLS)
        return True

    def _stop(self, reason: str) -> bool:
        self.run.stopped = reason
        self.run.is_unjudged = True
        return False

    # --- one case ---

    async def _run_in_turn(self, cases: Iterable[Case]) -> bool:
        """Run cases one after another. Return False if the run stopped early."""
        for case in cases:
            if not await self._run_case(case):
                return False
        return True

    async def _run_together(self, cases: Iterable[Case]) -> bool:
        """Run cases at the same time. If one of them stops the run, cancel the others and return False."""
        running = {asyncio.create_task(self._run_case(case)) for case in cases}
        try:
            while running:
                ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                results = [task.result() for task in ended]
                if not all(results):
                    return False
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return True

    async def _run_case(self, case: Case) -> bool:
        """Run one case if it applies. Return whether the run can go on."""
        self._report(self._result_without_run(case) or await self._judge(case))
        failures = sum(each.is_failure for each in self.run.results)
        if self.options.stop_after is not None and failures >= self.options.stop_after:
            self.run.stopped = f"stopped after {failures} failure{'s' * (failures > 1)}"
            return False
        if is_stuck(self.run):
            return self._stop(ENDLESS)
        return True

    def _result_without_run(self, case: Case) -> Result | None:
        return result_without_run(case, self.options, self.run.facts.flags, "SCU")

    async def _judge(self, case: Case) -> Result:
        clock = asyncio.get_running_loop().time
        start = clock()
        trace = self._trace()
        result = Result(case=case, verdict=Verdict.SKIPPED, trace=trace)
        found = []
        for number, subcase in enumerate(case.all_subcases()):
            trace.subcase = number
            sub = await self._try(case, subcase, result, self.target.patience)
            silences = [seen for seen in sub.observed if isinstance(seen, Silent | Running)]
            if sub.verdict.is_suspect and silences:
                trace.note(0, f"once more, with a patience of {_PATIENCE_FACTOR * self.target.patience:g} s")
                again = await self._try(case, subcase, result, _PATIENCE_FACTOR * self.target.patience)
                sub = self._excused_by_timer(replace(again, first=sub.observed))
            found.append(sub)
            result.assertions.append(summary_assertion(sub, trace))
        result.subcases = tuple(found)
        result.verdict = worst(sub.verdict for sub in found)
        result.reason = next((reason_of(sub) for sub in found if sub.verdict is result.verdict), "")
        result.is_damaged = any(isinstance(seen, Crashed) for sub in found for seen in sub.observed)
        result.seconds = clock() - start
        return result

    def _excused_by_timer(self, sub: SubResult) -> SubResult:
        """Return ``sub``; a bad verdict after silence becomes INCONCLUSIVE if the SCU's timer may be longer."""
        silent = any(isinstance(seen, Silent | Running) for seen in sub.observed)
        waited = _PATIENCE_FACTOR * self.target.patience
        if not (sub.verdict.is_suspect and silent) or waited >= self.target.longest_timer:
            return sub
        reason = f"the SCU's timer may be longer than {waited:g} s (raise --patience): {sub.reason}"
        return replace(sub, verdict=Verdict.INCONCLUSIVE, reason=reason)

    async def _try(self, case: Case, subcase: SubCase, result: Result, patience: float) -> SubResult:
        assert result.trace is not None
        peer = self._peer(case.id, subcase.name, result.trace, patience)
        peer.measured, peer.assertions, peer.level = result.measured, result.assertions, subcase.level or case.level
        peer.on_waiting = lambda: self.on_waiting(case.id, case, self.plain)
        observed: Observation = ()
        try:
            seen = await subcase.run(peer)
            observed = (seen,) if isinstance(seen, Seen) else seen
        except Unprepared as exc:
            silence = (Silent(patience),) if peer.last is not None and peer.last.hung else ()
            result.is_endless |= peer.last is not None and peer.last.is_endless
            return unjudged_result(subcase, silence, exc.verdict, exc.reason)
        except PEER_ERRORS as exc:
            return unjudged_result(subcase, observed, Verdict.INCONCLUSIVE, peer_error(exc))
        except Exception as exc:
            result.trace.note(0, "".join(traceback.format_exception(exc)))
            return unjudged_result(subcase, observed, Verdict.ERROR, f"the tester failed: {type(exc).__name__}: {exc}")
        if peer.last is not None:
            result.close = _close_verdict(case.close, peer.last) or result.close
            result.command = peer.last.ended
        column, _ = column_of(observed, subcase.passes or (), subcase.nonstrict or (), subcase.fails or ())
        return judged_result(subcase, observed, verdict_of(level_of(case, subcase, observed), column), column)

    def _peer(self, case_id: str, subcase: str, trace: CaseTrace, patience: float) -> ScuPeer:
        return ScuPeer(
            target=self.target,
            dispatcher=self.dispatcher,
            service=self.service,
            trace=trace,
            case_id=case_id,
            subcase=subcase,
            patience=patience,
            options=self.options,
            flags=self.run.facts.flags,
            plain=self.plain,
        )

    def _trace(self) -> CaseTrace:
        clock, options = asyncio.get_running_loop().time, self.options
        return CaseTrace(clock, options.full_trace, keeps_whole=options.pcap, tester_is_acceptor=True)

    def _report(self, result: Result) -> None:
        self.run.results.append(result)
        self.on_result(result)


def _fault_of(visit: Visit, patience: float) -> str:
    """Return why a plain scenario failed, or "" if it can serve as the model for the cases."""
    ended = visit.ended
    if ended is not None and ended.signal is not None:
        return f"the command ended by signal {ended.signal}"
    if visit.hung:
        return f"the SCU said nothing for {patience:g} s"
    if visit.is_running:
        return f"the command did not end within {patience:g} s"
    for wire in visit.wires:
        for seen in wire.events:
            if isinstance(seen, Aborted):
                return f"the SCU aborted: {seen}"
    if not visit.operations:
        tail = (ended.stderr.strip().splitlines() if ended is not None else [])[-1:]
        return "the SCU sent no request" + (f": {tail[0]}" if tail else "")
    return next((name for name in visit.operations if "not accepted" in name), "")


def _facts(visit: Visit, *, is_command: bool) -> PeerFacts:
    """Return the facts about the SCU that the plain scenario has shown.

    They are the flags and, from the last association, the implementation and the Maximum Length.
    """
    proposed: set[str] = set()
    facts = PeerFacts()
    for wire in visit.wires:
        if wire.proposal is None:
            continue
        proposed |= {each.abstract_syntax for each in wire.proposal.presentation_contexts}
        items = wire.proposal.user_information
        facts = PeerFacts(
            implementation_class_uid=_field_of_first(items, ImplementationClassUID, "uid"),
            implementation_version_name=_field_of_first(items, ImplementationVersionName, "name"),
            max_length=maximum_length(items),
        )
    flags = Flags.SCU
    film_boxes = f"N-CREATE {class_name(BasicFilmBox)}"
    if film_boxes in visit.operations:
        flags |= Flags.SCU_PRINT
        flags |= Flags.SCU_COLOR if _used_color(visit) else Flags.NONE
        flags |= Flags.SCU_JOBS if PrintJob in proposed else Flags.NONE
    return facts.with_flags(flags | (Flags.COMMAND if is_command else Flags.NONE))


def _used_color(visit: Visit) -> bool:
    """Return whether the SCU sent a request on a context of the color Meta SOP Class."""
    return any(
        exchange.wire.contexts.get(exchange.context_id, ("",))[0] == BasicColorPrintManagementMeta
        for exchange in visit.exchanges
    )


def _field_of_first(items: Iterable[object], kind: type, name: str) -> str:
    return next((str(getattr(each, name)) for each in items if isinstance(each, kind)), "")


_CLOSES: Mapping[type[Seen], CloseVerdict] = {
    Aborted: CloseVerdict.ABORTED,
    ReleaseAsked: CloseVerdict.CLEAN,
    Silent: CloseVerdict.HUNG,
}


def _close_verdict(wanted: Close, visit: Visit) -> CloseVerdict | None:
    """Return how the SCU ended the association on which it first reacted; without a reaction, its last association.

    Return CLEAN for an end that ``wanted`` allows, and None if the case expects no particular end, or if there was no
    connection.
    """
    if wanted is Close.NONE or visit.main is None:
        return None
    if wanted is Close.TESTER:
        return CloseVerdict.CLEAN
    events = visit.main.events
    ending = next((seen for seen in events if isinstance(seen, Aborted | ReleaseAsked | Silent)), None)
    if isinstance(ending, Aborted) and wanted in (Close.ABORT, Close.EITHER):
        return CloseVerdict.CLEAN
    if ending is not None:
        return _CLOSES[type(ending)]
    closed = next((seen for seen in events if isinstance(seen, Closed)), None)
    if closed is None:
        return CloseVerdict.HUNG
    if wanted is Close.PEER:
        return CloseVerdict.CLEAN
    return CloseVerdict.RESET if closed.how == "reset" else CloseVerdict.CLOSED


def _invariant_result(result: Result) -> Result:
    """Return the result of an invariant; it is UNIMPLEMENTED if the SCU sent nothing that the invariant judges."""
    if result.verdict is Verdict.INCONCLUSIVE and not result.subcases:
        return replace(result, verdict=Verdict.UNIMPLEMENTED, reason="the SCU sent nothing of this kind")
    return result
