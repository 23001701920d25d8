"""The cases of print for the conformance tester of `dimse.verify`, PS3.4 Annex H."""

from .cases import PRINT_CASES
from .claims import Claims, load_claims
from .options import PrintOptions

__all__ = ["PRINT_CASES", "Claims", "PrintOptions", "load_claims"]
