"""Parts of both command lines: parsed options, peers, AE titles and numbers."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from dimse.command_line import Parser
from dimse.errors import EncodeError
from dimse.terminal import (
    Peer,
    capture_path,
    folder_path,
    listening_address,
    on_signal,
    peer,
    positive,
    reset_signal,
    run_loop,
    seconds,
)

posix = pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX")


async def loop_package() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


@pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed: pip install uvloop")
def test_commands_run_on_uvloop(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        assert run_loop(loop_package()) == "uvloop"
    assert "event loop: uvloop" in caplog.messages


def test_commands_run_on_asyncio_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run_loop(loop_package()) == "asyncio"


@posix
async def test_signal_calls_its_callback() -> None:
    heard = asyncio.Queue[str]()
    on_signal(signal.SIGUSR1, heard.put_nowait, "came")
    os.kill(os.getpid(), signal.SIGUSR1)
    assert await heard.get() == "came"
    reset_signal(signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


@posix
async def test_signal_that_cannot_be_handled_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="cannot be caught"):
        on_signal(signal.SIGKILL, print)


@posix
@pytest.mark.parametrize("run", [asyncio.run, run_loop])
def test_signals_are_left_alone_outside_of_the_main_thread(run: Callable[[Coroutine[None, None, None]], None]) -> None:
    async def work() -> None:
        on_signal(signal.SIGUSR1, print)
        reset_signal(signal.SIGUSR1)

    with ThreadPoolExecutor() as threads:
        threads.submit(lambda: run(work())).result()


def parsed(*words: str) -> argparse.Namespace:
    parser = Parser(prog="tool")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("do")
    command.add_argument("names", nargs="*")
    command.add_argument("-w", "--window")
    command.add_argument("--flag", action="store_true")
    return parser.parse_args(["do", *words])


@pytest.mark.parametrize(
    "words",
    [
        ("--window", "{}"),
        ("--window={}",),
        ("--win", "{}"),
        ("-w", "{}"),
        ("-w{}",),
        ("a.dcm", "--window", "{}", "b.dcm"),
        ("--flag", "a.dcm", "--window", "{}", "--", "-1.dcm"),
    ],
)
@pytest.mark.parametrize(
    "value", ["-600,1600", "-600.5,1500,SIGMOID", "-.5,1", "-5", "-5 mm", "-1e3,2e3", "-600\\1500"]
)
def test_option_takes_a_negative_value(words: tuple[str, ...], value: str) -> None:
    assert parsed(*(word.format(value) for word in words)).window == value


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--window",), "argument -w/--window: expected one argument"),
        (("--window", "--flag"), "argument -w/--window: expected one argument"),
        (("--flag", "-5"), "argument --flag: ignored explicit argument '-5'"),
    ],
)
def test_missing_value_is_wrong_usage(words: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parsed(*words)
    assert (caught.value.code, error in capsys.readouterr().err) == (2, True)


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("PRINTSCP@127.0.0.1:11112", Peer("PRINTSCP", "127.0.0.1", 11112)),
        ("printer.example.org:104", Peer("ANY-SCP", "printer.example.org", 104)),
        ("A@[2001:db8::1]:104", Peer("A", "2001:db8::1", 104)),
        ("CT@WARD@127.0.0.1:104", Peer("CT@WARD", "127.0.0.1", 104)),
    ],
)
def test_peer_is_parsed(text: str, peer: Peer) -> None:
    assert Peer.parse(text) == peer


@pytest.mark.parametrize("text", ["@127.0.0.1:104", " @127.0.0.1:104"])
def test_peer_with_an_empty_title_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="AE title"):
        peer(text)


@pytest.mark.parametrize("text", ["", "A@host", "A@:104", "A@host:0", "A@host:65536", "A@::1:104", "A@host:1e4"])
def test_wrong_peer_raises_encode_error(text: str) -> None:
    with pytest.raises(EncodeError, match="is not AE@HOST:PORT"):
        Peer.parse(text)


@pytest.mark.parametrize("host", ["a..b", "x" * 64, ".a", "ü" * 64, "a\0b"], ids=ascii)
def test_peer_with_an_invalid_host_is_refused(host: str) -> None:
    with pytest.raises(EncodeError, match=r"is not a valid host name$"):
        Peer.parse(f"A@{host}:104")


@pytest.mark.parametrize("host", ["a.b.", "x" * 63 + ".example", "bücher.example", "fe80::1%eth0"])
def test_peer_may_have_any_valid_host(host: str) -> None:
    assert Peer.parse(str(Peer("A", host, 104))).host == host


def test_peer_as_text_is_parsed_again() -> None:
    peer = Peer("A", "2001:db8::1", 104)
    assert Peer.parse(str(peer)) == peer


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "9" * 19, "9" * 400, "9" * 5000])
def test_positive_rejects_other_numbers(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a positive integer"):
        positive(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "soon"])
def test_seconds_rejects_other_words(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number of seconds above 0"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [("104", ("127.0.0.1", 104)), ("bücher.example:0", ("bücher.example", 0)), ("[::1]:104", ("::1", 104))],
)
def test_listening_address_is_parsed(text: str, address: tuple[str, int]) -> None:
    assert listening_address(text) == address


@pytest.mark.parametrize("host", ["a..b", "x" * 64, "ü" * 64], ids=ascii)
def test_listening_address_with_an_invalid_host_is_refused(host: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a valid host name$"):
        listening_address(f"{host}:104")


@pytest.mark.parametrize("text", ["x.pcapng", "x.y", "-", "folder", "there.pcap"])
def test_capture_is_a_file_or_a_folder(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.pcap").mkdir()
    assert capture_path(text) == text


@pytest.mark.parametrize("text", ["x.pcap", "x.CAP", "x.pcapng.gz", "a/x.json"])
def test_capture_in_another_format_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is neither a folder nor a name that ends in \.pcapng$"):
        capture_path(text)


@pytest.mark.parametrize("text", ["x.pcapng", "x.html"])
def test_name_of_a_file_is_no_folder(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"^'{text}' looks like the name of a file: name a folder$"):
        folder_path(text)
