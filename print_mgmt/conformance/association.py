"""Sections 4.1, 4.2.1 and 4.3 of the statement: who talks to whom, and which associations there are."""

from collections.abc import Iterator

from dimse.limits import LIMITS, Timeouts
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request
from dimse.uids import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    ImplicitVRLittleEndian,
    Verification,
    name_of,
)

from ..config import PrinterConfig
from ..sop import ACCEPTED_SYNTAXES, EVENTS, MEMBERS, META_CLASSES, OPERATIONS, TITLES
from .markdown import grid

__all__ = ["REFUSALS", "association", "interfaces", "model", "sop_classes"]

_SERVICES: dict[type[Request], str] = {
    NCreateRQ: "N-CREATE",
    NSetRQ: "N-SET",
    NGetRQ: "N-GET",
    NActionRQ: "N-ACTION",
    NDeleteRQ: "N-DELETE",
}

# A-ASSOCIATE-RJ: result, source and reason (PS3.8 Table 9-21), and when
REFUSALS = {
    (1, 1, 1): "the host of the calling AE is not among those that may associate",
    (1, 1, 2): "another Application Context Name",
    (1, 1, 3): "the calling AE title is not among those that may associate",
    (1, 1, 7): "the called AE title is not that of the printer",
    (1, 2, 1): "the user identity is not accepted, or has a passcode and there is no TLS",
    (1, 2, 2): "another protocol version",
    (1, 3, 2): "a request with more contexts, transfer syntaxes or items than are read",
    (2, 1, 1): "who may associate could not be found out",
    (2, 3, 1): "who may associate could not be found out in time",
    (2, 3, 2): "there are as many associations as there may be, or the printer is about to stop",
}


def model() -> Iterator[str]:
    """Section 4.1."""
    yield "\n## 4 Networking\n\n### 4.1 Implementation Model\n\n#### 4.1.1 Application Data Flow\n"
    yield "Two Application Entities: the Print SCP, which initiates no associations, and the Print SCU, which accepts"
    yield "none. Films that N-ACTION accepted belong to the printer, which prints them whatever becomes of the"
    yield "association."
    yield "\n#### 4.1.2 Functional Definition of AEs\n"
    yield "The Print SCP keeps what an association makes (one film session, its film boxes with their image and"
    yield "annotation boxes, Presentation LUTs) until it is deleted or the association ends. N-ACTION copies the films"
    yield "into a print job; jobs are printed by priority, and those of one priority in the order in which they came."
    yield "The Print SCU makes films of images, prints them, and deletes what it has made."
    yield "\n#### 4.1.3 Sequencing of Real-World Activities\n"
    yield "1. N-GET of the Printer, and of its configuration, at any time."
    yield "2. N-CREATE of Presentation LUTs, before something refers to them, and of the film session."
    yield "3. N-CREATE of a film box; N-SET of its image boxes and annotation boxes. Only the last film box, and what"
    yield "   belongs to it, may be set, printed or deleted."
    yield "4. N-ACTION of the film box, or of the session with all its films. The response comes when the job is in the"
    yield "   queue, and names it where Print Job was negotiated."
    yield "5. N-DELETE, or the end of the association, which does the same."


def sop_classes(served: list[str]) -> Iterator[str]:
    """Section 4.2.1.1."""
    yield "\n### 4.2 AE Specifications\n\n#### 4.2.1 Print SCP\n\n##### 4.2.1.1 SOP Classes\n"
    rows = [(TITLES[uid], ", ".join(_services(uid))) for uid in served]
    yield from grid(("SOP Class", "DIMSE services"), [*rows, (name_of(Verification), "C-ECHO")])


def _services(uid: str) -> Iterator[str]:
    yield from (name for message, name in _SERVICES.items() if message in OPERATIONS[uid])
    if uid in EVENTS:
        yield "N-EVENT-REPORT (sent)"


def association(config: PrinterConfig) -> Iterator[str]:
    """Sections 4.2.1.2 to 4.2.1.4."""
    yield "\n##### 4.2.1.2 Association Policies\n"
    yield from grid(
        ("Property", "Value"),
        [
            ("Application Context Name", "1.2.840.10008.3.1.1.1"),
            ("Implementation Class UID", IMPLEMENTATION_CLASS_UID),
            ("Implementation Version Name", IMPLEMENTATION_VERSION_NAME),
            ("Maximum Length Received", f"{LIMITS.max_pdu} bytes, unless configured otherwise"),
            ("Associations at once", f"{LIMITS.associations}, from one host {LIMITS.host_associations}"),
            ("Asynchronous Operations Window", "not negotiated: one operation at a time, and one event beside it"),
            ("SOP Class Extended Negotiation", "none"),
            ("User Identity", "taken; who may associate is configured"),
            ("Film sessions in an association", "1"),
            ("Film boxes in a film session", str(config.film_boxes)),
            ("Print jobs that wait", str(config.queue_length)),
            ("What one client may keep here, images first of all", f"{config.memory >> 20} MiB"),
            ("What those of one address may keep together", f"{config.host_memory >> 20} MiB"),
            ("What all of them may keep together", f"{config.total_memory >> 20} MiB"),
        ],
    )
    yield "\n##### 4.2.1.3 Association Initiation Policy\n\nThe Print SCP initiates no associations."
    yield "\n##### 4.2.1.4 Association Acceptance Policy\n"
    yield "A presentation context that is not served is refused alone; the association is accepted without it. Each"
    yield "abstract syntax is accepted with the first of these transfer syntaxes that is proposed:\n"
    syntaxes = (ImplicitVRLittleEndian,) if config.implicit_only else ACCEPTED_SYNTAXES
    yield from grid(("Transfer Syntax", "UID"), [(name_of(uid), uid) for uid in syntaxes])
    yield "\nThe members of a Meta SOP Class are asked for on its context:\n"
    for meta in META_CLASSES:
        if meta in config.abstract_syntaxes:
            members = ", ".join(TITLES[uid] for uid in OPERATIONS if uid in MEMBERS[meta])
            yield f"- {TITLES[meta]}: {members}"
    yield "\nAssociations are rejected so:\n"
    rows = ((*map(str, codes), when) for codes, when in REFUSALS.items())
    yield from grid(("Result", "Source", "Reason", "When"), rows)


def interfaces() -> Iterator[str]:
    """Sections 4.3 and 4.4.1: the network, and what is configured of it."""
    times = Timeouts()
    yield "\n### 4.3 Network Interfaces\n"
    yield "TCP/IP over IPv4 or IPv6, as the system has them, with or without TLS (7)."
    yield "\n### 4.4 Configuration\n\n#### 4.4.1 AE Titles, Addresses and Parameters\n"
    yield "All are configured; these are the defaults.\n"
    yield from grid(
        ("Parameter", "Default"),
        [
            ("AE title of the Print SCP, and its port", "PRINTSCP, 11112"),
            ("AE title of the Print SCU", "PRINTSCU"),
            ("ARTIM timeout", f"{times.artim:g} s"),
            ("Association without a PDU", f"{times.idle:g} s, for the SCP; none while a job is to be told of"),
            ("Response to a request", f"{times.dimse:g} s"),
            ("Rest of a PDU, of a message", f"{times.pdu:g} s, {times.message:g} s"),
            ("Data Set of a message", f"{LIMITS.data_set >> 20} MiB at most"),
        ],
    )
