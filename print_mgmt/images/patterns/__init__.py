"""Test patterns: pictures that show at a glance what a printer does to an image.

- ``smpte``: the elements of SMPTE RP 133, for a first look at everything;
- ``tg18-qc``: those of the TG18-QC pattern of the AAPM, finer in contrast;
- ``steps``: 16 gray steps whose P-Values are written on them, to be measured with a densitometer;
- ``geometry``: a grid, circles and the outermost pixels: squares must be square, circles round, nothing cut off;
- ``resolution``: bars from one pixel wide on.

A pattern is an array for `prepare`: uint8, or for 12 bits uint16 whose values, spread over the whole range of the
dtype, are exactly those of 12 bits. As DICOM file it is a Secondary Capture Image.
"""

from typing import Protocol

from .canvas import Bits, Pixels
from .charts import geometry, resolution, steps
from .smpte import smpte
from .tg18 import tg18_qc

__all__ = ["PATTERNS", "Pattern", "geometry", "resolution", "smpte", "steps", "tg18_qc"]


class Pattern(Protocol):
    """What draws a pattern: ``rows`` x ``columns`` pixels, square without ``columns``."""

    def __call__(self, rows: int = ..., columns: int | None = ..., bits: Bits = ...) -> Pixels: ...


PATTERNS: dict[str, Pattern] = {
    "smpte": smpte,
    "tg18-qc": tg18_qc,
    "steps": steps,
    "geometry": geometry,
    "resolution": resolution,
}
