"""``print-mgmt serve`` as a process."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["serving", "site_serving", "working"]

_SERVE = (sys.executable, "-m", "print_mgmt", "serve", "--port", "0")


@contextmanager
def serving(out: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run ``print-mgmt serve`` as one printer; yield HOST:PORT and the process."""
    with _running(*_SERVE, "--out", str(out), "--dpi", "30", *options) as found:
        yield found


@contextmanager
def site_serving(file: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run ``print-mgmt serve`` with the file of a site; yield HOST:PORT and the process."""
    with _running(*_SERVE, "--config", str(file), *options) as found:
        yield found


@contextmanager
def working(file: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """Run ``print-mgmt work`` with the file of a site; yield the process, once it works."""
    command = (sys.executable, "-m", "print_mgmt", "work", "--config", str(file), *options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("delivering to ")
            yield process
        finally:
            process.kill()
            process.communicate()


@contextmanager
def _running(*command: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            match = re.fullmatch(r'listening on (\S+:\d+)\n|\{"listening": "(\S+:\d+)"\}\n', ready)
            assert match, ready
            yield match[1] or match[2], process
        finally:
            process.kill()
            process.communicate()
