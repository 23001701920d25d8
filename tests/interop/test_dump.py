"""``dimse dump`` beside dcmdump: the same elements with the same VRs in the same order, also in sequences."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import Dcmtk, need, run_dimse
from samples import SAMPLES

from dimse.data import Dataset, read_file
from dimse.data.items import items_of

pytestmark = pytest.mark.interop

_ELEMENT = re.compile(r"^ *\(([0-9a-f]{4}),([0-9a-f]{4})\) (\w\w|\?\?)", re.IGNORECASE | re.MULTILINE)
_ITEMS = "FFFE"  # dcmdump gives items and delimiters lines of their own
_GROUP_LENGTH = "0000"  # retired in Data Sets, and skipped: PS3.5 §7.2

# Three transfer syntaxes, private elements, nested sequences, compressed Pixel Data
_SAMPLES = (
    "CT_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "rtplan.dcm", "test-SR.dcm",
    "waveform_ecg.dcm", "JPEG2000.dcm",
)  # fmt: skip


@pytest.mark.parametrize("name", _SAMPLES)
async def test_samples_equal_dcmdump(dcmtk: Dcmtk, tmp_path: Path, name: str) -> None:
    """Files of many vendors, from pydicom."""
    path = Path(need("pydicom.data").get_testdata_file(name))
    ours = await run_dimse("dump", path, cwd=tmp_path)
    theirs = await dcmtk.run("dcmdump", path)
    assert (ours.status, ours.err) == (0, "")
    assert list(_elements(ours.out)) == list(_elements(theirs.out))


# Differences of dcmdump, and their reasons
_SAME = {
    ("up", "UL"),  # the offsets in a DICOMDIR
    ("xs", "US"),  # US or SS, which dcmdump does not decide
    ("??", "UN"),  # a private attribute in implicit VR
    ("SQ", "UN"),  # UN of undefined length
    ("OB", "OW"),  # compressed Pixel Data that some programs write as OW
}
_UNREAD = {
    "SC_rgb_jpeg.dcm",  # native, though its Transfer Syntax is compressed
    "DICOMDIR-nooffset",
    "MR_truncated.dcm",
    "emri_small_jpeg_2k_lossless_too_short.dcm",
    "no_meta.dcm",
    "rtplan_truncated.dcm",
}


async def test_all_samples_equal_pydicom(dcmtk: Dcmtk) -> None:
    """All files of pydicom and pydicom-data: the same attributes, at the same depth, with the same VR.

    dcmdump shows UN for a known attribute in UN, and nothing inside a sequence in UN with a defined length.
    """
    paths = [path for name, path in SAMPLES.items() if path.name not in _UNREAD]
    ended = await dcmtk.run("dcmdump", "-q", "+F", *paths)
    _, *parts = re.split(r"^# dcmdump \(\d+/\d+\): .*$", ended.out, flags=re.MULTILINE)
    assert len(parts) == len(paths) > 100
    for path, theirs in zip(paths, parts, strict=True):
        file = read_file(path)
        wanted = list(_indented(theirs))
        ours = [*_outside_of_un([*_attributes(file.meta, 0), *_attributes(file.dataset, 0)], wanted)]
        assert [one[:2] for one in ours] == [one[:2] for one in wanted], path
        others = {(said, vr) for (*_, vr), (*_, said) in zip(ours, wanted, strict=True) if vr != said}
        assert {(said, vr) for said, vr in others - _SAME if said != "UN"} == set(), path


def _attributes(dataset: Dataset, depth: int) -> Iterator[tuple[int, str, str]]:
    for element in dataset:
        yield depth, f"{element.tag:08X}", element.VR
        for item in items_of(element):
            yield from _attributes(item, depth + 2)  # items are a level of their own


def _outside_of_un(
    ours: list[tuple[int, str, str]], theirs: list[tuple[int, str, str]]
) -> Iterator[tuple[int, str, str]]:
    """Yield our elements without the items of sequences that the other side shows as UN without content."""
    place, most = 0, 100
    for depth, tag, vr in ours:
        if depth > most:
            continue
        yield depth, tag, vr
        said, behind = theirs[place : place + 1], theirs[place + 1 : place + 2]
        is_closed = vr == "SQ" and said and said[0][2] == "UN" and not (behind and behind[0][0] > depth)
        place, most = place + 1, depth if is_closed else 100


def _indented(text: str) -> Iterator[tuple[int, str, str]]:
    for line in text.splitlines():
        found = _ELEMENT.match(line)
        if found:
            group, element, vr = found.groups()
            if group.upper() != _ITEMS and (element != _GROUP_LENGTH or group == "0002"):
                yield (len(line) - len(line.lstrip())) // 2, f"{group}{element}".upper(), vr


async def test_stored_film_equals_dcmdump(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    """A Stored Print object of DCMTK consists mostly of sequences."""
    film = await dcmtk.store("OURS12", images, "--layout", "2", "3")
    for path in (film.path, *film.images.values()):
        ours = await run_dimse("dump", path, cwd=tmp_path)
        theirs = await dcmtk.run("dcmdump", path)
        assert list(_elements(ours.out)) == list(_elements(theirs.out))


def _elements(text: str) -> Iterator[tuple[str, str]]:
    for group, element, vr in _ELEMENT.findall(text):
        if group.upper() != _ITEMS and element != _GROUP_LENGTH:
            yield f"{group}{element}".upper(), vr
