"""Text in PDUs, as ISO 646 or as any bytes of a peer."""

from hypothesis import given
from hypothesis import strategies as st

from dimse.ul import (
    AssociateAC,
    AssociateRQ,
    ImplementationClassUID,
    ImplementationVersionName,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    decode_pdu,
    encode_pdu,
)
from dimse.ul.wire import ascii_bytes, ascii_text


def test_padding_of_uids_is_tolerated() -> None:
    """PS3.8 §9.3.1 has none; some peers pad with NUL as in Data Sets."""
    context = PresentationContextRQ(1, "1.2.840.10008.1.1\0", ("1.2.840.10008.1.2 ",))
    pdu = AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=(context,))
    decoded = decode_pdu(b"".join(encode_pdu(pdu)))
    assert isinstance(decoded, AssociateRQ)
    assert decoded.presentation_contexts == (PresentationContextRQ(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),)


@given(st.binary(max_size=40).map(ascii_text))
def test_text_of_any_bytes_is_restored(name: str) -> None:
    items = (
        ImplementationClassUID(name),
        ImplementationVersionName(name),
        RoleSelection(name, True, False),
        SOPClassExtendedNegotiation(name, b""),
        SOPClassCommonExtendedNegotiation(name, name, (name,)),
    )
    request = AssociateRQ(
        called_ae_title=ascii_text(ascii_bytes(name, "")[:16]),
        calling_ae_title="B",
        application_context_name=name,
        presentation_contexts=(PresentationContextRQ(1, name, (name,)),),
        user_information=items,
    )
    answer = AssociateAC(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextAC(1, 0, name),)
    )
    assert decode_pdu(b"".join(encode_pdu(request))) == request
    assert decode_pdu(b"".join(encode_pdu(answer))) == answer
