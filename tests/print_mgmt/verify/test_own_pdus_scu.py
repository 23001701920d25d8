"""The PDUs of the tester for an SCU keep the rules by which it judges peers, unless a case breaks one on purpose."""

from collections.abc import Callable

import pytest
from mirror import Mirror
from wrong_scus import Wrong, program

from dimse.verify import Options, Run, Verdict
from dimse.verify.peer import Watch
from dimse.verify.scu import SCU_CASES, ScuTarget
from dimse.verify.scu.tester import ScuTester
from print_mgmt.verify.scu import PRINT_SCU_CASES, PlainPrinter

pytestmark = pytest.mark.skips_waits

CASES = (*SCU_CASES, *PRINT_SCU_CASES)
RULES = tuple(case for case in CASES if case.run is None)
ON_PURPOSE = {
    "UL-P-3.06": {"UL-P-2.03"},  # empty fragments
    "DIMSE-2.07": {"DIMSE-1.04"},  # a status that does not exist
    "ENC-2.02": {"ENC-1.04"},  # group lengths
}


class Mirrors(Watch):
    """A mirror for each case."""

    def __init__(self) -> None:
        self.by_case: dict[str, Mirror] = {}

    def connected(self, case_id: str) -> tuple[Callable[[bytes], None], Callable[[bytes], None]]:
        return self.by_case.setdefault(case_id, Mirror()).connected(case_id)


def broken_rules(mirror: Mirror) -> set[str]:
    """Return the rules that the tester has broken in a case."""
    judged = map(mirror.judge, RULES)
    return {each.case.id for each in judged if each.subcases and each.verdict is not Verdict.PASS}


async def test_tester_breaks_rules_only_on_purpose() -> None:
    tester = ScuTester(
        target=ScuTarget(patience=30.0, program=program(Wrong(timer=10.0)), longest_timer=0),
        cases=CASES,
        options=Options(),
        service=PlainPrinter,
        run=Run(),
        on_result=lambda _result: None,
        on_waiting=lambda _case_id, _case, _plain: None,
    )
    tester.dispatcher.watch = mirrors = Mirrors()
    await tester.test()
    assert tester.run.stopped == ""
    broken = {case_id: broken_rules(mirror) for case_id, mirror in mirrors.by_case.items()}
    assert {case_id: rules for case_id, rules in broken.items() if rules} == ON_PURPOSE
