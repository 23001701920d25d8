"""The printer: a DICOM print SCP that passes each film to a callback.

N-ACTION adds a job to a queue. The printer prints the films of the job even if the association ends. A job that does
not fit into the queue is refused.

- `server` listens. `printer` is one printer: it runs a `print_mgmt.service.PrintService` for each association.
- `engine` takes jobs from the queue, and calls ``on_film`` for one film after the other.
- `intake` accepts jobs into a durable spool, and `spooled` prints them from there.
- `events` reports the status of jobs and of the printer to clients.
- `faults` makes the printer fail on purpose, to test SCUs.
"""

from .engine import Film
from .faults import Change, Fault, FaultError, Misbehavior, parse_state
from .intake import SpooledIntake
from .printer import Intercept, PrinterService
from .server import PrintServer
from .spooled import ON_FILM, Route, Routing, job_of

__all__ = [
    "ON_FILM",
    "Intercept",
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
