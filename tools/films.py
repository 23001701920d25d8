r"""The films of docs/films.md: small pictures of each display format and each option.

    python tools/films.py

draws them again. A test renders each film and compares it with its picture.
"""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ImageCms

from print_mgmt.film import (
    FILM_SIZES,
    PAPER,
    SMOOTHINGS,
    Annotation,
    Cell,
    CharacteristicCurve,
    Imager,
    Overlay,
    Page,
    PresentationLUT,
    PrintImage,
    Rect,
    Sheet,
    render,
)
from print_mgmt.images import PATTERNS
from print_mgmt.images.patterns.canvas import draw_text
from print_mgmt.output import write_png

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "films"
DPI = 32  # of the pictures: 8 by 10 inches are 256 by 320 pixels

_COLUMNS = 3
_HEAD = """# Films

Each display format and each option at 32 dpi, and each film size at 10 dpi, as the renderer makes them. `python
tools/films.py` draws them again, and a test compares each film with its picture. Requested Decimate/Crop Behavior FAIL
has no picture: it refuses an image that is too large (status C603).

"""

Gray = NDArray[np.uint8 | np.uint16]


class Film(NamedTuple):
    """One film: its caption, and its source."""

    caption: str
    sheet: Sheet
    imager: Imager = Imager(dpi=DPI)
    dpi: int = DPI


# --- images ---


def number(position: int) -> PrintImage:
    """Return a ramp with the number of its image box. The digits are drawn as dots, without a font."""
    tile = np.broadcast_to(np.linspace(40, 150, 200).round(), (160, 200)).copy()
    tile[:5] = tile[-5:] = tile[:, :5] = tile[:, -5:] = 230
    words, scale = str(position), 11
    left = 100 - (6 * len(words) - 1) * scale // 2
    draw_text(tile[42:, left:], words, 255, scale)
    return gray(tile.astype(np.uint8))


def gray(
    pixels: Gray, *, photometric: str = "MONOCHROME2", bits: int = 8, aspect: tuple[int, int] = (1, 1)
) -> PrintImage:
    """Return the image of an image box."""
    return PrintImage(pixels=pixels, PhotometricInterpretation=photometric, BitsStored=bits, PixelAspectRatio=aspect)


def steps(bits: int = 8) -> PrintImage:
    """Return eleven steps from black to white, above a ramp from white to black."""
    highest, across = (1 << bits) - 1, np.linspace(0, 1, 352)
    wedge = np.repeat((np.floor(across * 11).clip(0, 10) / 10)[None], 120, axis=0)
    levels = np.vstack([wedge, np.repeat(across[::-1][None], 120, axis=0)])
    return gray(np.rint(levels * highest).astype(np.uint8 if bits == 8 else np.uint16), bits=bits)


def zone_plate(size: int = 600) -> PrintImage:
    """Return rings that get finer outward: a renderer that skips pixels shows false patterns."""
    x = np.arange(size) - size / 2
    rings = np.cos(np.pi * (x**2 + x[:, None] ** 2) / size)
    return gray(np.rint(127.5 + 127.5 * rings).astype(np.uint8))


def dots() -> PrintImage:
    """Return a few pixels of noise."""
    return gray(np.random.default_rng(7).integers(0, 256, (10, 8), np.uint8))


def circle(aspect: tuple[int, int] = (1, 1)) -> PrintImage:
    """Return a circle, for pixels with this aspect ratio (vertical, horizontal)."""
    height, width = 160 // aspect[0], 160 // aspect[1]
    y, x = (np.linspace(-1, 1, side) for side in (height, width))
    return gray(np.where(np.abs(np.hypot(x, y[:, None]) - 0.8) < 0.05, 255, 60).astype(np.uint8), aspect=aspect)


def colors() -> PrintImage:
    """Return all hues from left to right, brighter toward the bottom."""
    x, y = np.meshgrid(np.linspace(0, 2 * np.pi, 200), np.linspace(0.15, 1, 160))
    planes = [(0.5 + 0.5 * np.cos(x - shift)) * y for shift in (0, 2 * np.pi / 3, 4 * np.pi / 3)]
    return PrintImage(pixels=np.rint(255 * np.dstack(planes)).astype(np.uint8), PhotometricInterpretation="RGB")


def frame(foreground: str = "WHITE", background: str | None = None) -> Overlay:
    """Return a cross and a frame as an overlay, with these densities."""
    pixels = np.zeros((160, 200), np.bool_)
    pixels[76:84] = pixels[:, 96:104] = pixels[:6] = pixels[-6:] = pixels[:, :6] = pixels[:, -6:] = True
    return Overlay(pixels=pixels, OverlayForegroundDensity=foreground, OverlayBackgroundDensity=background)


def srgb() -> bytes:
    """Return a profile for sRGB with a fixed date."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]  # ICC.1 7.2.8


# --- sheets ---


def numbered(ImageDisplayFormat: str, count: int, **attributes: object) -> Sheet:
    """Return a film whose image boxes show their Image Box Position."""
    return _sheet(ImageDisplayFormat, tuple(Cell(image=number(position + 1)) for position in range(count)), attributes)


def filled(*cells: Cell, layout: str = "", **attributes: object) -> Sheet:
    """Return a film with these image boxes one below the other."""
    return _sheet(layout or f"STANDARD\\1,{len(cells)}", cells, attributes)


def _sheet(ImageDisplayFormat: str, cells: tuple[Cell, ...], attributes: dict[str, object]) -> Sheet:
    chosen = {"FilmSizeID": "8INX10IN", **attributes}
    return Sheet(ImageDisplayFormat=ImageDisplayFormat, cells=cells, **chosen)  # type: ignore[arg-type]  # by keyword


def lut(curve: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> PresentationLUT:
    """Return a Presentation LUT of 256 entries of 12 bits."""
    entries = np.rint(4095 * curve(np.linspace(0, 1, 256))).astype(np.uint16)
    return PresentationLUT(table=entries, bits=12)


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-10 * (x - 0.5)))


THREE = (Rect(5, 5, -5, 120), Rect(5, 130, 95, 115), Rect(105, 130, -5, 115))
COARSE = Imager(dpi=DPI, custom_formats={1: THREE})
BIG, SMALL = zone_plate(), dots()

FILMS = {
    "standard-1-1": Film("STANDARD\\1,1, LANDSCAPE", numbered("STANDARD\\1,1", 1, FilmOrientation="LANDSCAPE")),
    "standard-2-3": Film("STANDARD\\2,3: 2 columns and 3 rows, numbered row by row", numbered("STANDARD\\2,3", 6)),
    "standard-4-5": Film("STANDARD\\4,5 on 14INX17IN", numbered("STANDARD\\4,5", 20, FilmSizeID="14INX17IN")),
    "row": Film("ROW\\1,2,3: rows of equal height", numbered("ROW\\1,2,3", 6)),
    "col": Film("COL\\1,4: columns of equal width, numbered column by column", numbered("COL\\1,4", 5)),
    "slide": Film("SLIDE", numbered("SLIDE", 12)),
    "superslide": Film("SUPERSLIDE", numbered("SUPERSLIDE", 12)),
    "custom": Film("CUSTOM\\1, a format of the printer", numbered("CUSTOM\\1", 3), COARSE),
    "empty": Film(
        "Empty Image Density 100 in three boxes without an image, and Border Density WHITE",
        numbered("STANDARD\\2,2", 1, EmptyImageDensity="100", BorderDensity="WHITE"),
    ),
    "trim": Film("Trim YES", numbered("STANDARD\\2,2", 4, Trim="YES", BorderDensity="200")),
    "none": Film(
        "Magnification NONE: pixel for pixel",
        filled(Cell(image=steps()), Cell(image=circle()), MagnificationType="NONE"),
        Imager(dpi=96),
    ),
    "replicate": Film("Magnification REPLICATE", filled(Cell(image=SMALL), MagnificationType="REPLICATE")),
    "bilinear": Film("Magnification BILINEAR", filled(Cell(image=SMALL), MagnificationType="BILINEAR")),
    "cubic": Film("Magnification CUBIC (a = -0.5)", filled(Cell(image=SMALL), MagnificationType="CUBIC")),
    "smoothing": Film(
        "Magnification CUBIC, Smoothing Type SHARP, NORMAL, MEDIUM, SMOOTH",
        filled(
            *(Cell(image=SMALL, SmoothingType=kind) for kind in SMOOTHINGS),
            layout="STANDARD\\2,2",
            MagnificationType="CUBIC",
        ),
    ),
    "decimate": Film(
        "A zone plate larger than its box: above DECIMATE, which averages areas; below CROP",
        filled(Cell(image=BIG), Cell(image=BIG, RequestedDecimateCropBehavior="CROP")),
    ),
    "too-large": Film(
        "Requested Image Size 300 mm on a film of 203 mm: above DECIMATE, below CROP",
        filled(
            Cell(image=number(1), RequestedImageSize=300, RequestedDecimateCropBehavior="DECIMATE"),
            Cell(image=number(2), RequestedImageSize=300, RequestedDecimateCropBehavior="CROP"),
        ),
    ),
    "high": Film(
        "Requested Resolution ID HIGH, twice STANDARD: an image printed with NONE has half the size",
        filled(Cell(image=steps()), MagnificationType="NONE", RequestedResolutionID="HIGH"),
        Imager(dpi=64, high_dpi=128),
    ),
    "requested-size": Film(
        "Requested Image Size 100 mm, and 50 mm",
        filled(Cell(image=number(1), RequestedImageSize=100), Cell(image=number(2), RequestedImageSize=50)),
    ),
    "aspect": Film(
        "Pixel Aspect Ratio 1\\1, 2\\1 and 1\\2: each circle is round",
        filled(Cell(image=circle()), Cell(image=circle((2, 1))), Cell(image=circle((1, 2)))),
    ),
    "polarity": Film(
        "Polarity NORMAL, REVERSE, and MONOCHROME1",
        filled(
            Cell(image=steps()),
            Cell(image=steps(), Polarity="REVERSE"),
            Cell(image=gray(steps().pixels, photometric="MONOCHROME1")),
        ),
    ),
    "twelve-bits": Film("12 bits stored", filled(Cell(image=steps(12)))),
    "lut": Film(
        "Presentation LUT IDENTITY, LIN OD, and a table (a sigmoid)",
        filled(
            Cell(image=steps(), presentation_lut=PresentationLUT(shape="IDENTITY")),
            Cell(image=steps(), presentation_lut=PresentationLUT(shape="LIN OD")),
            Cell(image=steps(), presentation_lut=lut(_sigmoid)),
        ),
    ),
    "lut-of-film": Film(
        "Presentation LUT of the film, overridden in the second image box",
        filled(
            Cell(image=steps()),
            Cell(image=steps(), presentation_lut=PresentationLUT(shape="IDENTITY")),
            presentation_lut=lut(_sigmoid),
        ),
    ),
    "densities": Film(
        "Densities of the printer (20 to 300), 20 to 200, and 100 to 300",
        filled(Cell(image=steps()), Cell(image=steps(), MaxDensity=200), Cell(image=steps(), MinDensity=100)),
    ),
    "light": Film("Illumination 200 cd/m2, on a printer with 2000", filled(Cell(image=steps()), Illumination=200)),
    "ambient": Film(
        "Reflected Ambient Light 100 cd/m2, on a printer with 10",
        filled(Cell(image=steps()), ReflectedAmbientLight=100),
    ),
    "paper": Film(
        "Paper: densities 5 to 210",
        filled(Cell(image=steps()), Cell(image=BIG)),
        Imager(**{name: getattr(PAPER, name) for name in PAPER.__dataclass_fields__} | {"dpi": DPI}),
    ),
    "curve": Film(
        "Drive values of a device with higher values for darker pixels",
        filled(Cell(image=steps())),
        Imager(dpi=DPI, curve=CharacteristicCurve((0.2, 1.0, 2.0, 3.0), (0, 600, 2100, 4095))),
    ),
    "color": Film(
        "A color film: an image, the same with Polarity REVERSE, and a gray image",
        filled(Cell(image=colors()), Cell(image=colors(), Polarity="REVERSE"), Cell(image=steps())),
    ),
    "icc": Film(
        "A color film with an ICC Profile, which is also in the file", filled(Cell(image=colors()), ICCProfile=srgb())
    ),
    "overlay": Film(
        "Overlays: WHITE, BLACK with a background of 112, and WHITE on color",
        filled(
            Cell(image=number(1), overlays=(frame(),)),
            Cell(image=number(2), overlays=(frame("BLACK", "112"),)),
            Cell(image=colors(), overlays=(frame(),)),
        ),
    ),
    "annotation": Film(
        "Annotation Display Format ID COMBINED",
        filled(
            Cell(image=circle()),
            AnnotationDisplayFormatID="COMBINED",
            annotations=(
                Annotation(AnnotationPosition=1, TextString="Müller^Jürgen  1966-05-14"),
                Annotation(AnnotationPosition=2, TextString="CT Thorax L40 W400"),
            ),
        ),
    ),
    "label": Film(
        "Annotation Display Format ID LABEL: text and Trim are dark on a bright border",
        filled(
            Cell(image=circle()),
            AnnotationDisplayFormatID="LABEL",
            annotations=(Annotation(AnnotationPosition=1, TextString="Thorax p.a."),),
            BorderDensity="WHITE",
            Trim="YES",
        ),
    ),
    "annotation-below": Film(
        "Annotation Display Format ID ANNOTATION: a text that is too long is drawn smaller",
        filled(
            Cell(image=circle()),
            AnnotationDisplayFormatID="ANNOTATION",
            annotations=(Annotation(AnnotationPosition=1, TextString="Follow up in six weeks, please. " * 2),),
        ),
    ),
    "smpte": Film("Test pattern smpte", filled(Cell(image=gray(PATTERNS["smpte"](512))))),
    "patterns": Film(
        "Test patterns tg18-qc, steps, geometry and resolution",
        filled(
            *(Cell(image=gray(PATTERNS[name](512))) for name in ("tg18-qc", "steps", "geometry", "resolution")),
            layout="STANDARD\\2,2",
        ),
    ),
} | {
    f"size-{FilmSizeID}": Film(
        f"{FilmSizeID}: {width:g} by {height:g} mm",
        numbered("STANDARD\\1,1", 1, FilmSizeID=FilmSizeID),
        Imager(dpi=10),
        10,
    )
    for FilmSizeID, (width, height) in FILM_SIZES.items()
}


def page(name: str) -> Page:
    """Return the rendered film ``name``."""
    film = FILMS[name]
    return render(film.sheet, film.dpi, imager=film.imager)


def picture(name: str) -> bytes:
    """Return film ``name`` as a PNG file."""
    file = io.BytesIO()
    write_png(page(name), file)
    return file.getvalue()


def contact_sheet() -> str:
    """Return the text of docs/films.md."""
    cells = [f"![{name}](films/{name}.png)<br>{film.caption}" for name, film in FILMS.items()]
    cells += [""] * (-len(cells) % _COLUMNS)
    rows = [cells[first : first + _COLUMNS] for first in range(0, len(cells), _COLUMNS)]
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in [[""] * _COLUMNS, ["---"] * _COLUMNS, *rows])


def main() -> None:
    """Draw all films, and write docs/films.md."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    for name in FILMS:
        (FOLDER / f"{name}.png").write_bytes(picture(name))
    (DOCS / "films.md").write_text(contact_sheet(), encoding="utf-8")


if __name__ == "__main__":
    main()
