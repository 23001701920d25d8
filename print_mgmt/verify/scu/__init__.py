"""The cases of print for an SCU, and the plain printer whose answers they change.

A visit is one run of the SCU. In the first visit, the plain scenario, the printer gives only plain answers. In a visit
for a case, a reaction replaces the plain answer to a request.

- `plain_printer`: a printer that accepts what PS3.4 Annex H allows, and prints nothing.
- `sessions`, `events` and `messages`: the cases, which `cases` lists. `material`: the parts that the cases share.
- `instructions`: the instructions for a person at a modality.
"""

from .cases import PRINT_SCU_CASES
from .instructions import instruction_for
from .plain_printer import PlainPrinter

__all__ = ["PRINT_SCU_CASES", "PlainPrinter", "instruction_for"]
