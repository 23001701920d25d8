"""Build the playground: put Pyodide, dimse and an example beside its page, which then needs no network.

    python tools/playground.py [FOLDER]

FOLDER is docs/playground by default. Pyodide is an npm package of a fixed version, whose checksum is verified.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from base64 import b64encode
from hashlib import sha256, sha512
from pathlib import Path

HOUSE = Path(__file__).parents[1]
SOURCE = HOUSE / "docs" / "playground"
PAGE_FILES = ("playground.css", "playground.js", "worker.js", "explain.py")
PYODIDE = "314.0.7"
CHECKSUM = (
    "d18bd7c4485f11da4b7dbfd790cd8114078c44eab488c517d9bcf31fda4eb6dc"
    "8c716930abe1db139bb2b860fcd8b37bcb6abe48dbe2ffa579244b0e943d91d4"
)  # SHA-512 of the package
PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")


def main(folder: Path) -> None:
    """Write the playground to ``folder``."""
    vendor = folder / "vendor"
    vendor.mkdir(parents=True, exist_ok=True)
    if folder != SOURCE:
        for name in PAGE_FILES:
            shutil.copy(SOURCE / name, folder)
    (folder / "index.html").write_text(index(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        unpack(download(Path(temporary)), vendor)
    pack(vendor / "dimse.zip")
    shutil.copy(HOUSE / "docs" / "film.pcapng", vendor)
    print(f"built {folder}; to open it: {sys.executable} -m http.server --bind 127.0.0.1 -d {folder} 8000")


def index() -> str:
    """Return the page; its policy allows the script and the style of an explained page by their hashes."""
    page = (SOURCE / "index.html").read_text(encoding="utf-8")
    for kind, name in (("script-src 'self' 'wasm-unsafe-eval'", "page.js"), ("style-src 'self'", "page.css")):
        digest = b64encode(sha256((HOUSE / "dimse" / "explain" / name).read_bytes()).digest()).decode()
        page = re.sub(f"({kind}) '[^']*'", rf"\1 'sha256-{digest}'", page)
    return page


def download(folder: Path) -> Path:
    """Return the package of Pyodide from npm."""
    try:
        subprocess.run(["npm", "pack", "--silent", f"pyodide@{PYODIDE}"], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        sys.exit("playground: npm is not installed; it downloads Pyodide")
    except subprocess.CalledProcessError as exc:
        sys.exit(f"playground: npm cannot download Pyodide: {exc.stderr.decode(errors='replace').strip()}")
    (package,) = folder.iterdir()
    if sha512(package.read_bytes()).hexdigest() != CHECKSUM:
        sys.exit("playground: the package of Pyodide does not have the expected checksum")
    return package


def unpack(package: Path, vendor: Path) -> None:
    """Write the files of Pyodide that the page needs."""
    with tarfile.open(package) as archive:
        for name in PYODIDE_FILES:
            member = archive.extractfile(f"package/{name}")
            assert member is not None
            (vendor / name).write_bytes(member.read())


def pack(path: Path) -> None:
    """Write the package ``dimse`` as a ZIP archive, the same bytes each time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in sorted((HOUSE / "dimse").rglob("*")):
            if source.is_file() and "__pycache__" not in source.parts:
                entry = zipfile.ZipInfo(str(source.relative_to(HOUSE)))  # with a fixed date
                archive.writestr(entry, source.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else SOURCE)
