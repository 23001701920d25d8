"""The places of bytes that were put together from pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.explain.elements import Places

PIECES = ((10, 14), (20, 20), (30, 36))


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (0, 4, ((10, 14),)),
        (3, 5, ((13, 14), (30, 31))),
        (4, 10, ((30, 36),)),
        (0, 10, ((10, 14), (30, 36))),
        (2, 2, ()),
        (9, 99, ((35, 36),)),
    ],
)
def test_bytes_lie_in_their_pieces(start: int, end: int, found: tuple[tuple[int, int], ...]) -> None:
    assert Places(PIECES).ranges(start, end) == found


@given(sizes=st.lists(st.integers(0, 5), max_size=20), cuts=st.lists(st.integers(0, 100), max_size=8))
def test_parts_touch_each_other(sizes: list[int], cuts: list[int]) -> None:
    pieces, at = [], 0
    for size in sizes:
        pieces.append((at + 3, at + 3 + size))
        at += 3 + size
    places = Places(pieces)
    bounds = sorted({0, places.length, *(cut for cut in cuts if cut < places.length)})
    parts = [place for a, b in pairwise(bounds) for place in places.ranges(a, b)]
    assert [byte for a, b in parts for byte in range(a, b)] == [byte for a, b in pieces for byte in range(a, b)]
