"""Reads a site from a TOML file. All faults of the file are reported together, one line each: file, line, key, rule."""

import errno
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import TypeVar

from dimse.errors import DimseError, escaped, shown

from ..config import ConfigError, PrinterConfig, load_config, preset
from ..config.reader import listed, read_table, table_of, unknown_key
from ..config.toml import SITE_TABLES, Locations, parse, text_in
from ..destinations import (
    CommandDestination,
    Destination,
    FolderDestination,
    PacsDestination,
    PaperDestination,
    PrinterDestination,
    RetryPolicy,
)
from ..film import MAX_PIXELS, can_render
from ..spool.address import is_database
from .config import (
    Identification,
    ListenConfig,
    Loaded,
    MissingMedium,
    SiteConfig,
    SiteDestination,
    SitePrinter,
    SpoolConfig,
    check_title,
    with_loaded,
)
from .identify import PatternSource, ProgramSource, SentSource, Source, WorklistSource
from .loops import find_loops
from .routes import Route

__all__ = [
    "DESTINATIONS",
    "SOURCES",
    "SiteErrors",
    "describes_site",
    "is_site",
    "load_site",
    "load_site_again",
    "read_site",
    "site_in",
]

DESTINATIONS: Mapping[str, type[Destination]] = {
    "folder": FolderDestination,
    "pacs": PacsDestination,
    "printer": PrinterDestination,
    "paper": PaperDestination,
    "command": CommandDestination,
}
SOURCES: Mapping[str, type[Source]] = {
    "sent": SentSource,
    "pattern": PatternSource,
    "worklist": WorklistSource,
    "command": ProgramSource,
}
_FILES = ("path", "ca", "certificate", "key")  # keys whose values are paths, relative to the folder of the file
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_Result = TypeVar("_Result")


class SiteErrors(DimseError):
    """The faults of a file that does not describe a valid site; ``lines`` has one line for each."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self.lines = lines
        super().__init__("; ".join(lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class _PrinterTable:
    """The keys of a printer of the site."""

    ae_title: str
    preset: str = ""
    config: str = ""
    loaded: tuple[Loaded, ...] | None = None
    missing_medium: MissingMedium = "wait"
    default: bool = False
    queue_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _DeliveryTable:
    """The keys that destinations of all types have."""

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    at_once: int | None = None
    deadline: float = 1800.0


def is_site(path: str | PathLike[str]) -> bool:
    """Return whether a file describes a site rather than a single printer: it has at least one table of a site.

    A file that is not TOML describes no site. Raises OSError.
    """
    return describes_site(Path(path).read_bytes())


def describes_site(data: bytes) -> bool:
    """Return whether the bytes of a file describe a site; see `is_site`."""
    try:
        table = tomllib.loads(text_in(data))
    except (ValueError, RecursionError):  # invalid TOML or invalid UTF-8
        return False
    return not table.keys().isdisjoint(SITE_TABLES)


def load_site(path: str | PathLike[str]) -> SiteConfig:
    """Return the site that a file describes. Raises OSError and `SiteErrors`."""
    path = Path(path)
    return site_in(path.read_bytes(), path)


def load_site_again(path: str | PathLike[str]) -> SiteConfig:
    """Return the site that a file describes now. Raises `SiteErrors`, and OSError.

    A pipe raises OSError, too: opening it would wait for a writer, and it cannot be read a second time.
    """
    path = Path(path)
    if _is_pipe_or_device(path):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return load_site(path)


def _is_pipe_or_device(path: Path) -> bool:
    return path.exists() and not path.is_file()


def site_in(data: bytes, path: Path) -> SiteConfig:
    """Return the site in the bytes of the file ``path``. Raises `SiteErrors`."""
    try:
        text = text_in(data)
    except UnicodeDecodeError as exc:
        raise SiteErrors((escaped(f"{path}: the byte at offset {exc.start} is not UTF-8"),)) from exc
    return read_site(text, path)


def read_site(text: str, path: Path = Path("site.toml")) -> SiteConfig:
    """Return the site that ``text`` describes, as if it were read from the file ``path``. Raises `SiteErrors`."""
    reader = _Reader(text, path)
    site = reader.read_site()
    if reader.errors:
        raise SiteErrors(tuple(reader.errors))
    return site


@dataclass(slots=True)
class _Reader:
    """The reader of one file; ``errors`` collects the faults of the file."""

    text: str
    path: Path
    errors: list[str] = field(default_factory=list)
    locations: Locations = field(init=False)

    def __post_init__(self) -> None:
        self.locations = Locations(self.path, self.text)

    @contextmanager
    def collect_faults(self) -> Iterator[None]:
        """Collect the faults of a part of the file, so that the other parts are read, too."""
        try:
            yield
        except ConfigError as exc:
            for error in (exc, *exc.others):
                self.errors.append(escaped(f"{self.locations.of(error.key)}: {error}"))

    def read_site(self) -> SiteConfig:
        """Return the site; it is valid only if ``errors`` stays empty."""
        table: dict[str, object] = {}
        with self.collect_faults():
            table = parse(self.text)
        for name in table:
            with self.collect_faults():
                if name not in SITE_TABLES:
                    raise ConfigError(name, unknown_key(name, SITE_TABLES))
        printers = self.read_named_tables("printers", table, self.read_printer) or self.make_default_printer(table)
        printers = _with_distinct_names(printers)
        destinations = self.read_named_tables("destinations", table, self.read_destination)
        if not table.get("destinations"):
            folder = FolderDestination(path=str(self.path.parent / "films"))
            destinations = {"films": SiteDestination(destination=folder, at_once=_choose_at_once(folder))}
        routes = self.read_routes(table, destinations)
        site = SiteConfig(printers=printers, destinations=destinations, routes=routes)
        with self.collect_faults():
            site = replace(site, identification=self.read_identification(table))
        with self.collect_faults():
            site = replace(site, spool=self.read_spool(table))
        with self.collect_faults():
            listen = self.join_paths(table.get("listen", {}), "listen")
            site = replace(site, listen=read_table(ListenConfig, listen, "listen"))
        self.check_titles(printers)
        self.check_resolutions(site)
        for name in find_loops(site):
            with self.collect_faults():
                raise ConfigError(
                    f"destinations.{name}.printers", "prints on this site, whose routes send the films here again"
                )
        return site

    def read_named_tables(
        self, key: str, table: Mapping[str, object], make: Callable[[dict[str, object], str], _Result]
    ) -> dict[str, _Result]:
        """Return the result of ``make`` for each table in the table ``key``, by name."""
        made: dict[str, _Result] = {}
        tables: dict[str, object] = {}
        with self.collect_faults():
            tables = table_of(table.get(key, {}), key)
        for name, value in tables.items():
            with self.collect_faults():
                where = f"{key}.{name}"
                if not _NAME.fullmatch(name):
                    raise ConfigError(where, "a name has 1 to 64 ASCII letters, digits, dots, dashes and underscores")
                made[name] = make(dict(table_of(value, where)), where)
        return made

    # --- printers ---

    def read_printer(self, table: dict[str, object], key: str) -> SitePrinter:
        keys = read_table(_PrinterTable, table, key)
        with _prefix_keys(key):
            check_title(keys.ae_title)
            if keys.preset and keys.config:
                raise ConfigError("config", "cannot be given together with preset")
            config = self.read_printer_config(keys)
            if keys.loaded is not None:
                config = with_loaded(config, keys.loaded)
            title = keys.ae_title.strip()
            return SitePrinter(
                ae_title=title,
                config=_with_name(config, config.printer.PrinterName or title),
                missing_medium=keys.missing_medium,
                default=keys.default,
                queue_length=keys.queue_length,
            )

    def read_printer_config(self, keys: _PrinterTable) -> PrinterConfig:
        if keys.preset:
            return preset(keys.preset)
        if keys.config:
            path = self.path.parent / keys.config
            if _is_pipe_or_device(path):
                raise ConfigError("config", f"{path}: not a regular file")
            try:
                return load_config(path)
            except ConfigError as exc:
                others = tuple(ConfigError("config", str(other)) for other in exc.others)
                raise ConfigError("config", str(exc), others) from exc
            except OSError as exc:
                raise ConfigError("config", f"{exc.filename}: {exc.strerror or exc}") from exc
        return PrinterConfig()

    def make_default_printer(self, table: Mapping[str, object]) -> dict[str, SitePrinter]:
        """Return the printer of a site whose file has no printers, or nothing if the file has some."""
        if table.get("printers"):
            return {}
        return {"printer": self.read_printer({"ae_title": "PRINTSCP", "default": True}, "printers.printer")}

    def check_titles(self, printers: Mapping[str, SitePrinter]) -> None:
        """Report an AE title that two printers share, and a second default printer."""
        seen: dict[str, str] = {}
        defaults = [name for name, printer in printers.items() if printer.default]
        for name, printer in printers.items():
            with self.collect_faults():
                if printer.ae_title in seen:
                    why = f"{printer.ae_title!a} is the title of printer {seen[printer.ae_title]!a}, too"
                    raise ConfigError(f"printers.{name}.ae_title", why)
                seen[printer.ae_title] = name
        with self.collect_faults():
            if len(defaults) > 1:
                raise ConfigError(f"printers.{defaults[1]}.default", f"{defaults[0]!a} is the default already")

    def check_resolutions(self, site: SiteConfig) -> None:
        """Report the destinations whose resolution is too high for the films that they get."""
        sizes: dict[frozenset[str], dict[str, None]] = {}  # by the destinations that get films of these sizes
        for printer in site.printers.values():
            found = sizes.setdefault(site.reaches(printer), {})
            found.update(dict.fromkeys(size for row in printer.config.media for size in row.FilmSizeID))
        for name, to in site.destinations.items():
            dpi = getattr(to.destination, "dpi", None)
            sent = (size for names, found in sizes.items() if name in names for size in found)
            size = next((size for size in sent if dpi is not None and not can_render(size, dpi)), None)
            with self.collect_faults():
                if size is not None:
                    why = f"a film of {size} at {dpi} dpi has more than {MAX_PIXELS} pixels"
                    raise ConfigError(f"destinations.{name}.dpi", why)

    # --- destinations and routes ---

    def read_destination(self, table: dict[str, object], key: str) -> SiteDestination:
        common = {name: table.pop(name) for name in ("retry", "at_once", "deadline") if name in table}
        keys = _DeliveryTable()
        with self.collect_faults():
            keys = read_table(_DeliveryTable, common, key)
        made = self.read_by_type(DESTINATIONS, table, key)
        with _prefix_keys(key):
            return SiteDestination(
                destination=made,
                retry=keys.retry,
                at_once=_choose_at_once(made) if keys.at_once is None else keys.at_once,
                deadline=keys.deadline,
            )

    def read_by_type(self, kinds: Mapping[str, type[_Result]], table: dict[str, object], key: str) -> _Result:
        """Return an object of the class that the key ``type`` names."""
        name = table.pop("type", None)
        if not isinstance(name, str) or name not in kinds:
            what = "is missing" if name is None else f"{shown(name)} is unknown"
            raise ConfigError(f"{key}.type", f"{what}. The types are {', '.join(kinds)}")
        return read_table(kinds[name], self.join_paths(table, key), key)

    def read_routes(self, table: Mapping[str, object], destinations: Mapping[str, object]) -> tuple[Route, ...]:
        """Return the routes. If the file has none, return one route to all destinations."""
        rows = table.get("routes")
        if rows is None:
            return (Route(name="all", to=tuple(destinations)),) if destinations else ()
        routes = []
        declared = table.get("destinations", destinations)
        known = declared if isinstance(declared, Mapping) and declared else destinations
        with self.collect_faults():
            if not isinstance(rows, list):
                raise ConfigError("routes", "is not an array of tables: write [[routes]]")
            for index, row in enumerate(rows):
                wanted: tuple[str, ...] = ()
                with self.collect_faults():
                    routes.append(read_table(Route, row, f"routes[{index}]"))
                    wanted = routes[-1].to
                for name in wanted:
                    with self.collect_faults():
                        if name not in known:
                            why = f"{name!a} is not a destination. The destinations are {listed(known)}"
                            raise ConfigError(f"routes[{index}].to", why)
        return tuple(routes)

    # --- the rest ---

    def read_identification(self, table: Mapping[str, object]) -> Identification:
        keys = dict(table_of(table.get("identify", {}), "identify"))
        rows = keys.pop("sources", [])
        sources: dict[str, Source] = {}
        if not isinstance(rows, list):
            raise ConfigError("identify.sources", "is not an array of tables: write [[identify.sources]]")
        for index, row in enumerate(rows):
            with self.collect_faults():
                where = f"identify.sources[{index}]"
                source = dict(table_of(row, where))
                name = source.pop("name", None) or f"{source.get('type')} {index + 1}"
                if not isinstance(name, str):
                    raise ConfigError(f"{where}.name", f"{shown(name)} is not text")
                if name in sources:
                    raise ConfigError(f"{where}.name", f"{shown(name)} is the name of another source, too")
                sources[name] = self.read_by_type(SOURCES, source, where)
        plain = {key: value for key, value in keys.items() if key in _keys_of(Identification)}
        for name in keys:
            with self.collect_faults():
                if name not in plain:
                    known = ("sources", *_keys_of(Identification))
                    raise ConfigError(f"identify.{name}", unknown_key(name, known))
        made = read_table(Identification, plain, "identify")
        return replace(made, sources=sources)

    def read_spool(self, table: Mapping[str, object]) -> SpoolConfig:
        made = read_table(SpoolConfig, table.get("spool", {}), "spool")
        if not made.at or is_database(made.at):
            return made
        if "://" in made.at:
            raise ConfigError("spool.at", f"{shown(made.at)} is neither a folder nor postgresql://...")
        return replace(made, at=str(self.path.parent / made.at))

    def join_paths(self, value: object, key: str) -> dict[str, object]:
        """Return a table in which all paths, also in its table ``tls``, are joined to the folder of the file."""
        table = dict(table_of(value, key))
        for name, item in table.items():
            if name in _FILES and isinstance(item, str) and item:
                table[name] = str(self.path.parent / item)
            elif name == "tls" and isinstance(item, dict):
                table[name] = self.join_paths(item, f"{key}.tls")
        return table


def _with_distinct_names(printers: Mapping[str, SitePrinter]) -> dict[str, SitePrinter]:
    """Return the printers with distinct Printer Names: printers that share a name are renamed to their AE titles.

    A new name may be the name of another printer, which is then renamed, too.
    """
    named = dict(printers)
    while True:
        counts = Counter(printer.PrinterName for printer in named.values())
        shared = {
            name: replace(printer, config=_with_name(printer.config, printer.ae_title))
            for name, printer in named.items()
            if counts[printer.PrinterName] > 1 and printer.PrinterName != printer.ae_title
        }
        if not shared:
            return named
        named |= shared


def _with_name(config: PrinterConfig, PrinterName: str) -> PrinterConfig:
    return replace(config, printer=replace(config.printer, PrinterName=PrinterName))


def _choose_at_once(destination: Destination) -> int:
    """Return how many films a destination takes at the same time by default.

    A folder and an archive take two, and balanced printers one each. Any other destination takes one, so that the films
    keep their order.
    """
    match destination:
        case FolderDestination() | PacsDestination():
            return 2
        case PrinterDestination() if destination.choice == "balance":
            return len(destination.printers)
    return 1


def _keys_of(kind: type[Identification]) -> tuple[str, ...]:
    return tuple(row.name for row in fields(kind) if row.name != "sources")


@contextmanager
def _prefix_keys(key: str) -> Iterator[None]:
    """Put ``key`` in front of the keys of a `ConfigError` and of the errors in its ``others``."""
    try:
        yield
    except ConfigError as exc:
        raise exc.within(key) from exc
