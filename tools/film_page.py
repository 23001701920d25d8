"""Writes docs/film.html: the page of docs/film.pcapng, a recorded print of four test patterns on one film.

    python tools/film_page.py

writes it again. `print-mgmt explain docs/film.pcapng -o docs/film.html` makes the same page.
"""

import re
from pathlib import Path

from print_mgmt.cli import main

__all__ = ["CAPTURE", "PAGE", "without_pictures", "write"]

DOCS = Path(__file__).parents[1] / "docs"
CAPTURE, PAGE = DOCS / "film.pcapng", DOCS / "film.html"


def write(path: Path) -> None:
    """Write the page."""
    if main(["explain", str(CAPTURE), "-o", str(path)]):
        raise SystemExit(1)


def without_pictures(page: str) -> str:
    """Return a page without the bytes of its pictures, which depend on the version of zlib."""
    return re.sub(r'\["iVBOR[A-Za-z0-9+/=]*",', '["",', page)


if __name__ == "__main__":
    write(PAGE)
