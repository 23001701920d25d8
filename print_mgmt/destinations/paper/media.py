"""Chooses the paper for a film by the film's size; media have the names of IPP (PWG 5101.1)."""

import re
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from ...film import film_size
from ...film.formats import MM_PER_INCH
from ..destination import DeliveryFailed, Outcome

__all__ = ["Paper", "paper_for", "size_of"]

# The registered medium of a Film Size ID (PS3.3 C.13.3); other films have custom sizes
_REGISTERED = {
    "8INX10IN": "na_govt-letter_8x10in",
    "8_5INX11IN": "na_letter_8.5x11in",
    "10INX14IN": "jis_b4_257x364mm",
    "11INX14IN": "na_edp_11x14in",
    "11INX17IN": "na_ledger_11x17in",
    "A4": "iso_a4_210x297mm",
    "A3": "iso_a3_297x420mm",
}
_SIZE = re.compile(r".+_(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(mm|in)", re.ASCII)
# Names of media that are not sheets: the limits of custom sizes, and rolls
_NO_SHEETS = ("custom_min_", "custom_max_", "roll_")
_TOLERANCE = 1.0  # mm; sizes are rounded, so na_letter and a medium of 216 by 279 mm are the same paper


class Paper(NamedTuple):
    """A medium, by its name in IPP. ``true_size``: the whole film fits on it without scaling."""

    name: str
    true_size: bool


def size_of(name: str) -> tuple[float, float] | None:
    """Return the shorter and the longer side in mm of a medium with a self-describing name, or None for other names."""
    found = _SIZE.fullmatch(name)
    if found is None:
        return None
    unit = MM_PER_INCH if found[3] == "in" else 1.0
    sides = sorted(float(side) * unit for side in (found[1], found[2]))
    return sides[0], sides[1]


def paper_for(FilmSizeID: str, supported: Sequence[str], *, fit: bool) -> Paper:
    """Return the paper for a film: paper of its size, or else the smallest larger paper.

    With ``fit``, return the largest paper if all paper is smaller than the film.

    ``supported`` are the media of the printer, the loaded ones first; it is empty if the media are not known. Raises
    `LayoutError` for an unknown film size, and `DeliveryFailed` if no paper is large enough.
    """
    width, height = film_size(FilmSizeID, "PORTRAIT")
    if not supported:
        return Paper(_REGISTERED.get(FilmSizeID) or f"custom_film_{width:g}x{height:g}mm", true_size=True)
    sizes = {name: size for name in supported if (size := size_of(name)) and not name.startswith(_NO_SHEETS)}
    larger = [name for name, size in sizes.items() if size[0] > width - _TOLERANCE and size[1] > height - _TOLERANCE]
    exact = [name for name in larger if sizes[name][0] < width + _TOLERANCE and sizes[name][1] < height + _TOLERANCE]
    if larger:
        return Paper(exact[0] if exact else min(larger, key=lambda name: prod(sizes[name])), true_size=True)
    if fit and sizes:
        return Paper(max(sizes, key=lambda name: prod(sizes[name])), true_size=False)
    reason = f"no paper of the printer is as large as a film of {FilmSizeID}"
    raise DeliveryFailed(Outcome.NEVER, reason, info="REQ MED NOT AVAI")
