"""The bytes of whatever holds them: bytes, arrays, maps of files, and views of any of these."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["octets"]

_EXPLICIT_ORDER = "<>=!"  # which memoryview.cast() refuses


def octets(data: "Buffer") -> memoryview:
    """A view of the bytes of ``data``, in their order; a copy only where Python has no such view of them."""
    view = memoryview(data)
    if not view.nbytes:
        return memoryview(b"")
    if view.c_contiguous and view.format[0] not in _EXPLICIT_ORDER:
        return view.cast("B")
    return memoryview(view.tobytes())
