"""What can be wrong with an image that is to be printed."""

from dimse.errors import DimseError

__all__ = ["ImageError"]


class ImageError(DimseError):
    """An image that cannot be printed; the message says what it is and what to do, in one line."""
