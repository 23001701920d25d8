"""P-DATA-TF, PS3.8 §9.3.5: views of payloads, and the PDU of one PDV."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import pdus, pdvs

from dimse.ul import PDU, PDV, PDataTF, decode_pdu, encode_pdu
from dimse.ul.p_data import encode_run, encode_short, one_pdv, only_command
from dimse.ul.stream import MAX_PDU_LENGTH


def test_large_payload_is_not_copied() -> None:
    payload = memoryview(bytes(1000))
    parts = encode_pdu(PDataTF((PDV(1, payload, False, True),)))
    assert parts[-1] is payload


@pytest.mark.parametrize("size", [1, 2, 5])
def test_run_ends_by_the_bytes_of_data(size: int) -> None:
    pdu = PDataTF((PDV(1, bytes(10 // size), False, False),) * size)
    assert not encode_run((pdu,), [], 11, 9)
    assert encode_run((pdu,), [], 10, 9)


@given(st.lists(pdvs, min_size=1, max_size=3))
def test_decoded_p_data_has_the_types_of_the_constructors(sent: list[PDV]) -> None:
    received = decode_pdu(b"".join(encode_pdu(PDataTF(tuple(sent)))))
    assert isinstance(received, PDataTF)
    assert received == PDataTF(tuple(sent))
    assert repr(received) == repr(PDataTF(tuple(sent)))


@given(pdvs)
def test_one_pdv_returns_the_result_of_the_constructors(pdv: PDV) -> None:
    assert repr(one_pdv(*pdv)) == repr(PDataTF((pdv,)))
    assert one_pdv(*pdv) == PDataTF((pdv,))


@given(st.integers(0, 255), st.binary(max_size=600))
def test_command_alone_is_the_pdu_of_one_pdv(context_id: int, command: bytes) -> None:
    pdu = PDataTF((PDV(context_id, command, True, True),))
    assert encode_short(context_id, command) == b"".join(encode_pdu(pdu))


@given(st.integers(0, 255), st.binary(max_size=600), st.binary(max_size=600))
def test_short_message_is_two_pdus_of_one_pdv(context_id: int, command: bytes, data: bytes) -> None:
    two = PDataTF((PDV(context_id, command, True, True),)), PDataTF((PDV(context_id, data, False, True),))
    assert encode_short(context_id, command, data) == b"".join(part for pdu in two for part in encode_pdu(pdu))


def test_repr_shows_sizes_of_payloads() -> None:
    pdu = PDataTF((PDV(1, b"Doe^Jane", False, True),))
    assert repr(pdu) == "PDataTF(1 PDVs, 8 bytes)"
    assert repr(pdu.pdvs[0]) == "PDV(1, data set, last, 8 bytes)"


@given(pdus)
def test_only_command_finds_a_whole_command_set(pdu: PDU) -> None:
    """PS3.8 Annex E.2: the message control header says whether a PDV has a command, and its last fragment."""
    is_one = isinstance(pdu, PDataTF) and [(pdv.is_command, pdv.is_last) for pdv in pdu.pdvs] == [(True, True)]
    assert only_command(memoryview(b"".join(encode_pdu(pdu))), MAX_PDU_LENGTH) == (pdu if is_one else None)


@pytest.mark.parametrize("more", [b"\x04", encode_short(3, b"12")])
def test_only_command_refuses_bytes_after_the_pdu(more: bytes) -> None:
    assert only_command(memoryview(encode_short(3, b"12345678") + more), MAX_PDU_LENGTH) is None


def test_only_command_refuses_an_incomplete_pdu() -> None:
    wire = memoryview(encode_short(3, b"12345678"))
    assert all(only_command(wire[:end], MAX_PDU_LENGTH) is None for end in range(len(wire)))


def test_only_command_refuses_more_than_the_announced_length() -> None:
    wire = memoryview(encode_short(3, b"12345678"))
    assert only_command(wire, 14) == PDataTF((PDV(3, b"12345678", True, True),))
    assert only_command(wire, 13) is None
