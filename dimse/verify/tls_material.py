"""TLS for the cases: contexts for some versions and cipher suites, certificates that no peer should accept, and a
connection whose records a case can cut or change.

The client contexts of this module accept any certificate. The sanity case checks the certificate of the peer, with the
context that the user has configured.
"""

import asyncio
import atexit
import re
import ssl
import warnings
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import NoReturn

from ..ul import PDUStream

__all__ = [
    "AEAD",
    "AEAD_OR_CBC",
    "DHE",
    "TLSFiles",
    "Tunnel",
    "client",
    "hello",
    "server",
    "supports_version",
    "untrusted_certificate",
]

AEAD = "ECDHE+AESGCM:DHE+AESGCM"  # RFC 7525 §4.2
DHE = "DHE+AESGCM"
AEAD_OR_CBC = f"{AEAD}:ECDHE+AES:DHE+AES:AES"
_ANY = "ALL"
_OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
_READ_SIZE = 1 << 16
_MAX_PDU = 1 << 20  # octets of a PDU that a `Tunnel` reads
_MESSAGE, _HERE = re.compile(r"ssl\.TLSVersion\.", re.IGNORECASE), re.compile(rf"{re.escape(__name__)}\Z")
_FILTER: object = ("ignore", _MESSAGE, DeprecationWarning, _HERE, 0)

Version = ssl.TLSVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class TLSFiles:
    """PEM files of the tester's identities; ``key`` is None if the key is in the file of the certificate.

    ``expired`` and ``other_host`` each have a certificate and its key: from the same authority as ``certificate``, but
    expired, or for another host.
    """

    certificate: Path | None = None
    key: Path | None = None
    expired: Path | None = None
    other_host: Path | None = None


def client(
    *,
    minimum: Version = Version.TLSv1_2,
    maximum: Version = Version.MAXIMUM_SUPPORTED,
    suites: str = AEAD,
    certificate: Path | None = None,
    key: Path | None = None,
) -> ssl.SSLContext:
    """Return the context of a client that accepts any certificate.

    ``suites`` are for TLS 1.2, in OpenSSL's notation; with a ``minimum`` below TLS 1.2, all suites are offered instead.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _limit(context, minimum, maximum, suites)
    if certificate is not None:
        context.load_cert_chain(certificate, key, _refuse_password)
    return context


def server(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """Return the context of a server of TLS 1.2 and newer. It shows ``certificate``, and requests no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _limit(context, Version.TLSv1_2, Version.MAXIMUM_SUPPORTED, AEAD)
    context.load_cert_chain(certificate, key, _refuse_password)
    return context


def _refuse_password() -> NoReturn:
    """Refuse an encrypted private key: without a function, OpenSSL asks for the password at the terminal."""
    raise ssl.SSLError("the private key is encrypted; only a key without a password can be used")


def _limit(context: ssl.SSLContext, minimum: Version, maximum: Version, suites: str) -> None:
    if minimum in _OLD:
        context.set_ciphers(f"{_ANY}:@SECLEVEL=0")  # otherwise OpenSSL 3 refuses versions below TLS 1.2
    else:
        context.set_ciphers(suites)
    _silence_deprecation()
    context.minimum_version, context.maximum_version = minimum, maximum


def _silence_deprecation() -> None:
    """Silence the warning of Python that a version of TLS is old: a case tests that the peer refuses this version.

    The filter is never removed: `warnings.catch_warnings` would also undo filters that other threads set meanwhile.
    """
    if _FILTER not in warnings.filters:
        warnings.filterwarnings("ignore", _MESSAGE.pattern, DeprecationWarning, _HERE.pattern)


@cache
def untrusted_certificate() -> Path:
    """Return the file of a certificate and its key that no peer trusts."""
    stack = ExitStack()  # if the package is in an archive, the file is a temporary one until the program ends
    atexit.register(stack.close)
    return stack.enter_context(as_file(files(__package__) / "untrusted.pem"))


def _in_memory(
    context: ssl.SSLContext, *, is_server: bool = False
) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """Return one side of a TLS connection in memory, and the buffers of its incoming and its outgoing octets."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    return context.wrap_bio(incoming, outgoing, server_side=is_server), incoming, outgoing


def hello() -> bytes:
    """Return a ClientHello."""
    tls, _, outgoing = _in_memory(client())
    with suppress(ssl.SSLWantReadError):  # the handshake cannot go on without the answer of the server
        tls.do_handshake()
    return outgoing.read()


@cache
def supports_version(version: Version) -> bool:
    """Return whether the OpenSSL of this Python can still do a handshake in ``version``, which is below TLS 1.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        _limit(context, version, version, _ANY)
        context.load_cert_chain(untrusted_certificate())
        ours, ours_in, ours_out = _in_memory(client(minimum=version, maximum=version))
        theirs, theirs_in, theirs_out = _in_memory(context, is_server=True)
        for _ in range(4):
            for side, bio, other in ((ours, ours_out, theirs_in), (theirs, theirs_out, ours_in)):
                with suppress(ssl.SSLWantReadError):  # more octets are needed; the next round continues
                    side.do_handshake()
                other.write(bio.read())
    except (ssl.SSLError, ValueError):
        return False
    return ours.version() is not None and theirs.version() is not None


class Tunnel:
    """A TLS connection whose records a case sends itself.

    Its methods raise OSError (`ssl.SSLError` is one), and EOFError if the peer has sent close_notify or closed the
    connection. `pdu` also raises `DecodeError`, and `LimitExceeded` for a PDU of more than `_MAX_PDU` bytes.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
        self._reader, self._writer = reader, writer
        self._tls, self._incoming, self._outgoing = _in_memory(context)
        self._stream = PDUStream(_MAX_PDU, _MAX_PDU)

    async def shake_hands(self) -> None:
        """Do the handshake."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._read()
        self.send(b"")

    async def _read(self) -> None:
        self._writer.write(self._outgoing.read())
        data = await self._reader.read(_READ_SIZE)
        if not data:
            raise EOFError("the peer has closed the connection")
        self._incoming.write(data)

    def record(self, octets: bytes) -> bytes:
        """Return ``octets`` as a TLS record."""
        self._tls.write(octets)
        return self._outgoing.read()

    def send(self, octets: bytes, record: bytes | None = None) -> None:
        """Send ``octets`` as a TLS record, or send ``record`` instead; with neither, send the pending octets of TLS."""
        self._writer.write((self.record(octets) if octets else self._outgoing.read()) if record is None else record)

    async def pdu(self) -> bytes:
        """Return the next PDU of the peer. PDUs that arrive together with it are dropped."""
        found: list[bytes] = []
        while not found:
            try:
                data = self._tls.read(_READ_SIZE)
            except ssl.SSLWantReadError:
                await self._read()
                continue
            if not data:
                raise EOFError("the peer has sent close_notify")
            found = [bytes(each) for each in self._stream.feed(data)]
        return found[0]

    def end(self) -> None:
        """Send FIN without close_notify."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def close(self) -> None:
        """Close the connection at once."""
        self._writer.transport.abort()
