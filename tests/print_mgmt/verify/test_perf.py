"""PERF of print: the cases measure images and a film, and judge nothing."""

from dataclasses import replace

from print_twins import Wrong
from printers import printer
from wrong_printers import judge

from dimse.verify import Result, Verdict
from dimse.verify.case import CaseRun
from dimse.verify.invariants import Invariants
from print_mgmt.verify import PRINT_CASES
from print_mgmt.verify.cases.perf import large_images, time_film

BY_ID = {case.id: case for case in PRINT_CASES}


async def measured(case_id: str, run: CaseRun) -> tuple[Result, int]:
    """Return the result of a case against our printer, and the number of films printed."""
    async with printer() as (server, films):
        target = judge(server.port, Wrong(), Invariants())
        result = await target.run(replace(BY_ID[case_id], run=run))
    return result, len(films)


async def test_large_images_are_measured_without_a_film() -> None:
    result, films = await measured("PERF-1.03", large_images(20, 30, 2))
    assert (result.verdict, films) == (Verdict.INFO, 0), result.reason
    assert list(result.measured) == ["N-SET, p50 of 2", "N-SET", "P-DATA-TF"]


async def test_each_step_of_a_film_is_measured() -> None:
    result, films = await measured("PERF-1.04", time_film)
    assert (result.verdict, films) == (Verdict.INFO, 1), result.reason
    assert list(result.measured) == ["associate", "film session", "film box", "image box", "N-ACTION", "all"]
