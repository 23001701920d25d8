"""A site as one value: printers, destinations, routes, identification and spool. `toml` reads it from a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from dimse.errors import EncodeError
from dimse.net.arguments import check_address, check_ae_title

from ..config import ConfigError, Medium, PrinterConfig
from ..destinations import Destination, RetryPolicy
from ..spool import SpoolLimits
from .identify import IDENTITY, Source
from .routes import Route, matches

__all__ = [
    "Identification",
    "Keep",
    "ListenConfig",
    "Loaded",
    "SiteConfig",
    "SiteDestination",
    "SitePrinter",
    "SpoolConfig",
    "check_title",
    "with_loaded",
]

_MOST_AT_ONCE = 64
MissingMedium = Literal["wait", "print", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A medium that is loaded, in these sizes; without sizes, in all that the printer has."""

    MediumType: str
    FilmSizeID: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePrinter:
    """A printer of the site, by its AE title.

    ``missing_medium`` is what happens to a film whose medium is not loaded: it waits, is printed on what is there, or
    fails. ``default``: it also gets the films of unknown called AE titles. ``queue_length`` is the highest number of
    its films that have not ended; None for as many as the spool takes.
    """

    ae_title: str
    config: PrinterConfig
    missing_medium: MissingMedium = "wait"
    default: bool = False
    queue_length: int | None = None

    def __post_init__(self) -> None:
        if self.queue_length is not None and self.queue_length < 1:
            raise ConfigError("queue_length", f"{self.queue_length} must be at least 1")

    @property
    def PrinterName(self) -> str:
        """Its name in the spool, and for clients."""
        return self.config.printer.PrinterName


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDestination:
    """A destination of the site, and when it is tried again.

    It takes ``at_once`` films at the same time. A delivery that takes more than ``deadline`` seconds is given up.
    """

    destination: Destination
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    at_once: int = 1
    deadline: float = 1800.0

    def __post_init__(self) -> None:
        if not 1 <= self.at_once <= _MOST_AT_ONCE:
            raise ConfigError("at_once", f"{self.at_once} must be from 1 to {_MOST_AT_ONCE}")
        if not 0 < self.deadline <= 86_400:
            raise ConfigError("deadline", f"{self.deadline:g} must be above 0 and at most 86400 seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """How films are identified. A film without the attributes ``needs`` is delivered as it is, or held."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    needs: tuple[str, ...] = ("PatientID",)
    unidentified: Literal["deliver", "hold"] = "deliver"

    def __post_init__(self) -> None:
        for keyword in self.needs:
            if keyword not in IDENTITY:
                raise ConfigError("needs", f"{keyword!a} is not one of {', '.join(IDENTITY)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """How long the spool keeps films that have ended, for reprints: for some days, and as many films and bytes."""

    days: float = 30.0
    films: int = 50_000
    size: int = 1 << 50

    def __post_init__(self) -> None:
        for key in ("days", "films", "size"):
            if getattr(self, key) < 0:
                raise ConfigError(key, f"{getattr(self, key)} is less than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolConfig:
    """The spool: ``at`` is a folder, or postgresql://...; empty for the platform's folder of states."""

    at: str = ""
    limits: SpoolLimits = field(default_factory=SpoolLimits)
    keep: Keep = Keep()  # frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenConfig:
    """Where the site listens. ``certificate`` turns TLS on; ``ca`` demands certificates of clients."""

    host: str = "127.0.0.1"
    port: int = 11112
    certificate: str = ""
    key: str = ""
    ca: str = ""
    profile: Literal["B.12", "B.13"] = "B.12"

    def __post_init__(self) -> None:
        try:
            check_address(self.host, self.port, lowest=0)
        except EncodeError as exc:
            raise ConfigError(exc.path, exc.what) from exc
        if not self.host.strip():
            raise ConfigError("host", "is empty; 0.0.0.0 stands for all addresses")
        if (self.key or self.ca) and not self.certificate:
            raise ConfigError("key" if self.key else "ca", "needs certificate, too")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """All of a site. Printers and destinations are by name; routes are tried in their order."""

    printers: Mapping[str, SitePrinter]
    destinations: Mapping[str, SiteDestination]
    routes: tuple[Route, ...]
    identification: Identification = field(default_factory=Identification)
    spool: SpoolConfig = SpoolConfig()  # frozen
    listen: ListenConfig = ListenConfig()  # frozen

    def printer(self, called_ae_title: str) -> SitePrinter | None:
        """Return the printer of a called AE title, or else the default one; None if there is neither."""
        name = self.printer_name(called_ae_title)
        return None if name is None else self.printers[name]

    def printer_name(self, called_ae_title: str) -> str | None:
        """Return the name of that printer."""
        printers = self.printers.items()
        named = next((name for name, printer in printers if printer.ae_title == called_ae_title.strip()), None)
        return named or next((name for name, printer in printers if printer.default), None)

    def reaches(self, printer: SitePrinter) -> frozenset[str]:
        """Return the names of the destinations that films of a printer may go to."""
        routes = (route for route in self.routes if not route.called or matches(printer.ae_title, route.called))
        return frozenset(name for route in routes for name in route.to)


def with_loaded(config: PrinterConfig, loaded: tuple[Loaded, ...]) -> PrinterConfig:
    """Return the configuration with these media installed, and all others available only. Raises `ConfigError`."""
    media = [part for medium in config.media for part in _parted(medium, loaded)]
    for index, wanted in enumerate(loaded):
        known = {size for row in config.media if row.MediumType == wanted.MediumType for size in row.FilmSizeID}
        if not known:
            media_types = ", ".join(dict.fromkeys(row.MediumType for row in config.media))
            raise ConfigError(f"loaded[{index}].MediumType", f"{wanted.MediumType!a} is not one of {media_types}")
        for size in wanted.FilmSizeID:
            if size not in known:
                why = f"{size!a} is not one of the sizes of {wanted.MediumType}: {', '.join(sorted(known))}"
                raise ConfigError(f"loaded[{index}].FilmSizeID", why)
    return replace(config, media=tuple(media))


def _parted(medium: Medium, loaded: tuple[Loaded, ...]) -> list[Medium]:
    """Return a medium as the part that is loaded and the part that is not."""
    rows = [row for row in loaded if row.MediumType == medium.MediumType]
    inside = tuple(size for size in medium.FilmSizeID if any(size in (row.FilmSizeID or (size,)) for row in rows))
    outside = tuple(size for size in medium.FilmSizeID if size not in inside)
    parts = ((inside, True), (outside, False))
    return [replace(medium, FilmSizeID=sizes, installed=installed) for sizes, installed in parts if sizes]


def check_title(title: str) -> None:
    """Raise `ConfigError` for a text that is no AE title."""
    try:
        check_ae_title(title, "ae_title")
    except EncodeError as exc:
        raise ConfigError("ae_title", exc.what) from exc
