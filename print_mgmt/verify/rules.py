"""The invariants of print: events are well formed; none replaces a response; messages name the charset of text."""

from collections.abc import Iterator
from itertools import islice

from dimse.data import Dataset, decode, syntax_of
from dimse.data.charset import charset_of, term_faults, text_faults
from dimse.errors import DimseError
from dimse.uids import Printer, PrinterInstance, PrintJob, name_or_uid
from dimse.verify.case import Note
from dimse.verify.observation import Broken, Deviated, Kept

from ..sop import MEMBERS
from .conversation import items_of
from .film import JOB_REFERENCE
from .listener import HeardMessage, MessageListener

__all__ = ["EventRules", "TextRules"]

_JOBS, _OVERTAKEN, _PRINTERS, _TEXTS = "PRN-E-2.02", "PRN-E-2.06", "PRN-E-2.08", "CHS-1.06"
_EVENT_RQ, _EVENT_RSP, _ACTION_RSP, _RESPONSE = 0x0100, 0x8100, 0x8130, 0x8000
_CLASS, _ID, _RESPONDED, _INSTANCE, _EVENT_TYPE = 0x0002, 0x0110, 0x0120, 0x1000, 0x1002
_JOB_EVENTS, _PRINTER_EVENTS, _PROBLEM_EVENTS = range(1, 5), range(1, 4), (2, 3)
_JOB_INFO, _PRINTER_INFO = "ExecutionStatusInfo", "PrinterStatusInfo"


class EventRules(MessageListener):
    """Events have the right form (PS3.4 H.4.5.2.1, H.4.6.2.1), and none comes instead of a response (PS3.7 §10.1)."""

    def __init__(self, note: Note) -> None:
        super().__init__(note)
        self._named: set[str] = set()  # jobs that the answers to N-ACTION on this association have named
        self._unnamed: set[str] = set()  # jobs that an event named first; an answer may still name them
        self._open: dict[int, bool] = {}  # Message IDs without a response; True if an event was confirmed meanwhile
        self._overtaken: set[int] = set()  # those marked True in `_open` that a later request's response overtook

    def asked(self, message: HeardMessage) -> None:
        """Handle a request, or the confirmation of an event."""
        if message.kind == _EVENT_RSP:
            self._open = dict.fromkeys(self._open, True)
        elif message.kind is not None and not message.kind & _RESPONSE and message.number(_ID) is not None:
            self._open[message.number(_ID) or 0] = False

    def heard(self, message: HeardMessage) -> None:
        """Handle an event, or a response."""
        if message.kind == _EVENT_RQ:
            self._event(message)
        elif message.kind is not None and message.kind & _RESPONSE:
            self._answered(message)

    def _answered(self, message: HeardMessage) -> None:
        number = message.number(_RESPONDED) or 0
        if self._open.pop(number, False):
            self.note(_OVERTAKEN, Kept("requests were answered, although events came"))
        self._overtaken.discard(number)
        self._overtaken |= {asked for asked, is_confirmed in self._open.items() if is_confirmed and asked < number}
        if message.kind == _ACTION_RSP:
            items = items_of(self._data(message), JOB_REFERENCE)
            self._named |= {str(item.get("ReferencedSOPInstanceUID")) for item in items}

    def ended(self) -> None:
        """Judge the overtaken requests that got no response, and the jobs that only events have named."""
        for number in self._overtaken & self._open.keys():
            fault = f"no response to the request with Message ID {number}, only an event; a later request was answered"
            self.note(_OVERTAKEN, Broken(fault))
        self._overtaken.clear()
        for uid in self._unnamed - self._named if self._named else ():  # PRN-L-1.09 judges answers that name no job
            self.note(_JOBS, Broken(f"an event of the job {uid}, which no N-ACTION-RSP of this association names"))
        self._unnamed.clear()

    def _event(self, message: HeardMessage) -> None:
        sop_class = message.uid(_CLASS)
        if sop_class == PrintJob:
            self._note_all(_JOBS, list(self._job_faults(message)), "events of jobs")
        elif sop_class == Printer:
            self._note_all(_PRINTERS, list(self._printer_faults(message)), "events of the printer")

    def _note_all(self, rule: str, faults: list[Broken | Deviated], what: str) -> None:
        for fault in faults or (Kept(what),):
            self.note(rule, fault)

    def _job_faults(self, message: HeardMessage) -> Iterator[Broken | Deviated]:
        number, uid = message.number(_EVENT_TYPE), message.uid(_INSTANCE)
        if self.abstract.get(message.context_id) != PrintJob:
            yield Broken(f"an event of a job on the context of {self._class_of_context(message)}")
        if number not in _JOB_EVENTS:
            yield _wrong_type(number, "1 to 4")
        if message.number(_ID) is None:
            yield Broken("the event has no Message ID")
        if uid not in self._named:
            self._unnamed.add(uid)
        yield from self._info_faults(message, _JOB_INFO)

    def _printer_faults(self, message: HeardMessage) -> Iterator[Broken | Deviated]:
        number, uid = message.number(_EVENT_TYPE), message.uid(_INSTANCE)
        if self.abstract.get(message.context_id) not in (*MEMBERS, Printer):
            yield Broken(f"an event of the printer on the context of {self._class_of_context(message)}")
        if number not in _PRINTER_EVENTS:
            yield _wrong_type(number, "1 to 3")
        if uid != PrinterInstance:
            yield Broken(f"an event of the printer with the SOP Instance UID {uid}, not {PrinterInstance}")
        if number in _PROBLEM_EVENTS:
            yield from self._info_faults(message, _PRINTER_INFO)
        elif number == 1 and message.data:
            yield Deviated("the event Normal has attributes")

    def _info_faults(self, message: HeardMessage, keyword: str) -> Iterator[Broken | Deviated]:
        data = self._data(message)
        if data is None or keyword not in data:
            yield Broken(f"{keyword} is absent")
        elif keyword == _JOB_INFO and not data.get(keyword):
            yield Deviated(f"{keyword} is empty")

    def _data(self, message: HeardMessage) -> Dataset | None:
        return _decoded(self, message)

    def _class_of_context(self, message: HeardMessage) -> str:
        return name_or_uid(self.abstract.get(message.context_id, "")) or "no SOP Class"


def _wrong_type(number: int | None, allowed: str) -> Broken:
    if number is None:
        return Broken("the event has no Event Type ID")
    return Broken(f"Event Type ID {number} does not exist; the types are {allowed}")


def _decoded(listener: MessageListener, message: HeardMessage) -> Dataset | None:
    """Return the Data Set of a message, or None if it is absent or unreadable, which another invariant judges."""
    syntax = listener.contexts.get(message.context_id)
    if syntax is None or not message.data:
        return None
    try:
        return decode(message.data, syntax_of(syntax))
    except DimseError:
        return None


# --- text ---

_ESCAPE = 0x1B
_AFFECTED = frozenset(("SH", "LO", "ST", "LT", "UC", "UT", "PN"))  # VRs whose text Specific Character Set affects
# VRs that allow only the default repertoire
_PLAIN = frozenset(("CS", "UI", "DA", "TM", "DT", "IS", "DS", "AE", "AS", "UR"))
_CHARACTER_SET = "SpecificCharacterSet"


class TextRules(MessageListener):
    """Text beyond the default repertoire has a Specific Character Set, and is valid in that set (PS3.5 §6.1.2.2)."""

    def __init__(self, note: Note) -> None:
        super().__init__(note)
        self._wrong: set[bytes] = set()  # invalid text that the tester has sent; the peer may return it

    def asked(self, message: HeardMessage) -> None:
        """Remember the invalid text that the tester sends."""
        data = _decoded(self, message)
        self._wrong |= {raw for raw, _ in _text_faults(data)} if data is not None else set()

    def heard(self, message: HeardMessage) -> None:
        """Judge the Data Set of a message."""
        data = _decoded(self, message)
        if data is None:
            return
        faults = [fault for raw, fault in _text_faults(data) if raw not in self._wrong]
        for fault in faults:
            self.note(_TEXTS, Broken(fault))
        if not faults:
            self.note(_TEXTS, Kept("text carries its character set"))


def _text_faults(data: Dataset, above: object = None) -> Iterator[tuple[bytes, str]]:
    """Yield each invalid text and its fault; ``above`` is the Specific Character Set of the enclosing Data Set."""
    own = data.get(_CHARACTER_SET)
    given = above if own is None else own
    for element in data:
        if element.VR == "SQ":
            items = element.value if isinstance(element.value, list) else []
            for item in items:
                if isinstance(item, Dataset):
                    yield from _text_faults(item, given)
            continue
        raw = bytes(element.raw) if element.VR in _AFFECTED | _PLAIN else b""
        if raw.isascii() and _ESCAPE not in raw:
            continue
        name = element.keyword or str(element.tag)
        if element.VR in _PLAIN:
            yield raw, f"{name} of VR {element.VR} has bytes beyond the default repertoire"
        elif given is None:
            yield raw, f"{name} has bytes beyond the default repertoire, without Specific Character Set"
        else:
            if not list(term_faults(given)):  # an unknown term may come from a later edition
                faults = text_faults(raw, charset_of(given), person=element.VR == "PN")
                yield from ((raw, f"{name}: {fault}") for fault in islice(faults, 1))
