"""Each file in pydicom and pydicom-data has the same tags, VRs, values, pixels and frames in both libraries.

An untouched file is written back byte for byte. DIFFERENCES lists each intended difference with its reason; a test
fails if no file shows it any more.
"""

import re
import warnings
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import CLINICAL, SAMPLES, need_clinical

from dimse.data import DS, IS, Dataset, Element, decode, encode, frames_of, pixel_array, read_file
from dimse.errors import DecodeError

pydicom = pytest.importorskip("pydicom")

# Files that are rejected here: truncated, an item longer than its sequence, an element longer than the rest.
REFUSED = {
    "MR_truncated.dcm": "8192 bytes, but only 8130 follow",
    "rtplan_truncated.dcm": "976 bytes, but only 711 follow",
    "DICOMDIR-nooffset": "an item of 248 bytes ends beyond its sequence",
    "no_meta.dcm": "not a DICOM file",
    "emri_small_jpeg_2k_lossless_too_short.dcm": "the header of an item is cut off",
}

# The file, the element (a regular expression for its whole path), and the reason of the difference.
DIFFERENCES = [
    ("*", r".*\(....,0000\)", "group lengths are dropped here (PS3.5 §7.2)"),
    ("chr*Multi*.dcm", r"\(0019,10..\)", "pydicom has a dictionary of private elements"),
    ("*", r"\(300C,0002\)|\(4453,100C\)|.*\(0001,0001\)|\(0018,9346\)", "a sequence in UN stays bytes here"),
    ("SC_rgb_jpeg.dcm", r"\(7FE0,0010\)", "pydicom makes OB of compressed Pixel Data that the file has as OW"),
    ("badVR.dcm", r"\(0028,0008\)", "'1A' is an error here, and text there"),
    ("chrX[12].dcm", r"\(0010,0010\)", "an empty component group stays here"),
    ("*expb*|*big*|*Big*", r"\(7FE0,0010\)|\(0028,12[02][123]\)", "words are little endian here whatever the syntax"),
]

# Contrary to PS3.5, and corrected on access: UN of known attributes, group lengths in items, odd lengths,
# elements out of order.
CORRECTED = {
    "J2K_pixelrep_mismatch.dcm",
    "rtdose_rle.dcm",
    "rtdose_rle_1frame.dcm",
    "meta_missing_tsyntax.dcm",
    "nested_priv_SQ.dcm",
    "bad_sequence.dcm",
    "explicit_VR-UN.dcm",
    "winter.dcm",
}
# -1 of 12 bits is 0FFFH: pydicom extends the sign, and this package leaves the bits above Bits Stored as they are
SIGNS = {"mlut_18.dcm"}
BAD_NUMBER = "badVR.dcm"  # its Number of Frames is "1A"

FILES = {name: path for name, path in SAMPLES.items() if path.name not in REFUSED}
every_file = pytest.mark.parametrize("path", FILES.values(), ids=FILES)


def by_pydicom(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, force=True)


def test_peer_has_files() -> None:
    assert len(FILES) - len(CLINICAL) > 150


def test_peer_has_files_of_clinical_size() -> None:
    need_clinical()
    assert len(CLINICAL) > 60


@pytest.mark.parametrize("name", REFUSED)
def test_rejected_files_are_known(name: str) -> None:
    for path in SAMPLES.values():
        if path.name == name:
            with pytest.raises(DecodeError, match=REFUSED[name]):
                read_file(path, whole=True)


@every_file
def test_tags_vrs_and_values_are_the_same(path: Path) -> None:
    file, theirs = read_file(path), by_pydicom(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [*differences(file.meta, theirs.file_meta, ""), *differences(file.dataset, theirs, "")]
    assert [where for where in found if not reasons(path.name, where)] == []


def reasons(name: str, where: str) -> list[str]:
    return [
        why
        for names, element, why in DIFFERENCES
        if any(fnmatch(name, pattern) for pattern in names.split("|")) and re.fullmatch(element, where)
    ]


def test_each_listed_difference_exists() -> None:
    need_clinical()
    missing = {why for _, _, why in DIFFERENCES}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in FILES.values():
            for where in differences(read_file(path).dataset, by_pydicom(path), ""):
                missing.difference_update(reasons(path.name, where))
            if not missing:
                break
    assert missing == set()


def differences(ours: Dataset, theirs: Any, path: str) -> Iterator[str]:
    """Return the paths of the values that differ."""
    tags = {int(element.tag) for element in ours}
    for tag in sorted(tags | {int(tag) for tag in theirs.keys()}):  # noqa: SIM118 (iterating decodes)
        where = f"{path}({tag >> 16:04X},{tag & 0xFFFF:04X})"
        if tag not in tags or tag not in theirs:
            yield where
        elif ours[tag].VR == "SQ" and theirs[tag].VR == "SQ":
            items = ours[tag].value
            assert isinstance(items, list)
            if len(items) != len(theirs[tag].value or []):
                yield where
            for number, (item, other) in enumerate(zip(items, theirs[tag].value, strict=False)):
                assert isinstance(item, Dataset)
                yield from differences(item, other, f"{where}[{number}].")
        elif not same(ours[tag], theirs[tag]):
            yield where


def same(element: Element, other: Any) -> bool:
    if element.VR != other.VR:
        return False
    try:
        value = element.value
    except DecodeError:
        return False
    theirs = other.value
    if isinstance(value, list) and isinstance(theirs, bytes):  # fragments, which other tests compare
        return True
    if isinstance(value, list):
        return [*map(ours_plain, value)] == [*map(plain, theirs)]
    return ours_plain(value) == plain(theirs)


def ours_plain(value: object) -> object:
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, (DS, IS)):
        return value.text
    return None if value == "" else value


def plain(value: Any) -> object:
    """Return a value of pydicom in our form: None for a missing value, and the text of a number that was text."""
    if isinstance(value, (pydicom.valuerep.DSfloat, pydicom.valuerep.IS)):
        return value.original_string.strip(" \0")
    if isinstance(value, (str, pydicom.valuerep.PersonName)):
        return str(value).strip(" \0") or None
    return value if isinstance(value, (int, float)) or value else None


@every_file
def test_untouched_file_is_the_same_bytes(path: Path) -> None:
    file = read_file(path)
    written = encode(file.dataset, file.syntax)
    if file.syntax.deflated:
        assert decode(written, file.syntax) == file.dataset
    else:
        assert path.read_bytes().endswith(written), "nothing was accessed"
    touch(file.dataset)
    proper = encode(file.dataset, file.syntax)
    assert (proper == written) == (path.name not in CORRECTED and not has_group_lengths(path))
    again = decode(proper, file.syntax)
    touch(again)
    assert encode(again, file.syntax) == proper, "stable from then on"
    assert path.name in (*CORRECTED, BAD_NUMBER) or again == file.dataset


def has_group_lengths(path: Path) -> bool:
    return any(tag.element == 0 for tag in by_pydicom(path).keys())  # noqa: SIM118 (iterating decodes)


def touch(ds: Dataset) -> None:
    for element in ds:
        try:
            value = element.value
        except DecodeError:
            continue
        for item in value if isinstance(value, list) else ():
            if isinstance(item, Dataset):
                touch(item)


@every_file
def test_pixels_and_frames_are_the_same(path: Path) -> None:
    file, theirs = read_file(path), by_pydicom(path)
    if "PixelData" not in file.dataset:
        return
    if isinstance(file.dataset.PixelData, list):
        count = int(theirs.get("NumberOfFrames", None) or 1)
        frames = [*pydicom.encaps.generate_frames(theirs.PixelData, number_of_frames=count)]
        assert [b"".join(frame) for frame in frames_of(file.dataset)] == frames
        return
    theirs.file_meta.setdefault("TransferSyntaxUID", file.syntax.uid)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = pydicom.pixels.pixel_array(theirs, raw=True)
    except AttributeError:  # attributes are missing
        with pytest.raises(DecodeError):
            pixel_array(file.dataset)
        return
    except ValueError:  # Number of Frames is not a number
        assert pixel_array(file.dataset).shape == (theirs.Rows, theirs.Columns)
        return
    pixels = pixel_array(file.dataset)
    assert pixels.dtype == wanted.dtype.newbyteorder("<")
    assert np.array_equal(pixels, wanted) == (path.name not in SIGNS)
    above = 16 - int(theirs.BitsStored) if path.name in SIGNS else 0
    assert np.array_equal(pixels << above, wanted << above)
