"""The seven PDUs and their items, PS3.8 §9.3: as bytes with each field in a comment, and by property."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from octets import octets
from strategies import association_pdus, mutated, pdus

from dimse import ul
from dimse.errors import DecodeError, EncodeError, LimitExceeded
from dimse.limits import Limits
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextRQ,
    ReleaseRP,
    ReleaseRQ,
    SOPClassExtendedNegotiation,
    UserIdentityAC,
    UserIdentityRQ,
    decode_pdu,
    encode_pdu,
)

ASSOCIATE_RQ = octets("""
    01 00 0000009B                                # A-ASSOCIATE-RQ, 155 bytes follow
    0001 0000                                     # Protocol-version, reserved
    50 52 49 4E 54 53 43 50 20 20 20 20 20 20 20 20  # Called-AE-title PRINTSCP
    50 52 49 4E 54 53 43 55 20 20 20 20 20 20 20 20  # Calling-AE-title PRINTSCU
    00000000000000000000000000000000              # reserved
    00000000000000000000000000000000
    10 00 0015                                    # Application Context Item, 21 bytes
    312E322E3834302E31303030382E332E312E312E31    # 1.2.840.10008.3.1.1.1
    20 00 002E                                    # Presentation Context Item, 46 bytes
    01 00 00 00                                   # Presentation-context-ID 1, reserved
    30 00 0011                                    # Abstract Syntax Sub-Item, 17 bytes
    312E322E3834302E31303030382E312E31            # 1.2.840.10008.1.1
    40 00 0011                                    # Transfer Syntax Sub-Item, 17 bytes
    312E322E3834302E31303030382E312E32            # 1.2.840.10008.1.2
    50 00 0008                                    # User Information Item, 8 bytes
    51 00 0004 00004000                           # Maximum Length Sub-Item, 16384
""")
ASSOCIATE_RQ_PDU = AssociateRQ(
    called_ae_title="PRINTSCP",
    calling_ae_title="PRINTSCU",
    presentation_contexts=(PresentationContextRQ(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),),
    user_information=(MaximumLength(16384),),
)

VECTORS: list[tuple[bytes, PDU]] = [
    (ASSOCIATE_RQ, ASSOCIATE_RQ_PDU),
    # Result, Source and Reason of Table 9-21
    (octets("03 00 00000004  00 01 01 07"), AssociateRJ(1, 1, 7)),
    # two PDVs: item length, context id, message control header, fragment (Tables 9-23, E.2)
    (
        octets("04 00 00000012  00000004 01 03 AABB  00000006 01 00 01020304"),
        PDataTF((PDV(1, b"\xaa\xbb", True, True), PDV(1, b"\1\2\3\4", False, False))),
    ),
    (octets("05 00 00000004  00000000"), ReleaseRQ()),
    (octets("06 00 00000004  00000000"), ReleaseRP()),
    # Source 2, Reason 6 of Table 9-26
    (octets("07 00 00000004  00 00 02 06"), Abort(2, 6)),
]


@pytest.mark.parametrize(("wire", "pdu"), VECTORS, ids=lambda value: type(value).__name__)
def test_bytes_of_the_tables_are_the_pdu(wire: bytes, pdu: PDU) -> None:
    assert decode_pdu(wire) == pdu
    assert b"".join(encode_pdu(pdu)) == wire


@given(pdus)
def test_decode_inverts_encode(pdu: PDU) -> None:
    assert decode_pdu(b"".join(encode_pdu(pdu))) == pdu


@given(mutated(pdus.map(lambda pdu: b"".join(encode_pdu(pdu)))))
def test_mutated_bytes_raise_nothing_but_decode_error(wire: bytes) -> None:
    try:
        pdu = decode_pdu(wire)
    except DecodeError:
        return
    assert decode_pdu(b"".join(encode_pdu(pdu))) == pdu


def test_each_byte_of_a_title_is_kept() -> None:
    wire = ASSOCIATE_RQ[:10] + b"\xc4\0\x01\xff".ljust(16) + ASSOCIATE_RQ[26:]
    assert b"".join(encode_pdu(decode_pdu(wire))) == wire


def test_title_octets_are_written_unless_the_titles_change() -> None:
    wire = ASSOCIATE_RQ[:10] + b"PRINTSCP".ljust(16, b"\0") + ASSOCIATE_RQ[26:]
    decoded = decode_pdu(wire)
    assert isinstance(decoded, AssociateRQ)
    assert decoded.called_ae_title == "PRINTSCP"
    assert b"".join(encode_pdu(decoded)) == wire
    assert b"".join(encode_pdu(replace(decoded, called_ae_title="OTHER")))[10:26] == b"OTHER".ljust(16)


@pytest.mark.parametrize(
    ("wire", "path"),
    [
        ("", "PDU-header"),
        ("05 00 00000005  00000000", "PDU-length"),
        ("08 00 00000000", "PDU-type"),
        ("03 00 00000003  000101", "A-ASSOCIATE-RJ.Result"),
        ("04 00 00000000", "P-DATA-TF.PDV-item"),
        ("04 00 00000003  000000", "P-DATA-TF.PDV-item"),
        ("04 00 00000008  00000001 0103 AABB", "P-DATA-TF.PDV-item-length"),
        ("04 00 00000008  00000005 0103 AABB", "P-DATA-TF.PDV-item-length"),
    ],
)
def test_error_names_the_field(wire: str, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_pdu(octets(wire))
    assert caught.value.path == path


def test_error_in_an_item_has_path_and_offset() -> None:
    wire = bytearray(ASSOCIATE_RQ)
    wire[-5] = 9  # the length of the Maximum Length Sub-Item
    with pytest.raises(DecodeError, match="9 bytes wanted, 4 left") as caught:
        decode_pdu(wire)
    assert (caught.value.path, caught.value.offset) == ("A-ASSOCIATE-RQ.50H.51H", len(wire) - 4)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"called_ae_title": "SEVENTEEN LETTERS"}, "Called-AE-title"),
        ({"application_context_name": "é"}, "Application-context-name"),
        ({"reserved": bytes(33)}, "Reserved"),
        ({"title_octets": b"A".ljust(16) + b"B".ljust(17)}, "title_octets"),
        ({"user_information": (SOPClassExtendedNegotiation("1.2", bytes(70000)),)}, "56H"),
        ({"user_information": (UserIdentityRQ(1, False, bytes(70000)),)}, "User-Information"),
        ({"user_information": ("a string",)}, "User-Information"),
        ({"presentation_contexts": (PresentationContextRQ(1, "Є", ()),)}, "Abstract-syntax-name"),
        ({"presentation_contexts": (PresentationContextRQ(1, "1.2", ("Є",)),)}, "Transfer-syntax-name"),
        ({"presentation_contexts": (PresentationContextRQ(257, "1.2", ("1.2",)),)}, "A-ASSOCIATE-RQ"),
    ],
)
def test_unwritable_field_raises_encode_error(change: dict[str, object], path: str) -> None:
    fields = {"called_ae_title": "A", "calling_ae_title": "B", "presentation_contexts": ()} | change
    with pytest.raises(EncodeError) as caught:
        encode_pdu(AssociateRQ(**fields))  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.path == path


@pytest.mark.parametrize("pdvs", [(PDV(257, b"", True, True),), (PDV(1, b"", True, False), PDV(257, b"", True, True))])
def test_unwritable_context_of_a_pdv_raises_encode_error(pdvs: tuple[PDV, ...]) -> None:
    with pytest.raises(EncodeError) as caught:
        encode_pdu(PDataTF(pdvs))
    assert caught.value.path == "P-DATA-TF"


@given(association_pdus)
def test_repr_of_an_association_pdu_makes_it_again(pdu: PDU) -> None:
    """Fields with their default are left out. Hidden secrets cannot be made again."""
    assert isinstance(pdu, AssociateRQ | AssociateAC)
    assume(not any(isinstance(item, UserIdentityRQ | UserIdentityAC) for item in pdu.user_information))
    assume("not shown" not in repr(pdu))
    assert eval(repr(pdu), vars(ul).copy()) == pdu
    assert ("unknown_items" in repr(pdu)) == bool(pdu.unknown_items)


def test_release_of_another_length_is_decoded_by_its_fields() -> None:
    for kind, cls in ((5, ReleaseRQ), (6, ReleaseRP)):
        assert decode_pdu(bytes([kind, 0, 0, 0, 0, 6]) + bytes(6)) == cls()
        with pytest.raises(DecodeError):
            decode_pdu(bytes([kind, 0, 0, 0, 0, 3]) + bytes(3))


def test_whole_pdu_of_more_pdvs_than_the_limit_is_refused() -> None:
    pdu = b"".join(encode_pdu(PDataTF(tuple(PDV(1, b"ab", False, False) for _ in range(3)))))
    assert decode_pdu(pdu, Limits(fragments=3)) == decode_pdu(pdu)
    with pytest.raises(LimitExceeded, match="P-DATA-TF"):
        decode_pdu(pdu, Limits(fragments=2))
