"""Certificate chains with any key, hash and extension, also too weak ones."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from certificates import Identity
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

EdwardsKey = ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | EdwardsKey | dsa.DSAPrivateKey

_SHA256_WITH_RSA, _SHA1_WITH_RSA = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")


class Holder(NamedTuple):
    """A key and a certificate for it."""

    certificate: x509.Certificate
    key: Key

    def save(self, folder: Path, *issuers: "Holder") -> Identity:
        """Write PEM files; the certificates of ``issuers`` follow the holder's own."""
        name = f"{self.certificate.serial_number:x}"
        identity = Identity(folder / f"{name}.pem", folder / f"{name}-key.pem")
        chain = (self, *issuers)
        identity.certificate.write_bytes(b"".join(one.certificate.public_bytes(Encoding.PEM) for one in chain))
        identity.key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return identity


def curve(kind: type[ec.EllipticCurve] = ec.SECP256R1) -> Key:
    """Return a private key of an elliptic curve."""
    return ec.generate_private_key(kind())


def rsa_key(bits: int = 2048) -> Key:
    """Return a private key of RSA."""
    return rsa.generate_private_key(65537, bits)


_LOCAL = (x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost"))


def issue(
    key: Key,
    issuer: Holder | None = None,
    *,
    algorithm: hashes.SHA1 | hashes.SHA224 | hashes.SHA256 = hashes.SHA256(),  # noqa: B008  # it has no state
    is_authority: bool = False,
    subject: x509.Name | None = None,
    names: tuple[x509.GeneralName, ...] = _LOCAL,
    more: x509.ExtensionType | None = None,
) -> Holder:
    """Return a certificate of this machine, signed by ``issuer``, or else by its own ``key``."""
    serial = x509.random_serial_number()
    subject = subject or x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{serial:x}")])
    now, day = datetime.now(UTC), timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .serial_number(serial)
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if more:
        builder = builder.add_extension(more, critical=False)
    signer = issuer.key if issuer else key
    assert not isinstance(signer, dsa.DSAPrivateKey)
    if isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return Holder(builder.sign(signer, None), key)
    if isinstance(algorithm, hashes.SHA1):
        assert isinstance(signer, rsa.RSAPrivateKey)
        return Holder(_with_sha1(builder.sign(signer, hashes.SHA256()), signer), key)
    return Holder(builder.sign(signer, algorithm), key)


def _with_sha1(certificate: x509.Certificate, signer: rsa.RSAPrivateKey) -> x509.Certificate:
    """Return ``certificate`` with a signature that cryptography no longer makes."""
    content = certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signature = signer.sign(content, padding.PKCS1v15(), hashes.SHA1())
    der = certificate.public_bytes(Encoding.DER).replace(certificate.tbs_certificate_bytes, content)
    der = der.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA).replace(certificate.signature, signature)
    return x509.load_der_x509_certificate(der)
