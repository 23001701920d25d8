"""The spool: films that were accepted, on stable storage, until they are where they belong.

- `protocol` is the spool as its users see it. `embedded` is the spool of one machine, in a folder, and `postgres` that
  of several machines, in a database. `open_spool` returns the one at an address.
- `states` is the table of the states of a film; `records` are what the spool knows of a film, and `changes` what
  workers and operators do to it, without I/O. `job_status` derives the state of a Print Job.
- `film_file` writes and reads a film as a DICOM file, `film_folder` keeps the files, and `index` knows their records.
"""

from .address import open_spool
from .changes import (
    Action,
    Assign,
    Cancel,
    Confirm,
    Done,
    Doubtful,
    Failed,
    Held,
    Hold,
    Later,
    Move,
    NoMedia,
    Outcome,
    Prioritize,
    Release,
    Reprint,
    Retry,
)
from .embedded import EmbeddedSpool
from .protocol import Deliveries, Intake, News, Operations, Room, Spool, Upkeep, Verified
from .records import (
    CorruptFilm,
    Delivery,
    FilmRecord,
    Lease,
    NoSuchFilm,
    SpoolError,
    SpoolFull,
    SpoolLimits,
    StaleLease,
    Target,
)
from .states import ENDED, OPEN, FilmState

__all__ = [
    "ENDED",
    "OPEN",
    "Action",
    "Assign",
    "Cancel",
    "Confirm",
    "CorruptFilm",
    "Deliveries",
    "Delivery",
    "Done",
    "Doubtful",
    "EmbeddedSpool",
    "Failed",
    "FilmRecord",
    "FilmState",
    "Held",
    "Hold",
    "Intake",
    "Later",
    "Lease",
    "Move",
    "News",
    "NoMedia",
    "NoSuchFilm",
    "Operations",
    "Outcome",
    "Prioritize",
    "Release",
    "Reprint",
    "Retry",
    "Room",
    "Spool",
    "SpoolError",
    "SpoolFull",
    "SpoolLimits",
    "StaleLease",
    "Target",
    "Upkeep",
    "Verified",
    "open_spool",
]
