"""The twin of each case: a peer with exactly the fault that the case tests. If a twin passes its case, the case is
useless.
"""

from .common import Twins
from .dimse_messages import DIMSE
from .enc import ENC
from .invariants import INVARIANTS
from .rob import ROB
from .ul_a import UL_A
from .ul_f import UL_F
from .ul_p import UL_P

__all__ = ["INVARIANTS", "TWINS"]

TWINS: Twins = {**UL_A, **UL_F, **UL_P, **DIMSE, **ENC, **ROB}
