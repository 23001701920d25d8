"""Other DICOM nodes: their addresses, as a configuration has them."""

from dataclasses import dataclass

from dimse.errors import DimseError
from dimse.net import Timeouts, TLSContext, TLSProfile, client_context
from dimse.net.arguments import check_ae_title
from dimse.terminal import Peer

from ..config import ConfigError

__all__ = ["TLSFiles", "check_calling", "check_peer", "peer_timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TLSFiles:
    """The TLS of a connection (PS3.15 B.12 and B.13), as PEM files.

    ``ca`` are trusted authorities, empty for those of the system; ``certificate`` and ``key`` are ours.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True
    profile: TLSProfile = "B.12"

    def context(self) -> TLSContext:
        """Return the context for `dimse.net.connect`. Raises as `dimse.net.client_context` does."""
        return client_context(
            self.ca or None, self.certificate or None, self.key or None, verify=self.verify, profile=self.profile
        )


def check_peer(key: str, text: str) -> Peer:
    """Return the peer that ``text``, AE@HOST:PORT, names. Raises `ConfigError`."""
    try:
        peer = Peer.parse(text)
        check_ae_title(peer.ae_title, key)
    except DimseError as exc:
        raise ConfigError(key, getattr(exc, "what", str(exc))) from exc
    return peer


def check_calling(title: str) -> None:
    """Raise `ConfigError` if our AE title is none."""
    try:
        check_ae_title(title, "calling")
    except DimseError as exc:
        raise ConfigError("calling", getattr(exc, "what", str(exc))) from exc


def peer_timeouts(seconds: float) -> Timeouts:
    """Return timeouts for a peer that has ``seconds`` to connect and for each response. Raises `ConfigError`."""
    if not 0 < seconds <= 86_400:
        raise ConfigError("seconds", f"{seconds:g} is not above 0 and at most 86400")
    return Timeouts(connect=min(seconds, Timeouts().connect), dimse=seconds)
