"""The redaction of a recording before publication, which hides patient data and everything that may be patient data.

The fields of association PDUs are kept, with the AE titles but without the user's name, and so are elements that have
only terms, numbers or registered UIDs. Dates, times, names, identifiers, free text, pixels and other binary data are
hidden, and so are group 0010, private and unknown elements, and all bytes that cannot be read as elements or as fields
of an item. A faulty client may send a name as a term or a number. So an element is also hidden if the dictionary has
another VR for it, or if its VR does not allow its value.
"""

import re

from ..data import tag_of
from ..data.dictionary import lookup
from ..uids import name_of
from ..ul import PDataTF
from .conversation import Turn
from .elements import Field
from .pdu import FRAGMENT
from .record import Step

__all__ = ["redacted"]

# For each harmless VR: the number of bytes of a value, 0 if backslashes separate the values; and the form of a value
_NOTHING = re.compile(rb"(?!)")
_FORMS = {
    "CS": (0, re.compile(rb"[A-Z\d _]{0,16}")),
    "DS": (0, re.compile(rb" *([+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d+)? *)?")),
    "IS": (0, re.compile(rb" *([+-]?\d+ *)?")),
    "UI": (0, _NOTHING),  # except registered UIDs
    "SQ": (1, _NOTHING),  # the items are fields of their own
    **dict.fromkeys(("SS", "US"), (2, re.compile(rb"..", re.DOTALL))),
    **dict.fromkeys(("AT", "FL", "SL", "UL"), (4, re.compile(rb".{4}", re.DOTALL))),
    "FD": (8, re.compile(rb".{8}", re.DOTALL)),
}
_DISPLAY_FORMAT = tag_of("ImageDisplayFormat")  # of VR ST, but not free text
_DISPLAY_FORMATS = re.compile(rb"((STANDARD|ROW|COL|CUSTOM)\\\d+(,\d+)*|SLIDE|SUPERSLIDE) *")
_PATIENT, _DELIMITERS = 0x0010, 0xFFFE
# Fields whose bytes may be anything
_FREE = frozenset((FRAGMENT, "Primary-field", "Rest", "Value", "Item", "PDU-header", "Unrecognized PDU"))
_MAX_KEPT = 64  # bytes of an element that is kept, because a longer list of numbers or terms may be an image
_RULE = re.compile(r"\[PS3\.\d+[^\]]*\]\s*$")
_HIDDEN = "hidden"


def redacted(step: Step) -> Step:
    """Return ``step`` without bytes, values, pictures and words that may be patient data."""
    fields = tuple(map(_redacted_field, step.fields))
    turns = tuple(turn._replace(summary=_summary(turn), lines=(), completed=()) for turn in step.turns)
    view_events = tuple(
        one._replace(image=b"", words=_HIDDEN if one.is_fault else one.words) for one in step.view_events
    )
    words = step.words if step.messages else " ".join(filter(None, map(_summary, step.turns)))
    return step._replace(fields=fields, turns=turns, words=words, view_events=view_events)


def _summary(turn: Turn) -> str:
    """Return the summary of a PDU without its errors, which may quote a value."""
    if turn.pdu is None or isinstance(turn.pdu, PDataTF):
        return ""
    return f" {turn.summary}".partition(" ! ")[0][1:]  # a PDU without a summary of its own has only errors


def _redacted_field(field: Field) -> Field:
    if field.category in ("pdu", "item") and field.known and field.name not in _FREE:
        return field
    rule = _RULE.search(field.error)
    error = f"breaks a rule {rule[0]}" if rule else "breaks a rule" if field.error else ""
    if _is_harmless(field):
        return field._replace(error=error)
    return field._replace(secret=True, value=_HIDDEN, error=error, pixels=None)


def _is_harmless(field: Field) -> bool:
    if field.tag is None:
        return field.known and field.name not in _FREE
    group = field.tag >> 16
    if group == _DELIMITERS:
        return field.length <= 8  # only a header: a longer field also has the bytes of a fragment
    value = bytes(field.data[field.value_start :])
    if field.tag == _DISPLAY_FORMAT:
        return _DISPLAY_FORMATS.fullmatch(value) is not None
    entry = lookup(field.tag)
    if group == _PATIENT or group & 1 or field.length > _MAX_KEPT or entry is None:
        return False
    return field.vr in entry.vr.split(" or ") and _is_well_formed(value, field.vr, entry.vm)


def _is_well_formed(value: bytes, vr: str, vm: str) -> bool:
    """Return whether a value consists of terms, numbers or registered UIDs, and of no more than its VM allows."""
    if not value:
        return vr in _FORMS
    size, form = _FORMS.get(vr, (1, _NOTHING))
    parts = [value[at : at + size] for at in range(0, len(value), size)] if size else value.split(b"\\")
    most = vm.rpartition("-")[2]
    if not most.endswith("n") and len(parts) > int(most):
        return False
    if vr == "UI":
        return all(name_of(part.decode("latin-1").rstrip("\0")) for part in parts)
    return all(form.fullmatch(part) for part in parts)
