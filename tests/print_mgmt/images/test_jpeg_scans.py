"""JPEG data that break off before their end of image: ITU-T T.81 B.1.1.5."""

import io
from itertools import pairwise
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dimse.data import Dataset, File, syntax_of
from print_mgmt.images import ImageError, prepare
from print_mgmt.images.jpeg_scans import decode_whole, scans_of

GRAY = (np.add.outer(np.arange(64), np.arange(64) * 3 % 190) % 256).astype(np.uint8)
RGB = np.stack([GRAY, GRAY.T, 255 - GRAY], axis=-1)
EOI = b"\xff\xd9"


def by_pillow(array: NDArray[np.uint8], **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


def by_imagecodecs(array: NDArray[np.uint8 | np.uint16], *, lossless: bool = False, optimize: bool = False) -> bytes:
    bits = None if array.dtype == np.uint8 else 12
    return bytes(imagecodecs.jpeg8_encode(array, level=90, lossless=lossless, optimize=optimize, bitspersample=bits))


KINDS = {
    "gray": by_pillow(GRAY),
    "4:4:4": by_pillow(RGB, subsampling=0),
    "4:2:0": by_pillow(RGB, subsampling=2),
    "progressive": by_pillow(RGB, progressive=True),
    "restarts": by_pillow(RGB, restart_marker_rows=1),
    "lossless": by_imagecodecs(GRAY, lossless=True),
    "12 bits": by_imagecodecs(GRAY.astype(np.uint16) * 16),
}


def image(kind: str, data: bytes) -> File:
    array = GRAY if kind in ("gray", "lossless", "12 bits") else RGB
    bits = 16 if kind == "12 bits" else 8
    dataset = Dataset(
        SamplesPerPixel=3 if array.ndim == 3 else 1,
        PhotometricInterpretation="YBR_FULL_422" if array.ndim == 3 else "MONOCHROME2",
        Rows=64,
        Columns=64,
        BitsAllocated=bits,
        BitsStored=12 if bits == 16 else 8,
        HighBit=11 if bits == 16 else 7,
        PixelRepresentation=0,
        PixelData=[b"", data],
    )
    return File(Dataset(), dataset, syntax_of("1.2.840.10008.1.2.4.50"))


@pytest.mark.parametrize("kind", KINDS)
def test_whole_jpeg_is_printed(kind: str) -> None:
    assert prepare(image(kind, KINDS[kind])).pixels.shape == (64, 64)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [b"", EOI, EOI + bytes(7)], ids=["no end", "end", "end and padding"])
def test_half_jpeg_is_refused(kind: str, tail: bytes) -> None:
    data = KINDS[kind]
    scan = scans_of(data).scans[-1]
    cut = (scan[1] + scan[2]) // 2
    with pytest.raises(ImageError, match=r"break|cut off"):
        prepare(image(kind, data[:cut].rstrip(b"\xff") + tail))


ONE_SCAN = [kind for kind in KINDS if kind != "progressive"]


@pytest.mark.parametrize("kind", ONE_SCAN)
@pytest.mark.parametrize("tail", [b"", b"\xff", bytes(2)], ids=["nothing", "half of it", "padding"])
def test_complete_jpeg_without_its_end_is_printed(kind: str, tail: bytes) -> None:
    whole = KINDS[kind]
    made = prepare(image(kind, whole.removesuffix(EOI) + tail))
    assert np.array_equal(made.pixels, prepare(image(kind, whole)).pixels)
    assert "have no end of image, but are complete" in made.notes[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [1, 2, 3, 8, 100])
def test_jpeg_without_its_end_and_its_last_bytes_is_refused(kind: str, missing: int) -> None:
    data = KINDS[kind].removesuffix(EOI)[:-missing]
    with pytest.raises(ImageError, match="cut off: they have no end of image"):
        prepare(image(kind, data + bytes(16)))


def test_progressive_jpeg_without_its_end_is_refused() -> None:
    """Its last scans may be missing: without them it is an image of less detail."""
    with pytest.raises(ImageError, match="cut off: they have no end of image"):
        prepare(image("progressive", KINDS["progressive"].removesuffix(EOI)))


def test_end_of_a_thumbnail_is_not_the_end_of_the_image() -> None:
    data = KINDS["gray"].removesuffix(EOI)
    thumbnail = b"\xff\xe1\x00\x06\xff\xd8" + EOI
    assert "are complete" in prepare(image("gray", data[:2] + thumbnail + data[2:])).notes[0]


@pytest.mark.parametrize("kind", KINDS)
def test_end_of_image_in_the_middle_is_refused(kind: str) -> None:
    data = KINDS[kind]
    scan = scans_of(data).scans[-1]
    cut = (scan[1] + scan[2]) // 2
    head = data[:cut].rstrip(b"\xff")
    with pytest.raises(ImageError, match="break"):
        prepare(image(kind, head + EOI + data[len(head) :]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [4, 12, 40])
def test_few_missing_bytes_are_found(kind: str, missing: int) -> None:
    data = KINDS[kind]
    end = scans_of(data).end
    with pytest.raises(ImageError, match="break"):
        prepare(image(kind, data[: end - missing].rstrip(b"\xff") + EOI))


@pytest.mark.parametrize("kind", KINDS)
def test_jpeg_cut_near_its_end_is_refused_with_an_end(kind: str) -> None:
    """Somebody has put an end of image after the data that are left."""
    data = KINDS[kind]
    last = scans_of(data).end
    for missing in range(1, 40):
        head = data[: last - missing].rstrip(b"\xff")
        with pytest.raises(ImageError, match=r"break|restart intervals"):
            prepare(image(kind, head + EOI))


def test_missing_scans_of_a_progressive_jpeg_are_refused() -> None:
    """They hold details; the decoder makes a blurred image without them."""
    data = KINDS["progressive"]
    ends = [end for _, _, end, _ in scans_of(data).scans]
    for end in ends[:-1]:
        with pytest.raises(ImageError, match="JPEG breaks off: it lacks scans of its components"):
            prepare(image("progressive", data[:end] + EOI))


def test_missing_refinement_in_the_middle_is_refused() -> None:
    data = KINDS["progressive"]
    scans = scans_of(data).scans
    before, (_, _, end, _) = next(
        (one[2], two)
        for one, two in pairwise(scans)
        if two[0][-1] >> 4 == 2  # from the second lowest bit to the lowest
    )
    with pytest.raises(ImageError, match="JPEG lacks a scan: bits of coefficients are missing"):
        prepare(image("progressive", data[:before] + data[end:]))


def of_three_scans(*components: int) -> bytes:
    """Return a JPEG with a scan for each of the named components, of three; each is the gray image."""
    scans = scans_of(KINDS["gray"])
    ((_, start, end, _),) = scans.scans
    data, at = KINDS["gray"], scans.frame_offset
    frame = b"\0\x11" + scans.frame[:5] + b"\3" + b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    tables = data[: at - 2] + frame + data[at + len(scans.frame) : start - 10]
    scan = data[start:end]
    return tables + b"".join(b"\xff\xda\0\x08\1" + bytes([number, 0, 0, 63, 0]) + scan for number in components) + EOI


def test_jpeg_of_three_scans_is_printed() -> None:
    assert prepare(image("4:4:4", of_three_scans(1, 2, 3)), color=True).pixels.shape == (64, 64, 3)


@pytest.mark.parametrize("components", [(1,), (1, 2), (2, 3)])
def test_missing_component_is_refused(components: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match="JPEG breaks off: it lacks scans of its components"):
        prepare(image("4:4:4", of_three_scans(*components)))


@pytest.mark.parametrize("missing", [1, 5, 100])
def test_scan_that_breaks_off_before_others_is_refused(missing: int) -> None:
    data = of_three_scans(1, 2, 3)
    end = scans_of(data).scans[1][2]
    with pytest.raises(ImageError, match="JPEG data break off"):
        prepare(image("4:4:4", data[: end - missing].rstrip(b"\xff") + data[end:]))


INTERVALS = {
    "gray": by_pillow(GRAY, restart_marker_rows=1),
    "blocks": by_pillow(GRAY, restart_marker_blocks=3),
    "4:4:4": by_pillow(RGB, subsampling=0, restart_marker_rows=2),
    "4:2:2": by_pillow(RGB, subsampling=1, restart_marker_rows=2),
    "4:2:0": by_pillow(RGB, subsampling=2, restart_marker_rows=1),
    "progressive": by_pillow(RGB, subsampling=0, restart_marker_rows=2, progressive=True),
}


@pytest.mark.parametrize("kind", INTERVALS)
def test_restart_interval_that_breaks_off_is_refused(kind: str) -> None:
    """All restart markers are there, but data before one of them are missing; the decoder leaves gray units."""
    data = INTERVALS[kind]
    start = scans_of(data).scans[0][1]
    first, second = data.index(b"\xff\xd0", start), data.index(b"\xff\xd1", start)
    with pytest.raises(ImageError, match="JPEG data break off"):
        prepare(image("gray" if kind in ("gray", "blocks") else kind, data[: (first + second) // 2] + data[second:]))


@pytest.mark.parametrize("kind", INTERVALS)
def test_gap_in_an_interval_of_an_ordinary_jpeg_is_refused(tmp_path: Path, kind: str) -> None:
    data = INTERVALS[kind]
    start = scans_of(data).scans[0][1]
    first, second = data.index(b"\xff\xd0", start), data.index(b"\xff\xd1", start)
    path = tmp_path / "gap.jpg"
    path.write_bytes(data[: (first + second) // 2] + data[second:])
    with pytest.raises(ImageError, match="JPEG data break off"):
        prepare(path)


@pytest.mark.parametrize("kind", ["gray", "4:4:4", "4:2:0", "12 bits"])
def test_bytes_after_the_last_unit_are_reported(kind: str) -> None:
    """The decoder does not need them if data in the middle are missing, and it has taken other data in their place."""
    data = KINDS[kind]
    ((_, start, end, _),) = scans_of(data).scans
    more = data[: (start + end) // 2].rstrip(b"\xff") + data[start:]
    notes = prepare(image(kind, more)).notes
    assert "bytes follow the last unit of the JPEG: data before them may be missing" in " ".join(notes)


@pytest.mark.parametrize("kind", ["gray", "4:4:4", "restarts", "lossless", "12 bits"])
def test_whole_image_is_decoded_once(kind: str) -> None:
    calls: list[bytes] = []
    data = KINDS[kind] if kind != "restarts" else by_pillow(RGB, subsampling=0, restart_marker_rows=3)

    def decode(data: bytes) -> NDArray[np.generic]:
        calls.append(data)
        return np.asarray(imagecodecs.jpeg8_decode(data))

    assert np.array_equal(decode_whole(data, decode), imagecodecs.jpeg8_decode(data))
    assert len(calls) == 1


@pytest.mark.parametrize("kind", ["4:2:0", "progressive", "mid-gray"])
def test_other_images_are_decoded_twice(kind: str) -> None:
    """A mid-gray image looks like one whose data have run out."""
    calls: list[bytes] = []
    data = KINDS.get(kind) or by_imagecodecs(np.full((16, 16), 128, np.uint8), optimize=True)

    def decode(data: bytes) -> NDArray[np.generic]:
        calls.append(data)
        return np.asarray(imagecodecs.jpeg8_decode(data))

    assert np.array_equal(decode_whole(data, decode), imagecodecs.jpeg8_decode(data))
    assert len(calls) == 2


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (9, 17), (33, 15)])
@pytest.mark.parametrize("lossless", [False, True])
def test_extra_row_leaves_the_pixels_unchanged(shape: tuple[int, int], *, lossless: bool) -> None:
    data = by_imagecodecs(np.ascontiguousarray(GRAY[: shape[0], : shape[1]]), lossless=lossless)
    assert np.array_equal(decode_whole(data, imagecodecs.jpeg8_decode), imagecodecs.jpeg8_decode(data))


def test_missing_restart_intervals_are_counted() -> None:
    """Decoders resume after a restart marker; missing pixels before it are gray."""
    data = KINDS["restarts"]
    start = scans_of(data).scans[0][1]
    first = data.index(b"\xff\xd0", start)
    with pytest.raises(ImageError, match="JPEG breaks off after 1 of 4 restart intervals"):
        prepare(image("restarts", data[:first] + EOI))


def test_bytes_after_the_end_are_ignored() -> None:
    data = KINDS["gray"]
    assert np.array_equal(prepare(image("gray", data + bytes(100))).pixels, prepare(image("gray", data)).pixels)


def test_too_many_scans_are_refused() -> None:
    """Each scan has few bytes, but costs the time of a whole image."""
    data = KINDS["progressive"]
    _, start, end, _ = scans_of(data).scans[-1]
    at = data.rindex(b"\xff\xda", 0, start)
    with pytest.raises(ImageError, match="more than 256 scans"):
        prepare(image("progressive", data[:end] + data[at:end] * 300 + EOI))


@pytest.mark.parametrize("segment", [b"\xff\xc0\0\2", b"\xff\xc0\0\x08\x08\0\x40\0\x40\0", b"\xff\xda\0\2"])
def test_broken_header_of_a_jpeg_is_refused(segment: bytes) -> None:
    """A further frame header or scan header that is cut off, or has no components."""
    data = KINDS["gray"]
    at = data.index(b"\xff\xda")
    with pytest.raises(ImageError, match="a header in the JPEG is broken"):
        prepare(image("gray", data[:at] + segment + data[at:]))


def test_broken_ordinary_jpeg_is_refused(tmp_path: Path) -> None:
    data = KINDS["4:2:0"]
    path = tmp_path / "half.jpg"
    cut = (scans_of(data).scans[0][1] + len(data)) // 2
    path.write_bytes(data[:cut].rstrip(b"\xff") + EOI)
    with pytest.raises(ImageError, match="break off"):
        prepare(path)


def test_fill_bytes_before_the_end_are_ignored() -> None:
    """T.81 B.1.1.2: any number of FF before a marker."""
    data = KINDS["gray"]
    filled = data[: scans_of(data).end] + b"\xff\xff" + EOI
    assert scans_of(filled).end == scans_of(data).end
    assert np.array_equal(prepare(image("gray", filled)).pixels, prepare(image("gray", data)).pixels)


def test_scan_without_a_marker_after_it_is_cut_off() -> None:
    data = KINDS["gray"][: KINDS["gray"].index(b"\xff\xda") + 20]
    with pytest.raises(ImageError, match=r"are cut off: no end of image follows the scans$"):
        scans_of(data)


@pytest.mark.parametrize(
    "array", [np.zeros((64, 64), np.uint8), np.zeros((65_490, 1), np.uint8)], ids=["progressive", "highest"]
)
def test_progressive_or_highest_image_takes_no_extra_row(array: NDArray[np.uint8]) -> None:
    """libjpeg reads at most 65,500 rows."""
    assert scans_of(by_pillow(array, progressive=len(array) == 64)).with_extra_row() is None
