"""Data Sets with delimiters in the place of lengths, PS3.5 §7.5."""

from dimse.data import Dataset

__all__ = ["delimit"]


def delimit(dataset: Dataset) -> None:
    """Let all sequences and items be of undefined length."""
    for element in dataset:
        if element.VR == "SQ":
            element.undefined_length = True
            for item in element.value if isinstance(element.value, list) else []:
                if isinstance(item, Dataset):
                    item.undefined_length = True
                    delimit(item)
