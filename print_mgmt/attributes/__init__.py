"""The attributes of Print Management (PS3.4 Annex H.4, PS3.3 C.13).

`tables` has a row for each attribute of each SOP Class, `values` describes the values that an attribute may have, and
`checks` compares Data Sets with the tables.
"""

from .checks import Checked, Chosen, Refusal, check, choose, pick, refuse, value_of
from .tables import FILM_BOX, FILM_SESSION, IMAGE_BOX, Attribute, Table, row_of
from .values import Values, is_like_uid, shown

__all__ = [
    "FILM_BOX",
    "FILM_SESSION",
    "IMAGE_BOX",
    "Attribute",
    "Checked",
    "Chosen",
    "Refusal",
    "Table",
    "Values",
    "check",
    "choose",
    "is_like_uid",
    "row_of",
    "pick",
    "refuse",
    "shown",
    "value_of",
]
