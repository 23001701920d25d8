"""Fragments into frames: PS3.5 §A.4, the tables that say which, and what is done without one."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import Dataset
from print_mgmt.images import ImageError
from print_mgmt.images.encapsulated import frame_data

FRAMES = [b"\xff\xd8one ", b"\xff\xd8twoandmore", b"\xff\xd8three."]
PARTS = [b"\xff\xd8on", b"e ", b"\xff\xd8twoandmore", b"\xff\xd8th", b"ree."]  # the same in pieces
STARTS = [0, 22, 42]  # each fragment has a header of 8 bytes


def frames(fragments: list[bytes], count: int, **tables: object) -> list[bytes]:
    return [frame_data(Dataset(**tables), fragments, number, count) for number in range(1, count + 1)]


def test_basic_offset_table_says_where_frames_begin() -> None:
    assert frames([struct.pack("<3L", *STARTS), *PARTS], 3) == FRAMES


def test_extended_offset_table_says_it_in_64_bits() -> None:
    """PS3.3 C.7.6.3.1.8; the Basic Offset Table is empty then."""
    assert frames([b"", *PARTS], 3, ExtendedOffsetTable=struct.pack("<3Q", *STARTS)) == FRAMES


@pytest.mark.parametrize("table", [b"", struct.pack("<3L", 0, 0xFFFFFFFF, 0xFFFFFFFF), struct.pack("<3L", 0, 0, 0)])
def test_without_a_table_each_fragment_is_a_frame(table: bytes) -> None:
    assert frames([table, *FRAMES], 3) == FRAMES


def test_without_a_table_frames_begin_where_an_image_does() -> None:
    assert frames([b"", *PARTS], 3) == FRAMES


def test_one_frame_is_all_fragments() -> None:
    assert frames([b"", b"ab", b"cd", b"ef"], 1) == [b"abcdef"]


@pytest.mark.parametrize(
    ("fragments", "count", "message"),
    [
        ([], 1, "no fragment"),
        ([b""], 1, "no fragment"),
        ([b"", b"a", b"b"], 3, "2 fragments for 3 frames, and no table"),
        ([b"", b"\xff\xd8", b"b", b"c"], 2, "3 fragments for 2 frames, and no table"),
        ([struct.pack("<2L", 0, 11), b"aa", b"bb", b"cc"], 2, "names byte 11, where no fragment begins"),
    ],
)
def test_fragments_that_do_not_say_are_refused(fragments: list[bytes], count: int, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        frames(fragments, count)


@given(st.lists(st.lists(st.binary(min_size=2, max_size=8), min_size=1, max_size=3), min_size=1, max_size=5))
def test_any_frames_are_found_by_their_table(parts: list[list[bytes]]) -> None:
    even = [[part + b"\0" * (len(part) % 2) for part in frame] for frame in parts]
    lengths = [sum(len(part) + 8 for part in frame) for frame in even]
    starts = np.cumsum([0, *lengths])[:-1].tolist()
    table = struct.pack(f"<{len(starts)}L", *starts)
    found = frames([table, *(part for frame in even for part in frame)], len(parts))
    assert found == [b"".join(frame) for frame in even]
