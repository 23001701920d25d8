"""How many examples a property gets that is costlier, or worth more, than others."""

from hypothesis import settings

__all__ = ["examples"]


def examples(count: int) -> int:
    """``count`` for each hundred that the profile gives to other properties, see ``conftest.py``; 5 at least."""
    return max(5, count * settings().max_examples // 100)
