"""The DICOM Conformance Statement of a printer, PS3.2."""

from .statement import SERVICES, conformance_statement

__all__ = ["SERVICES", "conformance_statement"]
