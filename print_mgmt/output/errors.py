"""What can go wrong between a page and a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dimse.errors import DimseError, shown

__all__ = ["IncompleteError", "OutputError"]


class OutputError(DimseError):
    """A page cannot be written as asked: unknown format, unfit file name, no page at all.

    Trouble with the disk stays OSError.
    """


class IncompleteError(OutputError):
    """Some formats of a page could not be written: ``failures`` by format. The files of the others are ``paths``."""

    def __init__(self, failures: Mapping[str, Exception], paths: Sequence[Path]) -> None:
        self.failures = dict(failures)
        self.paths = list(paths)
        said = (f"{suffix}: {type(exc).__name__} {shown(str(exc))}" for suffix, exc in failures.items())
        super().__init__("; ".join(said))
