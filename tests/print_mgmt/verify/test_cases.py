"""The cases of print: they agree with the catalogue, their twins fail, and our own printer passes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from print_twins import INVARIANTS, WRONG, Wrong
from printers import printer

from dimse.verify import Case, Flags, Level, Role, Run, Target, Verdict, catalogue, verify_scp
from dimse.verify.catalogue import differences
from dimse.verify.invariants import Invariants
from dimse.verify.judge import Judge
from dimse.verify.shared import Shared
from print_mgmt.sop import META_CLASSES
from print_mgmt.verify import PRINT_CASES, PrintOptions
from print_mgmt.verify.conversation import Learned

HOST = "127.0.0.1"
BY_ID = {case.id: case for case in PRINT_CASES}
ACTIVE = [case for case in PRINT_CASES if case.run is not None and case.fails]
BUILT = ("PRN-", "CHS-")
BAD = (Verdict.FAIL, Verdict.WEAK, Verdict.INCONCLUSIVE, Verdict.ERROR)
PEER = (
    Flags.ECHO
    | Flags.PRINT
    | Flags.GRAY_META
    | Flags.COLOR_META
    | Flags.PLUT
    | Flags.ANNOTATION
    | Flags.JOBS
    | Flags.CONFIG
    | Flags.TWO_ASSOC
    | Flags.SESSION_ACTION
)
_EVENT = bytes.fromhex("0000 0001 0200 0000 0001")  # Command Field of N-EVENT-REPORT-RQ
_FILMS = 20


@asynccontextmanager
async def relay(port: int) -> AsyncIterator[int]:
    """Pass octets on to a printer; of its octets, none after an event. Yield the port."""
    tasks: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to_printer = await asyncio.open_connection(HOST, port)
        tasks.append(asyncio.create_task(_pass_on(reader, to_printer, is_whole=True)))
        tasks.append(asyncio.create_task(_pass_on(there, writer, is_whole=False)))

    async with await asyncio.start_server(connected, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_whole: bool) -> None:
    is_mute = False
    try:
        while data := await reader.read(1 << 16):
            if not is_mute:
                writer.write(data)
            is_mute = is_mute or (not is_whole and _EVENT in data)
    finally:
        writer.close()


@asynccontextmanager
async def serving(wrong: Wrong) -> AsyncIterator[int]:
    """Run a printer that is wrong; yield its port."""
    async with printer(around=wrong.around) as (server, _):
        if not wrong.is_mute_after_events:
            yield server.port
            return
        async with relay(server.port) as port:
            yield port


def judge(port: int, wrong: Wrong, watch: Invariants) -> Judge:
    options = PrintOptions(max_films=_FILMS, patience=0.2, **wrong.options)
    target = Target(host=HOST, port=port, timeout=0.1, slow_patience=0.2, revival=1.0)
    flags = PEER | options.given()
    shared = Shared(films_left=_FILMS, found={meta: Learned() for meta in META_CLASSES})
    return Judge(target=target, options=options, watch=watch, flags=flags, shared=shared)


def test_cases_say_what_the_catalogue_says() -> None:
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


@pytest.mark.parametrize("case_id", INVARIANTS)
async def test_invariant_fails_for_its_twin(case_id: str) -> None:
    carrier, make = INVARIANTS[case_id]
    wrong, listens = make(), BY_ID[case_id].listens
    assert listens is not None
    watch = Invariants([listens])
    async with serving(wrong) as port:
        await judge(port, wrong, watch).run(BY_ID[carrier])
    assert watch.judge(BY_ID[case_id]).verdict is Verdict.FAIL


async def test_our_printer_passes_each_case() -> None:
    async with printer() as (server, _):
        options = PrintOptions(max_films=_FILMS, annotation_format="1", patience=2.0)
        run = await verify_scp(Target(host=server.host, port=server.port, timeout=1.0), PRINT_CASES, options, run=Run())
    found = [f"{each.case.id}: {each.reason}" for each in run.results if each.verdict in BAD or each.is_damaged]
    assert found == ["PRN-E-2.08: the run saw nothing to judge"]
