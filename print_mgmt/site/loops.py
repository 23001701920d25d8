"""Finds loops: a destination sends a film to a printer of this site, whose route leads to the same destination."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import NamedTuple

from dimse.terminal import Peer
from dimse.uids import BasicColorPrintManagementMeta

from ..destinations import Destination, PrinterDestination
from .config import ListenConfig, SiteConfig, SitePrinter
from .routes import Facts, decide

__all__ = ["find_loops"]

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_ANY = ("0.0.0.0", "::")  # a site with this host listens on all addresses; as a destination, it is this machine


class _Kind(NamedTuple):
    """The properties of a film that routes can test and that go with it to another printer."""

    color: bool
    MediumType: str
    FilmSizeID: str


def find_loops(site: SiteConfig) -> tuple[str, ...]:
    """Return the names of the destinations to which a film comes back after it was sent there.

    The routes are tried with gray and color films, for each medium and size of the destination's printers.
    """
    return tuple(
        name
        for name, to in site.destinations.items()
        if any(_comes_back(site, name, kind) for kind in _kinds(site, to.destination))
    )


def _kinds(site: SiteConfig, to: Destination) -> Iterator[_Kind]:
    """Yield the kinds of films that a destination may send to printers of this site."""
    media = {
        (medium.MediumType, size)
        for printer, _ in _own_printers(site, to)
        for medium in printer.config.media
        for size in medium.FilmSizeID
    }
    return (_Kind(color, *medium) for color in (False, True) for medium in sorted(media))


def _comes_back(site: SiteConfig, name: str, kind: _Kind) -> bool:
    """Return whether a film of this kind that was sent to the destination ``name`` is sent there again unchanged."""
    reached: set[tuple[str, _Kind]] = set()
    waiting = [(name, kind)]
    while waiting:
        found = set(_next_destinations(site, *waiting.pop())) - reached
        reached |= found
        waiting += found
    return (name, kind) in reached


def _next_destinations(site: SiteConfig, name: str, kind: _Kind) -> Iterator[tuple[str, _Kind]]:
    """Yield the next destinations of a film that the destination ``name`` has sent to the site.

    The film keeps its color if the printer has color, and a route may change its size.
    """
    to = site.destinations[name].destination
    if not isinstance(to, PrinterDestination):
        return
    for printer, peer in _own_printers(site, to):
        if printer.config.medium(kind.MediumType, kind.FilmSizeID) is None:  # the printer refuses it
            continue
        color = kind.color and BasicColorPrintManagementMeta in printer.config.abstract_syntaxes
        facts = Facts(
            called=printer.ae_title,
            calling=to.calling,
            client="127.0.0.1" if _is_loopback(peer.host) else peer.host,  # the address that the site sees
            color=color,
            FilmSizeID=kind.FilmSizeID,
            MediumType=kind.MediumType,
        )
        decision = decide(site.routes, facts)
        if not decision.hold:
            size = decision.change.FilmSizeID or kind.FilmSizeID
            sent = _Kind(color, kind.MediumType, size)
            yield from ((one, sent) for one in decision.to if one in site.destinations)


def _own_printers(site: SiteConfig, to: Destination) -> Iterator[tuple[SitePrinter, Peer]]:
    """Yield the printers of this site to which a destination sends films, with the addresses that it uses."""
    for peer in map(Peer.parse, to.printers if isinstance(to, PrinterDestination) else ()):
        printer = site.printer(peer.ae_title) if _is_this_site(peer, site.listen) else None
        if printer is not None:
            yield printer, peer


def _is_this_site(peer: Peer, listen: ListenConfig) -> bool:
    if peer.port != listen.port:
        return False
    host, own = peer.host.lower(), listen.host.lower()
    if own in _ANY:
        return _is_loopback(host) or _is_this_machine(host)
    return host == own or (own in _THIS_MACHINE and host in (*_THIS_MACHINE, *_ANY))


def _is_loopback(host: str) -> bool:
    """Return whether ``host`` is an address or a name by which every machine reaches itself."""
    try:
        return host in _ANY or ip_address(host).is_loopback
    except ValueError:  # a name
        return host.lower() == "localhost"


def _is_this_machine(host: str) -> bool:
    """Return whether ``host`` is a name or an address of this machine. A name is not looked up."""
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        name = socket.gethostname().lower()
        label = name.partition(".")[0]
        return host in (name, label, f"{label}.local")
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 1))  # sends nothing, but chooses the address of this side
        return ip_address(probe.getsockname()[0]) == ip_address(host)
    return False
