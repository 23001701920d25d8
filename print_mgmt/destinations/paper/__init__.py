"""Paper printers as a destination.

- `destination`: `PaperDestination`. `cups`: queues of CUPS. `ipp`: driverless printers, with the extra ``paper``.
- `media`: paper sizes for films. `reasons`: the state of a paper printer as DICOM Printer Status.
- `ticket`: the job ticket and the protocol of both kinds of queues.
"""

from .destination import PaperDestination

__all__ = ["PaperDestination"]
