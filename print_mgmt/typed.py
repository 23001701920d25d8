"""Values of a Data Set as the type that an attribute has, whatever a peer put there.

A Data Set of the wire can hold anything under any tag. These read what is expected and give the
default for the rest, so that nobody downstream has to ask what kind of thing he has got.
"""

from dimse.data import Dataset

__all__ = ["integer", "items", "real", "text"]


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; none where there is no such sequence."""
    value = dataset.get(keyword)
    return [item for item in value if isinstance(item, Dataset)] if isinstance(value, list) else []


def text(dataset: Dataset, keyword: str, default: str = "") -> str:
    """A text of one value."""
    value = dataset.get(keyword)
    return value if isinstance(value, str) else default


def integer(dataset: Dataset, keyword: str, default: int = -1) -> int:
    """A whole number of one value."""
    value = dataset.get(keyword)
    return value if isinstance(value, int) else default


def real(dataset: Dataset, keyword: str) -> float | None:
    """A number of one value, None where there is none."""
    value = dataset.get(keyword)
    return float(value) if isinstance(value, int | float) else None
