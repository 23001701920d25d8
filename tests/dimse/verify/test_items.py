"""Items of association PDUs as octets, and octets in plain words for reasons that a person reads."""

from typing import Any, ClassVar

import pytest

from dimse.verify.items import Item, items_of, shown_octets

FIXED = bytes(74)  # octets of an A-ASSOCIATE PDU before its items
EMPTY = bytes.fromhex("60 00 0000")


class Counted(bytes):
    """Octets that note the length of each copied part of them."""

    copied: ClassVar[list[int]] = []

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        if not isinstance(found, bytes):
            return found
        self.copied.append(len(found))
        return Counted(found)


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


def test_item_that_is_too_long_is_cut_off() -> None:
    assert items_of(FIXED + EMPTY + bytes.fromhex("50 00 0003 41 42")) == [Item(0x60, b""), Item(0x50, b"AB")]


def test_many_items_are_read_without_copies_of_the_rest() -> None:
    octets = Counted(FIXED + 1000 * EMPTY)
    Counted.copied.clear()
    assert items_of(octets) == 1000 * [Item(0x60, b"")]
    assert sum(Counted.copied) <= 2 * len(octets)
