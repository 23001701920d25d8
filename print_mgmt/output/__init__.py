"""Pages to files: PNG, PDF, and a folder that receives them."""

from .errors import OutputError
from .folder import FORMATS, check_formats, write_page
from .pdf import write_pdf
from .png import write_png

__all__ = ["FORMATS", "OutputError", "check_formats", "write_page", "write_pdf", "write_png"]
