"""Unique Identifiers: PS3.5 §9, and the registry of PS3.6 Annex A.

The constants are named by the keywords of Table A-1, and cover the print services and all storage SOP Classes.
`registry` returns the registry, and `name_of` returns the name of a UID.
"""

import re
from functools import cache
from os import urandom
from typing import NamedTuple

from . import storage_classes
from .errors import escaped
from .packaged import packaged_text
from .storage_classes import *  # noqa: F403  # a generated module with an `__all__`

# fmt: off
__all__ = [
    "IMPLEMENTATION_CLASS_UID", "IMPLEMENTATION_VERSION_NAME",
    "Registered", "is_valid_uid", "name_of", "name_or_uid", "new_uid", "registry",
    "Verification", "DICOMApplicationContext",
    "ImplicitVRLittleEndian", "ExplicitVRLittleEndian", "ExplicitVRBigEndian", "DeflatedExplicitVRLittleEndian",
    "BasicFilmSession", "BasicFilmBox", "BasicGrayscaleImageBox", "BasicColorImageBox", "BasicAnnotationBox",
    "BasicGrayscalePrintManagementMeta", "BasicColorPrintManagementMeta", "VOILUTBox", "ImageOverlayBox",
    "BasicPrintImageOverlayBox", "PresentationLUT", "PrintJob", "Printer", "PrinterInstance",
    "PrinterConfigurationRetrieval", "PrinterConfigurationRetrievalInstance", "PrintQueueManagement",
    "StoredPrintStorage", "PullPrintRequest",
]
__all__ += storage_classes.__all__

Verification                           = "1.2.840.10008.1.1"
DICOMApplicationContext                = "1.2.840.10008.3.1.1.1"

ImplicitVRLittleEndian                 = "1.2.840.10008.1.2"
ExplicitVRLittleEndian                 = "1.2.840.10008.1.2.1"
DeflatedExplicitVRLittleEndian         = "1.2.840.10008.1.2.1.99"
ExplicitVRBigEndian                    = "1.2.840.10008.1.2.2"

BasicFilmSession                       = "1.2.840.10008.5.1.1.1"
BasicFilmBox                           = "1.2.840.10008.5.1.1.2"
BasicGrayscaleImageBox                 = "1.2.840.10008.5.1.1.4"
BasicColorImageBox                     = "1.2.840.10008.5.1.1.4.1"
BasicGrayscalePrintManagementMeta      = "1.2.840.10008.5.1.1.9"
PrintJob                               = "1.2.840.10008.5.1.1.14"
BasicAnnotationBox                     = "1.2.840.10008.5.1.1.15"
Printer                                = "1.2.840.10008.5.1.1.16"
PrinterConfigurationRetrieval          = "1.2.840.10008.5.1.1.16.376"
PrinterInstance                        = "1.2.840.10008.5.1.1.17"
PrinterConfigurationRetrievalInstance  = "1.2.840.10008.5.1.1.17.376"
BasicColorPrintManagementMeta          = "1.2.840.10008.5.1.1.18"
VOILUTBox                              = "1.2.840.10008.5.1.1.22"
PresentationLUT                        = "1.2.840.10008.5.1.1.23"
ImageOverlayBox                        = "1.2.840.10008.5.1.1.24"
BasicPrintImageOverlayBox              = "1.2.840.10008.5.1.1.24.1"
PrintQueueManagement                   = "1.2.840.10008.5.1.1.26"
StoredPrintStorage                     = "1.2.840.10008.5.1.1.27"
PullPrintRequest                       = "1.2.840.10008.5.1.1.31"
# fmt: on

# The identification of this implementation, in associations (PS3.7 §D.3.3.2) and in File Meta Information
IMPLEMENTATION_CLASS_UID = "2.25.43152205859990455019012653986524349365"
IMPLEMENTATION_VERSION_NAME = "DIMSE_PRINT_010"

_MAX_CHARACTERS = 64  # in a UID, PS3.5 §9.1
_COMPONENTS = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")


class Registered(NamedTuple):
    """A row of PS3.6 Table A-1; ``type`` is, for instance, "SOP Class" or "Transfer Syntax"."""

    uid: str
    name: str
    type: str
    keyword: str
    retired: bool


@cache
def registry() -> dict[str, Registered]:
    """Return the registry of PS3.6 Table A-1 by UID, without context groups and templates."""
    rows = (line.split("\t") for line in packaged_text("dimse", "uids.tsv").splitlines())
    return {row[0]: Registered(row[0], row[1], row[2], row[3], row[4] == "Y") for row in rows}


def name_of(uid: str) -> str:
    """Return the name of a UID in PS3.6; "" if PS3.6 defines none."""
    row = registry().get(uid)
    return row.name if row else ""


def name_or_uid(uid: str) -> str:
    """Return the name of a UID in PS3.6, or else the UID itself, with escapes for control characters."""
    return name_of(uid) or escaped(uid)


def new_uid() -> str:
    """Return a unique UID: a random UUID under 2.25, PS3.5 §B.2."""
    random = int.from_bytes(urandom(16)) & ~(0xF << 76 | 3 << 62)
    return f"2.25.{random | 4 << 76 | 2 << 62}"  # version 4 and variant of RFC 9562 §5.4


def is_valid_uid(text: str) -> bool:
    """Return whether ``text`` is a UID, PS3.5 §9.1: 2 or more components, no leading zeros, at most 64 characters."""
    return len(text) <= _MAX_CHARACTERS and _COMPONENTS.fullmatch(text) is not None
