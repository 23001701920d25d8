"""Peers that are wrong in one thing of UL-A."""

from .common import RELEASE_RQ, Twins, ignores

__all__ = ["UL_A"]

UL_A: Twins = {
    "UL-A-1.01": lambda: ignores(RELEASE_RQ),
}
