"""Options of a run with cases of print: films, claims, and values that the printer accepts."""

from dataclasses import replace
from typing import Any

import pytest
from print_twins import Perform, Wrong, changes, lies, of
from printers import printer
from twin import Twin
from twin import serving as serving_twin
from wrong_printers import FILMS, judge, serving

from dimse.data import Dataset
from dimse.message import NActionRQ, NCreateRQ, NGetRQ, NSetRQ, Request, Response
from dimse.net import Operation
from dimse.uids import BasicFilmBox, ImplicitVRLittleEndian, PrinterConfigurationRetrieval
from dimse.verify import Run, Target, Verdict, verify_scp
from dimse.verify.invariants import Invariants
from print_mgmt import PrintServer
from print_mgmt.config import Medium, PrinterConfig
from print_mgmt.sop import ACCEPTED_SYNTAXES, SOP_CLASSES
from print_mgmt.verify import PRINT_CASES, Claims, PrintOptions
from print_mgmt.verify.conversation import items_of

pytestmark = pytest.mark.skips_waits

BY_ID = {case.id: case for case in PRINT_CASES}


async def run_of(server: PrintServer, **options: Any) -> Run:
    """Return the run of the cases of print against our own printer."""
    return await verify_scp(Target(host=server.host, port=server.port), PRINT_CASES, PrintOptions(**options))


async def test_run_without_films_prints_nothing() -> None:
    async with printer() as (server, films):
        run = await verify_scp(
            Target(host=server.host, port=server.port), PRINT_CASES, PrintOptions(cases=("PRN-L-*",))
        )
    assert (films, run.films) == ([], 0)
    skipped = {each.case.id for each in run.results if each.verdict is Verdict.SKIPPED}
    assert skipped >= {"PRN-L-1.08", "PRN-L-1.09", "PRN-L-1.10", "PRN-L-1.12", "PRN-L-1.13", "PRN-L-1.22", "PRN-L-1.28"}


async def test_one_film_serves_six_cases() -> None:
    chosen = ("PRN-L-1.08", "PRN-L-1.09", "PRN-E-2.01", "PRN-E-2.02", "PRN-E-2.03", "PRN-E-2.05")
    async with printer() as (server, films):
        run = await run_of(server, cases=chosen, max_films=1)
    assert (len(films), run.films) == (1, 1)
    assert {each.case.id: each.verdict for each in run.results} == dict.fromkeys(chosen, Verdict.PASS)


async def test_run_with_no_film_sends_no_action() -> None:
    asked: list[type[Request]] = []

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        asked.append(type(operation.message))
        return await perform(operation)

    async with printer(intercept=intercept) as (server, _):
        await run_of(server, cases=("PRN-L-*",), no_film=True, max_films=FILMS)
    assert NSetRQ in asked
    assert NActionRQ not in asked


async def test_printer_without_a_meta_class_is_unimplemented() -> None:
    case = BY_ID["PRN-N-1.01"]
    async with serving_twin(Twin(accepts=lambda ac, _: replace(ac, presentation_contexts=()))) as port:
        result = await judge(port, Wrong(), Invariants()).run(case)
    assert result.verdict is Verdict.UNIMPLEMENTED


async def test_claims_of_our_printer_are_true() -> None:
    claims = Claims(
        sop_classes=tuple(SOP_CLASSES.values()),
        transfer_syntaxes=ACCEPTED_SYNTAXES,
        checks_called=False,
        checks_calling=False,
        session_action=True,
        lut_descriptors=("256\\0\\12", "4096\\0\\16"),
        medium_types=("BLUE FILM",),
        destinations=("MAGAZINE",),
        film_sizes=("14INX17IN",),
        display_formats=("STANDARD\\1,1", "STANDARD\\2,3"),
        max_density=300,
        annotation_formats=("LABEL",),
        bit_depths=(8, 12),
        max_associations=3,
        user_identity=False,
    )
    async with printer() as (server, _):
        options = PrintOptions(claims=claims)
        result = await judge(server.port, Wrong(options={"claims": options.claims}), Invariants()).run(
            BY_ID["PRN-N-1.09"]
        )
    assert [each.verdict for each in result.subcases] == [Verdict.PASS] * 15, result.reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transfer_syntaxes", (ImplicitVRLittleEndian,)),
        ("checks_called", True),
        ("checks_calling", True),
        ("session_action", False),
        ("lut_descriptors", ("100\\0\\12",)),
        ("medium_types", ("BLUE FILM", "PARCHMENT")),
        ("destinations", ("MOON",)),
        ("film_sizes", ("1INX1IN",)),
        ("display_formats", ("SLIDE", "STANDARD\\99,99")),
        ("user_identity", True),
    ],
)
async def test_false_claim_fails(name: str, value: Any) -> None:
    async with printer() as (server, _):
        wrong = Wrong(options={"claims": Claims(**{name: value})})
        result = await judge(server.port, wrong, Invariants()).run(BY_ID["PRN-N-1.09"])
    assert result.verdict is Verdict.FAIL
    assert result.reason.startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("depths", "verdict", "reason"),
    [
        ((16, 8), Verdict.FAIL, "8 is claimed, but refused"),
        ((16, 12), Verdict.PASS, "bit_depths as claimed"),
        ((16,), Verdict.SKIPPED, "images of print have 8 or 12 bits, and neither is claimed"),
    ],
)
async def test_claimed_depths_of_print_are_judged(depths: tuple[int, ...], verdict: Verdict, reason: str) -> None:
    async with printer(config=PrinterConfig(BitsStored=(12,))) as (server, _):
        wrong = Wrong(options={"claims": Claims(bit_depths=depths)})
        result = await judge(server.port, wrong, Invariants()).run(BY_ID["PRN-N-1.09"])
    found = next(each for each in result.subcases if each.name == "bit_depths")
    assert (found.verdict, found.reason.startswith(reason)) == (verdict, True), found.reason


MEDIA = (
    Medium(MediumType="PAPER", FilmSizeID=("A4",), MaxDensity=200),
    Medium(MediumType="BLUE FILM", FilmSizeID=("14INX17IN",), MaxDensity=320),
)


@pytest.mark.parametrize(
    ("name", "value"), [("film_sizes", ("A4", "14INX17IN")), ("max_density", 320), ("display_formats", (r"ROW\1,2",))]
)
async def test_claimed_value_of_some_media_passes(name: str, value: Any) -> None:
    """The size and the density exist only on the second medium."""
    claims = replace(Claims(medium_types=("PAPER", "BLUE FILM"), film_sizes=("A4", "14INX17IN")), **{name: value})
    async with printer(config=PrinterConfig(media=MEDIA)) as (server, _):
        result = await judge(server.port, Wrong(options={"claims": claims}), Invariants()).run(BY_ID["PRN-N-1.09"])
    found = next(each for each in result.subcases if each.name == name)
    assert found.verdict is Verdict.PASS, found.reason


SIZES = ("8INX10IN", "10INX12IN", "10INX14IN", "11INX14IN", "11INX17IN", "14INX14IN", "14INX17IN", "24CMX24CM")
MANY_SIZES = (*SIZES, "24CMX30CM", "A4", "8_5INX11IN")


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [("film_sizes", (*MANY_SIZES, "A3"), Verdict.PASS), ("max_density", 320, Verdict.SKIPPED)],
)
async def test_claimed_value_of_the_last_of_many_media_is_not_broken(name: str, value: Any, verdict: Verdict) -> None:
    """A size is tried on all media; a density is tried only on the first pairs of a medium and a size."""
    types = tuple(f"TYPE {number}" for number in range(10))
    media = [Medium(MediumType=each, FilmSizeID=MANY_SIZES, MaxDensity=200) for each in types[:-1]]
    last = Medium(MediumType=types[-1], FilmSizeID=("A3",), MaxDensity=320)
    claims = replace(Claims(medium_types=types, film_sizes=MANY_SIZES), **{name: value})
    async with printer(config=PrinterConfig(media=(*media, last))) as (server, _):
        result = await judge(server.port, Wrong(options={"claims": claims}), Invariants()).run(BY_ID["PRN-N-1.09"])
    found = next(each for each in result.subcases if each.name == name)
    assert found.verdict is verdict, found.reason


async def test_claimed_value_passes() -> None:
    wrong = replace(lies(), options={"claims": Claims(medium_types=("PARCHMENT",))})
    async with serving(wrong) as port:
        result = await judge(port, wrong, Invariants()).run(BY_ID["PRN-X-1.08"])
    by_name = {each.name: each.verdict for each in result.subcases}
    assert by_name["MediumType PARCHMENT"] is Verdict.PASS
    assert by_name["FilmDestination MOON"] is Verdict.FAIL


async def test_printer_of_12_bits_is_judged_by_12_bits() -> None:
    async with printer(config=PrinterConfig(BitsStored=(12,))) as (server, _):
        run = await run_of(server, cases=("PRN-L-1.07", "PRN-X-1.16"))
    assert [each.verdict for each in run.results] == [Verdict.PASS, Verdict.PASS]


async def test_printer_of_another_layout_is_judged_by_its_layout() -> None:
    config = PrinterConfig(ImageDisplayFormat=("STANDARD\\2,2",))
    async with printer(config=config) as (server, _):
        run = await run_of(server, cases=("PRN-L-1.0[67]", "PRN-X-1.20"))
    assert [each.verdict for each in run.results] == [Verdict.NON_STRICT, Verdict.PASS, Verdict.PASS]


async def test_configured_format_without_a_layout_is_not_tried() -> None:
    def without_first_layout(_: Operation, data: Dataset) -> None:
        for item in items_of(data, "PrinterConfigurationSequence"):
            for entry in items_of(item, "SupportedImageDisplayFormatsSequence"):
                if entry.get("ImageDisplayFormat") == "STANDARD\\1,2":
                    del entry["ImageDisplayFormat"]

    asked: list[object] = []
    changed = changes(of(NGetRQ, PrinterConfigurationRetrieval), without_first_layout)

    async def intercept(server: PrintServer, operation: Operation, perform: Perform) -> Response:
        message = operation.message
        if isinstance(message, NCreateRQ) and message.AffectedSOPClassUID == BasicFilmBox:
            asked.append((operation.dataset() or Dataset()).get("ImageDisplayFormat"))
        return await changed.intercept(server, operation, perform)

    config = PrinterConfig(ImageDisplayFormat=("STANDARD\\1,2", "STANDARD\\2,2"))
    async with printer(config=config, intercept=intercept) as (server, _):
        await run_of(server, cases=("PRN-L-1.07",))
    assert asked[:2] == ["STANDARD\\1,1", "STANDARD\\2,2"]


async def test_named_layout_is_used_after_a_failure() -> None:
    asked: list[object] = []

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        message = operation.message
        if isinstance(message, NCreateRQ) and message.AffectedSOPClassUID == BasicFilmBox:
            asked.append((operation.dataset() or Dataset()).get("ImageDisplayFormat"))
            if len(asked) == 1:
                return operation.reply(0x0110)
        return await perform(operation)

    async with printer(intercept=intercept) as (server, _):
        await run_of(server, cases=("PRN-L-1.07",), display_format="STANDARD\\1,2")
    assert len(asked) > 1
    assert set(asked) == {"STANDARD\\1,2"}


async def test_parallel_cases_give_the_same_verdicts() -> None:
    async def verdicts(jobs: int) -> list[tuple[str, Verdict]]:
        async with printer() as (server, _):
            run = await run_of(server, cases=("PRN-L-1.0*",), jobs=jobs)
        return sorted((result.case.id, result.verdict) for result in run.results)

    assert await verdicts(4) == await verdicts(1)
