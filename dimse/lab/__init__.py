"""A laboratory for one association: commands in words send any PDU to a peer, and each answer is explained."""

from .connection import Connection, Listener, dial
from .language import Mistake
from .session import Lab, LabFailure

__all__ = ["Connection", "Lab", "LabFailure", "Listener", "Mistake", "dial"]
