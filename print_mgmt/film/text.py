"""Annotations: one line of Unicode text in its box, PS3.3 C.13.7. Needs Pillow, the extra ``film``.

Each character is drawn with the first font that has it: the fonts of the printer come first, then fonts that systems
usually have, last the font inside Pillow. So no font needs to be installed. A letter and its marks are one cluster, and
a cluster has one font. If one font has the whole text, Pillow shapes and orders it with raqm. Otherwise the parts are
ordered here (`bidi`), and without raqm `arabic_reshaper` joins Arabic letters.

A letter that no font has never becomes another letter: a replacement character is drawn instead. A Latin letter may
lose its accent. Controls and marks of direction are not drawn, so a name cannot reorder the rest of its line. A text
that is too long is drawn smaller, down to ``_LEAST_MM``, and is then cut with an ellipsis. A note tells of each of
these.
"""

import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .bidi import base_level, levels, mirrored, visual
from .canvas import Canvas, blend
from .errors import LayoutError
from .formats import MM_PER_INCH
from .tone import Note

if TYPE_CHECKING:
    from PIL import ImageFont

__all__ = ["can_write", "losses", "write"]

_RULE = "PS3.3 C.13.7"
_LEAST_MM = 1.5  # height of a line: smaller text cannot be read without a magnifier
_LINE = 0.8  # height of the letters, as part of the height of the box
_MOST = 256  # characters drawn: the VR LO allows 64
_MOST_NAMED = 8  # characters in a note
_BLANK, _GONE = ("Cc", "Zl", "Zp"), ("Cs",)  # general categories: drawn as a blank, not drawn
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # they choose forms of letters, and reorder nothing
_DIRECTIONS = "\N{ARABIC LETTER MARK}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
# Bidi classes of format characters that are not drawn
_HIDDEN = ("BN", "ON", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
_UNSEEN = (  # marks that choose a form of a letter: a font does not need a glyph for them
    *(range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)),  # variation selectors
    *(range(0x034F, 0x0350), range(0x180B, 0x1810), range(0x17B4, 0x17B6)),
)
_JAMO = (range(0x1160, 0x1200), range(0xD7B0, 0xD7FC))  # vowels and final consonants of a syllable
_COMPATIBLE = (range(0xF900, 0xFB00), range(0x2F800, 0x2FA20))  # variants of other ideographs
_PROBE = 24  # pixels: the size at which the characters of a font are looked up
_NO_CHARACTER = "\U0010ffff"  # never in a font
_MARKS = ("\N{REPLACEMENT CHARACTER}", "\N{WHITE SQUARE}")  # for a character that no font has
_BUILT_IN = "the font inside Pillow"
_SYSTEM = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "arial.ttf"),
    *("NotoSansCJK-Regular.ttc", "NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf"),
    *("NotoSansThai-Regular.ttf", "NotoSansDevanagari-Regular.ttf", "DroidSansFallbackFull.ttf", "wqy-microhei.ttc"),
    *("Arial Unicode.ttf", "ARIALUNI.TTF", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc"),
    *("msyh.ttc", "malgun.ttf", "msgothic.ttc", "seguisym.ttf", "unifont.otf"),
)


class _Run(NamedTuple):
    """Text in one font."""

    font: str
    text: str


class _Piece(NamedTuple):
    """Text in one font, as Pillow draws it. Empty ``direction``: raqm finds the direction."""

    font: str
    text: str
    direction: str = ""


class _Line(NamedTuple):
    """The height of the letters in pixels, and the pieces from left to right."""

    size: int
    pieces: tuple[_Piece, ...]


def can_write() -> bool:
    """Return whether Pillow is installed and was built with FreeType."""
    try:
        from PIL import features
    except ImportError:
        return False
    return bool(features.check("freetype2"))


def losses(text: str, box: tuple[int, int], dpi: int, fonts: tuple[str, ...]) -> tuple[str, ...]:
    """Return a note for each loss of a text in a box of (height, width) pixels."""
    notes: list[str] = []
    _fitted(_printable(text, notes.append), (*fonts, *_SYSTEM, _BUILT_IN), box, _least(dpi), notes.append)
    return tuple(notes)


def write(area: Canvas, text: str, level: float, dpi: int, fonts: tuple[str, ...], note: Note) -> None:
    """Draw a text in ``area``, at a level of 0 to 1. Raises LayoutError if Pillow is not installed."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as exc:
        raise LayoutError("TextString", "...", "needs Pillow: pip install dimse-print[film]", rule=_RULE) from exc
    height, width = area.shape[:2]
    text = _printable(text, note)
    size, pieces = _fitted(text, (*fonts, *_SYSTEM, _BUILT_IN), (height, width), _least(dpi), note)
    if not pieces:
        return
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    ascent, descent = _known(pieces[0].font, size).getmetrics()
    x, baseline = 0.0, (height + ascent - descent) / 2
    if base_level(text):
        x = width - _length(pieces, size)
    for piece in pieces:
        font = _known(piece.font, size)
        draw.text((x, baseline), piece.text, fill=255, font=font, anchor="ls", direction=piece.direction or None)
        x += _advance(piece, size)
    blend(area, np.asarray(mask), level)


def _least(dpi: int) -> int:
    return round(_LEAST_MM / MM_PER_INCH * dpi)


# --- characters and clusters ---


def _printable(text: str, note: Note) -> str:
    """Return a text with blanks for controls and line ends, and without marks of direction."""
    kept = "".join(
        " " if unicodedata.category(character) in _BLANK else character
        for character in text[:_MOST]
        if not _is_gone(character)
    )
    lost = sum(_is_gone(character) or unicodedata.category(character) in _BLANK for character in text[:_MOST])
    lost += len(text[_MOST:])
    if lost:
        note(f"{lost} characters of its text are controls or beyond {_MOST}: not printed")
    return kept.strip()


def _is_gone(character: str) -> bool:
    category = unicodedata.category(character)
    if category != "Cf" or character in _JOINERS:
        return category in _GONE
    return character in _DIRECTIONS or unicodedata.bidirectional(character) in _HIDDEN


def _clusters(text: str) -> list[str]:
    """Split a text into what a reader sees as letters: a character with its marks, joiners and jamo, composed."""
    found: list[str] = []
    for character in text:
        if found and (_follows(character) or _is_sign_sequence(found[-1], character)):
            found[-1] += character
        else:
            found.append(character)
    composed = (unicodedata.normalize("NFC", cluster) for cluster in found)
    return [short if len(short) < len(cluster) else cluster for short, cluster in zip(composed, found, strict=True)]


def _follows(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("M") or character in _JOINERS or _is_in(character, _JAMO)


def _is_sign_sequence(before: str, character: str) -> bool:
    """Return whether a joiner makes one sign of two, as in a family of emoji."""
    return before[-1] == _JOINERS[1] and unicodedata.category(character) == "So"


def _is_in(character: str, ranges: tuple[range, ...]) -> bool:
    return any(ord(character) in codes for codes in ranges)


# --- fonts ---


def _runs(text: str, fonts: tuple[str, ...], note: Note | None) -> tuple[_Run, ...]:
    """Assign fonts to a text: one font that has all of it, or else the first font that has each cluster."""
    clusters = _clusters(text)
    for font in fonts:
        if text and all(_writes(font, cluster) for cluster in clusters):
            return (_Run(font, "".join(clusters)),)
    written, missing = list[str](), set[str]()
    for cluster in clusters:
        if _chosen(cluster, fonts) is None:
            replaced = _replacement(cluster, fonts)
            if not _is_same(cluster, replaced):
                missing.update([character for character in cluster if _chosen(character, fonts) is None] or cluster)
            cluster = replaced
        written.append(cluster)
    if missing and note is not None:
        names = ", ".join(f"U+{ord(character):04X}" for character in sorted(missing)[:_MOST_NAMED])
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        note(f"no font has {names}{more}: replaced")
    by_font = groupby(_with_fonts(written, fonts), key=itemgetter(0))
    return tuple(_Run(font, "".join(cluster for _, cluster in run)) for font, run in by_font)


def _with_fonts(clusters: list[str], fonts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield font and cluster. A blank gets the font before it, since a run may be drawn from its other end."""
    font = _BUILT_IN
    for cluster in clusters:
        if not cluster.isspace():
            font = _chosen(cluster, fonts) or _BUILT_IN
        yield font, cluster


def _chosen(cluster: str, fonts: tuple[str, ...]) -> str | None:
    return next((font for font in fonts if _writes(font, cluster)), None)


def _writes(font: str, cluster: str) -> bool:
    """Return whether a font has all characters of a cluster. Private characters count in the printer's fonts only."""
    for character in cluster:
        if character in _JOINERS or _is_in(character, _UNSEEN):
            continue
        if unicodedata.category(character) == "Co" and (font in _SYSTEM or font == _BUILT_IN):
            return False
        if not _has(font, character):
            return False
    return True


def _replacement(cluster: str, fonts: tuple[str, ...]) -> str:
    """Return the same letter as other characters, a Latin letter without its accent, or a replacement character."""
    parts = unicodedata.normalize("NFD", cluster)
    tried = [unicodedata.normalize("NFC", cluster)]
    if all(unicodedata.category(part).startswith("M") for part in parts[1:]):  # not the jamo of a syllable
        tried.append(parts)
        tried += [parts[0]] if unicodedata.name(parts[0], "").startswith("LATIN ") else []
    tried += _MARKS
    return next((letter for letter in tried if _chosen(letter, fonts) is not None), "?")


def _is_same(cluster: str, replaced: str) -> bool:
    """Return whether both look the same. A compatibility ideograph differs from its Unicode equivalent."""
    same = unicodedata.normalize("NFD", cluster) == unicodedata.normalize("NFD", replaced)
    return same and not any(_is_in(character, _COMPATIBLE) for character in cluster)


@lru_cache(maxsize=4096)  # measured: with both caches a line takes 1.9 ms, without them 4.9
def _has(name: str, character: str) -> bool:
    """Return whether a font has a character: its shape is not the shape of a missing character."""
    font = _font(name, _PROBE, is_shaped=False)
    if font is None:
        return False
    shape, missing = font.getmask(character), font.getmask(_NO_CHARACTER)
    return character.isspace() or (shape.size, bytes(shape)) != (missing.size, bytes(missing))


def _known(name: str, size: int) -> "ImageFont.FreeTypeFont":
    font = _font(name, size, is_shaped=_has_raqm())
    assert font is not None  # it was found before
    return font


def _has_raqm() -> bool:
    """Return whether Pillow shapes and orders text. Its wheels bring raqm, which needs FriBiDi from the system."""
    from PIL import features

    return bool(features.check("raqm"))


@lru_cache(maxsize=64)  # see above
def _font(name: str, size: int, *, is_shaped: bool) -> "ImageFont.FreeTypeFont | None":
    """Return a font, or None if there is no font of that name."""
    from PIL import ImageFont

    engine = ImageFont.Layout.RAQM if is_shaped else ImageFont.Layout.BASIC
    if name == _BUILT_IN:
        built_in = ImageFont.load_default(size)
        if not isinstance(built_in, ImageFont.FreeTypeFont):
            raise LayoutError("TextString", "...", "needs a Pillow that was built with FreeType", rule=_RULE)
        return built_in.font_variant(layout_engine=engine)
    try:
        return ImageFont.truetype(name, size, layout_engine=engine)
    except OSError:
        return None


# --- the line ---


def _fitted(text: str, fonts: tuple[str, ...], box: tuple[int, int], least: int, note: Note) -> _Line:
    """Return the line at the size that fits its box of (height, width), cut if necessary."""
    runs = _runs(text, fonts, note)
    if not _has_raqm():
        _tell_of_shaping(text, note)
    pieces = _pieces(runs)
    size = max(int(box[0] * _LINE), 1)
    wide = _length(pieces, size)
    if wide <= box[1]:
        return _Line(size, pieces)
    size = max(int(size * box[1] / wide), min(least, size), 1)
    clusters = _clusters(text)
    kept = len(clusters)
    while kept and _length(pieces, size) > box[1]:
        kept = min(kept - 1, int(kept * box[1] / _length(pieces, size)) + 1)
        pieces = _pieces(_runs("".join(clusters[:kept]).rstrip() + "\N{HORIZONTAL ELLIPSIS}", fonts, None))
    if kept < len(clusters):
        note(f"its text is too long: cut after {len(''.join(clusters[:kept]))} of {len(text)} characters")
    return _Line(size, pieces if kept else ())


def _tell_of_shaping(text: str, note: Note) -> None:
    """Note what is drawn without shaping: marks, and Arabic letters that nothing joins."""
    characters = [character for character in text if not _is_in(character, _UNSEEN)]
    if any(unicodedata.category(character).startswith("M") for character in characters):
        note("its letters are not shaped with their marks: this needs a Pillow with raqm, and FriBiDi")
    if _reshaper() is None and any(unicodedata.bidirectional(character) == "AL" for character in characters):
        note("its Arabic letters are not joined: this needs arabic-reshaper (pip install dimse-print[film])")


def _pieces(runs: tuple[_Run, ...]) -> tuple[_Piece, ...]:
    """Return runs as pieces of one direction, in the order from left to right."""
    is_shaped = bool(runs) and _has_raqm()
    if is_shaped and len(runs) == 1:
        return (_Piece(*runs[0]),)
    heights = iter(levels("".join(run.text for run in runs)))
    pieces, at = list[_Piece](), list[int]()
    for font, text in runs:
        for level, group in groupby([(next(heights), character) for character in text], key=itemgetter(0)):
            part = "".join(character for _, character in group)
            if is_shaped:
                pieces.append(_Piece(font, part, "rtl" if level % 2 else "ltr"))
            else:
                pieces.append(_Piece(font, _plain(font, part, from_the_right=bool(level % 2))))
            at.append(level)
    return tuple(visual(pieces, at))


def _plain(font: str, text: str, *, from_the_right: bool) -> str:
    """Return a text for drawing letter by letter from the left: Arabic joined, reversed, without joiners."""
    text = _joined(font, text)
    clusters = [
        "".join(character for character in cluster if character not in _JOINERS and not _is_in(character, _UNSEEN))
        for cluster in _clusters(text)
    ]
    return mirrored("".join(reversed(clusters))) if from_the_right else "".join(clusters)


def _joined(font: str, text: str) -> str:
    """Return Arabic letters in the forms that join their neighbors. If the font lacks a form, the letter stays."""
    reshape = _reshaper()
    if reshape is None:
        return text
    return "".join(form if _has(font, form) else unicodedata.normalize("NFKC", form) for form in reshape(text))


def _reshaper() -> Callable[[str], str] | None:
    """Return the function that joins Arabic letters; None if it is not installed."""
    try:
        from arabic_reshaper import ArabicReshaper
    except ImportError:
        return None
    reshape: Callable[[str], str] = ArabicReshaper({"delete_harakat": False}).reshape
    return reshape


def _length(pieces: tuple[_Piece, ...], size: int) -> float:
    return sum(_advance(piece, size) for piece in pieces)


def _advance(piece: _Piece, size: int) -> float:
    return _known(piece.font, size).getlength(piece.text, direction=piece.direction or None)
