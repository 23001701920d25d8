"""LUT Descriptor and LUT Data, right and wrong: PS3.3 C.11.1.1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import Dataset, Element, tag_of
from print_mgmt.images import ImageError
from print_mgmt.images.frame import Frame
from print_mgmt.images.lut import Lut, lut_of


def lut(
    descriptor: list[int], data: object, *, is_signed: bool = False, vr: str = "OW", frame: Frame | None = None
) -> Lut:
    item = Dataset()
    item.add(Element(tag_of("LUTDescriptor"), "SS" if min(descriptor) < 0 else "US", descriptor))
    item.add(Element(tag_of("LUTData"), vr, data))
    return lut_of(item, "VOILUTSequence[0]", frame or Frame(Dataset()), is_signed=is_signed)


def words(*entries: int) -> bytes:
    return np.array(entries, "<u2").tobytes()


@pytest.mark.parametrize("first", [-2, 0, 3])
def test_inputs_beyond_the_table_get_its_end_entries(first: int) -> None:
    table = lut([3, first, 10], words(5, 600, 1023), is_signed=True)
    assert table.look_up(np.arange(first - 2, first + 5)).tolist() == [5, 5, 5, 600, 1023, 1023, 1023]


@pytest.mark.parametrize(("bits", "vr", "data"), [(8, "OB", b"\x05"), (16, "US", 5), (16, "US", [5])])
def test_table_may_have_one_entry(bits: int, vr: str, data: object) -> None:
    assert lut([1, 0, bits], data, vr=vr).look_up(np.array([0, 1])).tolist() == [5, 5]


def test_zero_entries_mean_65536() -> None:
    table = lut([0, 0, 16], np.arange(65536, dtype="<u2").tobytes())
    assert table.look_up(np.array([0, 40000, 65535])).tolist() == [0, 40000, 65535]


@pytest.mark.parametrize("first", [-1024, 64512])
def test_first_input_has_the_sign_of_the_input(first: int) -> None:
    """-1024 in SS, and by mistake in US."""
    table = lut([2, first, 8], words(1, 2), is_signed=True)
    assert table.look_up(np.array([-1024, -1023])).tolist() == [1, 2]


def test_entries_are_unsigned_in_ss() -> None:
    """40000 entries in a descriptor of VR SS, which its first input needs."""
    table = lut([40000, -5, 16], np.arange(40000, dtype="<u2").tobytes(), is_signed=True)
    assert len(table.entries) == 40000
    assert table.look_up(np.array([39994])).tolist() == [39999]


@pytest.mark.parametrize("vr", ["OW", "US"])
def test_data_may_be_words_or_numbers(vr: str) -> None:
    data = words(7, 4095) if vr == "OW" else [7, 4095]
    assert lut([2, 0, 12], data, vr=vr).entries.tolist() == [7, 4095]


@pytest.mark.parametrize("data", [bytes([1, 2, 3, 4]), words(1, 2, 3, 4), words(0x100, 0x200, 0x300, 0x400)])
def test_bytes_may_be_packed_or_in_either_half_of_a_word(data: bytes) -> None:
    assert lut([4, 0, 8], data).entries.tolist() == [1, 2, 3, 4]


def test_table_may_have_an_odd_length() -> None:
    assert lut([3, 0, 8], bytes([1, 2, 3, 0])).entries.tolist() == [1, 2, 3]


def test_input_is_rounded_to_the_nearest_entry() -> None:
    """Rescaled values may be fractions."""
    assert lut([3, 0, 8], words(10, 20, 30)).look_up(np.array([0.4, 0.6, 1.9999999])).tolist() == [10, 20, 30]


@pytest.mark.parametrize(
    ("descriptor", "data", "message"),
    [
        ([2, 0, 17], words(1, 2), "LUTDescriptor .* is not three numbers"),
        ([2, 0, 0], words(1, 2), "LUTDescriptor .* is not three numbers"),
        ([2, 0], words(1, 2), "LUTDescriptor .* is not three numbers"),
        ([2, 0, 8], b"", "LUTData is missing"),
    ],
)
def test_contradictory_table_is_refused(descriptor: list[int], data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=r"VOILUTSequence\[0\] " + message):
        lut(descriptor, data or None)


@pytest.mark.parametrize(
    ("descriptor", "data", "entries", "highest", "note"),
    [
        ([4, 0, 8], b"\x01\x02", [1, 2], 255, "LUTData has 2 of 4 entries"),
        ([5, 0, 16], words(1, 2), [1, 2], 65535, "LUTData has 2 of 5 entries"),
        ([2, 0, 8], words(1, 256 + 1), [1, 257], 65535, "LUTData holds 257, more than the 8 bits"),
        ([2, 0, 12], words(1, 4096), [1, 4096], 4096, "LUTData holds 4096, more than the 12 bits"),
        ([4, 0, 16], bytes([1, 2, 3, 4]), [1, 2, 3, 4], 255, "LUTData has a byte for each entry"),
    ],
)
def test_data_prevail_over_the_descriptor(
    descriptor: list[int], data: bytes, entries: list[int], highest: int, note: str
) -> None:
    """Descriptors may be wrong about bits and entries; the correction is noted."""
    frame = Frame(Dataset())
    table = lut(descriptor, data, frame=frame)
    assert (table.entries.tolist(), table.highest) == (entries, highest)
    assert any(note in words for words in frame.notes)


def test_value_without_an_entry_is_refused() -> None:
    table = lut([5, 0, 16], words(1, 2))
    table.check(np.array([-5, 0, 1]))
    with pytest.raises(ImageError, match=r"LUTData has 2 of the 5 entries of .*LUTDescriptor"):
        table.check(np.array([0, 2]))


@given(st.lists(st.integers(0, 4095), min_size=2, max_size=50), st.integers(-100, 100))
def test_rising_table_is_monotone(entries: list[int], first: int) -> None:
    table = lut([len(entries), first, 12], words(*sorted(entries)), is_signed=True)
    assert np.all(np.diff(table.look_up(np.arange(-200, 300)).astype(int)) >= 0)


@pytest.mark.parametrize(
    ("value", "found"), [(b"\1\0" * 500, r"b'\\x01\\x00\\x01\\x00"), ([256] * 5000, r"\[256, 256, 256")]
)
def test_error_shows_only_the_beginning_of_a_descriptor(value: object, found: str) -> None:
    item = Dataset(LUTData=bytes(2))
    item.add(Element(tag_of("LUTDescriptor"), "OB" if isinstance(value, bytes) else "US", value))
    with pytest.raises(ImageError, match=f"^X LUTDescriptor {found}") as caught:
        lut_of(item, "X", Frame(Dataset()), is_signed=False)
    assert len(str(caught.value)) < 200
