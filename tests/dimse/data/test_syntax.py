"""PS3.5 Annex A: the traits of each Transfer Syntax."""

import pytest

from dimse import uids
from dimse.data import DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, TransferSyntax, syntax_of
from dimse.errors import DecodeError


@pytest.mark.parametrize(
    ("uid", "syntax", "is_implicit", "is_big_endian", "is_deflated"),
    [
        ("1.2.840.10008.1.2", IMPLICIT_LE, True, False, False),
        ("1.2.840.10008.1.2.1", EXPLICIT_LE, False, False, False),
        ("1.2.840.10008.1.2.2", EXPLICIT_BE, False, True, False),
        ("1.2.840.10008.1.2.1.99", DEFLATED_LE, False, False, True),
    ],
)
def test_uncompressed_syntax_has_its_traits(
    uid: str, syntax: TransferSyntax, *, is_implicit: bool, is_big_endian: bool, is_deflated: bool
) -> None:
    assert syntax_of(uid) is syntax
    assert (syntax.implicit, syntax.big_endian, syntax.deflated) == (is_implicit, is_big_endian, is_deflated)


def test_every_transfer_syntax_of_the_registry_is_known_by_name() -> None:
    rows = [row for row in uids.registry().values() if row.type == "Transfer Syntax"]
    assert len(rows) == 63
    assert all(syntax_of(row.uid).name == row.name for row in rows)


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.110",
        "1.2.840.10008.1.2.4.112",
        "1.2.840.10008.1.2.8.1",
    ],
)
def test_compressed_pixels_come_in_fragments(uid: str) -> None:
    assert syntax_of(uid).encapsulated
    assert not syntax_of(uid).implicit


def test_jpip_has_no_pixels_to_encapsulate() -> None:
    jpip = syntax_of("1.2.840.10008.1.2.4.95")
    assert jpip.deflated
    assert not jpip.encapsulated


def test_unknown_uid_is_rejected() -> None:
    with pytest.raises(DecodeError, match=r"'1\.2\.3' is not a known Transfer Syntax"):
        syntax_of("1.2.3")
    with pytest.raises(DecodeError):
        syntax_of(uids.Verification)
