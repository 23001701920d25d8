"""The client: prints images on any DICOM printer, PS3.4 Annex H as its SCU.

- `client`: `PrintClient`, an association with a printer, and what it says of itself.
- `connection`: the association, and a new one where it is lost.
- `films`: images that come one by one onto as many films as they need.
- `session`, `filmbox`: film by film, as the standard has it.
- `watching`: events, and print jobs that are waited for.
- `luts`, `overlays`: what else is made on the printer, and referenced.
- `fitting`: which pixels a printer has use for, by its configuration.
- `profiles`: what is known of printers that do not say it themselves.
- `operations`: the DIMSE services, with every status judged.
"""

from .client import PrintClient, PrintReport
from .connection import OPTIONAL, Color
from .filmbox import FilmBox
from .films import Films, Order, PrintUncertain
from .luts import read_lut
from .operations import Answered, PrintFailed
from .profiles import PROFILES, Profile, profile
from .session import FilmSession
from .style import Action, Bits, Printable
from .true_size import NO_SIZE
from .watching import Event, Events, Job

__all__ = [
    "NO_SIZE",
    "OPTIONAL",
    "PROFILES",
    "Action",
    "Answered",
    "Bits",
    "Color",
    "Event",
    "Events",
    "FilmBox",
    "FilmSession",
    "Films",
    "Job",
    "Order",
    "PrintClient",
    "PrintFailed",
    "PrintReport",
    "PrintUncertain",
    "Printable",
    "Profile",
    "profile",
    "read_lut",
]
