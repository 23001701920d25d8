"""The items of association PDUs: PS3.8 §9.3.2, §9.3.3 and Annex D, PS3.7 Annex D.3.3."""

import pytest
from octets import octets

from dimse.errors import DecodeError
from dimse.ul import (
    AssociateAC,
    AssociateRQ,
    AsynchronousOperationsWindow,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UnknownItem,
    UserIdentityAC,
    UserIdentityRQ,
    UserItem,
    decode_pdu,
    encode_pdu,
)

# A request that ends before its User Information Item
REQUEST = b"".join(encode_pdu(AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=())))[:-4]

ITEMS: list[tuple[str, UserItem]] = [
    ("51 00 0004 00010000", MaximumLength(65536)),
    ("52 00 0003 312E32", ImplementationClassUID("1.2")),
    ("53 00 0004 0002 0000", AsynchronousOperationsWindow(2, 0)),
    ("54 00 0007 0003 312E32 01 00", RoleSelection("1.2", True, False)),
    ("55 00 0002 4142", ImplementationVersionName("AB")),
    ("56 00 0007 0003 312E32 01 02", SOPClassExtendedNegotiation("1.2", b"\1\2")),
    # its second byte is a version
    (
        "57 01 0011 0003 312E32 0003 312E33 0005 0003 312E34",
        SOPClassCommonExtendedNegotiation("1.2", "1.3", ("1.4",), version=1),
    ),
    ("58 00 000A 02 01 0002 6964 0002 7077", UserIdentityRQ(2, True, b"id", b"pw")),
    ("59 00 0004 0002 6F6B", UserIdentityAC(b"ok")),
    ("5A 00 0001 FF", UnknownItem(0x5A, b"\xff")),
]


@pytest.mark.parametrize(("item_octets", "item"), ITEMS, ids=lambda value: type(value).__name__)
def test_bytes_of_annex_d_are_the_sub_item(item_octets: str, item: UserItem) -> None:
    sub_item = octets(item_octets)
    wire = REQUEST[:2] + (len(REQUEST) - 2 + len(sub_item)).to_bytes(4, "big") + REQUEST[6:]
    wire += b"\x50\0" + len(sub_item).to_bytes(2, "big") + sub_item
    pdu = decode_pdu(wire)
    assert isinstance(pdu, AssociateRQ)
    assert pdu.user_information == (item,)
    assert b"".join(encode_pdu(pdu)) == wire


def test_error_in_a_related_sop_class_names_its_place() -> None:
    sub_item = octets("57 00 000F 0003 312E32 0003 312E33 0003 0009 31")
    body = REQUEST[6:] + b"\x50\0" + len(sub_item).to_bytes(2, "big") + sub_item
    with pytest.raises(DecodeError) as caught:
        decode_pdu(b"\1\0" + len(body).to_bytes(4, "big") + body)
    assert caught.value.path == (
        "A-ASSOCIATE-RQ.50H.57H.Related-general-sop-class-identification.Related-general-sop-class-uid"
    )
    assert (caught.value.offset, caught.value.rule) == (len(REQUEST) + 4 + len(sub_item) - 1, "PS3.7 §D.3.3.6")


def test_repr_hides_a_passcode() -> None:
    assert "secret" not in repr(UserIdentityRQ(2, False, b"me", b"secret"))


def test_transfer_syntax_of_a_rejected_context_is_ignored() -> None:
    """PS3.8 Table 9-18: not significant when the result is not acceptance."""
    good = AssociateAC(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextAC(1, 3, "1.2"),)
    )
    wire = b"".join(encode_pdu(good))
    assert wire.endswith(b"\x40\0\0\x031.2\x50\0\0\0")  # the last Transfer Syntax Sub-Item
    decoded = decode_pdu(wire[:-7] + b"\xff\xff\xff" + wire[-4:])
    assert isinstance(decoded, AssociateAC)
    assert decoded.presentation_contexts[0].result == 3
    assert b"".join(encode_pdu(decoded)) == wire[:-7] + b"\xff\xff\xff" + wire[-4:]


def test_first_transfer_syntax_of_an_answer_counts() -> None:
    """PS3.8 Table 9-18 has one; some acceptors send all those they support."""
    wire = b"".join(encode_pdu(AssociateAC(called_ae_title="", calling_ae_title="", presentation_contexts=())))
    names = b"\x40\0\0\x031.2\x40\0\0\x039.9"
    context = b"\x21\0" + (4 + len(names)).to_bytes(2, "big") + b"\1\0\0\0" + names
    body = wire[6:74] + context
    decoded = decode_pdu(b"\2\0" + len(body).to_bytes(4, "big") + body)
    assert isinstance(decoded, AssociateAC)
    assert decoded.presentation_contexts == (PresentationContextAC(1, 0, "1.2"),)


def test_foreign_sub_items_of_a_context_are_ignored() -> None:
    """PS3.8 §9.3.1: an item type that is not recognized is ignored."""
    stray = b"\x77\0\0\x01?"
    context = b"\x20\0" + (4 + 5 + 5 + 5).to_bytes(2, "big") + b"\1\0\0\0" + b"\x30\0\0\x011" + stray + b"\x40\0\0\x012"
    answered = b"\x21\0" + (4 + 5 + 5).to_bytes(2, "big") + b"\1\0\0\0" + stray + b"\x40\0\0\x012"
    for kind, item in ((1, context), (2, answered)):
        body = REQUEST[6:74] + item
        pdu = decode_pdu(bytes([kind, 0]) + len(body).to_bytes(4, "big") + body)
        assert isinstance(pdu, AssociateRQ | AssociateAC)
        assert len(pdu.presentation_contexts) == 1
        (found,) = pdu.presentation_contexts
        assert found in (PresentationContextRQ(1, "1", ("2",)), PresentationContextAC(1, 0, "2"))


@pytest.mark.parametrize(
    "item",
    [
        UnknownItem(0x58, b"S3CRET"),
        UnknownItem(0x77, b"\x58\0\0\x0a\2\0\0\2meS3CRET"),
        UnknownItem(0x5A, b"\2\0\0\2me\0\6S3CRET"),
        UnknownItem(0x77, b"\x5a\0\0\x0c\3\1\0\6S3CRET\0\0"),
    ],
)
def test_repr_hides_an_item_that_may_be_an_identity(item: UnknownItem) -> None:
    shown = repr(
        AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=(), unknown_items=(item,))
    )
    assert "S3CRET" not in shown
    assert "not shown" in shown
