"""The bounds of images are documented with their values."""

import re
from pathlib import Path

import pytest

from print_mgmt.images import frame, jpeg_scans, partition, pillow, shutter, voi

PAGE = (Path(__file__).parents[3] / "docs" / "limits.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", PAGE.partition("## Images\n")[2], re.MULTILINE)
MODULES = (frame, jpeg_scans, partition, pillow, shutter, voi)


@pytest.mark.parametrize(("name", "value"), ROWS)
def test_documented_limit_has_the_value_of_the_code(name: str, value: str) -> None:
    (found,) = (vars(module)[name] for module in MODULES if name in module.__all__)
    assert found == int(value.replace(",", ""))


def test_every_limit_of_images_is_documented() -> None:
    names = {name for module in MODULES for name in module.__all__ if name.startswith(("MAX_", "ALWAYS_"))}
    assert names == {name for name, _ in ROWS}
