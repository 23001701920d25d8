"""Policies decide on associations (AE-6), and reject them with the reasons of PS3.8 Table 9-21."""

import hmac
from collections.abc import Awaitable
from pathlib import Path

import pytest
from certificates import Authority
from raw import ECHO, SYNTAXES

from dimse.errors import AssociationRejected, EncodeError
from dimse.net import (
    VERIFICATION,
    Acceptance,
    Caller,
    Certificate,
    Decision,
    Policy,
    accept_anyone,
    all_of,
    called_titles,
    calling_titles,
    certificate_titles,
    client_context,
    connect,
    hosts,
    identified,
    identity_of,
    serve,
    server_context,
)
from dimse.net.scu import c_echo
from dimse.uids import Verification
from dimse.ul import (
    AssociateRJ,
    AssociateRQ,
    PresentationContextRQ,
    UserIdentityAC,
    UserIdentityRQ,
    UserItem,
)

CALLER = Caller("10.1.2.3:50000")
NO_REASON, CALLING, CALLED = AssociateRJ(1, 1, 1), AssociateRJ(1, 1, 3), AssociateRJ(1, 1, 7)
IDENTITY = AssociateRJ(1, 2, 1)
USER = UserIdentityRQ(1, True, b"doe")
SHOWN = Certificate(subject="CN=ct1", names=("DNS:ct1.example.org",), fingerprint="ab" * 32, der=b"der")


def request(called: str = "SCP", calling: str = "CT1", *items: UserItem) -> AssociateRQ:
    contexts = (PresentationContextRQ(1, Verification, SYNTAXES),)
    return AssociateRQ(
        called_ae_title=called, calling_ae_title=calling, presentation_contexts=contexts, user_information=items
    )


async def decided(policy: Policy, asked: AssociateRQ, caller: Caller = CALLER) -> Decision:
    decision = policy(asked, caller)
    return await decision if isinstance(decision, Awaitable) else decision


@pytest.mark.parametrize(
    ("policy", "asked", "caller", "decision"),
    [
        (accept_anyone, request(), CALLER, None),
        (called_titles("SCP", "OTHER"), request("OTHER"), CALLER, None),
        (called_titles("SCP"), request("scp"), CALLER, CALLED),
        (calling_titles(["CT1"]), request(), CALLER, None),
        (calling_titles(["CT1"]), request(calling="CT2"), CALLER, CALLING),
        (calling_titles({"CT1": ["10.1.0.0/16", "::1"]}), request(), CALLER, None),
        (calling_titles({"CT1": ["10.1.0.0/16", "::1"]}), request(), Caller("::1:4000"), None),
        (calling_titles({"CT1": ["10.2.0.0/16"]}), request(), CALLER, CALLING),
        (calling_titles({"CT1": [], "CT2": ["10.2.0.0/16"]}), request(), CALLER, None),
        (hosts("10.1.2.3"), request(), CALLER, None),
        (hosts("10.1.2.4", "10.9.0.0/16"), request(), CALLER, NO_REASON),
        (hosts("fe80::/10"), request(), Caller("fe80::1%eth0:4000"), None),
        (hosts("10.0.0.0/8"), request(), Caller("/run/socket"), NO_REASON),
        (hosts("10.1.0.0/16"), request(), Caller("::ffff:10.1.0.5:4000"), None),
        (hosts("::ffff:10.1.0.0/112"), request(), Caller("::ffff:10.1.0.5:4000"), None),
        (hosts("10.1.0.0/16"), request(), Caller("::ffff:10.2.0.5:4000"), NO_REASON),
        (certificate_titles({"AB:" * 31 + "AB": ["CT1"]}), request(), Caller("", SHOWN), None),
        (certificate_titles({"DNS:ct1.example.org": ["CT1"]}), request(), Caller("", SHOWN), None),
        (certificate_titles({"dns:CT1.example.org": ["CT1"]}), request(), Caller("", SHOWN), None),
        (certificate_titles({"ab" * 32: ["CT2"]}), request(), Caller("", SHOWN), CALLING),
        (certificate_titles({"ab" * 32: ["CT1"]}), request(), CALLER, CALLING),
        (all_of(called_titles("SCP"), calling_titles(["CT2"])), request(), CALLER, CALLING),
        (all_of(called_titles("SCP"), calling_titles(["CT1"])), request(), CALLER, Acceptance()),
    ],
)
async def test_policy_decides(policy: Policy, asked: AssociateRQ, caller: Caller, decision: Decision) -> None:
    assert await decided(policy, asked, caller) == decision


def test_invalid_network_is_refused_at_once() -> None:
    with pytest.raises(EncodeError, match=r"network: 10\.1\.2\.3/8 has host bits set"):
        hosts("10.1.2.3/8")
    with pytest.raises(EncodeError, match="network"):
        calling_titles({"CT1": ["nowhere"]})


# --- user identity, PS3.7 D.3.3.7 ---


async def know_doe(identity: UserIdentityRQ, caller: Caller) -> bytes | None:  # noqa: ARG001
    return b"ticket" if identity.primary == b"doe" else None


@pytest.mark.parametrize(
    ("asked", "decision"),
    [
        (request("", "", USER), Acceptance((UserIdentityAC(b"ticket"),))),
        (request("", "", UserIdentityRQ(3, False, b"doe")), Acceptance()),  # no response was asked for
        (request("", "", UserIdentityRQ(1, True, b"roe")), IDENTITY),
        (request(), IDENTITY),
    ],
)
async def test_unknown_user_is_rejected(asked: AssociateRQ, decision: Decision) -> None:
    assert await decided(identified(know_doe), asked) == decision


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
async def test_each_identity_type_is_answered(kind: int) -> None:
    """Username, username and passcode, Kerberos, SAML, JWT, and the server's response to each."""
    shown = UserIdentityRQ(kind, True, b"primary", b"secret" if kind == 2 else b"")

    def check(identity: UserIdentityRQ, caller: Caller) -> bytes | None:
        assert caller.host == "127.0.0.1"
        assert not caller.is_secure
        return b"" if identity == shown and hmac.compare_digest(identity.secondary, shown.secondary) else None

    async with serve([VERIFICATION], port=0, policy=identified(check), plain_passcodes=True) as server:
        async with connect(server.host, server.port, ECHO, user_items=[shown], plain_passcode=True) as association:
            assert association.associate_ac is not None
            assert UserIdentityAC(b"") in association.associate_ac.user_information
            assert (await c_echo(association)).Status == 0


async def test_missing_identity_is_rejected() -> None:
    async with serve([VERIFICATION], port=0, policy=identified(lambda _identity, _caller: b"")) as server:
        with pytest.raises(AssociationRejected) as caught:
            async with connect(server.host, server.port, ECHO):
                pass
    assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 2, 1)


async def test_certificate_decides_on_ae_titles(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    printer, ct = authority.issue("printer"), authority.issue("ct1", "ct1.example.org")
    shown = UserIdentityRQ(2, True, b"doe", b"secret")
    policy = all_of(
        certificate_titles({"DNS:ct1.example.org": ["CT1"]}),
        identified(lambda identity, caller: b"" if caller.is_secure and identity == shown else None),
    )
    server_tls = server_context(printer.certificate, printer.key, ca=authority.ca)
    client_tls = client_context(authority.ca, certificate=ct.certificate, key=ct.key)
    async with serve([VERIFICATION], port=0, policy=policy, tls=server_tls) as server:
        for title, is_welcome in (("CT1", True), ("CT2", False)):
            associating = connect(
                "127.0.0.1", server.port, ECHO, calling_ae_title=title, tls=client_tls, user_items=[shown]
            )
            if is_welcome:
                async with associating as association:
                    assert (await c_echo(association)).Status == 0
            else:
                with pytest.raises(AssociationRejected, match="calling-AE-title-not-recognized"):
                    async with associating:
                        pass


def test_identity_of_returns_the_identity() -> None:
    assert identity_of(request("", "", USER)) == USER
    assert identity_of(request()) is None


async def test_two_identities_are_rejected() -> None:
    asked = request("SCP", "CT1", USER, UserIdentityRQ(1, True, b"root"))
    assert await decided(identified(lambda identity, caller: b""), asked) == IDENTITY  # noqa: ARG005
