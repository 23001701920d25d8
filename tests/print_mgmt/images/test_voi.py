"""Windows: the numbers of PS3.3 C.11.2.1, and a comparison with pydicom."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset as PydicomDataset
from pydicom.pixels import apply_windowing

from print_mgmt.images import ImageError, Window
from print_mgmt.images.voi import VOI_FUNCTIONS

# fmt: off
# Function, center, width: value, output of 0 to 255
POINTS = [
    ("LINEAR",       2048, 4096, 0,      0),
    ("LINEAR",       2048, 4096, 4095,   255),
    ("LINEAR",       2048, 4096, 2047.5, 127.5),
    ("LINEAR",       0,    100,  -50,    0),
    ("LINEAR",       0,    100,  49,     255),
    ("LINEAR",       0,    100,  -0.5,   127.5),
    ("LINEAR",       0,    100,  -51,    0),
    ("LINEAR",       0,    100,  50,     255),
    ("LINEAR",       0,    1,    -0.5,   0),
    ("LINEAR",       0,    1,    0,      255),
    ("LINEAR_EXACT", 0.5,  1,    0.25,   63.75),
    ("LINEAR_EXACT", 0,    100,  -50,    0),
    ("LINEAR_EXACT", 0,    100,  0,      127.5),
    ("LINEAR_EXACT", 0,    100,  50,     255),
    ("SIGMOID",      40,   400,  40,     127.5),
    ("SIGMOID",      40,   400,  240,    224.603),
    ("SIGMOID",      40,   1e-9, -9e9,   0),
    ("SIGMOID",      40,   1e-9, 9e9,    255),
]
# fmt: on


@pytest.mark.parametrize(("function", "center", "width", "value", "output"), POINTS)
def test_window_gives_the_numbers_of_the_standard(
    function: str, center: float, width: float, value: float, output: float
) -> None:
    seen = VOI_FUNCTIONS[function](np.array([value]), center, width)
    assert seen[0] * 255 == pytest.approx(output, abs=1e-3)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_window_of_the_whole_range_changes_nothing(bits: int) -> None:
    """Center 2**(n-1) and width 2**n keep n bits unchanged."""
    values = np.arange(1 << bits, dtype=np.float64)
    seen = VOI_FUNCTIONS["LINEAR"](values, 1 << bits - 1, 1 << bits)
    assert np.array_equal(np.rint(seen * ((1 << bits) - 1)), values)


@pytest.mark.parametrize("function", VOI_FUNCTIONS)
@given(st.floats(-4000, 4000), st.floats(1, 9000))
def test_window_agrees_with_pydicom(function: str, center: float, width: float) -> None:
    values = np.arange(-2000, 3000, 7, dtype=np.int16)
    dataset = PydicomDataset()
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.BitsStored = 16
    dataset.VOILUTFunction = function
    dataset.WindowCenter, dataset.WindowWidth = f"{center:.9g}", f"{width:.9g}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = apply_windowing(values, dataset)
    center, width = float(dataset.WindowCenter), float(dataset.WindowWidth)
    ours = VOI_FUNCTIONS[function](values.astype(np.float64), center, width) * 65535
    assert np.allclose(ours, theirs, rtol=0, atol=1e-6)


def test_infinite_window_is_refused() -> None:
    with pytest.raises(ImageError, match="WindowCenter inf and WindowWidth 100 must be finite numbers"):
        Window(float("inf"), 100)


def test_window_of_an_unknown_function_is_refused() -> None:
    with pytest.raises(ImageError, match=r"^VOILUTFunction 'CUBIC' is not one of LINEAR, "):
        Window(40, 400, "CUBIC")
