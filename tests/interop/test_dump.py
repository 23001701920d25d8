"""``dimse dump`` beside dcmdump: the same elements with the same VRs in the same order, nested ones too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import Dcmtk, need, run_dimse

pytestmark = pytest.mark.interop

_ELEMENT = re.compile(r"^ *\(([0-9a-f]{4}),([0-9a-f]{4})\) (\w\w)", re.IGNORECASE | re.MULTILINE)
_ITEMS = "FFFE"  # dcmdump gives items and delimiters lines of their own
_GROUP_LENGTH = "0000"  # retired in Data Sets: read over, PS3.5 §7.2

# Three transfer syntaxes, private elements, nested sequences, compressed Pixel Data
_SAMPLES = (
    "CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "rtplan.dcm", "test-SR.dcm",
    "waveform_ecg.dcm", "JPEG2000.dcm",
)  # fmt: skip


@pytest.mark.parametrize("name", _SAMPLES)
async def test_samples(dcmtk: Dcmtk, tmp_path: Path, name: str) -> None:
    """Files of many makers, which pydicom ships."""
    path = Path(need("pydicom.data").get_testdata_file(name))
    ours = await run_dimse("dump", path, cwd=tmp_path)
    theirs = await dcmtk.run("dcmdump", path)
    assert (ours.status, ours.err) == (0, "")
    assert list(_elements(ours.out)) == list(_elements(theirs.out))


async def test_stored_film(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    """A Stored Print object of DCMTK, which is mostly sequences."""
    film = await dcmtk.store("OURS12", images, "--layout", "2", "3")
    for path in (film.path, *film.images.values()):
        ours = await run_dimse("dump", path, cwd=tmp_path)
        theirs = await dcmtk.run("dcmdump", path)
        assert list(_elements(ours.out)) == list(_elements(theirs.out))


def _elements(text: str) -> Iterator[tuple[str, str]]:
    for group, element, vr in _ELEMENT.findall(text):
        if group.upper() != _ITEMS and element != _GROUP_LENGTH:
            yield f"{group}{element}".upper(), vr
