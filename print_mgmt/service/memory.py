"""Memory Allocation (2000,0060): memory that film sessions reserve, PS3.4 H.4.1.2.1.1."""

__all__ = ["MemoryPool"]


class MemoryPool:
    """The memory that a printer allots to film sessions, in KB; all its associations share one."""

    def __init__(self, kilobytes: int) -> None:
        self.kilobytes = kilobytes
        self._reserved: dict[object, int] = {}

    def reserve(self, holder: object, kilobytes: int) -> bool:
        """Let ``holder`` have so much, in place of what it had. False where there is not enough left."""
        others = sum(reserved for other, reserved in self._reserved.items() if other is not holder)
        if others + kilobytes > self.kilobytes:
            return False
        self._reserved[holder] = kilobytes
        return True

    def release(self, holder: object) -> None:
        """Give back what ``holder`` has."""
        self._reserved.pop(holder, None)
