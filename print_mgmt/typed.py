"""Typed access to the values of a Data Set.

A peer can send a value of any type for any attribute. These functions return a value of the expected type, or a default
if the value has another type or is missing, so callers need no type checks. A value that its VR does not allow raises
DecodeError.
"""

from dimse.data import Dataset

__all__ = ["integer", "integers", "items", "real", "term", "text", "texts"]


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence, or an empty list if it is missing or not a sequence."""
    value = dataset.get(keyword)
    return [item for item in value if isinstance(item, Dataset)] if value and isinstance(value, list) else []


def text(dataset: Dataset, keyword: str, default: str = "") -> str:
    """Return a single text, or the default."""
    value = dataset.get(keyword)
    return value if isinstance(value, str) else default


def term(dataset: Dataset, keyword: str) -> str:
    """Return a single term of VR CS, or "". Small letters, which CS does not allow (PS3.5 §6.2), become capitals."""
    return text(dataset, keyword).upper()


def texts(dataset: Dataset, *keywords: str) -> list[str]:
    """Return the single text of each attribute; "" for one that is missing or has another type."""
    return [value if isinstance(value, str) else "" for value in dataset.values_of(*keywords)]


def integers(dataset: Dataset, *keywords: str) -> list[int | None]:
    """Return the single whole number of each attribute; None for one that is missing or has another type."""
    return [value if isinstance(value, int) else None for value in dataset.values_of(*keywords)]


def integer(dataset: Dataset, keyword: str, default: int = -1) -> int:
    """Return a single whole number, or the default."""
    value = dataset.get(keyword)
    return value if isinstance(value, int) else default


def real(dataset: Dataset, keyword: str) -> float | None:
    """Return a single number, or None."""
    value = dataset.get(keyword)
    return float(value) if isinstance(value, int | float) else None
