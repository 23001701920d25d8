"""Explanations of recorded associations: packet captures, conversations, and each byte of a PDU."""

from .associations import Recorded, association_of, associations_in
from .conversation import ACCEPTOR, REQUESTOR, Completed, Conversation, Turn, opens_association
from .elements import Field
from .pcap import Connection, is_capture, read_capture
from .pdu import Line, explain_pdu, format_lines
from .record import Contract, Proposal, Seen, Step, Steps, View

__all__ = [
    "ACCEPTOR",
    "REQUESTOR",
    "Completed",
    "Connection",
    "Contract",
    "Conversation",
    "Field",
    "Line",
    "Proposal",
    "Recorded",
    "Seen",
    "Step",
    "Steps",
    "Turn",
    "View",
    "association_of",
    "associations_in",
    "explain_pdu",
    "format_lines",
    "is_capture",
    "opens_association",
    "read_capture",
]
