"""The source distribution has all files for the tests, the tools and the documentation."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from dimse import __version__

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the files in the archive, without its top folder."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(folder / f"dimse_print-{__version__}.tar.gz") as tar:
        return {name.partition("/")[2] for name in tar.getnames()}


def test_sdist_has_every_file_of_the_repository(names: set[str]) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert set(listed.stdout.splitlines()) - names == set()


@pytest.mark.parametrize("name", ["Makefile", ".ci/run", "tools/setup.py", "benchmarks/README.md", "tests/conftest.py"])
def test_sdist_has_the_files_for_make(names: set[str], name: str) -> None:
    assert name in names


def test_sdist_has_the_version(names: set[str]) -> None:
    assert "PKG-INFO" in names
    assert "dimse/version.py" in names
