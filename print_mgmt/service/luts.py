"""Presentation LUTs: PS3.4 H.4.9, PS3.3 C.11.4."""

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, Value

from ..attributes import check, refuse
from ..film import PresentationLUT
from ..model import StoredLUT
from ..status import INVALID_VALUE, MISSING_ATTRIBUTE
from ..typed import items, text
from .answer import Answer, answered
from .hierarchy import Call, Hierarchy

__all__ = ["create_presentation_lut"]

_ENTRIES = (256, 4096)  # as many as values that 8 and 12 bits have
_BITS = range(10, 17)


def create_presentation_lut(hierarchy: Hierarchy, call: Call) -> Answer:
    """N-CREATE, PS3.4 H.4.9.1.1: a shape, or a table."""
    uid = hierarchy.new_uid(call)
    hierarchy.check_room()
    checked = check(hierarchy.tables.presentation_lut, call.dataset, defaults=True, strict=hierarchy.config.strict)
    lut = _lut(checked.attributes)
    stored = StoredLUT(SOPInstanceUID=uid, attributes=checked.attributes, lut=lut)
    hierarchy.keep(stored, checked.attributes, others=0 if lut.table is None else lut.table.nbytes)
    hierarchy.add(stored)
    return answered(checked, uid)


def _lut(attributes: Dataset) -> PresentationLUT:
    shape, tables = text(attributes, "PresentationLUTShape"), items(attributes, "PresentationLUTSequence")
    if shape and tables:
        raise refuse(INVALID_VALUE, "PresentationLUTShape", "and PresentationLUTSequence exclude each other")
    if shape:
        return PresentationLUT(shape=shape)
    if tables:
        return _table(tables[0])
    raise refuse(MISSING_ATTRIBUTE, "PresentationLUTShape", "is missing, and PresentationLUTSequence is, too")


def _table(item: Dataset) -> PresentationLUT:
    descriptor = item.get("LUTDescriptor")
    match descriptor:
        case [int(entries), 0, int(bits)] if entries in _ENTRIES and bits in _BITS:
            table = _p_values(item.get("LUTData"))
            if len(table) != entries:
                raise refuse(INVALID_VALUE, "LUTData", f"has {len(table)} entries, not {entries}")
            if table.max() >> bits:
                raise refuse(INVALID_VALUE, "LUTData", f"has {table.max()}, more than {bits} bits hold")
            return PresentationLUT(table=table, bits=bits)
    raise refuse(INVALID_VALUE, "LUTDescriptor", f"{descriptor!a}, not 256 or 4096, 0, 10 to 16 (PS3.3 C.11.4)")


def _p_values(data: Value) -> NDArray[np.uint16]:
    """LUT Data as US or as OW. Raises `ServiceError`."""
    if isinstance(data, bytes | memoryview) and len(data) % 2 == 0:
        return np.frombuffer(data, "<u2").astype(np.uint16)
    if isinstance(data, list) and all(isinstance(entry, int) and 0 <= entry <= 0xFFFF for entry in data):
        return np.array(data, np.uint16)
    raise refuse(INVALID_VALUE, "LUTData", "is no list of numbers of 16 bits")
