"""Destinations and sources that are DICOM nodes: their settings (AE titles, TLS, time limit) and associations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from dimse.errors import DimseError
from dimse.net import Association, Limits, Timeouts, TLSContext, TLSProfile, Trace, client_context, connect
from dimse.net.arguments import check_ae_title
from dimse.net.own_thread import in_own_thread
from dimse.terminal import Peer

from ..config import ConfigError
from ..sop import TRANSFER_SYNTAXES
from .destination import check_seconds

__all__ = ["DicomNode", "TLSFiles", "check_peer"]

# The limit for the Data Sets of archives and worklists: their responses stay far below 1 MiB
_LIMITS = Limits(data_set=1 << 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class TLSFiles:
    """The TLS settings of a connection (PS3.15 B.12 and B.13); the files are PEM files.

    ``ca`` is a file of trusted certificate authorities; if it is empty, the system's authorities are trusted.
    ``certificate`` and ``key`` are the files with our own certificate and its key. Without ``verify``, any certificate
    of the peer is accepted. Raises `ConfigError`.
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
    """The base of destinations and sources that open associations: a `Traceable`.

    ``calling`` is our AE title, and ``seconds`` the time limit for each response.
    """

    calling: str = "DIMSE-PRINT"
    tls: TLSFiles | None = None
    seconds: float = 60.0
    _trace: Trace | None = field(default=None, init=False, compare=False, repr=False)

    def check_settings(self) -> None:
        """Raise `ConfigError` for a wrong AE title or time limit."""
        try:
            check_ae_title(self.calling, "calling")
        except DimseError as exc:
            raise ConfigError("calling", getattr(exc, "what", str(exc))) from exc
        check_seconds("seconds", self.seconds)

    @property
    def timeouts(self) -> Timeouts:
        """Timeouts of ``seconds`` for each response, and of at most ``seconds`` to connect."""
        return Timeouts(connect=min(self.seconds, Timeouts().connect), dimse=self.seconds)

    async def tls_context(self) -> TLSContext | None:
        """Return the context for `dimse.net.connect`; None without TLS. Raises what `TLSFiles.context` raises."""
        return None if self.tls is None else await in_own_thread(self.tls.context)

    @asynccontextmanager
    async def associate(self, peer: str, *sop_classes: str) -> AsyncIterator[Association]:
        """Open an association with ``peer``, AE@HOST:PORT.

        Raises `ConfigError` for a wrong address, and what `tls_context` and `dimse.net.connect` raise.
        """
        address = check_peer("peer", peer)
        async with connect(
            address.host,
            address.port,
            dict.fromkeys(sop_classes, TRANSFER_SYNTAXES),
            called_ae_title=address.ae_title,
            calling_ae_title=self.calling,
            tls=await self.tls_context(),
            limits=_LIMITS,
            timeouts=self.timeouts,
            trace=self._trace,
        ) as association:
            yield association

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
