"""The configuration of a site: printers, destinations, routes, identification and spool. `toml` reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from dimse.errors import EncodeError
from dimse.net.arguments import check_address, check_ae_title

from ..config import ConfigError, Medium, PrinterConfig
from ..destinations import Destination, RetryPolicy
from ..destinations.destination import check_seconds
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

_MAX_AT_ONCE = 64  # deliveries to one destination at the same time
MissingMedium = Literal["wait", "print", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A medium that is loaded in some film sizes; without sizes, in all sizes that the printer has for the medium."""

    MediumType: str
    FilmSizeID: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePrinter:
    """A printer of the site, with its AE title.

    ``missing_medium`` decides whether a film whose medium is not loaded waits, is printed on another medium, or fails.
    ``default``: the printer also accepts associations with unknown called AE titles. At most ``queue_length`` of
    its films may wait or be under way; with None, only the limits of the spool apply. Raises `ConfigError`.
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
        """The name of the printer in the spool and for clients."""
        return self.config.printer.PrinterName


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDestination:
    """A destination of the site, with its retry policy.

    At most ``at_once`` films are delivered to it at the same time. A delivery that takes more than ``deadline`` seconds
    is canceled. Raises `ConfigError`.
    """

    destination: Destination
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    at_once: int = 1
    deadline: float = 1800.0

    def __post_init__(self) -> None:
        if not 1 <= self.at_once <= _MAX_AT_ONCE:
            raise ConfigError("at_once", f"{self.at_once} must be from 1 to {_MAX_AT_ONCE}")
        check_seconds("deadline", self.deadline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """The sources that identify films, by name.

    ``unidentified`` decides whether a film that lacks one of the attributes in ``needs`` is delivered or held.
    Raises `ConfigError`.
    """

    sources: Mapping[str, Source] = field(default_factory=dict)
    needs: tuple[str, ...] = ("PatientID",)
    unidentified: Literal["deliver", "hold"] = "deliver"

    def __post_init__(self) -> None:
        for keyword in self.needs:
            if keyword not in IDENTITY:
                raise ConfigError("needs", f"{keyword!a} is not one of {', '.join(IDENTITY)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """The limits for keeping done and canceled films, for reprints: an age in days, a number of films, a size in bytes.

    The number and the size count all films in the spool, but only films that are done or canceled are removed.
    Raises `ConfigError`.
    """

    days: float = 30.0
    films: int = 50_000
    size: int = 1 << 50

    def __post_init__(self) -> None:
        for key in ("days", "films", "size"):
            if not getattr(self, key) >= 0:  # `not >=` also refuses NaN
                raise ConfigError(key, f"{getattr(self, key)} must be at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolConfig:
    """The spool. ``at`` is a folder, or a database as postgresql://...; if it is empty, `default_spool` is used."""

    at: str = ""
    limits: SpoolLimits = field(default_factory=SpoolLimits)
    keep: Keep = Keep()  # frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenConfig:
    """The address that the site listens on, and the PEM files for TLS. Raises `ConfigError`.

    ``certificate`` turns TLS on; ``key`` is its private key. With ``ca``, each client must show a certificate from
    one of these authorities. ``profile`` is a section of PS3.15.
    """

    host: str = "127.0.0.1"
    port: int = 11112
    certificate: str | None = None
    key: str | None = None
    ca: str | None = None
    profile: Literal["B.12", "B.13"] = "B.12"

    def __post_init__(self) -> None:
        try:
            check_address(self.host, self.port, lowest=0)
        except EncodeError as exc:
            raise ConfigError(exc.path, exc.what) from exc
        if not self.host.strip():
            raise ConfigError("host", "is empty; use 0.0.0.0 for all IPv4 addresses")
        for name in ("certificate", "key", "ca"):
            if getattr(self, name) == "":
                raise ConfigError(name, "is empty")
        if (self.key or self.ca) and not self.certificate:
            raise ConfigError("key" if self.key else "ca", "also needs certificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """The configuration of a site. Printers and destinations have names; routes are tried in order."""

    printers: Mapping[str, SitePrinter]
    destinations: Mapping[str, SiteDestination]
    routes: tuple[Route, ...]
    identification: Identification = field(default_factory=Identification)
    spool: SpoolConfig = SpoolConfig()  # frozen
    listen: ListenConfig = ListenConfig()  # frozen

    def printer(self, called_ae_title: str) -> SitePrinter | None:
        """Return the printer with a called AE title, or else the default printer; None if there is neither."""
        name = self.printer_name(called_ae_title)
        return None if name is None else self.printers[name]

    def printer_name(self, called_ae_title: str) -> str | None:
        """Return the name of the printer that `printer` returns, or None."""
        printers = self.printers.items()
        named = next((name for name, printer in printers if printer.ae_title == called_ae_title.strip()), None)
        return named or next((name for name, printer in printers if printer.default), None)

    def reaches(self, printer: SitePrinter) -> frozenset[str]:
        """Return the names of the destinations that films of a printer may go to."""
        routes = (route for route in self.routes if not route.called or matches(printer.ae_title, route.called))
        return frozenset(name for route in routes for name in route.to)


def with_loaded(config: PrinterConfig, loaded: tuple[Loaded, ...]) -> PrinterConfig:
    """Return the configuration with these media installed and all other media only available. Raises `ConfigError`."""
    media = [part for medium in config.media for part in _split_by_loaded(medium, loaded)]
    for index, row_to_load in enumerate(loaded):
        known = {size for row in config.media if row.MediumType == row_to_load.MediumType for size in row.FilmSizeID}
        if not known:
            media_types = ", ".join(dict.fromkeys(row.MediumType for row in config.media))
            raise ConfigError(f"loaded[{index}].MediumType", f"{row_to_load.MediumType!a} is not one of {media_types}")
        for size in row_to_load.FilmSizeID:
            if size not in known:
                why = f"{size!a} is not one of the sizes of {row_to_load.MediumType}: {', '.join(sorted(known))}"
                raise ConfigError(f"loaded[{index}].FilmSizeID", why)
    return replace(config, media=tuple(media))


def _split_by_loaded(medium: Medium, loaded: tuple[Loaded, ...]) -> list[Medium]:
    """Divide a medium by size into the part that is loaded and the part that is not."""
    rows = [row for row in loaded if row.MediumType == medium.MediumType]
    inside = tuple(size for size in medium.FilmSizeID if any(size in (row.FilmSizeID or (size,)) for row in rows))
    outside = tuple(size for size in medium.FilmSizeID if size not in inside)
    parts = ((inside, True), (outside, False))
    return [replace(medium, FilmSizeID=sizes, installed=installed) for sizes, installed in parts if sizes]


def check_title(title: str) -> None:
    """Raise `ConfigError` for a text that is not a valid AE title."""
    try:
        check_ae_title(title, "ae_title")
    except EncodeError as exc:
        raise ConfigError("ae_title", exc.what) from exc
