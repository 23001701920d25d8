"""The BCP 195 secure transport connection profile, PS3.15 B.12, as makers of SSLContexts.

TLS 1.2 at least, and 1.3 where both sides know it; ephemeral elliptic curves and AEAD suites only, no
compression and no renegotiation; and the server chooses. The modified profile (B.13) is not offered: it
asks a server for suites of TLS 1.3 that Python's `ssl` cannot switch on.
"""

import hashlib
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import DecodeError, EncodeError

__all__ = ["Certificate", "client_context", "server_context"]

_Source = str | os.PathLike[str]


_SUITES = "ECDHE+AESGCM"  # of TLS 1.2, RFC 9325 §4.2; those of TLS 1.3 are left to OpenSSL


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The certificate of a peer.

    ``subject`` and ``names`` are empty where nobody asked for the certificate to be verified: only
    ``fingerprint``, the SHA-256 of ``der`` in hexadecimal, means something then.
    """

    subject: str  # such as "O=Ward 3, CN=ct1", outermost first
    names: tuple[str, ...]  # Subject Alternative Names, such as "DNS:ct1.example.org" and "IP Address:10.0.0.7"
    fingerprint: str
    der: bytes


def server_context(
    certificate: _Source,
    key: _Source | None = None,
    *,
    ca: _Source | None = None,
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
    _load_identity(context, certificate, key)
    if ca is not None:
        _load_authorities(context, ca)
        context.verify_mode = ssl.CERT_OPTIONAL if require_client is False else ssl.CERT_REQUIRED
    elif require_client:
        raise EncodeError("needed to verify the certificates of clients", path="ca")
    return context


def client_context(
    ca: _Source | None = None,
    certificate: _Source | None = None,
    key: _Source | None = None,
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
        _load_authorities(context, ca)
    if certificate is not None:
        _load_identity(context, certificate, key)
    elif key is not None:
        raise EncodeError("a key is of no use without its certificate", path=os.fspath(key))
    return context


def certificate_of(secured: ssl.SSLObject) -> Certificate | None:
    """The certificate that the peer has shown, None where it has none."""
    der = secured.getpeercert(binary_form=True)
    if der is None:
        return None
    verified: Mapping[str, object] = secured.getpeercert() or {}
    return Certificate(
        subject=", ".join(f"{_SHORT.get(kind, kind)}={value}" for kind, value in _pairs(verified.get("subject"))),
        names=tuple(f"{kind}:{value}" for kind, value in _pairs((verified.get("subjectAltName", ()),))),
        fingerprint=hashlib.sha256(der).hexdigest(),
        der=der,
    )


# RFC 4514 §3
_SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
}


def _pairs(names: object) -> list[tuple[str, str]]:
    """The attributes of a name, as `ssl` nests them: pairs in tuples in a tuple."""
    outer = names if isinstance(names, tuple) else ()
    return [(str(pair[0]), str(pair[1])) for inner in outer for pair in inner]


# --- files ---


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_SUITES)
    return context


_ENCRYPTED = ("BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED")  # RFC 5958, RFC 1421


def _load_identity(context: ssl.SSLContext, certificate: _Source, key: _Source | None) -> None:
    certificate, key = os.fspath(certificate), os.fspath(certificate if key is None else key)
    pem = _pem(certificate, "BEGIN CERTIFICATE", "a certificate")
    secret = _pem(key, "PRIVATE KEY", "a private key")
    if any(mark in secret for mark in _ENCRYPTED):  # OpenSSL would ask at the terminal
        raise DecodeError("the private key is encrypted; only one without a password can be used", path=key)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as exc:
        if exc.reason == "KEY_VALUES_MISMATCH":
            raise DecodeError(f"not the private key of the certificate {certificate}", path=key) from exc
        where = certificate if key == certificate else f"{certificate}, {key}"
        raise DecodeError(f"cannot be used: {_words(exc)}", path=where) from exc
    _check_dates(pem, certificate)


def _load_authorities(context: ssl.SSLContext, ca: _Source) -> None:
    try:
        context.load_verify_locations(cadata=_pem(ca, "BEGIN CERTIFICATE", "a certificate"))
    except ssl.SSLError as exc:
        raise DecodeError(f"cannot be used: {_words(exc)}", path=os.fspath(ca)) from exc


def _pem(source: _Source, label: str, what: str) -> str:
    """The text of a PEM file with ``label`` at the end of one of its lines, RFC 7468."""
    text = Path(source).read_bytes().decode("ascii", "replace")
    if f"{label}-----" not in text:
        raise DecodeError(f"not a PEM file with {what}", path=os.fspath(source))
    return "".join(char if char.isascii() else "?" for char in text)  # `ssl` takes no other


def _words(error: ssl.SSLError) -> str:
    return error.reason.replace("_", " ").lower() if error.reason else str(error)


# --- a certificate's dates: `ssl` tells those of a peer only ---


def _check_dates(pem: str, path: str) -> None:
    """Raise `DecodeError` unless the first certificate is valid today."""
    start, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    at = pem.index(start)
    first = pem[at : pem.index(end, at) + len(end)]
    not_before, not_after = _validity(ssl.PEM_cert_to_DER_cert(first))
    now = datetime.now(UTC)
    if now < not_before:
        raise DecodeError(f"the certificate is valid only from {not_before:%Y-%m-%d %H:%M} UTC", path=path)
    if now > not_after:
        raise DecodeError(f"the certificate expired on {not_after:%Y-%m-%d %H:%M} UTC", path=path)


def _validity(der: bytes) -> tuple[datetime, datetime]:
    """notBefore and notAfter, RFC 5280 §4.1: OpenSSL has read the certificate, so its form is right."""
    ((_, certificate),) = _elements(der)
    to_be_signed = _elements(certificate)[0][1]
    fields = [content for tag, content in _elements(to_be_signed) if tag != _VERSION]
    validity = fields[3]  # after serialNumber, signature, issuer
    not_before, not_after = (_time(tag, content) for tag, content in _elements(validity))
    return not_before, not_after


_VERSION, _UTC_TIME = 0xA0, 0x17


def _time(tag: int, content: bytes) -> datetime:
    digits = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year, RFC 5280 §4.1.2.5.1
        digits = ("20" if digits < "50" else "19") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _elements(data: bytes) -> list[tuple[int, bytes]]:
    """The tags and contents of a row of DER elements, X.690 §8.1."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            length, at = int.from_bytes(data[at : at + octets]), at + octets
        found.append((tag, data[at : at + length]))
        at += length
    return found
