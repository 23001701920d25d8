"""Sections 4.1, 4.2.1, 4.3 and 4.4.1 of the statement: data flow, SOP Classes, associations, the network."""

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
from .markdown import table_lines

__all__ = ["REFUSALS", "association_section", "interfaces_section", "model_section", "sop_classes_section"]

_SERVICES: dict[type[Request], str] = {
    NCreateRQ: "N-CREATE",
    NSetRQ: "N-SET",
    NGetRQ: "N-GET",
    NActionRQ: "N-ACTION",
    NDeleteRQ: "N-DELETE",
}

# Result, source and reason of each A-ASSOCIATE-RJ (PS3.8 Table 9-21), and its cause
REFUSALS = {
    (1, 1, 1): "the host of the calling AE may not associate",
    (1, 1, 2): "the Application Context Name is not the one of PS3.7 A.2.1",
    (1, 1, 3): "the calling AE title may not associate",
    (1, 1, 7): "the called AE title is not the title of the printer",
    (1, 2, 1): "the user identity is not accepted, or has a passcode without TLS",
    (1, 2, 2): "the protocol version is not 1",
    (1, 3, 2): "the request has more contexts, transfer syntaxes or items than the limits allow",
    (2, 1, 1): "the check of the caller failed",
    (2, 3, 1): "the check of the caller took too long",
    (2, 3, 2): "the limit of associations is reached, or the printer is about to stop",
}


def model_section() -> Iterator[str]:
    """Yield section 4.1."""
    yield "\n## 4 Networking\n\n### 4.1 Implementation Model\n\n#### 4.1.1 Application Data Flow\n"
    yield "There are two Application Entities: the Print SCP, which initiates no associations, and the Print SCU,"
    yield "which accepts none. After N-ACTION has accepted films, they belong to the printer, which prints them even"
    yield "if the association ends."
    yield "\n#### 4.1.2 Functional Definition of AEs\n"
    yield "The Print SCP keeps the instances of an association (one film session, its film boxes with their image and"
    yield "annotation boxes, Presentation LUTs) until they are deleted or the association ends. N-ACTION copies the"
    yield "films into a print job; jobs are printed by priority, and jobs of one priority in the order of their"
    yield "arrival. The Print SCU fills films with images, prints them, and deletes the instances that it created."
    yield "\n#### 4.1.3 Sequencing of Real-World Activities\n"
    yield "1. N-GET of the Printer, and of its configuration, at any time."
    yield "2. N-CREATE of Presentation LUTs, before a reference to them, and of the film session."
    yield "3. N-CREATE of a film box; N-SET of its image boxes and annotation boxes. Only the last film box, and what"
    yield "   belongs to it, may be set, printed or deleted."
    yield "4. N-ACTION of the film box, or of the session with all its films. The response comes when the job is in the"
    yield "   queue, and names the job if Print Job was negotiated."
    yield "5. N-DELETE, or the end of the association, which has the same effect."


def sop_classes_section(served: list[str]) -> Iterator[str]:
    """Yield section 4.2.1.1."""
    yield "\n### 4.2 AE Specifications\n\n#### 4.2.1 Print SCP\n\n##### 4.2.1.1 SOP Classes\n"
    rows = [(TITLES[uid], ", ".join(_services(uid))) for uid in served]
    yield from table_lines(("SOP Class", "DIMSE services"), [*rows, (name_of(Verification), "C-ECHO")])


def _services(uid: str) -> Iterator[str]:
    yield from (name for message, name in _SERVICES.items() if message in OPERATIONS[uid])
    if uid in EVENTS:
        yield "N-EVENT-REPORT (sent)"


def association_section(config: PrinterConfig) -> Iterator[str]:
    """Yield sections 4.2.1.2 to 4.2.1.4."""
    yield "\n##### 4.2.1.2 Association Policies\n"
    yield from table_lines(
        ("Property", "Value"),
        [
            ("Application Context Name", "1.2.840.10008.3.1.1.1"),
            ("Implementation Class UID", IMPLEMENTATION_CLASS_UID),
            ("Implementation Version Name", IMPLEMENTATION_VERSION_NAME),
            ("Maximum Length Received", f"{LIMITS.max_pdu} bytes, unless configured otherwise"),
            ("Associations at once", f"{LIMITS.associations}, from one host {LIMITS.host_associations}"),
            ("Asynchronous Operations Window", "not negotiated: one operation and one event at a time"),
            ("SOP Class Extended Negotiation", "none"),
            ("User Identity", "accepted; the printer can be configured to check it"),
            ("Film sessions in an association", "1"),
            ("Film boxes in a film session", str(config.film_boxes)),
            ("Waiting print jobs", _waiting_jobs(config)),
            ("Memory of one association, mostly images", f"{config.memory >> 20} MiB"),
            ("Memory of all associations of one address", f"{config.host_memory >> 20} MiB"),
            ("Memory of all associations", f"{config.total_memory >> 20} MiB"),
        ],
    )
    yield "\n##### 4.2.1.3 Association Initiation Policy\n\nThe Print SCP initiates no associations."
    yield "\n##### 4.2.1.4 Association Acceptance Policy\n"
    yield "A presentation context for any other service is rejected; the other presentation contexts are not affected."
    yield "Each abstract syntax is accepted with the first of these transfer syntaxes that is proposed:\n"
    syntaxes = (ImplicitVRLittleEndian,) if config.implicit_only else ACCEPTED_SYNTAXES
    yield from table_lines(("Transfer Syntax", "UID"), [(name_of(uid), uid) for uid in syntaxes])
    yield "\nRequests for the members of a Meta SOP Class use its context:\n"
    for meta in META_CLASSES:
        if meta in config.abstract_syntaxes:
            members = ", ".join(TITLES[uid] for uid in OPERATIONS if uid in MEMBERS[meta])
            yield f"- {TITLES[meta]}: {members}"
    yield "\nAssociations are rejected in these cases:\n"
    rows = ((*map(str, codes), when) for codes, when in REFUSALS.items())
    yield from table_lines(("Result", "Source", "Reason", "Case"), rows)


def _waiting_jobs(config: PrinterConfig) -> str:
    is_default = config.queue_length == PrinterConfig().queue_length
    return f"{config.queue_length}{'; with a spool, until it is full' if is_default else ''}"


def interfaces_section() -> Iterator[str]:
    """Yield sections 4.3 and 4.4.1: the network and its parameters."""
    times = Timeouts()
    yield "\n### 4.3 Network Interfaces\n"
    yield "TCP/IP over IPv4 or IPv6, as the system supports them, with or without TLS (section 7)."
    yield "\n### 4.4 Configuration\n\n#### 4.4.1 AE Titles, Addresses and Parameters\n"
    yield "All can be configured; these are the defaults.\n"
    yield from table_lines(
        ("Parameter", "Default"),
        [
            ("AE title of the Print SCP, and its port", "PRINTSCP, 11112"),
            ("AE title of the Print SCU", "PRINTSCU"),
            ("ARTIM timeout", f"{times.artim:g} s"),
            (
                "Longest silence of a peer",
                f"{times.idle:g} s, for the SCP; unlimited while a job has events to come",
            ),
            ("Response to a request", f"{times.dimse:g} s"),
            ("Rest of a PDU, rest of a message", f"{times.pdu:g} s, {times.message:g} s"),
            ("Data Set of a message", f"{LIMITS.data_set >> 20} MiB at most"),
        ],
    )
