"""The cases that need no print service of ours, by category."""

from ..case import Case
from .ul_a import UL_A
from .ul_f import UL_F

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (*UL_A, *UL_F)
