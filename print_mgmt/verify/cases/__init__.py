"""The cases of print for an SCP, by category."""

from dimse.verify import Case

from .claimed import CLAIMED
from .creation import CREATION
from .ends import ENDS
from .events import EVENTS
from .images import IMAGES
from .life import LIFE
from .luts import LUTS
from .negotiation import NEGOTIATION
from .perf import PERF
from .printed import PRINTED
from .printer import PRINTER
from .text import TEXT
from .values import VALUES

__all__ = ["PRINT_CASES"]

PRINT_CASES: tuple[Case, ...] = (
    *NEGOTIATION,
    *CLAIMED,
    *CREATION,
    *LIFE,
    *ENDS,
    *PRINTED,
    *VALUES,
    *IMAGES,
    *LUTS,
    *PRINTER,
    *EVENTS,
    *TEXT,
    *PERF,
)
