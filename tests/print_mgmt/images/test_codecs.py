"""Compressed images of each codec: decoded, compared with the Data Set, and broken on purpose."""

import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import imagecodecs
import numpy as np
import pytest
from budget import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from image_objects import image_of
from numpy.typing import NDArray
from rle_frames import encode as rle_encode

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, File, TransferSyntax, syntax_of
from print_mgmt.images import ImageError, prepare

Array = NDArray[np.uint8 | np.uint16]

GRAY8 = np.random.default_rng(1).integers(0, 256, (24, 16)).astype(np.uint8)
GRAY12 = np.random.default_rng(2).integers(0, 4096, (24, 16)).astype(np.uint16)
GRAY16 = np.random.default_rng(3).integers(0, 65536, (24, 16)).astype(np.uint16)
RGB = np.random.default_rng(4).integers(0, 256, (24, 16, 3)).astype(np.uint8)
SMOOTH = (np.indices((24, 16)).sum(0) * 6).astype(np.uint8)

JPEG, LOSSLESS, JPEG_LS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80"
JPEG_2000, HTJ2K, RLE_LOSSLESS = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.5"


LOSSLESS_KINDS: dict[str, tuple[str, Callable[[Array], bytes]]] = {
    "RLE": (RLE_LOSSLESS, rle_encode),
    "JPEG lossless": (LOSSLESS, lambda array: bytes(imagecodecs.ljpeg_encode(array, bitspersample=8 * array.itemsize))),
    "JPEG-LS": (JPEG_LS, lambda array: bytes(imagecodecs.jpegls_encode(array))),
    "JPEG 2000": (JPEG_2000, lambda array: bytes(imagecodecs.jpeg2k_encode(array, reversible=True, level=0))),
    "HTJ2K": (HTJ2K, lambda array: bytes(imagecodecs.htj2k_encode(array, reversible=True))),
}


def image(data: bytes, array: NDArray[np.generic], uid: str = JPEG, /, **attributes: object) -> File:
    bits = 8 * array.itemsize
    window: dict[str, object] = {"WindowCenter": str(1 << bits - 1), "WindowWidth": str(1 << bits)}
    made = image_of(array, **{**window, "PixelData": [b"", data], **attributes})
    return File(Dataset(), made, syntax_of(uid))


def as_gray(array: Array) -> Array:
    return prepare(array, bits=8).pixels


@pytest.mark.parametrize("kind", LOSSLESS_KINDS)
@pytest.mark.parametrize("array", [GRAY8, GRAY16], ids=["8", "16"])
def test_lossless_codec_keeps_gray(kind: str, array: Array) -> None:
    uid, encode = LOSSLESS_KINDS[kind]
    assert np.array_equal(prepare(image(encode(array), array, uid)).pixels, as_gray(array))


@pytest.mark.parametrize("kind", ["RLE", "JPEG-LS", "JPEG 2000", "HTJ2K"])
def test_lossless_codec_keeps_color(kind: str) -> None:
    uid, encode = LOSSLESS_KINDS[kind]
    assert np.array_equal(prepare(image(encode(RGB), RGB, uid), color=True).pixels, RGB)


def test_jpeg_of_12_bits_is_decoded() -> None:
    smooth = SMOOTH.astype(np.uint16) * 16
    data = bytes(imagecodecs.jpeg_encode(smooth, level=98, bitspersample=12))
    window: dict[str, object] = {"BitsStored": 12, "HighBit": 11, "WindowCenter": "2048", "WindowWidth": "4096"}
    seen = prepare(image(data, smooth, "1.2.840.10008.1.2.4.51", **window), bits=12).pixels
    assert np.abs(seen.astype(int) - smooth).max() < 40


def test_near_lossless_jpeg_ls_keeps_its_tolerance() -> None:
    data = bytes(imagecodecs.jpegls_encode(GRAY8, level=3))
    assert np.abs(prepare(image(data, GRAY8, JPEG_LS)).pixels.astype(int) - GRAY8).max() <= 3


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL_422"])
def test_markers_decide_on_the_color_space_of_jpeg(photometric: str) -> None:
    """JFIF and subsampled chrominances are YCbCr, even if the Data Set has RGB."""
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    data = bytes(imagecodecs.jpeg8_encode(flat, level=95, subsampling="422"))
    seen = prepare(image(data, flat, PhotometricInterpretation=photometric), color=True).pixels
    assert np.abs(seen.astype(int) - flat).max() <= 4


@pytest.mark.parametrize("kind", ["RLE", "JPEG-LS"])
def test_lossless_ybr_becomes_rgb(kind: str) -> None:
    uid, encode = LOSSLESS_KINDS[kind]
    gray = np.full((4, 4, 3), (90, 128, 128), np.uint8)
    file = image(encode(gray), gray, uid, PhotometricInterpretation="YBR_FULL")
    assert np.all(prepare(file, color=True).pixels == 90)


def test_signed_values_keep_their_sign() -> None:
    values = np.array([[-2000, -1], [0, 1000]], np.int16)
    data = bytes(imagecodecs.jpeg2k_encode(values, reversible=True, level=0))
    seen = prepare(image(data, values, JPEG_2000, WindowCenter="-500", WindowWidth="3001")).pixels
    assert seen.tolist() == [[0, 170], [170, 255]]


@pytest.mark.parametrize("uid", [JPEG_2000, HTJ2K])
def test_jpeg_2000_of_too_many_parts_is_refused(uid: str) -> None:
    """Precincts of 2 x 2 pixels at the lowest of two resolutions, and of 1 x 1 at the other."""
    blank = np.zeros((2048, 2048), np.uint8)
    data = bytes(imagecodecs.jpeg2k_encode(blank, codecformat="j2k", resolutions=2))
    at = data.index(b"\xff\x52")
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    style = data[at : at + 2] + (14).to_bytes(2, "big") + b"\1" + data[at + 5 : end] + b"\x11\x11"
    with pytest.raises(ImageError, match="tiles, precincts and code-blocks in"):
        prepare(image(data[:at] + style + data[end:], blank, uid))


def test_data_decide_on_the_codec() -> None:
    """JPEG-LS with the Transfer Syntax of JPEG baseline, and a Data Set without Transfer Syntax."""
    data = bytes(imagecodecs.jpegls_encode(GRAY8))
    assert np.array_equal(prepare(image(data, GRAY8, JPEG)).pixels, GRAY8)
    assert np.array_equal(prepare(image(data, GRAY8).dataset).pixels, GRAY8)


def test_codestream_of_few_bits_is_widened() -> None:
    data = bytes(imagecodecs.jpegls_encode(GRAY8))
    file = image(data, GRAY16, JPEG_LS, BitsStored=8, HighBit=7, WindowCenter="128", WindowWidth="256")
    assert np.array_equal(prepare(file).pixels, GRAY8)


def test_uncompressed_fragments_are_read() -> None:
    """Encapsulated Uncompressed Explicit VR Little Endian."""
    file = image(GRAY8.tobytes(), GRAY8, "1.2.840.10008.1.2.1.98", NumberOfFrames=2)
    file.dataset.PixelData = [b"", bytes(384), GRAY8.tobytes()]
    assert np.array_equal(prepare(file, frame=2).pixels, GRAY8)


def test_missing_fragment_of_uncompressed_frames_is_refused() -> None:
    """The fragments after it would take its place in all frames, but for the last one."""
    halves = [GRAY8.tobytes()[:192], GRAY8.tobytes()[192:]] * 2
    offsets = bytes(4) + (400).to_bytes(4, "little")
    file = image(b"", GRAY8, "1.2.840.10008.1.2.1.98", NumberOfFrames=2, PixelData=[offsets, *halves])
    assert np.array_equal(prepare(file).pixels, GRAY8)
    file.dataset.PixelData = [offsets, *halves[1:]]
    with pytest.raises(ImageError, match="have from 192 to 384 bytes: data are missing"):
        prepare(file)


# Without fragments, although the Transfer Syntax needs them, and the reverse


NOT_COMPRESSED = "read as not compressed (PS3.5 A.4)"


@pytest.mark.parametrize("uid", [JPEG_LS, RLE_LOSSLESS])
def test_native_pixels_in_a_compressed_syntax_are_read(uid: str) -> None:
    printed = prepare(image(b"", GRAY8, uid, PixelData=GRAY8.tobytes()))
    assert np.array_equal(printed.pixels, GRAY8)
    (note,) = printed.notes
    assert note == f"PixelData has no fragments, though the syntax is {syntax_of(uid).name}: {NOT_COMPRESSED}"


def test_compressed_frame_without_fragments_is_read() -> None:
    data = bytes(imagecodecs.jpegls_encode(GRAY8))
    printed = prepare(image(b"", GRAY8, JPEG_LS, PixelData=data + bytes(len(data) % 2)))
    assert np.array_equal(printed.pixels, GRAY8)
    assert "read as one compressed frame (PS3.5 A.4)" in printed.notes[0]


def test_second_frame_without_fragments_is_refused() -> None:
    data = bytes(imagecodecs.jpegls_encode(GRAY8))
    with pytest.raises(ImageError, match="PixelData is one compressed frame without fragments"):
        prepare(image(b"", GRAY8, JPEG_LS, PixelData=data + bytes(len(data) % 2), NumberOfFrames=2), frame=2)


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE], ids=lambda syntax: syntax.name)
def test_fragments_of_rle_in_a_native_syntax_are_read(syntax: TransferSyntax) -> None:
    made = image(rle_encode(GRAY8), GRAY8)
    assert np.array_equal(prepare(File(made.meta, made.dataset, syntax)).pixels, GRAY8)


# Refused before decoding


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"Rows": 23}, "JPEG-LS of 24 rows, 16 columns, 1 samples, but the Data Set has 23 rows"),
        ({"Columns": 65535, "Rows": 65535}, "more than the limit of 134217728 pixels"),
        ({"Columns": 32, "Rows": 12}, "but the Data Set has 12 rows, 32 columns"),
        ({"BitsAllocated": 12}, "BitsAllocated 12 of compressed Pixel Data is not 1, 8, 16 or 32"),
        ({"PixelData": GRAY8.tobytes()[2:]}, "PixelData: 382 bytes where 1 frame of 24 x 16 needs 384"),
        ({"Rows": None}, "Rows is missing"),
    ],
)
def test_image_of_another_size_is_refused(attributes: dict[str, object], message: str) -> None:
    data = bytes(imagecodecs.jpegls_encode(GRAY8))
    with pytest.raises(ImageError, match=message):
        prepare(image(data, GRAY8, JPEG_LS, **attributes))


def test_more_bits_than_allocated_are_refused() -> None:
    data = bytes(imagecodecs.jpegls_encode(GRAY16))
    with pytest.raises(ImageError, match="JPEG-LS of 16 bits, but BitsAllocated is 8"):
        prepare(image(data, GRAY8, JPEG_LS))


def test_jpeg_of_four_gigapixels_is_not_decoded() -> None:
    """The error comes from the header; no memory of that size is allocated."""
    data = bytearray(imagecodecs.jpeg8_encode(GRAY8))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(ImageError, match="JPEG of 65535 rows, 65535 columns"):
        prepare(image(bytes(data), GRAY8))


@pytest.mark.parametrize("kind", LOSSLESS_KINDS)
def test_cut_off_data_are_refused(kind: str) -> None:
    """This includes decoders that would fill the rest with gray."""
    uid, encode = LOSSLESS_KINDS[kind]
    data = encode(GRAY8)
    with pytest.raises(ImageError):
        prepare(image(data[: len(data) // 2], GRAY8, uid))


@pytest.mark.parametrize("kind", ["JPEG-LS", "JPEG 2000", "HTJ2K"])
@pytest.mark.parametrize("tail", [b"", bytes(2)], ids=["nothing", "padding"])
def test_complete_data_without_their_end_are_decoded(kind: str, tail: bytes) -> None:
    uid, encode = LOSSLESS_KINDS[kind]
    made = prepare(image(encode(GRAY8).removesuffix(b"\xff\xd9") + tail, GRAY8, uid))
    assert np.array_equal(made.pixels, GRAY8)
    assert "have no end of image, but are complete" in made.notes[0]


@pytest.mark.parametrize("kind", ["JPEG-LS", "JPEG 2000", "HTJ2K"])
@pytest.mark.parametrize("missing", [1, 2, 50])
def test_data_without_their_end_and_a_byte_are_refused(kind: str, missing: int) -> None:
    uid, encode = LOSSLESS_KINDS[kind]
    with pytest.raises(ImageError, match="cut off: they have no end of image"):
        prepare(image(encode(GRAY8).removesuffix(b"\xff\xd9")[:-missing], GRAY8, uid))


def test_rle_of_more_bytes_than_the_plane_has_a_note() -> None:
    made = prepare(image(rle_encode(GRAY8) + b"\1\2\3\4", GRAY8, RLE_LOSSLESS))
    assert np.array_equal(made.pixels, GRAY8)
    assert made.notes == ("RLE segment has more bytes than its plane: data may be missing (PS3.5 G.3)",)


def test_compressed_pixels_of_defined_length_are_decoded() -> None:
    uid, encode = LOSSLESS_KINDS["JPEG-LS"]
    data = encode(GRAY8)
    items = b"\xfe\xff\0\xe0" + bytes(4) + b"\xfe\xff\0\xe0" + len(data).to_bytes(4, "little") + data
    made = prepare(image(data, GRAY8, uid, PixelData=items))
    assert np.array_equal(made.pixels, GRAY8)
    assert made.notes == ("PixelData has a length, though it is compressed (PS3.5 A.4)",)


def test_half_a_jpeg_is_refused() -> None:
    data = bytes(imagecodecs.jpeg8_encode(GRAY8, level=90))
    with pytest.raises(ImageError, match="cut off: they have no end of image"):
        prepare(image(data[: len(data) // 2], GRAY8))


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.103", JPEG])
def test_unknown_codec_is_named(uid: str) -> None:
    with pytest.raises(ImageError, match=rf"compressed Pixel Data \({syntax_of(uid).name}".replace("(Process 1)", "")):
        prepare(image(b"\0\0\1\xb3 a film", GRAY8, uid))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xd8\xff\xda\x00\x02\xff\xd9", "the JPEG has no frame header"),
        (b"\xff\xd8abc\xff\xd9", "byte 2 of a compressed image is not a marker"),
        (b"\xff\xd8\xff\xe0", "ends too early"),
    ],
)
def test_broken_header_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        prepare(image(data, GRAY8))


def test_fill_bytes_before_markers_are_ignored() -> None:
    """ITU-T T.81 B.1.1.2: any number of bytes FF before a marker."""
    data = bytes(imagecodecs.jpeg8_encode(SMOOTH))
    filled = data[:2] + b"\xff\xff\xff" + data[2:]
    assert np.array_equal(prepare(image(filled, SMOOTH)).pixels, prepare(image(data, SMOOTH)).pixels)


def test_error_names_arithmetic_coding() -> None:
    data = bytes(imagecodecs.jpeg8_encode(GRAY8)).replace(b"\xff\xc0", b"\xff\xc9", 1)
    with pytest.raises(ImageError, match="JPEG of process SOF9 is not supported"):
        prepare(image(data, GRAY8))


def test_error_names_the_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package can be imported without it."""
    data = bytes(imagecodecs.jpegls_encode(GRAY8))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)  # as if it were not installed
    with pytest.raises(ImageError, match=r"JPEG-LS needs imagecodecs: pip install 'dimse-print\[codecs\]'"):
        prepare(image(data, GRAY8, JPEG_LS))


VALID = {kind: encode(GRAY8) for kind, (_, encode) in LOSSLESS_KINDS.items()}
VALID["JPEG"] = bytes(imagecodecs.jpeg8_encode(GRAY8))


@settings(max_examples=examples(150))
@given(st.sampled_from(sorted(VALID)), st.data())
def test_damaged_data_give_image_or_image_error(kind: str, draw: st.DataObject) -> None:
    """Bytes of a valid image are flipped, most of them in the header."""
    data = bytearray(VALID[kind])
    for _ in range(draw.draw(st.integers(1, 3))):
        at = draw.draw(st.integers(0, min(len(data), 200) - 1))
        data[at] = draw.draw(st.integers(0, 255))
    with suppress(ImageError):
        assert prepare(image(bytes(data), GRAY8)).pixels.shape == GRAY8.shape


# Facts in the data that the Data Set does not have


def test_values_above_bits_stored_are_clipped() -> None:
    """A lossy codec overshoots; a codestream has no bits above Bits Stored, PS3.5 8.2.4."""
    array = np.array([[4095, 4096, 4154, 65535], [0, 2048, 4000, 4094]], np.uint16)
    data = bytes(imagecodecs.jpeg2k_encode(array, level=0, codecformat="j2k", reversible=True))
    window: dict[str, object] = {"WindowCenter": "2048", "WindowWidth": "4096"}
    file = image(data, array, JPEG_2000, BitsStored=12, HighBit=11, **window)
    assert prepare(file, bits=12).pixels.tolist() == [[4095] * 4, [0, 2048, 4000, 4094]]


def test_signed_values_beyond_bits_stored_are_clipped() -> None:
    array = np.array([[-2049, -2048, 0, 2047, 2048, -32768]], np.int16)
    data = bytes(imagecodecs.jpeg2k_encode(array, level=0, codecformat="j2k", reversible=True))
    window: dict[str, object] = {"WindowCenter": "0", "WindowWidth": "4096"}
    file = image(data, array, JPEG_2000, BitsStored=12, HighBit=11, **window)
    assert prepare(file, bits=12).pixels.tolist() == [[0, 0, 2048, 4095, 4095, 0]]


def test_rle_bits_above_bits_stored_are_masked() -> None:
    """RLE packs whole cells, including overlay bits: PS3.5 8.1.1."""
    array = np.array([[0x1000, 0x1FFF]], np.uint16)
    window: dict[str, object] = {"WindowCenter": "2048", "WindowWidth": "4096"}
    file = image(rle_encode(array), array, RLE_LOSSLESS, BitsStored=12, HighBit=11, **window)
    assert prepare(file, bits=12).pixels.tolist() == [[0, 4095]]


# 16 x 16, 4:2:0, made with opj_compress: all Y of 0 to 255 in order, Cb 100, Cr 180
SUBSAMPLED = bytes.fromhex(
    "ff4fff51002f000000000010000000100000000000000000000000100000001000000000000000000003070101070202070202ff52000c"
    "00000001000104040001ff5c00074040484850ff640025000143726561746564206279204f70656e4a5045472076657273696f6e20322e"
    "352e30ff90000a0000000000670001ff93df8188122b030b0b13e4b92f853f38508b1775ecfeebbbbf990ae357498a330f78240ae13a0b"
    "35d007f9006c36164d3263c7709fc3e70e1150548842e11fc7d41214005b872441816a07c01141f3850036a13da634607f8080ffd9"
)


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422", "RGB"])
def test_subsampled_jpeg_2000_becomes_rgb_once(photometric: str) -> None:
    """The decoder returns RGB with any Photometric Interpretation."""
    file = image(SUBSAMPLED, np.zeros((16, 16, 3), np.uint8), JPEG_2000, PhotometricInterpretation=photometric)
    red, green, blue = prepare(file, color=True).pixels[0, 0].tolist()
    assert (abs(red - 73) <= 1, green, blue) == (True, 0, 0)


def jp2(codestream: bytes, space: int) -> bytes:
    """Return a codestream of 8 x 8 pixels in a file of JPEG 2000 with an enumerated color space, T.800 Annex I."""

    def box(kind: bytes, content: bytes) -> bytes:
        return (8 + len(content)).to_bytes(4, "big") + kind + content

    header = box(b"ihdr", b"\0\0\0\x08\0\0\0\x08\0\x03\x07\x07\0\0") + box(
        b"colr", b"\x01\0\0" + space.to_bytes(4, "big")
    )
    start = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return start + box(b"jp2h", header) + box(b"jp2c", codestream)


@pytest.mark.parametrize("space", [16, 18])
def test_sycc_of_jp2_becomes_rgb_once(space: int) -> None:
    """With sRGB (16) the Data Set decides; the decoder converts sYCC (18) to RGB."""
    ybr = np.full((8, 8, 3), (0, 100, 180), np.uint8)
    codestream = bytes(imagecodecs.jpeg2k_encode(ybr, level=0, codecformat="j2k", reversible=True, mct=False))
    file = image(jp2(codestream, space), ybr, JPEG_2000, PhotometricInterpretation="YBR_FULL")
    red, green, blue = prepare(file, color=True).pixels[0, 0].tolist()
    assert (abs(red - 73) <= 1, green, blue) == (True, 0, 0)


def test_lossless_jpeg_marked_as_rgb_is_not_converted() -> None:
    """Adobe's segment prevails over the Data Set, T.872 6.5.3."""
    flat = np.full((8, 8, 3), (200, 100, 10), np.uint8)
    data = bytes(imagecodecs.jpeg8_encode(flat, lossless=True, colorspace="RGB", outcolorspace="RGB"))
    file = image(data, flat, LOSSLESS, PhotometricInterpretation="YBR_FULL")
    assert np.array_equal(prepare(file, color=True).pixels, flat)


BITS = np.tile(np.array([0, 0, 1, 1, 0], np.uint8), (3, 1))


def packed_rle(bits: Array) -> bytes:
    plane = np.packbits(bits, bitorder="little")
    return rle_encode(plane.reshape(1, -1))


@pytest.mark.parametrize(
    ("uid", "encode"),
    [
        (JPEG_2000, lambda bits: bytes(imagecodecs.jpeg2k_encode(bits, level=0, reversible=True, bitspersample=1))),
        (JPEG_LS, lambda bits: bytes(imagecodecs.jpegls_encode(bits))),
        (JPEG_LS, lambda bits: bytes(imagecodecs.jpegls_encode(bits * 255))),
        (RLE_LOSSLESS, rle_encode),
        (RLE_LOSSLESS, packed_rle),
    ],
    ids=["JPEG 2000", "JPEG-LS", "JPEG-LS of 255", "RLE of bytes", "RLE of bits"],
)
def test_compressed_single_bits_are_read(uid: str, encode: Callable[[Array], bytes]) -> None:
    """PS3.5 8.2.2 to 8.2.4; RLE has one bit in a byte, or eight as in native pixels."""
    one: dict[str, object] = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "WindowCenter": None}
    assert np.array_equal(prepare(image(encode(BITS), BITS, uid, **one)).pixels, BITS * 255)


@pytest.mark.parametrize("empty_at", [0, 1, 2])
def test_empty_fragment_belongs_to_no_frame(empty_at: int) -> None:
    fragments = [rle_encode(GRAY8), rle_encode(255 - GRAY8)]
    fragments.insert(empty_at, b"")
    file = image(fragments[0], GRAY8, RLE_LOSSLESS, NumberOfFrames=2, PixelData=[b"", *fragments])
    assert np.array_equal(prepare(file, frame=2).pixels, 255 - GRAY8)


def test_frame_may_have_several_fragments() -> None:
    one, two = rle_encode(GRAY8), rle_encode(255 - GRAY8)
    file = image(one, GRAY8, RLE_LOSSLESS, NumberOfFrames=2, PixelData=[b"", one[:64], one[64:], two])
    assert np.array_equal(prepare(file, frame=2).pixels, 255 - GRAY8)


@pytest.mark.parametrize("array", [GRAY8, GRAY16, RGB], ids=["8", "16", "RGB"])
def test_lossless_jpeg_xl_keeps_pixels(array: Array) -> None:
    """PS3.5 A.4.12; 8-bit gray also in a file of boxes."""
    data = bytes(imagecodecs.jpegxl_encode(array, lossless=True))
    made = prepare(image(data, array, JPEG), color=array.ndim == 3)
    assert np.array_equal(made.pixels, array if array.ndim == 3 else as_gray(array))


@pytest.mark.parametrize("uid", [JPEG, JPEG_LS, JPEG_2000, "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.112"])
def test_data_without_any_header_are_broken(uid: str) -> None:
    with pytest.raises(ImageError, match=r"compressed Pixel Data \(.*\) is broken"):
        prepare(image(b"no image", GRAY8, uid))


def test_jpeg_xl_of_another_size_is_refused() -> None:
    data = bytes(imagecodecs.jpegxl_encode(GRAY8, lossless=True))
    with pytest.raises(ImageError, match="JPEG XL of 24 rows, 16 columns, 1 samples, but the Data Set has 16 rows"):
        prepare(image(data, GRAY8, JPEG, Rows=16, Columns=24))


def test_jpeg_xl_of_more_bits_than_allocated_is_refused() -> None:
    data = bytes(imagecodecs.jpegxl_encode(GRAY16, lossless=True))
    what = r"JPEG XL data became uint16 of shape \(24, 16\), not integers of at most 1 byte of shape \(24, 16\)"
    with pytest.raises(ImageError, match=what):
        prepare(image(data, GRAY8, "1.2.840.10008.1.2.4.110"))


def test_deflated_frames_are_inflated_to_their_size() -> None:
    """PS3.5 A.4.13; further data after the frame are ignored."""
    for content in (GRAY8.tobytes(), GRAY8.tobytes() + bytes(1 << 20)):
        deflate = zlib.compressobj(wbits=-15)
        data = deflate.compress(content) + deflate.flush()
        syntax = TransferSyntax(uid="1.2.840.10008.1.2.8.1", name="Deflated Image Frame", encapsulated=True)
        file = replace(image(data, GRAY8), syntax=syntax)
        assert np.array_equal(prepare(file).pixels, GRAY8)


@pytest.mark.parametrize(
    ("content", "flush", "found"),
    [
        (GRAY8.tobytes() + b"\1", zlib.Z_FINISH, "more bytes than the frame needs"),
        (GRAY8.tobytes(), zlib.Z_SYNC_FLUSH, "no end"),
    ],
)
def test_deflated_frame_of_wrong_length_has_a_note(content: bytes, flush: int, found: str) -> None:
    deflate = zlib.compressobj(wbits=-15)
    data = deflate.compress(content) + deflate.flush(flush)
    syntax = TransferSyntax(uid="1.2.840.10008.1.2.8.1", name="Deflated Image Frame", encapsulated=True)
    made = prepare(replace(image(data, GRAY8), syntax=syntax))
    assert np.array_equal(made.pixels, GRAY8)
    assert made.notes == (f"Deflated Image Frame has {found}: data may be missing (PS3.5 A.4.13)",)


def test_whole_deflated_frame_has_no_note() -> None:
    deflate = zlib.compressobj(wbits=-15)
    data = deflate.compress(GRAY8.tobytes()) + deflate.flush()
    syntax = TransferSyntax(uid="1.2.840.10008.1.2.8.1", name="Deflated Image Frame", encapsulated=True)
    assert prepare(replace(image(data + b"\0" * (len(data) % 2), GRAY8), syntax=syntax)).notes == ()


def test_frame_that_cannot_be_inflated_is_refused() -> None:
    syntax = TransferSyntax(uid="1.2.840.10008.1.2.8.1", name="Deflated Image Frame", encapsulated=True)
    with pytest.raises(ImageError, match=r"Deflated Image Frame cannot be inflated: .* \(PS3\.5 A\.4\.13\)"):
        prepare(replace(image(b"\xff\xff\xff\xff", GRAY8), syntax=syntax))


def test_more_frames_than_declared_are_a_note() -> None:
    data = bytes(imagecodecs.jpegls_encode(GRAY8))
    data += b"\0" * (len(data) % 2)
    made = prepare(image(data, GRAY8, JPEG_LS, NumberOfFrames=2, PixelData=[b"", data, data, data]))
    assert np.array_equal(made.pixels, GRAY8)
    (note,) = made.notes
    assert "3 fragments hold more frames than Number of Frames (2)" in note


def test_decompression_bomb_is_refused() -> None:
    """A JPEG 2000 of a single gray has a few hundred bytes at any size; its decoder needs four bytes for a sample."""
    data = bytearray(imagecodecs.jpeg2k_encode(np.zeros((64, 64), np.uint8), level=0, codecformat="j2k"))
    at = data.index(b"\xff\x51") + 6
    data[at : at + 8] = (11000).to_bytes(4, "big") * 2
    with pytest.raises(ImageError, match=r"would decompress to 121000000"):
        prepare(image(bytes(data), GRAY8, JPEG_2000, Rows=11000, Columns=11000))
