"""The fields of the PDUs and their items in the standard's words, as data: PS3.8 §9.3 and Annex D.1, PS3.7 Annex D.3.3.

A `Layout` is a table of the standard: the fields in their order, each with its size and a function that returns the
meaning of its bytes in words. `dimse.explain.pdu` applies the layouts to bytes. The codec in `dimse.ul` has faster
layouts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ..errors import ABORT_REASONS, ABORT_SOURCES, REJECT_REASONS, REJECT_RESULTS, REJECT_SOURCES, escaped
from ..uids import name_of
from ..ul.items import ContextResult
from ..ul.wire import ascii_text

__all__ = [
    "COUNTED",
    "FRAGMENT",
    "MISPLACED_IDENTITY",
    "PDUS",
    "PDV_FIELDS",
    "P_DATA",
    "REST",
    "SECRET_IDENTITY",
    "UNKNOWN",
    "UNRECOGNIZED",
    "USER_IDENTITY",
    "USER_IDENTITY_ANSWER",
    "Row",
    "Layout",
]

_Show = Callable[[bytes, bytes], str]  # takes the bytes of a field, and the bytes of the previous field
REST, COUNTED = -1, -2  # sizes: all remaining bytes; as many bytes as the previous field states
P_DATA, USER_IDENTITY, USER_IDENTITY_ANSWER = 0x04, 0x58, 0x59  # a PDU-type, and two types of sub-items
FRAGMENT = "Presentation-data-value"  # the field with a piece of a Command Set or Data Set


# --- the meaning of the bytes of a field ---


def _nothing(_raw: bytes, _previous: bytes) -> str:
    return ""


def _number(raw: bytes, _previous: bytes) -> str:
    return str(int.from_bytes(raw, "big"))


def _text(raw: bytes, _previous: bytes) -> str:
    return escaped(ascii_text(raw))


def _username(raw: bytes, _previous: bytes) -> str:
    return escaped(raw.decode("utf-8", "backslashreplace"))  # PS3.7 Table D.3-14


def _uid(raw: bytes, previous: bytes) -> str:
    uid = _text(raw, previous)
    name = name_of(uid)
    return f"{uid} ({name})" if name else uid


def _reserved(raw: bytes, _previous: bytes) -> str:
    return "not zero; not tested" if any(raw) else ""


def _limit(raw: bytes, previous: bytes) -> str:
    return _number(raw, previous) if any(raw) else "0 (no limit)"


def _version(raw: bytes, previous: bytes) -> str:
    return f"{_number(raw, previous)} ({'version 1' if raw[1] & 1 else 'not version 1'})"


def _result(raw: bytes, _previous: bytes) -> str:
    return f"{raw[0]} ({ContextResult.words(raw[0])})"


def _control(raw: bytes, _previous: bytes) -> str:
    return f"{raw[0]:02X}H ({_control_words(raw[0])} fragment)"


def _control_words(control: int) -> str:
    """Return a message control header in words, PS3.8 §E.2: bit 0 is command, bit 1 is last, others are ignored."""
    return ("last " if control & 2 else "") + ("command" if control & 1 else "data set")


def _fragment(raw: bytes, control: bytes) -> str:
    return f"{len(raw)} bytes of {'command' if control[0] & 1 else 'data set'}"


def _one_of(words: Mapping[int, str]) -> _Show:
    return lambda raw, _previous: f"{raw[0]} ({words.get(raw[0], 'reserved')})"


def _reject_reason(raw: bytes, source: bytes) -> str:
    return f"{raw[0]} ({REJECT_REASONS.get((source[0], raw[0]), 'reserved')})"


def _abort_reason(raw: bytes, source: bytes) -> str:
    if source[0] == 0:
        return f"{raw[0]} (not significant)"
    return f"{raw[0]} ({ABORT_REASONS.get(raw[0], 'reserved')})"


_FORMS: dict[_Show, re.Pattern[bytes]] = {_uid: re.compile(rb"[\d.]*[ \0]*"), _text: re.compile(rb"[ -~]*\0*")}

# --- the standard's tables ---


class Row(NamedTuple):
    """A row of a table: one field.

    ``secret`` says that its bytes are a credential; ``known`` is False for bytes that may be anything.
    """

    name: str
    size: int
    show: _Show = _nothing
    secret: bool = False
    each: "tuple[Row, ...]" = ()  # the fields of each element, if the field is a list
    known: bool = True

    @property
    def is_text(self) -> bool:
        """Whether the bytes should be ISO 646 text."""
        return self.show in (_text, _uid)

    def allows(self, raw: bytes) -> bool:
        """Return whether bytes have the form that this field requires."""
        form = _FORMS.get(self.show)
        return form is None or form.fullmatch(raw) is not None


@dataclass(frozen=True, slots=True)
class Layout:
    """A PDU, item or sub-item: its fields, then its items.

    ``secret``: its value holds a credential; if a length is wrong, the bytes after it are hidden, too.
    """

    name: str
    table: str
    fields: tuple[Row, ...] = ()
    items: "Mapping[int, Layout]" = field(default_factory=dict)
    second: str = "Reserved"  # the name of the byte after the type
    secret: bool = False


def _counted(name: str, show: _Show, *, secret: bool = False) -> tuple[Row, Row]:
    """Return a field, preceded by its 16-bit length."""
    return Row(f"{name}-length", 2, _number), Row(name, COUNTED, show, secret)


# fmt: off
UNRECOGNIZED = Layout("Unrecognized PDU", "PS3.8 §9.3.1")
UNKNOWN = Layout("Unknown Item (ignored)", "PS3.8 §9.3.1", (Row("Value", REST, known=False),))
MISPLACED_IDENTITY = Layout(UNKNOWN.name, UNKNOWN.table, (Row("Value", REST, secret=True),), secret=True)

_R = Row("Reserved", 1, _reserved)
_CONTEXT_ID = Row("Presentation-context-ID", 1, _number)
_SOP_CLASS = _counted("SOP-class-uid", _uid)
_ROLES = (_one_of({0: "non support", 1: "support"}), _one_of({0: "rejected", 1: "accepted"}))  # in request and answer
_IDENTITIES = {1: "username", 2: "username and passcode", 3: "Kerberos service ticket", 4: "SAML assertion", 5: "JWT"}

PDV_FIELDS = (_CONTEXT_ID, Row("Message Control Header", 1, _control), Row(FRAGMENT, REST, _fragment))
_ASSOCIATE = (
    Row("Protocol-version", 2, _version),    Row("Reserved", 2, _reserved),
    Row("Called-AE-title", 16, _text),       Row("Calling-AE-title", 16, _text),
    Row("Reserved", 32, _reserved),
)
_RELATED = Row("Related-general-sop-class-identification", COUNTED,
               each=_counted("Related-general-sop-class-uid", _uid))
_IDENTITY = (
    Row("User-Identity-Type", 1, _one_of(_IDENTITIES)),
    Row("Positive-response-requested", 1, _one_of({0: "no", 1: "yes"})),
)
_PASSCODE = _counted("Secondary-field", _nothing, secret=True)


def _user_items(answer: bool) -> dict[int, Layout]:
    """Return the sub-items of User Information. Some have two tables: one for the request, the next for the answer."""
    return {
        0x51: Layout("Maximum Length Sub-Item", f"PS3.8 Table D.1-{1 + answer}",
                     (Row("Maximum-length-received", 4, _limit),)),
        0x52: Layout("Implementation Class UID Sub-Item", f"PS3.7 Table D.3-{1 + answer}",
                     (Row("Implementation-class-uid", REST, _uid),)),
        0x53: Layout("Asynchronous Operations Window Sub-Item", f"PS3.7 Table D.3-{7 + answer}",
                     (Row("Maximum-number-operations-invoked", 2, _limit),
                      Row("Maximum-number-operations-performed", 2, _limit))),
        0x54: Layout("SCP/SCU Role Selection Sub-Item", f"PS3.7 Table D.3-{9 + answer}",
                     (Row("UID-length", 2, _number), _SOP_CLASS[1],
                      Row("SCU-role", 1, _ROLES[answer]), Row("SCP-role", 1, _ROLES[answer]))),
        0x55: Layout("Implementation Version Name Sub-Item", f"PS3.7 Table D.3-{3 + answer}",
                     (Row("Implementation-version-name", REST, _text),)),
        0x56: Layout("SOP Class Extended Negotiation Sub-Item", "PS3.7 Table D.3-11",
                     (*_SOP_CLASS, Row("Service-class-application-information", REST))),
        0x57: Layout("SOP Class Common Extended Negotiation Sub-Item", "PS3.7 Table D.3-12",
                     (*_SOP_CLASS, *_counted("Service-class-uid", _uid),
                      Row(f"{_RELATED.name}-length", 2, _number), _RELATED),
                     second="Sub-item-version"),
        0x58: Layout("User Identity Sub-Item", "PS3.7 Table D.3-14",
                     (*_IDENTITY, *_counted("Primary-field", _username), *_PASSCODE), secret=True),
        0x59: Layout("User Identity Sub-Item", "PS3.7 Table D.3-15",
                     _counted("Server-response", _nothing, secret=True), secret=True),
    }


SECRET_IDENTITY = Layout("User Identity Sub-Item", "PS3.7 Table D.3-14",
                         (*_IDENTITY, *_counted("Primary-field", _nothing, secret=True), *_PASSCODE), secret=True)
_APPLICATION_CONTEXT = Layout("Application Context Item", "PS3.8 Table 9-12",
                              (Row("Application-context-name", REST, _uid),))
_CONTEXT_RQ_ITEMS = {
    0x30: Layout("Abstract Syntax Sub-Item", "PS3.8 Table 9-14", (Row("Abstract-syntax-name", REST, _uid),)),
    0x40: Layout("Transfer Syntax Sub-Item", "PS3.8 Table 9-15", (Row("Transfer-syntax-name", REST, _uid),)),
}
_CONTEXT_AC_ITEMS = {
    0x40: Layout("Transfer Syntax Sub-Item", "PS3.8 Table 9-19", (Row("Transfer-syntax-name", REST, _uid),)),
}
_RQ_ITEMS = {
    0x10: _APPLICATION_CONTEXT,
    0x20: Layout("Presentation Context Item", "PS3.8 Table 9-13", (_CONTEXT_ID, _R, _R, _R), _CONTEXT_RQ_ITEMS),
    0x50: Layout("User Information Item", "PS3.8 Table 9-16", (), _user_items(answer=False)),
}
_AC_ITEMS = {
    0x10: _APPLICATION_CONTEXT,
    0x21: Layout("Presentation Context Item", "PS3.8 Table 9-18",
                 (_CONTEXT_ID, _R, Row("Result/Reason", 1, _result), _R), _CONTEXT_AC_ITEMS),
    0x50: Layout("User Information Item", "PS3.8 Table 9-20", (), _user_items(answer=True)),
}
_RELEASE = (Row("Reserved", 4, _reserved),)
PDUS = {
    0x01: Layout("A-ASSOCIATE-RQ PDU", "PS3.8 Table 9-11", _ASSOCIATE, _RQ_ITEMS),
    0x02: Layout("A-ASSOCIATE-AC PDU", "PS3.8 Table 9-17", _ASSOCIATE, _AC_ITEMS),
    0x03: Layout("A-ASSOCIATE-RJ PDU", "PS3.8 Table 9-21",
                 (_R, Row("Result", 1, _one_of(REJECT_RESULTS)), Row("Source", 1, _one_of(REJECT_SOURCES)),
                  Row("Reason/Diag.", 1, _reject_reason))),
    0x04: Layout("P-DATA-TF PDU", "PS3.8 Table 9-22"),
    0x05: Layout("A-RELEASE-RQ PDU", "PS3.8 Table 9-24", _RELEASE),
    0x06: Layout("A-RELEASE-RP PDU", "PS3.8 Table 9-25", _RELEASE),
    0x07: Layout("A-ABORT PDU", "PS3.8 Table 9-26",
                 (_R, _R, Row("Source", 1, _one_of(ABORT_SOURCES)), Row("Reason/Diag", 1, _abort_reason))),
}
# fmt: on
