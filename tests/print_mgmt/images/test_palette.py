"""PALETTE COLOR, PS3.3 C.7.6.3.1.5 and C.7.9.2: tables of bytes, words and segments."""

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_objects import image_of
from pydicom.pixels.processing import _expand_segmented_lut

from dimse.data import Dataset, Element
from print_mgmt.images import ImageError, prepare


def image(pixels: list[int], descriptor: list[int], dtype: str = "u1", /, **tables: object) -> Dataset:
    made = image_of(np.array([pixels], dtype), PhotometricInterpretation="PALETTE COLOR")
    for color in ("Red", "Green", "Blue"):
        made[f"{color}PaletteColorLookupTableDescriptor"] = descriptor
    for keyword, value in tables.items():
        made[keyword] = value
    return made


def data(*tables: bytes, prefix: str = "") -> dict[str, bytes]:
    names = [f"{prefix}{color}PaletteColorLookupTableData" for color in ("Red", "Green", "Blue")]
    return dict(zip(names, tables, strict=True))


def words(*entries: int) -> bytes:
    return np.array(entries, "<u2").tobytes()


def colors(made: Dataset) -> list[list[int]]:
    pixels: list[list[int]] = prepare(made, color=True).pixels[0].tolist()
    return pixels


@pytest.mark.parametrize(
    ("bits", "tables"),
    [
        (8, [bytes([0, 255]), bytes([10, 20]), bytes([30, 40])]),
        (8, [words(0, 255), words(10, 20), words(30, 40)]),
        (16, [words(0, 0xFF00), words(0x0A00, 0x1400), words(0x1E00, 0x2800)]),
        (16, [words(0, 65535), words(257 * 10, 257 * 20), words(257 * 30, 257 * 40)]),
    ],
)
def test_entries_may_be_bytes_upper_halves_or_words(bits: int, tables: list[bytes]) -> None:
    """The upper halves count if the lower ones are empty, so that FF00 is white."""
    assert colors(image([0, 1, 9], [2, 0, bits], **data(*tables))) == [[0, 10, 30], [255, 20, 40], [255, 20, 40]]


def test_signed_pixels_start_at_a_negative_first_input() -> None:
    made = image([-3, -2, -1], [2, -2, 8], "i2", **data(*[bytes([1, 2])] * 3))
    assert colors(made) == [[1] * 3, [1] * 3, [2] * 3]


def test_palette_becomes_gray_by_luminance() -> None:
    made = image([0, 1, 2], [3, 0, 8], **data(bytes([255, 0, 0, 0]), bytes([0, 255, 0, 0]), bytes([0, 0, 255, 0])))
    assert prepare(made).pixels.tolist() == [[76, 150, 29]]


# Segments

RAMP = words(0, 1, 0, 1, 255, 65535)  # one entry as it is, then a line of 255 to the end


def test_line_starts_at_the_last_entry() -> None:
    made = image([0, 51, 255], [256, 0, 16], **data(RAMP, RAMP, RAMP, prefix="Segmented"))
    assert colors(made) == [[0] * 3, [51] * 3, [255] * 3]


def test_segments_may_be_bytes() -> None:
    """Entries of 8 bits: types and lengths are bytes too."""
    segments = bytes([0, 2, 7, 9, 1, 2, 13, 0])
    made = image([0, 1, 2, 3], [4, 0, 8], **data(segments, segments, segments, prefix="Segmented"))
    assert colors(made) == [[7] * 3, [9] * 3, [11] * 3, [13] * 3]


def test_segments_may_have_vr_us() -> None:
    """It stands in explicit VR; PS3.6 has OW."""
    made = image([0, 51, 255], [256, 0, 16], **data(RAMP, RAMP, RAMP, prefix="Segmented"))
    for number in (0x00281221, 0x00281222, 0x00281223):
        made.add(Element(number, "US", np.frombuffer(RAMP, "<u2").tolist()))
    assert colors(made) == [[0, 0, 0], [51, 51, 51], [255, 255, 255]]


def test_segments_after_the_last_entry_are_ignored() -> None:
    segments = bytes([0, 2, 7, 9, 0, 1, 200, 0])
    made = image([0, 1, 2], [2, 0, 8], **data(segments, segments, segments, prefix="Segmented"))
    assert colors(made) == [[7] * 3, [9] * 3, [9] * 3]


def test_indirect_segment_stops_at_the_declared_number_of_entries() -> None:
    """It copies two segments: the first, which makes too many entries, and itself."""
    segments = bytes([0, 2, 5, 6, 2, 2, 0, 0, 0, 0])
    made = image([0, 1, 2], [3, 0, 8], **data(segments, segments, segments, prefix="Segmented"))
    assert colors(made) == [[5] * 3, [6] * 3, [5] * 3]


def test_indirect_segment_copies_from_a_byte_offset() -> None:
    """It copies two segments from byte 4 x 2; a copied line starts at the last entry, too."""
    segments = words(0, 2, 100, 300, 0, 1, 1000, 1, 2, 2000, 2, 2, 8, 0)
    made = image(list(range(8)), [8, 0, 16], **data(segments, segments, segments, prefix="Segmented"))
    expected = [100, 300, 1000, 1500, 2000, 1000, 1500, 2000]
    assert np.abs(np.array(colors(made))[:, 0] - np.array(expected) * (255 / 65535)).max() <= 0.5


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9), st.integers(0, 65535)), min_size=1, max_size=6))
def test_segments_agree_with_pydicom(parts: list[tuple[int, int, int]]) -> None:
    """Discrete and linear segments are expanded alike."""
    segments = [0, 1, 0]
    for kind, length, value in parts:
        operands = [value] if kind else [(value + i) & 0xFFFF for i in range(length)]
        segments += [kind, length, *operands]
    expected = np.array(_expand_segmented_lut(tuple(segments), "<H"))
    raw = words(*segments)
    made = image(list(range(len(expected))), [len(expected), 0, 16], **data(raw, raw, raw, prefix="Segmented"))
    is_bytes = not np.any(expected & 0xFF)
    found = np.array(colors(made))[:, 0]
    assert np.abs(found - (expected >> 8 if is_bytes else expected * (255 / 65535))).max() <= 0.5


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        (words(1, 3, 9), "invalid segment of type 1 and length 3"),
        (words(0, 9, 1), "invalid segment of type 0 and length 9"),
        (words(7, 1, 1), "invalid segment of type 7 and length 1"),
        (words(0, 1, 5), "makes 1 of the 4 entries"),
        (words(0, 4, 1, 2, 3, 4096), "makes 4096, more than the 12 bits"),
        (words(0, 1, 5, 2, 1, 6, 0), "invalid segment of type 2 and length 1"),
        (b"", "is missing"),
    ],
)
def test_invalid_segments_are_refused(segments: bytes, reason: str) -> None:
    bits = 12 if "12 bits" in reason else 16
    made = image([0], [4, 0, bits], **data(segments, segments, segments, prefix="Segmented"))
    with pytest.raises(ImageError, match=f"RedPaletteColorLookupTableData.*{reason}"):
        prepare(made)


@given(st.binary(max_size=60).filter(lambda raw: len(raw) % 2 == 0), st.sampled_from([8, 16]), st.integers(0, 65535))
def test_any_segments_give_colors_or_image_error(raw: bytes, bits: int, entries: int) -> None:
    """Even a segment that copies itself never makes more entries than the descriptor says."""
    loop = words(0, 1, 5) + struct.pack("<HHHH", 2, 65535, 0, 0)
    for segments in (raw, loop + raw):
        made = image([0], [entries, 0, bits], **data(segments, segments, segments, prefix="Segmented"))
        with suppress(ImageError):
            assert prepare(made, color=True).pixels.shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("descriptor", "table", "seen"),
    [
        ([4, 0, 8], words(0, 85 * 257, 170 * 257, 65535), [0, 85, 170, 255]),
        ([4, 0, 8], words(0, 21000, 43000, 65000), [0, 82, 167, 253]),
        ([4, 0, 16], bytes([0, 85, 170, 255]), [0, 85, 170, 255]),
        ([256, 0, 16], words(0, 85 * 257, 170 * 257, 65535), [0, 85, 170, 255]),
        ([256, 0, 8], bytes([0, 85, 170, 255]), [0, 85, 170, 255]),
    ],
)
def test_data_prevail_over_the_descriptor(descriptor: list[int], table: bytes, seen: list[int]) -> None:
    """Bits and number of entries may differ from the descriptor, if the pixels need no more."""
    made = image([0, 1, 2, 3], descriptor, **data(table, table, table))
    assert colors(made) == [[value] * 3 for value in seen]
    assert prepare(made, color=True).notes


def test_tables_of_one_palette_share_a_range() -> None:
    """Blue has values of 8 bits at most, in words of 16 bits like red and green."""
    made = image([0, 1], [2, 0, 8], **data(words(0, 65535), words(0, 65535), words(0, 255)))
    assert colors(made) == [[0, 0, 0], [255, 255, 1]]


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    ("red", "green", "blue"),
    [
        (bytes([0, 255]), words(0, 65535), words(0, 65535)),
        (words(0, 0xFF00), words(0, 65535), bytes([0, 255])),
        (words(0, 65535), bytes([0, 255]), words(0, 0xFF00)),
    ],
)
def test_width_of_entries_is_judged_for_each_table(bits: int, red: bytes, green: bytes, blue: bytes) -> None:
    seen = colors(image([0, 1], [2, 0, bits], **data(red, green, blue)))
    assert seen[0] == [0, 0, 0]
    assert min(seen[1]) >= 254


def test_pixel_without_an_entry_is_refused() -> None:
    made = image([0, 4], [256, 0, 16], **data(*[words(0, 1, 2, 3)] * 3))
    with pytest.raises(ImageError, match="RedPaletteColorLookupTableData has 4 of the 256 entries"):
        prepare(made)


def test_empty_segments_are_refused() -> None:
    """Copies of them would take much time, and make no entries."""
    segments = words(0, 0) * 3000 + words(2, 65535, 0, 0) * 3000
    with pytest.raises(ImageError, match="invalid segment of type 0 and length 0"):
        prepare(image([0], [4, 0, 16], **data(segments, segments, segments, prefix="Segmented")))


@pytest.mark.parametrize("missing", ["GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableDescriptor"])
def test_missing_table_is_named(missing: str) -> None:
    made = image([0], [2, 0, 8], **data(*[bytes(2)] * 3))
    del made[missing]
    with pytest.raises(ImageError, match=missing):
        prepare(made)


def test_palette_of_32_bits_is_refused() -> None:
    with pytest.raises(ImageError, match="PALETTE COLOR of 32 bits: 8 or 16"):
        prepare(image([0], [2, 0, 8], "u4", **data(*[bytes(2)] * 3)))


def test_error_about_a_short_table_names_its_descriptor() -> None:
    short = data(*[words(0, 1)] * 3)
    said = "RedPaletteColorLookupTableData has 2 of the 8 entries of RedPaletteColorLookupTableDescriptor"
    with pytest.raises(ImageError, match=said):
        prepare(image([0, 3], [8, 0, 16], **short), color=True)


def supplemented(**attributes: object) -> Dataset:
    """Return two gray pixels, 0 and 200 of 0 to 255, and two with the colors of 256 and 257."""
    window: dict[str, object] = {"WindowCenter": "128", "WindowWidth": "256", "BitsStored": 9, "HighBit": 8}
    table = data(bytes([255, 10]), bytes([0, 20]), bytes([0, 30]))
    made = image([0, 200, 256, 257], [2, 256, 8], "u2", **{**table, **window, **attributes})
    made.PhotometricInterpretation = attributes.get("PhotometricInterpretation", "MONOCHROME2")
    return made


@pytest.mark.parametrize("presentation", ["COLOR", "MIXED"])
def test_supplemental_palette_colors_the_values_from_its_first_input(presentation: str) -> None:
    """PS3.3 C.7.6.19: lower values are gray."""
    made = supplemented(PixelPresentation=presentation)
    assert colors(made) == [[0] * 3, [200] * 3, [255, 0, 0], [10, 20, 30]]


@pytest.mark.parametrize("presentation", [None, "MONOCHROME"])
def test_supplemental_palette_needs_a_pixel_presentation(presentation: str | None) -> None:
    made = supplemented(PixelPresentation=presentation)
    assert colors(made) == [[0] * 3, [200] * 3, [255] * 3, [255] * 3]


def test_gray_beside_a_supplemental_palette_is_inverted_in_monochrome1() -> None:
    made = supplemented(PixelPresentation="COLOR", PhotometricInterpretation="MONOCHROME1")
    assert colors(made)[:3] == [[255] * 3, [55] * 3, [255, 0, 0]]


def test_broken_supplemental_palette_is_ignored() -> None:
    made = supplemented(PixelPresentation="COLOR", BluePaletteColorLookupTableDescriptor=[2, 256, 17])
    assert prepare(made).pixels.tolist() == [[0, 200, 255, 255]]
    assert "printed without the colors of the Supplemental Palette" in prepare(made).notes[0]
