"""The fixtures of the tests with real peers: DCMTK in a folder of the test, and images to print."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_objects import write_image
from peers import Dcmtk, need, program


@pytest.fixture
def dcmtk(tmp_path: Path) -> Dcmtk:
    """DCMTK, with a database of its own."""
    return Dcmtk(tmp_path / "dcmtk")


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Five gray images that differ in size, depth, sign and photometric interpretation."""
    samples = need("pydicom.data")
    ramp = np.linspace(0, 255, 48 * 40).astype(np.uint8).reshape(40, 48)
    noise = np.random.default_rng(1).integers(0, 4096, (33, 51), np.uint16)
    return [
        Path(samples.get_testdata_file("MR_small.dcm")),
        Path(samples.get_testdata_file("CT_small.dcm")),
        write_image(tmp_path / "ramp.dcm", ramp, "MONOCHROME2", 8),
        write_image(tmp_path / "inverse.dcm", ramp[::-1, :31], "MONOCHROME1", 8),
        write_image(tmp_path / "noise.dcm", noise, "MONOCHROME2", 12),
    ]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, without a profile of its own. It ends with its module, because its event loop disturbs async tests."""
    chromium = program("chromium", "chromium")
    with need("playwright.sync_api").sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()
