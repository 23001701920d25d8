"""The cases for an SCP that need only `dimse`, by category."""

from ..case import Case
from .dimse_echo import DIMSE_ECHO
from .dimse_print import DIMSE_PRINT
from .enc import ENC
from .perf import PERF
from .rob_print import ROB_PRINT
from .rob_wire import ROB_WIRE
from .tls import TLS
from .ul_a_answer import UL_A_ANSWER
from .ul_a_contexts import UL_A_CONTEXTS
from .ul_a_request import UL_A_REQUEST
from .ul_a_user import UL_A_USER
from .ul_f_sta2 import STA2
from .ul_f_sta6 import STA6
from .ul_f_sta13 import STA13
from .ul_p import UL_P

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (
    *UL_A_ANSWER,
    *UL_A_REQUEST,
    *UL_A_CONTEXTS,
    *UL_A_USER,
    *STA2,
    *STA6,
    *STA13,
    *UL_P,
    *DIMSE_ECHO,
    *DIMSE_PRINT,
    *ENC,
    *ROB_WIRE,
    *ROB_PRINT,
    *TLS,
    *PERF,
)
