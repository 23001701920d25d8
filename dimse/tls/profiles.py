"""The TLS profiles B.12 and B.13 of PS3.15, both based on BCP 195: contexts for servers and clients.

For B.12, a context allows TLS 1.2 or newer, only suites with ephemeral keys and AEAD, and neither compression nor
renegotiation (RFC 9325); the server chooses the suite. This profile uses Python's `ssl`.

For B.13, the modified profile, a context allows fifteen suites and requires long keys. `ssl` cannot choose the suites
of TLS 1.3, so this profile uses pyOpenSSL, in `b13`.
"""

import os
import ssl
from types import ModuleType
from typing import Literal, overload

from ..errors import EncodeError
from .certificates import Source, load_authorities, load_identity
from .session import TLSContext

__all__ = ["TLSProfile", "client_context", "server_context"]

TLSProfile = Literal["B.12", "B.13"]  # the sections of PS3.15

_SUITES = "ECDHE+AESGCM"  # for TLS 1.2, RFC 9325 §4.2; OpenSSL chooses the suites of TLS 1.3


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
    """Return the TLS context that `serve` takes. All files are PEM files.

    ``certificate`` is the certificate of the server. ``key`` is its private key; None if the key is in the same file.
    ``ca`` contains the authorities whose certificates are accepted from clients; with ``ca``, a client must show a
    certificate unless ``require_client`` is False. ``profile`` is the section of PS3.15; ``"B.13"`` needs the extra
    ``tls``.

    Raises OSError for a file that cannot be read, and `DecodeError`, with the file name as the path, for one that
    cannot be used. Raises `EncodeError` for another profile, if the extra is missing, or if clients must be verified
    and ``ca`` is None.
    """
    if require_client and ca is None:
        raise EncodeError("needed to verify the certificates of clients", path="ca")
    if profile != "B.12":
        b13: TLSContext = _import_b13(profile).server_context(certificate, key, ca, require_client is not False)
        return b13
    context = _new_context(ssl.PROTOCOL_TLS_SERVER)
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
    """Return the TLS context that `connect` takes. All files are PEM files.

    ``ca`` contains the authorities whose certificates are accepted from servers; None means the authorities of the
    system. A server that asks for a certificate gets ``certificate``; ``key`` is its private key, None if it is in the
    same file. The name of the server is checked, too; ``context.check_hostname = False`` turns this check off.
    ``verify=False`` turns every check off: anybody on the network can then read and change everything. ``profile`` is
    as in `server_context`.

    Raises the errors of `server_context` for files and profiles, and `EncodeError` for a ``key`` without
    ``certificate``.
    """
    if key is not None and certificate is None:
        raise EncodeError("a key needs its certificate", path=os.fspath(key))
    if profile != "B.12":
        b13: TLSContext = _import_b13(profile).client_context(ca, certificate, key, verify=verify)
        return b13
    context = _new_context(ssl.PROTOCOL_TLS_CLIENT)
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


def _new_context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_SUITES)
    return context


def _import_b13(profile: TLSProfile) -> ModuleType:
    """Import the module of B.13. It needs more libraries than B.12, so it is imported only on request.

    Raises `EncodeError` for another profile, and if a library is missing or too old.
    """
    if profile != "B.13":
        raise EncodeError(f"{profile!r} is neither B.12 nor B.13 of PS3.15", path="profile")
    try:
        from . import b13
    except ImportError as exc:
        what = "PS3.15 B.13 needs pyOpenSSL 25.2 or newer and service-identity: pip install 'dimse-print[tls]'"
        raise EncodeError(what, path="TLS") from exc
    return b13
