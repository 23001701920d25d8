"""How large an image may be, said before anything of its size is made.

Rows and Columns go up to 65535, so a header of a few bytes can ask for 4 gigapixels, and a compressed
image can unfold to that.
"""

from .errors import ImageError

__all__ = ["MOST_FRAMES", "MOST_PIXELS", "check_size", "check_unfolding"]

# A film of 14 x 17 inches has 97 million in HIGH resolution (640 dpi); no image on it needs more.
MOST_PIXELS = 1 << 27
MOST_FRAMES = 1 << 20  # of one object: whole slides have less than a million
_LITTLE = 1 << 26  # bytes that any compressed frame may unfold to
_MOST_UNFOLDED = 1000  # times as many bytes as it has, for a larger one; real images of all codecs stay below 200


def check_size(rows: int, columns: int) -> None:
    """Raise ImageError for an image of no pixels, or of more than any film has."""
    if rows < 1 or columns < 1:
        raise ImageError(f"Rows {rows} and Columns {columns} are no image (PS3.3 C.7.6.3)")
    if rows * columns > MOST_PIXELS:
        raise ImageError(f"{rows} rows of {columns} are more than {MOST_PIXELS} pixels, the most that are printed")


def check_unfolding(size: int, compressed: int, what: str) -> None:
    """Raise ImageError where so few compressed bytes would unfold to so many."""
    if size > max(_LITTLE, _MOST_UNFOLDED * compressed):
        raise ImageError(f"{what} data of {compressed} bytes would unfold to {size}: no image, but an attack on memory")
