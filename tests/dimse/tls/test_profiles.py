"""TLS, PS3.15 Annex B: accepted suites and certificates, and the errors of both sides."""

import hashlib
import ssl

import pytest
from certificates import Authority, Identity
from tls_peers import echo, warnings

from dimse.errors import (
    AssociationRejected,
    ConnectionFailed,
    EncodeError,
)
from dimse.net import (
    VERIFICATION,
    Caller,
    TLSProfile,
    client_context,
    serve,
    server_context,
)
from dimse.ul import AssociateRJ, AssociateRQ

# --- the profile ---


def test_suites_are_ephemeral_curves_with_aead(printer: Identity) -> None:
    """PS3.15 B.12 refers to RFC 9325 §4.2. All suites of TLS 1.3 meet the rule."""
    for context in (server_context(*printer), client_context()):
        for suite in context.get_ciphers():
            assert suite["aead"], suite
            assert suite["protocol"] == "TLSv1.3" or suite["name"].startswith("ECDHE-"), suite
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert ssl.OP_NO_RENEGOTIATION in context.options
        assert ssl.OP_NO_COMPRESSION in context.options


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
async def test_echo_passes_through_tls(authority: Authority, printer: Identity, version: str) -> None:
    tls = client_context(authority.ca)
    if version == "TLSv1.2":
        tls.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serve([VERIFICATION], port=0, tls=server_context(*printer)) as server:
        assert await echo(server, tls) == 0
        assert await echo(server, client_context(verify=False)) == 0


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_tls_1_1_is_refused(authority: Authority, printer: Identity) -> None:
    """PS3.15 B.12, RFC 8996."""
    old = client_context(authority.ca)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serve([VERIFICATION], port=0, tls=server_context(*printer)) as server:
        with pytest.raises(ConnectionFailed, match="the peer refused TLS: protocol version"):
            await echo(server, old)
        assert await echo(server, client_context(authority.ca)) == 0


# --- policies ---


async def test_policy_sees_the_certificate(
    profile: TLSProfile, authority: Authority, printer: Identity, modality: Identity
) -> None:
    callers: list[Caller] = []

    def refuse(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
        callers.append(caller)
        known = caller.certificate is not None and "DNS:ct1.example.org" in caller.certificate.names
        return None if known else AssociateRJ(1, 1, 3)

    optional = server_context(*printer, ca=authority.ca, require_client=False, profile=profile)
    async with serve([VERIFICATION], port=0, policy=refuse, tls=optional) as server:
        assert await echo(server, client_context(authority.ca, *modality, profile=profile)) == 0
        with pytest.raises(AssociationRejected, match="calling-AE-title-not-recognized"):
            await echo(server, client_context(authority.ca, profile=profile))
    shown = callers[0].certificate
    assert shown is not None
    assert shown.der == ssl.PEM_cert_to_DER_cert(modality.certificate.read_text())
    assert shown.fingerprint == hashlib.sha256(shown.der).hexdigest()
    assert shown.subject.endswith("CN=modality")
    assert callers[1].certificate is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_client_without_a_certificate_is_refused(
    authority: Authority, stranger: Authority, printer: Identity, modality: Identity, version: ssl.TLSVersion
) -> None:
    """A client with TLS 1.3 has already finished its handshake, but still gets an error."""
    refused = {
        "certificate required|handshake failure": client_context(authority.ca),
        "unknown ca": client_context(authority.ca, *stranger.issue("stranger")),
    }
    async with serve([VERIFICATION], port=0, tls=server_context(*printer, ca=authority.ca)) as server:
        for words, tls in refused.items():
            tls.maximum_version = version
            with pytest.raises(ConnectionFailed, match=f"the peer refused TLS: ({words})$"):
                await echo(server, tls)
        assert await echo(server, client_context(authority.ca, *modality)) == 0
    assert not server.associations


# --- failures ---


async def test_untrusted_server_is_refused(
    profile: TLSProfile, authority: Authority, stranger: Authority, printer: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    """The client names the failed check; the server logs it in one line, and goes on."""
    async with serve([VERIFICATION], port=0, tls=server_context(*printer, profile=profile)) as server:
        with pytest.raises(ConnectionFailed, match="the certificate of the peer is not accepted: unable to get local"):
            await echo(server, client_context(stranger.ca, profile=profile))
        assert await echo(server, client_context(authority.ca, profile=profile)) == 0
    assert warnings(caplog) == ["the peer refused TLS: unknown ca"]


async def test_server_with_another_name_is_refused(profile: TLSProfile, authority: Authority) -> None:
    elsewhere = authority.issue("elsewhere", "elsewhere.example.org")
    async with serve([VERIFICATION], port=0, tls=server_context(*elsewhere, profile=profile)) as server:
        with pytest.raises(ConnectionFailed, match=r"IP address mismatch, certificate is not valid for '127\.0\.0\.1'"):
            await echo(server, client_context(authority.ca, profile=profile))
        lenient = client_context(authority.ca, profile=profile)
        lenient.check_hostname = False
        assert await echo(server, lenient) == 0


def test_contradictory_arguments_raise(profile: TLSProfile, printer: Identity) -> None:
    with pytest.raises(EncodeError, match="ca: needed to verify"):
        server_context(*printer, require_client=True, profile=profile)
    with pytest.raises(EncodeError, match="a key needs its certificate"):
        client_context(key=printer.key, profile=profile)
