"""The error for images that cannot be printed."""

from dimse.errors import DimseError

__all__ = ["ImageError"]


class ImageError(DimseError):
    """An image that cannot be printed. The message is one line, and says what to do."""
