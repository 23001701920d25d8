"""The secure transport connection profiles of PS3.15 that are built on BCP 195, as makers of contexts.

B.12: TLS 1.2 at least, and 1.3 where both sides know it; ephemeral elliptic curves and AEAD suites only, no
compression and no renegotiation; and the server chooses. Python's `ssl` speaks it.

B.13, the modified profile, asks for fifteen suites by name, and for long keys. `ssl` cannot choose the suites of
TLS 1.3, so pyOpenSSL speaks it, in `modified`.
"""

import os
import ssl
from types import ModuleType
from typing import Literal, overload

from ..errors import EncodeError
from .engine import TLSContext
from .pem import Source, load_authorities, load_identity

__all__ = ["TLSProfile", "client_context", "server_context"]

TLSProfile = Literal["B.12", "B.13"]  # the sections of PS3.15

_SUITES = "ECDHE+AESGCM"  # of TLS 1.2, RFC 9325 §4.2; those of TLS 1.3 are left to OpenSSL


@overload
def server_context(
    certificate: Source,
    key: Source | None = ...,
    *,
    ca: Source | None = ...,
    require_client: bool | None = ...,
    profile: Literal["B.12"] = ...,
) -> ssl.SSLContext: ...
@overload
def server_context(
    certificate: Source,
    key: Source | None = ...,
    *,
    ca: Source | None = ...,
    require_client: bool | None = ...,
    profile: TLSProfile,
) -> TLSContext: ...
def server_context(
    certificate: Source,
    key: Source | None = None,
    *,
    ca: Source | None = None,
    require_client: bool | None = None,
    profile: TLSProfile = "B.12",
) -> TLSContext:
    """What `serve` needs to speak TLS, as ``certificate`` and its ``key``; both are PEM files.

    Without ``key`` it stands in the file of the certificate. ``ca`` has the authorities whose
    certificates are accepted from clients, and a client needs one unless ``require_client`` is False.
    ``profile`` is the section of PS3.15: ``"B.13"`` needs the extra ``tls``.

    Raises `DecodeError` for a file that cannot be used, with its name as the path; `EncodeError` when clients are
    to be verified and no ``ca`` is given, or the extra is not there; OSError for a file that cannot be read.
    """
    if require_client and ca is None:
        raise EncodeError("needed to verify the certificates of clients", path="ca")
    if profile != "B.12":
        modified: TLSContext = _modified(profile).server_context(certificate, key, ca, require_client is not False)
        return modified
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    load_identity(context, certificate, key)
    if ca is not None:
        load_authorities(context, ca)
        context.verify_mode = ssl.CERT_OPTIONAL if require_client is False else ssl.CERT_REQUIRED
    return context


@overload
def client_context(
    ca: Source | None = ...,
    certificate: Source | None = ...,
    key: Source | None = ...,
    *,
    verify: bool = ...,
    profile: Literal["B.12"] = ...,
) -> ssl.SSLContext: ...
@overload
def client_context(
    ca: Source | None = ...,
    certificate: Source | None = ...,
    key: Source | None = ...,
    *,
    verify: bool = ...,
    profile: TLSProfile,
) -> TLSContext: ...
def client_context(
    ca: Source | None = None,
    certificate: Source | None = None,
    key: Source | None = None,
    *,
    verify: bool = True,
    profile: TLSProfile = "B.12",
) -> TLSContext:
    """What `connect` needs to speak TLS. All files are PEM files.

    ``ca`` has the authorities whose certificates are accepted from servers; without it they are those
    of this system. ``certificate`` and ``key`` are shown to servers that ask for one. The server's name is
    checked as well; ``context.check_hostname = False`` leaves that out, ``verify=False`` every check: whoever
    is in between can then read and change everything. ``profile`` is as in `server_context`.

    Raises as `server_context` does.
    """
    if key is not None and certificate is None:
        raise EncodeError("a key is of no use without its certificate", path=os.fspath(key))
    if profile != "B.12":
        modified: TLSContext = _modified(profile).client_context(ca, certificate, key, verify=verify)
        return modified
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
    return context


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_SUITES)
    return context


def _modified(profile: TLSProfile) -> ModuleType:
    """The module that has B.13, imported when somebody asks for it: it stands on libraries that B.12 does without."""
    if profile != "B.13":
        raise EncodeError(f"{profile!r} is neither B.12 nor B.13 of PS3.15", path="profile")
    try:
        from . import modified
    except ImportError as exc:
        what = "PS3.15 B.13 needs pyOpenSSL 25.2 or newer and service-identity: pip install 'dimse-print[tls]'"
        raise EncodeError(what, path="TLS") from exc
    return modified
