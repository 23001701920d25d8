"""The client: prints images on any DICOM printer, as an SCU of PS3.4 Annex H.

- `client`: `PrintClient`, which prints images and queries the printer.
- `connection`: the association with a printer, which is replaced when it is lost.
- `films`: fills films with images that come one by one, and prints each film when it is full.
- `session`: film sessions and film boxes, as in the standard.
- `events`: events of a printer, and print jobs to wait for.
- `options`: the options of a print client, the types of images, and the format of the pixels in image boxes.
- `arguments`: checks the arguments of `PrintClient`.
- `capabilities`: the pixels that a printer can use, according to its Printer Configuration.
- `profiles`: the limits of printers that have no Printer Configuration.
- `true_size`: images in true size.
- `operations`: the DIMSE services, and the meaning of each status.
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
