"""The asyncio shell: the only sockets and the only clock."""

from ..limits import Limits, Timeouts
from .association import Association
from .client import connect
from .dispatch import Handler, Handlers
from .invoking import Responses
from .operation import Operation
from .server import Caller, Policy, Server, Service, accept_anyone, serve
from .tls import Certificate, client_context, server_context
from .trace import Record, Trace
from .verification import VERIFICATION

__all__ = [
    "VERIFICATION",
    "Association",
    "Caller",
    "Certificate",
    "Handler",
    "Handlers",
    "Limits",
    "Operation",
    "Policy",
    "Record",
    "Responses",
    "Server",
    "Service",
    "Timeouts",
    "Trace",
    "accept_anyone",
    "client_context",
    "connect",
    "serve",
    "server_context",
]
