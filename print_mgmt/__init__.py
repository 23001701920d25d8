"""The DICOM Print Management service (PS3.4 Annex H), both roles.

- `PrintClient` prints images on any DICOM printer.
- `PrintServer` is a DICOM printer: it hands each film to a callback.
"""

from dimse.version import __version__

from .config import ConfigError, PrinterConfig, load_config, preset
from .film import LayoutError, Page, PrintImage, Sheet, render
from .images import ImageError, Window, prepare, prepare_all
from .jobs import JobFailed, PrinterState, PrintJob, PrintQueue
from .model import Printer
from .output import write_page
from .scp import Film, PrintServer
from .scu import FilmOptions, PrintClient, PrintFailed, PrintReport, PrintUncertain, Profile, profile
from .service import PrintService

__all__ = [
    "ConfigError",
    "Film",
    "ImageError",
    "JobFailed",
    "LayoutError",
    "FilmOptions",
    "Page",
    "PrintClient",
    "PrintFailed",
    "PrintImage",
    "PrintJob",
    "PrintQueue",
    "PrintReport",
    "PrintServer",
    "PrintService",
    "PrintUncertain",
    "Printer",
    "PrinterConfig",
    "PrinterState",
    "Profile",
    "Sheet",
    "Window",
    "__version__",
    "load_config",
    "prepare",
    "prepare_all",
    "preset",
    "profile",
    "render",
    "write_page",
]
