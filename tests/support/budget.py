"""The number of examples for properties that take longer, or find more, than others."""

from hypothesis import settings

__all__ = ["examples"]


def examples(count: int) -> int:
    """Return ``count`` for each 100 examples of the profile (see ``conftest.py``), at least 5."""
    return max(5, count * settings().max_examples // 100)
