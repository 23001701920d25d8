"""The DICOM Conformance Statement of a printer, PS3.2, written from the tables and the configuration that it runs on.

What stands in it cannot differ from what the printer does: the attributes are those it checks, the statuses those it
answers, the SOP Classes those it negotiates.
"""

from collections.abc import Iterator

from dimse.message import GENERAL_STATUS

from ..config import Caller, PrinterConfig
from ..sop import EVENTS, MEMBERS, META_CLASSES, OPERATIONS, TITLES
from ..status import BY_SERVICE, PRINT_STATUS
from .association import association, interfaces, model, sop_classes
from .attributes import attributes
from .client import client
from .equipment import equipment
from .introduction import introduction, overview
from .markdown import contents, grid

__all__ = ["conformance_statement"]


def conformance_statement(config: PrinterConfig) -> str:
    """The statement in Markdown, its sections numbered as in PS3.2 Annex A."""
    return "\n".join(_lines(config)) + "\n"


def _lines(config: PrinterConfig) -> Iterator[str]:
    body = list(_body(config))
    yield f"# DICOM Conformance Statement: {config.printer.PrinterName or 'dimse-print'}"
    yield from overview(config)
    yield "\n## 2 Table of Contents\n"
    yield from contents(body)
    yield from body


def _body(config: PrinterConfig) -> Iterator[str]:
    served = _served(config)
    yield from introduction()
    yield from model()
    yield from sop_classes(served)
    yield from association(config)
    yield from attributes(config, served)
    yield from _statuses(served)
    yield from _events(served)
    yield from client()
    yield from interfaces()
    yield from equipment(config)
    yield from _callers(config)
    yield from _rest()


def _served(config: PrinterConfig) -> list[str]:
    """The SOP Classes that requests may name: those negotiated, and the members of Meta SOP Classes."""
    supported = config.abstract_syntaxes
    members = {uid for meta in META_CLASSES if meta in supported for uid in MEMBERS[meta]}
    return [uid for uid in OPERATIONS if uid in members or uid in supported]


# --- statuses and events ---


def _statuses(served: list[str]) -> Iterator[str]:
    yield "\n##### 4.2.1.6 Status Codes\n"
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
    yield "\n##### 4.2.1.7 Events\n"
    yield "Printer events go to every association with a context for the Printer or a Meta SOP Class; Print Job events"
    yield "to the one that made the job, which exists until its end was confirmed. Events are sent at any time before"
    yield "the release, also between a request and its response, one at a time; an SCU that leaves one unanswered is"
    yield "told no more.\n"
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
    yield "\n#### 4.4.5 Calling Application Entities\n"
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
    yield "Annotation boxes that name none are read in that of their film session. What the printer tells is in the"
    yield "default repertoire, or in ISO_IR 192 where that has not the characters."
    yield "\n## 7 Security\n"
    yield "The BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 B.12) or the Modified one (B.13),"
    yield "where it is configured; the cipher suites that are optional in B.13 are not offered."
    yield "AE titles, hosts, certificates and user identities may be held against lists. A passcode is taken over TLS"
    yield "only."
    yield "\n## 8 Annexes\n\n### 8.1 Extensions, Specializations and Privatizations\n"
    yield "No private attributes, no private SOP Classes, no private transfer syntaxes; no coded terms."
    yield "\n### 8.2 Grayscale Image Consistency\n"
    yield "Films are made by PS3.14: pixels become P-Values by Polarity and Presentation LUT, and P-Values the"
    yield "densities that show them, between Min Density and Max Density, under the Illumination and Reflected Ambient"
    yield "Light of the film box. LIN OD makes densities of the pixels directly. Colour is printed as it comes, but for"
    yield "Polarity."
