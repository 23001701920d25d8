"""The cases for an SCU that need only `dimse`. Invariants for both roles are with the cases for an SCP."""

from ...case import Case, Role
from ...cases import CASES
from .tls import TLS_2
from .ul_a import UL_A_7, UL_A_8
from .ul_f import UL_F_5, UL_F_6, UL_F_7
from .ul_p import DIMSE_2, ROB_2, UL_P_3

__all__ = ["SCU_CASES"]

SCU_CASES: tuple[Case, ...] = (
    *(case for case in CASES if case.role is Role.BOTH),
    *UL_A_7,
    *UL_A_8,
    *UL_F_5,
    *UL_F_6,
    *UL_F_7,
    *UL_P_3,
    *DIMSE_2,
    *ROB_2,
    *TLS_2,
)
