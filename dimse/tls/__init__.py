"""TLS for DICOM, PS3.15 Annex B: the profiles B.12 and B.13, and a session without I/O for the transport."""

from .certificates import Certificate
from .profiles import TLSProfile, client_context, server_context
from .session import TLSContext, TLSSession, is_tls

__all__ = ["Certificate", "TLSContext", "TLSProfile", "TLSSession", "client_context", "is_tls", "server_context"]
