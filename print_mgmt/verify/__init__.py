"""The cases for Print Management (PS3.4 Annex H) of the conformance tester `dimse.verify`.

- `cases`: the cases for an SCP. `scu`: the cases for an SCU. The run of a case is the function that performs the case.
- `conversation`: an association with a printer, for the runs. `steps`: runs with several steps. `film`: the film that
  many cases share. `case_mark`: marks a film with the id of its case.
- `listener` and `rules`: the invariants, which judge the messages of all cases.
- `claims`: the claims of a peer. `options`: the options of the tester. `grid_scripts`: the scripts of the grid.
"""

from .cases import PRINT_CASES
from .claims import Claims, load_claims
from .options import PrintOptions

__all__ = ["PRINT_CASES", "Claims", "PrintOptions", "load_claims"]
