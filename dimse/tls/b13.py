"""The Modified BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile, PS3.15 B.13, on pyOpenSSL.

It allows TLS 1.2 and 1.3 with only the suites in the two tables below. A server chooses the first suite in the tables
that the client offers and the server's key allows. The optional suites of B.13 are not offered: OpenSSL lacks
Camellia-GCM, and ECDHE replaces DHE. The curves for the key exchange are OpenSSL's defaults; the shortest, X25519, has
keys of 256 bits, and RFC 9325 recommends it.

OpenSSL considers the CCM_8 suites weak and accepts them only at security level 0, where it also accepts short keys and
old signatures. Therefore this module lists the signature algorithms that a handshake may use, and `b13_rules` checks
the certificates. Sessions are never resumed, so every certificate is checked anew.
"""

import os
import ssl
from contextlib import suppress

from cryptography import x509
from OpenSSL import SSL, crypto
from OpenSSL._util import lib
from service_identity.hazmat import DNS_ID

from ..errors import DecodeError, RemoteProtocolError
from ..ul.wire import Buffer
from .b13_rules import CertificateRules, certificate_of, host_identity, shortcoming
from .certificates import Certificate, Source, load_authorities, load_identity
from .session import failure_text, rejection_text, wrong_side_error

__all__ = ["ModifiedContext", "client_context", "server_context"]

if not hasattr(SSL.Context, "set_tls13_ciphersuites"):
    raise ImportError("this pyOpenSSL cannot choose the suites of TLS 1.3")
if not hasattr(lib, "SSL_CTX_set1_sigalgs_list"):
    raise ImportError("this pyOpenSSL cannot choose the signatures of a handshake")

_TLS_1_3 = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
)
_TLS_1_2 = (  # by the names in OpenSSL
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-CCM",
    "ECDHE-ECDSA-AES256-CCM8",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-CCM",
    "ECDHE-ECDSA-AES128-CCM8",
)
_LEVEL_0 = "@SECLEVEL=0"
_SIGNATURES = (  # the signature algorithms of a handshake; none uses SHA-1, RFC 9155
    *("ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512", "ed25519", "ed448"),
    *("rsa_pss_pss_sha256", "rsa_pss_pss_sha384", "rsa_pss_pss_sha512"),
    *("rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512"),
    *("rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha512"),
)

_MAX_RECORD = 1 << 14  # the most plain bytes in a record, RFC 8446 §5.1
_MAX_PIECE = 1 << 16  # bytes taken from OpenSSL at a time; for larger buffers, malloc creates a new map each time

# If `b13_rules` rejects a certificate, OpenSSL creates the alert internal_error. It is replaced by bad_certificate,
# which RFC 8446 §6.2 requires. A server with TLS 1.3 encrypts its alert, so that alert cannot be replaced.
_INTERNAL_ERROR = bytes((0x15, 3, 3, 0, 2, 2, 80))
_BAD_CERTIFICATE = bytes((0x15, 3, 3, 0, 2, 2, 42))


class ModifiedContext:
    """An `EngineContext`: the settings that all connections of one side share."""

    def __init__(self, context: SSL.Context, verify: int, *, is_server: bool) -> None:
        self.check_hostname = not is_server
        self._context = context
        self._verify = verify
        self._is_server = is_server

    def engine(self, server_hostname: str | None) -> "ModifiedEngine":
        """Return an engine; ``server_hostname`` is the host to which a client connects, None for a server."""
        if self._is_server != (server_hostname is None):
            raise wrong_side_error(server_hostname)
        connection = SSL.Connection(self._context)
        rules = None
        if server_hostname is None:
            connection.set_accept_state()
        else:
            _start_client(connection, server_hostname)
        if self._verify != SSL.VERIFY_NONE:
            host = host_identity(server_hostname) if server_hostname is not None and self.check_hostname else None
            rules = CertificateRules(host)
            connection.set_verify(self._verify, rules)
        return ModifiedEngine(connection, rules)


def server_context(certificate: Source, key: Source | None, ca: Source | None, require_client: bool) -> ModifiedContext:
    """See `profiles.server_context`."""
    context = _new_context()
    _load_identity(context, certificate, key)
    verify = SSL.VERIFY_NONE
    if ca is not None:
        _load_authorities(context, ca)
        verify = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if require_client else 0)
    return ModifiedContext(context, verify, is_server=True)


def client_context(
    ca: Source | None, certificate: Source | None, key: Source | None, *, verify: bool
) -> ModifiedContext:
    """See `profiles.client_context`."""
    context = _new_context()
    if verify and ca is None:
        _load_default_authorities(context)
    elif verify and ca is not None:
        _load_authorities(context, ca)
    if certificate is not None:
        _load_identity(context, certificate, key)
    return ModifiedContext(context, SSL.VERIFY_PEER if verify else SSL.VERIFY_NONE, is_server=False)


class ModifiedEngine:
    """An `Engine` on pyOpenSSL. If ``rules`` is None, the peer's certificate is not verified."""

    def __init__(self, connection: SSL.Connection, rules: CertificateRules | None) -> None:
        self._connection = connection
        self._rules = rules

    @property
    def certificate(self) -> Certificate | None:
        if self._rules is not None:
            return self._rules.certificate
        shown = self._connection.get_peer_certificate()
        return None if shown is None else certificate_of(shown, None)

    @property
    def agreed(self) -> str:
        return f"{self._connection.get_protocol_version_name()}, {self._connection.get_cipher_name()}"

    def receive(self, data: Buffer) -> None:
        self._connection.bio_write(data)

    def data_to_send(self) -> bytes:
        pieces: list[bytes] = []
        with suppress(SSL.WantReadError):  # there is no more data
            while not pieces or len(pieces[-1]) == _MAX_PIECE:
                pieces.append(self._connection.bio_read(_MAX_PIECE))
        data = b"".join(pieces)
        if data == _INTERNAL_ERROR and self._refusal:
            return _BAD_CERTIFICATE
        return data

    def handshake(self) -> bool:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as exc:
            raise RemoteProtocolError(rejection_text(self._refusal) if self._refusal else _reason_of(exc)) from exc
        return True

    def read(self, buffer: memoryview) -> int | None:
        try:
            return self._connection.recv_into(buffer, _MAX_RECORD)
        except SSL.WantReadError:
            return None
        except SSL.ZeroReturnError:
            return 0
        except SSL.Error as exc:
            raise RemoteProtocolError(_reason_of(exc)) from exc

    def write(self, data: bytes) -> None:
        try:
            self._connection.sendall(data)
        except SSL.Error as exc:
            raise RemoteProtocolError(_reason_of(exc)) from exc

    def close(self) -> None:
        with suppress(SSL.Error):  # the handshake was never completed
            self._connection.shutdown()

    @property
    def _refusal(self) -> str:
        return self._rules.refusal if self._rules is not None else ""


def _start_client(connection: SSL.Connection, host: str) -> None:
    """Start as a client of ``host``. A host name is sent to the server; an address is not, RFC 6066 §3."""
    connection.set_connect_state()
    identity = host_identity(host)
    if isinstance(identity, DNS_ID):
        connection.set_tlsext_host_name(identity.hostname)


def _reason_of(error: SSL.Error) -> str:
    """Return why a connection failed, as text."""
    return failure_text(_cause_of(error) or "the connection is over")


def _cause_of(error: SSL.Error) -> str:
    """Return OpenSSL's reason. An error has a list of (library, function, reason); the first triple counts."""
    causes = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return str(causes[0][2]) if causes else ""


# --- contexts ---


def _new_context() -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(":".join((*_TLS_1_2, _LEVEL_0)).encode())
    context.set_tls13_ciphersuites(":".join(_TLS_1_3).encode())
    context.set_options(SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # pyOpenSSL lacks a method for this, but OpenSSL has a function.
    lib.SSL_CTX_set1_sigalgs_list(context._context, ":".join(_SIGNATURES).encode())
    return context


def _checking_context() -> ssl.SSLContext:
    """Return a context of `ssl` that raises clear errors for files. It accepts short keys; `b13_rules` checks keys."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(f"ALL:{_LEVEL_0}")
    return context


def _load_identity(context: SSL.Context, certificate: Source, key: Source | None) -> None:
    pem = load_identity(_checking_context(), certificate, key)
    path = os.fspath(certificate)
    try:
        leaf, *issuers = x509.load_pem_x509_certificates(pem.encode("ascii"))
        shortcomings = [shortcoming(each, depth) for depth, each in enumerate((leaf, *issuers))]
        context.use_certificate(leaf)
        for issuer in issuers:
            context.add_extra_chain_cert(issuer)
        context.use_privatekey_file(path if key is None else os.fspath(key))
    except Exception as exc:  # two libraries raise many kinds of errors for files that `ssl` has accepted
        raise DecodeError(f"cannot be used: {exc}", path=path) from exc
    if any(shortcomings):
        raise DecodeError("; ".join(filter(None, shortcomings)), path=path)


def _load_authorities(context: SSL.Context, ca: Source) -> None:
    load_authorities(_checking_context(), ca)
    try:
        context.load_verify_locations(os.fspath(ca))
    except SSL.Error as exc:  # pyOpenSSL also reads what `ssl` skips: empty certificates, and revocation lists
        raise DecodeError(f"cannot be used: {_cause_of(exc)}", path=os.fspath(ca)) from exc


def _load_default_authorities(context: SSL.Context) -> None:
    """Load the authorities that `ssl` finds on this system; the OpenSSL in pyOpenSSL uses other paths."""
    system = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    system.load_default_certs()
    store = context.get_cert_store()
    assert store is not None
    for der in system.get_ca_certs(binary_form=True):
        store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, der))
    folder = ssl.get_default_verify_paths().capath
    if folder is not None:
        context.load_verify_locations(None, folder)
