"""The tester against evil printers and print clients: no case hangs or blames the tester, and each run ends."""

import random
from dataclasses import replace

import pytest
from evil import WAYS, Plan
from evil_runs import judge_evil_scp, judge_evil_scu
from hypothesis import given, settings
from hypothesis import strategies as st
from print_twins import Perform, octets_of
from printers import printer

from dimse.message import Response
from dimse.net import Operation
from dimse.verify import Case, Target, Verdict, verify_scp
from print_mgmt import PrintServer
from print_mgmt.verify import PRINT_CASES, PrintOptions
from print_mgmt.verify.scu import PRINT_SCU_CASES, PlainPrinter

pytestmark = pytest.mark.skips_waits

MAX_CHANGES = 4
FEW = settings(max_examples=max(1, settings().max_examples // 5))
PLANS = st.builds(Plan, st.sampled_from(WAYS), st.sampled_from((0, 1, 2, 3, 4, 5, 8)), st.integers(0, 2**32 - 1))


def garbled(data: bytes, dice: random.Random) -> bytes:
    """Return bytes with a few changes, perhaps cut short, and of even length."""
    changed = bytearray(data[: dice.randrange(len(data))] if dice.random() < 0.2 else data)
    for _ in range(dice.randrange(MAX_CHANGES)):
        if changed:
            changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed + b"\0" * (len(changed) % 2))


@pytest.mark.parametrize("seed", [6, 19])
async def test_garbled_data_is_not_a_fault_of_the_tester(seed: int) -> None:
    dice = random.Random(seed)

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        response = await perform(operation)
        if response.Data is None:
            return response
        return replace(response, Data=garbled(octets_of(response.Data), dice) or None)

    async with printer(intercept=intercept) as (server, _):
        target = Target(host=server.host, port=server.port, timeout=0.1, preparation=1.0)
        options = PrintOptions(max_films=20, patience=0.1, slow=False, annotation_format="1")
        run = await verify_scp(target, PRINT_CASES, options)
    assert run.results
    assert [each.reason for each in run.results if each.verdict is Verdict.ERROR] == []


@FEW
@given(st.sampled_from([case for case in PRINT_CASES if case.run is not None]), PLANS)
def test_evil_printer_causes_no_error_of_the_tester(case: Case, plan: Plan) -> None:
    makers = [each.make_listener for each in PRINT_CASES if each.make_listener is not None]
    judge_evil_scp(case, plan, PrintOptions(max_films=20, annotation_format="1"), makers)


@FEW
@given(st.sampled_from([case for case in PRINT_SCU_CASES if case.run is not None]), PLANS)
def test_evil_print_client_causes_no_error_of_the_tester(case: Case, plan: Plan) -> None:
    judge_evil_scu(case, plan, PlainPrinter)
