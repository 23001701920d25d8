"""The asyncio shell: the only sockets and the only clock."""

from .association import Association
from .client import connect
from .dispatch import Handler, Handlers, Operation
from .limits import Limits, Timeouts
from .server import Policy, Server, Service, accept_anyone, serve
from .verification import VERIFICATION

__all__ = [
    "VERIFICATION",
    "Association",
    "Handler",
    "Handlers",
    "Limits",
    "Operation",
    "Policy",
    "Server",
    "Service",
    "Timeouts",
    "accept_anyone",
    "connect",
    "serve",
]
