"""The cases of TLS for an SCU: their twins fail, and our own client passes, over real TLS."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority, Identity
from peers import free_port
from printers import gray
from wrong_scus import Wrong, program

from dimse.errors import DimseError
from dimse.tls import client_context
from dimse.verify import Options, Run, Verdict
from dimse.verify.scu import SCU_CASES, Ended, ScuTarget, verify_scu
from dimse.verify.scu.client_hello import ClientHello, is_whole, parse
from dimse.verify.tls_material import TLSFiles, hello, server
from print_mgmt import PrintClient
from print_mgmt.verify.scu import PlainPrinter

BY_ID = {case.id: case for case in SCU_CASES if case.id.startswith("TLS-")}
PAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Printer:
    """The tester's certificates, from one authority."""

    ca: Path
    right: Identity
    expired: Path
    other_host: Path

    async def judge(self, run: Callable[[Mapping[str, str]], Any], *cases: str, profile: str = "") -> Run:
        files = TLSFiles(expired=self.expired, other_host=self.other_host)
        target = ScuTarget(patience=2.0, program=run, tls=server(*self.right), files=files, longest_timer=0)
        chosen = [BY_ID[case_id] for case_id in cases or BY_ID]
        return await verify_scu(target, chosen, Options(tls_profile=profile), service=PlainPrinter)


@pytest.fixture(scope="module")
def tester(tmp_path_factory: pytest.TempPathFactory) -> Printer:
    authority = Authority(tmp_path_factory.mktemp("tls"))
    expired = authority.issue("expired", not_before=PAST[0], not_after=PAST[1])
    return Printer(
        authority.ca,
        authority.issue("printer"),
        certificate_with_key(expired),
        certificate_with_key(authority.issue("other", "printer.example")),
    )


def certificate_with_key(identity: Identity) -> Path:
    path = identity.certificate.with_suffix(".both")
    path.write_bytes(identity.certificate.read_bytes() + identity.key.read_bytes())
    return path


def client(ca: Path, *, suites: str = "", checks_host: bool = True, checks: bool = True) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.check_hostname = checks_host and checks
    context.verify_mode = ssl.CERT_REQUIRED if checks else ssl.CERT_NONE
    if suites:
        context.set_ciphers(suites)
    return context


def careless(ca: Path) -> ssl.SSLContext:
    return client(ca, checks=False)


def anonymous(ca: Path) -> ssl.SSLContext:
    return client(ca, suites="ECDHE+AESGCM:aNULL:@SECLEVEL=0")


TWINS: Mapping[str, Callable[[Path], ssl.SSLContext]] = {"TLS-2.01": careless, "TLS-2.02": anonymous}


def test_each_case_has_a_twin() -> None:
    assert BY_ID.keys() == TWINS.keys()


@pytest.mark.parametrize("case_id", TWINS)
async def test_case_fails_for_its_twin(case_id: str, tester: Printer) -> None:
    run = await tester.judge(program(Wrong(timer=1.0, tls=TWINS[case_id](tester.ca))), case_id)
    assert [(each.case.id, each.verdict) for each in run.results] == [(case_id, Verdict.WEAK)], run.stopped


async def test_client_without_aead_fails_by_its_claim(tester: Printer) -> None:
    context = client(tester.ca, suites="ECDHE+AESGCM")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    plain = Wrong(timer=1.0, tls=context)

    async def run(values: Mapping[str, str]) -> Ended:
        if values["case"] == "TLS-2.02":
            context.set_ciphers("ECDHE+AES:!AESGCM:!AESCCM")
        return await program(plain)(values)  # type: ignore[no-any-return]

    result = (await tester.judge(run, "TLS-2.02", profile="B.12")).results[-1]
    assert (result.verdict, "AEAD" in result.reason) == (Verdict.FAIL, True)


async def test_client_that_checks_no_host_is_not_strict(tester: Printer) -> None:
    run = await tester.judge(program(Wrong(timer=1.0, tls=client(tester.ca, checks_host=False))), "TLS-2.01")
    assert run.results[-1].verdict is Verdict.NON_STRICT


async def test_our_client_passes_each_case(tester: Printer) -> None:
    context = client_context(tester.ca)

    async def run(values: Mapping[str, str]) -> Ended:
        try:
            async with PrintClient(values["host"], int(values["port"]), tls=context) as ours:
                await ours.print_images([gray(1)], ImageDisplayFormat=r"STANDARD\1,1")
        except DimseError as exc:
            return Ended(exit=1, stderr=str(exc))
        return Ended(exit=0)

    found = await tester.judge(run, profile="B.12")
    assert {
        each.case.id: (each.verdict, each.reason) for each in found.results if each.verdict is not Verdict.PASS
    } == {}
    assert len(found.results) == len(BY_ID)


@pytest.mark.parametrize("case_id", BY_ID)
async def test_called_title_chooses_the_case_of_the_next_connection(case_id: str, tester: Printer) -> None:
    context, waits, port = client_context(tester.ca), asyncio.Queue[str](), free_port()

    async def print_film(title: str) -> None:
        with suppress(DimseError):
            async with PrintClient("127.0.0.1", port, called_ae_title=title, tls=context) as ours:
                await ours.print_images([gray(1)], ImageDisplayFormat=r"STANDARD\1,1")

    async def person() -> None:
        await waits.get()
        await print_film("ANY-SCP")
        while True:
            title = await waits.get()
            await print_film(title)
            await print_film(title)

    files = TLSFiles(expired=tester.expired, other_host=tester.other_host)
    target = ScuTarget(port=port, patience=2.0, idle=0.05, tls=server(*tester.right), files=files, longest_timer=0)
    running = asyncio.create_task(person())
    found = await verify_scu(
        target, [BY_ID[case_id]], service=PlainPrinter, on_waiting=lambda each, _case, _plain: waits.put_nowait(each)
    )
    running.cancel()
    assert [(each.case.id, each.verdict) for each in found.results] == [(case_id, Verdict.PASS)], found.stopped


def test_hello_is_whole_only_with_its_last_octet() -> None:
    octets = hello()
    assert (is_whole(octets[:3]), is_whole(octets[:-1]), is_whole(octets)) == (False, False, True)


def test_octets_that_are_not_a_hello_are_whole_at_once() -> None:
    assert is_whole(b"\x01\x00")


def test_hello_tells_versions_and_suites() -> None:
    found = parse(hello())
    assert (found.is_modern, found.has_aead, found.forbidden(), found.outdated()) == (True, True, [], [])


def test_cut_off_hello_is_a_decode_error() -> None:
    """Also one that ends exactly before its extensions."""
    octets = hello()
    for size in range(len(octets)):
        with pytest.raises(DimseError, match="ClientHello"):
            parse(octets[:size])


def test_suite_of_tls_1_2_does_not_count_for_tls_1_3() -> None:
    ecdhe_rsa_aes_128_gcm = 0xC02F
    assert not ClientHello((0x0304,), (ecdhe_rsa_aes_128_gcm,), (0,), has_version_list=True).has_aead
