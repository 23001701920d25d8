"""A print server: which films go where, and whose they are, by one file in TOML.

- `routes`: rules that choose the destinations of a film. `identify`: patient and study of a film.
- `config`: the site as one value. `toml`: the site from a file.
"""

from .config import Identification, ListenConfig, SiteConfig, SiteDestination, SitePrinter, SpoolConfig
from .identify import Identity, identify
from .routes import Change, Decision, Facts, Route, decide, facts_of
from .toml import SiteErrors, load_site, read_site

__all__ = [
    "Change",
    "Decision",
    "Facts",
    "Identification",
    "Identity",
    "ListenConfig",
    "Route",
    "SiteConfig",
    "SiteDestination",
    "SiteErrors",
    "SitePrinter",
    "SpoolConfig",
    "decide",
    "facts_of",
    "identify",
    "load_site",
    "read_site",
]
