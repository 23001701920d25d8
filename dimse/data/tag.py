"""Data Element Tags: PS3.5 §7.1, and private tags, §7.8."""

__all__ = ["Tag"]


class Tag(int):
    """The tag of a Data Element: group and element number in one int, printed as (gggg,eeee)."""

    __slots__ = ()

    @property
    def group(self) -> int:
        """The group number, the upper 16 bits."""
        return self >> 16

    @property
    def element(self) -> int:
        """The element number, the lower 16 bits."""
        return self & 0xFFFF

    @property
    def is_private(self) -> bool:
        """Whether the group number is odd, so that the element belongs to a private creator (PS3.5 §7.8)."""
        return bool(self >> 16 & 1)

    def __str__(self) -> str:
        return f"({self >> 16:04X},{self & 0xFFFF:04X})"

    __repr__ = __str__
