"""Assigns fonts to a text, with Pillow (the extra ``film``).

A text is drawn with the first font that has all of its characters. If there is no such font, each cluster (a letter
with its marks, see `letters`) is drawn with the first font that has this cluster. The fonts of the printer come first,
then fonts that systems usually have, and last the font inside Pillow, so no font needs to be installed. If no font has
a letter, a replacement character is drawn, never a different letter; but a Latin letter may lose its accent.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from .letters import is_same, needs_glyph, split_clusters
from .tone import Note

if TYPE_CHECKING:
    from PIL import ImageFont

__all__ = ["SYSTEM_FONTS", "Run", "assign", "can_draw_text", "font_of", "has_character", "has_raqm"]

_MAX_NAMED = 8  # characters named in a note
_PROBE = 24  # pixels: the size at which the characters of a font are looked up
_NO_CHARACTER = "\U0010ffff"  # not a character, so no font has it
_REPLACEMENTS = ("\N{REPLACEMENT CHARACTER}", "\N{WHITE SQUARE}")  # for a character that no font has
_BUILT_IN = "the font inside Pillow"
SYSTEM_FONTS = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "arial.ttf"),
    *("NotoSansCJK-Regular.ttc", "NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf"),
    *("NotoSansThai-Regular.ttf", "NotoSansDevanagari-Regular.ttf", "DroidSansFallbackFull.ttf", "wqy-microhei.ttc"),
    *("Arial Unicode.ttf", "ARIALUNI.TTF", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc"),
    *("msyh.ttc", "malgun.ttf", "msgothic.ttc", "seguisym.ttf", "unifont.otf"),
)


class Run(NamedTuple):
    """Text in one font."""

    font: str
    text: str


def can_draw_text() -> bool:
    """Return whether Pillow is installed and was built with FreeType."""
    try:
        from PIL import features
    except ImportError:
        return False
    return bool(features.check("freetype2"))


def assign(text: str, fonts: tuple[str, ...], note: Note | None) -> tuple[Run, ...]:
    """Assign fonts to a text: one font that has all of it, or else, for each cluster, the first font that has it.

    ``fonts`` are the fonts of the printer: files or names. The fonts of the system and of Pillow follow them. If some
    characters are in no font, ``note`` is called with a sentence that names them.
    """
    fonts = (*fonts, *SYSTEM_FONTS, _BUILT_IN)
    clusters = split_clusters(text)
    for font in fonts:
        if text and all(_can_write(font, cluster) for cluster in clusters):
            return (Run(font, "".join(clusters)),)
    written, missing = list[str](), set[str]()
    for cluster in clusters:
        if _font_for(cluster, fonts) is None:
            replacement = _replace(cluster, fonts)
            if not is_same(cluster, replacement):
                missing.update([character for character in cluster if _font_for(character, fonts) is None] or cluster)
            cluster = replacement
        written.append(cluster)
    if missing and note is not None:
        names = ", ".join(f"U+{ord(character):04X}" for character in sorted(missing)[:_MAX_NAMED])
        more = f" and {len(missing) - _MAX_NAMED} more" if len(missing) > _MAX_NAMED else ""
        note(f"no font has {names}{more}: replaced")
    by_font = groupby(_with_fonts(written, fonts), key=itemgetter(0))
    return tuple(Run(font, "".join(cluster for _, cluster in run)) for font, run in by_font)


def _with_fonts(clusters: list[str], fonts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield font and cluster. A blank gets the font of the cluster before it in the text."""
    font = _BUILT_IN
    for cluster in clusters:
        if not cluster.isspace():
            font = _font_for(cluster, fonts) or _BUILT_IN
        yield font, cluster


def _font_for(cluster: str, fonts: tuple[str, ...]) -> str | None:
    return next((font for font in fonts if _can_write(font, cluster)), None)


def _can_write(font: str, cluster: str) -> bool:
    """Return whether a font has all characters of a cluster. Private characters need a font of the printer."""
    for character in cluster:
        if not needs_glyph(character):
            continue
        if unicodedata.category(character) == "Co" and (font in SYSTEM_FONTS or font == _BUILT_IN):
            return False
        if not has_character(font, character):
            return False
    return True


def _replace(cluster: str, fonts: tuple[str, ...]) -> str:
    """Return a substitute for a cluster that no font has: the first that some font has, or else "?".

    Substitutes are the same letter composed or decomposed, a Latin letter without its accent, and `_REPLACEMENTS`.
    """
    parts = unicodedata.normalize("NFD", cluster)
    tried = [unicodedata.normalize("NFC", cluster)]
    if all(unicodedata.category(part).startswith("M") for part in parts[1:]):  # not the jamo of a syllable
        tried.append(parts)
        tried += [parts[0]] if unicodedata.name(parts[0], "").startswith("LATIN ") else []
    tried += _REPLACEMENTS
    return next((letter for letter in tried if _font_for(letter, fonts) is not None), "?")


@lru_cache(maxsize=4096)  # measured: with both caches, a line takes 1.9 ms; without them, 4.9 ms
def has_character(name: str, character: str) -> bool:
    """Return whether a font has a character: its shape is not the shape of a missing character."""
    font = _load_font(name, _PROBE, is_shaped=False)
    if font is None:
        return False
    shape, missing = font.getmask(character), font.getmask(_NO_CHARACTER)
    return character.isspace() or (shape.size, bytes(shape)) != (missing.size, bytes(missing))


def font_of(name: str, size: int) -> "ImageFont.FreeTypeFont":
    """Return a font that `assign` has chosen, at a size in pixels."""
    font = _load_font(name, size, is_shaped=has_raqm())
    assert font is not None  # it was found before
    return font


def has_raqm() -> bool:
    """Return whether Pillow shapes and orders text. Its wheels contain raqm, which needs FriBiDi from the system."""
    from PIL import features

    return bool(features.check("raqm"))


@lru_cache(maxsize=64)  # see `has_character` for the gain
def _load_font(name: str, size: int, *, is_shaped: bool) -> "ImageFont.FreeTypeFont | None":
    """Return a font, or None if there is no font of that name."""
    from PIL import ImageFont

    engine = ImageFont.Layout.RAQM if is_shaped else ImageFont.Layout.BASIC
    if name == _BUILT_IN:
        built_in = ImageFont.load_default(size)
        assert isinstance(built_in, ImageFont.FreeTypeFont)  # see `can_draw_text`
        return built_in.font_variant(layout_engine=engine)
    try:
        return ImageFont.truetype(name, size, layout_engine=engine)
    except OSError:
        return None
