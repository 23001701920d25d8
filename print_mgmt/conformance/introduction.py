"""Sections 1 to 3 of the statement: what the product is, and how to read this."""

from collections.abc import Iterator

from dimse.uids import Verification, name_of

from ..config import PrinterConfig
from ..sop import TITLES
from .client import USED
from .markdown import grid

__all__ = ["introduction", "overview"]


def overview(config: PrinterConfig) -> Iterator[str]:
    """Section 1, with the SOP Classes of both roles."""
    yield "\n## 1 Conformance Statement Overview\n"
    yield "A DICOM printer, which accepts films from Print SCUs, queues them as print jobs, and renders them; and a"
    yield "Print SCU, which prints images on any DICOM printer. Neither writes nor reads DICOM media.\n"
    supported = (*config.abstract_syntaxes, Verification)
    rows = (
        (TITLES.get(uid) or name_of(uid), uid, _yes(uid in USED), _yes(uid in supported))
        for uid in (*TITLES, Verification)
        if uid in supported or uid in USED
    )
    yield from grid(("SOP Class", "UID", "User of Service (SCU)", "Provider of Service (SCP)"), rows)


def _yes(fact: bool) -> str:
    return "Yes" if fact else "No"


def introduction() -> Iterator[str]:
    """Section 3."""
    yield "\n## 3 Introduction\n\n### 3.1 Audience and Remarks\n"
    yield "For those who connect modalities, workstations and printers, and know DICOM. That two statements match makes"
    yield "it likely that two products work together; only a test shows it. This statement is generated from the tables"
    yield "and the configuration that the printer runs on: a printer that is configured otherwise has another one."
    yield "\n### 3.2 Terms and Abbreviations\n"
    yield from grid(
        ("Term", "Meaning"),
        [
            ("AE", "Application Entity"),
            ("OD", "optical density; densities are in hundredths of OD"),
            ("P-Value", "a value that a standardized display or film shows in perceptually even steps, PS3.14"),
            ("SCU, SCP", "Service Class User and Provider"),
            ("SCU/SCP", "usage of an attribute, PS3.4 H.2.4: Mandatory, User option, - undefined, C conditional"),
            (">", "an attribute of the items of the sequence before"),
            ("i", "a whole number, such as a density"),
        ],
    )
    yield "\n### 3.3 References\n"
    yield "NEMA PS3, Digital Imaging and Communications in Medicine: PS3.2 (this statement), PS3.3 C.11.4 and C.13,"
    yield "PS3.4 Annex H (Print Management), PS3.7, PS3.8, PS3.14 (Grayscale Standard Display Function), PS3.15 B."
