"""The DICOM Conformance Statement of a printer (PS3.2), made from the tables and the configuration of the printer.

The statement agrees with the printer, because both use the same tables: the attributes that the printer checks, the
statuses that it answers, and the SOP Classes that it negotiates.
"""

from collections.abc import Iterator, Mapping

from dimse.message import GENERAL_STATUS
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
    Verification,
    name_of,
)

from ..config import Caller, PrinterConfig
from ..film import FILM_SIZES, Imager, Sheet, lay_out
from ..film.placement import pixel_box
from ..scu import OPTIONAL
from ..sop import EVENTS, MEMBERS, META_CLASSES, OPERATIONS, TITLES
from ..status import BY_SERVICE, PRINT_STATUS
from .association import association_section, interfaces_section, model_section, sop_classes_section
from .attributes import attributes_section
from .markdown import contents_lines, table_lines

__all__ = ["SERVICES", "conformance_statement"]

# The services that `print_mgmt.scu` invokes, by SOP Class
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
_PROPOSED = (*META_CLASSES, *SERVICES)  # abstract syntaxes that the Print SCU proposes


def conformance_statement(config: PrinterConfig) -> str:
    """Return the statement in Markdown. Its sections have the numbers of PS3.2 Annex A."""
    return "\n".join(_lines(config)) + "\n"


def _lines(config: PrinterConfig) -> Iterator[str]:
    body = list(_body(config))
    yield f"# DICOM Conformance Statement: {config.printer.PrinterName or 'dimse-print'}"
    yield from _overview_section(config)
    yield "\n## 2 Table of Contents\n"
    yield from contents_lines(body)
    yield from body


def _body(config: PrinterConfig) -> Iterator[str]:
    served = _served(config)
    yield from _introduction_section()
    yield from model_section()
    yield from sop_classes_section(served)
    yield from association_section(config)
    yield from attributes_section(config, served)
    yield from _statuses_section(served)
    yield from _events_section(served)
    yield from _print_scu_section()
    yield from interfaces_section()
    yield from _media_section(config)
    yield from _film_sizes_section(config)
    yield from _layout_section(config)
    yield from _callers_section(config)
    yield from _last_sections()


def _served(config: PrinterConfig) -> list[str]:
    """Return the SOP Classes that requests may name: the negotiated classes, and the members of Meta SOP Classes."""
    supported = config.abstract_syntaxes
    members = {uid for meta in META_CLASSES if meta in supported for uid in MEMBERS[meta]}
    return [uid for uid in OPERATIONS if uid in members or uid in supported]


# --- sections 1 and 3 ---


def _overview_section(config: PrinterConfig) -> Iterator[str]:
    yield "\n## 1 Conformance Statement Overview\n"
    yield "A DICOM printer, which accepts films from Print SCUs, queues them as print jobs, and renders them; and a"
    yield "Print SCU, which prints images on any DICOM printer. Neither writes nor reads DICOM media.\n"
    supported = (*config.abstract_syntaxes, Verification)
    rows = (
        (TITLES.get(uid) or name_of(uid), uid, _yes_or_no(uid in _PROPOSED), _yes_or_no(uid in supported))
        for uid in (*TITLES, Verification)
        if uid in supported or uid in _PROPOSED
    )
    yield from table_lines(("SOP Class", "UID", "User of Service (SCU)", "Provider of Service (SCP)"), rows)


def _yes_or_no(fact: bool) -> str:
    return "Yes" if fact else "No"


def _introduction_section() -> Iterator[str]:
    yield "\n## 3 Introduction\n\n### 3.1 Audience and Remarks\n"
    yield "This statement is for people who connect modalities, workstations and printers, and who know DICOM. Two"
    yield "matching statements make it likely that two products work together; only a test proves it. This statement"
    yield "is generated from the tables and the configuration that the printer runs on: another configuration gives"
    yield "another statement."
    yield "\n### 3.2 Terms and Abbreviations\n"
    yield from table_lines(
        ("Term", "Meaning"),
        [
            ("AE", "Application Entity"),
            ("OD", "optical density; densities are in hundredths of OD"),
            ("P-Value", "a value that a standardized display or film shows in perceptually even steps, PS3.14"),
            ("SCU, SCP", "Service Class User and Provider"),
            ("SCU/SCP", "usage of an attribute, PS3.4 H.2.4: Mandatory, User option, - undefined, C conditional"),
            (">", "an attribute of the items of the sequence above it"),
            ("i", "a whole number, such as a density"),
        ],
    )
    yield "\n### 3.3 References\n"
    yield "NEMA PS3, Digital Imaging and Communications in Medicine: PS3.2 (this statement), PS3.3 C.11.4 and C.13,"
    yield "PS3.4 Annex H (Print Management), PS3.7, PS3.8, PS3.14 (Grayscale Standard Display Function), PS3.15 B."


# --- section 4.2: statuses, events, the Print SCU ---


def _statuses_section(served: list[str]) -> Iterator[str]:
    yield "\n##### 4.2.1.6 Status Codes\n"
    yield "Warnings and failures carry an Error Comment with the reason, and name attributes in the Attribute"
    yield "Identifier List. Of several warnings, the response has the most important: first those of printing, then"
    yield "0116, then 0107.\n"
    rows = (
        (TITLES[uid], service, f"{status:04X}", PRINT_STATUS[status])
        for (uid, service), statuses in BY_SERVICE.items()
        if uid in served
        for status in statuses
    )
    yield from table_lines(("SOP Class", "Service", "Status", "Meaning"), rows)
    yield "\nAny service may answer with the general statuses of PS3.7 Annex C:\n"
    general = ((f"{status:04X}", words) for status, words in GENERAL_STATUS.items() if status < 0xFE00)
    yield from table_lines(("Status", "Meaning"), general)


def _events_section(served: list[str]) -> Iterator[str]:
    yield "\n##### 4.2.1.7 Events\n"
    yield "Printer events go to every association with a context for the Printer or a Meta SOP Class; Print Job"
    yield "events go to the association that created the job. A job exists until the SCU has confirmed its end."
    yield "Events are sent one at a time, at any time before the release, also between a request and its response. No"
    yield "further events are sent to an SCU that does not answer one.\n"
    rows = (
        (TITLES[uid], str(number), name)
        for uid, events in EVENTS.items()
        if uid in served
        for number, name in events.items()
    )
    yield from table_lines(("SOP Class", "Event Type ID", "Event"), rows)


def _print_scu_section() -> Iterator[str]:
    optional = ", ".join(TITLES[uid] for uid in OPTIONAL)
    yield "\n#### 4.2.2 Print SCU\n"
    yield "The Print SCU initiates associations, which the embedding program keeps open as long as it needs them, and"
    yield "accepts none. It proposes each context with Explicit and Implicit VR Little Endian, or with Implicit alone"
    yield "if so configured. It proposes a Meta SOP Class, or the members of that class if the printer rejects Meta SOP"
    yield f"Classes; Presentation LUT if the user wants one; {optional}; and the retired overlay boxes if the"
    yield "user wants them."
    yield "N-EVENT-REPORT of Printer and Print Job is answered with success at any time. Warnings do not stop a"
    yield "print; after a failure all created instances are deleted. A film is never repeated after its N-ACTION.\n"
    yield from table_lines(
        ("SOP Class", "Services invoked"), ((TITLES[uid], ", ".join(SERVICES[uid])) for uid in SERVICES)
    )


# --- section 4.4: the equipment ---


def _media_section(config: PrinterConfig) -> Iterator[str]:
    yield "\n#### 4.4.2 Media\n"
    rows = (
        (
            medium.MediumType,
            ", ".join(medium.FilmSizeID),
            _densities(config.imager_with(medium)),
            _light(config.imager_with(medium)),
            "installed" if medium.installed else "available",
        )
        for medium in config.media
    )
    yield from table_lines(("Medium Type", "Film Size ID", "Density, hundredths of OD", "Light, cd/m2", ""), rows)
    yield "\nA film box has the densities and the light of its medium unless it asks for others. Densities that the"
    yield "printer cannot reach are answered with B605 and the limit. If the densities cannot be shown under the"
    yield "requested light (PS3.14 7.1), the answer is 0116 with the light of the medium. Paper has no Reflected"
    yield "Ambient Light."


def _densities(imager: Imager) -> str:
    return f"{imager.MinDensity} to {imager.MaxDensity}"


def _light(imager: Imager) -> str:
    return f"{imager.Illumination}, ambient {imager.ReflectedAmbientLight}"


def _film_sizes_section(config: PrinterConfig) -> Iterator[str]:
    yield "\n#### 4.4.3 Films\n"
    rows = _film_size_rows(config)
    yield from table_lines(("Film Size ID", "Portrait", "Columns x Rows, STANDARD", "Columns x Rows, HIGH"), rows)


def _film_size_rows(config: PrinterConfig) -> Iterator[tuple[str, ...]]:
    """Yield a row for each film size: its millimeters, and, for a film with one image box, the pixels of that box.

    The pixels are given at both resolutions.
    """
    used = {size for medium in config.media for size in medium.FilmSizeID}
    for size, (width, height) in FILM_SIZES.items():
        if size in used:
            (box,) = lay_out(Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID=size), config.imager).boxes
            pixels = (pixel_box(box, dpi) for dpi in (config.imager.dpi, config.imager.high_dpi))
            yield size, f"{width:g} x {height:g} mm", *(f"{area.width} x {area.height}" for area in pixels)


def _layout_section(config: PrinterConfig) -> Iterator[str]:
    imager = config.imager
    formats = ", ".join(config.ImageDisplayFormat) or "any that fits on the film"
    yield "\n#### 4.4.4 Layout and Images\n"
    yield from table_lines(
        ("Property", "Value"),
        [
            ("Image Display Formats", formats),
            ("Custom formats", ", ".join(f"CUSTOM\\{number}" for number in imager.custom_formats) or "none"),
            ("Image box order", "row by row from the top left; COL column by column; CUSTOM as configured"),
            ("Annotation Display Format IDs (boxes)", _annotation_formats(config)),
            ("Characters in an annotation", str(config.annotation_characters)),
            ("Text that cannot be drawn", "0116; a Latin letter without its accent, U+FFFD, U+25A1 or ?"),
            ("Annotation without Pillow", "not offered: the presentation context is refused"),
            ("Resolution", f"STANDARD {imager.dpi} dpi, HIGH {imager.high_dpi} dpi"),
            ("Bits stored, gray", ", ".join(map(str, config.BitsStored))),
            ("Images larger than their box", f"{imager.RequestedDecimateCropBehavior} unless requested otherwise"),
            ("Memory Allocation", f"{config.MaximumMemoryAllocation} KB" if config.MaximumMemoryAllocation else "none"),
            ("Printing of film sessions", _session_printing(config)),
            ("Films while the printer is in FAILURE", "queued" if config.spools else "refused, 0110"),
        ],
    )


def _session_printing(config: PrinterConfig) -> str:
    limit = config.MaximumCollatedFilms
    if not limit:
        return "no; C616 for a second film"
    return f"up to {limit} films collated, others not (B601)" if config.collates else "not collated (B601)"


def _annotation_formats(config: PrinterConfig) -> str:
    formats = (f"{name} ({len(boxes)})" for name, boxes in config.imager.annotation_formats.items())
    return ", ".join(formats) if BasicAnnotationBox in config.abstract_syntaxes else "none"


def _callers_section(config: PrinterConfig) -> Iterator[str]:
    words = {
        "job_reference": "N-ACTION names no Print Job",
        "warnings": "warnings are answered as success",
        "may_print": "may not print, 0124",
        "echo": "N-CREATE and N-SET answer without attributes",
        "class_uid": "N-CREATE answers without Affected SOP Class UID",
    }
    rows = [
        (pattern, "; ".join(text for name, text in words.items() if not getattr(caller, name)))
        for pattern, caller in config.callers.items()
        if caller != Caller()
    ]
    if rows:
        yield "\n#### 4.4.5 Calling Application Entities\n"
        yield from table_lines(("Calling AE title", "Difference"), rows)


# --- sections 5 to 8 ---


def _last_sections() -> Iterator[str]:
    yield "\n## 5 Media Interchange\n\nNone."
    yield "\n## 6 Support of Character Sets\n"
    yield "All Defined Terms of Specific Character Set (0008,0005), PS3.3 C.12.1.1.2, with and without code extensions."
    yield "An annotation box without this attribute has the character set of its film session. The printer answers in"
    yield "the default repertoire, or in ISO_IR 192 for characters outside it."
    yield "\n## 7 Security\n"
    yield "The BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile (PS3.15 B.12) or the Modified one (B.13),"
    yield "if configured; the cipher suites that are optional in B.13 are not offered."
    yield "AE titles, hosts, certificates and user identities can be checked against lists. A passcode is accepted over"
    yield "TLS only."
    yield "\n## 8 Annexes\n\n### 8.1 Extensions, Specializations and Privatizations\n"
    yield "No private attributes, no private SOP Classes, no private transfer syntaxes; no coded terms."
    yield "\n### 8.2 Grayscale Image Consistency\n"
    yield "Films follow PS3.14: Polarity and Presentation LUT turn pixels into P-Values, and P-Values become the"
    yield "densities that show them, between Min Density and Max Density, under the Illumination and Reflected Ambient"
    yield "Light of the film box. LIN OD turns pixels directly into densities. Color values are printed unchanged;"
    yield "only Polarity REVERSE inverts them."
