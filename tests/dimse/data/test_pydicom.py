"""Every file in pydicom's package, read by both: the same tags, VRs, values and pixels, and the same bytes again.

Where the two differ on purpose: pydicom knows some private attributes; group lengths are dropped here; an attribute in
UN is read here as what it is, and so it is written, but a sequence in UN stays bytes; OW is little endian here whatever
the syntax.
"""

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dimse.data import Dataset, File, Tag, decode, encode, pixel_array, read_file
from dimse.errors import DecodeError

pydicom = pytest.importorskip("pydicom")

DATA = Path(pydicom.__file__).parent / "data"

# What cannot be read here either: truncated, or an item longer than its sequence; no file at all.
REFUSED = {
    "MR_truncated.dcm": "8192 bytes where 8130 are left",
    "rtplan_truncated.dcm": "976 bytes where 711 are left",
    "DICOMDIR-nooffset": "an item of 248 bytes ends beyond its sequence",
    "no_meta.dcm": "not a DICOM file",
}
# Not as PS3.5 asks, and put right where somebody looks: UN of known attributes, group lengths in items, odd lengths.
PUT_RIGHT = {
    "J2K_pixelrep_mismatch.dcm",
    "rtdose_rle.dcm",
    "rtdose_rle_1frame.dcm",
    "meta_missing_tsyntax.dcm",
    "nested_priv_SQ.dcm",
}


def files() -> list[Path]:
    found = [*DATA.glob("test_files/**/*"), *DATA.glob("charset_files/*.dcm")]
    kept = [path for path in found if path.is_file() and path.suffix in ("", ".dcm") and path.name != "README"]
    return sorted({path.name: path for path in kept if not path.name.startswith("IM0000")}.values())


FILES = [path for path in files() if path.name not in REFUSED]


def by_pydicom(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, force=True)


def test_there_are_files() -> None:
    assert len(FILES) > 100


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    (path,) = (path for path in files() if path.name == name)
    with pytest.raises(DecodeError, match=REFUSED[name]):
        read_file(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_same_tags_vrs_and_values(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = read_file(path)
        compare(file.dataset, by_pydicom(path), file.syntax.big_endian)


def compare(ours: Dataset, theirs: Any, big_endian: bool) -> None:
    wanted = [element for element in theirs if element.tag.element != 0]
    assert [element.tag for element in ours] == [element.tag for element in wanted]
    for element, other in zip(ours, wanted, strict=True):
        where = str(element.tag)
        try:
            value = element.value
        except DecodeError:
            assert (element.VR, other.value) == ("IS", "1A"), "the only one, in badVR.dcm"
            continue
        if isinstance(value, list) and any(isinstance(item, Dataset) for item in value):
            assert other.VR == "SQ", where
            for item, theirs_item in zip(value, other.value, strict=True):
                assert isinstance(item, Dataset)
                compare(item, theirs_item, big_endian)
        elif element.VR != "UN":
            assert other.VR == element.VR or (other.VR, element.VR) == ("OB", "OW"), where
            assert (element.VR == "OW" and big_endian) or same(value, other.value), (where, value, other.value)


def same(value: object, other: Any) -> bool:
    """Whether two values are equal but for padding and for how no value is written."""
    match value:
        case None:
            return other is None or len(other) == 0 or str(other).strip(" \0") == ""
        case list() if isinstance(other, bytes):  # fragments
            return sum(len(item) for item in value if isinstance(item, (memoryview, bytes))) <= len(other)
        case list():
            return len(value) == len(other) and all(map(same, value, other))
        case memoryview() | bytes():
            return isinstance(other, bytes) and bytes(value) == other[: len(value)]
        case float():
            return math.isclose(value, float(other), rel_tol=1e-12)
        case int():
            return value == int(other)
    text = str(other).rstrip(" \0")
    return str(value).rstrip("=") in (text, text.strip())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_untouched_is_the_same_bytes_and_read_is_as_it_should_be(path: Path) -> None:
    file = read_file(path)
    written = encode(file.dataset, file.syntax)
    if file.syntax.deflated:
        assert decode(written, file.syntax) == file.dataset
    else:
        assert path.read_bytes().endswith(written), "nobody asked for anything"
    touch(file.dataset)
    proper = encode(file.dataset, file.syntax)
    assert (proper == written) == (path.name not in PUT_RIGHT and not has_group_lengths(path))
    again = decode(proper, file.syntax)
    touch(again)
    assert encode(again, file.syntax) == proper, "stable from then on"
    assert path.name in (*PUT_RIGHT, BAD_NUMBER) or again == file.dataset


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


def with_native_pixels() -> list[tuple[str, File]]:
    found = [(path.name, read_file(path)) for path in FILES]
    return [
        (name, file)
        for name, file in found
        if "BitsAllocated" in file.dataset and not isinstance(file.dataset.get("PixelData", []), list)
    ]


NATIVE = with_native_pixels()
BAD_NUMBER = "badVR.dcm"  # its Number of Frames is "1A"


@pytest.mark.parametrize(("name", "file"), NATIVE, ids=[name for name, _ in NATIVE])
def test_same_pixels(name: str, file: File) -> None:
    if name == BAD_NUMBER:
        with pytest.raises(DecodeError, match="needs a decimal number, got '1A'"):
            pixel_array(file.dataset)
        return
    (path,) = (path for path in FILES if path.name == name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.pixels.pixel_array(by_pydicom(path), raw=True)
    assert np.array_equal(pixel_array(file.dataset, file.syntax), theirs)


def test_private_creators_and_unknown_tags_are_printable() -> None:
    file = read_file(DATA / "test_files" / "CT_small.dcm")
    assert Tag(0x00091002) in file.dataset
