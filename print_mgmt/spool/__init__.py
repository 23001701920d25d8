"""The spool keeps accepted films on stable storage until they are delivered, and afterwards until they are purged.

- `protocol` has the interface of a spool. `embedded` is a spool for one machine, in a folder; `postgres` is a spool
  for several machines, in a database. `open_spool` returns the spool at an address.
- `states` is the table of the states of a film. `records` has the records of a film and its deliveries, and `changes`
  the changes that workers and operators make to them, without I/O. `job_status` derives the status of a Print Job.
- `acceptance` converts a Print Job into records and files. `film_file` encodes and decodes a film as a DICOM file, and
  `film_folder` manages the files.
- `index` stores the records of `embedded` in SQLite, `leases` grants and ends leases there, and `counters` stores the
  counters of the index. They work in the thread of `committer`; `looks` reads long lists in a thread of its own.
  `postgres_tables`, `postgres_leases` and `postgres_link` are the parts of `postgres`. `rows` converts records to rows
  of a database, and back.
- `totals` counts the films of all processes, for the limits of the spool.
- `recovery` removes the traces of a crash, `rebuild` makes a new index from the files, and `repair` and
  `postgres_repair` replace damaged rows. `reserve` keeps room on the disk for operators.
- `notice` wakes waiting tasks, `tasks` completes work whose caller is canceled, and `doubt` logs films whose
  leases ended without an outcome.
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
from .protocol import DamagedFilm, Deliveries, Intake, News, Operations, Repaired, Room, Spool, Survey, Upkeep, Verified
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
    "DamagedFilm",
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
    "Repaired",
    "Reprint",
    "Retry",
    "Room",
    "Spool",
    "SpoolError",
    "SpoolFull",
    "SpoolLimits",
    "StaleLease",
    "Survey",
    "Target",
    "Upkeep",
    "Verified",
    "open_spool",
]
