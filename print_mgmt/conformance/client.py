"""Section 4.2.2 of the statement: what the Print SCU asks of printers."""

from collections.abc import Iterator, Mapping

from dimse.uids import (
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicPrintImageOverlayBox,
    ImageOverlayBox,
    PresentationLUT,
    Printer,
    PrinterConfigurationRetrieval,
    PrintJob,
)

from ..scu import OPTIONAL
from ..sop import META_CLASSES, TITLES
from .markdown import grid

__all__ = ["SERVICES", "USED", "client"]

# By SOP Class: the services that `print_mgmt.scu` invokes
SERVICES: Mapping[str, tuple[str, ...]] = {
    BasicFilmSession: ("N-CREATE", "N-ACTION", "N-DELETE"),
    BasicFilmBox: ("N-CREATE", "N-ACTION", "N-DELETE"),
    BasicGrayscaleImageBox: ("N-SET",),
    BasicColorImageBox: ("N-SET",),
    BasicAnnotationBox: ("N-SET",),
    PresentationLUT: ("N-CREATE", "N-DELETE"),
    Printer: ("N-GET",),
    PrinterConfigurationRetrieval: ("N-GET",),
    PrintJob: ("N-GET",),
    ImageOverlayBox: ("N-CREATE",),
    BasicPrintImageOverlayBox: ("N-CREATE",),
}

# What it proposes presentation contexts for
USED = (*META_CLASSES, *SERVICES)


def client() -> Iterator[str]:
    """What the Print SCU proposes and invokes."""
    optional = ", ".join(TITLES[uid] for uid in OPTIONAL)
    yield "\n#### 4.2.2 Print SCU\n"
    yield "It initiates associations, as long as the embedding program keeps them open, and accepts none. Each context"
    yield "is proposed with Explicit and Implicit VR Little Endian, or with Implicit alone where that is asked for."
    yield "It proposes a Meta SOP Class; the members of one to a printer that accepts none; Presentation LUT where one"
    yield f"is to be used; {optional}; and the retired overlay boxes where the user asks for them."
    yield "N-EVENT-REPORT of Printer and Print Job is answered with success at any time. Warnings do not stop a print;"
    yield "a failure does, and what was made is deleted. What has come to N-ACTION is never sent again.\n"
    yield from grid(("SOP Class", "Services invoked"), ((TITLES[uid], ", ".join(SERVICES[uid])) for uid in SERVICES))
