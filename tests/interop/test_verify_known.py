"""Known faults of independent programs: the tester finds each of them, and reports no other faults.

Cases that wait for a timer of the program are here only if the program lets us make it short; `make verify-matrix` runs
all of them.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from peers import PATIENCE, Dcmtk, need, program, running
from verified_peers import PEERS, Place, VerifiedPeer

from dimse.verify import CASES, Options, Run, Target, Verdict, verify_scp
from dimse.verify.scu import SCU_CASES, Command, ScuTarget, verify_scu
from print_mgmt.verify import PRINT_CASES, PrintOptions
from print_mgmt.verify.scu import PRINT_SCU_CASES, PlainPrinter

pytestmark = pytest.mark.interop

PEERS_FOLDER = Path(sys.prefix) / "peers"  # of tools/peers.py
_ATTEMPTS = 3
DCMTK_SCP = {
    "UL-A-1.04": "FAIL",  # bytes 43-74 of the request are not sent back
    "UL-A-4.05": "WEAK",  # a request without contexts is not answered
    "UL-A-3.02": "INFO",  # any called AE title is right
    "UL-F-1.08": "NON-STRICT",  # a reset without A-ABORT
    "UL-F-2.05": "NON-STRICT",  # A-ABORT source 0, where 2 is due
    "UL-P-1.12": "NON-STRICT",
    "DIMSE-1.07": "NON-STRICT",  # A-ABORT upon C-CANCEL
    "DIMSE-1.08": "NON-STRICT",  # a C-ECHO of another class succeeds
    # right, although each is often called a fault
    "UL-A-2.01": "PASS",
    "UL-A-2.02": "PASS",
    "UL-A-4.01": "PASS",
    "UL-F-2.06": "PASS",
}
ORTHANC = {name: verdict for name, verdict in DCMTK_SCP.items() if name not in ("UL-A-3.02", "DIMSE-1.07")}
PYNETDICOM_SCP = {
    "UL-A-1.04": "FAIL",
    "UL-A-2.01": "FAIL",  # protocol-version 3 is rejected
    "UL-A-5.04": "FAIL",  # an unknown sub-item ends in an A-ABORT
    "UL-A-5.05": "FAIL",  # and so does an unknown item
    "UL-P-1.13": "NON-STRICT",  # a P-DATA-TF without a PDV is ignored
    "UL-P-1.14": "NON-STRICT",  # one over its own Maximum Length is taken
    "UL-A-2.03": "PASS",  # an unknown application context is accepted, and the DICOM one is named
    "UL-A-2.02": "PASS",
    "UL-F-2.06": "PASS",
}
CTN_SCP = {
    "UL-A-1.04": "FAIL",
    "UL-A-4.01": "NON-STRICT",  # result 1 for an unknown abstract syntax
    "UL-F-2.05": "NON-STRICT",  # a reset without A-ABORT
    "DIMSE-1.13": "FAIL",  # N-GET of a Printer instance that does not exist succeeds
    "ENC-1.02": "FAIL",  # accepts Explicit VR, and reads Implicit VR
    "PRN-N-1.03": "FAIL",  # the image boxes are of the Meta class
    "PRN-L-1.04": "FAIL",  # a second film session on the association
    "PRN-X-1.01": "FAIL",  # closes the connection if a mandatory attribute is missing
    "PRN-X-1.08": "FAIL",  # 0000 for each value that nobody supports
    "PRN-X-1.09": "FAIL",
    "PRN-X-1.10": "FAIL",
    "UL-A-2.01": "PASS",
    "UL-A-2.03": "PASS",
    "PRN-N-1.02": "PASS",
}
CTN_SCU = {
    "UL-F-5.04": "FAIL DAMAGED",  # an A-ASSOCIATE-RQ instead of the answer: signal 6
    "UL-P-3.05": "FAIL",  # the second PDV of a P-DATA-TF is not read
    "DIMSE-2.04": "FAIL",  # ends without Affected SOP UIDs in a response
    "PRN-E-3.01": "FAIL",  # an event of the printer is not confirmed
    "UL-A-7.01": "PASS",
    "UL-A-8.01": "PASS",
    "UL-F-5.01": "PASS",
}
DCMPRSCU = {
    "UL-A-7.01": "NON-STRICT",  # FFH in a reserved byte of item 20H
    "UL-A-8.02": "INFO",  # exit status 0, whatever happens
    "UL-F-6.06": "FAIL",  # a release by the printer closes the connection without an A-RELEASE-RP
    "UL-F-7.01": "FAIL",  # and so does a release collision
    "UL-P-3.05": "FAIL",  # the second PDV of a Data Set in one P-DATA-TF is not read
    "UL-A-8.05": "PASS",
    "PRN-L-2.01": "PASS",
}
DCMJS_SCP = {
    "UL-A-1.04": "FAIL",
    "UL-A-2.02": "FAIL",  # a request without bit 0 of Protocol-version is accepted
    "UL-F-1.05": "FAIL",  # A-RELEASE-RP without an association
    "UL-F-2.03": "FAIL",  # a second A-ASSOCIATE-RQ is accepted
    "UL-P-1.09": "WEAK",  # C-ECHO on a context that was refused succeeds
    # right, because the script closes the connection: the library leaves this to its users
    "UL-F-1.07": "PASS",
    "UL-F-2.06": "PASS",
    "UL-F-2.07": "PASS",
    "UL-A-1.02": "PASS",
    "DIMSE-1.01": "PASS",
}
PYDCM_SCU = {
    "UL-A-8.06": "FAIL",  # an unknown item in the A-ASSOCIATE-AC ends the association
    "PRN-E-3.01": "FAIL",  # an event of the printer is not confirmed, and taken for the response
    "DIMSE-2.02": "WEAK",  # a response to another Message ID is taken
    "UL-A-7.01": "PASS",
    "PRN-L-2.01": "PASS",
}
PYNETDICOM_SCU = {
    "UL-A-8.06": "FAIL",  # an unknown item in the A-ASSOCIATE-AC ends the association
    "UL-A-7.01": "PASS",
    "UL-A-8.05": "PASS",
    "PRN-L-2.01": "PASS",
}
DCMJS_SCU = {
    "UL-F-6.01": "FAIL",  # a second A-ASSOCIATE-AC starts all requests again
    "UL-A-7.01": "PASS",
    "PRN-L-2.01": "PASS",
}
ECHOSCU = {"UL-F-7.01": "FAIL", "UL-A-7.01": "NON-STRICT", "UL-A-8.05": "PASS"}


def peer_of(key: str) -> VerifiedPeer:
    return next(peer for peer in PEERS if peer.key == key)


@asynccontextmanager
async def listening(key: str, folder: Path, *more: str) -> AsyncIterator[Target]:
    """Run an SCP of the matrix, with ``more`` arguments; yield it as a target."""
    peer, place = peer_of(key), Place.new(folder, PEERS_FOLDER)
    words = [*(f"{name}={value}" for name, value in peer.environment(place).items()), *peer.words(place), *more]
    async with running("env", *words, cwd=place.folder, output=asyncio.subprocess.DEVNULL):
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", place.port)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        writer.close()
        yield Target(host="127.0.0.1", port=place.port, called=peer.ae, timeout=1.0, artim=3.0)


def need_installed(path: Path) -> None:
    """Skip the test, or fail it in CI, if a peer of tools/peers.py is missing."""
    if path.exists():
        return
    reason = f"{path.name} is not installed: python tools/peers.py {PEERS_FOLDER}"
    if os.environ.get("DIMSE_INTEROP_REQUIRED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def found_in(run: Run, known: dict[str, str]) -> dict[str, str]:
    assert run.results, run.stopped
    marks = ((each, " DAMAGED" if each.is_damaged else "") for each in run.results)
    return {each.case.id: each.verdict.value + mark for each, mark in marks if each.case.id in known}


async def scp(key: str, known: dict[str, str], folder: Path) -> dict[str, str]:
    async with listening(key, folder) as target:
        options = PrintOptions(cases=tuple(known), slow=False)
        return found_in(await verify_scp(target, (*CASES, *PRINT_CASES), options), known)


async def scu(key: str, known: dict[str, str], folder: Path) -> dict[str, str]:
    peer, place = peer_of(key), Place.new(folder, PEERS_FOLDER)
    peer.prepare(place)
    target = ScuTarget(port=place.port, program=Command(tuple(peer.words(place))))
    cases = (*SCU_CASES, *PRINT_SCU_CASES)
    for _ in range(_ATTEMPTS):  # pynetdicom sometimes does not hear an A-RELEASE-RP on a busy machine
        run = await verify_scu(target, cases, Options(cases=tuple(known)), service=PlainPrinter)
        if not run.stopped:
            break
    return found_in(run, known)


@pytest.mark.usefixtures("dcmtk")
@pytest.mark.parametrize(("key", "known"), [("storescp-scp", DCMTK_SCP), ("orthanc-scp", ORTHANC)])
async def test_faults_of_dcmtk_are_found(key: str, known: dict[str, str], tmp_path: Path) -> None:
    program("Orthanc", "orthanc")
    assert await scp(key, known, tmp_path / "peer") == known


async def test_faults_of_pynetdicom_are_found(tmp_path: Path) -> None:
    need("pynetdicom")
    assert await scp("pynetdicom-scp", PYNETDICOM_SCP, tmp_path / "peer") == PYNETDICOM_SCP


@pytest.mark.usefixtures("dcmtk")
async def test_dcmtk_runs_no_timer_after_an_association(tmp_path: Path) -> None:
    """Its ARTIM is one second here. It waits so long for a request, but without limit for the end of a connection."""
    known = {"UL-F-1.01": "PASS", "UL-F-3.01": "FAIL", "UL-F-3.02": "FAIL"}
    async with listening("storescp-scp", tmp_path / "peer", "-ta", "1") as target:
        quick = replace(target, timeout=0.5, artim=2.0, slow_patience=2.0)
        assert found_in(await verify_scp(quick, CASES, Options(cases=tuple(known))), known) == known


async def test_pynetdicom_does_not_answer_unknown_pdus(tmp_path: Path) -> None:
    """Its timeouts for a request are one second here; the tester waits longer."""
    need("pynetdicom")
    known = {"UL-F-1.08": "FAIL", "ROB-1.02": "WEAK"}
    async with listening("pynetdicom-scp", tmp_path / "peer", "1") as target:
        quick = replace(target, timeout=0.5, artim=1.5)
        assert found_in(await verify_scp(quick, CASES, Options(cases=tuple(known))), known) == known


async def test_faults_of_dcmprscu_are_found(dcmtk: Dcmtk, monkeypatch: pytest.MonkeyPatch) -> None:
    place = dcmtk.folder / "scu"
    place.mkdir()
    monkeypatch.chdir(place)  # its configuration names folders relative to the working directory
    assert await scu("dcmprscu-scu", DCMPRSCU, place) == DCMPRSCU


@pytest.mark.usefixtures("dcmtk")
async def test_faults_of_echoscu_are_found(tmp_path: Path) -> None:
    assert await scu("echoscu-scu", ECHOSCU, tmp_path / "peer") == ECHOSCU


async def test_faults_of_pynetdicom_as_scu_are_found(tmp_path: Path) -> None:
    need("pynetdicom")
    assert await scu("pynetdicom-scu", PYNETDICOM_SCU, tmp_path / "peer") == PYNETDICOM_SCU


async def test_faults_of_dcmjs_as_scu_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_installed(PEERS_FOLDER / "node_modules" / "dcmjs-dimse")
    monkeypatch.setenv("NODE_PATH", str(PEERS_FOLDER / "node_modules"))
    assert await scu("dcmjs-dimse-scu", DCMJS_SCU, tmp_path / "peer") == DCMJS_SCU


async def test_faults_of_dcmjs_are_found(tmp_path: Path) -> None:
    need_installed(PEERS_FOLDER / "node_modules" / "dcmjs-dimse")
    assert await scp("dcmjs-dimse-scp", DCMJS_SCP, tmp_path / "peer") == DCMJS_SCP


async def test_faults_of_pydcm_are_found(tmp_path: Path) -> None:
    need_installed(PEERS_FOLDER / "pydcm" / "bin" / "python")
    assert await scu("pydcm-scu", PYDCM_SCU, tmp_path / "peer") == PYDCM_SCU


def need_ctn() -> None:
    for name, package in (("print_server", "ctn"), ("mariadbd", "mariadb-server-core")):
        program(name, package)


async def test_faults_of_ctn_are_found(tmp_path: Path) -> None:
    need_ctn()
    assert await scp("print_server-scp", CTN_SCP, tmp_path / "ctn") == CTN_SCP


async def test_case_that_ends_ctn_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Implementation Version Name of 30 characters: print_server ends by signal 6, and is started again."""
    need_ctn()
    monkeypatch.chdir(tmp_path)
    peer, place = peer_of("print_server-scp"), Place.new(tmp_path, PEERS_FOLDER)
    target = Target(host="127.0.0.1", port=place.port, called=peer.ae, timeout=1.0, revival=1.0)
    run = await verify_scp(target, CASES, Options(cases=("UL-A-5.11", "UL-F-1.02")), start=peer.words(place))
    damaged = next(each for each in run.results if each.is_damaged)
    assert (damaged.case.id, damaged.reason.rpartition("; ")[2]) == ("UL-A-5.11", "then signal 6 ended the command")
    assert run.results[-1].verdict is Verdict.PASS


async def test_faults_of_ctn_as_scu_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_ctn()
    monkeypatch.chdir(tmp_path)
    assert await scu("print_client-scu", CTN_SCU, tmp_path) == CTN_SCU
