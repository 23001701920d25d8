"""Section 4.4 of the statement: media, films, layout, and what is done with images."""

from collections.abc import Iterator

from dimse.uids import BasicAnnotationBox

from ..config import PrinterConfig
from ..film import FILM_SIZES, Imager, Sheet, lay_out
from ..film.placement import pixel_box
from .markdown import grid

__all__ = ["equipment"]


def equipment(config: PrinterConfig) -> Iterator[str]:
    """What the printer is made of, as far as SCUs can tell."""
    imager = config.imager
    yield "\n#### 4.4.2 Media\n"
    rows = (
        (
            medium.MediumType,
            ", ".join(medium.FilmSizeID),
            f"{medium.MinDensity} to {medium.MaxDensity}",
            _light(config.imager_with(medium)),
            "installed" if medium.installed else "available",
        )
        for medium in config.media
    )
    yield from grid(("Medium Type", "Film Size ID", "Density, hundredths of OD", "Light, cd/m2", ""), rows)
    yield "\nA film box has the densities and the light of its medium unless it asks for others. Densities out of reach"
    yield "are answered with B605 and the limit, light that PS3.14 7.1 cannot show the densities in with 0116 and the"
    yield "light of the medium. Paper has no Reflected Ambient Light."
    yield "\n#### 4.4.3 Films\n"
    yield from grid(("Film Size ID", "Portrait", "Columns x Rows, STANDARD", "Columns x Rows, HIGH"), _films(config))
    yield "\n#### 4.4.4 Layout and Images\n"
    formats = ", ".join(config.ImageDisplayFormat) or "any that has room on the film"
    sessions = f"up to {config.MaximumCollatedFilms} films" + ("" if config.collates else ", not collated (B601)")
    yield from grid(
        ("Property", "Value"),
        [
            ("Image Display Formats", formats),
            ("Custom formats", ", ".join(f"CUSTOM\\{number}" for number in imager.custom_formats) or "none"),
            ("Image box order", "row by row from the top left; COL column by column; CUSTOM as configured"),
            ("Annotation Display Format IDs (boxes)", _annotation_formats(config)),
            ("Characters in an annotation", str(config.annotation_characters)),
            ("Text that cannot be drawn", "0116; a character without a glyph is replaced by U+FFFD"),
            ("Annotation without Pillow", "not offered: the presentation context is refused"),
            ("Resolution", f"STANDARD {imager.dpi} dpi, HIGH {imager.high_dpi} dpi"),
            ("Bits stored, gray", ", ".join(map(str, config.BitsStored))),
            ("Images larger than their box", f"{imager.RequestedDecimateCropBehavior} unless asked for otherwise"),
            ("Memory Allocation", f"{config.MaximumMemoryAllocation} KB" if config.MaximumMemoryAllocation else "none"),
            ("Printing of film sessions", sessions if config.MaximumCollatedFilms else "none: C616 for a second film"),
            ("Films while the printer has failed", "queued" if config.spools else "refused, 0110"),
        ],
    )


def _light(imager: Imager) -> str:
    return f"{imager.Illumination}, ambient {imager.ReflectedAmbientLight}"


def _films(config: PrinterConfig) -> Iterator[tuple[str, ...]]:
    """The printable pixels of each film, as one image has them."""
    used = {size for medium in config.media for size in medium.FilmSizeID}
    for size, (width, height) in FILM_SIZES.items():
        if size in used:
            (box,) = lay_out(Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID=size), config.imager).boxes
            pixels = (pixel_box(box, dpi) for dpi in (config.imager.dpi, config.imager.high_dpi))
            yield size, f"{width:g} x {height:g} mm", *(f"{area.width} x {area.height}" for area in pixels)


def _annotation_formats(config: PrinterConfig) -> str:
    formats = (f"{name} ({len(boxes)})" for name, boxes in config.imager.annotation_formats.items())
    return ", ".join(formats) if BasicAnnotationBox in config.abstract_syntaxes else "none"
