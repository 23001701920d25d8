"""P-DATA-TF, PS3.8 §9.3.5: views of payloads, and the PDU of one PDV."""

from hypothesis import given
from hypothesis import strategies as st
from strategies import pdvs

from dimse.ul import PDV, PDataTF, decode_pdu, encode_pdu
from dimse.ul.p_data import encode_short, one_pdv


def test_large_payload_is_not_copied() -> None:
    payload = memoryview(bytes(1000))
    parts = encode_pdu(PDataTF((PDV(1, payload, False, True),)))
    assert parts[-1] is payload


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
