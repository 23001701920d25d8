"""The cases of print for an SCU, and the plain printer whose answers they change.

- `plain_printer`: a printer that accepts what PS3.4 Annex H allows, and prints nothing.
- `sessions`, `events` and `messages`: the cases, which `cases` lists. `material`: their common parts.
- `instructions`: the instructions for a person at a modality.
"""

from .cases import PRINT_SCU_CASES
from .instructions import instruction_for
from .plain_printer import PlainPrinter

__all__ = ["PRINT_SCU_CASES", "PlainPrinter", "instruction_for"]
