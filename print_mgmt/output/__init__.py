"""Pages to files: PNG, PDF, TIFF, DICOM Secondary Capture, a JSON sidecar, and a folder that receives them."""

from .capture import secondary_capture, write_capture
from .errors import IncompleteError, OutputError
from .folder import FORMATS, check_formats, write_page
from .pdf import write_pdf
from .png import write_png
from .sidecar import JSON, plain, write_sidecar
from .tiff import write_tiff

__all__ = [
    "FORMATS",
    "JSON",
    "IncompleteError",
    "OutputError",
    "check_formats",
    "plain",
    "secondary_capture",
    "write_capture",
    "write_page",
    "write_pdf",
    "write_png",
    "write_sidecar",
    "write_tiff",
]
