"""Install the peers of the conformance matrix that are not in the environment: dcmjs-dimse (npm) and pydcm.

    python tools/peers.py FOLDER

They go into FOLDER/node_modules and FOLDER/pydcm. If a peer cannot be installed, it is named on stderr, and the exit
status is 1.
"""

import shutil
import subprocess
import sys
from pathlib import Path

DCMJS, PYDCM = "dcmjs-dimse@0.3.3", "pydcm==0.5.0"
_MIN_PYTHON = (3, 12)  # the wheels of pydcm are for this Python and later ones
_IS_NEW = f"import ensurepip, sys, venv; sys.exit(sys.version_info < {_MIN_PYTHON})"


def main() -> int:
    """Install both peers; return the exit status."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    results = [_dcmjs(folder), _pydcm(folder / "pydcm")]
    return 0 if all(results) else 1


def _dcmjs(folder: Path) -> bool:
    npm = shutil.which("npm")
    if npm is None:
        return _fail("npm is not installed; on Debian: apt-get install npm")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    return subprocess.call([npm, "install", "--prefix", str(folder), *options, DCMJS]) == 0 or _fail(
        f"npm cannot install {DCMJS}"
    )


def _pydcm(folder: Path) -> bool:
    if not (folder / "bin" / "python").exists():
        python = _new_python()
        if python is None:
            return _fail("pydcm needs Python 3.12 or later with venv")
        subprocess.check_call([python, "-m", "venv", str(folder)])
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.call([*pip, PYDCM]) == 0 or _fail(f"pip cannot install {PYDCM}")


def _new_python() -> str | None:
    """Return a Python that is new enough for pydcm, or None."""
    names = [sys.executable, *(f"python3.{minor}" for minor in range(_MIN_PYTHON[1], 20))]
    names += map(str, sorted(Path.home().glob(".pyenv/versions/*/bin/python3")))
    for name in names:
        found = shutil.which(name)
        if found is None:
            continue
        if subprocess.run([found, "-c", _IS_NEW], check=False, capture_output=True).returncode == 0:
            return found
    return None


def _fail(reason: str) -> bool:
    print(f"tools/peers.py: {reason}", file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main())
