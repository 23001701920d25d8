"""The page of a printed film, docs/film.html, is up to date."""

import re
from pathlib import Path

from dimse.explain import associations_in
from tools.film_page import CAPTURE, PAGE, without_pictures, write


def test_page_of_the_film_is_current(tmp_path: Path) -> None:
    """``make docs`` writes it again."""
    path = tmp_path / "film.html"
    write(path)
    assert without_pictures(path.read_text()) == without_pictures(PAGE.read_text())


def test_page_of_the_film_has_its_pictures() -> None:
    pictures = re.findall(r'\["iVBOR[A-Za-z0-9+/=]{100,}",(\d+),(\d+)\]', PAGE.read_text())
    assert len(pictures) >= 5  # four images, and the film
    assert PAGE.stat().st_size < 1 << 20


def test_recording_of_the_film_has_no_error() -> None:
    (recorded,) = associations_in(CAPTURE.read_bytes(), [])
    steps = list(recorded.steps())
    assert not [error for step in steps for error in step.errors]
    assert [step.name for step in steps].count("N-SET-RQ") == 4
