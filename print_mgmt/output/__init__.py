"""Writes pages as files: PNG, PDF, TIFF, DICOM Secondary Capture and a JSON sidecar, and all of them into a folder."""

from .dicom import secondary_capture, write_capture
from .folder import FORMATS, JSON, check_formats, json_of, write_page, write_sidecar
from .page import IncompleteError, OutputError
from .pdf import write_pdf
from .png import write_png
from .tiff import write_tiff

__all__ = [
    "FORMATS",
    "JSON",
    "IncompleteError",
    "OutputError",
    "check_formats",
    "json_of",
    "secondary_capture",
    "write_capture",
    "write_page",
    "write_pdf",
    "write_png",
    "write_sidecar",
    "write_tiff",
]
