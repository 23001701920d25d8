"""Native cells of any depth, single frames, and abuse of the attributes: PS3.5 §8.1.1."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    Element,
    File,
    TransferSyntax,
    decode,
    encode,
    syntax_of,
    tag_of,
)
from print_mgmt.images import ImageError, prepare, prepare_all


def gray(data: bytes, allocated: int, rows: int = 1, columns: int = 4, /, **attributes: object) -> Dataset:
    made: dict[str, object] = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": allocated,
        "BitsStored": allocated,
        "HighBit": allocated - 1,
        "PixelRepresentation": 0,
        "WindowCenter": str(2 ** (allocated - 1)),
        "WindowWidth": str(2**allocated),
    }
    if len(data) % 2 == 0 or allocated == 8:
        made["PixelData"] = data
    return Dataset(**{**made, **attributes})


def packed(values: list[int], bits: int) -> bytes:
    """Return packed cells, the lowest bit first."""
    whole = sum(value << bits * index for index, value in enumerate(values))
    length = (bits * len(values) + 7) // 8
    return whole.to_bytes(length + length % 2, "little")


@given(st.integers(2, 16), st.lists(st.integers(0, 65535), min_size=8, max_size=8))
def test_cells_of_any_bits_are_unpacked(bits: int, values: list[int]) -> None:
    """Old images have 12 packed bits. The second of two frames may begin within a byte."""
    cells = [value & (1 << bits) - 1 for value in values]
    made = gray(packed(cells, bits), bits, NumberOfFrames=2)
    for frame in (1, 2):
        seen = prepare(made, frame=frame, bits=12).pixels[0]
        expected = np.array(cells[4 * frame - 4 : 4 * frame]) / ((1 << bits) - 1) * 4095
        assert np.abs(seen - expected).max() <= 0.5 + 1e-6


def test_second_frame_of_single_bits_is_read() -> None:
    made = gray(packed([1, 0, 1, 1, 0, 0, 1, 0], 1), 1, NumberOfFrames=2, WindowCenter=None, WindowWidth=None)
    assert [image.pixels.tolist() for image in prepare_all(made)] == [[[255, 0, 255, 255]], [[0, 0, 255, 0]]]


@pytest.mark.parametrize("padding", [1, 2, 3])
def test_padding_after_the_last_frame_is_ignored(padding: int) -> None:
    made = gray(bytes([0, 85, 170, 255]) + bytes(padding), 8)
    assert prepare(made).pixels.tolist() == [[0, 85, 170, 255]]


def test_excess_of_a_whole_frame_is_refused() -> None:
    """Bits Allocated or Number of Frames must be wrong, so the print would be wrong, too."""
    with pytest.raises(ImageError, match="PixelData: 8 bytes where 1 frame of 1 x 4 needs 4"):
        prepare(gray(bytes([1] * 8), 8))


def test_zeros_after_the_last_frame_are_ignored() -> None:
    made = prepare(gray(bytes([0, 85, 170, 255]) + bytes(512), 8))
    assert made.pixels.tolist() == [[0, 85, 170, 255]]
    assert made.notes == ("PixelData: 516 bytes where 1 frame of 1 x 4 needs 4: the rest is ignored (PS3.5 8.1.1)",)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"Rows": 65535, "Columns": 65535}, "65535 rows of 65535 are more than the limit of 134217728 pixels"),
        ({"Rows": 11000, "Columns": 9000}, "PixelData: 4 bytes where 1 frame of 11000 x 9000 needs 99000000"),
        ({"Rows": 0}, r"Rows 0 must be a whole number from 1 \(PS3.3 C.7.6.3\)"),
        ({"Columns": None}, "Columns"),
        ({"NumberOfFrames": 2**31 - 1}, "NumberOfFrames 2147483647 is more than the limit of 1048576"),
        ({"NumberOfFrames": 1 << 20}, "PixelData has 4 bytes, too few for 1048576 frames"),
        ({"NumberOfFrames": 2}, "4 bytes where 2 frames of 1 x 4 need 8"),
        ({"BitsAllocated": 0}, "BitsAllocated 0 must be a whole number from 1"),
        ({"BitsAllocated": 64}, "PixelData: 4 bytes where"),
        ({"BitsAllocated": 33, "PixelData": bytes(18)}, r"BitsAllocated 33 is more than 32 \(PS3.5 8.1.1\)"),
        ({"BitsStored": 9}, r"BitsStored 9 must be .*, and HighBit 7 from BitsStored - 1 to 7 \(PS3.5 8.1.1\)"),
        ({"BitsStored": 32, "HighBit": 31}, "BitsStored 32 must be .*, and HighBit 31 from BitsStored - 1 to 7"),
        ({"SamplesPerPixel": 65535}, "SamplesPerPixel 65535 contradicts MONOCHROME2"),
        ({"PixelData": b""}, "PixelData: 0 bytes where|PixelData is missing"),
    ],
)
def test_abuse_is_refused_with_field_and_rule(attributes: dict[str, object], message: str) -> None:
    with pytest.raises(ImageError, match=message) as caught:
        prepare(gray(bytes(4), 8, **attributes))
    assert "\n" not in str(caught.value)


def test_odd_length_that_is_rounded_down_lacks_a_byte_that_is_0() -> None:
    """Some ultrasound devices write 2149874 bytes where 2149875 are needed."""
    made = prepare(gray(bytes([85, 170, 255, 255]), 8, 1, 5))
    assert made.pixels.tolist() == [[85, 170, 255, 255, 0]]
    assert "4 bytes where 1 frame of 1 x 5 needs 5: the last byte is read as 0" in made.notes[0]


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("split", [False, True], ids=["one fragment", "two fragments"])
def test_native_pixels_in_fragments_are_printed(frames: int, split: bool) -> None:
    data = bytes([0, 85, 170, 255]) * frames
    parts = [data[:2], data[2:]] if split else [data]
    made = gray(data, 8, PixelData=[b"", *parts], NumberOfFrames=frames)
    image = prepare(File(Dataset(), made, EXPLICIT_LE), frame=frames)
    assert image.pixels.tolist() == [[0, 85, 170, 255]]
    assert image.notes == ("PixelData is in fragments, though it is not compressed (PS3.5 A.4)",)


def test_odd_length_that_lacks_another_byte_is_refused() -> None:
    with pytest.raises(ImageError, match="3 bytes where 1 frame of 1 x 5 needs 5"):
        prepare(gray(bytes(3), 8, 1, 5))


def test_image_of_acr_nema_is_monochrome2() -> None:
    """ACR-NEMA, the standard before DICOM, has no Photometric Interpretation."""
    old: dict[str, object] = {"RecognitionCode": "ACR-NEMA 2.0", "SamplesPerPixel": None}
    made = prepare(gray(bytes([0, 85, 170, 255]), 8, PhotometricInterpretation=None, **old))
    assert made.pixels.tolist() == [[0, 85, 170, 255]]
    assert "PhotometricInterpretation '' is read as MONOCHROME2" in made.notes[0]


@pytest.mark.parametrize("number", [b"0 ", b"-5", b"1A", b"1.5 "])
def test_wrong_number_of_frames_is_ignored(number: bytes) -> None:
    """PS3.3 C.7.6.6.1: there is a note, and the length of the data decides."""
    made = gray(bytes([0, 85, 170, 255]), 8, 1, 2)
    made.add(Element(tag_of("NumberOfFrames"), "IS", number))
    first, second = prepare_all(made)
    assert (first.pixels.tolist(), second.pixels.tolist()) == ([[0, 85]], [[170, 255]])
    assert any("NumberOfFrames" in note for note in first.notes)


def test_pixels_of_the_ge_syntax_are_big_endian() -> None:
    """1.2.840.113619.5.2: implicit VR, little endian but for the words of Pixel Data."""
    syntax = syntax_of("1.2.840.113619.5.2")
    written = encode(gray(np.array([0, 256, 21760, 65535], ">u2").tobytes(), 16), IMPLICIT_LE)
    made = prepare(File(Dataset(), decode(written, syntax), syntax))
    assert made.pixels.tolist() == [[0, 1, 85, 255]]


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, EXPLICIT_BE], ids=lambda syntax: syntax.name)
@pytest.mark.parametrize(("vr", "words"), [("US", [0, 0x40FF]), ("SS", [-1, 0x40FF])])
def test_pixels_in_a_vr_of_words_are_read(syntax: TransferSyntax, vr: str, words: list[int]) -> None:
    made = gray(b"", 16, 1, 2)
    made.add(Element(tag_of("PixelData"), vr, words))
    read = decode(encode(made, syntax), syntax)
    assert prepare(read).pixels.tolist() == [[255 * (words[0] & 1), 65]]


def test_pixels_in_another_vr_are_refused_with_its_name() -> None:
    made = gray(b"", 16, 1, 2)
    made.add(Element(tag_of("PixelData"), "UL", [1, 2]))
    with pytest.raises(ImageError, match=r"^PixelData has the wrong VR UL"):
        prepare(made)


def test_unknown_syntax_is_noted() -> None:
    syntax = replace(IMPLICIT_LE, uid="1.2.3", name="unknown Transfer Syntax 1.2.3")
    made = prepare(File(Dataset(), gray(bytes([0, 0, 0, 128, 255, 255, 0, 0]), 16), syntax))
    assert made.notes == ("unknown Transfer Syntax 1.2.3: its pixels are read as little endian (PS3.5 10.1)",)


@pytest.mark.parametrize(
    "attributes",
    [
        {"PixelAspectRatio": [1, 2147483647]},
        {"PixelSpacing": ["1e9", "1"]},
        {"PixelAspectRatio": None, "PixelSpacing": ["1e-300", "1e300"]},
    ],
)
def test_too_long_pixel_is_square(attributes: dict[str, object]) -> None:
    """It would be an attack on the printer, but the image itself is right."""
    made = prepare(gray(bytes(4), 8, **attributes))
    assert made.PixelAspectRatio == (1, 1)
    assert "one side of a pixel is more than 100 times the other" in made.notes[0]


@pytest.mark.parametrize("aspect", [[0, 0], [-1, -1], [0, 1], [1], [1, 2, 3]])
def test_aspect_of_zeros_is_ignored(aspect: list[int]) -> None:
    """Some equipment writes 0\\0 for unknown."""
    assert prepare(gray(bytes(4), 8, PixelAspectRatio=aspect)).PixelAspectRatio == (1, 1)


@pytest.mark.parametrize("missing", ["Rows", "Columns", "BitsAllocated", "PhotometricInterpretation"])
def test_missing_attribute_is_named(missing: str) -> None:
    made = gray(bytes(4), 8)
    del made[missing]
    with pytest.raises(ImageError, match=missing):
        prepare(made)


def test_no_memory_is_committed_for_missing_pixels() -> None:
    """128 megapixels are declared, four bytes have arrived."""
    made = gray(bytes(4), 8, Rows=8192, Columns=16384)
    tracemalloc.start()
    with pytest.raises(ImageError, match="4 bytes where"):
        prepare(made)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_native_pixels_are_not_copied() -> None:
    data = np.arange(256, dtype=np.uint8).reshape(16, 16)
    made = gray(b"", 8, 16, 16, PixelData=data.tobytes())
    source = made.PixelData
    assert isinstance(source, bytes | memoryview)
    assert np.shares_memory(prepare(made).pixels, np.frombuffer(source, np.uint8))


def test_frames_are_made_on_demand() -> None:
    """A broken frame raises its error on its turn."""
    made = gray(bytes(8), 8, NumberOfFrames=2)
    rescale = [Dataset(RescaleSlope="1e300", RescaleIntercept="0")]
    made.PerFrameFunctionalGroupsSequence = [Dataset(), Dataset(PixelValueTransformationSequence=rescale)]
    images = prepare_all(made)
    assert next(images).pixels.shape == (1, 4)
    with pytest.raises(ImageError, match="RescaleSlope"):
        next(images)


def test_frames_are_selected_by_number() -> None:
    made = gray(bytes(range(8)), 8, 1, 2, NumberOfFrames=4)
    assert [image.pixels.tolist() for image in prepare_all(made, frames=(4, 2, 2))] == [[[6, 7]], [[2, 3]], [[2, 3]]]
    with pytest.raises(ImageError, match="there is no frame 5: the image has 4"):
        list(prepare_all(made, frames=[5]))
