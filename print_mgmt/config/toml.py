"""Reads a `PrinterConfig` from TOML (see `reader`).

Presets are configurations in TOML that imitate real printers; they also serve as examples.

An error names the file, line and key: ``printer.toml:12: media[1].MaxDensity: 'dark' is not a whole number``.
"""

import tomllib
from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from os import PathLike
from pathlib import Path

from .lines import line_of, lines_of
from .printer import ConfigError, PrinterConfig
from .reader import read_table

__all__ = [
    "PRESETS",
    "SITE_TABLES",
    "Locations",
    "config_in",
    "load_config",
    "parse",
    "preset",
    "read_config",
    "text_in",
]

# The descriptions of the presets, by name
PRESETS = {
    "agfa-ds3000": "Agfa Drystar 3000: formats up to 6x6, LUT in the film session, 32 characters of annotation",
    "aycan": "Aycan print server: paper, REPLICATE only, no trim, only its own film sizes",
    "dcmprscp": "DCMTK dcmprscp in its IHE configuration: grayscale, no annotation, no jobs",
    "generic": "everything in the standard: the default",
    "ihe-minimum": "the minimum of IHE: one image, Implicit VR only, no SOP Class in N-CREATE responses",
    "kodak-8700": "Kodak 8700: CURRENT for film size and medium, smoothing 0 to 15, CSnnn contrast",
    "minimal": "the minimum of PS3.4: one film, few optional attributes, no printing of sessions",
    "strict": "only what is in the standard, for testers: refuses everything that a printer may refuse",
}

SITE_TABLES = ("listen", "printers", "destinations", "routes", "identify", "spool")  # at the top of a site's file


def load_config(path: str | PathLike[str]) -> PrinterConfig:
    """Return the configuration in a file.

    Raises OSError, and `ConfigError` with the file, line, key and reason of the first error; its ``others`` are the
    errors of other keys.
    """
    path = Path(path)
    return config_in(path.read_bytes(), path)


def config_in(data: bytes, path: Path) -> PrinterConfig:
    """Return the configuration in the bytes of the file ``path``. Raises `ConfigError` as `load_config` does."""
    text = ""
    try:
        text = text_in(data)
        return read_config(text)
    except ConfigError as exc:
        locations = Locations(path, text)
        others = tuple(ConfigError(locations.of(other.key), str(other)) for other in exc.others)
        raise ConfigError(locations.of(exc.key), str(exc), others) from exc
    except UnicodeDecodeError as exc:
        line = text_in(exc.object[: exc.start]).count("\n") + 1
        words = f"the byte {exc.object[exc.start]:02X} is not UTF-8, which TOML requires"
        raise ConfigError(f"{path}:{line}", words) from exc


def text_in(data: bytes) -> str:
    """Return the text in the bytes of a file, which may begin with a byte order mark; all line ends become line feeds.

    Raises UnicodeDecodeError.
    """
    return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


class Locations:
    """The places of keys in the file ``path`` with the content ``text``. The first call of `of` finds all lines."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text

    def of(self, key: str) -> str:
        """Return the place of a key, such as ``printer.toml:12``, or only the path if the line is unknown."""
        line = line_of(self._lines, key)
        return str(self._path) if line is None else f"{self._path}:{line}"

    @cached_property
    def _lines(self) -> Mapping[str, int]:
        try:
            return lines_of(self._text)
        except ValueError:  # the text is not TOML
            return {}


def read_config(text: str) -> PrinterConfig:
    """Return the configuration in ``text``, which is TOML. Raises `ConfigError`."""
    table = parse(text)
    if of_site := next((name for name in table if name in SITE_TABLES), None):
        raise ConfigError(of_site, "is a table of a site, but one printer is needed; see docs/printers.md")
    return read_table(PrinterConfig, table, "")


def parse(text: str) -> dict[str, object]:
    """Return the tables in ``text``, which is TOML. Raises `ConfigError`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError("TOML", str(exc)) from exc
    except ValueError as exc:
        raise ConfigError("TOML", "a number has too many digits") from exc
    except RecursionError as exc:
        raise ConfigError("TOML", "the values are nested too deeply") from exc


def preset(name: str) -> PrinterConfig:
    """Return the configuration of a preset. Raises `ConfigError` for an unknown name."""
    if name not in PRESETS:
        raise ConfigError("preset", f"{name!a} is not one of {', '.join(PRESETS)}")
    return read_config(resources.files(__package__).joinpath(f"printers/{name}.toml").read_text(encoding="utf-8"))
