"""Fingerprints of films and images: they must be the same on every processor.

Run as a program, it prints one line for each: its name and a hash of its pixels. Its arguments change sizes of the
renderer's work, such as ``_STRIP=4096``.
"""

import hashlib
import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from print_mgmt.film import (
    MAGNIFICATIONS,
    Cell,
    Imager,
    Overlay,
    PresentationLUT,
    PrintImage,
    Sheet,
    raster,
    render,
)
from print_mgmt.images import Window
from print_mgmt.images.color import rgb_of
from print_mgmt.images.voi import VOI_FUNCTIONS

KINDS = [(name, None) for name in sorted(MAGNIFICATIONS)] + [("CUBIC", name) for name in ("SHARP", "MEDIUM", "SMOOTH")]
SIZES = ((77, 91), (400, 333), (1700, 300))  # of images: enlarged, shrunk, shrunk more than 32 times in a small box


def noise(shape: tuple[int, ...], top: int) -> NDArray[np.uint16]:
    return np.random.default_rng(7).integers(0, top, shape, np.uint16)


def gray(pixels: NDArray[np.uint16], bits: int = 12) -> PrintImage:
    return PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2", BitsStored=bits)


def arrays() -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Yield arrays of pixels by name: magnified, toned, covered and windowed in each way."""
    images = [gray(noise(size, 4096)) for size in SIZES]
    ramp = gray(np.arange(4096, dtype=np.uint16).reshape(64, 64))
    lut = PresentationLUT(shape="LIN OD")
    colors = PrintImage(pixels=noise((90, 70, 3), 256).astype(np.uint8), PhotometricInterpretation="RGB")
    cross = Overlay(pixels=np.eye(64, dtype=np.bool_), OverlayMagnificationType="CUBIC")
    for bits in (8, 16):
        for kind, smoothing in KINDS:
            cells = tuple(Cell(image=image, MagnificationType=kind, SmoothingType=smoothing) for image in images)
            film = Sheet(
                ImageDisplayFormat="ROW\\1,8,1", FilmSizeID="8INX10IN", cells=cells[:1] + cells[2:] * 8 + cells[1:2]
            )
            yield f"{kind} {smoothing} {bits}", render(film, 60, bits=bits).pixels
        cells = tuple(Cell(image=ramp, presentation_lut=lut, MinDensity=least) for least in (20, 31, 150))
        cells += tuple(Cell(image=ramp, MaxDensity=greatest, overlays=(cross,)) for greatest in (300, 211, 97))
        film = Sheet(ImageDisplayFormat="STANDARD\\2,3", Illumination=1500, ReflectedAmbientLight=7, cells=cells)
        yield f"tone {bits}", render(film, 40, bits=bits, imager=Imager(MinDensity=18, MaxDensity=310)).pixels
    film = Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="8INX10IN", cells=(Cell(image=colors),))
    yield "color", render(film, 50).pixels
    yield "YBR", rgb_of(np.indices((256, 256, 16), np.uint8).T.reshape(256, -1, 3))
    for name in VOI_FUNCTIONS:
        yield name, Window(2100.5, 1301.3, name)(np.arange(4096.0))


def fingerprints() -> list[str]:
    """Return name and hash of each array."""
    return [f"{name} {hashlib.sha256(array.tobytes()).hexdigest()[:16]}" for name, array in arrays()]


if __name__ == "__main__":
    for size, value in (argument.split("=") for argument in sys.argv[1:]):
        assert hasattr(raster, size), size
        setattr(raster, size, int(value))
    sys.stdout.write("\n".join(fingerprints()) + "\n")
