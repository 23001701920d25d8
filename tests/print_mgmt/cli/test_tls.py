"""The options for TLS of the commands, on both sides."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import Authority, Identity
from served import serving

import dimse.cli
import dimse.tls
import print_mgmt.cli


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@dataclass
class Commands:
    """Commands that run in this process, with checks of their output."""

    capsys: pytest.CaptureFixture[str]

    def succeed(self, main: Callable[[list[str]], int], *words: str | Path) -> str:
        """Run a command that succeeds; return its output."""
        assert main([str(word) for word in words]) == 0
        printed = self.capsys.readouterr()
        assert printed.err == ""
        return printed.out

    def fail(self, main: Callable[[list[str]], int], *words: str | Path) -> str:
        """Run a command that fails; return the reason, which is one line."""
        assert main([str(word) for word in words]) == 1
        printed = self.capsys.readouterr()
        assert (printed.out, printed.err.count("\n")) == ("", 1)
        return printed.err


PATTERN = ("--pattern", "smpte", "--film-size", "8INX10IN")


@pytest.fixture
def commands(capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(capsys)


def options_of(identity: Identity) -> tuple[str, ...]:
    return "--tls-cert", str(identity.certificate), "--tls-key", str(identity.key)


def test_trusting_clients_print_over_tls(authority: Authority, tmp_path: Path, commands: Commands) -> None:
    with serving(tmp_path / "films", *options_of(authority.issue("printer"))) as (address, _):
        peer, trusting = f"PRINTSCP@{address}", ("--tls", "--tls-ca", authority.ca)
        commands.succeed(dimse.cli.main, "echo", peer, *trusting)
        commands.succeed(dimse.cli.main, "echo", peer, "--tls-no-verify")
        commands.succeed(print_mgmt.cli.main, "status", peer, *trusting)
        printed = commands.succeed(print_mgmt.cli.main, "print", peer, *PATTERN, *trusting)
        assert printed == f"{peer} printed 1 image on 1 film\n"


def test_both_sides_name_the_fault_of_tls(authority: Authority, tmp_path: Path, commands: Commands) -> None:
    with serving(tmp_path / "films", *options_of(authority.issue("printer"))) as (address, process):
        untrusting = commands.fail(dimse.cli.main, "echo", f"PRINTSCP@{address}", "--tls")
        plain = commands.fail(print_mgmt.cli.main, "status", f"PRINTSCP@{address}")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    assert "the certificate of the peer is not accepted: " in untrusting
    assert "the peer speaks TLS, but this side does not" in plain
    assert process.returncode == 0
    assert [line.partition(": ")[2].partition(": ")[2] for line in log.splitlines()] == [
        "the peer refused TLS: unknown ca",
        "the peer does not speak TLS",
    ]


def test_printer_with_a_ca_verifies_clients(authority: Authority, tmp_path: Path, commands: Commands) -> None:
    client, both = authority.issue("client"), tmp_path / "both.pem"
    both.write_text(client.certificate.read_text() + client.key.read_text())
    options = (*options_of(authority.issue("printer")), "--tls-ca", str(authority.ca))
    with serving(tmp_path / "films", *options) as (address, _):
        peer = ("echo", f"PRINTSCP@{address}", "--tls-ca", authority.ca)
        commands.succeed(dimse.cli.main, *peer, *options_of(client))
        commands.succeed(dimse.cli.main, *peer, "--tls-cert", both)
        assert "certificate required" in commands.fail(dimse.cli.main, *peer)


def test_b_13_prints_with_itself_and_with_b_12(authority: Authority, tmp_path: Path, commands: Commands) -> None:
    """PS3.15 B.13 works on both sides, or on one side; -v names the cipher suite."""
    pytest.importorskip("OpenSSL")
    options = (*options_of(authority.issue("printer")), "--tls-ca", str(authority.ca), "--tls-profile", "B.13")
    with serving(tmp_path / "films", *options) as (address, _):
        peer = f"PRINTSCP@{address}"
        trusting = ("--tls-ca", str(authority.ca), *options_of(authority.issue("client")))
        modified = (*trusting, "--tls-profile", "B.13")
        commands.succeed(dimse.cli.main, "echo", peer, *trusting)
        printed = commands.succeed(print_mgmt.cli.main, "print", peer, *PATTERN, *modified)
        verbose = [sys.executable, "-m", "dimse", "-v", "echo", peer, *modified]
        told = subprocess.run(verbose, capture_output=True, text=True, check=True).stderr
    assert printed == f"{peer} printed 1 image on 1 film\n"
    assert f"dimse.net: {address}: TLSv1.3, TLS_AES_256_GCM_SHA384\n" in told


def test_b_13_refuses_unknown_certificates(authority: Authority, tmp_path: Path, commands: Commands) -> None:
    pytest.importorskip("OpenSSL")
    options = (*options_of(authority.issue("printer")), "--tls-ca", str(authority.ca), "--tls-profile", "B.13")
    with serving(tmp_path / "films", *options) as (address, _):
        echo = ("echo", f"PRINTSCP@{address}", "--tls-profile", "B.13")
        assert "certificate required" in commands.fail(dimse.cli.main, *echo, "--tls-ca", authority.ca)
        assert "the certificate of the peer is not accepted: " in commands.fail(dimse.cli.main, *echo)


def test_b_13_names_the_extra_that_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "dimse.tls.b13", None)
    monkeypatch.delattr(dimse.tls, "b13", raising=False)
    assert dimse.cli.main(["echo", "A@127.0.0.1:1", "--tls-profile", "B.13"]) == 1
    needed = "PS3.15 B.13 needs pyOpenSSL 25.2 or newer and service-identity: pip install 'dimse-print[tls]'"
    assert capsys.readouterr().err == f"dimse: TLS: {needed}\n"


def test_unusable_files_are_named_in_one_line(
    authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
def test_wrong_options_are_wrong_usage(command: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    main = dimse.cli.main if command.startswith("echo") else print_mgmt.cli.main
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--tls-ca", "--tls-cert", "--tls-key", "--trace", "--spool"])
def test_empty_option_is_wrong_usage(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        print_mgmt.cli.main(["serve", "--port", "0", option, ""])
    assert ended.value.code == 2
    assert f"argument {option}: is empty" in capsys.readouterr().err
