"""Paper printers as a destination.

- `destination`: `PaperDestination`. `cups`: queues of CUPS. `ipp`: driverless printers, with the extra ``paper``.
- `media`: paper for films. `reasons`: the state of a printer in terms of DICOM. `ticket`: what both queues share.
"""

from .destination import PaperDestination

__all__ = ["PaperDestination"]
