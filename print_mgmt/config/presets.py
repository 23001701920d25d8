"""Printers by name: configurations in TOML that imitate real printers, and serve as examples to write one's own."""

from importlib import resources

from .printer import ConfigError, PrinterConfig
from .toml import read_config

__all__ = ["PRESETS", "preset"]

# Name: what it is
PRESETS = {
    "agfa-ds3000": "Agfa Drystar 3000: formats up to 6x6, LUT in the film session, 32 characters of annotation",
    "aycan": "Aycan print server: paper, REPLICATE only, no trim, nothing but its own film sizes",
    "dcmprscp": "DCMTK's dcmprscp as its IHE configuration has it: grayscale, no annotation, no jobs",
    "generic": "all that the standard has: the default",
    "ihe-minimum": "the least that IHE asks for: one image, Implicit VR only, no SOP Class in N-CREATE responses",
    "kodak-8700": "Kodak 8700: CURRENT for film size and medium, smoothing 0 to 15, CSnnn contrast",
    "minimal": "the least that PS3.4 asks for: one film, no optional attribute, no session printing",
    "strict": "all that the standard has and nothing else: refuses what it may, for testers",
}


def preset(name: str) -> PrinterConfig:
    """The configuration of a preset. Raises `ConfigError` for a name that is none."""
    if name not in PRESETS:
        raise ConfigError("preset", f"{name!a} is not one of {', '.join(PRESETS)}")
    return read_config(resources.files(__package__).joinpath(f"printers/{name}.toml").read_text(encoding="utf-8"))
