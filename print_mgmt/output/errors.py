"""What can go wrong between a page and a file."""

from dimse.errors import DimseError

__all__ = ["OutputError"]


class OutputError(DimseError):
    """A page cannot be written as asked: unknown format, unfit file name, no page at all.

    Trouble with the disk stays OSError.
    """
