"""The Specific Character Set (0008,0005) of what an SCU says: PS3.3 C.12.1.1.2."""

from collections.abc import Iterator

from dimse.data import Dataset
from dimse.data.vr import row_of

__all__ = ["in_charset"]


def in_charset(dataset: Dataset) -> Dataset:
    """``dataset`` with the Specific Character Set that its text needs; as it is where it needs or has one."""
    if "SpecificCharacterSet" in dataset or all(map(str.isascii, _texts(dataset))):
        return dataset
    dataset = dataset.copy()
    dataset.SpecificCharacterSet = _term("".join(_texts(dataset)))
    return dataset


def _term(text: str) -> str:
    """The set that more printers know, if it has all characters."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return "ISO_IR 192"
    return "ISO_IR 100"


def _texts(dataset: Dataset) -> Iterator[str]:
    """The texts of VRs that the attribute is about, PS3.5 §6.1.2.2, items included."""
    for element in dataset:
        if element.VR != "SQ" and not row_of(element.VR).charset:
            continue
        values = element.value if isinstance(element.value, list) else [element.value]
        for value in values:
            if isinstance(value, Dataset):
                yield from _texts(value)
            elif value is not None:
                yield str(value)
