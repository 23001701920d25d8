"""The DICOM Conformance Statement of a printer, PS3.2, written from the tables and the configuration that it runs on.

What stands in it cannot differ from what the printer does: the attributes are those it checks, the statuses those it
answers, the SOP Classes those it negotiates.
"""

from collections.abc import Iterable, Iterator, Sequence

from dimse.data import tag_of
from dimse.message import GENERAL_STATUS, NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request
from dimse.uids import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    ImageOverlayBox,
    PresentationLUT,
    Printer,
    PrinterConfigurationRetrieval,
    PrintJob,
    Verification,
    VOILUTBox,
    name_of,
)

from .attributes.tables import COLOR_IMAGE, GRAY_IMAGE, PRINT_JOB, PRINTER, PRINTER_CONFIGURATION, Attribute, Table
from .config import Caller, PrinterConfig, Tables, tables_of
from .film import FILM_SIZES, Imager, Sheet, lay_out
from .film.placement import pixel_box
from .sop import EVENTS, MEMBERS, META_CLASSES, OPERATIONS, TITLES, TRANSFER_SYNTAXES
from .status import BY_SERVICE, PRINT_STATUS

__all__ = ["conformance_statement"]

_SERVICES: dict[type[Request], str] = {
    NCreateRQ: "N-CREATE",
    NSetRQ: "N-SET",
    NGetRQ: "N-GET",
    NActionRQ: "N-ACTION",
    NDeleteRQ: "N-DELETE",
}


def conformance_statement(config: PrinterConfig) -> str:
    """The statement in Markdown, its sections numbered as in PS3.2 Annex A."""
    return "\n".join(_lines(config)) + "\n"


def _lines(config: PrinterConfig) -> Iterator[str]:
    tables = tables_of(config)
    yield f"# DICOM Conformance Statement: {config.printer.PrinterName or 'dimse-print'}"
    yield from _overview(config)
    yield from _association(config)
    yield from _classes(config)
    yield "\n### 4.2.3 Attributes\n"
    yield from _policy(config)
    for title, table in _attribute_tables(config, tables):
        yield f"\n#### {title}\n"
        imager = config.imager if table is tables.film_box else None
        yield from _grid(("Attribute", "Tag", "SCU/SCP", "Values", "Default"), _rows(table, imager))
    yield from _statuses(config)
    yield from _events(config)
    yield from _printer(config)
    yield from _callers(config)
    yield from _rest()


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table of Markdown."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def _overview(config: PrinterConfig) -> Iterator[str]:
    yield "\n## 1 Conformance Statement Overview\n"
    yield "A DICOM printer: it accepts films from Print SCUs, queues them as print jobs, and renders them.\n"
    supported = config.abstract_syntaxes
    rows = [(TITLES[uid], uid, "No", "Yes") for uid in supported]
    yield from _grid(
        ("SOP Class", "UID", "User of Service (SCU)", "Provider of Service (SCP)"),
        [*rows, (name_of(Verification), Verification, "No", "Yes")],
    )


def _association(config: PrinterConfig) -> Iterator[str]:
    yield "\n## 4 Networking\n\n### 4.1 Implementation Model\n"
    yield "One Application Entity, the Print SCP. It initiates no associations. Films that N-ACTION accepted belong to"
    yield "the printer: they are printed whatever becomes of the association."
    yield "\n### 4.2.1 Association Policies\n"
    yield from _grid(
        ("Property", "Value"),
        [
            ("Application Context Name", "1.2.840.10008.3.1.1.1"),
            ("Implementation Class UID", IMPLEMENTATION_CLASS_UID),
            ("Implementation Version Name", IMPLEMENTATION_VERSION_NAME),
            ("Film sessions in an association", "1"),
            ("Film boxes in a film session", str(config.film_boxes)),
            ("Print jobs that wait", str(config.queue_length)),
            ("Pixels in a film session", f"{config.memory} bytes"),
        ],
    )


def _classes(config: PrinterConfig) -> Iterator[str]:
    yield "\n### 4.2.2 Presentation Contexts and Services\n"
    yield "Each abstract syntax is accepted with the first of its transfer syntaxes that is proposed:\n"
    syntaxes = TRANSFER_SYNTAXES[-1:] if config.implicit_only else TRANSFER_SYNTAXES
    yield from _grid(("Transfer Syntax", "UID"), [(name_of(uid), uid) for uid in syntaxes])
    yield ""
    for meta in META_CLASSES:
        if meta in config.abstract_syntaxes:
            members = ", ".join(TITLES[uid] for uid in OPERATIONS if uid in MEMBERS[meta])
            yield f"- {TITLES[meta]}: {members}"
    yield ""
    yield from _grid(
        ("SOP Class", "DIMSE services"),
        [(TITLES[uid], ", ".join(_services(uid))) for uid in _served(config)],
    )


def _served(config: PrinterConfig) -> list[str]:
    """The SOP Classes that requests may name: those negotiated, and the members of Meta SOP Classes."""
    supported = config.abstract_syntaxes
    members = {uid for meta in META_CLASSES if meta in supported for uid in MEMBERS[meta]}
    return [uid for uid in OPERATIONS if uid in members or uid in supported]


def _services(uid: str) -> Iterator[str]:
    yield from (name for message, name in _SERVICES.items() if message in OPERATIONS[uid])
    if uid in EVENTS:
        yield "N-EVENT-REPORT (sent)"


# --- attributes ---


def _policy(config: PrinterConfig) -> Iterator[str]:
    """PS3.4 H.2.4."""
    if config.strict:
        yield "This printer is strict: a value that is not listed fails with 0106, an attribute that is not supported"
        yield "or that the SOP Class has not with 0105."
    else:
        yield "A value that is not listed is replaced by the default, 0116, but where it is mandatory (M) or changes"
        yield "what the film is made of: 0106. An attribute that is not supported or has no place there is passed over,"
        yield "0107. What is no matter of printing, such as patient's data, is passed over in silence."


def _attribute_tables(config: PrinterConfig, tables: Tables) -> Iterator[tuple[str, Table]]:
    served = _served(config)
    for uid, title, table in (
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
        (ImageOverlayBox, "Image Overlay Boxes, N-CREATE and N-SET", tables.overlay_box),
        (Printer, "Printer, N-GET", PRINTER),
        (PrintJob, "Print Job, N-GET", PRINT_JOB),
        (PrinterConfigurationRetrieval, "Printer Configuration Retrieval, N-GET", PRINTER_CONFIGURATION),
    ):
        if uid in served:
            yield title, table


def _rows(table: Table, imager: Imager | None, depth: int = 0) -> Iterator[tuple[str, ...]]:
    """A row for each attribute; those of items follow their sequence, with ``>`` as in PS3.3."""
    for row in table:
        name = ">" * depth + row.keyword
        yield name, str(tag_of(row.keyword)), row.usage, _values(row), _default(row, imager)
        yield from _rows(row.items, imager, depth + 1)


def _values(row: Attribute) -> str:
    if not row.supported:
        return "not supported"
    also = ", ".join(f"{alias} for {term}" for alias, term in row.aliases.items())
    return row.values.words + (f"; also {also}" if also else "")


def _default(row: Attribute, imager: Imager | None) -> str:
    if row.supported and imager is not None and row.keyword in _OF_THE_IMAGER:
        return f"{getattr(imager, row.keyword)}, or what the medium allows"
    return str(row.default) if row.supported and row.default is not None else ""


_OF_THE_IMAGER = ("MinDensity", "MaxDensity", "Illumination", "ReflectedAmbientLight")


# --- statuses and events ---


def _statuses(config: PrinterConfig) -> Iterator[str]:
    yield "\n### 4.2.4 Status Codes\n"
    yield "Warnings and failures carry an Error Comment that says why, and name attributes in the Attribute Identifier"
    yield "List. Of several warnings the foremost is answered: those of printing, then 0116, then 0107.\n"
    served = _served(config)
    rows = (
        (TITLES[uid], service, f"{status:04X}", PRINT_STATUS[status])
        for (uid, service), statuses in BY_SERVICE.items()
        if uid in served
        for status in statuses
    )
    yield from _grid(("SOP Class", "Service", "Status", "Meaning"), rows)
    yield "\nAny service may answer the general statuses of PS3.7 Annex C:\n"
    general = ((f"{status:04X}", words) for status, words in GENERAL_STATUS.items() if status < 0xFE00)
    yield from _grid(("Status", "Meaning"), general)


def _events(config: PrinterConfig) -> Iterator[str]:
    yield "\n### 4.2.5 Events\n"
    yield "Printer events go to every association that may bear them, Print Job events to the one that made the job.\n"
    served = _served(config)
    rows = (
        (TITLES[uid], str(number), name)
        for uid, events in EVENTS.items()
        if uid in served
        for number, name in events.items()
    )
    yield from _grid(("SOP Class", "Event Type ID", "Event"), rows)


# --- the printer ---


def _printer(config: PrinterConfig) -> Iterator[str]:
    imager = config.imager
    yield "\n### 4.4 Configuration\n\n#### Media\n"
    rows = (
        (
            medium.MediumType,
            ", ".join(medium.FilmSizeID),
            f"{medium.MinDensity} to {medium.MaxDensity}",
            "installed" if medium.installed else "available",
        )
        for medium in config.media
    )
    yield from _grid(("Medium Type", "Film Size ID", "Density, hundredths of OD", ""), rows)
    yield "\n#### Films\n"
    yield from _grid(("Film Size ID", "Portrait", "Columns x Rows, STANDARD", "Columns x Rows, HIGH"), _films(config))
    yield "\n#### Layout and Images\n"
    formats = ", ".join(config.ImageDisplayFormat) or "any that has room on the film"
    sessions = f"up to {config.MaximumCollatedFilms} films" + ("" if config.collates else ", not collated (B601)")
    yield from _grid(
        ("Property", "Value"),
        [
            ("Image Display Formats", formats),
            ("Custom formats", ", ".join(f"CUSTOM\\{number}" for number in imager.custom_formats) or "none"),
            ("Image box order", "row by row from the top left; COL column by column; CUSTOM as configured"),
            ("Annotation Display Format IDs (boxes)", _annotation_formats(config)),
            ("Characters in an annotation", str(config.annotation_characters)),
            ("Resolution", f"STANDARD {imager.dpi} dpi, HIGH {imager.high_dpi} dpi"),
            ("Bits stored, gray", ", ".join(map(str, config.BitsStored))),
            ("Images larger than their box", f"{imager.RequestedDecimateCropBehavior} unless asked for otherwise"),
            ("Memory Allocation", f"{config.MaximumMemoryAllocation} KB" if config.MaximumMemoryAllocation else "none"),
            ("Printing of film sessions", sessions if config.MaximumCollatedFilms else "none: C616 for a second film"),
            ("Films while the printer has failed", "queued" if config.spools else "refused, 0110"),
        ],
    )


def _films(config: PrinterConfig) -> Iterator[tuple[str, ...]]:
    """The printable pixels of each film, as one image has them."""
    used = {size for medium in config.media for size in medium.FilmSizeID}
    for size, (width, height) in FILM_SIZES.items():
        if size in used:
            (box,) = lay_out(Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID=size), config.imager).boxes
            pixels = (pixel_box(box, dpi) for dpi in (config.imager.dpi, config.imager.high_dpi))
            yield size, f"{width:g} x {height:g} mm", *(f"{area.width} x {area.height}" for area in pixels)


def _annotation_formats(config: PrinterConfig) -> str:
    formats = (f"{name} ({len(boxes)})" for name, boxes in config.imager.annotation_formats.items())
    return ", ".join(formats) if BasicAnnotationBox in config.abstract_syntaxes else "none"


def _callers(config: PrinterConfig) -> Iterator[str]:
    if not config.callers:
        return
    yield "\n#### Calling Application Entities\n"
    words = {
        "job_reference": "N-ACTION names no Print Job",
        "warnings": "warnings are told as success",
        "may_print": "may not print, 0124",
        "echo": "N-CREATE and N-SET answer without attributes",
        "class_uid": "N-CREATE answers without Affected SOP Class UID",
    }
    rows = (
        (pattern, "; ".join(said for name, said in words.items() if not getattr(caller, name)))
        for pattern, caller in config.callers.items()
        if caller != Caller()
    )
    yield from _grid(("Calling AE title", "Differs by"), rows)


def _rest() -> Iterator[str]:
    yield "\n## 5 Media Interchange\n\nNone."
    yield "\n## 6 Support of Character Sets\n"
    yield "All Defined Terms of Specific Character Set (0008,0005), PS3.3 C.12.1.1.2, with and without code extensions."
    yield "Annotation boxes that name none are read in that of their film session."
    yield "\n## 7 Security\n"
    yield "The BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 B.12), where it is configured."
