"""The rules of PS3.15 B.13 for certificates: long keys, a signature with SHA-256 or better, and the expected host.

OpenSSL verifies a chain and calls back for each certificate, from the trusted authority down. The rules apply to all
certificates, except that the signature of a self-signed authority is ignored, because trust does not depend on it.
"""

from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import extract_patterns
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity

from ..errors import EncodeError
from .certificates import Certificate, describe_certificate

__all__ = ["CertificateRules", "certificate_of", "host_identity", "shortcoming"]

_MIN_RSA_BITS, _MIN_CURVE_BITS, _MIN_HASH_BYTES = 2048, 256, 32  # minimum sizes, PS3.15 B.13


def shortcoming(certificate: x509.Certificate, depth: int) -> str:
    """Return why B.13 rejects this certificate; "" if B.13 accepts it. ``depth`` is 0 for the peer's certificate."""
    beginning = "in the certificate of an authority, " if depth else ""
    return "; ".join(beginning + found for found in _shortcomings(certificate, depth))


def _shortcomings(certificate: x509.Certificate, depth: int) -> Iterator[str]:
    match certificate.public_key():
        case rsa.RSAPublicKey(key_size=bits) if bits < _MIN_RSA_BITS:
            yield f"the RSA key has {bits} bits, but needs at least {_MIN_RSA_BITS} (PS3.15 B.13)"
        case ec.EllipticCurvePublicKey(key_size=bits) if bits < _MIN_CURVE_BITS:
            yield f"the elliptic curve has {bits} bits, but needs at least {_MIN_CURVE_BITS} (PS3.15 B.13)"
        case rsa.RSAPublicKey() | ec.EllipticCurvePublicKey() | ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            pass
        case _:
            yield "the key is neither an RSA key nor a key of an elliptic curve (PS3.15 B.13)"
    algorithm = certificate.signature_hash_algorithm  # None for EdDSA, whose hash is long enough
    is_self_signed = depth > 0 and certificate.subject == certificate.issuer
    if algorithm is not None and algorithm.digest_size < _MIN_HASH_BYTES and not is_self_signed:
        yield f"the signature uses {algorithm.name.upper()}, but needs SHA-256 or better (PS3.15 B.13)"


# --- hosts ---


def host_identity(host: str) -> DNS_ID | IPAddress_ID:
    """Return the identity that a certificate must name. Raises `EncodeError` for a malformed host name."""
    try:
        return IPAddress_ID(host)
    except ValueError:
        pass
    try:
        return DNS_ID(host.encode("idna").decode("ascii"))
    except ValueError as exc:
        raise EncodeError(f"{host!r} is not a valid host name", path="host") from exc


def _mismatch(certificate: x509.Certificate, host: DNS_ID | IPAddress_ID) -> str:
    """Return why a certificate is not valid for ``host``, in the words of `ssl`; "" if it is valid. CN is ignored."""
    try:
        verify_service_identity(extract_patterns(certificate), [host], [])
    except (VerificationError, CertificateError):
        kind, name = ("Hostname", host.hostname.decode()) if isinstance(host, DNS_ID) else ("IP address", str(host.ip))
        return f"{kind} mismatch, certificate is not valid for '{name}'"
    return ""


# --- a chain, while OpenSSL verifies it ---


class CertificateRules:
    """A callback that OpenSSL calls for each certificate of a chain, with OpenSSL's own verdict on it.

    ``host`` is the host that the peer's certificate must name; None if any name will do. ``refusal`` is the first
    reason to reject the chain; "" if there is none. ``certificate`` is the peer's certificate once it is accepted; None
    before.
    """

    def __init__(self, host: DNS_ID | IPAddress_ID | None) -> None:
        self.refusal = ""
        self.certificate: Certificate | None = None
        self._host = host

    def __call__(self, _: SSL.Connection, shown: crypto.X509, error: int, depth: int, is_good: int) -> bool:
        try:
            self.refusal = self._refusal_of(shown, depth) if is_good else _CODES.get(error, f"OpenSSL says {error}")
        except Exception as exc:  # a hostile certificate can break any parser, and pyOpenSSL would hide the error
            self.refusal = f"the certificate cannot be read: {exc!r}"
        return not self.refusal

    def _refusal_of(self, shown: crypto.X509, depth: int) -> str:
        certificate = shown.to_cryptography()
        refusal = shortcoming(certificate, depth)
        if depth == 0 and self._host is not None:
            refusal = refusal or _mismatch(certificate, self._host)
        if depth == 0 and not refusal:
            self.certificate = certificate_of(shown, certificate)
        return refusal


_SOME_CODES = {  # OpenSSL's text for the most frequent errors
    "CERT_HAS_EXPIRED": "certificate has expired",
    "CERT_NOT_YET_VALID": "certificate is not yet valid",
    "CERT_SIGNATURE_FAILURE": "certificate signature failure",
    "DEPTH_ZERO_SELF_SIGNED_CERT": "self-signed certificate",
    "INVALID_CA": "invalid CA certificate",
    "INVALID_PURPOSE": "unsuitable certificate purpose",
    "SELF_SIGNED_CERT_IN_CHAIN": "self-signed certificate in certificate chain",
    "UNABLE_TO_GET_ISSUER_CERT": "unable to get issuer certificate",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY": "unable to get local issuer certificate",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE": "unable to verify the first certificate",
}
_CODES: dict[int, str] = {
    code: _SOME_CODES.get(name.removeprefix("ERR_"), name.removeprefix("ERR_").replace("_", " ").lower())
    for name, code in vars(SSL.X509VerificationCodes).items()
    if name.startswith("ERR_")
}


# --- the certificate, for policies ---


def certificate_of(shown: crypto.X509, verified: x509.Certificate | None) -> Certificate:
    """Return the certificate ``shown``; its subject and names are empty if ``verified`` is None."""
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, shown)
    if verified is None:
        return describe_certificate(der, (), ())
    return describe_certificate(der, _attributes(verified.subject), _names(verified))


_ACRONYMS = ("INN", "OGRN", "SNILS")
_KINDS = {  # OpenSSL's names of attributes, such as commonName, by OID
    oid: name if name in _ACRONYMS else name[0].lower() + name.title().replace("_", "")[1:]
    for name, oid in vars(x509.NameOID).items()
    if isinstance(oid, x509.ObjectIdentifier)
}


def _attributes(name: x509.Name) -> list[tuple[str, str]]:
    return [(_KINDS.get(each.oid, each.oid.dotted_string), str(each.value)) for rdn in name.rdns for each in rdn]


def _names(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    """Yield the Subject Alternative Names, RFC 5280 §4.2.1.6, each with the kind that OpenSSL prints."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    for name in names:
        match name:
            case x509.DNSName(value=value):
                yield "DNS", value
            case x509.RFC822Name(value=value):
                yield "email", value
            case x509.UniformResourceIdentifier(value=value):
                yield "URI", value
            case x509.RegisteredID(value=oid):
                yield "Registered ID", oid.dotted_string
            case x509.IPAddress(value=address):
                yield "IP Address", _printed_address(str(address.exploded))
            case x509.DirectoryName(value=directory):
                yield "DirName", str(tuple((pair,) for pair in _attributes(directory)))
            case _:
                yield "othername", "<unsupported>"


def _printed_address(exploded: str) -> str:
    """Return an address as OpenSSL prints it: the groups of version 6 in upper case, without leading zeros."""
    return ":".join(f"{int(group, 16):X}" for group in exploded.split(":")) if ":" in exploded else exploded
