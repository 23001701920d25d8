"""TLS with DCMTK and with OpenSSL's own tools, both ways, PS3.15 B.12 and B.13: echoes, films, and refusals."""

import asyncio
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from certificates import Authority, Identity
from peers import Dcmtk, Films, need, program, run, run_dimse, run_print_mgmt, running, serving, stored_pixels

from dimse.net import TLSProfile, client_context, server_context
from dimse.tls import TLSSession
from print_mgmt import PrintServer, prepare

pytestmark = pytest.mark.interop


@pytest.fixture
async def authority(dcmtk: Dcmtk) -> Authority:
    """Return the authority of both sides: RSA, because the default profile of DCMTK allows nothing else."""
    authority = Authority(dcmtk.folder / "tls", rsa=True)
    await dcmtk.trust(authority.ca)
    return authority


@pytest.fixture(params=get_args(TLSProfile))
def profile(request: pytest.FixtureRequest) -> TLSProfile:
    """Our side. DCMTK is older than B.13, but has some of its suites of TLS 1.2."""
    profile: TLSProfile = request.param
    if profile == "B.13":
        need("OpenSSL")
    return profile


@pytest.fixture
def server(authority: Authority) -> Identity:
    return authority.issue("server")


@pytest.fixture
def client(authority: Authority) -> Identity:
    return authority.issue("client")


@pytest.mark.parametrize("theirs", ["+py", "+px", "+pz"])
async def test_echoscu_is_answered_over_tls(
    profile: TLSProfile,
    dcmtk: Dcmtk,
    authority: Authority,
    server: Identity,
    client: Identity,
    tmp_path: Path,
    theirs: str,
) -> None:
    """echoscu with a certificate, without one, and without TLS, which gets no answer; the printer stays up."""
    options = ("--tls-cert", server.certificate, "--tls-key", server.key, "--out", tmp_path / "films")
    async with serving(*options, "--tls-profile", profile, cwd=tmp_path) as printer:
        peer = ("127.0.0.1", str(printer.port))
        identity = ("+tls", client.key, client.certificate)
        for tls in ((*identity, theirs), ("+tla", theirs)):
            ended = await dcmtk.run("echoscu", "-v", *tls, "+cf", authority.ca, *peer)
            assert "Received Echo Response (Success)" in ended.out + ended.err
        assert (await dcmtk.run("echoscu", *peer)).status != 0
        assert (await dcmtk.run("echoscu", *identity, "+cf", authority.ca, *peer)).status == 0
        ended = await printer.stop()
        assert (ended.status, ended.err.count("\n")) == (0, 1)
        assert ended.err.endswith(": the peer does not speak TLS\n")


async def test_echoscu_needs_a_certificate(
    profile: TLSProfile, dcmtk: Dcmtk, authority: Authority, server: Identity, client: Identity, tmp_path: Path
) -> None:
    """With --tls-ca both sides are verified."""
    options = ("--tls-cert", server.certificate, "--tls-key", server.key, "--tls-ca", authority.ca)
    async with serving(*options, "--tls-profile", profile, "--out", tmp_path / "films", cwd=tmp_path) as printer:
        peer = ("+cf", authority.ca, "127.0.0.1", str(printer.port))
        assert (await dcmtk.run("echoscu", "+tla", *peer)).status != 0
        assert (await dcmtk.run("echoscu", "+tls", client.key, client.certificate, *peer)).status == 0


async def test_client_prints_on_dcmprscp_over_tls(
    profile: TLSProfile,
    dcmtk: Dcmtk,
    authority: Authority,
    server: Identity,
    client: Identity,
    images: list[Path],
    tmp_path: Path,
) -> None:
    """Echo, status and a film on a printer that asks for certificates."""
    assert server.certificate.name == "server.pem"  # as dcmtk.cfg has it
    identity = ("--tls-cert", client.certificate, "--tls-key", client.key)
    options = ("--tls-ca", authority.ca, *identity, "--tls-profile", profile)
    async with dcmtk.printer("TLSSCP") as port:
        peer = f"TLSSCP@127.0.0.1:{port}"
        assert (await run_dimse("echo", peer, *options, cwd=tmp_path)).status == 0
        assert (await run_print_mgmt("status", peer, *options, cwd=tmp_path)).status == 0
        printed = await run_print_mgmt("print", peer, images[0], *options, cwd=tmp_path)
        anonymous = await run_dimse("echo", peer, "--tls-ca", authority.ca, cwd=tmp_path)
        plain = await run_dimse("echo", peer, cwd=tmp_path)
    assert printed == (0, f"{peer} printed 1 image on 1 film\n", "")
    (film,) = dcmtk.films()
    np.testing.assert_array_equal(stored_pixels(film.images[1]), prepare(images[0], bits=8).pixels)
    assert (anonymous.status, anonymous.out) == (1, "")
    assert anonymous.err.startswith(f"dimse: 127.0.0.1:{port}: the peer refused TLS: ")
    assert (plain.status, plain.out, plain.err.count("\n")) == (1, "", 1)
    assert plain.err.endswith("before the peer sent anything; perhaps it expects TLS\n")


async def test_client_refuses_dcmprscp_without_tls(dcmtk: Dcmtk, authority: Authority, tmp_path: Path) -> None:
    """The client never falls back to plain TCP, and says so in one line."""
    async with dcmtk.printer("ANY") as port:
        peer = f"ANY@127.0.0.1:{port}"
        ended = await run_dimse("echo", peer, "--tls-ca", authority.ca, cwd=tmp_path)
        assert (await run_dimse("echo", peer, cwd=tmp_path)).status == 0
    assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.endswith("the peer does not speak TLS\n")


async def test_dcmprscu_prints_over_tls(
    profile: TLSProfile, dcmtk: Dcmtk, authority: Authority, server: Identity, client: Identity, images: list[Path]
) -> None:
    """A film of DCMTK on our printer, both with certificates; a printer without TLS gets no film."""
    assert client.certificate.name == "client.pem"  # as dcmtk.cfg has it
    stored = await dcmtk.store("TLSSCU", images[:1])
    films = Films()
    tls = server_context(*server, ca=authority.ca, profile=profile)
    async with PrintServer(films, port=0, tls=tls) as printer:
        assert await dcmtk.print("TLSSCU", printer.port, stored) == []
    (film,) = films
    image = film.sheet.cells[0].image
    assert image is not None
    np.testing.assert_array_equal(image.pixels, stored_pixels(stored.images[1]))
    async with PrintServer(films, port=0) as plain:
        assert await dcmtk.print("TLSSCU", plain.port, stored) != []
    assert len(films) == 1


# --- B.13 with the programs of OpenSSL ---

SUITES = [
    *("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"),
    *("TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"),
]


async def test_openssl_client_gets_each_suite_of_tls_1_3(tmp_path: Path) -> None:
    """s_client with one suite, and with one that is not in B.13; its certificate is requested and verified."""
    need("OpenSSL")
    openssl, authority = program("openssl", "openssl"), Authority(tmp_path / "authority")
    server, client = authority.issue("server"), authority.issue("client")
    options = ("--tls-cert", server.certificate, "--tls-key", server.key, "--tls-ca", authority.ca)
    async with serving(*options, "--tls-profile", "B.13", "--out", tmp_path / "films", cwd=tmp_path) as printer:
        connecting = (openssl, "s_client", "-connect", f"127.0.0.1:{printer.port}", "-CAfile", authority.ca)
        identity = ("-verify_return_error", "-cert", client.certificate, "-key", client.key)
        for suite in SUITES:
            ended = await run(*connecting, *identity, "-ciphersuites", suite, cwd=tmp_path)
            assert ended.status == 0
            assert f"New, TLSv1.3, Cipher is {suite}" in ended.out
            assert "Verify return code: 0 (ok)" in ended.out
        cbc = ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384")
        ended = await run(*connecting, *identity, *cbc, cwd=tmp_path)
    assert "handshake failure" in ended.err
    assert "Cipher is (NONE)" in ended.out


@pytest.mark.parametrize("suite", SUITES)
async def test_openssl_server_chooses_each_suite_of_tls_1_3(tmp_path: Path, suite: str) -> None:
    """s_server speaks no DICOM: only the handshake is tested."""
    need("OpenSSL")
    openssl, authority = program("openssl", "openssl"), Authority(tmp_path / "authority")
    server = authority.issue("server")
    listening = ("s_server", "-accept", "127.0.0.1:0", "-cert", server.certificate, "-key", server.key, "-www")
    async with running(openssl, *listening, "-tls1_3", "-ciphersuites", suite, cwd=tmp_path) as process:
        assert process.stdout is not None
        while not (line := (await process.stdout.readline()).decode()).startswith("ACCEPT "):
            assert line
        host, _, port = line.split()[1].rpartition(":")
        secure = TLSSession(client_context(authority.ca, profile="B.13"), host)
        reader, writer = await asyncio.open_connection(host, int(port))
        while not secure.handshake():
            writer.write(secure.data_to_send())
            secure.receive(await reader.read(65536))
        writer.write(secure.data_to_send())
        writer.close()
        await writer.wait_closed()
    assert secure.agreed == f"TLSv1.3, {suite}"
