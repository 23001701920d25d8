"""A run against an SCP: the sanity case, the abilities of the peer (`flags`), the cases, and the sanity case again.

Quick cases come first, then slow cases, then the invariants. The cases run one at a time, because many peers serve only
one association at a time; `Options.jobs` lets cases of print run at the same time. Slow cases run at the same time if
the peer accepts two associations. If it serves many more, the cases that only wait run beside the quick ones. At the
first bad verdict of a quick case, the cases that wait are canceled, to run again later, and the quick case is judged
again alone, unless it would print again. So hardly any bad verdict comes from the connections of the cases that wait.
The `Run` is valid at any time, so that an interrupted run can be reported, too.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .case import Case, Flags, Role
from .catalogue import catalogue
from .flags import find_facts, result_without_run, serves_at_once
from .invariants import Invariants
from .judge import Judge
from .observation import ALIVE, Closed, Rejected
from .peer import Target
from .result import ENDLESS, Options, Result, Run, is_stuck
from .shared import Shared
from .starter import Starter
from .trace import CaseTrace
from .verdict import Verdict

__all__ = ["SANITY", "Tester", "verify_scp"]

SANITY = "UL-A-1.01"
_ARTIM_CASE = "UL-F-1.01"  # it passes if the peer's ARTIM has expired
_PASSED = (Verdict.PASS, Verdict.NON_STRICT)
_ROOM = 12  # associations for the quick cases, and for the probes of slow ones, beside the cases that wait
_MAY_BE_LONGER = "the connection was still open, but the peer's ARTIM may be longer than --slow-patience"

OnResult = Callable[[Result], None]


async def verify_scp(
    target: Target,
    cases: Iterable[Case],
    options: Options | None = None,
    *,
    run: Run | None = None,
    on_result: OnResult = lambda _result: None,
    start: Sequence[str] = (),
) -> Run:
    """Run those of ``cases`` that are for an SCP, and return the run. ``run`` receives each result at once.

    ``start`` is the argument vector of a command that starts the peer. The command is started first, started again
    after each case that damages the peer, and ended at the end. Whatever the peer does, no error is raised. After a
    cancellation, ``run`` has the results so far.
    """
    tester = Tester(
        target=target,
        cases=tuple(case for case in cases if case.role in (Role.SCP, Role.BOTH)),
        options=options or Options(),
        run=run or Run(),
        on_result=on_result,
        starter=Starter(tuple(start), target.host, target.port, target.revival) if start else None,
    )
    await tester.test()
    return tester.run


@dataclass(slots=True, kw_only=True)
class Tester:
    """A run against one SCP. ``on_result`` is called with each result."""

    target: Target
    cases: Sequence[Case]
    options: Options
    run: Run
    on_result: OnResult
    starter: Starter | None = None
    watch: Invariants = field(init=False)
    shared: Shared = field(init=False)
    _beside: dict[str, asyncio.Task[Result]] = field(init=False, default_factory=dict)  # cases that wait, by id

    def __post_init__(self) -> None:
        self.watch = Invariants(case.make_listener for case in self.cases if case.make_listener is not None)
        self.shared = Shared(films_left=0 if self.options.no_film else self.options.max_films)

    async def test(self) -> None:
        """Run all cases that the options choose."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        self.run.started = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            if self.starter is None:
                await self._test()
            else:
                async with self.starter:
                    await self._test()
        except OSError as exc:
            if self.starter is None:
                raise
            self._stop_unjudged(str(exc))
        finally:
            self.run.seconds = loop.time() - start

    async def _test(self) -> None:
        order = {case_id: number for number, case_id in enumerate(catalogue())}
        chosen = [case for case in self.cases if self.options.selects(case.id)]
        chosen.sort(key=lambda case: order.get(case.id, len(order)))
        sanity = next((case for case in self.cases if case.id == SANITY), None)
        if sanity is not None and not await self._run_sanity(sanity):
            return
        needs = Flags.NONE
        for case in chosen:
            needs |= case.needs
        # Slow cases need TWO_ASSOC to run at the same time; the slow ROB-1.12 needs it to probe the peer meanwhile
        may_overlap = self.options.jobs > 1 or any(case.is_slow or case.waits for case in chosen)
        wanted = needs | (Flags.TWO_ASSOC if may_overlap else Flags.NONE)
        facts = await find_facts(self.target, self.options, self.watch, wanted)
        self.run.facts = facts.with_flags(self._given_flags())
        ordered = [case for case in chosen if case.id != SANITY and case.run is not None]
        try:
            await self._start_waiting_cases(ordered)
            last = [case for case in ordered if case.is_slow or case.id in self._beside]
            quick = [case for case in ordered if case not in last]
            together = [case for case in quick if self._may_run_beside_others(case)]
            alone = [case for case in quick if case not in together]
            if not (await self._run_in_turn(alone) and await self._run_at_once(together)):
                return
            await self._run_slow(last)
        finally:
            await self._cancel_waiting_cases()
        for case in chosen:
            if case.run is None:
                self._report(self._result_without_run(case) or self.watch.judge(case))
        if sanity is not None:
            await self._run_sanity(sanity, is_first=False)

    def _given_flags(self) -> Flags:
        """Return the flags that follow from the options and the target."""
        found = self.options.flags()
        if self.target.tls is not None:
            found |= Flags.TLS
            found |= Flags.CLIENT_CERT if self.target.files.certificate is not None else Flags.NONE
        return found

    def _make_judge(self) -> Judge:
        return Judge(
            target=self.target,
            options=self.options,
            watch=self.watch,
            flags=self.run.facts.flags,
            shared=self.shared,
        )

    async def _run_sanity(self, case: Case, *, is_first: bool = True) -> bool:
        """Run the sanity case, at the start or the end of the run. Return whether the run can go on."""
        result = await self._make_judge().run(case)
        is_sane = result.verdict is Verdict.PASS
        observed = result.subcases[0].observed if result.subcases else ()
        if is_first:
            self._report(result)
        elif not is_sane:
            result.reason = f"at the end of the run: {result.reason}"
            self._replace(result)
        if not is_sane:
            self.run.stopped = f"the sanity case {case.id} did not pass: {result.reason}"
            rejected = any(isinstance(seen, Rejected) for seen in observed)
            self.run.is_unjudged = rejected or result.verdict is Verdict.INCONCLUSIVE
        return is_sane

    def _replace(self, result: Result) -> None:
        self.run.results = [each for each in self.run.results if each.case.id != result.case.id]
        self._report(result)

    def _may_run_beside_others(self, case: Case) -> bool:
        """Return whether a case may run beside others: a case of print that is not risky and prints no film.

        ``--jobs`` and the peer must also allow it.
        """
        is_parallel = self.options.jobs > 1 and Flags.TWO_ASSOC in self.run.facts.flags
        prints = bool(case.needs & (Flags.FILM | Flags.FILM2))
        return is_parallel and case.id.startswith("PRN-") and not (case.risky or prints)

    async def _start_waiting_cases(self, ordered: Iterable[Case]) -> None:
        """Start the cases that only wait, if the peer can serve them and the other cases at the same time."""
        cases = [case for case in ordered if (case.is_slow or case.waits) and not case.risky]
        cases = [case for case in cases if self._result_without_run(case) is None]
        if len(cases) < 2 or Flags.TWO_ASSOC not in self.run.facts.flags:
            return
        if await serves_at_once(self.target, self.options, self.watch, len(cases) + _ROOM):
            self._beside = {case.id: asyncio.create_task(self._make_judge().run(case)) for case in cases}
        elif self.starter is not None and await self.starter.ends_soon(is_suspect=False):
            await self.starter.restart()

    async def _cancel_waiting_cases(self) -> None:
        """Cancel the cases that wait, and forget the results of those that are done. `_run_slow` runs all again."""
        tasks, self._beside = list(self._beside.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_in_turn(self, cases: Iterable[Case]) -> bool:
        """Run cases one after another. Return whether the run can go on."""
        for case in cases:
            if not await self._report_and_go_on(await self._result_of(case)):
                return False
        return True

    async def _run_at_once(self, cases: Iterable[Case]) -> bool:
        """Run as many cases at the same time as ``--jobs`` allows. Return whether the run can go on."""
        gate = asyncio.Semaphore(self.options.jobs)

        async def result_of(case: Case) -> Result:
            async with gate:
                return await self._result_of(case)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(result_of(case)) for case in cases]
            for task in tasks:
                if not await self._report_and_go_on(await task):
                    for rest in tasks:
                        rest.cancel()
                    return False
        return True

    async def _result_of(self, case: Case) -> Result:
        result = self._result_without_run(case)
        if result is None:
            result = await self._judge_and_mark(case)
            is_alone = all(task.done() for task in self._beside.values())
            if not is_alone and (result.verdict.is_suspect or result.is_damaged):
                result = await self._judge_alone(case, result)
        return result

    async def _judge_and_mark(self, case: Case) -> Result:
        result = await self._make_judge().run(case)
        await self._mark_if_ended(result)
        return result

    async def _judge_alone(self, case: Case, found: Result) -> Result:
        """Run a case again, without the cases that wait; return ``found`` if the case may print or the peer is gone."""
        await self._cancel_waiting_cases()
        if case.needs & (Flags.FILM | Flags.FILM2) or (found.is_damaged and not await self._revive()):
            return found
        return await self._judge_and_mark(case)

    async def _mark_if_ended(self, result: Result) -> None:
        """Mark a result as damaged if the command of the peer has ended."""
        if self.starter is None:
            return
        closed = any(isinstance(seen, Closed) for sub in result.subcases for seen in sub.observed)
        if await self.starter.ends_soon(is_suspect=closed or result.verdict.is_suspect):
            result.is_damaged = True
            result.command = self.starter.ended()
            result.reason = f"{result.reason}; then {self.starter.describe_state()}"

    async def _report_and_go_on(self, result: Result) -> bool:
        """Report a result. Return whether the run can go on."""
        self._report(result)
        failures = sum(each.is_failure for each in self.run.results)
        if self.options.stop_after is not None and failures >= self.options.stop_after:
            self.run.stopped = f"stopped after {failures} failure{'s' * (failures > 1)}"
            return False
        if is_stuck(self.run):
            self._stop_unjudged(ENDLESS)
            return False
        return not result.is_damaged or await self._revive()

    async def _revive(self) -> bool:
        """Wait for a damaged peer to come back, or start it again. Return whether a new association works."""
        if self.starter is not None:
            await self.starter.restart()
        trace = CaseTrace(asyncio.get_running_loop().time)
        peer = Judge(target=self.target, options=self.options, watch=self.watch).peer(trace, "probe")
        if await peer.probe() == ALIVE:
            return True
        self._stop_unjudged(f"the peer did not come back within {self.target.revival:g} s")
        return False

    def _stop_unjudged(self, reason: str) -> None:
        self.run.stopped = reason
        self.run.is_unjudged = True

    def _result_without_run(self, case: Case) -> Result | None:
        return result_without_run(case, self.options, self.run.facts.flags, "peer")

    async def _run_slow(self, cases: list[Case]) -> None:
        """Run the slow cases, at the same time if the peer accepts two associations; some may be running already.

        If a case that ran beside others has a bad verdict, the case runs again, alone: the peer may have had no room
        for its connection.
        """
        checked = [(case, self._result_without_run(case)) for case in cases]
        fit = [case for case, result in checked if result is None]
        results = [result for _, result in checked if result is not None]
        if Flags.TWO_ASSOC in self.run.facts.flags:
            async with asyncio.TaskGroup() as group:
                tasks = [self._beside.get(case.id) or group.create_task(self._make_judge().run(case)) for case in fit]
                together = [await task for task in tasks]
            for each in together:
                results.append(await self._make_judge().run(each.case) if each.verdict.is_suspect else each)
        else:
            results += [await self._make_judge().run(case) for case in fit]
        by_id = {result.case.id: result for result in results}
        saw_artim = _ARTIM_CASE in by_id and by_id[_ARTIM_CASE].verdict in _PASSED
        for case in cases:
            result = by_id[case.id]
            if case.is_slow and result.verdict is Verdict.FAIL and not saw_artim:
                result.verdict = Verdict.INCONCLUSIVE
                result.reason = f"{_MAY_BE_LONGER}: {result.reason}"
            self._report(result)

    def _report(self, result: Result) -> None:
        self.run.results.append(result)
        self.run.films = self.shared.films
        self.on_result(result)
