"""The cases of print for an SCU, and the plain printer that they change.

- `plain_printer`: a printer that accepts all that PS3.4 Annex H allows, and prints nothing.
- `sessions`, `events` and `messages`: the cases, which `cases` lists. `material`: what they share.
- `describe`: the instructions for a person at a modality.
"""

from .cases import PRINT_SCU_CASES
from .describe import what_to_do
from .plain_printer import PlainPrinter

__all__ = ["PRINT_SCU_CASES", "PlainPrinter", "what_to_do"]
