"""The client: prints images on any DICOM printer, PS3.4 Annex H as its SCU.

- `client`: `PrintClient`, which prints images and asks a printer about itself.
- `connection`: the association with a printer, and a new one when it is lost.
- `films`: images that come one by one onto as many films as they need.
- `session`: film sessions and film boxes, as the standard has them.
- `events`: events of a printer, and print jobs to wait for.
- `options`: the options of a caller, the images, and the pixels of image boxes.
- `arguments`: the arguments of `PrintClient`, checked.
- `capabilities`: the pixels that a printer can use, by its configuration.
- `profiles`: limits of printers that do not tell them.
- `true_size`: images in life size.
- `operations`: the DIMSE services, with every status judged.
"""

from ..items import read_lut
from .client import PrintClient, PrintReport
from .connection import OPTIONAL
from .events import Event, Events, Job
from .films import FilmOptions, Films, PrintUncertain
from .operations import Answered, PrintFailed
from .options import Action, Bits, Color, Printable
from .profiles import PROFILES, Profile, profile
from .session import FilmBox, FilmSession
from .true_size import NO_SIZE

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
    "FilmOptions",
    "FilmSession",
    "Films",
    "Job",
    "PrintClient",
    "PrintFailed",
    "PrintReport",
    "PrintUncertain",
    "Printable",
    "Profile",
    "profile",
    "read_lut",
]
