"""The configuration of a printer: everything that PS3.4 Annex H leaves to the SCP, from Python, TOML or a preset."""

from .printer import Caller, ConfigError, Medium, PrinterConfig
from .printer_configuration import configuration_of
from .tables import Tables, tables_of
from .toml import PRESETS, load_config, preset, read_config

__all__ = [
    "PRESETS",
    "Caller",
    "ConfigError",
    "Medium",
    "PrinterConfig",
    "Tables",
    "configuration_of",
    "load_config",
    "preset",
    "read_config",
    "tables_of",
]
