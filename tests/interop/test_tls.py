"""TLS with DCMTK, both ways, PS3.15 B.12: echoes, films, and who is refused."""

from pathlib import Path

import numpy as np
import pytest
from certificates import Authority, Identity
from peers import Dcmtk, Films, run_dimse, run_print_mgmt, serving, stored_pixels

from dimse.net import server_context
from print_mgmt import PrintServer, prepare

pytestmark = pytest.mark.interop


@pytest.fixture
async def authority(dcmtk: Dcmtk) -> Authority:
    """The authority that everybody trusts. RSA: the profile that DCMTK starts with has nothing else."""
    authority = Authority(dcmtk.folder / "tls", rsa=True)
    await dcmtk.trust(authority.ca)
    return authority


@pytest.fixture
def server(authority: Authority) -> Identity:
    return authority.issue("server")


@pytest.fixture
def client(authority: Authority) -> Identity:
    return authority.issue("client")


@pytest.mark.parametrize("profile", ["+py", "+px"])
async def test_dcmtk_gets_its_echo(
    dcmtk: Dcmtk, authority: Authority, server: Identity, client: Identity, tmp_path: Path, profile: str
) -> None:
    """echoscu with a certificate and without one; plain, it gets nothing, and the printer lives."""
    options = ("--tls-cert", server.certificate, "--tls-key", server.key, "--out", tmp_path / "films")
    async with serving(*options, cwd=tmp_path) as printer:
        peer = ("127.0.0.1", str(printer.port))
        identity = ("+tls", client.key, client.certificate)
        for tls in ((*identity, profile), ("+tla", profile)):
            ended = await dcmtk.run("echoscu", "-v", *tls, "+cf", authority.ca, *peer)
            assert "Received Echo Response (Success)" in ended.out + ended.err
        assert (await dcmtk.run("echoscu", *peer)).status != 0
        assert (await dcmtk.run("echoscu", *identity, "+cf", authority.ca, *peer)).status == 0
        ended = await printer.stop()
        assert (ended.status, ended.err.count("\n")) == (0, 1)
        assert ended.err.endswith(": the peer does not speak TLS\n")


async def test_dcmtk_needs_the_certificate_that_we_ask_for(
    dcmtk: Dcmtk, authority: Authority, server: Identity, client: Identity, tmp_path: Path
) -> None:
    """With --tls-ca both sides are verified."""
    options = ("--tls-cert", server.certificate, "--tls-key", server.key, "--tls-ca", authority.ca)
    async with serving(*options, "--out", tmp_path / "films", cwd=tmp_path) as printer:
        peer = ("+cf", authority.ca, "127.0.0.1", str(printer.port))
        assert (await dcmtk.run("echoscu", "+tla", *peer)).status != 0
        assert (await dcmtk.run("echoscu", "+tls", client.key, client.certificate, *peer)).status == 0


async def test_dcmprscp_over_tls(
    dcmtk: Dcmtk, authority: Authority, server: Identity, client: Identity, images: list[Path], tmp_path: Path
) -> None:
    """Echo, status and a film to a printer that asks for certificates: what it stores is what was sent."""
    assert server.certificate.name == "server.pem"  # as dcmtk.cfg has it
    options = ("--tls-ca", authority.ca, "--tls-cert", client.certificate, "--tls-key", client.key)
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
    assert plain.err.endswith("before the peer said anything; perhaps it wants TLS\n")


async def test_dcmprscp_without_tls(dcmtk: Dcmtk, authority: Authority, tmp_path: Path) -> None:
    """We never speak to it without; one line says why, and it serves on."""
    async with dcmtk.printer("ANY") as port:
        peer = f"ANY@127.0.0.1:{port}"
        ended = await run_dimse("echo", peer, "--tls-ca", authority.ca, cwd=tmp_path)
        assert (await run_dimse("echo", peer, cwd=tmp_path)).status == 0
    assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.endswith("the peer does not speak TLS\n")


async def test_dcmprscu_over_tls(
    dcmtk: Dcmtk, authority: Authority, server: Identity, client: Identity, images: list[Path]
) -> None:
    """A film of DCMTK to our printer, both with certificates; to one without TLS there is none."""
    assert client.certificate.name == "client.pem"  # as dcmtk.cfg has it
    stored = await dcmtk.store("TLSSCU", images[:1])
    films = Films()
    async with PrintServer(films, port=0, tls=server_context(*server, ca=authority.ca)) as printer:
        assert await dcmtk.print("TLSSCU", printer.port, stored) == []
    (film,) = films
    image = film.sheet.cells[0].image
    assert image is not None
    np.testing.assert_array_equal(image.pixels, stored_pixels(stored.images[1]))
    async with PrintServer(films, port=0) as plain:
        assert await dcmtk.print("TLSSCU", plain.port, stored) != []
    assert len(films) == 1
