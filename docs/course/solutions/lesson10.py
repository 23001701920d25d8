"""Solution 10: one of many."""

from dimse.ul.forge import forge_pdu, forge_pdv

UNRECOGNIZED = forge_pdu(0x08, b"")  # PDU types end at 07H
UNEXPECTED = forge_pdu(0x06, bytes(4))  # A-RELEASE-RP, though nobody has requested release
INVALID = forge_pdu(0x04, forge_pdv(1, 0x03, b"xx", length=100))  # a PDV longer than its PDU
