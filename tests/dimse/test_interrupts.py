"""Ctrl-C while a command is starting."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from dimse.interrupts import INTERRUPTED, exit_on_interrupt

INTERRUPTED_IMPORT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in the background of a shell
from importlib import import_module
sys.exit(import_module(sys.argv[1]).main(sys.argv[3:]))
"""


@pytest.fixture
def raises() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, as in the foreground of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize(
    ("package", "module", "words"),
    [
        ("dimse.cli", "dimse.cli.commands", ["--help"]),
        ("dimse.cli", "argparse", ["--help"]),
        ("dimse.cli", "asyncio", ["echo", "X@127.0.0.1:104"]),
        ("print_mgmt.cli", "print_mgmt.cli.commands", ["serve"]),
        ("print_mgmt.cli", "numpy", ["serve"]),
        ("print_mgmt.cli", "print_mgmt.scp", ["serve"]),
    ],
)
def test_interrupted_import_ends_the_command(package: str, module: str, words: list[str]) -> None:
    code = [sys.executable, "-c", INTERRUPTED_IMPORT, package, module, *words]
    ended = subprocess.run(code, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (INTERRUPTED, "", "")


@pytest.mark.usefixtures("raises")
def test_interrupt_raises_again_after_the_block() -> None:
    with exit_on_interrupt():
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ignored_interrupt_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with exit_on_interrupt():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("raises")
def test_other_threads_change_no_handler() -> None:
    seen = []

    def run() -> None:
        with exit_on_interrupt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
