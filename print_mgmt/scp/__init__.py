"""The printer: a DICOM print SCP that hands each film to a callback.

What N-ACTION accepted is a job in a queue and belongs to the printer from then on: its films are handed on, whatever
becomes of the association that made it. Only what fits in the queue is accepted.

- `server` listens, and puts the rules of `print_mgmt.service` on each association.
- `engine` takes the jobs out of the queue and calls ``on_film`` with one film after the other, as a printer exposes
  them.
- `events` tells the clients what becomes of their jobs and how the printer is.
- `faults` makes the printer misbehave where a tester wants it to.
"""

from .engine import Film
from .faults import Change, Fault, FaultError, Misbehaviour, parse_state
from .server import PrintServer

__all__ = ["Change", "Fault", "FaultError", "Film", "Misbehaviour", "PrintServer", "parse_state"]
