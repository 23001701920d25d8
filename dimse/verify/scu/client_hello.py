"""The ClientHello of an SCU: the versions, cipher suites and compression methods that it offers."""

from dataclasses import dataclass

from ...errors import DecodeError

__all__ = ["ClientHello", "is_whole", "parse"]

TLS_1_2, TLS_1_3 = 0x0303, 0x0304
_HANDSHAKE, _CLIENT_HELLO, _SUPPORTED_VERSIONS = 0x16, 1, 43  # RFC 8446 §5.1, §4, §4.2
_RECORD_HEADER, _MESSAGE_HEADER = 5, 4
_GREASE, _GREASE_STEP = 0x0A0A, 0x1010  # RFC 8701: values without a meaning, which clients add to their lists

# Cipher suites by their numbers at IANA. Of the suites with pre-shared keys, only those with RC4 are listed.
_NULL = {0x0000, 0x0001, 0x0002, 0x003B, 0xC001, 0xC006, 0xC00B, 0xC010, 0xC015, 0xC0B4, 0xC0B5}
_EXPORT = {0x0003, 0x0006, 0x0008, 0x000B, 0x000E, 0x0011, 0x0014, 0x0017, 0x0019, *range(0x0026, 0x002C)}
_RC4 = {0x0003, 0x0004, 0x0005, 0x0017, 0x0018, 0x0020, 0x0024, 0x0028, 0x002B, 0x008A, 0x008E, 0x0092}
_RC4 |= {0xC002, 0xC007, 0xC00C, 0xC011, 0xC016, 0xC033}
_ANONYMOUS = {*range(0x0017, 0x001C), 0x0034, 0x003A, 0x0046, 0x006C, 0x006D, 0x0089, 0x009B, 0x00A6, 0x00A7}
_ANONYMOUS |= {0x00BF, 0x00C5, *range(0xC015, 0xC01A), 0xC046, 0xC047, 0xC05A, 0xC05B, 0xC084, 0xC085}
_FORBIDDEN = {"NULL": _NULL, "EXPORT": _EXPORT, "RC4": _RC4, "anonymous": _ANONYMOUS}
_AEAD_1_3 = set(range(0x1301, 0x1306))
_AEAD_1_2 = {0x009E, 0x009F, 0x00A2, 0x00A3, 0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9, 0xCCAA}
_AEAD_1_2 |= {0xC052, 0xC053, 0xC056, 0xC057, 0xC05C, 0xC05D, 0xC060, 0xC061, 0xC07C, 0xC07D, 0xC080, 0xC081}
_AEAD_1_2 |= {0xC086, 0xC087, 0xC08A, 0xC08B, 0xC09E, 0xC09F, 0xC0A2, 0xC0A3, *range(0xC0AC, 0xC0B0)}


@dataclass(frozen=True, slots=True)
class ClientHello:
    """The offer of a client.

    ``versions`` are the versions in the extension supported_versions, or else only the highest version of the client.
    ``has_version_list`` says whether the extension is present and names a version.
    """

    versions: tuple[int, ...]
    suites: tuple[int, ...]
    compressions: tuple[int, ...]
    has_version_list: bool

    @property
    def is_modern(self) -> bool:
        """Whether TLS 1.2 or 1.3 is offered."""
        return TLS_1_2 in self.versions or TLS_1_3 in self.versions

    @property
    def has_aead(self) -> bool:
        """Whether a suite with ephemeral keys and AEAD is offered, for a version that is offered."""
        suites = set(self.suites)
        found = (TLS_1_3 in self.versions and suites & _AEAD_1_3) or (TLS_1_2 in self.versions and suites & _AEAD_1_2)
        return bool(found)

    def forbidden(self) -> list[str]:
        """Return the suites that no client may offer, such as ``NULL (003B)``."""
        return [
            f"{name} ({suite:04X})" for name, suites in _FORBIDDEN.items() for suite in self.suites if suite in suites
        ]

    def outdated(self) -> list[str]:
        """Return the ``versions`` below TLS 1.2, in hexadecimal."""
        return [f"{version:04X}" for version in self.versions if version < TLS_1_2]


def _message(octets: bytes) -> bytes:
    """Return the handshake message in the records of ``octets``, as far as it has arrived."""
    found, at = b"", 0
    while len(octets) >= at + _RECORD_HEADER and octets[at] == _HANDSHAKE:
        end = at + _RECORD_HEADER + int.from_bytes(octets[at + 3 : at + _RECORD_HEADER], "big")
        found += octets[at + _RECORD_HEADER : end]
        at = end
    return found


def is_whole(octets: bytes) -> bool:
    """Return whether a whole handshake message has arrived, or octets that cannot begin such a message."""
    if octets and octets[0] != _HANDSHAKE:
        return True
    message = _message(octets)
    if len(message) < _MESSAGE_HEADER:
        return False
    return len(message) >= _MESSAGE_HEADER + int.from_bytes(message[1:_MESSAGE_HEADER], "big")


class _Reader:
    """A reader of numbers and vectors (RFC 8446 §3). Its methods raise `DecodeError` if the octets end too early."""

    def __init__(self, octets: bytes) -> None:
        self._octets, self._at = octets, 0

    def take(self, size: int) -> bytes:
        found = self._octets[self._at : self._at + size]
        if len(found) < size:
            raise DecodeError("the ClientHello ends too early")
        self._at += size
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))

    @property
    def is_at_end(self) -> bool:
        return self._at >= len(self._octets)


def parse(octets: bytes) -> ClientHello:
    """Return the ClientHello in the records of ``octets`` (RFC 8446 §4.1.2).

    Raises `DecodeError` if there is none, or if it is incomplete.
    """
    message = _message(octets)
    if message[:1] != bytes((_CLIENT_HELLO,)):
        raise DecodeError("the first octets are not a ClientHello")
    reader = _Reader(_Reader(message[1:]).vector(_MESSAGE_HEADER - 1))
    legacy = reader.number(2)
    reader.take(32)  # random
    reader.vector(1)  # session id
    suites = _numbers(reader.vector(2))
    compressions = tuple(reader.vector(1))
    versions: tuple[int, ...] = ()
    if not reader.is_at_end:
        extensions = _Reader(reader.vector(2))
        while not extensions.is_at_end:
            kind, value = extensions.number(2), extensions.vector(2)
            if kind == _SUPPORTED_VERSIONS:
                versions = _numbers(_Reader(value).vector(1))
    return ClientHello(versions or (legacy,), suites, compressions, bool(versions))


def _numbers(octets: bytes) -> tuple[int, ...]:
    """Return the numbers of two octets each, without the meaningless values of RFC 8701."""
    numbers = (int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets) - 1, 2))
    return tuple(number for number in numbers if (number - _GREASE) % _GREASE_STEP)
