"""The redaction of a recording before publication, which hides patient data and everything that may be patient data.

The fields of association PDUs are kept, with the AE titles but without the user's name, and so are elements that have
only terms, numbers or registered UIDs. Dates, times, names, identifiers, free text, pixels and other binary data are
hidden, and so are group 0010, private elements, and all bytes that cannot be read as elements.
"""

import re

from ..data import tag_of
from ..uids import name_of
from ..ul import PDataTF
from .conversation import Turn
from .elements import Field
from .pdu import FRAGMENT
from .record import Step

__all__ = ["redacted"]

_HARMLESS_VRS = frozenset(("AT", "CS", "DS", "FD", "FL", "IS", "SL", "SQ", "SS", "UL", "US"))
_HARMLESS = frozenset(map(tag_of, ("ImageDisplayFormat", "CommandGroupLength")))
_PATIENT, _DELIMITERS = 0x0010, 0xFFFE
# Fields whose bytes may be anything
_FREE = frozenset((FRAGMENT, "Primary-field", "Rest", "Value", "Item", "PDU-header", "Unrecognized PDU"))
_MAX_KEPT = 64  # bytes of an element that is kept; a longer one with terms or numbers may be a table of pixels
_RULE = re.compile(r"\[[^\]]*\]\s*$")
_HIDDEN = "hidden"


def redacted(step: Step) -> Step:
    """Return ``step`` without bytes, values, pictures and words that may be patient data."""
    fields = tuple(map(_redacted_field, step.fields))
    turns = tuple(turn._replace(summary=_summary(turn), lines=(), completed=()) for turn in step.turns)
    view_events = tuple(
        one._replace(image=b"", words=_HIDDEN if one.is_fault else one.words) for one in step.view_events
    )
    words = step.words if step.messages else " ".join(map(_summary, step.turns))
    return step._replace(fields=fields, turns=turns, words=words, view_events=view_events)


def _summary(turn: Turn) -> str:
    """Return the summary of a PDU without its errors, which may quote a value."""
    return "" if turn.pdu is None or isinstance(turn.pdu, PDataTF) else turn.summary.partition(" ! ")[0]


def _redacted_field(field: Field) -> Field:
    if field.category in ("pdu", "item") and field.name not in _FREE:
        return field
    rule = _RULE.search(field.error)
    error = f"breaks a rule {rule[0]}" if rule else "breaks a rule" if field.error else ""
    if _is_harmless(field):
        return field._replace(error=error)
    return field._replace(secret=True, value=_HIDDEN, error=error, pixels=None)


def _is_harmless(field: Field) -> bool:
    if field.tag is None:
        return field.name not in _FREE
    group = field.tag >> 16
    if group == _DELIMITERS:
        return field.length <= 8  # only a header: a longer field also has the bytes of a fragment
    if field.tag in _HARMLESS:
        return True
    if group == _PATIENT or group & 1 or field.length > _MAX_KEPT:
        return False
    if field.vr == "UI":
        return bool(name_of(field.value.partition(" ")[0]))
    return field.vr in _HARMLESS_VRS
