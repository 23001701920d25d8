"""The cases for Print Management (PS3.4 Annex H) of the conformance tester `dimse.verify`."""

from .cases import PRINT_CASES
from .claims import Claims, load_claims
from .options import PrintOptions

__all__ = ["PRINT_CASES", "Claims", "PrintOptions", "load_claims"]
