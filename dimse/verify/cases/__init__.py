"""The cases that need no print service of ours, by category."""

from ..case import Case
from .ul_a import UL_A
from .ul_f_sta2 import STA2
from .ul_f_sta6 import STA6
from .ul_f_sta13 import STA13

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (*UL_A, *STA2, *STA6, *STA13)
