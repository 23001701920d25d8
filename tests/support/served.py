"""``print-mgmt serve`` as a process."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forked import Copy, copied

__all__ = ["serving", "site_serving", "working"]


@contextmanager
def serving(out: Path, *options: str) -> Iterator[tuple[str, Copy]]:
    """Run ``print-mgmt serve`` as one printer; yield HOST:PORT and the process."""
    with _running("--out", str(out), "--dpi", "30", *options) as found:
        yield found


@contextmanager
def site_serving(file: Path, *options: str) -> Iterator[tuple[str, Copy]]:
    """Run ``print-mgmt serve`` with the file of a site; yield HOST:PORT and the process."""
    with _running("--config", str(file), *options) as found:
        yield found


@contextmanager
def working(file: Path, *options: str) -> Iterator[Copy]:
    """Run ``print-mgmt work`` with the file of a site; yield the process, once it works."""
    with copied("print_mgmt", "work", "--config", file, *options) as process:
        assert process.stdout.readline().startswith("delivering to ")
        yield process


@contextmanager
def _running(*options: str) -> Iterator[tuple[str, Copy]]:
    with copied("print_mgmt", "serve", "--port", "0", *options) as process:
        ready = process.stdout.readline()
        match = re.fullmatch(r'listening on (\S+:\d+)\n|\{"listening": "(\S+:\d+)"\}\n', ready)
        assert match, ready
        yield match[1] or match[2], process
