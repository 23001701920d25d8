"""A layout as a drawing, SVG 1.1 in millimetres, to look at a display format without printing it."""

from .layout import Layout
from .sizes import Rect

__all__ = ["layout_svg"]

_IMAGE = 'fill="#222" stroke="#eee" stroke-width="0.5"'
_ANNOTATION = 'fill="#113" stroke="#9cf" stroke-width="0.5" stroke-dasharray="3 2"'
_LARGEST, _SHARE = 24.0, 0.5  # height of the numbers: mm at most, and part of the smaller side of the box


def layout_svg(layout: Layout) -> str:
    """Return a drawing of the film: image boxes and annotation boxes, each with its position."""
    width, height = f"{layout.width:g}", f"{layout.height:g}"
    size = f'viewBox="0 0 {width} {height}" width="{width}mm" height="{height}mm"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f"<title>{len(layout.boxes)} image boxes</title>",
        '<rect width="100%" height="100%" fill="#000"/>',
        *(_box(rect, str(position), _IMAGE) for position, rect in enumerate(layout.boxes, 1)),
        *(_box(rect, f"A{position}", _ANNOTATION) for position, rect in enumerate(layout.annotations, 1)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _box(rect: Rect, number: str, style: str) -> str:
    x, y, width, height = rect
    size = min(_LARGEST, min(width, height) * _SHARE)
    middle = f'x="{x + width / 2:.2f}" y="{y + height / 2:.2f}"'
    return (
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" {style}/>'
        f'<text {middle} dy="0.35em" fill="#eee" font-family="sans-serif" font-size="{size:.2f}"'
        f' text-anchor="middle">{number}</text>'
    )
