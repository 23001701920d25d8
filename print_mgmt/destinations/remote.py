"""The settings of destinations that are DICOM nodes: addresses, AE titles, TLS and timeouts."""

from dataclasses import dataclass, field, replace
from typing import Self

from dimse.errors import DimseError
from dimse.net import Timeouts, TLSContext, TLSProfile, Trace, client_context
from dimse.net.arguments import check_ae_title
from dimse.terminal import Peer

from ..config import ConfigError

__all__ = ["DicomNode", "TLSFiles", "check_calling", "check_peer", "peer_timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TLSFiles:
    """The TLS settings of a connection (PS3.15 B.12 and B.13); the files are PEM files.

    ``ca`` is a file of trusted certificate authorities; if it is empty, the system's authorities are trusted.
    ``certificate`` and ``key`` are the files with our own certificate and its key. Raises `ConfigError`.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True
    profile: TLSProfile = "B.12"

    def __post_init__(self) -> None:
        if self.key and not self.certificate:
            raise ConfigError("key", "also needs certificate")

    def context(self) -> TLSContext:
        """Return the context for `dimse.net.connect`. Raises what `dimse.net.client_context` raises."""
        return client_context(
            self.ca or None, self.certificate or None, self.key or None, verify=self.verify, profile=self.profile
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomNode:
    """The base of destinations and sources that open associations: a `Traceable`."""

    _trace: Trace | None = field(default=None, init=False, compare=False, repr=False)

    def traced(self, trace: Trace | None) -> Self:
        """Return a copy whose associations report their events to ``trace``."""
        copy = replace(self)
        object.__setattr__(copy, "_trace", trace)  # the dataclass is frozen
        return copy


def check_peer(key: str, text: str) -> Peer:
    """Parse the address of a peer, AE@HOST:PORT. Raises a `ConfigError` that names ``key``."""
    try:
        peer = Peer.parse(text)
        check_ae_title(peer.ae_title, key)
    except DimseError as exc:
        raise ConfigError(key, getattr(exc, "what", str(exc))) from exc
    return peer


def check_calling(title: str) -> None:
    """Raise `ConfigError` if ``title``, our AE title, is not a valid AE title."""
    try:
        check_ae_title(title, "calling")
    except DimseError as exc:
        raise ConfigError("calling", getattr(exc, "what", str(exc))) from exc


def peer_timeouts(seconds: float) -> Timeouts:
    """Return timeouts of ``seconds`` for each response, and of at most ``seconds`` to connect. Raises `ConfigError`."""
    if not 0 < seconds <= 86_400:
        raise ConfigError("seconds", f"{seconds:g} must be above 0 and at most 86400")
    return Timeouts(connect=min(seconds, Timeouts().connect), dimse=seconds)
