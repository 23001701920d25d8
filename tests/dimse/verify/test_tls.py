"""The cases of TLS for an SCP: their twins fail, and our own server passes, over real TLS."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from certificates import Authority, Identity
from printers import printer
from twin import HOST, Twin, serving
from twins.common import P_DATA, ignores
from twins.ul_f import dies_of_lost

from dimse.limits import Timeouts
from dimse.tls import client_context, server_context
from dimse.ul import State
from dimse.verify import CASES, Case, Flags, Level, Options, Result, Target, Verdict, verify_scp
from dimse.verify.invariants import Invariants
from dimse.verify.judge import Judge
from dimse.verify.tls_material import TLSFiles, server
from dimse.verify.verdict import CloseVerdict

BY_ID = {case.id: case for case in CASES if case.id.startswith("TLS-")}
QUICK = Target(host=HOST, port=0, timeout=0.05, artim=0.1, slow_patience=0.2, revival=0.1)
PAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Identities:
    """The certificates of the tester and of its peers, from one authority."""

    ca: Path
    server: Identity
    client: Identity
    expired: Path

    def client_context(self) -> ssl.SSLContext:
        found = client_context(self.ca, *self.client)
        assert isinstance(found, ssl.SSLContext)
        return found

    def target(self, port: int) -> Target:
        files = TLSFiles(certificate=self.client.certificate, key=self.client.key, expired=self.expired)
        return replace(QUICK, port=port, tls=self.client_context(), files=files)


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    authority = Authority(tmp_path_factory.mktemp("tls"))
    expired = authority.issue("expired", not_before=PAST[0], not_after=PAST[1])
    both = expired.certificate.with_name("both.pem")
    both.write_bytes(expired.certificate.read_bytes() + expired.key.read_bytes())
    return Identities(authority.ca, authority.issue("server"), authority.issue("client"), both)


def usual(identities: Identities) -> ssl.SSLContext:
    return server(*identities.server)


def outdated(identities: Identities) -> ssl.SSLContext:
    context = usual(identities)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def cbc_only(identities: Identities) -> ssl.SSLContext:
    context = usual(identities)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AES:!AESGCM:!AESCCM")
    return context


def none(_: Identities) -> None:
    return None


TWINS: Mapping[str, tuple[Callable[[], Twin], Callable[[Identities], ssl.SSLContext | None]]] = {
    "TLS-1.01": (lambda: ignores(P_DATA), usual),
    "TLS-1.02": (Twin, outdated),
    "TLS-1.03": (Twin, none),
    "TLS-1.04": (Twin, usual),
    "TLS-1.05": (Twin, usual),
    "TLS-1.06": (lambda: dies_of_lost(State.Sta6), usual),
}


async def judged(case: Case, target: Target, options: Options | None = None) -> Result:
    judge = Judge(target=target, options=options or Options(), watch=Invariants(), flags=Flags.TLS | Flags.CLIENT_CERT)
    return await judge.run(case)


async def found_in(case_id: str, identities: Identities, options: Options | None = None) -> Result:
    twin, context = TWINS[case_id]
    async with serving(twin(), context(identities)) as port:
        return await judged(BY_ID[case_id], identities.target(port), options)


def test_each_case_has_a_twin() -> None:
    assert BY_ID.keys() == TWINS.keys()


@pytest.mark.parametrize("case_id", TWINS)
async def test_case_fails_for_its_twin(case_id: str, identities: Identities) -> None:
    result = await found_in(case_id, identities, Options(tls_profile="B.12"))
    is_must = BY_ID[case_id].level is Level.MUST or case_id == "TLS-1.02"
    assert result.verdict is (Verdict.FAIL if is_must else Verdict.WEAK), result.reason


async def test_old_tls_version_fails_only_against_a_claim(identities: Identities) -> None:
    assert (await found_in("TLS-1.02", identities)).verdict is Verdict.NON_STRICT


async def test_peer_with_cbc_suites_only_is_not_strict(identities: Identities) -> None:
    async with serving(Twin(), cbc_only(identities)) as port:
        result = await judged(BY_ID["TLS-1.01"], identities.target(port))
    assert result.verdict is Verdict.NON_STRICT


async def test_handshake_without_association_is_not_judged_by_its_end(identities: Identities) -> None:
    async with serving(Twin(), usual(identities)) as port:
        result = await judged(BY_ID["TLS-1.01"], identities.target(port))
    assert (result.verdict, result.close) == (Verdict.PASS, CloseVerdict.CLEAN)


async def test_right_certificate_refused_after_the_handshake_is_weak(identities: Identities, tmp_path: Path) -> None:
    """In TLS 1.3, the client has finished the handshake before the server judges its certificate."""
    context = usual(identities)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(Authority(tmp_path).ca)
    async with serving(Twin(), context) as port:
        result = await judged(BY_ID["TLS-1.04"], identities.target(port))
    assert result.verdict is Verdict.WEAK
    assert result.reason == "the right one: no association with the right certificate: CLOSED"


async def test_our_printer_passes_each_case(identities: Identities) -> None:
    context = server_context(*identities.server, ca=identities.ca)
    async with printer(tls=context, timeouts=Timeouts(connect=0.5)) as (ours, _):
        target = replace(identities.target(ours.port), timeout=1.0, artim=3.0, slow_patience=5.0, revival=3.0)
        run = await verify_scp(target, BY_ID.values(), Options(tls_profile="B.12"))
    found = {result.case.id: (result.verdict, result.reason) for result in run.results}
    assert {case_id: verdict for case_id, (verdict, _) in found.items()} == dict.fromkeys(BY_ID, Verdict.PASS), found
