"""Octets in plain words, for reasons that a person reads."""

import pytest

from dimse.verify.items import shown_octets


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"CTN  ", "'CTN  '"),
        (bytes(32), "32 times 00H"),
        (b"\x95\\TEST", "95 5C 54 45 53 54"),
        (bytes(range(17)), "00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F ... (17 bytes)"),
        (b"", "nothing"),
    ],
)
def test_octets_are_shown_in_plain_words(octets: bytes, text: str) -> None:
    assert shown_octets(octets) == text
