"""A stream of bytes cut into PDUs, PS3.8 §9.3.1: any pieces, bounded memory, early errors."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import pdus

from dimse.errors import DecodeError, LimitExceeded
from dimse.limits import LIMITS
from dimse.ul import PDU, PDV, PDataTF, PDUStream, decode_pdu, encode_pdu
from dimse.ul.stream import UnrecognizedPDU


@given(st.lists(pdus, max_size=5), st.lists(st.integers(0, 2000), max_size=8))
def test_any_pieces_give_the_same_pdus(sent: list[PDU], cuts: list[int]) -> None:
    wire = b"".join(b"".join(encode_pdu(pdu)) for pdu in sent)
    places = sorted({min(cut, len(wire)) for cut in cuts} | {0, len(wire)})
    stream = PDUStream()
    received = []
    for start, end in pairwise(places):
        received += [decode_pdu(bytes(pdu)) for pdu in stream.feed(wire[start:end])]
    assert received == sent
    assert len(stream.partial) == 0


@given(pdus)
def test_single_bytes_give_the_pdu(pdu: PDU) -> None:
    stream = PDUStream()
    received = [bytes(whole) for octet in b"".join(encode_pdu(pdu)) for whole in stream.feed(bytes([octet]))]
    assert [decode_pdu(whole) for whole in received] == [pdu]


def test_whole_pdu_is_a_view_of_the_given_bytes() -> None:
    data = bytearray(b"".join(encode_pdu(PDataTF((PDV(1, b"1234", False, True),)))))
    (whole,) = PDUStream().feed(data)
    assert whole.obj is data


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02", b"\x00", b"\x08\x00"])
def test_unknown_type_ends_the_stream_at_its_first_byte(first: bytes) -> None:
    with pytest.raises(UnrecognizedPDU):
        list(PDUStream().feed(first))


def test_p_data_tf_is_no_longer_than_announced() -> None:
    """PS3.8 Annex D.1: Maximum-length-received does not count the PDU header."""
    stream = PDUStream(max_length=100)
    assert list(stream.feed(b"\x04\0\0\0\0\x64")) == []
    with pytest.raises(LimitExceeded, match="PDU-length: 101 exceeds the limit max_pdu = 100"):
        list(PDUStream(max_length=100).feed(b"\x04\0\0\0\0\x65"))


@pytest.mark.parametrize("kind", [1, 2])
def test_association_pdu_is_bounded(kind: int) -> None:
    header = bytes([kind, 0]) + (LIMITS.associate_pdu + 1).to_bytes(4, "big")
    with pytest.raises(LimitExceeded, match="1048577 exceeds the limit associate_pdu = 1048576"):
        list(PDUStream().feed(header))


@pytest.mark.parametrize("kind", [3, 5, 6, 7])
@pytest.mark.parametrize("length", [0, 3, 5, 0xFFFFFFFF])
def test_small_pdus_have_four_bytes(kind: int, length: int) -> None:
    with pytest.raises(DecodeError, match=r"is not 4 .*\[PS3\.8 §9\.3\]$"):
        list(PDUStream().feed(bytes([kind, 0]) + length.to_bytes(4, "big")))


@pytest.mark.parametrize("arrived", [1, 5, 6, 7])
def test_incomplete_pdu_takes_only_the_given_bytes(arrived: int) -> None:
    stream, pdu = PDUStream(), memoryview(b"\x04\0\0\0\0\x09" + bytes(9))
    stream.cut(pdu[:arrived], 0)
    assert stream.cut(pdu[arrived : arrived + 1], 0) == (None, 1)


def test_declared_length_takes_no_memory() -> None:
    stream = PDUStream()
    assert list(stream.feed(b"\x04\0\xff\xff\xff\xff")) == []
    assert len(stream.partial) == 6
