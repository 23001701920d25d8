"""Certificates: the certificate that a peer shows, and the PEM files of this side (RFC 7468).

Policies and logs use a `Certificate`, which is the same in both TLS profiles, B.12 and B.13. A PEM file that cannot be
used raises an error with the file name and the reason.
"""

import os
import ssl
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import DecodeError

__all__ = ["Certificate", "Source", "certificate_of", "describe_certificate", "load_authorities", "load_identity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The certificate of a peer.

    ``fingerprint`` is the SHA-256 of ``der`` in lower-case hexadecimal. ``subject`` and ``names`` are empty if the
    certificate was not verified, because anybody can write them.
    """

    subject: str  # such as "O=Ward 3, CN=ct1", outermost first
    names: tuple[str, ...]  # Subject Alternative Names, such as "DNS:ct1.example.org" and "IP Address:10.0.0.7"
    fingerprint: str
    der: bytes


def certificate_of(secured: ssl.SSLObject) -> Certificate | None:
    """Return the certificate that the peer has shown; None if there is none."""
    der = secured.getpeercert(binary_form=True)
    if der is None:
        return None
    verified: Mapping[str, object] = secured.getpeercert() or {}
    return describe_certificate(der, _pairs(verified.get("subject")), _pairs((verified.get("subjectAltName", ()),)))


def describe_certificate(
    der: bytes, subject: Iterable[tuple[str, str]], names: Iterable[tuple[str, str]]
) -> Certificate:
    """Return the `Certificate` with these octets, ``der``.

    ``subject`` and ``names`` are pairs of kind and value, with the kinds of `ssl`, such as ``commonName`` and ``DNS``.
    """
    import hashlib  # not at the top, where it would slow down `import dimse` by 3 ms

    return Certificate(
        subject=", ".join(f"{_SHORT_KINDS.get(kind, kind)}={value}" for kind, value in subject),
        names=tuple(f"{kind}:{value}" for kind, value in names),
        fingerprint=hashlib.sha256(der).hexdigest(),
        der=der,
    )


# Short names of frequent attributes, RFC 4514 §3
_SHORT_KINDS = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
}


def _pairs(names: object) -> list[tuple[str, str]]:
    """Return the attributes of a name. `ssl` nests them: pairs in tuples in a tuple."""
    outer = names if isinstance(names, tuple) else ()
    return [(str(pair[0]), str(pair[1])) for inner in outer for pair in inner]


# --- PEM files ---

Source = str | os.PathLike[str]

_ENCRYPTED = ("BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED")  # RFC 5958, RFC 1421


def load_identity(context: ssl.SSLContext, certificate: Source, key: Source | None) -> str:
    """Make ``context`` show ``certificate`` and return the text of its file.

    If ``key`` is None, the private key is in the same file. Raises `DecodeError`, with the file name as the path, for a
    file that cannot be used, or OSError for a file that cannot be read.
    """
    certificate, key = os.fspath(certificate), os.fspath(certificate if key is None else key)
    pem = _read_pem(certificate, "BEGIN CERTIFICATE", "a certificate")
    secret = _read_pem(key, "PRIVATE KEY", "a private key")
    if any(mark in secret for mark in _ENCRYPTED):  # OpenSSL would ask for the password at the terminal
        raise DecodeError("the private key is encrypted; only a key without a password can be used", path=key)
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as exc:
        if exc.reason == "KEY_VALUES_MISMATCH":
            raise DecodeError(f"not the private key of the certificate {certificate}", path=key) from exc
        where = certificate if key == certificate else f"{certificate}, {key}"
        raise DecodeError(f"cannot be used: {_reason_of(exc)}", path=where) from exc
    _check_dates(pem, certificate)
    return pem


def load_authorities(context: ssl.SSLContext, ca: Source) -> None:
    """Make ``context`` trust the authorities in the file ``ca``. Raises the same errors as `load_identity`."""
    try:
        context.load_verify_locations(cadata=_read_pem(ca, "BEGIN CERTIFICATE", "a certificate"))
    except ssl.SSLError as exc:
        raise DecodeError(f"cannot be used: {_reason_of(exc)}", path=os.fspath(ca)) from exc


def _read_pem(source: Source, label: str, what: str) -> str:
    """Return the text of a PEM file, RFC 7468. Raises `DecodeError` if nothing in it is labeled ``label``."""
    text = Path(source).read_bytes().removeprefix(BOM_UTF8).decode("ascii", "replace")
    if f"{label}-----" not in text:
        raise DecodeError(f"not a PEM file with {what}", path=os.fspath(source))
    return "".join(char if char.isascii() else "?" for char in text)  # `ssl` takes ASCII only


def _reason_of(error: ssl.SSLError) -> str:
    return error.reason.replace("_", " ").lower() if error.reason else str(error)


# --- the dates of this side's certificate (`ssl` returns the dates of the peer's certificate only) ---


def _check_dates(pem: str, path: str) -> None:
    """Raise `DecodeError` unless the first certificate has dates and is valid now."""
    start, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    at = pem.index(start)
    first = pem[at : pem.index(end, at) + len(end)]
    try:
        not_before, not_after = _validity(ssl.PEM_cert_to_DER_cert(first))
    except ValueError as exc:  # OpenSSL loads a certificate whatever its dates are
        raise DecodeError("the dates of the certificate do not follow RFC 5280 §4.1.2.5", path=path) from exc
    now = datetime.now(UTC)
    if now < not_before:
        raise DecodeError(f"the certificate is valid only from {not_before:%Y-%m-%d %H:%M} UTC", path=path)
    if now > not_after:
        raise DecodeError(f"the certificate expired on {not_after:%Y-%m-%d %H:%M} UTC", path=path)


def _validity(der: bytes) -> tuple[datetime, datetime]:
    """Return notBefore and notAfter, RFC 5280 §4.1, of a certificate that OpenSSL has read without an error.

    Raises ValueError for dates that do not follow RFC 5280 §4.1.2.5.
    """
    ((_, certificate),) = _der_elements(der)
    to_be_signed = _der_elements(certificate)[0][1]
    fields = [content for tag, content in _der_elements(to_be_signed) if tag != _VERSION]
    validity = fields[3]  # after serialNumber, signature, issuer
    not_before, not_after = (_parse_time(tag, content) for tag, content in _der_elements(validity))
    return not_before, not_after


_VERSION, _UTC_TIME = 0xA0, 0x17


def _parse_time(tag: int, content: bytes) -> datetime:
    digits = content.decode("ascii")
    if tag == _UTC_TIME:  # the year has two digits, RFC 5280 §4.1.2.5.1
        digits = ("20" if digits < "50" else "19") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _der_elements(data: bytes) -> list[tuple[int, bytes]]:
    """Return the tags and contents of consecutive DER elements, X.690 §8.1."""
    found, at = [], 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            length, at = int.from_bytes(data[at : at + octets]), at + octets
        found.append((tag, data[at : at + length]))
        at += length
    return found
