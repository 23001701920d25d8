"""The cases for an SCU: they agree with the catalogue, their twins fail, and a right client passes."""

from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from scu_twins import CONFUSED, ERASES_IMAGE, MAKES_ANOTHER_FILM, TRIES_AGAIN, TWINS, strays
from wrong_scus import GRAY, Wrong, program

from dimse.data import Dataset
from dimse.message import NSetRQ, encode_command
from dimse.uids import BasicFilmBox, BasicGrayscaleImageBox, ImplicitVRLittleEndian
from dimse.ul import PDV, AssociateRQ, PDataTF, encode_pdu
from dimse.ul.forge import forge_pdu
from dimse.verify import Case, Flags, Level, Options, Role, Run, Unprepared, Verdict, catalogue
from dimse.verify.catalogue import differences
from dimse.verify.scu import SCU_CASES, ScuTarget, Visit, verify_scu
from dimse.verify.scu.visit import OnPDU, Table
from dimse.verify.trace import CaseTrace
from dimse.verify.wire import Wire
from print_mgmt.typed import items
from print_mgmt.verify.scu import PRINT_SCU_CASES, PlainPrinter
from print_mgmt.verify.scu.messages import EarlyFailure

pytestmark = pytest.mark.skips_waits

CASES = (*SCU_CASES, *PRINT_SCU_CASES)
ACTIVE = [case for case in CASES if case.run is not None and case.fails and Flags.TLS not in case.needs]
BAD = (Verdict.FAIL, Verdict.WEAK, Verdict.INCONCLUSIVE, Verdict.ERROR)


async def judged(wrong: Wrong, *cases: Case, patience: float) -> Run:
    target = ScuTarget(patience=patience, program=program(wrong), longest_timer=0)
    return await verify_scu(target, cases, Options(), service=PlainPrinter)


def test_cases_equal_the_catalogue() -> None:
    assert list(differences(CASES)) == []


def test_cases_are_complete() -> None:
    wanted = {entry.id for entry in catalogue().values() if entry.role is not Role.SCP}
    assert wanted == {case.id for case in CASES}


def test_each_active_case_has_a_twin() -> None:
    assert {case.id for case in ACTIVE} == TWINS.keys()


@pytest.mark.parametrize("case", ACTIVE, ids=lambda case: case.id)
async def test_case_fails_for_its_twin(case: Case) -> None:
    run = await judged(TWINS[case.id], case, patience=5.0)
    assert run.stopped == ""
    result = run.results[-1]
    expected = Verdict.FAIL if case.level is Level.MUST else Verdict.WEAK
    assert result.verdict is expected, result.reason


async def test_wrong_context_after_another_order_fails() -> None:
    case = next(case for case in CASES if case.id == "UL-A-8.07")
    result = (await judged(CONFUSED, case, patience=0.25)).results[-1]
    assert (result.verdict, result.reason) == (Verdict.FAIL, "N-GET Printer on the context of Verification SOP Class")


async def test_second_try_after_a_failure_is_right() -> None:
    case = next(case for case in CASES if case.id == "DIMSE-2.06")
    result = (await judged(TRIES_AGAIN, case, patience=0.25)).results[-1]
    assert (result.verdict, result.reason) == (Verdict.PASS, "the SCU tries again")


async def test_new_film_after_a_failure_is_right() -> None:
    case = next(case for case in CASES if case.id == "DIMSE-2.06")
    result = (await judged(MAKES_ANOTHER_FILM, case, patience=0.25)).results[-1]
    assert result.verdict in (Verdict.PASS, Verdict.NON_STRICT), result.reason


def small_image(name: str, data: Dataset) -> Dataset:
    """Return a Data Set whose image, if it has one, fits in one P-DATA-TF of 4096 octets."""
    if name == "NSetRQ":
        (image,) = items(data, "BasicGrayscaleImageSequence")
        image.Rows = image.Columns = 16
        image.PixelData = bytes(256)
    return data


async def test_early_answer_needs_an_image_in_several_pdus() -> None:
    case = next(case for case in CASES if case.id == "DIMSE-2.09")
    result = (await judged(Wrong(data=small_image), case, patience=0.25)).results[-1]
    assert (result.verdict, result.reason) == (Verdict.UNIMPLEMENTED, "no image needs a second P-DATA-TF")


def in_fragments(pdu: bytes) -> bytes:
    """Return a P-DATA-TF with the first 40 bytes of a Command Set, and one with the others."""
    if pdu[0] != 0x04 or not pdu[11] & 1:
        return pdu
    command, context = pdu[12:], pdu[10:11]
    pdvs = (context + b"\1" + command[:40], context + b"\3" + command[40:])
    return b"".join(forge_pdu(4, len(pdv).to_bytes(4, "big") + pdv) for pdv in pdvs)


async def test_early_answer_reaches_a_command_in_fragments() -> None:
    case = next(case for case in CASES if case.id == "DIMSE-2.09")
    result = (await judged(Wrong(octets=in_fragments), case, patience=5.0)).results[-1]
    assert result.reason == "the SCU releases the association, but its exit status is 0"


async def test_early_answer_goes_to_its_own_connection() -> None:
    """A connection sends the N-SET of an image, and then another connection sends a piece of another Data Set."""
    request = NSetRQ(MessageID=7, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID="1.2", Data=b"x")
    other = NSetRQ(MessageID=8, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID="1.3", Data=b"x")
    sent: list[int] = []
    wires: list[Any] = [
        SimpleNamespace(number=number, events=[], say=lambda *_, at=number: sent.append(at)) for number in (1, 2)
    ]
    visit: Any = SimpleNamespace(first_reaction=None, exchanges=[])
    failure = EarlyFailure()

    def hear(number: int, pdv: PDV) -> None:
        failure.hear(visit, wires[number - 1], b"".join(encode_pdu(PDataTF((pdv,)))))

    hear(1, PDV(1, encode_command(request), True, True))
    hear(2, PDV(1, encode_command(other), True, True))
    hear(2, PDV(1, b"data", False, False))
    assert sent == []
    hear(1, PDV(1, b"data", False, False))
    assert sent == [1]


async def test_syntax_counts_only_if_it_is_proposed_for_print() -> None:
    def implicit_print(pdu: AssociateRQ) -> AssociateRQ:
        implicit = (ImplicitVRLittleEndian,)
        contexts = pdu.presentation_contexts
        return replace(
            pdu,
            presentation_contexts=tuple(
                replace(each, transfer_syntaxes=implicit) if each.id == GRAY else each for each in contexts
            ),
        )

    case = next(case for case in CASES if case.id == "ENC-2.01")
    result = (await judged(Wrong(request=implicit_print), case, patience=0.5)).results[-1]
    assert [each.verdict for each in result.subcases] == [Verdict.PASS, Verdict.UNIMPLEMENTED]


@pytest.mark.parametrize("case_id", ["PRN-X-2.02", "ENC-2.03"])
async def test_erased_image_is_right(case_id: str) -> None:
    case = next(case for case in CASES if case.id == case_id)
    result = (await judged(ERASES_IMAGE, case, patience=0.5)).results[-1]
    assert result.verdict is Verdict.PASS, result.reason


@pytest.mark.parametrize(("case_id", "verdict"), [("PRN-L-2.03", Verdict.INFO), ("PRN-X-2.03", Verdict.NON_STRICT)])
async def test_request_on_a_wrong_context_is_no_exchange(case_id: str, verdict: Verdict) -> None:
    case = next(case for case in CASES if case.id == case_id)
    result = (await judged(strays(), case, patience=0.5)).results[-1]
    assert result.verdict is verdict, result.reason


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b"\x10\0\0\x15", b"\x10\1\0\x15", "10H"),
        (b"\x20\0", b"\x20\1", "20H"),
        (b"\1\0\0\0\x30\0", b"\1\0\xff\0\x30\0", "20H"),  # as in DCMTK
        (b"\x40\0\0\x11", b"\x40\1\0\x11", "40H"),
        (b"\x51\0\0\4", b"\x51\1\0\4", "51H"),
    ],
)
async def test_reserved_byte_of_an_item_is_not_strict(old: bytes, new: bytes, kind: str) -> None:
    def changed(pdu: bytes) -> bytes:
        return pdu[:74] + pdu[74:].replace(old, new, 1) if pdu[0] == 0x01 else pdu

    case = next(case for case in CASES if case.id == "UL-A-7.01")
    result = (await judged(Wrong(octets=changed), case, patience=5.0)).results[-1]
    assert (result.verdict, result.reason) == (Verdict.NON_STRICT, f"a reserved byte of {kind} is not 0")


async def test_right_client_passes_each_case() -> None:
    run = await judged(Wrong(timer=10.0), *CASES, patience=30.0)
    assert [f"{each.case.id}: {each.reason}" for each in run.results if each.verdict in BAD or each.is_damaged] == []
    assert run.exit_status(strict=True) == 0


async def test_short_silence_gives_no_verdict() -> None:
    case = next(case for case in CASES if case.id == "UL-A-8.11")
    target = ScuTarget(patience=5.0, program=program(TWINS[case.id]))
    run = await verify_scu(target, [case], service=PlainPrinter)
    assert run.results[-1].verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("data", [b"\x04\0\0\0\0\2ab", b"\x04\0\0\0\0\x0a\0\0\0\6\1\3abcd"], ids=["pdu", "command"])
async def test_unreadable_data_of_an_scu_fits_no_image(data: bytes) -> None:
    case = next(case for case in CASES if case.id == "DIMSE-2.09")

    class Peer:
        async def visit(self, table: Table, *, on_pdu: OnPDU, **_: object) -> Visit:
            visit = Visit(dict(table), PlainPrinter, Random(0), 1.0)
            on_pdu(visit, Wire(1, CaseTrace(lambda: 0.0), 1.0, print, print), data)
            return visit

    assert case.run is not None
    with pytest.raises(Unprepared, match="no image needs a second P-DATA-TF"):
        await case.run(Peer())
