"""JPEG whose data break off, though an end of image stands behind them: ITU-T T.81 B.1.1.5."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dimse.data import Dataset, File, syntax_of
from print_mgmt.images import ImageError, prepare
from print_mgmt.images.jpeg_scans import scans_of

GRAY = (np.add.outer(np.arange(64), np.arange(64) * 3 % 190) % 256).astype(np.uint8)
RGB = np.stack([GRAY, GRAY.T, 255 - GRAY], axis=-1)
EOI = b"\xff\xd9"


def by_pillow(array: NDArray[np.uint8], **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "JPEG", quality=90, **options)
    return stream.getvalue()


KINDS = {
    "gray": by_pillow(GRAY),
    "4:4:4": by_pillow(RGB, subsampling=0),
    "4:2:0": by_pillow(RGB, subsampling=2),
    "progressive": by_pillow(RGB, progressive=True),
    "restarts": by_pillow(RGB, restart_marker_rows=1),
    "lossless": bytes(imagecodecs.jpeg8_encode(GRAY, lossless=True)),
    "12 bits": bytes(imagecodecs.jpeg8_encode(GRAY.astype(np.uint16) * 16, level=90, bitspersample=12)),
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
def test_half_a_jpeg_is_refused(kind: str, tail: bytes) -> None:
    data = KINDS[kind]
    scan = scans_of(data).scans[-1]
    cut = (scan[1] + scan[2]) // 2
    with pytest.raises(ImageError, match=r"break|cut off"):
        prepare(image(kind, data[:cut].rstrip(b"\xff") + tail))


@pytest.mark.parametrize("kind", KINDS)
def test_end_of_image_in_the_middle_is_refused(kind: str) -> None:
    data = KINDS[kind]
    scan = scans_of(data).scans[-1]
    cut = (scan[1] + scan[2]) // 2
    head = data[:cut].rstrip(b"\xff")
    with pytest.raises(ImageError, match="break"):
        prepare(image(kind, head + EOI + data[len(head) :]))


@pytest.mark.parametrize("missing", [4, 12])
def test_few_missing_bytes_are_found(missing: int) -> None:
    data = KINDS["gray"]
    end = scans_of(data).end
    with pytest.raises(ImageError, match="break off"):
        prepare(image("gray", data[: end - missing].rstrip(b"\xff") + EOI))


def test_missing_restart_intervals_are_counted() -> None:
    """Decoders go on behind a restart marker; what is missing before it is gray."""
    data = KINDS["restarts"]
    start = scans_of(data).scans[0][1]
    first = data.index(b"\xff\xd0", start)
    with pytest.raises(ImageError, match="JPEG breaks off after 1 of 4 restart intervals"):
        prepare(image("restarts", data[:first] + EOI))


def test_rest_behind_the_end_is_no_part_of_the_image() -> None:
    data = KINDS["gray"]
    assert np.array_equal(prepare(image("gray", data + bytes(100))).pixels, prepare(image("gray", data)).pixels)


def test_scans_without_end_are_refused() -> None:
    """Each costs the time of a whole image, though it is a few bytes."""
    data = KINDS["progressive"]
    _, start, end, _ = scans_of(data).scans[-1]
    at = data.rindex(b"\xff\xda", 0, start)
    with pytest.raises(ImageError, match="more than 256 scans"):
        prepare(image("progressive", data[:end] + data[at:end] * 300 + EOI))


def test_ordinary_jpeg_that_breaks_off_is_refused(tmp_path: Path) -> None:
    data = KINDS["4:2:0"]
    path = tmp_path / "half.jpg"
    cut = (scans_of(data).scans[0][1] + len(data)) // 2
    path.write_bytes(data[:cut].rstrip(b"\xff") + EOI)
    with pytest.raises(ImageError, match="break off"):
        prepare(path)


def test_bytes_that_fill_up_before_the_end_are_no_data() -> None:
    """T.81 B.1.1.2: any number of FF before a marker."""
    data = KINDS["gray"]
    filled = data[: scans_of(data).end] + b"\xff\xff" + EOI
    assert scans_of(filled).end == scans_of(data).end
    assert np.array_equal(prepare(image("gray", filled)).pixels, prepare(image("gray", data)).pixels)
