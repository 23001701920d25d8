"""Explanations of recorded associations, from packet captures down to each byte of a PDU."""

from .associations import RecordedAssociation, association_of, associations_in
from .conversation import ACCEPTOR, REQUESTOR, CompleteMessage, Conversation, Turn, opens_association
from .elements import Field
from .pcap import Connection, is_capture, read_capture
from .pdu import Line, explain_pdu, format_lines
from .record import Contract, Proposal, Step, Steps, View, ViewEvent

__all__ = [
    "ACCEPTOR",
    "REQUESTOR",
    "CompleteMessage",
    "Connection",
    "Contract",
    "Conversation",
    "Field",
    "Line",
    "Proposal",
    "RecordedAssociation",
    "ViewEvent",
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
