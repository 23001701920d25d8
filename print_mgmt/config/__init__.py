"""The printer's configuration: what PS3.4 Annex H leaves to the SCP, typed and frozen, also from TOML; presets."""

from .narrowing import Tables, tables_of
from .presets import PRESETS, preset
from .printer import Caller, ConfigError, Medium, PrinterConfig
from .retrieval import configuration_of
from .toml import load_config, read_config

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
