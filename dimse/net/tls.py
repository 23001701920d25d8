"""The BCP 195 secure transport connection profile, PS3.15 B.12, as makers of SSLContexts.

TLS 1.2 at least, and 1.3 where both sides know it; ephemeral elliptic curves and AEAD suites only, no
compression and no renegotiation; and the server chooses. The modified profile (B.13) is not offered: it
asks a server for suites of TLS 1.3 that Python's `ssl` cannot switch on.
"""

import os
import ssl

from ..errors import EncodeError
from .pem import Source, load_authorities, load_identity

__all__ = ["client_context", "server_context"]

_SUITES = "ECDHE+AESGCM"  # of TLS 1.2, RFC 9325 §4.2; those of TLS 1.3 are left to OpenSSL


def server_context(
    certificate: Source,
    key: Source | None = None,
    *,
    ca: Source | None = None,
    require_client: bool | None = None,
) -> ssl.SSLContext:
    """What `serve` needs to speak TLS, as ``certificate`` and its ``key``; both are PEM files.

    Without ``key`` it stands in the file of the certificate. ``ca`` has the authorities whose
    certificates are accepted from clients, and a client needs one unless ``require_client`` is False.

    Raises `DecodeError` for a file that cannot be used, with its name as the path; `EncodeError` when clients are
    to be verified and no ``ca`` is given; OSError for a file that cannot be read.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    load_identity(context, certificate, key)
    if ca is not None:
        load_authorities(context, ca)
        context.verify_mode = ssl.CERT_OPTIONAL if require_client is False else ssl.CERT_REQUIRED
    elif require_client:
        raise EncodeError("needed to verify the certificates of clients", path="ca")
    return context


def client_context(
    ca: Source | None = None,
    certificate: Source | None = None,
    key: Source | None = None,
    *,
    verify: bool = True,
) -> ssl.SSLContext:
    """What `connect` needs to speak TLS. All files are PEM files.

    ``ca`` has the authorities whose certificates are accepted from servers; without it they are those
    of this system. ``certificate`` and ``key`` are shown to servers that ask for one. The server's name is
    checked as well; ``context.check_hostname = False`` leaves that out, ``verify=False`` every check: whoever
    is in between can then read and change everything.

    Raises as `server_context` does.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca is None:
        context.load_default_certs()
    else:
        load_authorities(context, ca)
    if certificate is not None:
        load_identity(context, certificate, key)
    elif key is not None:
        raise EncodeError("a key is of no use without its certificate", path=os.fspath(key))
    return context


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_SUITES)
    return context
