"""What an SCU chose, by keyword, to the level of the hierarchy where it belongs: PS3.4 H.4.1 to H.4.3."""

from collections.abc import Mapping
from dataclasses import dataclass

from dimse.data import Dataset, Value, tag_of
from dimse.errors import EncodeError

from .tables import FILM_BOX, FILM_SESSION, IMAGE_BOX, Table, named

__all__ = ["Chosen", "choose", "pick"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The attributes that an SCU chose, for the three levels of the hierarchy."""

    film_session: Dataset
    film_box: Dataset
    image_box: Dataset


def choose(attributes: Mapping[str, Value]) -> Chosen:
    """Each attribute to where it belongs; one of both film and image box goes to the film box.

    Raises `EncodeError` as `pick` does.
    """
    sorted_out: dict[str, dict[str, Value]] = {"film_session": {}, "film_box": {}, "image_box": {}}
    for keyword, value in attributes.items():
        level = next((level for level, table in _LEVELS.items() if named(table, keyword)), "film_box")
        sorted_out[level][keyword] = value
    return Chosen(**{level: pick(_LEVELS[level], chosen) for level, chosen in sorted_out.items()})


def pick(table: Table, attributes: Mapping[str, Value]) -> Dataset:
    """The attributes that an SCU chose for one level of the hierarchy, as a Data Set.

    Values are not held against the table: which of them a printer takes is for the printer to say.
    Raises `EncodeError` for a keyword that does not exist, for one that does not belong there, and
    for a value that its VR cannot hold.
    """
    picked = Dataset()
    for keyword, value in attributes.items():
        tag_of(keyword)  # first of all it has to exist
        if keyword in _MADE_BY_THE_CLIENT:
            raise EncodeError("set by the client itself (PS3.4 H.4)", path=keyword)
        if named(table, keyword) is None:
            raise EncodeError("no attribute that an SCU sets there (PS3.4 H.4)", path=keyword)
        picked[keyword] = value
    return picked


_MADE_BY_THE_CLIENT = ("ReferencedFilmSessionSequence", "ImageBoxPosition")

_LEVELS: dict[str, Table] = {"film_session": FILM_SESSION, "film_box": FILM_BOX, "image_box": IMAGE_BOX}
