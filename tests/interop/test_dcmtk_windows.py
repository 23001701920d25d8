"""Windows and tables as dcmpsprt renders them into the images of a stored film."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from peers import Dcmtk, need, stored_pixels

from print_mgmt.images.prepare import ImageOptions, open_image

pytestmark = pytest.mark.interop

HIGHEST = 4095  # dcmpsprt makes 12 bits
ALMOST = 1e-9


def windowed(folder: Path, name: str, **attributes: object) -> Path:
    """Return a sample image of pydicom with another window."""
    pydicom = need("pydicom")
    dataset = pydicom.dcmread(need("pydicom.data").get_testdata_file(name))
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.save_as(folder / "windowed.dcm")
    return folder / "windowed.dcm"


async def differences(dcmtk: Dcmtk, image: Path) -> NDArray[np.float64]:
    """Return our unrounded pixels minus those of dcmpsprt."""
    film = await dcmtk.store("OURS12", [image])
    picture = open_image(image).picture(1, ImageOptions())
    return HIGHEST * picture.curve.take(picture.codes) - stored_pixels(film.images[1])


@pytest.mark.parametrize(
    ("name", "center", "width"),
    [
        ("CT_small.dcm", 40, 400),
        ("CT_small.dcm", -0.5, 1500),
        ("MR_small.dcm", 600, 1600),
        ("MR_small.dcm", [600, 9], [1600, 9]),
        ("MR_small.dcm", 600, 1),
    ],
)
async def test_window_equals_dcmpsprt(dcmtk: Dcmtk, tmp_path: Path, name: str, center: object, width: object) -> None:
    """The first window, exactly; then DCMTK truncates and we round."""
    found = await differences(dcmtk, windowed(tmp_path, name, WindowCenter=center, WindowWidth=width))
    assert found.min() > -ALMOST
    assert found.max() < 1 + ALMOST


@pytest.mark.parametrize("name", ["mlut_18.dcm", "vlut_04.dcm"])
async def test_table_equals_dcmpsprt(dcmtk: Dcmtk, tmp_path: Path, name: str) -> None:
    """Modality LUT and VOI LUT, within the rounding of DCMTK to 12 bits."""
    assert np.abs(await differences(dcmtk, windowed(tmp_path, name))).max() < 1
