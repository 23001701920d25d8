"""A print server: several printers behind one port, one spool and several destinations, configured by one TOML file.

- `site` is the running server. The `intake` of each printer puts films into the spool; the `workers` take them out,
  with one `delivery` for each film and destination.
- `routes`: the choice of the destinations of a film. `identify`: the patient and study of a film. `media`: the loaded
  media. `conditions`: the states of the printers.
- `config`: the configuration of a site as one value. `toml`: its reader. `changes`: the differences between two
  configurations. `spools`: the default folder of the spool.
"""

from .changes import Difference
from .config import Identification, Keep, ListenConfig, SiteConfig, SiteDestination, SitePrinter, SpoolConfig
from .identify import Identity, identify
from .intake import stored_facts, targets_of
from .routes import Change, Decision, Facts, Route, decide, facts_of
from .site import Site
from .spools import default_spool
from .toml import SiteErrors, describes_site, is_site, load_site, load_site_again, read_site, site_in

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
    "describes_site",
    "facts_of",
    "identify",
    "is_site",
    "load_site",
    "load_site_again",
    "stored_facts",
    "targets_of",
    "read_site",
    "site_in",
]
