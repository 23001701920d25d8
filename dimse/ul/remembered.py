"""What was read before, for peers that say the same each time."""

from typing import Generic, TypeVar

from ..limits import Limits

__all__ = ["Remembered"]

T = TypeVar("T")


class Remembered(Generic[T]):
    """A few of the PDUs that came last, by their bytes; what was read within other limits does not count."""

    LONGEST, MOST = 4096, 32  # bytes, PDUs

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[T, Limits | None]] = {}

    def get(self, wire: bytes, limits: Limits | None) -> T | None:
        """What ``wire`` was read as, if it is known."""
        known = self._known.get(wire)
        return known[0] if known is not None and known[1] is limits else None

    def put(self, wire: bytes, limits: Limits | None, pdu: T) -> None:
        """Remember it, if it is short."""
        if len(wire) > self.LONGEST:
            return
        if len(self._known) >= self.MOST:
            self._known.clear()
        self._known[wire] = pdu, limits
