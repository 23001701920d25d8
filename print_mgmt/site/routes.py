"""Routes, which choose the destinations of a film. The first route that matches decides.

A route has conditions on properties of a film, such as a list of values or patterns. A film matches a route if it meets
all of its conditions. It meets a list if at least one entry matches. If no route matches, the film stays in the spool
without destinations, so that it is not lost.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Literal

from dimse.errors import escaped

from ..config import ConfigError
from ..film import FILM_SIZES
from ..scp import Film
from ..typed import text

__all__ = ["Change", "Decision", "Facts", "Route", "decide", "facts_of", "matches"]

_MAX_TITLE = 16  # characters of an AE title (PS3.5 Table 6.2-1)
_SET, _WILDCARD = re.compile(r"\[[^]]+\]"), re.compile(r"\*")
Terms = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The properties of a film that routes can test.

    ``called`` and ``calling`` are AE titles, and ``client`` is the address of the client. ``color``: the film has a
    color image.
    """

    called: str = ""
    calling: str = ""
    client: str = ""
    color: bool = False
    FilmSizeID: str = ""
    MediumType: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The changes that a route makes to a film. An empty value leaves the film unchanged."""

    FilmSizeID: str = ""
    PrintPriority: Literal["", "HIGH", "MED", "LOW"] = ""

    def __post_init__(self) -> None:
        if self.FilmSizeID and self.FilmSizeID not in FILM_SIZES:
            raise ConfigError("FilmSizeID", f"{self.FilmSizeID!a} is not one of {', '.join(FILM_SIZES)} (PS3.3 C.13.3)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route to destinations. An empty condition matches every film.

    ``called`` and ``calling`` have AE titles with the wildcards of `fnmatch`, and ``client`` has networks such as
    ``192.0.2.0/24``. ``FilmSizeID`` and ``MediumType`` have terms. ``color`` is True for films with a color image, and
    False for gray films. ``to`` names the destinations; ``hold`` holds the film for an operator. Raises `ConfigError`.
    """

    name: str = ""
    called: Terms = ()
    calling: Terms = ()
    client: Terms = ()
    color: bool | None = None
    FilmSizeID: Terms = ()
    MediumType: Terms = ()
    to: Terms = ()
    hold: bool = False
    change: Change = Change()  # frozen

    def __post_init__(self) -> None:
        for key in ("called", "calling"):
            for pattern in getattr(self, key):
                title = pattern.strip()  # spaces around an AE title have no meaning
                if not title or len(_WILDCARD.sub("", _SET.sub("?", title))) > _MAX_TITLE:
                    raise ConfigError(key, f"{pattern!a}: an AE title has 1 to 16 characters (PS3.5 §6.2)")
        for network in self.client:
            try:
                ip_network(network)
            except ValueError as exc:
                raise ConfigError("client", str(exc)) from exc
        for size in self.FilmSizeID:
            if size not in FILM_SIZES:
                raise ConfigError("FilmSizeID", f"{size!a} is not one of {', '.join(FILM_SIZES)} (PS3.3 C.13.3)")
        if len(set(self.to)) < len(self.to):
            raise ConfigError("to", "names a destination twice")
        if not self.to and not self.hold:
            raise ConfigError("to", "needs at least one destination, or hold = true")

    def mismatch(self, facts: Facts) -> str:
        """Return the first reason why a film does not match, or an empty string if it matches."""
        return next(filter(None, (check(self, facts) for check in _CHECKS)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The destinations of a film.

    ``route`` is the name of the matching route, or such as "route 2"; empty if none matches. ``hold`` is also True if
    no route matches. ``why``, without control characters, has a line for each route tested, and one more if none
    matches.
    """

    route: str = ""
    to: Terms = ()
    hold: bool = True
    change: Change = Change()  # frozen
    why: Terms = ()


def decide(routes: Sequence[Route], facts: Facts) -> Decision:
    """Return the decision of the first route that matches; one without destinations if none does."""
    why: list[str] = []
    for number, route in enumerate(routes, 1):
        name = route.name or f"route {number}"
        mismatch = route.mismatch(facts)
        if not mismatch:
            why.append(escaped(f"{name}: matches"))
            return Decision(route=name, to=route.to, hold=route.hold, change=route.change, why=tuple(why))
        why.append(escaped(f"{name}: {mismatch}"))
    why.append("no route matches: the film keeps the state 'received'")
    return Decision(why=tuple(why))


def matches(title: str, patterns: Iterable[str]) -> bool:
    """Return whether an AE title matches at least one pattern, without the spaces around the pattern."""
    return any(fnmatchcase(title, pattern.strip()) for pattern in patterns)


def facts_of(film: Film, called: str) -> Facts:
    """Return the properties of a film that routes can test; ``called`` is the AE title of its printer."""
    images = (cell.image for cell in film.sheet.cells if cell.image is not None)
    return Facts(
        called=called,
        calling=film.job.Originator,
        client=film.host,
        color=any(image.PhotometricInterpretation == "RGB" for image in images),
        FilmSizeID=film.sheet.FilmSizeID,
        MediumType=text(film.film_session, "MediumType"),
    )


# --- checks: each returns the reason why a film does not match ---


def _check_title(key: str) -> Callable[[Route, Facts], str]:
    def check(route: Route, facts: Facts) -> str:
        patterns: Terms = getattr(route, key)
        title: str = getattr(facts, key)
        if not patterns or matches(title, patterns):
            return ""
        return f"{key} {title!a} is not {_alternatives(patterns)}"

    return check


def _check_term(key: str) -> Callable[[Route, Facts], str]:
    def check(route: Route, facts: Facts) -> str:
        terms: Terms = getattr(route, key)
        value: str = getattr(facts, key)
        return "" if not terms or value in terms else f"{key} {value!a} is not {_alternatives(terms)}"

    return check


def _check_client(route: Route, facts: Facts) -> str:
    if not route.client:
        return ""
    try:
        address = ip_address(facts.client.partition("%")[0])
    except ValueError:
        return (
            f"client {facts.client!a} is not an IP address" if facts.client else "the address of the client is unknown"
        )
    # A socket for both families shows an IPv4 address as ::ffff:10.1.0.5
    forms = {address, getattr(address, "ipv4_mapped", None) or address}
    if any(form in ip_network(network) for network in route.client for form in forms):
        return ""
    return f"client {facts.client} is not in {_alternatives(route.client)}"


def _check_color(route: Route, facts: Facts) -> str:
    if route.color is None or route.color == facts.color:
        return ""
    return f"the film is in {'color' if facts.color else 'gray'}"


def _alternatives(terms: Iterable[str]) -> str:
    return " or ".join(terms)


_CHECKS: Sequence[Callable[[Route, Facts], str]] = (
    _check_title("called"),
    _check_title("calling"),
    _check_client,
    _check_color,
    _check_term("FilmSizeID"),
    _check_term("MediumType"),
)
