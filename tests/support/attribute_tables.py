"""The tables of attributes by SOP Class and service, PS3.4 Annex H.4."""

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
    VOILUTBox,
)
from print_mgmt.attributes.tables import (
    ANNOTATION_BOX,
    COLOR_IMAGE_BOX,
    FILM_BOX,
    FILM_BOX_SET,
    FILM_SESSION,
    GRAY_IMAGE_BOX,
    OVERLAY_BOX,
    OVERLAY_BOX_SET,
    PRESENTATION_LUT,
    PRINT_JOB,
    PRINTER,
    PRINTER_CONFIGURATION,
    VOI_LUT_BOX,
    Table,
)

__all__ = ["TABLES"]

# fmt: off
# Services without attributes have no row
TABLES: dict[tuple[str, str], Table] = {
    (BasicFilmSession,              "N-CREATE"): FILM_SESSION,
    (BasicFilmSession,              "N-SET"):    FILM_SESSION,
    (BasicFilmBox,                  "N-CREATE"): FILM_BOX,
    (BasicFilmBox,                  "N-SET"):    FILM_BOX_SET,
    (BasicGrayscaleImageBox,        "N-SET"):    GRAY_IMAGE_BOX,
    (BasicColorImageBox,            "N-SET"):    COLOR_IMAGE_BOX,
    (BasicAnnotationBox,            "N-SET"):    ANNOTATION_BOX,
    (PresentationLUT,               "N-CREATE"): PRESENTATION_LUT,
    (VOILUTBox,                     "N-CREATE"): VOI_LUT_BOX,
    (VOILUTBox,                     "N-SET"):    VOI_LUT_BOX,
    (ImageOverlayBox,               "N-CREATE"): OVERLAY_BOX,
    (ImageOverlayBox,               "N-SET"):    OVERLAY_BOX_SET,
    (BasicPrintImageOverlayBox,     "N-CREATE"): OVERLAY_BOX,
    (BasicPrintImageOverlayBox,     "N-SET"):    OVERLAY_BOX_SET,
    (PrintJob,                      "N-GET"):    PRINT_JOB,
    (Printer,                       "N-GET"):    PRINTER,
    (PrinterConfigurationRetrieval, "N-GET"):    PRINTER_CONFIGURATION,
}
# fmt: on
