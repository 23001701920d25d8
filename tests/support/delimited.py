"""Data Sets with delimiters instead of lengths, PS3.5 §7.5."""

from dimse.data import Dataset

__all__ = ["delimit"]


def delimit(dataset: Dataset) -> None:
    """Give all sequences and items an undefined length."""
    for element in dataset:
        if element.VR == "SQ":
            element.undefined_length = True
            for item in element.value if isinstance(element.value, list) else []:
                if isinstance(item, Dataset):
                    item.undefined_length = True
                    delimit(item)
