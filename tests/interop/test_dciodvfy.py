"""dicom3tools' dciodvfy judges the DICOM objects that we make: PS3.3 module by module."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from peers import program

from print_mgmt.film import Page
from print_mgmt.output import write_capture

pytestmark = pytest.mark.interop

SHAPES = {"byte": ((30, 41), np.uint8), "word": ((30, 41), np.uint16), "color": ((31, 41, 3), np.uint8)}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", SHAPES)
def test_captured_pages_have_no_error(kind: str, count: int, tmp_path: Path) -> None:
    shape, dtype = SHAPES[kind]
    page = Page(pixels=np.zeros(shape, dtype), width_mm=100, height_mm=100, dpi=150)
    with (tmp_path / "page.dcm").open("wb") as file:
        write_capture([page] * count, file, title="Film 1")
    judge = program("dciodvfy", "dicom3tools")
    report = subprocess.run([judge, file.name], check=False, capture_output=True, text=True)
    findings = report.stdout + report.stderr
    assert "SCImage" in findings
    assert "Error" not in findings
