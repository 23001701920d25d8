"""Charts for measurements: gray steps, geometry, resolution."""

import numpy as np

from .canvas import Bits, Canvas, Pixels, draw_bars, draw_frame, draw_text

__all__ = ["geometry", "resolution", "steps"]

_STEPS = 16  # gray boxes of `steps`; their P-Values are exact in 8 and in 12 bits, because 15 divides 255 and 4095
_WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)


def steps(rows: int = 1024, columns: int | None = None, bits: Bits = 8) -> Pixels:
    """Return 16 gray steps from black to white, labeled with their P-Values, above a ramp and its reverse."""
    canvas = Canvas(rows, columns, 20, 0.5)
    highest = (1 << bits) - 1
    for step in range(_STEPS):
        box = canvas.part(1 + step // 4 * 3.75, 1 + step % 4 * 4.5, 3.75, 4.5)
        box[...] = step / (_STEPS - 1)
        scale = max(1, int(canvas.unit / 16))
        words = str(step * highest // (_STEPS - 1))
        draw_text(box[-9 * scale :, 2 * scale :], words, 0.0 if step >= _STEPS // 2 else 1.0, scale)
    for row, direction in ((16.5, 1), (17.75, -1)):
        ramp = canvas.part(row, 1, 1.25, 18)
        ramp[...] = np.linspace(0, 1, ramp.shape[1])[::direction]
    return canvas.to_pixels(bits)


def geometry(rows: int = 1024, columns: int | None = None, bits: Bits = 8) -> Pixels:
    """Return white lines on black: squares, circles, diagonals, and the outermost pixels."""
    canvas = Canvas(rows, columns, 16, 0.0)
    canvas.draw_grid(1.0, 2)
    draw_frame(canvas.area, 0, 2, 1.0)
    height, width = canvas.area.shape
    y, x = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    middle, radius = (height / 2, width / 2), 7 * canvas.unit
    corners = [
        (v, h) for v in (2 * canvas.unit, height - 2 * canvas.unit) for h in (2 * canvas.unit, width - 2 * canvas.unit)
    ]
    for (row, column), size in ((middle, radius), *((corner, 1.5 * canvas.unit) for corner in corners)):
        canvas.area[np.abs(np.sqrt((y - row) ** 2 + (x - column) ** 2) - size) < 1] = 1.0
    from_diagonals = np.abs(np.abs(y - middle[0]) - np.abs(x - middle[1]))
    canvas.area[from_diagonals < 1] = 1.0
    return canvas.to_pixels(bits)


def resolution(rows: int = 1024, columns: int | None = None, bits: Bits = 8) -> Pixels:
    """Return bars 1 to 16 pixels wide, vertical beside horizontal, labeled with their widths."""
    canvas = Canvas(rows, columns, 20, 0.5)
    scale = max(1, int(canvas.unit / 24))
    for index, width in enumerate(_WIDTHS):
        row, column = 1 + index // 2 * 3.7, 1 + index % 2 * 9.25
        for side, upright in enumerate((True, False)):
            draw_bars(canvas.part(row, column + 4.4 * side, 2.7, 4.2), 0.0, 1.0, width, upright=upright)
        draw_text(canvas.part(row + 2.8, column, 0.9, 4), str(width), 0.0, scale)
    return canvas.to_pixels(bits)
