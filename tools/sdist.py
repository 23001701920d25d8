"""Build the source distribution, unpack it, and run tests in it; the arguments go to pytest."""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

project = Path(__file__).parents[1]


def main(arguments: list[str]) -> int:
    """Return the exit status of pytest, which gets ``arguments`` too."""
    dist = project / "dist"
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(dist)]
    subprocess.run(build, cwd=project, check=True)
    archive = max(dist.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(archive) as tar:
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)  # new in 3.11.4
            tar.extractall(folder)
        (unpacked,) = Path(folder).iterdir()
        environment = {**os.environ, "PYTHONPATH": str(unpacked)}  # not the installed package
        return subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=unpacked, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
