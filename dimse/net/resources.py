"""The resources that all associations of one server share. On a client, each association has resources of its own."""

import asyncio
from dataclasses import dataclass, replace
from typing import Self

from ..limits import Limits, Timeouts
from ..message import CommandReader, CommandWriter
from .buffers import SCRATCH
from .busy_poll import Polls
from .disk import Disk, PeerDisk
from .fairness import Starts, Turns, Workers
from .flow_control import FlowControl
from .memory import Memory
from .memory_budget import MemoryBudget

__all__ = ["Resources"]


@dataclass(frozen=True, slots=True)
class Resources:
    """The event loop, threads, memory, and the reader and writer of Command Sets.

    ``turns`` and ``starts`` divide the event loop: a long piece of work takes a turn, and ``starts`` begins handlers.
    ``memory`` holds the messages that are received, and ``budget`` limits it. ``polls`` is for `BusyPoll`. ``scratch``
    is the buffer to read into. Long Data Sets go to ``disk``, if there is one.
    """

    turns: Turns
    starts: Starts
    workers: Workers
    budget: MemoryBudget
    memory: Memory
    reader: CommandReader
    writer: CommandWriter
    polls: Polls
    scratch: memoryview | None = None
    disk: Disk | None = None

    @classmethod
    def of_client(cls, limits: Limits, timeouts: Timeouts) -> Self:
        """Return the resources of a new client, on the running event loop."""
        memory = Memory(asyncio.get_running_loop())
        budget = MemoryBudget(limits, timeouts.stall)
        return cls(Turns(), Starts(), Workers(), budget, memory, CommandReader(), CommandWriter(), Polls())

    @classmethod
    def of_server(cls, limits: Limits, timeouts: Timeouts, disk: Disk | None = None) -> Self:
        """Return the resources of a new server, on the running event loop."""
        return replace(cls.of_client(limits, timeouts), scratch=memoryview(bytearray(SCRATCH)), disk=disk)

    def long_storage(self, flow: FlowControl) -> PeerDisk | None:
        """Return the storage on disk for the long Data Sets of one peer; None if they stay in memory."""
        return None if self.disk is None else self.disk.of_peer(flow)
