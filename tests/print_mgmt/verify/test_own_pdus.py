"""The PDUs of the tester keep the rules by which it judges peers, unless a case breaks a rule on purpose."""

from dataclasses import replace

import pytest
from mirror import Mirror
from print_twins import Wrong
from printers import printer
from wrong_printers import judge

from dimse.verify import CASES, Case, Verdict
from dimse.verify.case import category_of
from print_mgmt.verify import PRINT_CASES

ALL = (*CASES, *PRINT_CASES)
RULES = tuple(case for case in ALL if case.run is None)
RUN = tuple(case for case in ALL if case.run is not None and not case.is_slow)
CATEGORIES = sorted({category_of(case.id) for case in RUN} - {"PERF", "ROB", "TLS"})  # ROB-* break rules, and take long
TIMEOUT = 0.2  # verdicts do not matter here
ON_PURPOSE = {
    "UL-F-2.07": {"UL-A-1.08"},  # A-ABORT with the reserved source 1
    "UL-P-1.06": {"UL-P-2.03"},  # fragments of an odd length
    "UL-P-1.07": {"UL-P-2.03"},  # an empty fragment
    "UL-P-1.08": {"UL-P-2.03"},  # reserved bits of the control header
    "UL-P-1.10": {"UL-P-2.03"},  # a command in place of a Data Set
    "UL-P-1.11": {"UL-P-2.03", "ENC-1.04"},  # a Data Set that no command announced
    "UL-P-1.12": {"UL-P-2.03", "DIMSE-1.02"},  # fragments that form no message
    "UL-P-1.14": {"DIMSE-1.02"},  # longer than the Maximum Length, by an Error Comment
    "DIMSE-1.05": {"DIMSE-1.02"},  # retired command elements
    "DIMSE-1.06": {"DIMSE-1.02"},  # a Command Field that does not exist
    "DIMSE-1.09": {"DIMSE-1.02"},  # a command element is missing
    "DIMSE-1.15": {"DIMSE-1.02"},  # an invalid SOP Instance UID
    "ENC-1.06": {"ENC-1.04"},  # group lengths
    "ENC-1.08": {"ENC-1.04"},  # reserved bytes
    "ENC-1.11": {"ENC-1.04"},  # a Data Set that ends within an element
}


async def broken_by(case: Case, port: int) -> dict[str, str]:
    """Return the rules that the tester has broken in a case, each with the reason."""
    watch = Mirror()
    judging = judge(port, Wrong(), watch)
    judging.target = replace(judging.target, timeout=TIMEOUT)
    await judging.run(case)
    found = {rule.id: watch.judge(rule) for rule in RULES}
    return {rule: each.reason for rule, each in found.items() if each.subcases and each.verdict is not Verdict.PASS}


@pytest.mark.parametrize("category", CATEGORIES)
async def test_tester_breaks_rules_only_on_purpose(category: str) -> None:
    async with printer() as (server, _):
        for case in RUN:
            if category_of(case.id) == category:
                found = await broken_by(case, server.port)
                assert found.keys() == ON_PURPOSE.get(case.id, set()), (case.id, found)


async def test_mirror_judges_the_pdus_of_the_tester() -> None:
    watch = Mirror()
    async with printer() as (server, _):
        case = next(case for case in PRINT_CASES if case.id == "PRN-L-1.08")
        result = await judge(server.port, Wrong(), watch).run(case)
    assert result.verdict is Verdict.PASS, result.reason
    judged = {rule.id for rule in RULES if watch.judge(rule).verdict is Verdict.PASS}
    assert {"UL-P-2.03", "DIMSE-1.02", "ENC-1.04"} <= judged
