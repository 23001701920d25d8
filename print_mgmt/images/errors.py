"""The error for images that cannot be printed."""

from dimse.errors import DimseError

__all__ = ["ImageError"]


class ImageError(DimseError):
    """An image cannot be printed. The message is one line."""
