"""The cases of print: they agree with the catalogue, their twins fail, and our own printer passes."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any

import pytest
from print_twins import (
    CONFIGURATION,
    INVARIANTS,
    JOB,
    JOB_REFERENCE,
    WRONG,
    Perform,
    Wrong,
    changes,
    media_without_types,
    of,
    report,
)
from printers import printer
from wrong_printers import FILMS, HOST, judge, serving

from dimse.data import Dataset, Element, Tag
from dimse.message import NActionRQ, NCreateRQ, NGetRQ, Response
from dimse.net import Operation
from dimse.uids import BasicFilmSession, Printer, PrinterInstance, PrintJob
from dimse.verify import Case, Level, Role, Run, Target, Verdict, catalogue, verify_scp
from dimse.verify.catalogue import differences
from dimse.verify.invariants import Invariants
from print_mgmt import PrintServer
from print_mgmt.config import preset
from print_mgmt.verify import PRINT_CASES, PrintOptions

pytestmark = pytest.mark.skips_waits

BY_ID = {case.id: case for case in PRINT_CASES}
ACTIVE = [case for case in PRINT_CASES if case.run is not None and case.fails]
BUILT = ("PRN-", "CHS-", "PERF-1.03", "PERF-1.04")
BAD = (Verdict.FAIL, Verdict.WEAK, Verdict.INCONCLUSIVE, Verdict.ERROR)


def test_cases_equal_the_catalogue() -> None:
    assert list(differences(PRINT_CASES)) == []


def test_categories_are_complete() -> None:
    wanted = {entry.id for entry in catalogue().values() if entry.role is not Role.SCU and entry.id.startswith(BUILT)}
    assert wanted == {case.id for case in PRINT_CASES}


def test_each_active_case_has_a_twin() -> None:
    assert {case.id for case in ACTIVE} == WRONG.keys()


def test_each_invariant_has_a_twin() -> None:
    assert {case.id for case in PRINT_CASES if case.run is None} == INVARIANTS.keys()


@pytest.mark.parametrize("case", ACTIVE, ids=lambda case: case.id)
async def test_case_fails_for_its_twin(case: Case) -> None:
    wrong = WRONG[case.id]()
    async with serving(wrong) as port:
        result = await judge(port, wrong, Invariants()).run(case)
    assert result.verdict is (Verdict.FAIL if case.level is Level.MUST else Verdict.WEAK), result.reason


async def test_label_in_another_character_set_is_the_same_text() -> None:
    def to_unicode(_: Operation, data: Dataset) -> None:
        label = data.get("FilmSessionLabel")
        data.SpecificCharacterSet = "ISO_IR 192"
        data.FilmSessionLabel = label

    wrong = changes(of(NCreateRQ, BasicFilmSession), to_unicode)
    async with serving(wrong) as port:
        result = await judge(port, wrong, Invariants()).run(BY_ID["CHS-1.04"])
    assert result.verdict is Verdict.PASS, result.reason


async def test_abort_for_an_image_that_fits_ends_the_case() -> None:
    wrong = WRONG["PRN-X-1.21"]()
    async with serving(wrong) as port:
        result = await judge(port, wrong, Invariants()).run(BY_ID["PRN-X-1.21"])
    assert result.reason == "expected RSP(C603); got ABORT(0,0)"


async def test_abort_at_the_second_film_box_is_no_earlier_film() -> None:
    wrong = WRONG["PRN-L-1.17"]()
    async with serving(wrong) as port:
        result = await judge(port, wrong, Invariants()).run(BY_ID["PRN-L-1.16"])
    assert result.verdict is Verdict.WEAK, result.reason


@pytest.mark.parametrize("refused", ["", r"STANDARD\2,2"])
async def test_wrong_position_is_tested_in_four_boxes(refused: str) -> None:
    """If the printer does not support this layout, another one replaces it."""
    created: set[str] = set()

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        data = operation.dataset() if isinstance(operation.message, NCreateRQ) else None
        if data is not None and "ImageDisplayFormat" in data:
            layout = str(data["ImageDisplayFormat"].value)
            if layout == refused:
                return operation.reply(0x0106)
            created.add(layout)
        return await perform(operation)

    wrong = Wrong(intercept=intercept)
    async with serving(wrong) as port:
        result = await judge(port, wrong, Invariants()).run(BY_ID["PRN-X-1.19"])
    assert result.verdict is Verdict.PASS, result.reason
    assert created == {r"STANDARD\1,1" if refused else r"STANDARD\2,2"}


async def test_medium_without_a_type_is_not_tried() -> None:
    wrong = changes(CONFIGURATION, media_without_types)
    async with serving(wrong) as port:
        result = await judge(port, wrong, Invariants()).run(BY_ID["PRN-E-1.08"])
    assert result.verdict is Verdict.PASS, result.reason


async def test_log_shows_the_bytes_of_a_value() -> None:
    def private(_: Operation, data: Dataset) -> None:
        data.add(Element(Tag(0x00091001), "UN", b"bytes "))

    wrong = changes(of(NGetRQ, Printer), private)
    async with serving(wrong) as port:
        result = await judge(port, wrong, Invariants()).run(BY_ID["PRN-E-1.01"])
    assert "(0009,1001) b'bytes '" in result.assertions[-1].seen


@pytest.mark.parametrize("case_id", INVARIANTS)
async def test_invariant_fails_for_its_twin(case_id: str) -> None:
    carrier, make = INVARIANTS[case_id]
    wrong, make_listener = make(), BY_ID[case_id].make_listener
    assert make_listener is not None
    watch = Invariants([make_listener])
    async with serving(wrong) as port:
        await judge(port, wrong, watch).run(BY_ID[carrier])
    assert watch.judge(BY_ID[case_id]).verdict is Verdict.FAIL


def reports_at_job(*events: tuple[str, str, int], goes_on: bool = False) -> Wrong:
    """Return a printer with an invented job, whose first N-GET sends these events.

    They are given by SOP Class, instance and type. Later, the job does not exist, unless it ``goes_on``.
    """
    asked: list[Operation] = []

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        message = operation.message
        if isinstance(message, NActionRQ):
            job = Dataset(ReferencedSOPClassUID=PrintJob, ReferencedSOPInstanceUID=JOB)
            return operation.reply(dataset=Dataset(**{JOB_REFERENCE: [job]}))
        if not (isinstance(message, NGetRQ) and message.RequestedSOPClassUID == PrintJob):
            return await perform(operation)
        if asked and not goes_on:
            return operation.reply(0x0112)
        for sop_class, uid, number in () if asked else events:
            info = "ExecutionStatusInfo" if sop_class == PrintJob else "PrinterStatusInfo"
            values = {} if (sop_class, number) == (Printer, 1) else {info: "FILM JAM"}
            await report(operation.association, sop_class, uid, number, **values)
        asked.append(operation)
        return operation.reply(dataset=Dataset(ExecutionStatus="PRINTING", ExecutionStatusInfo="NORMAL"))

    return Wrong(intercept=intercept, options={"patience": 0.1})


@pytest.mark.parametrize("case_id", ["PRN-E-2.03", "PRN-E-2.05"])
async def test_printer_event_after_a_job_is_not_of_the_job(case_id: str) -> None:
    """PS3.4 H.4.6.2.1.2: a printer tells its status at any time."""
    right = reports_at_job((PrintJob, JOB, 2), (PrintJob, JOB, 3), (Printer, PrinterInstance, 1))
    async with serving(right) as port:
        result = await judge(port, right, Invariants()).run(BY_ID[case_id])
    assert result.verdict is Verdict.PASS, result.reason


async def test_failure_of_the_printer_is_not_the_end_of_a_job() -> None:
    """Event Type ID 3 of a printer is Failure; 3 of a job is Done."""
    right = reports_at_job((Printer, PrinterInstance, 3), goes_on=True)
    async with serving(right) as port:
        result = await judge(port, right, Invariants()).run(BY_ID["PRN-E-2.05"])
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "neither Done nor Failure was reported")


async def test_end_of_another_job_is_not_the_end_of_the_job() -> None:
    right = reports_at_job((PrintJob, "2.25.78", 3), goes_on=True)
    async with serving(right) as port:
        result = await judge(port, right, Invariants()).run(BY_ID["PRN-E-2.05"])
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "neither Done nor Failure was reported")


@pytest.mark.parametrize(("count", "verdict"), [(1, Verdict.PASS), (4, Verdict.PASS), (5, Verdict.INCONCLUSIVE)])
async def test_printer_event_on_another_association_is_right(count: int, verdict: Verdict) -> None:
    """PS3.4 H.4.6.2.1.2: a printer tells its status to all SCUs, ``count`` times for each of two films. 8 may come."""
    infos = cycle(("SUPPLY LOW", "RECEIVER FULL"))

    async def intercept(server: PrintServer, operation: Operation, perform: Perform) -> Response:
        if isinstance(operation.message, NActionRQ):
            for _ in range(count):
                server.printer_state.set("WARNING", next(infos))
        return await perform(operation)

    right = Wrong(intercept=intercept, options={"patience": 0.1})
    async with serving(right) as port:
        result = await judge(port, right, Invariants()).run(BY_ID["PRN-E-2.04"])
    assert result.verdict is verdict, result.reason


@asynccontextmanager
async def hook(server: PrintServer) -> AsyncIterator[tuple[str, ...]]:
    """Yield a command that changes the state of a printer; its last argument is the state."""
    states = {b"warning": ("WARNING", "SUPPLY LOW"), b"normal": ("NORMAL", "NORMAL")}

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.printer_state.set(*states[await reader.read()])
        writer.close()

    async with await asyncio.start_server(connected, HOST, 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        code = (
            f"import socket, sys; line = socket.create_connection(('{HOST}', {port})); "
            "line.sendall(sys.argv[1].encode()); line.shutdown(socket.SHUT_WR); line.recv(1)"
        )
        yield sys.executable, "-c", code


async def found_in(server: PrintServer, **options: Any) -> list[str]:
    """Return the findings of the cases of print in our own printer."""
    chosen = PrintOptions(max_films=FILMS, exclude=("PERF-*",), **options)
    target = Target(host=server.host, port=server.port)
    run = await verify_scp(target, PRINT_CASES, chosen, run=Run())
    return [f"{each.case.id}: {each.reason}" for each in run.results if each.verdict in BAD or each.is_damaged]


async def test_our_printer_passes_each_case() -> None:
    async with printer() as (server, _), hook(server) as command:
        assert await found_in(server, annotation_format="1", event_command=command) == []


async def test_event_command_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    created, create = list[asyncio.subprocess.Process](), asyncio.create_subprocess_exec

    async def keep(*words: str, **options: Any) -> asyncio.subprocess.Process:
        created.append(await create(*words, **options))
        return created[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", keep)
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    async with printer() as (server, _):
        run = await verify_scp(
            Target(host=server.host, port=server.port),
            PRINT_CASES,
            PrintOptions(cases=("PRN-E-2.09",), event_command=command, patience=0.1),
        )
    reasons = [each.reason for each in run.results if each.case.id == "PRN-E-2.09"]
    assert reasons == ["--event-command warning did not end within 0.1 s"]
    assert [process.returncode for process in created] == [-signal.SIGKILL]


@pytest.mark.parametrize("name", ["strict", "minimal", "kodak-8700"])
async def test_our_preset_passes_each_case(name: str) -> None:
    without_event = {f"PRN-E-2.{number}: the peer sent nothing that this case judges" for number in ("06", "08")}
    async with printer(config=preset(name)) as (server, _):
        assert set(await found_in(server)) <= without_event
