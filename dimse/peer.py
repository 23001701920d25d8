"""How command lines name a peer: ``AE@HOST:PORT``."""

import re
from dataclasses import dataclass

from .errors import EncodeError, shown

__all__ = ["Peer"]

_PEER = re.compile(r"(?:(?P<title>[^@]*)@)?(?P<host>\[[^\]]+\]|[^:@\[\]]+):(?P<port>[0-9]+)")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Peer:
    """An application entity and where it listens. Without a title any is called."""

    ae_title: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Peer":
        """The peer that ``text`` names; IPv6 addresses stand in brackets. Raises `EncodeError`."""
        match = _PEER.fullmatch(text)
        if match is None:
            raise EncodeError(f"{text!r} is not AE@HOST:PORT, such as PRINTSCP@127.0.0.1:11112")
        if len(match["port"]) > len(str(_HIGHEST_PORT)) or not 0 < int(match["port"]) <= _HIGHEST_PORT:
            raise EncodeError(f"{text!r} is not AE@HOST:PORT: {shown(match['port'])} is not a port, 1 to 65535")
        return cls(match["title"] or "ANY-SCP", match["host"].strip("[]"), int(match["port"]))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.ae_title}@{host}:{self.port}"
