"""Small pictures of pixels."""

import io
from array import array

import pytest

from dimse.explain.pictures import MAX_SIDE, Picture, picture_of

GRAY = {"Rows": "2", "Columns": "3", "BitsAllocated": "8", "BitsStored": "8", "SamplesPerPixel": "1"}


def pixels(picture: Picture | None) -> tuple[str, list[object]]:
    image = pytest.importorskip("PIL.Image")
    assert picture is not None
    with image.open(io.BytesIO(picture.png)) as opened:
        assert opened.size == (picture.width, picture.height)
        return opened.mode, list(
            opened.get_flattened_data() if hasattr(opened, "get_flattened_data") else opened.getdata()
        )


def test_gray_of_8_bits_is_kept() -> None:
    assert pixels(picture_of(GRAY, memoryview(bytes(range(6))))) == ("L", [0, 1, 2, 3, 4, 5])


def test_monochrome1_is_inverted() -> None:
    described = {**GRAY, "PhotometricInterpretation": "MONOCHROME1"}
    assert pixels(picture_of(described, memoryview(bytes(6))))[1] == [255] * 6


def test_12_bits_keep_their_range() -> None:
    described = {**GRAY, "BitsAllocated": "16", "BitsStored": "12"}
    words = array("H", [0, 4095, 16, 2048, 4095 + 4096, 15])
    octets = b"".join(word.to_bytes(2, "little") for word in words)
    assert pixels(picture_of(described, memoryview(octets)))[1] == [0, 255, 1, 128, 255, 0]


def test_signed_values_fill_the_range() -> None:
    described = {**GRAY, "BitsAllocated": "16", "BitsStored": "16", "PixelRepresentation": "1"}
    octets = b"".join(value.to_bytes(2, "little", signed=True) for value in (-1000, 1000, 0, 0, 0, 0))
    assert pixels(picture_of(described, memoryview(octets)))[1][:3] == [0, 255, 127]


def test_signed_octets_fill_the_range() -> None:
    described = {**GRAY, "PixelRepresentation": "1"}
    octets = bytes((0x80, 0x7F, 0, 0, 0, 0))
    assert pixels(picture_of(described, memoryview(octets)))[1][:3] == [0, 255, 128]


def test_big_endian_words_are_swapped() -> None:
    described = {**GRAY, "BitsAllocated": "16", "BitsStored": "12", "big_endian": "1"}
    assert pixels(picture_of(described, memoryview(b"\x0f\xff" * 6)))[1] == [255] * 6


@pytest.mark.parametrize(("planar", "octets"), [("0", bytes(range(18))), ("1", bytes(range(0, 18, 3)) * 3)])
def test_color_is_shown(planar: str, octets: bytes) -> None:
    described = {**GRAY, "SamplesPerPixel": "3", "PlanarConfiguration": planar}
    mode, found = pixels(picture_of(described, memoryview(octets)))
    assert mode == "RGB"
    assert found[1] == ((3, 4, 5) if planar == "0" else (3, 3, 3))


def test_large_image_becomes_small() -> None:
    described = {**GRAY, "Rows": "1000", "Columns": "3000"}
    picture = picture_of(described, memoryview(bytes(3_000_000)))
    assert picture is not None
    assert max(picture.width, picture.height) <= MAX_SIDE


@pytest.mark.parametrize(
    "wrong",
    [
        {"Rows": "3"},
        {"Rows": "0"},
        {"Rows": "-1"},
        {"Columns": "99999999"},
        {"BitsAllocated": "1"},
        {"BitsAllocated": "12"},
        {"SamplesPerPixel": "4"},
        {"SamplesPerPixel": "3", "BitsAllocated": "16"},
    ],
    ids=str,
)
def test_impossible_pixels_have_no_picture(wrong: dict[str, str]) -> None:
    assert picture_of({**GRAY, **wrong}, memoryview(bytes(6))) is None
