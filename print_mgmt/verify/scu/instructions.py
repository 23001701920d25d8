"""The instructions for a person at a modality, derived from the plain scenario."""

from dimse.message import NCreateRQ
from dimse.uids import BasicFilmBox
from dimse.verify.scu import Visit

from .sessions import data_set_of, image_sets

__all__ = ["instruction_for"]


def instruction_for(plain: Visit | None) -> str:
    """Return the instruction to print the plain scenario, or, after it was printed, to print the same again."""
    if plain is None:
        return "print two images on one film, as you usually do"
    films = [
        data_set_of(each)
        for each in plain.exchanges
        if isinstance(each.request, NCreateRQ) and each.request.AffectedSOPClassUID == BasicFilmBox
    ]
    if not films:
        return f"as before: {', '.join(plain.operations)}"
    count = len(image_sets(plain))
    size = str(films[0].get("FilmSizeID") or "").replace("INX", "x").removesuffix("IN")
    layout = str(films[0].get("ImageDisplayFormat") or "").removeprefix("STANDARD\\").replace(",", "x")
    words = [f"print {count} image{'s' * (count != 1)}", size, layout]
    words += [f"on {len(films)} films"] if len(films) > 1 else []
    return ", ".join(filter(None, words))
