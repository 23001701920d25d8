"""Memory of the printer's that its associations share: what film sessions reserve, and what clients have made."""

__all__ = ["MemoryPool"]


class MemoryPool:
    """So much memory, of which each association holds a part.

    For Memory Allocation (2000,0060), PS3.4 H.4.1.2.1.1, it counts KB; for what is kept, bytes.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._parts: dict[object, int] = {}
        self._used = 0

    def reserve(self, holder: object, part: int) -> bool:
        """Let ``holder`` have so much, in place of what it had. False where there is not enough left."""
        used = self._used - self._parts.get(holder, 0) + part
        if used > self.size:
            return False
        self._parts[holder], self._used = part, used
        return True

    def release(self, holder: object) -> None:
        """Give back what ``holder`` has."""
        self._used -= self._parts.pop(holder, 0)
