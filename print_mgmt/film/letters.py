"""The letters of a text: which characters are drawn, and which of them belong together.

A cluster is one letter as a reader sees it: a character with its marks. Controls and marks of direction are not
drawn, so a name cannot reorder the rest of its line.
"""

import unicodedata

from .tone import Note

__all__ = ["is_same", "needs_glyph", "split_clusters", "to_printable"]

_MAX_LENGTH = 256  # further characters are not drawn; the VR LO allows 64
_BLANK, _REMOVED = ("Cc", "Zl", "Zp"), ("Cs",)  # general categories that become a blank, and that are removed
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # they choose forms of letters, and reorder nothing
_DIRECTIONS = "\N{ARABIC LETTER MARK}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
# Bidi classes of format characters that are removed
_REMOVED_BIDI = ("BN", "ON", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
_SELECTORS = (  # marks that choose a form of a letter: a font does not need a glyph for them
    *(range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)),  # variation selectors
    *(range(0x034F, 0x0350), range(0x180B, 0x1810), range(0x17B4, 0x17B6)),
)
_JAMO = (range(0x1160, 0x1200), range(0xD7B0, 0xD7FC))  # vowels and final consonants of a Hangul syllable
_COMPATIBLE = (range(0xF900, 0xFB00), range(0x2F800, 0x2FA20))  # compatibility ideographs: variants of other ideographs


def to_printable(text: str, note: Note) -> str:
    """Return a text with blanks for controls and line ends, without marks of direction, and cut to 256 characters."""
    printed = "".join(
        " " if unicodedata.category(character) in _BLANK else character
        for character in text[:_MAX_LENGTH]
        if not _is_removed(character)
    )
    lost = sum(_is_removed(character) or unicodedata.category(character) in _BLANK for character in text[:_MAX_LENGTH])
    lost += len(text[_MAX_LENGTH:])
    if lost:
        note(f"{lost} characters of its text are controls, or follow the first {_MAX_LENGTH}: not printed")
    return printed.strip()


def _is_removed(character: str) -> bool:
    category = unicodedata.category(character)
    if category != "Cf" or character in _JOINERS:
        return category in _REMOVED
    return character in _DIRECTIONS or unicodedata.bidirectional(character) in _REMOVED_BIDI


def split_clusters(text: str) -> list[str]:
    """Split a text into letters as a reader sees them: each is a character with its marks, joiners and jamo."""
    found: list[str] = []
    for character in text:
        if found and (_joins_previous(character) or _is_symbol_sequence(found[-1], character)):
            found[-1] += character
        else:
            found.append(character)
    # NFC is used only where it shortens a cluster; elsewhere it would replace compatibility ideographs by others
    composed = (unicodedata.normalize("NFC", cluster) for cluster in found)
    return [short if len(short) < len(cluster) else cluster for short, cluster in zip(composed, found, strict=True)]


def _joins_previous(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("M") or character in _JOINERS or _is_in(character, _JAMO)


def _is_symbol_sequence(before: str, character: str) -> bool:
    """Return whether a joiner combines a symbol with the previous one, as in the emoji of a family."""
    return before[-1] == _JOINERS[1] and unicodedata.category(character) == "So"


def _is_in(character: str, ranges: tuple[range, ...]) -> bool:
    return any(ord(character) in codes for codes in ranges)


def needs_glyph(character: str) -> bool:
    """Return whether a font must have a character; joiners and marks of form need no glyph of their own."""
    return character not in _JOINERS and not _is_in(character, _SELECTORS)


def is_same(cluster: str, replacement: str) -> bool:
    """Return whether a cluster looks like its replacement. A compatibility ideograph looks unlike its equivalent."""
    same = unicodedata.normalize("NFD", cluster) == unicodedata.normalize("NFD", replacement)
    return same and not any(_is_in(character, _COMPATIBLE) for character in cluster)
