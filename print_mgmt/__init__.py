"""The DICOM Print Management service (PS3.4 Annex H), in both roles.

- `PrintClient` prints images on any DICOM printer.
- `PrintServer` is a DICOM printer: it passes each film to a callback.
- `Site` is a print server: printers, a spool, routes and destinations, as described by a file.

The names below are imported when they are first used.
"""

from typing import TYPE_CHECKING

from dimse.exports import lazy_exports
from dimse.version import __version__

if TYPE_CHECKING:
    from .config import ConfigError, PrinterConfig, load_config, preset
    from .film import LayoutError, Page, PrintImage, Sheet, render
    from .images import ImageError, Window, prepare, prepare_all
    from .jobs import JobFailed, PrinterState, PrintJob, PrintQueue
    from .model import Printer
    from .output import write_page
    from .scp import Film, PrintServer
    from .scu import FilmOptions, PrintClient, PrintFailed, PrintReport, PrintUncertain, Profile, profile
    from .service import PrintService
    from .site import Site
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            ".config": ("ConfigError", "PrinterConfig", "load_config", "preset"),
            ".film": ("LayoutError", "Page", "PrintImage", "Sheet", "render"),
            ".images": ("ImageError", "Window", "prepare", "prepare_all"),
            ".jobs": ("JobFailed", "PrinterState", "PrintJob", "PrintQueue"),
            ".model": ("Printer",),
            ".output": ("write_page",),
            ".scp": ("Film", "PrintServer"),
            ".scu": (
                "FilmOptions",
                "PrintClient",
                "PrintFailed",
                "PrintReport",
                "PrintUncertain",
                "Profile",
                "profile",
            ),
            ".service": ("PrintService",),
            ".site": ("Site",),
        },
    )

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
    "Site",
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
