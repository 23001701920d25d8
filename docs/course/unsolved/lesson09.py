"""Exercise 9: repair a client.

This client talks to anybody who has the printer's address, and the printer does not talk to it at all. Return a
context that talks to the printer, and to nobody else. The folder ``keys`` has the files that run.py uses:

    authority.pem    the certificate of the authority
    student.pem      our certificate, issued by the authority, with its private key
"""

from pathlib import Path

from dimse.net import TLSContext, client_context


def client(keys: Path) -> TLSContext:
    """Return the TLS context of a client of the printer."""
    return client_context(verify=False)
