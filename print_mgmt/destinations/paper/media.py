"""Chooses the paper for a film by the film's size; media have the names of IPP (PWG 5101.1)."""

import re
from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from ...film import film_size
from ...film.formats import MM_PER_INCH
from ..destination import DeliveryFailed, Outcome

__all__ = ["Paper", "paper_for", "size_of", "sizes_of"]

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
# Sheets by the names without a size that older printers use (RFC 2911 Appendix C, and the legacy names of PWG 5101.1)
_LEGACY = {
    "iso-a0": "iso_a0_841x1189mm",
    "iso-a1": "iso_a1_594x841mm",
    "iso-a2": "iso_a2_420x594mm",
    "iso-a3": "iso_a3_297x420mm",
    "iso-a4": "iso_a4_210x297mm",
    "iso-a5": "iso_a5_148x210mm",
    "iso-b3": "iso_b3_353x500mm",
    "iso-b4": "iso_b4_250x353mm",
    "iso-b5": "iso_b5_176x250mm",
    "jis-b3": "jis_b3_364x515mm",
    "jis-b4": "jis_b4_257x364mm",
    "jis-b5": "jis_b5_182x257mm",
    "na-8x10": "na_govt-letter_8x10in",
    "na-letter": "na_letter_8.5x11in",
    "na-legal": "na_legal_8.5x14in",
    "executive": "na_executive_7.25x10.5in",
    "invoice": "na_invoice_5.5x8.5in",
    "quarto": "na_quarto_8.5x10.83in",
    "folio": "om_folio_210x330mm",
    "ledger": "na_ledger_11x17in",
    "tabloid": "na_ledger_11x17in",
    "super-b": "na_super-b_13x19in",
    "arch-a": "na_arch-a_9x12in",
    "arch-b": "na_arch-b_12x18in",
    "arch-c": "na_arch-c_18x24in",
    "arch-d": "na_arch-d_24x36in",
    "arch-e": "na_arch-e_36x48in",
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
    """Return the shorter and the longer side in mm of a medium, or None if its name does not tell them.

    The name is self-describing, or one of the older names such as ``iso-a4`` and ``iso-a4-white``.
    """
    found = _SIZE.fullmatch(_LEGACY.get(name.removesuffix("-white"), name))
    if found is None:
        return None
    unit = MM_PER_INCH if found[3] == "in" else 1.0
    sides = sorted(float(side) * unit for side in (found[1], found[2]))
    return sides[0], sides[1]


def sizes_of(supported: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return the sides of the sheets among the media of a printer; sheets of an unknown size are left out."""
    return {name: size for name in supported if (size := size_of(name)) and not name.startswith(_NO_SHEETS)}


def paper_for(FilmSizeID: str, supported: Sequence[str], *, fit: bool) -> Paper:
    """Return the paper for a film: paper of its size, or else the smallest larger paper.

    With ``fit``, return the largest paper if all paper is smaller than the film.

    ``supported`` are the media of the printer, the loaded ones first. If none of them is a sheet of a known size, the
    film chooses its paper. Raises `LayoutError` for an unknown film size, and `DeliveryFailed` if no paper is large
    enough.
    """
    width, height = film_size(FilmSizeID, "PORTRAIT")
    sizes = sizes_of(supported)
    if not sizes:
        return Paper(_REGISTERED.get(FilmSizeID) or f"custom_film_{width:g}x{height:g}mm", true_size=True)
    larger = [name for name, size in sizes.items() if size[0] > width - _TOLERANCE and size[1] > height - _TOLERANCE]
    exact = [name for name in larger if sizes[name][0] < width + _TOLERANCE and sizes[name][1] < height + _TOLERANCE]
    if larger:
        return Paper(exact[0] if exact else min(larger, key=lambda name: prod(sizes[name])), true_size=True)
    if fit:
        return Paper(max(sizes, key=lambda name: prod(sizes[name])), true_size=False)
    reason = f"no paper of the printer is as large as a film of {FilmSizeID}"
    raise DeliveryFailed(Outcome.NEVER, reason, info="REQ MED NOT AVAI")
