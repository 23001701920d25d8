"""The cases of print for an SCU: those for both roles, and those for an SCU alone."""

from dimse.verify import Case, Role

from ..cases import PRINT_CASES
from .events import PRN_E_3
from .messages import CHS_2, DIMSE_2, ENC_2, PERF_2, ROB_2, UL_P_3
from .sessions import PRN_L_2, PRN_N_2, PRN_X_2

__all__ = ["PRINT_SCU_CASES"]

PRINT_SCU_CASES: tuple[Case, ...] = (
    *(case for case in PRINT_CASES if case.role is Role.BOTH),
    *UL_P_3,
    *DIMSE_2,
    *ENC_2,
    *PRN_N_2,
    *PRN_L_2,
    *PRN_X_2,
    *PRN_E_3,
    *CHS_2,
    *ROB_2,
    *PERF_2,
)
