"""The engines of the spool: each test runs on all of them."""

import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from spools import Place

from print_mgmt.spool import Spool


@pytest.fixture
async def spool(place: Place) -> AsyncIterator[Spool]:
    async with place.spool() as opened:
        yield opened


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 24 MiB, where other users may write too."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", name]
        if sys.platform != "linux" or subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("only root may mount a small file system, on Linux")
        try:
            yield folder
        finally:
            subprocess.run(["umount", name], check=True)
