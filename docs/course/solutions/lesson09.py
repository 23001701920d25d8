"""Solution 9: trust the authority, and nobody else; show the certificate that it has issued to us."""

from pathlib import Path

from dimse.net import TLSContext, client_context


def client(keys: Path) -> TLSContext:
    """Return the TLS context of a client of the printer."""
    return client_context(keys / "authority.pem", keys / "student.pem")
