"""The DICOM Conformance Statement of a printer, PS3.2, written from the tables and the configuration that it runs on.

What stands in it cannot differ from what the printer does: the attributes are those it checks, the statuses those it
answers, the SOP Classes those it negotiates.
"""

from collections.abc import Iterator

from dimse.message import GENERAL_STATUS, NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request
from dimse.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, Verification, name_of

from ..config import Caller, PrinterConfig
from ..sop import EVENTS, MEMBERS, META_CLASSES, OPERATIONS, TITLES, TRANSFER_SYNTAXES
from ..status import BY_SERVICE, PRINT_STATUS
from .attributes import attributes
from .client import USED, client
from .equipment import equipment
from .markdown import grid

__all__ = ["conformance_statement"]

_SERVICES: dict[type[Request], str] = {
    NCreateRQ: "N-CREATE",
    NSetRQ: "N-SET",
    NGetRQ: "N-GET",
    NActionRQ: "N-ACTION",
    NDeleteRQ: "N-DELETE",
}


def conformance_statement(config: PrinterConfig) -> str:
    """The statement in Markdown, its sections numbered as in PS3.2 Annex A."""
    return "\n".join(_lines(config)) + "\n"


def _lines(config: PrinterConfig) -> Iterator[str]:
    served = _served(config)
    yield f"# DICOM Conformance Statement: {config.printer.PrinterName or 'dimse-print'}"
    yield from _overview(config)
    yield from _association(config)
    yield from _classes(config)
    yield from attributes(config, served)
    yield from _statuses(served)
    yield from _events(served)
    yield from client()
    yield from equipment(config)
    yield from _callers(config)
    yield from _rest()


def _overview(config: PrinterConfig) -> Iterator[str]:
    yield "\n## 1 Conformance Statement Overview\n"
    yield "A DICOM printer, which accepts films from Print SCUs, queues them as print jobs, and renders them; and a"
    yield "Print SCU, which prints images on any DICOM printer.\n"
    supported = (*config.abstract_syntaxes, Verification)
    rows = (
        (TITLES.get(uid) or name_of(uid), uid, _yes(uid in USED), _yes(uid in supported))
        for uid in (*TITLES, Verification)
        if uid in supported or uid in USED
    )
    yield from grid(("SOP Class", "UID", "User of Service (SCU)", "Provider of Service (SCP)"), rows)


def _yes(fact: bool) -> str:
    return "Yes" if fact else "No"


def _association(config: PrinterConfig) -> Iterator[str]:
    yield "\n## 4 Networking\n\n### 4.1 Implementation Model\n"
    yield "Two Application Entities: the Print SCP, which initiates no associations, and the Print SCU, which accepts"
    yield "none. Films that N-ACTION accepted belong to the printer, which prints them whatever becomes of the"
    yield "association."
    yield "\n### 4.2.1 Print SCP: Association Policies\n"
    yield from grid(
        ("Property", "Value"),
        [
            ("Application Context Name", "1.2.840.10008.3.1.1.1"),
            ("Implementation Class UID", IMPLEMENTATION_CLASS_UID),
            ("Implementation Version Name", IMPLEMENTATION_VERSION_NAME),
            ("Film sessions in an association", "1"),
            ("Film boxes in a film session", str(config.film_boxes)),
            ("Print jobs that wait", str(config.queue_length)),
            ("What one client may keep here, images first of all", f"{config.memory} bytes"),
            ("What all of them may keep together", f"{config.total_memory} bytes"),
        ],
    )


def _classes(config: PrinterConfig) -> Iterator[str]:
    yield "\n### 4.2.2 Presentation Contexts and Services\n"
    yield "Each abstract syntax is accepted with the first of its transfer syntaxes that is proposed:\n"
    syntaxes = TRANSFER_SYNTAXES[-1:] if config.implicit_only else TRANSFER_SYNTAXES
    yield from grid(("Transfer Syntax", "UID"), [(name_of(uid), uid) for uid in syntaxes])
    yield ""
    for meta in META_CLASSES:
        if meta in config.abstract_syntaxes:
            members = ", ".join(TITLES[uid] for uid in OPERATIONS if uid in MEMBERS[meta])
            yield f"- {TITLES[meta]}: {members}"
    yield ""
    yield from grid(
        ("SOP Class", "DIMSE services"),
        [(TITLES[uid], ", ".join(_services(uid))) for uid in _served(config)],
    )


def _served(config: PrinterConfig) -> list[str]:
    """The SOP Classes that requests may name: those negotiated, and the members of Meta SOP Classes."""
    supported = config.abstract_syntaxes
    members = {uid for meta in META_CLASSES if meta in supported for uid in MEMBERS[meta]}
    return [uid for uid in OPERATIONS if uid in members or uid in supported]


def _services(uid: str) -> Iterator[str]:
    yield from (name for message, name in _SERVICES.items() if message in OPERATIONS[uid])
    if uid in EVENTS:
        yield "N-EVENT-REPORT (sent)"


# --- statuses and events ---


def _statuses(served: list[str]) -> Iterator[str]:
    yield "\n### 4.2.4 Status Codes\n"
    yield "Warnings and failures carry an Error Comment that says why, and name attributes in the Attribute Identifier"
    yield "List. Of several warnings the foremost is answered: those of printing, then 0116, then 0107.\n"
    rows = (
        (TITLES[uid], service, f"{status:04X}", PRINT_STATUS[status])
        for (uid, service), statuses in BY_SERVICE.items()
        if uid in served
        for status in statuses
    )
    yield from grid(("SOP Class", "Service", "Status", "Meaning"), rows)
    yield "\nAny service may answer the general statuses of PS3.7 Annex C:\n"
    general = ((f"{status:04X}", words) for status, words in GENERAL_STATUS.items() if status < 0xFE00)
    yield from grid(("Status", "Meaning"), general)


def _events(served: list[str]) -> Iterator[str]:
    yield "\n### 4.2.5 Events\n"
    yield "Printer events go to every association that may bear them, Print Job events to the one that made the job.\n"
    rows = (
        (TITLES[uid], str(number), name)
        for uid, events in EVENTS.items()
        if uid in served
        for number, name in events.items()
    )
    yield from grid(("SOP Class", "Event Type ID", "Event"), rows)


# --- the rest ---


def _callers(config: PrinterConfig) -> Iterator[str]:
    if not config.callers:
        return
    yield "\n#### Calling Application Entities\n"
    words = {
        "job_reference": "N-ACTION names no Print Job",
        "warnings": "warnings are told as success",
        "may_print": "may not print, 0124",
        "echo": "N-CREATE and N-SET answer without attributes",
        "class_uid": "N-CREATE answers without Affected SOP Class UID",
    }
    rows = (
        (pattern, "; ".join(said for name, said in words.items() if not getattr(caller, name)))
        for pattern, caller in config.callers.items()
        if caller != Caller()
    )
    yield from grid(("Calling AE title", "Differs by"), rows)


def _rest() -> Iterator[str]:
    yield "\n## 5 Media Interchange\n\nNone."
    yield "\n## 6 Support of Character Sets\n"
    yield "All Defined Terms of Specific Character Set (0008,0005), PS3.3 C.12.1.1.2, with and without code extensions."
    yield "Annotation boxes that name none are read in that of their film session."
    yield "\n## 7 Security\n"
    yield "The BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 B.12), where it is configured."
