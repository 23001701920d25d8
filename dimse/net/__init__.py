"""The asyncio shell around the upper layer and the messages, which have neither sockets nor a clock of their own."""

from ..limits import Limits, Timeouts
from ..tls import Certificate, TLSContext, TLSProfile, client_context, server_context
from .association import Association
from .client import connect
from .disk import Disk
from .invoker import Responses
from .performer import Handler, Handlers, NoResponse, Operation, SynchronousHandler
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
from .recorder import Recorder, record
from .relay import Relay, Watch, relay
from .server import Server, Service, serve
from .services import VERIFICATION, send_instances
from .trace import Record, Trace

__all__ = [
    "VERIFICATION",
    "Acceptance",
    "Association",
    "Caller",
    "Certificate",
    "Decision",
    "Disk",
    "Handler",
    "Handlers",
    "SynchronousHandler",
    "Limits",
    "Operation",
    "Policy",
    "TLSProfile",
    "Record",
    "Recorder",
    "Relay",
    "Responses",
    "Server",
    "Service",
    "TLSContext",
    "Timeouts",
    "Trace",
    "Watch",
    "NoResponse",
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
    "record",
    "relay",
    "send_instances",
    "serve",
    "server_context",
]
