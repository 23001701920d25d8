"""A PDU explained: each byte once, in the standard's words, with its errors and without its credentials."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import mutated, pdus

from dimse.errors import DecodeError
from dimse.explain import Line, explain_pdu, format_lines
from dimse.ul import (
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    ImplementationVersionName,
    MaximumLength,
    PDUStream,
    PresentationContextAC,
    ReleaseRQ,
    RoleSelection,
    SOPClassCommonExtendedNegotiation,
    UserIdentityAC,
    UserIdentityRQ,
    UserItem,
    decode_pdu,
    encode_pdu,
)
from dimse.ul.forge import forge_item, forge_pdu

CAPTURES = Path(__file__).parents[2] / "vectors" / "captures"


def octets(words: str) -> bytes:
    """Return bytes from hexadecimal digits with comments."""
    return bytes.fromhex("".join(line.partition("#")[0] for line in words.splitlines()))


def recorded() -> list[bytes]:
    """Return the PDUs of all recordings, each once."""
    found: dict[bytes, None] = {}
    for path in sorted(CAPTURES.glob("*.bin")):
        wire = path.read_bytes()
        while wire:
            total = 6 + int.from_bytes(wire[2:6], "big")
            found[wire[:total]] = None
            wire = wire[total:]
    return list(found)


def associate(*items: UserItem) -> bytes:
    pdu = AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=(), user_information=items)
    return b"".join(encode_pdu(pdu))


def joined(lines: list[Line]) -> bytes:
    return b"".join(line.data for line in lines)


def hex_column(rows: list[str]) -> bytes:
    return bytes.fromhex("".join(row[10:33] for row in rows if row[2:8].strip()))


def fault(wire: bytes) -> DecodeError | None:
    """Return the codec's error for a PDU."""
    try:
        list(PDUStream(max_associate=0).feed(wire[:6]))
        decode_pdu(wire)
    except DecodeError as exc:
        return exc
    return None


@pytest.mark.parametrize("wire", recorded(), ids=lambda wire: f"{wire[0]:02X}H-{len(wire)}")
def test_recorded_pdu_is_shown_byte_by_byte(wire: bytes) -> None:
    lines = list(explain_pdu(wire, offset=1000))
    assert joined(lines) == wire
    at = 1000
    for line in lines:
        assert line.offset == at
        at += len(line.data)
    assert hex_column(list(format_lines(lines, rows=None))) == wire
    assert any(line.error for line in lines) == (fault(wire) is not None)


@given(pdus)
def test_valid_pdu_has_lines_without_errors(pdu: object) -> None:
    wire = b"".join(encode_pdu(pdu))  # type: ignore[arg-type]  # Hypothesis makes one of them
    lines = list(explain_pdu(wire))
    assert joined(lines) == wire
    assert not any(line.error for line in lines)


@given(mutated(pdus.map(lambda pdu: b"".join(encode_pdu(pdu)))) | st.binary(max_size=40))
def test_broken_pdu_has_one_error_where_the_codec_points(wire: bytes) -> None:
    lines = list(explain_pdu(wire))
    assert joined(lines) == wire
    marked = [line for line in lines if line.error and not line.error.endswith("not ISO 646 text [PS3.8 §9.3]")]
    error = fault(wire)
    if error is None:
        assert not marked
    else:
        assert len(marked) == 1
        assert error.what in marked[0].error
        assert error.offset is not None
        assert marked[0].offset <= error.offset <= marked[0].offset + len(marked[0].data)
    list(format_lines(lines))


REQUEST = octets("""
    01 00 00000099                                  # A-ASSOCIATE-RQ
    0001 0000                                       # Protocol-version, reserved
    50 52 49 4E 54 53 43 50 20 20 20 20 20 20 20 20 # Called-AE-title
    50 52 49 4E 54 53 43 55 20 20 20 20 20 20 20 20 # Calling-AE-title
    00000000000000000000000000000000
    00000000000000000000000000000000
    10 00 0015 312E322E3834302E31303030382E332E312E312E31
    20 00 002E 01 00 FF 00                          # DCMTK writes FFH there
    30 00 0011 312E322E3834302E31303030382E312E31
    40 00 0011 312E322E3834302E31303030382E312E32
    50 00 0006
    55 00 0002 4142
""")


def test_request_has_the_words_of_the_tables() -> None:
    rows = list(format_lines(explain_pdu(REQUEST)))
    assert rows[0] == (
        "  000000  01 00 00 00 00 99        A-ASSOCIATE-RQ PDU [PS3.8 Table 9-11]: "
        "PDU-type 01H, Reserved 00H, PDU-length 153"
    )
    said = [row[35:] for row in rows if row[35:]]
    assert said[1:] == [
        "  Protocol-version: 1 (version 1)",
        "  Reserved",
        "  Called-AE-title: PRINTSCP",
        "  Calling-AE-title: PRINTSCU",
        "  Reserved",
        "  Application Context Item [PS3.8 Table 9-12]: Item-type 10H, Reserved 00H, Item-length 21",
        "    Application-context-name: 1.2.840.10008.3.1.1.1 (DICOM Application Context Name)",
        "  Presentation Context Item [PS3.8 Table 9-13]: Item-type 20H, Reserved 00H, Item-length 46",
        "    Presentation-context-ID: 1",
        "    Reserved",
        "    Reserved: not zero; not tested",
        "    Reserved",
        "    Abstract Syntax Sub-Item [PS3.8 Table 9-14]: Item-type 30H, Reserved 00H, Item-length 17",
        "      Abstract-syntax-name: 1.2.840.10008.1.1 (Verification SOP Class)",
        "    Transfer Syntax Sub-Item [PS3.8 Table 9-15]: Item-type 40H, Reserved 00H, Item-length 17",
        "      Transfer-syntax-name: 1.2.840.10008.1.2 (Implicit VR Little Endian)",
        "  User Information Item [PS3.8 Table 9-16]: Item-type 50H, Reserved 00H, Item-length 6",
        "    Implementation Version Name Sub-Item [PS3.7 Table D.3-3]: Item-type 55H, Reserved 00H, Item-length 2",
        "      Implementation-version-name: AB",
    ]


@pytest.mark.parametrize(
    ("wire", "said"),
    [
        # Table 9-21: the meaning of a reason depends on the source
        (octets("03 00 00000004  00 02 03 02"), {"Result": "2 (rejected-transient)"}),
        (octets("03 00 00000004  00 02 03 02"), {"Reason/Diag.": "2 (local-limit-exceeded)"}),
        (octets("03 00 00000004  00 01 02 02"), {"Reason/Diag.": "2 (protocol-version-not-supported)"}),
        (octets("03 00 00000004  00 01 01 09"), {"Reason/Diag.": "9 (reserved)"}),
        # Table 9-26: the reason of a service-user is not significant
        (octets("07 00 00000004  00 00 00 06"), {"Source": "0 (DICOM UL service-user)"}),
        (octets("07 00 00000004  00 00 00 06"), {"Reason/Diag": "6 (not significant)"}),
        (octets("07 00 00000004  00 00 02 06"), {"Reason/Diag": "6 (invalid-PDU-parameter value)"}),
        # Annex E.2: bit 0 is command, bit 1 is last, the others are not tested
        (octets("04 00 00000008  00000004 01 FD 0102"), {"Message Control Header": "FDH (command fragment)"}),
        (octets("04 00 00000008  00000004 01 02 0102"), {"Presentation-data-value": "2 bytes of data set"}),
        # PS3.8 Annex D.1 and PS3.7 D.3.3.4
        (associate(RoleSelection("1.2", scu=False, scp=True)), {"SCU-role": "0 (non support)"}),
        (associate(RoleSelection("1.2", scu=False, scp=True)), {"SCP-role": "1 (support)"}),
        (
            associate(SOPClassCommonExtendedNegotiation("1.2", "1.3", ("1.4",), version=1)),
            {"Service-class-uid": "1.3", "Related-general-sop-class-uid": "1.4"},
        ),
    ],
    ids=str,
)  # fmt: skip
def test_values_are_shown_in_words(wire: bytes, said: dict[str, str]) -> None:
    values = {line.field: line.value for line in explain_pdu(wire)}
    assert said.items() <= values.items()


def test_answer_has_words_and_tables_of_its_own() -> None:
    answer = AssociateAC(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextAC(3, 4, "1.2"),),
        user_information=(RoleSelection("1.2", scu=True, scp=False),),
    )
    lines = list(explain_pdu(b"".join(encode_pdu(answer))))
    values = {line.field: line.value for line in lines}
    assert values["Result/Reason"] == "4 (transfer-syntaxes-not-supported)"
    assert (values["SCU-role"], values["SCP-role"]) == ("1 (accepted)", "0 (rejected)")
    # the answer has tables of its own
    assert {"PS3.8 Table 9-18", "PS3.8 Table 9-19", "PS3.8 Table 9-20", "PS3.7 Table D.3-10"} <= {
        line.table for line in lines
    }


# --- errors ---


@pytest.mark.parametrize(
    ("words", "field", "error"),
    [
        ("05 00 00 00 00", "PDU-header", "PDU-header: 6 bytes wanted, 5 left"),
        ("47 45 54 20 2F 20 48 54", "Unrecognized PDU", "PDU-type: unrecognized PDU type 47H"),
        ("05 00 00000005  00 00 00 00 00", "A-RELEASE-RQ PDU", "PDU-length: 5 is not 4"),
        ("05 00 00000004  00 00", "A-RELEASE-RQ PDU", "PDU-length: the length is 4, but 2 bytes follow"),
        ("05 00 00000004  00 00 00 00 05", "A-RELEASE-RQ PDU", "PDU-length: the length is 4, but 5 bytes follow"),
        ("04 00 00000000", "P-DATA-TF PDU", "P-DATA-TF.PDV-item: there is no PDV"),
        ("04 00 00000003  000000", "Presentation Data Value Item", "P-DATA-TF.PDV-item: 6 bytes wanted, 3 left"),
        (
            "04 00 00000008  00000009 01 03 0102",
            "Presentation Data Value Item",
            "P-DATA-TF.PDV-item-length: 9, but it must be 2 to 4",
        ),
    ],
)
def test_error_stands_beside_its_field(words: str, field: str, error: str) -> None:
    lines = list(explain_pdu(octets(words)))
    assert [(line.field, line.error) for line in lines if line.error] == [(field, error)]
    rows = list(format_lines(lines))
    at = next(number for number, row in enumerate(rows) if row.startswith("!"))
    assert field in rows[at]
    assert rows[at + 1].endswith(f"^ {error}")


@pytest.mark.parametrize(
    ("sub_item", "field"),
    [
        ("51 00 0004 0001", "Maximum Length Sub-Item"),  # longer than the item around it
        ("51 00 0002 0001", "Maximum-length-received"),  # shorter than its fields
        ("51 00 0000", "Maximum-length-received"),
        ("51 00", "Item"),
        ("54 00 0004 0009 312E", "SOP-class-uid"),
        ("55 00 0002 41FF  51 00 0004 00000000", "Implementation-version-name"),  # not ISO 646
    ],
)
def test_error_in_an_item_stands_beside_its_field(sub_item: str, field: str) -> None:
    body = associate()[:-2] + len(octets(sub_item)).to_bytes(2, "big") + octets(sub_item)
    wire = body[:2] + (len(body) - 6).to_bytes(4, "big") + body[6:]
    lines = list(explain_pdu(wire))
    assert [line.field for line in lines if line.error] == [field]
    assert joined(lines) == wire


def test_bytes_after_the_fields_are_the_rest() -> None:
    sub_item = octets("51 00 0006 00000000 ABCD")  # a Maximum Length Sub-Item with two bytes more
    wire = associate()[:-2] + b"\0\x0a" + sub_item
    longer = wire[:2] + (len(wire) - 6).to_bytes(4, "big") + wire[6:]
    rest = [line for line in explain_pdu(longer) if line.field == "Rest"]
    assert [(bytes(line.data), line.value, line.error) for line in rest] == [
        (b"\xab\xcd", "after the fields of this item", "")
    ]


# --- credentials ---


def shown(wire: bytes) -> str:
    """Return all visible text of a PDU."""
    return "\n".join(format_lines(explain_pdu(wire), rows=None)) + "".join(
        f"{line.value}{line.error}" for line in explain_pdu(wire)
    )


SECRET = b"sesame!"


def with_user_information(items: bytes) -> bytes:
    """Return an A-ASSOCIATE-RQ with these bytes as its User Information."""
    return forge_pdu(1, associate()[6:-4] + forge_item(0x50, items))


@pytest.mark.parametrize(
    "identity",
    [
        UserIdentityRQ(2, True, b"jane", SECRET),
        UserIdentityRQ(3, False, SECRET),
        UserIdentityRQ(4, False, SECRET),
        UserIdentityRQ(5, False, SECRET),
        UserIdentityRQ(77, False, SECRET, SECRET),
        UserIdentityAC(SECRET),
    ],
    ids=repr,
)
def test_credentials_are_hidden(identity: UserItem) -> None:
    wire = associate(identity)
    assert SECRET in wire
    assert SECRET.hex(" ").upper() not in shown(wire)
    assert "sesame" not in shown(wire)
    assert "** ** ** **" in shown(wire)


def test_user_name_is_shown() -> None:
    assert "Primary-field: jane" in shown(associate(UserIdentityRQ(2, True, b"jane", SECRET)))


@pytest.mark.parametrize("at", range(-21, -len(SECRET)), ids=str)
@pytest.mark.parametrize("octet", [0x00, 0x03, 0x0A, 0x58, 0xFF])
def test_passcode_is_hidden_in_a_broken_identity(at: int, octet: int) -> None:
    """One byte before the passcode is wrong: a length, a type, a character of the name."""
    wire = bytearray(associate(UserIdentityRQ(2, True, b"jane", SECRET)))
    wire[at] = octet
    if wire[-21] == 0x58:  # still an identity
        assert SECRET[1:].hex(" ").upper() not in "\n".join(format_lines(explain_pdu(wire), rows=None))


@pytest.mark.parametrize("length", range(69), ids=str)
def test_passcode_is_hidden_after_user_information(length: int) -> None:
    items = (MaximumLength(16384), ImplementationVersionName("VERSION"), RoleSelection("1.2.3", scu=True, scp=False))
    wire = bytearray(associate(*items, UserIdentityRQ(2, True, b"jane", SECRET)))
    at = len(wire) - 2 - 8 - 11 - 13 - 21  # of the length of the User Information Item
    assert wire[at : at + 2] == b"\0\x35"
    wire[at : at + 2] = length.to_bytes(2, "big")
    assert SECRET[1:].hex(" ").upper() not in "\n".join(format_lines(explain_pdu(wire), rows=None))


@pytest.mark.parametrize("identity", [UserIdentityRQ(2, True, b"jane", SECRET), UserIdentityAC(SECRET)], ids=repr)
@pytest.mark.parametrize("swallowed", range(1, 30), ids=str)
def test_passcode_is_hidden_after_a_longer_item(swallowed: int, identity: UserItem) -> None:
    wire = bytearray(associate(MaximumLength(16384), identity))
    at = wire.index(b"\x51\0\0\4") + 3  # the length of the Maximum Length Sub-Item
    wire[at] = min(4 + swallowed, len(wire) - at - 1)
    assert SECRET[1:].hex(" ").upper() not in "\n".join(format_lines(explain_pdu(wire), rows=None))


IDENTITY_FIELDS = UserIdentityRQ(2, True, b"jane", SECRET).encode()
WRONG_TYPES = [0x18, 0x48, *range(0x50, 0x58), *range(0x5A, 0x60), 0xEE]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("kind", WRONG_TYPES, ids="{:02X}".format)
def test_passcode_is_hidden_in_an_item_of_a_wrong_type(kind: int, wrapped: bool) -> None:
    item = forge_item(kind, IDENTITY_FIELDS)
    wire = with_user_information(forge_item(0xEE, item) if wrapped else item)
    place = wire.index(SECRET)
    assert all(line.secret for line in explain_pdu(wire) if place - 4 <= line.offset < place + len(SECRET))


def test_passcode_is_hidden_in_an_identity_within_an_unknown_item() -> None:
    wire = with_user_information(forge_item(0xEE, forge_item(0x58, b"\x99" + IDENTITY_FIELDS[1:])))
    assert [line.secret for line in explain_pdu(wire)][-1]


def test_unknown_item_without_identity_is_shown() -> None:
    wire = with_user_information(forge_item(0xEE, b"\1\2\3\4\5\6\7\10"))
    assert not any(line.secret for line in explain_pdu(wire))


def test_items_before_a_broken_identity_are_shown() -> None:
    wire = bytearray(associate(MaximumLength(16384), UserIdentityRQ(2, True, b"jane", SECRET)))
    wire[-8] = 0xFF  # the length of the passcode
    values = {line.field: line.value for line in explain_pdu(wire)}
    assert values["Maximum-length-received"] == "16384"
    assert values["User-Identity-Type"] == "2 (username and passcode)"
    assert values["Primary-field"] == "not shown"


def test_items_after_a_broken_item_are_shown_without_identity() -> None:
    wire = bytearray(associate(MaximumLength(16384), ImplementationVersionName("VERSION")))
    wire[-15 - 1] = 2  # the Maximum Length Sub-Item: two bytes too short
    assert not any(line.secret for line in explain_pdu(wire))


# --- the text ---


def test_long_values_are_cut() -> None:
    wire = octets("04 00 0000006A  00000066 01 00") + bytes(100)
    rows = list(format_lines(explain_pdu(wire)))
    assert rows[-1] == "          ... 68 more bytes"
    assert [row[10:33] for row in rows[-5:-1]] == ["00 00 00 00 00 00 00 00"] * 4
    assert all(len(row) <= 60 for row in format_lines(explain_pdu(wire), width=60))


def test_hostile_titles_are_escaped() -> None:
    wire = associate().replace(b"B" + b" " * 15, b"\x1b[2J\r\n" + b" " * 10)
    assert r"Calling-AE-title: \x1b[2J" in "\n".join(format_lines(explain_pdu(wire)))
    assert all(row.isprintable() for row in format_lines(explain_pdu(wire)))


def test_short_pdus_have_a_line_for_each_field() -> None:
    for pdu, fields in ((ReleaseRQ(), 2), (AssociateRJ(1, 1, 1), 5), (Abort(0, 0), 5)):
        assert len(list(explain_pdu(b"".join(encode_pdu(pdu))))) == fields
