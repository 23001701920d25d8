"""Captures that are written: reading gives the same bytes, times and addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.explain import read_capture
from dimse.explain.pcapng import Flow, capture_header

Ends = tuple[tuple[str, int], tuple[str, int]]

V4, V6 = (("192.0.2.1", 50000), ("192.0.2.2", 104)), (("2001:db8::1", 50000), ("::1", 104))
TALK = st.lists(st.tuples(st.booleans(), st.lists(st.binary(max_size=40), min_size=1, max_size=3)), max_size=12)


def capture(talk: list[tuple[bool, list[bytes]]], ends: Ends = V4) -> bytes:
    flow = Flow(*ends)
    parts = [capture_header(), *flow.opened(1)]
    for number, (by_client, pieces) in enumerate(talk, 2):
        parts += flow.segments(by_client, pieces, number * 1_000_000_000)
    return b"".join([*parts, *flow.closed(99)])


@given(talk=TALK, ends=st.sampled_from((V4, V6)))
def test_capture_reads_back(talk: list[tuple[bool, list[bytes]]], ends: Ends) -> None:
    said = [(by_client, b"".join(pieces)) for by_client, pieces in talk if b"".join(pieces)]
    connections = read_capture(capture(talk, ends))
    assert [(by_client, bytes(piece)) for one in connections for by_client, piece in one.pieces] == said
    assert not [gap for one in connections for gap in one.gaps]


def test_long_pieces_are_cut_into_segments() -> None:
    long = bytes(range(256)) * 1024
    (connection,) = read_capture(capture([(True, [long[:7], long[7:]]), (False, [b"ok"])]))
    assert b"".join(piece for by_client, piece in connection.pieces if by_client) == long
    assert max(len(piece) for _, piece in connection.pieces) <= 65_000
    assert connection.pieces[-1][0] is False


def test_times_are_kept() -> None:
    (connection,) = read_capture(capture([(True, [b"a"]), (False, [b"b"])]))
    assert connection.times == [2.0, 3.0]


@pytest.mark.parametrize(("ends", "shown"), [(V4, "192.0.2.1:50000"), (V6, "[2001:db8::1]:50000")])
def test_addresses_are_kept(ends: Ends, shown: str) -> None:
    (connection,) = read_capture(capture([(True, [b"a"])], ends))
    assert connection.client == shown


def test_end_without_an_ip_address_is_written_as_zeros() -> None:
    (connection,) = read_capture(capture([(True, [b"a"])], (("", 0), ("2001:db8::2", 104))))
    assert (connection.client, connection.server) == ("[::]:0", "[2001:db8::2]:104")
