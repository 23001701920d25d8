"""The printer: a DICOM print SCP that hands each film to a callback.

N-ACTION makes a job in a queue. The printer prints its films even if the association ends. A job that does not fit into
the queue is refused.

- `server` listens. `printer` is one printer: it runs a `print_mgmt.service.PrintService` for each association.
- `engine` takes jobs out of the queue, and calls ``on_film`` with one film after the other.
- `intake` accepts jobs into a durable spool, and `spooled` prints from there.
- `events` reports the state of jobs and printer to the clients.
- `faults` makes the printer fail on purpose, for tests of SCUs.
"""

from .engine import Film
from .faults import Change, Fault, FaultError, Misbehavior, parse_state
from .intake import SpooledIntake
from .printer import Around, PrinterService
from .server import PrintServer
from .spooled import ON_FILM, Route, Routing, job_of

__all__ = [
    "ON_FILM",
    "Around",
    "Change",
    "Fault",
    "FaultError",
    "Film",
    "Misbehavior",
    "PrintServer",
    "PrinterService",
    "Route",
    "Routing",
    "SpooledIntake",
    "job_of",
    "parse_state",
]
