"""A Data Set that lies in a file instead of memory, as a map of the file."""

import mmap
from concurrent.futures import Future

__all__ = ["FileMap", "file_of"]


class FileMap(mmap.mmap):
    """A map of the file of a Data Set. ``stored`` is done when the file is complete, or has failed with an OSError."""

    stored: "Future[None]"

    def drop_pages(self) -> None:
        """Stop counting pages of the file as memory of this process, until they are read again."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.madvise(mmap.MADV_DONTNEED)


def file_of(data: object) -> FileMap | None:
    """Return the map that a buffer or an array is a view of; None if there is none, because the data is in memory."""
    while data is not None:
        if isinstance(data, FileMap):
            return data
        data = data.obj if isinstance(data, memoryview) else getattr(data, "base", None)
    return None
