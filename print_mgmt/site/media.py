"""Checks whether the medium of a film is loaded in its printer, and moves a film to another medium or size."""

from collections.abc import Iterator
from dataclasses import replace

from dimse.data import Dataset

from ..config import PrinterConfig
from ..film import FILM_SIZES, LayoutError, check_sheet
from ..film.placement import check_placement
from ..model import FilmCopy
from ..typed import text

__all__ = ["is_loaded", "move_to_loaded", "move_to_size", "with_size"]

# Attributes of a film box that come from the medium if the client sends none
_OF_MEDIUM = ("MinDensity", "MaxDensity", "Illumination", "ReflectedAmbientLight")


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
        try:
            return with_size(_on_medium(config, film, medium_type, size), size)
        except LayoutError:
            continue
    raise LayoutError("FilmSizeID", film.sheet.FilmSizeID, "no medium is loaded that the film fits on")


def move_to_size(config: PrinterConfig, film: FilmCopy, FilmSizeID: str) -> FilmCopy:
    """Return a film on the same medium in another size, in which the medium may have other densities.

    Raises `LayoutError` as `with_size` does.
    """
    return with_size(_on_medium(config, film, _medium_type(config, film), FilmSizeID), FilmSizeID)


def _on_medium(config: PrinterConfig, film: FilmCopy, MediumType: str, FilmSizeID: str) -> FilmCopy:
    """Return a film on another medium, with the densities and the light of this medium where the client sent none."""
    medium = config.medium(MediumType, FilmSizeID)
    imager = film.imager if medium is None else config.imager_with(medium)
    session, box = film.film_session.copy(), film.film_box.copy()
    session.MediumType = MediumType
    own = {key: getattr(imager, key) for key in _OF_MEDIUM if key in box and box[key].tag not in film.sent}
    box.update(Dataset(**own))
    sheet = replace(film.sheet, **own)
    return replace(film, film_session=session, film_box=box, sheet=sheet, imager=imager)


def with_size(film: FilmCopy, FilmSizeID: str) -> FilmCopy:
    """Return a film in another size.

    Raises `LayoutError` for an unknown size, and for a size that the film's format or an image does not fit.
    """
    box = film.film_box.copy()
    box.FilmSizeID = FilmSizeID
    sheet = replace(film.sheet, FilmSizeID=FilmSizeID)
    check_sheet(sheet)
    check_placement(sheet, film.imager)
    return replace(film, film_box=box, sheet=sheet)


def _medium_type(config: PrinterConfig, film: FilmCopy) -> str:
    return text(film.film_session, "MediumType") or config.media[0].MediumType


def _loaded(config: PrinterConfig) -> Iterator[tuple[str, str]]:
    return ((row.MediumType, size) for row in config.media if row.installed for size in row.FilmSizeID)


def _distance(size: str, wanted: str) -> float:
    """Return how much two film sizes differ: the difference in width plus the difference in height, in mm."""
    (width, height), (other_width, other_height) = FILM_SIZES[size], FILM_SIZES[wanted]
    return abs(width - other_width) + abs(height - other_height)
