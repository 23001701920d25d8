"""The certificate that a peer shows, for policies and logs: the same whichever profile it came by."""

import hashlib
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Certificate", "certificate_of", "described"]


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


def certificate_of(secured: ssl.SSLObject) -> Certificate | None:
    """The certificate that the peer has shown, None where it has none."""
    der = secured.getpeercert(binary_form=True)
    if der is None:
        return None
    verified: Mapping[str, object] = secured.getpeercert() or {}
    return described(der, _pairs(verified.get("subject")), _pairs((verified.get("subjectAltName", ()),)))


def described(der: bytes, subject: Iterable[tuple[str, str]], names: Iterable[tuple[str, str]]) -> Certificate:
    """The certificate ``der`` with its parts, kind and value, as `ssl` calls them."""
    return Certificate(
        subject=", ".join(f"{_SHORT.get(kind, kind)}={value}" for kind, value in subject),
        names=tuple(f"{kind}:{value}" for kind, value in names),
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
