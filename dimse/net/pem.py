"""PEM files with certificates and keys, RFC 7468: read, and refused in words that name the file and the reason."""

import os
import ssl
from datetime import UTC, datetime
from pathlib import Path

from ..errors import DecodeError

__all__ = ["Source", "load_authorities", "load_identity"]

Source = str | os.PathLike[str]

_ENCRYPTED = ("BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED")  # RFC 5958, RFC 1421


def load_identity(context: ssl.SSLContext, certificate: Source, key: Source | None) -> str:
    """Let ``context`` show ``certificate``; return the text of its file. Without ``key`` it stands in the same file.

    Raises `DecodeError` for a file that cannot be used, with its name as the path; OSError for one that cannot be read.
    """
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
    return pem


def load_authorities(context: ssl.SSLContext, ca: Source) -> None:
    """Let ``context`` trust the authorities in the file ``ca``. Raises as `load_identity` does."""
    try:
        context.load_verify_locations(cadata=_pem(ca, "BEGIN CERTIFICATE", "a certificate"))
    except ssl.SSLError as exc:
        raise DecodeError(f"cannot be used: {_words(exc)}", path=os.fspath(ca)) from exc


def _pem(source: Source, label: str, what: str) -> str:
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
