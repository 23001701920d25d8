"""A print server: several printers behind one port, one spool, and destinations, by one file in TOML.

- `site` is the running server: its printers, their `intake`, and the `workers`, whose films are a `delivery` each.
- `routes`: rules that choose the destinations of a film. `identify`: patient and study of a film. `media`: what is
  loaded. `conditions`: the states of the printers.
- `config`: the site as one value. `toml`: the site from a file. `changes`: what differs between two of them. `spools`:
  its spool.
"""

from .changes import Difference
from .config import Identification, Keep, ListenConfig, SiteConfig, SiteDestination, SitePrinter, SpoolConfig
from .identify import Identity, identify
from .intake import stored_facts, targets_of
from .routes import Change, Decision, Facts, Route, decide, facts_of
from .site import Site
from .spools import default_spool
from .toml import SiteErrors, is_site, load_site, read_site

__all__ = [
    "Change",
    "Decision",
    "Difference",
    "Facts",
    "Identification",
    "Identity",
    "Keep",
    "ListenConfig",
    "Route",
    "Site",
    "SiteConfig",
    "SiteDestination",
    "SiteErrors",
    "SitePrinter",
    "SpoolConfig",
    "decide",
    "default_spool",
    "facts_of",
    "identify",
    "is_site",
    "load_site",
    "stored_facts",
    "targets_of",
    "read_site",
]
