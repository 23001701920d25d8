"""Section 4.2.1.5 of the statement: the values of each attribute that the printer accepts, PS3.4 Annex H.4."""

from collections.abc import Collection, Iterator

from dimse.data import tag_of
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

from ..attributes.tables import (
    COLOR_IMAGE,
    GRAY_IMAGE,
    PRINT_JOB,
    PRINTER,
    PRINTER_CONFIGURATION,
    Attribute,
    Table,
)
from ..config import PrinterConfig, Tables, tables_of
from ..film import Imager
from .markdown import table_lines

__all__ = ["attributes_section"]

_IMAGER_KEYWORDS = ("MinDensity", "MaxDensity", "Illumination", "ReflectedAmbientLight")


def attributes_section(config: PrinterConfig, served: Collection[str]) -> Iterator[str]:
    """Yield the section in Markdown: the rules for other values, and the tables of the SOP Classes in ``served``."""
    tables = tables_of(config)
    yield "\n##### 4.2.1.5 SOP Specific Conformance: Attributes\n"
    yield from _policy(config)
    for uid, title, table in _tables(tables, served):
        if uid in served:
            yield f"\n###### {title}\n"
            imager = config.imager if table is tables.film_box else None
            yield from table_lines(("Attribute", "Tag", "SCU/SCP", "Values", "Default"), _rows(table, imager))


def _policy(config: PrinterConfig) -> Iterator[str]:
    """Yield how the printer treats values and attributes that the tables do not list, PS3.4 H.2.4."""
    if config.strict:
        yield "This printer is strict: a value that is not listed fails with 0106, and an attribute that is not"
        yield "supported or not in the SOP Class fails with 0105."
    else:
        yield "A value that is not listed is replaced by the default in N-CREATE and ignored in N-SET, with the warning"
        yield "0116. It fails with 0106 if the attribute is mandatory (M), or if the default would waste a film. An"
        yield "attribute that is not supported or not in the SOP Class is ignored, with the warning 0107. Attributes"
        yield "unrelated to printing, such as patient data, are ignored without a warning. Terms in small letters are"
        yield "accepted."


def _tables(tables: Tables, served: Collection[str]) -> tuple[tuple[str, str, Table], ...]:
    """Return the SOP Class, the title and the attributes of each table; both kinds of overlay boxes share one table."""
    overlay_box = ImageOverlayBox if ImageOverlayBox in served else BasicPrintImageOverlayBox
    return (
        (BasicFilmSession, "Basic Film Session, N-CREATE and N-SET", tables.film_session),
        (BasicFilmBox, "Basic Film Box, N-CREATE", tables.film_box),
        (BasicFilmBox, "Basic Film Box, N-SET", tables.film_box_set),
        (BasicGrayscaleImageBox, "Basic Grayscale Image Box, N-SET", tables.gray_image_box),
        (BasicGrayscaleImageBox, "Basic Grayscale Image Sequence", GRAY_IMAGE),
        (BasicColorImageBox, "Basic Color Image Box, N-SET", tables.color_image_box),
        (BasicColorImageBox, "Basic Color Image Sequence", COLOR_IMAGE),
        (BasicAnnotationBox, "Basic Annotation Box, N-SET", tables.annotation_box),
        (PresentationLUT, "Presentation LUT, N-CREATE", tables.presentation_lut),
        (VOILUTBox, "VOI LUT Box, N-CREATE and N-SET", tables.voi_lut_box),
        (overlay_box, "Image Overlay Boxes, N-CREATE and N-SET", tables.overlay_box),
        (Printer, "Printer, N-GET", PRINTER),
        (PrintJob, "Print Job, N-GET", PRINT_JOB),
        (PrinterConfigurationRetrieval, "Printer Configuration Retrieval, N-GET", PRINTER_CONFIGURATION),
    )


def _rows(table: Table, imager: Imager | None, depth: int = 0) -> Iterator[tuple[str, ...]]:
    """Yield a row for each attribute; attributes of items follow their sequence, with ``>`` as in PS3.3."""
    for row in table:
        name = ">" * depth + row.keyword
        yield name, str(tag_of(row.keyword)), row.usage, _values(row), _default(row, imager)
        yield from _rows(row.items, imager, depth + 1)


def _values(row: Attribute) -> str:
    if not row.supported:
        return "not supported"
    aliases = ", ".join(f"{alias} for {term}" for alias, term in row.aliases.items())
    return row.values.words + (f"; also {aliases}" if aliases else "")


def _default(row: Attribute, imager: Imager | None) -> str:
    if row.supported and imager is not None and row.keyword in _IMAGER_KEYWORDS:
        return "from the medium"
    return str(row.default) if row.supported and row.default is not None else ""
