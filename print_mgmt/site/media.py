"""Tells whether the medium of a film is loaded in its printer, and moves a film to another medium or size."""

from collections.abc import Iterator
from dataclasses import replace

from ..config import PrinterConfig
from ..film import FILM_SIZES, LayoutError, check_sheet, lay_out
from ..model import FilmCopy
from ..typed import text

__all__ = ["is_loaded", "move_to_loaded", "with_size"]


def is_loaded(config: PrinterConfig, film: FilmCopy) -> bool:
    """Return whether the medium of a film is loaded in the film's size. An unknown medium counts as loaded."""
    medium = config.medium(_medium_type(config, film), film.sheet.FilmSizeID)
    return medium is None or medium.installed


def move_to_loaded(config: PrinterConfig, film: FilmCopy) -> FilmCopy:
    """Return a film on the loaded medium that is most like its own: first the type counts, then the size.

    Raises `LayoutError` if the film fits on no loaded medium.
    """
    wanted = _medium_type(config, film)
    rows = sorted(_loaded(config), key=lambda row: (row[0] != wanted, _distance(row[1], film.sheet.FilmSizeID)))
    for medium_type, size in rows:
        session = film.film_session.copy()
        session.MediumType = medium_type
        medium = config.medium(medium_type, size)
        imager = film.imager if medium is None else config.imager_with(medium)
        try:
            return with_size(replace(film, film_session=session, imager=imager), size)
        except LayoutError:
            continue
    raise LayoutError("FilmSizeID", film.sheet.FilmSizeID, "no medium is loaded that the film fits on")


def with_size(film: FilmCopy, FilmSizeID: str) -> FilmCopy:
    """Return a film in another size. Raises `LayoutError` for an unknown size, or one that its format does not fit."""
    box = film.film_box.copy()
    box.FilmSizeID = FilmSizeID
    sheet = replace(film.sheet, FilmSizeID=FilmSizeID)
    check_sheet(sheet)
    lay_out(sheet, film.imager)
    return replace(film, film_box=box, sheet=sheet)


def _medium_type(config: PrinterConfig, film: FilmCopy) -> str:
    return text(film.film_session, "MediumType") or config.media[0].MediumType


def _loaded(config: PrinterConfig) -> Iterator[tuple[str, str]]:
    return ((row.MediumType, size) for row in config.media if row.installed for size in row.FilmSizeID)


def _distance(size: str, wanted: str) -> float:
    """Return how much two film sizes differ: the difference in width plus the difference in height, in mm."""
    (width, height), (other_width, other_height) = FILM_SIZES[size], FILM_SIZES[wanted]
    return abs(width - other_width) + abs(height - other_height)
