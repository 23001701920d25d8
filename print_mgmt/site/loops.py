"""Finds loops: a destination sends a film to a printer of this site, whose route leads to the same destination."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from dimse.terminal import Peer
from dimse.uids import BasicColorPrintManagementMeta, BasicGrayscalePrintManagementMeta

from ..destinations import Destination, PrinterDestination
from .config import ListenConfig, SiteConfig, SitePrinter
from .routes import Facts, decide

__all__ = ["find_loops"]

_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_ANY = ("0.0.0.0", "::")  # a site with this host listens on all addresses; as a destination, it is this machine
_Address = IPv4Address | IPv6Address
# A connection to any loopback address comes from the first one
_LOOPBACK: dict[int, _Address] = {4: ip_address("127.0.0.1"), 6: ip_address("::1")}


class _Kind(NamedTuple):
    """The properties of a film that routes can test and that go with it to another printer."""

    color: bool
    MediumType: str
    FilmSizeID: str


class _Way(NamedTuple):
    """A way from a destination to a printer of this site. ``clients`` are the addresses that the site may see."""

    printer: SitePrinter
    calling: str
    clients: tuple[str, ...]


_Ways = dict[str, tuple[_Way, ...]]  # by the names of the destinations


def find_loops(site: SiteConfig) -> tuple[str, ...]:
    """Return the names of the destinations to which a film comes back after it was sent there.

    The routes are tried with gray and color films, for each medium and size of the destination's printers.
    """
    ways = {name: tuple(_ways(site, to.destination)) for name, to in site.destinations.items()}
    return tuple(name for name, own in ways.items() if any(_comes_back(site, ways, name, kind) for kind in _kinds(own)))


def _kinds(ways: tuple[_Way, ...]) -> Iterator[_Kind]:
    """Yield the kinds of films that a destination may send to printers of this site."""
    media = {
        (medium.MediumType, size) for way in ways for medium in way.printer.config.media for size in medium.FilmSizeID
    }
    return (_Kind(color, *medium) for color in (False, True) for medium in sorted(media))


def _comes_back(site: SiteConfig, ways: _Ways, name: str, kind: _Kind) -> bool:
    """Return whether a film of this kind that was sent to the destination ``name`` is sent there again unchanged."""
    reached: set[tuple[str, _Kind]] = set()
    waiting = [(name, kind)]
    while waiting:
        found = set(_next_destinations(site, ways, *waiting.pop())) - reached
        reached |= found
        waiting += found
    return (name, kind) in reached


def _next_destinations(site: SiteConfig, ways: _Ways, name: str, kind: _Kind) -> Iterator[tuple[str, _Kind]]:
    """Yield the next destinations of a film that the destination ``name`` has sent to the site.

    A printer without color gets a gray film, and a printer with only color a color film. A route may change the size.
    """
    for printer, calling, clients in ways[name]:
        if printer.config.medium(kind.MediumType, kind.FilmSizeID) is None:  # the printer refuses it
            continue
        served = printer.config.abstract_syntaxes
        needs_color = kind.color or BasicGrayscalePrintManagementMeta not in served
        color = needs_color and BasicColorPrintManagementMeta in served
        for client in clients:
            facts = Facts(
                called=printer.ae_title,
                calling=calling,
                client=client,
                color=color,
                FilmSizeID=kind.FilmSizeID,
                MediumType=kind.MediumType,
            )
            decision = decide(site.routes, facts)
            if not decision.hold:
                size = decision.change.FilmSizeID or kind.FilmSizeID
                sent = _Kind(color, kind.MediumType, size)
                yield from ((one, sent) for one in decision.to if one in site.destinations)


def _ways(site: SiteConfig, to: Destination) -> Iterator[_Way]:
    """Yield the ways on which a destination sends films to printers of this site."""
    if not isinstance(to, PrinterDestination):
        return
    has_clients = any(route.client for route in site.routes)
    for peer in map(Peer.parse, to.printers):
        printer = site.printer(peer.ae_title) if _is_this_site(peer, site.listen) else None
        if printer is not None:
            yield _Way(printer, to.calling, _clients(peer.host, site.listen.host) if has_clients else ("",))


def _clients(host: str, own: str) -> tuple[str, ...]:
    """Return the addresses from which a connection to ``host``, which is this machine, may come.

    ``own`` is the host of the site: an address of IPv4 sees no client of IPv6. An unknown name stays as it is.
    """
    found = tuple(dict.fromkeys(map(_source, _addresses(host)))) or (host,)
    versions = {address.version for address in _addresses(own)}
    return tuple(str(one) for one in found if isinstance(one, str) or one.version in versions) or tuple(map(str, found))


def _addresses(host: str) -> Iterator[_Address]:
    """Yield the addresses of a host of this machine; none if its name is not known."""
    if host.lower() == "localhost":
        yield from _LOOPBACK.values()
        return
    try:
        yield ip_address(host)
    except ValueError:  # a name
        with suppress(OSError, UnicodeError):
            yield from (ip_address(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))


def _source(address: _Address) -> _Address:
    """Return the address from which a connection to an address of this machine comes."""
    address = getattr(address, "ipv4_mapped", None) or address
    return _LOOPBACK[address.version] if address.is_loopback or address.is_unspecified else address


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
