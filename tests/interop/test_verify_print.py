"""The cases of print against printers of DCMTK and pynetdicom: exactly the known faults are found."""

import pytest
from peers import Dcmtk
from pynetdicom_printer import PynetdicomPrinter

from dimse.uids import BasicGrayscalePrintManagementMeta
from dimse.verify import CASES, Run, Target, Verdict, verify_scp
from dimse.verify.observation import Silent
from print_mgmt.verify import PRINT_CASES, Claims, PrintOptions

pytestmark = pytest.mark.interop

QUIET = (Verdict.PASS, Verdict.INFO, Verdict.SKIPPED, Verdict.UNIMPLEMENTED)
ALL = ("ENC-*", "PRN-*", "CHS-*")
NO_EVENTS = {"PRN-E-2.06": "INCONCLUSIVE", "PRN-E-2.08": "INCONCLUSIVE"}  # neither printer sends one
DCMPRSCP = {
    "ENC-1.07": "NON-STRICT",  # 0105 for private attributes
    "ENC-1.11": "NON-STRICT",  # two bytes after the last element
    "PRN-L-1.06": "NON-STRICT",  # the layouts of its configuration only
    "PRN-L-1.13": "WEAK",  # 0000 for Action Type ID 2
    "PRN-L-1.15": "NON-STRICT",  # an image cannot be erased
    "PRN-X-1.09": "NON-STRICT",  # 999999999 copies
    "PRN-X-1.11": "NON-STRICT",  # Max Density 65535
    "PRN-X-1.13": "NON-STRICT",  # 0105 for Patient's Name
    "PRN-X-1.17": "NON-STRICT",  # 0000 for too few pixels
    "PRN-X-1.19": "NON-STRICT",  # 0000 for position 99
    "PRN-X-1.21": "NON-STRICT",  # no Requested Decimate/Crop Behavior
    "PRN-X-1.23": "NON-STRICT",  # 0105 for a LUT with neither shape nor table
    "PRN-X-1.24": "NON-STRICT",  # 0105 for a shape that does not exist
    "PRN-X-1.25": "NON-STRICT",  # finds no table in Implicit VR
    "PRN-E-1.03": "NON-STRICT",  # 0105 for optional attributes
    "PRN-E-1.04": "NON-STRICT",  # 0105 for an attribute that no printer has
    **NO_EVENTS,
}
PYNETDICOM = {
    "ENC-1.11": "WEAK",  # 0000 for a Data Set that ends within an element
    "PRN-N-1.07": "NON-STRICT",  # from here on, the printer of the test is judged, not pynetdicom itself
    "PRN-E-1.02": "NON-STRICT",
    "PRN-E-1.04": "NON-STRICT",
    "PRN-E-1.06": "WEAK",
    **NO_EVENTS,
}


async def run_of(port: int, cases: tuple[str, ...], claims: Claims | None = None, seconds: float = 3.0) -> Run:
    options = PrintOptions(cases=cases, claims=claims, max_films=20, slow=False)
    target = Target(host="127.0.0.1", port=port, timeout=seconds)
    return await verify_scp(target, (*CASES, *PRINT_CASES), options)


def found_in(run: Run) -> dict[str, str]:
    return {each.case.id: each.verdict.value for each in run.results if each.verdict not in QUIET or each.is_damaged}


async def test_verify_finds_the_faults_of_dcmprscp(dcmtk: Dcmtk) -> None:
    async with dcmtk.printer("ANY") as port:
        run = await run_of(port, ALL)
    assert found_in(run) == DCMPRSCP
    assert run.exit_status() == 0


async def test_verify_finds_a_class_dcmprscp_should_not_have(dcmtk: Dcmtk) -> None:
    """The configuration of MINI has no Presentation LUT, and dcmprscp serves it."""
    async with dcmtk.printer("MINI") as port:
        run = await run_of(port, ALL, Claims(sop_classes=(BasicGrayscalePrintManagementMeta,)))
    assert found_in(run) == DCMPRSCP | {"PRN-N-1.09": "FAIL"}


async def test_verify_finds_the_faults_of_pynetdicom() -> None:
    with PynetdicomPrinter().listening() as port:
        run = await run_of(port, ("ENC-*", "PRN-N-*", "PRN-E-*", "CHS-*"))
    assert found_in(run) == PYNETDICOM


async def test_pynetdicom_ignores_a_request_without_a_uid() -> None:
    """A Requested SOP Instance UID of zero length: no answer at all."""
    with PynetdicomPrinter().listening() as port:
        run = await run_of(port, ("PRN-E-1.06",), seconds=0.5)
    (_, empty) = next(each for each in run.results if each.case.id == "PRN-E-1.06").subcases
    assert empty.observed == (Silent(),)
