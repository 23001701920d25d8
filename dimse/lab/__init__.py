"""A laboratory for one association: its text commands send any PDU to a peer, and explain each answer."""

from .connection import Connection, Listener, dial
from .language import Mistake
from .session import Lab, LabFailure

__all__ = ["Connection", "Lab", "LabFailure", "Listener", "Mistake", "dial"]
