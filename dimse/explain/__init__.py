"""Explanations of recorded associations: packet captures, conversations, and each byte of a PDU."""

from .conversation import ACCEPTOR, REQUESTOR, Conversation, Turn, opens_association
from .pcap import Connection, is_capture, read_capture
from .pdu import Line, explain_pdu, format_lines

__all__ = [
    "ACCEPTOR",
    "REQUESTOR",
    "Connection",
    "Conversation",
    "Line",
    "Turn",
    "explain_pdu",
    "format_lines",
    "is_capture",
    "opens_association",
    "read_capture",
]
