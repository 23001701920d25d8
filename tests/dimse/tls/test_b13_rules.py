"""PS3.15 B.13: the rules for keys and certificates, and the identity of the peer."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
from certificates import Authority
from chains import Holder, Key, curve, issue, rsa_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519
from handshakes import complaints, ends, peer_client, peer_server, shake_hands

from dimse.errors import DecodeError
from dimse.net import TLSProfile, client_context, server_context
from dimse.tls import Certificate

rules = pytest.importorskip("dimse.tls.b13_rules")
PROFILES: tuple[TLSProfile, ...] = ("B.12", "B.13")
SHORT_RSA = "the RSA key has 1024 bits, but needs at least 2048 (PS3.15 B.13)"
SHORT_CURVE = "the elliptic curve has 224 bits, but needs at least 256 (PS3.15 B.13)"
SHA_1 = "the signature uses SHA1, but needs SHA-256 or better (PS3.15 B.13)"
SHA_224 = "the signature uses SHA224, but needs SHA-256 or better (PS3.15 B.13)"
WEAK: dict[str, Callable[[Holder], Holder]] = {
    SHORT_RSA: lambda root: issue(rsa_key(1024), root),
    SHORT_CURVE: lambda root: issue(curve(ec.SECP224R1), root),
    SHA_1: lambda root: issue(rsa_key(), root, algorithm=hashes.SHA1()),
    SHA_224: lambda root: issue(curve(), root, algorithm=hashes.SHA224()),
    f"{SHORT_RSA}; {SHA_1}": lambda root: issue(rsa_key(1024), root, algorithm=hashes.SHA1()),
}


@pytest.fixture(scope="module")
def root() -> Holder:
    return issue(rsa_key(), is_authority=True)


def ca_file(holder: Holder, folder: Path) -> Path:
    return holder.save(folder).certificate


@pytest.mark.parametrize("words", [words for words in WEAK if words != SHORT_CURVE])
def test_weak_certificate_of_a_peer_is_refused(root: Holder, tmp_path: Path, words: str) -> None:
    """Both sides refuse it, and alert the peer."""
    ca, peer = ca_file(root, tmp_path), WEAK[words](root).save(tmp_path)
    refused = f"the certificate of the peer is not accepted: {words}"
    client, server = ends(client_context(ca, profile="B.13"), peer_server(peer))
    assert complaints(client, server) == (refused, "the peer refused TLS: bad certificate")
    assert client.certificate is None
    theirs = peer_client("ALL")
    theirs.load_cert_chain(*peer)
    ours = server_context(*issue(rsa_key(), root).save(tmp_path), ca=ca, profile="B.13")
    client, server = ends(theirs, ours)
    assert complaints(client, server) == ("the peer refused TLS: bad certificate", refused)
    theirs.maximum_version = ssl.TLSVersion.TLSv1_3
    client, server = ends(theirs, ours)
    assert complaints(client, server) == ("the peer refused TLS: internal error", refused)


def test_short_curve_in_a_certificate_is_refused(root: Holder, tmp_path: Path) -> None:
    """No suite remains, because neither side lists the curve, RFC 8422 §5.1."""
    ca, peer = ca_file(root, tmp_path), WEAK[SHORT_CURVE](root).save(tmp_path)
    client, server = ends(client_context(ca, profile="B.13"), peer_server(peer))
    assert complaints(client, server) == ("the peer refused TLS: handshake failure", "TLS failed: no shared cipher")
    theirs = peer_client("ALL")
    theirs.load_cert_chain(*peer)
    ours = server_context(*issue(rsa_key(), root).save(tmp_path), ca=ca, profile="B.13")
    client, server = ends(theirs, ours)
    refused = f"the certificate of the peer is not accepted: {SHORT_CURVE}"
    assert complaints(client, server) == ("the peer refused TLS: bad certificate", refused)


@pytest.mark.parametrize("words", WEAK)
def test_weak_certificate_of_our_own_raises(root: Holder, tmp_path: Path, words: str) -> None:
    """The error at the start names the file and the rule."""
    own = WEAK[words](root).save(tmp_path)
    for make in (server_context, partial(client_context, None)):
        with pytest.raises(DecodeError) as caught:
            make(*own, profile="B.13")
        assert (caught.value.path, caught.value.what) == (str(own.certificate), words)


def test_weak_certificate_of_an_authority_is_refused(root: Holder, tmp_path: Path) -> None:
    """The rule applies to intermediate and trusted authorities, and to those in our own chain."""
    by_sha_1 = issue(rsa_key(), root, algorithm=hashes.SHA1(), is_authority=True)
    short = issue(rsa_key(1024), is_authority=True)
    for authority, trusted, words in ((by_sha_1, root, SHA_1), (short, short, SHORT_RSA)):
        leaf = issue(curve(), authority).save(tmp_path, authority)
        client, server = ends(client_context(ca_file(trusted, tmp_path), profile="B.13"), peer_server(leaf))
        refused = f"the certificate of the peer is not accepted: in the certificate of an authority, {words}"
        assert complaints(client, server) == (refused, "the peer refused TLS: bad certificate")
        with pytest.raises(DecodeError, match="in the certificate of an authority, the "):
            server_context(*leaf, profile="B.13")


def test_signature_of_an_authority_for_itself_is_ignored(tmp_path: Path) -> None:
    """A trusted authority may sign itself with SHA-1, but a peer may not."""
    old = issue(rsa_key(), algorithm=hashes.SHA1(), is_authority=True)
    ours = server_context(*issue(curve(), old).save(tmp_path, old), profile="B.13")
    client, server = ends(client_context(ca_file(old, tmp_path), profile="B.13"), ours)
    shake_hands(client, server)
    own = issue(rsa_key(), algorithm=hashes.SHA1()).save(tmp_path)
    client, server = ends(client_context(own.certificate, profile="B.13"), peer_server(own))
    assert complaints(client, server)[0].endswith(SHA_1)


LONG: dict[str, Callable[[], Key]] = {
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
    "Ed448": ed448.Ed448PrivateKey.generate,
    "P-521": lambda: curve(ec.SECP521R1),
    "RSA": lambda: rsa_key(3072),
}


@pytest.mark.parametrize("kind", LONG)
def test_long_keys_are_accepted(tmp_path: Path, kind: str) -> None:
    """A self-signed certificate can be trusted explicitly."""
    own = issue(LONG[kind]()).save(tmp_path)
    ours = server_context(*own, ca=own.certificate, profile="B.13")
    client, server = ends(client_context(own.certificate, *own, profile="B.13"), ours)
    shake_hands(client, server)
    assert client.certificate is not None
    server.receive(client.data_to_send())
    assert server.certificate == client.certificate


def test_key_of_another_kind_is_refused(root: Holder) -> None:
    dsa_key = issue(dsa.generate_private_key(1024), root)
    assert rules.shortcoming(dsa_key.certificate, 0) == (
        "the key is neither an RSA key nor a key of an elliptic curve (PS3.15 B.13)"
    )


def test_no_rule_applies_without_verification(root: Holder, tmp_path: Path) -> None:
    """As with B.12, only the bytes of the certificate are known."""
    weak = issue(rsa_key(1024), root)
    shown: list[Certificate | None] = []
    for profile in PROFILES:
        lenient = client_context(verify=False, profile=profile)
        if isinstance(lenient, ssl.SSLContext):
            lenient.set_ciphers("ALL:@SECLEVEL=0")
        client, server = ends(lenient, peer_server(weak.save(tmp_path)))
        shake_hands(client, server)
        shown.append(client.certificate)
        assert server.certificate is None
    assert shown[0] is not None
    assert shown[0] == shown[1]
    assert (shown[0].subject, shown[0].names) == ("", ())
    nobody, _ = ends(client_context(verify=False, profile="B.13"), server_context(*issue(curve()).save(tmp_path)))
    assert nobody.certificate is None


def test_certificate_of_another_host_is_refused(root: Holder, tmp_path: Path) -> None:
    """Alternative names count, the common name does not; a wildcard is one label, RFC 9525 §6.3."""
    ca = ca_file(root, tmp_path)
    names = (x509.DNSName("*.example.org"), x509.IPAddress(ip_address("10.0.0.7")), x509.IPAddress(ip_address("::1")))
    named, nameless = issue(curve(), root, names=names).save(tmp_path), issue(curve(), root, names=()).save(tmp_path)
    common = nameless.certificate.stem  # its common name is its number
    said = {
        ("ct1.example.org", named): "",
        ("CT1.Example.org", named): "",
        ("10.0.0.7", named): "",
        ("0:0:0:0:0:0:0:1", named): "",
        ("a.b.example.org", named): "Hostname mismatch, certificate is not valid for 'a.b.example.org'",
        ("bücher.example", named): "Hostname mismatch, certificate is not valid for 'xn--bcher-kva.example'",
        ("10.0.0.8", named): "IP address mismatch, certificate is not valid for '10.0.0.8'",
        (common, nameless): f"Hostname mismatch, certificate is not valid for '{common}'",
    }
    for (host, identity), words in said.items():
        context = client_context(ca, profile="B.13")
        client, server = ends(context, server_context(*identity, profile="B.13"), host)
        if words:
            refused = f"the certificate of the peer is not accepted: {words}"
            assert complaints(client, server) == (refused, "the peer refused TLS: bad certificate")
            context.check_hostname = False
            client, server = ends(context, server_context(*identity, profile="B.13"), host)
        shake_hands(client, server)


def test_untrusted_certificate_is_refused(root: Holder, tmp_path: Path) -> None:
    """The words and the alert come from OpenSSL, as with B.12."""
    ca, now, day = ca_file(root, tmp_path), datetime.now(UTC), timedelta(days=1)
    authority = Authority(tmp_path / "authority")
    past = authority.issue("past", not_before=now - 9 * day, not_after=now - day)
    not_an_authority = issue(curve(), root)
    beneath = issue(curve(), not_an_authority)
    for identity, trusted in (
        (past, authority.ca),
        (issue(curve()).save(tmp_path), ca),
        (issue(curve(), issue(rsa_key())).save(tmp_path), ca),
        (beneath.save(tmp_path, not_an_authority), ca),
    ):
        heard = [
            complaints(*ends(client_context(trusted, profile=profile), peer_server(identity))) for profile in PROFILES
        ]
        assert heard[0] == heard[1]
        assert heard[0][0].startswith("the certificate of the peer is not accepted: ")


def test_malformed_certificate_is_refused(root: Holder, tmp_path: Path) -> None:
    """An IP address of one byte."""
    builder_names = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x03\x87\x01\x01")
    peer = issue(curve(), root, names=(), more=builder_names).save(tmp_path)
    theirs = peer_client("ALL")
    theirs.load_cert_chain(*peer)
    ours = server_context(*issue(curve(), root).save(tmp_path), ca=ca_file(root, tmp_path), profile="B.13")
    client, server = ends(theirs, ours)
    assert complaints(client, server)[1].startswith(
        "the certificate of the peer is not accepted: the certificate cannot be read: "
    )


def test_certificate_is_shown_as_with_b_12(root: Holder, tmp_path: Path) -> None:
    """All kinds of attributes and names."""
    kinds = {oid for oid in vars(x509.NameOID).values() if isinstance(oid, x509.ObjectIdentifier)}
    other = {x509.NameOID.X500_UNIQUE_IDENTIFIER}  # bits
    other |= {oid for oid in kinds if oid.dotted_string.startswith("1.3.6.1.5.5.7.25.")}  # not every OpenSSL knows them
    short = {x509.NameOID.COUNTRY_NAME, x509.NameOID.JURISDICTION_COUNTRY_NAME}
    private = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")
    subject = [
        x509.NameAttribute(oid, "DE" if oid in short else "Röntgen 3" if oid == x509.NameOID.COMMON_NAME else "ct 1")
        for oid in sorted(kinds - other | {private}, key=lambda oid: oid.dotted_string)
    ]
    names = (
        x509.DNSName("ct1.example.org"),
        x509.IPAddress(ip_address("10.0.0.7")),
        x509.IPAddress(ip_address("2001:db8::a:7")),
        x509.RFC822Name("ct1@example.org"),
        x509.UniformResourceIdentifier("https://example.org/ct1"),
        x509.RegisteredID(private),
        x509.DirectoryName(x509.Name(subject[:2])),
        x509.OtherName(private, b"\x05\x00"),
    )
    peer = issue(curve(), root, subject=x509.Name(subject), names=names).save(tmp_path)
    own, ca = issue(curve(), root).save(tmp_path), ca_file(root, tmp_path)
    seen = []
    for profile in PROFILES:
        client, server = ends(client_context(ca, *peer), server_context(*own, ca=ca, profile=profile))
        shake_hands(client, server)
        seen.append(server.certificate)
    assert seen[0] is not None
    assert len(seen[0].names) == len(names)
    assert seen[0] == seen[1]
