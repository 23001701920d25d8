"""The options for TLS of all commands that connect and of the one that listens."""

import sys
from pathlib import Path

import pytest
from certificates import Authority
from peers import Ended, run_dimse, run_print_mgmt, serving

import dimse.cli
import dimse.tls
import print_mgmt.cli


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


def one_line(ended: Ended, program: str) -> str:
    """The reason of a command that failed, which is one line."""
    assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith(f"{program}: ")
    return ended.err.rstrip()


async def test_a_printer_with_tls(authority: Authority, tmp_path: Path) -> None:
    printer = authority.issue("printer")
    options = ("--tls-cert", printer.certificate, "--tls-key", printer.key, "--out", tmp_path / "films")
    trusting = ("--tls", "--tls-ca", authority.ca)
    async with serving(*options, cwd=tmp_path) as server:
        peer = f"PRINTSCP@127.0.0.1:{server.port}"
        assert (await run_dimse("echo", peer, *trusting, cwd=tmp_path)).status == 0
        assert (await run_dimse("echo", peer, "--tls-no-verify", cwd=tmp_path)).status == 0
        assert (await run_print_mgmt("status", peer, *trusting, cwd=tmp_path)).status == 0
        printed = await run_print_mgmt("print", peer, "--pattern", "smpte", *trusting, cwd=tmp_path)
        assert printed == (0, f"{peer} printed 1 image on 1 film\n", "")
        untrusting = await run_dimse("echo", peer, "--tls", cwd=tmp_path)
        plain = await run_print_mgmt("status", peer, cwd=tmp_path)
        ended = await server.stop()
    assert "the certificate of the peer is not accepted: " in one_line(untrusting, "dimse")
    assert "the peer speaks TLS, and this side does not" in one_line(plain, "print-mgmt")
    assert ended.status == 0
    assert [line.partition(": ")[2].partition(": ")[2] for line in ended.err.splitlines()] == [
        "the peer refused TLS: unknown ca",
        "the peer does not speak TLS",
    ]


async def test_a_printer_that_verifies_its_clients(authority: Authority, tmp_path: Path) -> None:
    printer, client = authority.issue("printer"), authority.issue("client")
    both = tmp_path / "both.pem"
    both.write_text(client.certificate.read_text() + client.key.read_text())
    options = ("--tls-cert", printer.certificate, "--tls-key", printer.key, "--tls-ca", authority.ca)
    async with serving(*options, "--out", tmp_path / "films", cwd=tmp_path) as server:
        peer = ("echo", f"PRINTSCP@127.0.0.1:{server.port}", "--tls-ca", authority.ca)
        identity = ("--tls-cert", client.certificate, "--tls-key", client.key)
        assert (await run_dimse(*peer, *identity, cwd=tmp_path)).status == 0
        assert (await run_dimse(*peer, "--tls-cert", both, cwd=tmp_path)).status == 0
        assert "certificate required" in one_line(await run_dimse(*peer, cwd=tmp_path), "dimse")


async def test_a_printer_of_the_modified_profile(authority: Authority, tmp_path: Path) -> None:
    """PS3.15 B.13 on both sides, and on one; -v says what was agreed on."""
    pytest.importorskip("OpenSSL")
    printer, client = authority.issue("printer"), authority.issue("client")
    options = ("--tls-cert", printer.certificate, "--tls-key", printer.key, "--tls-ca", authority.ca)
    async with serving(*options, "--tls-profile", "B.13", "--out", tmp_path / "films", cwd=tmp_path) as server:
        peer = f"PRINTSCP@127.0.0.1:{server.port}"
        trusting = ("--tls-ca", authority.ca, "--tls-cert", client.certificate, "--tls-key", client.key)
        modified = (*trusting, "--tls-profile", "B.13")
        assert (await run_dimse("echo", peer, *trusting, cwd=tmp_path)).status == 0
        told = await run_dimse("-v", "echo", peer, *modified, cwd=tmp_path)
        assert (await run_print_mgmt("status", peer, *modified, cwd=tmp_path)).status == 0
        printed = await run_print_mgmt("print", peer, "--pattern", "smpte", *modified, cwd=tmp_path)
        anonymous = await run_dimse("echo", peer, "--tls-ca", authority.ca, "--tls-profile", "B.13", cwd=tmp_path)
        unknown = await run_dimse("echo", peer, "--tls-profile", "B.13", cwd=tmp_path)
    assert told.status == 0
    assert f"dimse.net: 127.0.0.1:{server.port}: TLSv1.3, TLS_AES_256_GCM_SHA384\n" in told.err
    assert printed == (0, f"{peer} printed 1 image on 1 film\n", "")
    assert "certificate required" in one_line(anonymous, "dimse")
    assert "the certificate of the peer is not accepted: " in one_line(unknown, "dimse")


def test_without_pyopenssl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "dimse.tls.b13", None)
    monkeypatch.delattr(dimse.tls, "b13", raising=False)
    assert dimse.cli.main(["echo", "A@127.0.0.1:1", "--tls-profile", "B.13"]) == 1
    needed = "PS3.15 B.13 needs pyOpenSSL 25.2 or newer and service-identity: pip install 'dimse-print[tls]'"
    assert capsys.readouterr().err == f"dimse: TLS: {needed}\n"


def test_files_that_cannot_be_used(authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the file, exit status 1; nothing has been connected or listened to."""
    printer, other = authority.issue("printer"), authority.issue("other")
    certificate, key, missing = str(printer.certificate), str(other.key), str(tmp_path / "missing.pem")
    assert print_mgmt.cli.main(["serve", "--port", "0", "--tls-cert", certificate, "--tls-key", key]) == 1
    assert capsys.readouterr().err == f"print-mgmt: {key}: not the private key of the certificate {certificate}\n"
    assert dimse.cli.main(["echo", "A@127.0.0.1:1", "--tls-ca", missing]) == 1
    assert capsys.readouterr().err == f"dimse: {missing}: No such file or directory\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("echo A@127.0.0.1:1 --tls-key k.pem", "--tls-key needs --tls-cert"),
        ("echo A@127.0.0.1:1 --tls-ca c.pem --tls-no-verify", "not allowed with argument --tls-ca"),
        ("echo A@127.0.0.1:1 --tls-profile B.9", "invalid choice: 'B.9'"),
        ("serve --tls-key k.pem", "--tls-key, --tls-ca and --tls-profile need --tls-cert"),
        ("serve --tls-ca c.pem", "--tls-key, --tls-ca and --tls-profile need --tls-cert"),
        ("serve --tls-profile B.13", "--tls-key, --tls-ca and --tls-profile need --tls-cert"),
    ],
)
def test_wrong_usage(command: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    main = dimse.cli.main if command.startswith("echo") else print_mgmt.cli.main
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
