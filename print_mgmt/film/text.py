"""Annotations: a line of any Unicode text in its box, PS3.3 C.13.7. Needs Pillow, the extra ``film``.

Each character is written with the first font that has it: those of the printer, then those that systems
usually have, last the one inside Pillow, so that none need be installed. A text that one font has in full
is one run, which Pillow shapes and orders (Arabic joined, Hebrew from the right); else it is written in
runs, in the direction of its first letter. What no font has becomes the letter without its accent, or a
replacement character; and a note. Controls and marks of direction are not printed: a name must not be
able to turn around the rest of its line.

A text that is too long gets smaller, down to ``_LEAST_MM``, and is then cut with an ellipsis.
"""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .errors import LayoutError
from .ink import Canvas, blend
from .sizes import MM_PER_INCH
from .tone import Note

if TYPE_CHECKING:
    from PIL import ImageFont

__all__ = ["write"]

_RULE = "PS3.3 C.13.7"
_LEAST_MM = 1.5  # of a line: smaller text cannot be read without a glass
_LINE = 0.8  # of the height of the box
_MOST = 256  # characters: the VR LO has 64
_BLANK, _GONE = ("Cc", "Zl", "Zp"), ("Cf", "Cs")  # categories of characters
_PROBE = 24  # pixels: the size at which fonts are asked what they have
_NO_CHARACTER = "\U0010ffff"  # never in a font
_BUILT_IN = "the font inside Pillow"
_SYSTEM = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "arial.ttf"),
    *("NotoSansCJK-Regular.ttc", "NotoSansArabic-Regular.ttf", "NotoSansHebrew-Regular.ttf"),
    *("NotoSansThai-Regular.ttf", "NotoSansDevanagari-Regular.ttf", "DroidSansFallbackFull.ttf", "wqy-microhei.ttc"),
    *("Arial Unicode.ttf", "ARIALUNI.TTF", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc"),
    *("msyh.ttc", "malgun.ttf", "msgothic.ttc", "seguisym.ttf", "unifont.otf"),
)


class _Run(NamedTuple):
    """Text of one font."""

    font: str
    text: str


def write(area: Canvas, text: str, level: float, dpi: int, fonts: tuple[str, ...], note: Note) -> None:
    """Write a text over all of ``area``, at a level of 0 to 1. Raises LayoutError where Pillow is not installed."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as exc:
        raise LayoutError("TextString", "...", "needs Pillow: pip install dimse-print[film]", rule=_RULE) from exc
    height, width = area.shape[:2]
    least = round(_LEAST_MM / MM_PER_INCH * dpi)
    size, runs = _fitted(_printable(text, note), (*fonts, *_SYSTEM, _BUILT_IN), (height, width), least, note)
    if not runs:
        return
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    ascent, descent = _known(runs[0].font, size).getmetrics()
    x, baseline = 0.0, (height + ascent - descent) / 2
    if _from_the_right(text):
        x, runs = width - _length(runs, size), runs[::-1]
    for run in runs:
        font = _known(run.font, size)
        draw.text((x, baseline), run.text, fill=255, font=font, anchor="ls")
        x += font.getlength(run.text)
    blend(area, np.asarray(mask), level)


def _printable(text: str, note: Note) -> str:
    """The text without what has no shape: controls and ends of lines become blanks, marks of direction go."""
    kinds = [(character, unicodedata.category(character)) for character in unicodedata.normalize("NFC", text[:_MOST])]
    kept = "".join(" " if kind in _BLANK else character for character, kind in kinds if kind not in _GONE)
    lost = sum(kind in _BLANK + _GONE for _, kind in kinds) + len(text[_MOST:])
    if lost:
        note(f"{lost} characters of its text are controls or too many: not printed")
    return kept.strip()


def _fitted(
    text: str, fonts: tuple[str, ...], box: tuple[int, int], least: int, note: Note
) -> tuple[int, tuple[_Run, ...]]:
    """The size in pixels at which a text fits its box of (height, width), and what of it fits."""
    runs = _runs(text, fonts, note)
    size = max(int(box[0] * _LINE), 1)
    wide = _length(runs, size)
    if wide <= box[1]:
        return size, runs
    size = max(int(size * box[1] / wide), min(least, size), 1)
    cut = text
    while cut and _length(runs, size) > box[1]:
        cut = cut[: min(len(cut) - 1, int(len(cut) * box[1] / _length(runs, size)) + 1)]
        runs = _runs(cut.rstrip() + "\N{HORIZONTAL ELLIPSIS}", fonts, None)
    if cut != text:
        note(f"its text is too long: cut after {len(cut)} of {len(text)} characters")
    return size, runs if cut else ()


def _from_the_right(text: str) -> bool:
    """Whether the first letter is of a script that is written from right to left."""
    kinds = (unicodedata.bidirectional(character) for character in text)
    return next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L"


def _length(runs: tuple[_Run, ...], size: int) -> float:
    return sum(_known(run.font, size).getlength(run.text) for run in runs)


def _runs(text: str, fonts: tuple[str, ...], note: Note | None) -> tuple[_Run, ...]:
    """Share a text among fonts: one that has all of it, or the first that has each character."""
    for font in fonts:
        if text and all(_has(font, character) for character in text):
            return (_Run(font, text),)
    missing = sorted({character for character in text if _chosen(character, fonts) is None})
    if missing and note is not None:
        names = ", ".join(f"U+{ord(character):04X}" for character in missing[:8])
        note(f"no font has {names}: replaced")
    written = "".join(_replacement(character, fonts) if character in missing else character for character in text)
    by_font = groupby(_with_fonts(written, fonts), key=itemgetter(0))
    return tuple(_Run(font, "".join(character for _, character in run)) for font, run in by_font)


def _with_fonts(text: str, fonts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each character after its font. A blank goes with what is before it: a run may be read from its other end."""
    font = _BUILT_IN
    for character in text:
        if not character.isspace():
            font = _chosen(character, fonts) or _BUILT_IN
        yield font, character


def _chosen(character: str, fonts: tuple[str, ...]) -> str | None:
    return next((font for font in fonts if _has(font, character)), None)


def _replacement(character: str, fonts: tuple[str, ...]) -> str:
    """The letter under an accent, or what stands for a character that is not there."""
    marks = (unicodedata.normalize("NFKD", character)[0], "\N{REPLACEMENT CHARACTER}", "\N{WHITE SQUARE}")
    return next((mark for mark in marks if _chosen(mark, fonts) is not None), "?")


@lru_cache(maxsize=4096)
def _has(name: str, character: str) -> bool:
    """Whether a font has a character: its shape is not the one that stands for all that are missing."""
    font = _font(name, _PROBE)
    if font is None:
        return False
    shape, missing = font.getmask(character), font.getmask(_NO_CHARACTER)
    return character.isspace() or (shape.size, bytes(shape)) != (missing.size, bytes(missing))


def _known(name: str, size: int) -> "ImageFont.FreeTypeFont":
    font = _font(name, size)
    assert font is not None  # it had a character
    return font


@lru_cache(maxsize=64)
def _font(name: str, size: int) -> "ImageFont.FreeTypeFont | None":
    """A font of this machine, or None: it is none, or there is none of that name."""
    from PIL import ImageFont

    if name == _BUILT_IN:
        built_in = ImageFont.load_default(size)
        if not isinstance(built_in, ImageFont.FreeTypeFont):
            raise LayoutError("TextString", "...", "needs a Pillow that was built with FreeType", rule=_RULE)
        return built_in
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None
