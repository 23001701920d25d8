"""The attributes of Print Management: PS3.4 Annex H.4, PS3.3 C.13.

`tables` has a row for each attribute of each SOP Class, `values` what an attribute may be, `checking` what becomes of
a Data Set that came, `choosing` how a Data Set is made of what an SCU chose.
"""

from .checking import Checked, Refusal, check, refuse
from .choosing import Chosen, choose, pick
from .tables import FILM_BOX, FILM_SESSION, IMAGE_BOX, Attribute, Table, named
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
    "named",
    "pick",
    "refuse",
    "shown",
]
