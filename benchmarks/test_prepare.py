"""Preparing images for print, from the file to 12 bits of gray or to RGB, beside the functions of pydicom.

A radiograph of 1841 x 1955 and an MR image of 1024 x 1024 pixels by their windows, an image by its VOI LUT, lossless
JPEG, a palette, and RLE. Both read the file and return pixels for an image box.
"""

import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.duels import Duel, timed
from print_mgmt.images import prepare

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed: pip install pydicom")
data_store = pytest.importorskip("data_store", reason="the images are not installed: pip install pydicom-data")

REAL = Path(next(iter(data_store.__path__))) / "data"


def gray(path: Path) -> NDArray[np.uint16]:
    """Return 12 bits by pydicom: modality, then window or table."""
    file = pydicom.dcmread(path)
    seen = pydicom.pixels.apply_voi_lut(pydicom.pixels.apply_modality_lut(file.pixel_array, file), file)
    low, high = float(seen.min()), float(seen.max())
    pixels: NDArray[np.uint16] = ((seen - low) * (4095 / (high - low)) + 0.5).astype(np.uint16)
    return pixels


def palette(path: Path) -> NDArray[np.uint8]:
    file = pydicom.dcmread(path)
    colors: NDArray[np.uint8] = (pydicom.pixels.apply_color_lut(file.pixel_array, file) >> 8).astype(np.uint8)
    return colors


@pytest.mark.parametrize("name", ["RG1_UNCR", "MR2_UNCR", "vlut_04", "JPGLosslessP14SV1_1s_1f_8b"])
def test_gray(duel: Duel, name: str) -> None:
    path = REAL / f"{name}.dcm"
    warnings.simplefilter("ignore")
    duel(f"Prepare {name}", "pydicom", timed(partial(prepare, path, bits=12), 3), timed(partial(gray, path), 3))


@pytest.mark.parametrize("name", ["OBXXXX1A", "OBXXXX1A_rle"])
def test_palette(duel: Duel, name: str) -> None:
    path = REAL / f"{name}.dcm"
    assert np.array_equal(prepare(path, color=True).pixels, palette(path))
    duel(f"Prepare {name}", "pydicom", timed(partial(prepare, path, color=True), 3), timed(partial(palette, path), 3))
