"""Test patterns: images that show at a glance how a printer changes an image.

- ``smpte``: the elements of SMPTE RP 133, for a first overview;
- ``tg18-qc``: the elements of the TG18-QC pattern of the AAPM, with finer contrasts;
- ``steps``: 16 gray steps with their P-Values written on them, for a densitometer;
- ``geometry``: a grid, circles and the outermost pixels, to check squares, circles and margins;
- ``resolution``: bars, the finest one pixel wide.

A pattern is an array for `prepare`: uint8, or uint16 with the values of 12 bits spread over 16 bits.
`print_mgmt.secondary_capture` makes DICOM files of patterns.
"""

from .canvas import Pattern
from .charts import geometry, resolution, steps
from .smpte import smpte
from .tg18 import tg18_qc

__all__ = ["PATTERNS", "Pattern", "geometry", "resolution", "smpte", "steps", "tg18_qc"]


PATTERNS: dict[str, Pattern] = {
    "smpte": smpte,
    "tg18-qc": tg18_qc,
    "steps": steps,
    "geometry": geometry,
    "resolution": resolution,
}
