"""PERF: the cases measure what they name, and judge nothing."""

from dataclasses import replace

import pytest
from twin import HOST, Line, Twin, serving
from twins.common import P_DATA, ignores

from dimse.verify import CASES, Case, Flags, Options, Result, Target, Verdict
from dimse.verify.case import CaseRun
from dimse.verify.cases.perf import associations, at_once, echoes, kept, percentile
from dimse.verify.invariants import Invariants
from dimse.verify.judge import Judge

BY_ID = {case.id: case for case in CASES}
FEW: dict[str, CaseRun] = {"PERF-1.01": associations(4, 1), "PERF-1.02": echoes(4, 1), "PERF-1.05": at_once(2, 3)}
TARGET = Target(host=HOST, port=0, timeout=5, preparation=0.1)


async def measured(case: Case, twin: Twin) -> Result:
    async with serving(twin) as port:
        judge = Judge(target=replace(TARGET, port=port), options=Options(), watch=Invariants(), flags=Flags.ECHO)
        return await judge.run(case)


def with_few_repetitions(case_id: str) -> Case:
    return replace(BY_ID[case_id], run=FEW[case_id])


@pytest.mark.parametrize("case_id", FEW)
async def test_case_measures_and_gives_no_verdict(case_id: str) -> None:
    result = await measured(with_few_repetitions(case_id), Twin())
    assert result.verdict is Verdict.INFO, result.reason
    assert all(value > 0 for value, _ in result.measured.values())


async def test_steps_of_an_association_are_measured() -> None:
    names = (await measured(with_few_repetitions("PERF-1.01"), Twin())).measured
    steps = [f"{step}, p{percent} of 4" for step in ("associate", "C-ECHO", "release") for percent in (50, 90, 99)]
    assert list(names) == ["associations", *steps]


async def test_warm_up_is_not_counted() -> None:
    heard: list[bytes] = []

    def counts(_: Line, pdu: bytes) -> bool:
        heard.extend([pdu] if pdu[0] == P_DATA else [])
        return False

    result = await measured(replace(BY_ID["PERF-1.02"], run=echoes(4, 3)), Twin(hears=counts))
    assert (len(heard), "C-ECHO, p50 of 4" in result.measured) == (7, True)


@pytest.mark.parametrize("case_id", FEW)
async def test_peer_that_stops_answering_is_inconclusive(case_id: str) -> None:
    assert (await measured(with_few_repetitions(case_id), ignores(P_DATA))).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("median", "is_named"), [(40.2, True), (200.0, True), (3.0, False), (120.0, False)])
def test_delay_of_a_delayed_ack_is_explained(median: float, is_named: bool) -> None:
    assert ("delayed ACK" in str(kept(median, "C-ECHO"))) is is_named


def test_percentile_of_one_value_is_the_value() -> None:
    assert percentile([0.5], 99) == 0.5


def test_perf_cases_have_no_patterns_of_failure() -> None:
    assert [case.id for case in CASES if case.id.startswith("PERF-") and (case.fails or case.nonstrict)] == []


async def test_slow_peer_is_measured_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.verify.cases.perf._MAX_SECONDS", 0.0)
    monkeypatch.setattr("dimse.verify.cases.perf._MIN_COUNT", 2)
    result = await measured(replace(BY_ID["PERF-1.02"], run=echoes(9, 0)), Twin())
    assert "C-ECHO, p50 of 2" in result.measured
