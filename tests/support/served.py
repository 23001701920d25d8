"""``print-mgmt serve`` as a process."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["serving"]


@contextmanager
def serving(out: Path, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run ``print-mgmt serve``; yield HOST:PORT and the process."""
    command = [sys.executable, "-m", "print_mgmt", "serve", "--port", "0", "--out", str(out), "--dpi", "30", *options]
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
