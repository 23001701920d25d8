"""PS3.15 B.13: cipher suites, versions, and the libraries that it needs."""

import ssl
import sys
from functools import partial
from pathlib import Path

import pytest
from certificates import Authority, Identity
from chains import curve, issue, rsa_key
from handshakes import complaints, ends, peer_client, peer_server, read, shake_hands

from dimse.errors import ConnectionFailed, DecodeError, EncodeError
from dimse.net import VERIFICATION, TLSProfile, client_context, connect, serve, server_context
from dimse.net.scu import c_echo
from dimse.tls import TLSContext, TLSSession
from dimse.uids import ImplicitVRLittleEndian, Verification

SSL = pytest.importorskip("OpenSSL.SSL")
lib = pytest.importorskip("OpenSSL._util").lib
b13 = pytest.importorskip("dimse.tls.b13")
ECHO = {Verification: (ImplicitVRLittleEndian,)}
PROFILES: tuple[TLSProfile, ...] = ("B.12", "B.13")

TLS_1_3 = [
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
]
TLS_1_2 = [  # TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 and so on
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-CCM",
    "ECDHE-ECDSA-AES256-CCM8",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-CCM",
    "ECDHE-ECDSA-AES128-CCM8",
]
OTHERS = [
    "DHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-CAMELLIA256-SHA384",
    "AES256-GCM-SHA384",
]


@pytest.fixture(scope="module", params=["rsa", "ec"])
def authority(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), rsa=request.param == "rsa")


@pytest.fixture(scope="module")
def printer(authority: Authority) -> Identity:
    return authority.issue("printer")


@pytest.fixture(scope="module")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Return an identity with an RSA key."""
    return Authority(tmp_path_factory.mktemp("rsa"), rsa=True).issue("printer")


@pytest.fixture(scope="module")
def ecdsa(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """Return an identity with a key of an elliptic curve."""
    return Authority(tmp_path_factory.mktemp("ecdsa")).issue("printer")


def only(suite: str) -> TLSContext:
    """Return a client that offers one suite of TLS 1.3."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_tls13_ciphersuites(suite.encode())
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    restricted: TLSContext = b13.ModifiedContext(context, SSL.VERIFY_NONE, is_server=False)
    return restricted


# --- suites and versions ---


@pytest.mark.parametrize("suite", TLS_1_3)
def test_server_has_five_suites_of_tls_1_3(printer: Identity, suite: str) -> None:
    client, server = ends(only(suite), server_context(*printer, profile="B.13"))
    assert (client.agreed, server.agreed) == ("", "")
    shake_hands(client, server)
    assert client.agreed == server.agreed == f"TLSv1.3, {suite}"
    client.write([b"film"])
    server.receive(client.data_to_send())
    assert read(server, 100) == b"film"


@pytest.mark.parametrize("suite", TLS_1_2)
def test_each_side_has_ten_suites_of_tls_1_2(rsa: Identity, ecdsa: Identity, suite: str) -> None:
    identity = rsa if "RSA" in suite.split("-") else ecdsa
    ours, theirs = server_context(*identity, profile="B.13"), peer_server(identity, suite)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_2
    for client, server in (
        ends(peer_client(suite), ours),
        ends(client_context(verify=False, profile="B.13"), theirs),
    ):
        shake_hands(client, server)
        assert client.agreed == server.agreed == f"TLSv1.2, {suite}"


def test_client_offers_only_the_profile() -> None:
    """The ClientHello, RFC 8446 §4.1.2: versions 1.3 and 1.2, the suites in their order."""
    client = TLSSession(client_context(verify=False, profile="B.13"), "printer.example.org")
    assert not client.handshake()
    hello = client.data_to_send()[9:]  # after the headers of the record and of the message
    at = 2 + 32
    at += 1 + hello[at]
    length = int.from_bytes(hello[at : at + 2])
    suites = [int.from_bytes(hello[at + 2 + n : at + 4 + n]) for n in range(0, length, 2)]
    assert [suite for suite in suites if suite != 0x00FF] == [  # 00FFH is a signal of RFC 5746, not a suite
        *(0x1302, 0x1303, 0x1301, 0x1304, 0x1305),
        *(0xC02C, 0xC030, 0xC0AD, 0xC0AF, 0xCCA9, 0xCCA8, 0xC02F, 0xC02B, 0xC0AC, 0xC0AE),
    ]
    assert b"\x00\x2b\x00\x05\x04\x03\x04\x03\x03" in hello  # supported_versions
    at = hello.index(b"\x00\x0d\x00\x1e\x00\x1c") + 6  # signature_algorithms: each by SHA-256 or better
    signatures = {hello[n : n + 2].hex() for n in range(at, at + 28, 2)}
    assert signatures == {f"08{n:02x}" for n in range(4, 12)} | {"0403", "0503", "0603", "0401", "0501", "0601"}
    assert b"\x00\x16\x00\x00\x13printer.example.org" in hello  # server_name, RFC 6066 §3


@pytest.mark.parametrize("suite", OTHERS)
def test_suite_outside_the_profile_is_refused(rsa: Identity, ecdsa: Identity, suite: str) -> None:
    identity = ecdsa if "ECDSA" in suite else rsa
    client, server = ends(peer_client(suite), server_context(*identity, profile="B.13"))
    assert complaints(client, server) == (
        "the peer refused TLS: handshake failure",
        "TLS failed: no shared cipher",
    )
    theirs = peer_server(identity, suite)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_2
    client, server = ends(client_context(verify=False, profile="B.13"), theirs)
    assert complaints(client, server)[0] == "the peer refused TLS: handshake failure"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_1_1_is_refused(printer: Identity) -> None:
    old = peer_client("ALL")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    client, server = ends(old, server_context(*printer, profile="B.13"))
    assert complaints(client, server)[0] == "the peer refused TLS: protocol version"
    old = peer_server(printer)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    client, server = ends(client_context(verify=False, profile="B.13"), old)
    assert complaints(client, server)[1] == "TLS failed: unsupported protocol"


def test_server_chooses_the_suite(rsa: Identity) -> None:
    """The order of the client has no effect."""
    client, server = ends(
        peer_client("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305"), server_context(*rsa, profile="B.13")
    )
    shake_hands(client, server)
    assert server.agreed == "TLSv1.2, ECDHE-RSA-CHACHA20-POLY1305"


@pytest.mark.parametrize("name", ["secp224r1", "prime192v1"])
def test_short_curve_is_refused(printer: Identity, name: str) -> None:
    """ECDHE of 256 bits or more."""
    short = peer_client("ALL")
    short.set_ecdh_curve(name)
    client, server = ends(short, server_context(*printer, profile="B.13"))
    assert complaints(client, server) == ("the peer refused TLS: handshake failure", "TLS failed: no shared cipher")
    theirs = peer_server(printer)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_2
    theirs.set_ecdh_curve(name)
    client, server = ends(client_context(verify=False, profile="B.13"), theirs)
    assert complaints(client, server)[0] == "the peer refused TLS: handshake failure"


def test_handshake_signed_with_sha_1_is_refused(rsa: Identity) -> None:
    """RFC 9155 for TLS 1.2; this client offers nothing else."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    lib.SSL_CTX_set1_sigalgs_list(context._context, b"RSA+SHA1")
    old = b13.ModifiedContext(context, SSL.VERIFY_NONE, is_server=False)
    client, server = ends(old, server_context(*rsa, profile="B.13"))
    assert complaints(client, server)[1] == "TLS failed: no shared signature algorithms"


@pytest.mark.parametrize("client_profile", PROFILES)
@pytest.mark.parametrize("server_profile", PROFILES)
async def test_profiles_understand_each_other(
    authority: Authority,
    printer: Identity,
    client_profile: TLSProfile,
    server_profile: TLSProfile,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With certificates on both sides; both log the agreed suite."""
    caplog.set_level("INFO", "dimse.net")
    modality = authority.issue("modality", "ct1.example.org")
    tls = server_context(*printer, ca=authority.ca, profile=server_profile)
    async with serve([VERIFICATION], port=0, tls=tls) as server:
        tls = client_context(authority.ca, *modality, profile=client_profile)
        async with connect("localhost", server.port, ECHO, tls=tls) as association:
            assert (await c_echo(association)).Status == 0
        with pytest.raises(ConnectionFailed, match="the peer refused TLS: certificate required"):
            anonymous = client_context(authority.ca, profile=client_profile)
            async with connect("localhost", server.port, ECHO, tls=anonymous):
                pass
    agreed = [line for line in caplog.messages if line.endswith(": TLSv1.3, TLS_AES_256_GCM_SHA384")]
    assert len(agreed) >= 2


def test_session_is_never_resumed(authority: Authority, printer: Identity) -> None:
    """Certificates are verified each time."""
    theirs = client_context(authority.ca)
    ours = server_context(*printer, profile="B.13")
    for maximum in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        theirs.maximum_version = maximum
        client, server = ends(theirs, ours)
        shake_hands(client, server)
        client.receive(server.data_to_send())
        assert read(client, 100) == b""  # a ticket, if there is one
        session = client._engine._ssl.session  # type: ignore[attr-defined]  # the engine is the one of `ssl`
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        again = theirs.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1", session=session)
        server = TLSSession(ours, None)
        for _ in range(3):
            try:
                again.do_handshake()
            except ssl.SSLWantReadError:
                server.receive(outgoing.read())
                server.handshake()
                incoming.write(server.data_to_send())
        assert not again.session_reused


# --- authorities ---


def test_system_authorities_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `ssl`: a file, and a folder with hashes as names."""
    root = issue(rsa_key(), is_authority=True)
    ca, server = root.save(tmp_path).certificate, server_context(*issue(curve(), root).save(tmp_path), profile="B.13")
    nothing, folder = tmp_path / "nothing", tmp_path / "folder"
    folder.mkdir()
    name_hash = SSL.X509.from_cryptography(root.certificate).subject_name_hash()
    (folder / f"{name_hash:08x}.0").write_bytes(ca.read_bytes())
    for file, directory, is_trusted in ((ca, nothing, True), (nothing, folder, True), (nothing, nothing, False)):
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        monkeypatch.setenv("SSL_CERT_DIR", str(directory))
        said = complaints(*ends(client_context(profile="B.13"), server))
        assert (said == ("", "")) is is_trusted


# --- missing libraries ---


@pytest.mark.parametrize("missing", ["OpenSSL", "service_identity"])
def test_missing_libraries_raise(printer: Identity, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """The error says in one line what to install."""
    for name in ("dimse.tls.b13", "dimse.tls.b13_rules"):
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(sys.modules["dimse.tls"], name.rpartition(".")[2])
    monkeypatch.setitem(sys.modules, missing, None)
    for ask in (partial(server_context, *printer), client_context):
        with pytest.raises(EncodeError, match=r"B\.13 needs pyOpenSSL .*: pip install 'dimse-print\[tls\]'$"):
            ask(profile="B.13")
        ask()


def test_old_pyopenssl_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "dimse.tls.b13")
    monkeypatch.delattr(sys.modules["dimse.tls"], "b13")
    monkeypatch.delattr(SSL.Context, "set_tls13_ciphersuites")
    with pytest.raises(EncodeError, match=r"needs pyOpenSSL 25\.2 or newer"):
        client_context(profile="B.13")


def test_unknown_profile_raises(printer: Identity) -> None:
    retired: TLSProfile = "B.9"  # type: ignore[assignment]  # as in a configuration file
    with pytest.raises(EncodeError, match=r"profile: 'B\.9' is neither B\.12 nor B\.13"):
        server_context(*printer, profile=retired)


def test_key_refused_by_one_library_raises(printer: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ssl` and pyOpenSSL each have their own OpenSSL."""

    def refuse(*_: object) -> None:
        raise SSL.Error([("x509", "", "unsupported algorithm")])

    monkeypatch.setattr(SSL.Context, "use_privatekey_file", refuse)
    with pytest.raises(DecodeError, match=r"printer\.pem: cannot be used: .*unsupported algorithm"):
        server_context(*printer, profile="B.13")


def test_broken_list_of_revoked_certificates_raises(authority: Authority, tmp_path: Path) -> None:
    """`ssl` ignores such a list, and pyOpenSSL does not."""
    path = tmp_path / "ca.pem"
    path.write_text(f"{authority.ca.read_text()}-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")
    with pytest.raises(DecodeError, match=r"ca\.pem: cannot be used: wrong tag"):
        client_context(path, profile="B.13")
