"""The asyncio shell: the only sockets and the only clock."""

from ..limits import Limits, Timeouts
from ..tls import Certificate, TLSContext, TLSProfile, client_context, server_context
from .association import Association
from .client import connect
from .dispatch import Handler, Handlers, Immediate, Unanswered
from .operation import Operation
from .policy import (
    Acceptance,
    Caller,
    Decision,
    Policy,
    accept_anyone,
    all_of,
    called_titles,
    calling_titles,
    certificate_titles,
    hosts,
    identified,
    identity_of,
)
from .responses import Responses
from .server import Server, Service, serve
from .suboperations import send_instances
from .trace import Record, Trace
from .verification import VERIFICATION

__all__ = [
    "VERIFICATION",
    "Acceptance",
    "Association",
    "Caller",
    "Certificate",
    "Decision",
    "Handler",
    "Handlers",
    "Immediate",
    "Limits",
    "Operation",
    "Policy",
    "TLSProfile",
    "Record",
    "Responses",
    "Server",
    "Service",
    "TLSContext",
    "Timeouts",
    "Trace",
    "Unanswered",
    "accept_anyone",
    "all_of",
    "called_titles",
    "calling_titles",
    "certificate_titles",
    "client_context",
    "connect",
    "hosts",
    "identified",
    "identity_of",
    "send_instances",
    "serve",
    "server_context",
]
