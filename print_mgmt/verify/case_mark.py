"""The id of a case as dark pixels in a light image, so that a film shows the case that printed it."""

from collections.abc import Iterator

__all__ = ["mark"]

_GLYPHS = {  # five rows of three pixels, as octal digits
    "0": 0o75557, "1": 0o26227, "2": 0o71747, "3": 0o71717, "4": 0o55711, "5": 0o74717, "6": 0o74757, "7": 0o71111,
    "8": 0o75757, "9": 0o75717, "-": 0o00700, ".": 0o00002, "A": 0o25755, "B": 0o65656, "C": 0o34443, "D": 0o65556,
    "E": 0o74647, "F": 0o74644, "H": 0o55755, "I": 0o72227, "L": 0o44447, "M": 0o57755, "N": 0o65555, "O": 0o25552,
    "P": 0o65644, "R": 0o65655, "S": 0o34216, "T": 0o72222, "U": 0o55557, "X": 0o55255,
}  # fmt: skip
_HEIGHT, _WIDTH, _MARGIN = 5, 3, 2  # pixels


def mark(pixels: bytes, rows: int, columns: int, case_id: str, *, octets: int = 1) -> bytes:
    """Return the pixels of an image with the id in two lines; an image that is too small is returned unchanged.

    ``octets`` is the number of bytes of a sample. The planes of a color image, which follow each other, are all marked.
    """
    result = bytearray(pixels)
    lines = case_id.rpartition("-")[::2]
    longest = max(map(len, lines)) * (_WIDTH + 1)
    if rows < 2 * (_MARGIN + _HEIGHT) + _MARGIN or columns < longest + 2 * _MARGIN:
        return pixels
    plane = rows * columns
    for number, line in enumerate(lines):
        for row, column in _dark(line):
            at = (row + _MARGIN + number * (_HEIGHT + _MARGIN)) * columns + column + _MARGIN
            for start in range(at * octets, len(pixels) - octets + 1, plane * octets):
                result[start : start + octets] = bytes(octets)
    return bytes(result)


def _dark(line: str) -> Iterator[tuple[int, int]]:
    """Yield the row and the column of each dark pixel of a line."""
    for number, character in enumerate(line):
        glyph = _GLYPHS.get(character, 0)
        for bit in range(_HEIGHT * _WIDTH):
            if glyph >> bit & 1:
                row, column = divmod(_HEIGHT * _WIDTH - 1 - bit, _WIDTH)
                yield row, number * (_WIDTH + 1) + column
