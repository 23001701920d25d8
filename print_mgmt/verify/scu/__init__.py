"""The cases of print for an SCU, and the plain printer that they change.

- `plain_printer`: a printer that takes everything that keeps PS3.4 Annex H, and prints nothing.
- `cases_*`: the cases. `describe`: what a person at a modality is to do.
"""

from .cases import PRINT_SCU_CASES
from .describe import what_to_do
from .plain_printer import PlainPrinter

__all__ = ["PRINT_SCU_CASES", "PlainPrinter", "what_to_do"]
