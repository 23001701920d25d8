"""The destinations of films: folders, archives, other printers, paper, programs, and Python functions.

- `destination`: the protocol of a destination, and the meaning of a failed delivery. `retry`: the policy for retries.
- `folder`, `pacs`, `printer`, `paper`, `command`, `callback`: the destinations.
- `relay` prints a film on another DICOM printer. `capture` makes a DICOM object of a film, `description` a JSON object.
- `names`: file names of films. `remote`: the base of destinations that are DICOM nodes. `program`: runs other programs.
"""

from .callback import CallbackDestination
from .command import CommandDestination
from .description import describe
from .destination import Condition, DeliveryFailed, Destination, Outcome, Receipt, failure_of
from .folder import FolderDestination
from .names import NameTemplate
from .pacs import PacsDestination
from .paper import PaperDestination
from .printer import PrinterDestination
from .remote import TLSFiles
from .retry import Next, RetryPolicy, Step

__all__ = [
    "CallbackDestination",
    "CommandDestination",
    "Condition",
    "DeliveryFailed",
    "Destination",
    "FolderDestination",
    "NameTemplate",
    "Next",
    "Outcome",
    "PacsDestination",
    "PaperDestination",
    "PrinterDestination",
    "Receipt",
    "RetryPolicy",
    "Step",
    "TLSFiles",
    "describe",
    "failure_of",
]
