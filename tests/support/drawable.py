"""The letters of a text that the fonts of this machine lack."""

from print_mgmt.film.fonts import assign

__all__ = ["undrawn"]


def undrawn(text: str) -> list[str]:
    """Return the note that the printer makes of letters without a font; no note if the fonts have all letters."""
    notes: list[str] = []
    assign(text, (), notes.append)
    return notes
