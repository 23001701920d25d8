"""Data Sets of pydicom and images of Pillow, printed without an import of either library."""

import subprocess
import sys

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset as PydicomDataset

from dimse.data import Dataset
from print_mgmt.images import ImageError, is_image, prepare

NAMES = ["CT_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "ExplVR_BigEnd.dcm", "image_dfl.dcm"]


@pytest.mark.parametrize("name", NAMES)
def test_pydicom_dataset_prints_like_its_file(name: str) -> None:
    path = str(get_testdata_file(name))
    assert np.array_equal(prepare(pydicom.dcmread(path)).pixels, prepare(path).pixels)


def test_pydicom_dataset_prints_without_file_meta() -> None:
    made = PydicomDataset()
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.Rows, made.Columns, made.BitsAllocated, made.BitsStored, made.HighBit = 1, 2, 8, 8, 7
    made.PixelData = b"\x10\x20"
    assert prepare(made).pixels.tolist() == [[16, 32]]


def test_pydicom_dataset_without_pixels_is_refused() -> None:
    made = PydicomDataset()
    made.Rows = 5
    with pytest.raises(ImageError, match="no Pixel Data"):
        prepare(made)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "P", "I;16"])
def test_pillow_image_prints_like_its_pixels(mode: str) -> None:
    made = Image.new(mode, (3, 2), 1)
    assert prepare(made).pixels.shape == (2, 3)


def test_pillow_pages_are_frames(tmp_path: object) -> None:
    path = f"{tmp_path}/pages.tif"
    first, second = (Image.new("L", (3, 2), value) for value in (10, 20))
    first.save(path, save_all=True, append_images=[second])
    with Image.open(path) as opened:
        assert [int(prepare(opened, frame=number).pixels[0, 0]) for number in (2, 1)] == [20, 10]


@pytest.mark.parametrize("thing", [None, 5, object(), [[1, 2]], {"a": 1}])
def test_other_objects_are_refused_with_advice(thing: object) -> None:
    with pytest.raises(
        ImageError, match=r"is not an image: pass an array \(numpy.asarray\), a Data Set, a File or a path"
    ):
        prepare(thing)  # type: ignore[arg-type]


class LookAlike:
    """An object with the methods of an image of Pillow."""

    mode = "L"

    def getbands(self) -> tuple[str, ...]:
        return ("L",)

    def tobytes(self) -> bytes:
        return b"\0"


@pytest.mark.parametrize("is_installed", [True, False])
def test_look_alike_of_a_pillow_image_is_refused(monkeypatch: pytest.MonkeyPatch, is_installed: bool) -> None:
    if not is_installed:
        monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImageError, match="LookAlike is not an image of Pillow"):
        prepare(LookAlike())


def test_is_image_tells_one_image_from_several() -> None:
    one = ["a.dcm", Dataset(), PydicomDataset(), Image.new("L", (1, 1)), np.zeros((2, 2)), np.zeros((2, 2, 3))]
    assert [is_image(thing) for thing in one] == [True] * len(one)
    several: list[object] = [["a.dcm"], np.zeros((5, 2, 2)), np.zeros((5, 2, 2, 3)), iter([]), ()]
    assert [is_image(thing) for thing in several] == [False] * len(several)


def test_other_libraries_are_not_imported() -> None:
    code = "import sys, print_mgmt, numpy; print_mgmt.prepare(numpy.zeros((2, 2), 'u1')); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"pydicom", "PIL"}.isdisjoint(loaded)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pydicom_dataset_that_cannot_be_written_is_refused() -> None:
    made = PydicomDataset()
    made.Rows = "two"
    with pytest.raises(ImageError, match=r"^a Data Set of pydicom\.dataset cannot be written: "):
        prepare(made)


def test_pillow_image_without_pixels_is_refused() -> None:
    with pytest.raises(ImageError, match=r"Rows 2 and Columns 0 must be at least 1 \(PS3\.3 C\.7\.6\.3\)"):
        prepare(Image.new("L", (0, 2)))
