"""A Data Set that lies in a file instead of memory, as a map of the file."""

import mmap
from concurrent.futures import Future

__all__ = ["FileMap", "file_of"]


class FileMap(mmap.mmap):
    """A map of the file of a Data Set.

    ``stored`` gets its result when the file is complete, or an OSError if the file cannot be written.
    """

    stored: "Future[None]"

    def drop_pages(self) -> None:
        """Stop counting pages of the file as memory of this process, until they are read again."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.madvise(mmap.MADV_DONTNEED)


def file_of(data: object) -> FileMap | None:
    """Return the map to which a buffer or an array refers; None if the data is in memory."""
    while data is not None:
        if isinstance(data, FileMap):
            return data
        data = data.obj if isinstance(data, memoryview) else getattr(data, "base", None)
    return None
