"""Finds loops: a destination sends a film to a printer of this site, whose route leads to the same destination."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

from dimse.terminal import Peer

from ..destinations import PrinterDestination
from .config import ListenConfig, SiteConfig
from .routes import Facts, decide

__all__ = ["find_loops"]

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_ANY = ("0.0.0.0", "::")  # a site with this host listens on all addresses; as a destination, it is this machine


def find_loops(site: SiteConfig) -> tuple[str, ...]:
    """Return the names of the destinations to which a film comes back after it was sent there.

    For each printer, the routes are tried with one gray film, on the printer's first medium in its first size.
    """
    return tuple(name for name in site.destinations if name in _find_reached(site, name))


def _find_reached(site: SiteConfig, name: str) -> set[str]:
    """Return the destinations that a film reaches after it was sent to the destination ``name``."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        found = set(_next_destinations(site, waiting.pop())) - reached
        reached |= found
        waiting += found
    return reached


def _next_destinations(site: SiteConfig, name: str) -> Iterator[str]:
    """Yield the destinations to which the site sends a film that the destination ``name`` has sent to it."""
    to = site.destinations[name].destination
    if not isinstance(to, PrinterDestination):
        return
    for peer in map(Peer.parse, to.printers):
        printer = site.printer(peer.ae_title) if _is_this_site(peer, site.listen) else None
        if printer is not None:
            medium = printer.config.media[0]
            facts = Facts(
                called=printer.ae_title,
                calling=to.calling,
                client="127.0.0.1" if _is_loopback(peer.host) else peer.host,  # the address that the site sees
                FilmSizeID=medium.FilmSizeID[0],
                MediumType=medium.MediumType,
            )
            decision = decide(site.routes, facts)
            if not decision.hold:
                yield from (one for one in decision.to if one in site.destinations)


def _is_this_site(peer: Peer, listen: ListenConfig) -> bool:
    if peer.port != listen.port:
        return False
    host, own = peer.host.lower(), listen.host.lower()
    if own in _ANY:
        return _is_loopback(host) or _is_this_machine(host)
    return host == own or (own in _THIS_MACHINE and host in (*_THIS_MACHINE, *_ANY))


def _is_loopback(host: str) -> bool:
    """Return whether a connection to ``host`` stays on this machine, whatever the addresses of the machine are."""
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
