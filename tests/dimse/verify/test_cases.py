"""The cases: they agree with the catalogue, their twins fail, and our own server passes."""

import pytest
from printers import printer
from twin import HOST, serving
from twins import INVARIANTS, TWINS

from dimse.verify import CASES, Case, Flags, Level, Options, Role, Run, Target, Verdict, catalogue, verify_scp
from dimse.verify.case import category_of
from dimse.verify.catalogue import differences
from dimse.verify.invariants import Invariants
from dimse.verify.judge import Judge
from tools.verify_cases import PATH, page

pytestmark = pytest.mark.skips_waits

BY_ID = {case.id: case for case in CASES if case.role is not Role.SCU}
ACTIVE = [case for case in BY_ID.values() if case.run is not None and case.fails and Flags.TLS not in case.needs]
# The categories whose cases for an SCP are complete
OF_PRINT = {"PERF-1.03", "PERF-1.04"}
BUILT = ("UL-A", "UL-F", "UL-P", "DIMSE", "ENC", "ROB", "TLS", "PERF")
QUICKLY = Options(slow=False, exclude=("PERF-*",))  # test_perf measures with fewer repetitions


async def judged(case: Case, target: Target) -> Verdict:
    return (await Judge(target=target, options=Options(), watch=Invariants(), flags=Flags.TWO_ASSOC).run(case)).verdict


def test_cases_agree_with_the_catalogue() -> None:
    assert list(differences(CASES)) == []


def test_built_categories_are_complete() -> None:
    wanted = {
        entry.id for entry in catalogue().values() if entry.role is not Role.SCU and category_of(entry.id) in BUILT
    }
    assert wanted - OF_PRINT <= {case.id for case in CASES}


def test_page_of_the_catalogue_is_current() -> None:
    assert PATH.read_text() == page(), "run make docs"


def test_each_active_case_has_a_twin() -> None:
    assert {case.id for case in ACTIVE} == TWINS.keys()


@pytest.mark.parametrize("case", ACTIVE, ids=lambda case: case.id)
async def test_case_fails_for_its_twin(case: Case) -> None:
    async with serving(TWINS[case.id]()) as port:
        verdict = await judged(case, Target(host=HOST, port=port))
    assert verdict is (Verdict.FAIL if case.level is Level.MUST else Verdict.WEAK)


@pytest.mark.parametrize("case_id", INVARIANTS)
async def test_invariant_fails_for_its_twin(case_id: str) -> None:
    carrier, twin = INVARIANTS[case_id]
    watch = Invariants()
    async with serving(twin()) as port:
        await Judge(target=Target(host=HOST, port=port), options=Options(), watch=watch).run(BY_ID[carrier])
    assert watch.judge(BY_ID[case_id]).verdict is Verdict.FAIL


def test_each_invariant_has_a_twin() -> None:
    assert {case.id for case in BY_ID.values() if case.run is None} == INVARIANTS.keys()


async def test_our_printer_passes_each_case() -> None:
    async with printer() as (server, _):
        run = await verify_scp(Target(host=server.host, port=server.port), CASES, QUICKLY, run=Run())
    bad = (Verdict.FAIL, Verdict.WEAK, Verdict.INCONCLUSIVE, Verdict.ERROR)
    assert [f"{each.case.id}: {each.reason}" for each in run.results if each.verdict in bad or each.is_damaged] == []
    assert run.exit_status(strict=True) == 0
