"""Annotations: one line of Unicode text in its box, PS3.3 C.13.7. Needs Pillow, the extra ``film``.

If one font has the whole text (`fonts`) and Pillow has raqm, Pillow shapes and orders the text. Otherwise `bidi` orders
the pieces, and without raqm `arabic_reshaper` joins Arabic letters. A text that is too long is drawn smaller. If it is
still too long at a height of 1.5 mm, it is cut and ends with an ellipsis. Notes name all losses.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from .bidi import base_level, levels, mirror_brackets, visual_order
from .canvas import Canvas, blend
from .errors import LayoutError
from .fonts import Run, assign, can_draw_text, font_of, has_character, has_raqm
from .formats import MM_PER_INCH
from .letters import needs_glyph, split_clusters, to_printable
from .tone import Note

__all__ = ["Line", "Piece", "fit", "losses", "order", "write"]

_MIN_HEIGHT_MM = 1.5  # the smallest height of text, in mm: smaller text cannot be read without a magnifier
_LINE = 0.8  # font size, as a share of the height of the box


class Piece(NamedTuple):
    """Text in one font, as Pillow draws it.

    If ``direction`` is empty, raqm finds it; without raqm, the text runs from left to right.
    """

    font: str
    text: str
    direction: str = ""


class Line(NamedTuple):
    """The font size in pixels, and the pieces from left to right."""

    size: int
    pieces: tuple[Piece, ...]


def losses(text: str, box: tuple[int, int], dpi: int, fonts: tuple[str, ...]) -> tuple[str, ...]:
    """Return a note for each way in which a box of (height, width) pixels shows less than the whole text."""
    notes: list[str] = []
    fit(to_printable(text, notes.append), fonts, box, _min_height(dpi), notes.append)
    return tuple(notes)


def write(area: Canvas, text: str, level: float, dpi: int, fonts: tuple[str, ...], note: Note) -> None:
    """Draw a text in ``area``, at a level of 0 to 1. Raises LayoutError if Pillow or its FreeType is missing."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as exc:
        raise LayoutError(
            "TextString", "...", "needs Pillow: pip install 'dimse-print[film]'", rule="PS3.3 C.13.7"
        ) from exc
    if not can_draw_text():
        raise LayoutError("TextString", "...", "needs a Pillow that was built with FreeType", rule="PS3.3 C.13.7")
    height, width = area.shape[:2]
    text = to_printable(text, note)
    size, pieces = fit(text, fonts, (height, width), _min_height(dpi), note)
    if not pieces:
        return
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    ascent, descent = font_of(pieces[0].font, size).getmetrics()
    x, baseline = 0.0, (height + ascent - descent) / 2
    if base_level(text):
        x = width - _width(pieces, size)
    for piece in pieces:
        font = font_of(piece.font, size)
        draw.text((x, baseline), piece.text, fill=255, font=font, anchor="ls", direction=piece.direction or None)
        x += _advance(piece, size)
    blend(area, np.asarray(mask), level)


def _min_height(dpi: int) -> int:
    return round(_MIN_HEIGHT_MM / MM_PER_INCH * dpi)


def fit(text: str, fonts: tuple[str, ...], box: tuple[int, int], smallest: int, note: Note) -> Line:
    """Return the line of a text at the size that fits a box of (height, width) pixels, cut if necessary.

    ``smallest`` is the least font size in pixels, if the box is high enough for it. The line has no pieces if not even
    its first letter fits.
    """
    runs = assign(text, fonts, note)
    if not has_raqm():
        _note_unshaped(text, note)
    pieces = order(runs)
    size = max(int(box[0] * _LINE), 1)
    width = _width(pieces, size)
    if width <= box[1]:
        return Line(size, pieces)
    smallest = max(min(smallest, size), 1)
    size = max(int(size * box[1] / width), smallest)
    while size > smallest and _width(pieces, size) > box[1]:  # hinted widths are not proportional to the size
        size -= 1
    clusters = split_clusters(text)
    remaining = len(clusters)
    while remaining and _width(pieces, size) > box[1]:
        remaining = min(remaining - 1, int(remaining * box[1] / _width(pieces, size)) + 1)
        pieces = order(assign("".join(clusters[:remaining]).rstrip() + "\N{HORIZONTAL ELLIPSIS}", fonts, None))
    if remaining < len(clusters):  # the note counts what a reader counts: a letter with its marks is one character
        note(f"its text is too long: cut after {remaining} of {len(clusters)} characters")
    return Line(size, pieces if remaining else ())


def _note_unshaped(text: str, note: Note) -> None:
    """Note the characters that are drawn without shaping: marks, and Arabic letters that stay unjoined."""
    characters = [character for character in text if needs_glyph(character)]
    if any(unicodedata.category(character).startswith("M") for character in characters):
        note("its letters are not shaped with their marks: this needs a Pillow with raqm, and FriBiDi")
    if _reshaper() is None and any(unicodedata.bidirectional(character) == "AL" for character in characters):
        note("its Arabic letters are not joined: this needs arabic-reshaper (pip install 'dimse-print[film]')")


def order(runs: tuple[Run, ...]) -> tuple[Piece, ...]:
    """Return runs as pieces from left to right, each in one direction.

    With raqm, a single run is one piece, and raqm finds the directions in it.
    """
    is_shaped = bool(runs) and has_raqm()
    if is_shaped and len(runs) == 1:
        return (Piece(*runs[0]),)
    character_levels = iter(levels("".join(run.text for run in runs)))
    pieces, piece_levels = list[Piece](), list[int]()
    for font, text in runs:
        for level, group in groupby([(next(character_levels), character) for character in text], key=itemgetter(0)):
            part = "".join(character for _, character in group)
            if is_shaped:
                pieces.append(Piece(font, part, "rtl" if level % 2 else "ltr"))
            else:
                pieces.append(Piece(font, _to_drawn_text(font, part, from_the_right=bool(level % 2))))
            piece_levels.append(level)
    return tuple(visual_order(pieces, piece_levels))


def _to_drawn_text(font: str, text: str, *, from_the_right: bool) -> str:
    """Return a text to draw letter by letter from the left.

    Arabic letters are joined, joiners are removed, and a text from right to left is reversed.
    """
    text = _join_arabic(font, text)
    clusters = [
        "".join(character for character in cluster if needs_glyph(character)) for cluster in split_clusters(text)
    ]
    return mirror_brackets("".join(reversed(clusters))) if from_the_right else "".join(clusters)


def _join_arabic(font: str, text: str) -> str:
    """Return Arabic letters in the forms that join their neighbors; forms that the font lacks are not used."""
    reshape = _reshaper()
    if reshape is None:
        return text
    return "".join(form if has_character(font, form) else unicodedata.normalize("NFKC", form) for form in reshape(text))


def _reshaper() -> Callable[[str], str] | None:
    """Return the function that joins Arabic letters; None if it is not installed."""
    try:
        from arabic_reshaper import ArabicReshaper
    except ImportError:
        return None
    return _reshape_by(ArabicReshaper)


@cache  # a new reshaper takes 1 ms, because it reads its configuration; reshaping a name takes 0.05 ms
def _reshape_by(reshaper: Callable[[dict[str, bool]], Any]) -> Callable[[str], str]:
    reshape: Callable[[str], str] = reshaper({"delete_harakat": False}).reshape
    return reshape


def _width(pieces: tuple[Piece, ...], size: int) -> float:
    return sum(_advance(piece, size) for piece in pieces)


def _advance(piece: Piece, size: int) -> float:
    return font_of(piece.font, size).getlength(piece.text, direction=piece.direction or None)
