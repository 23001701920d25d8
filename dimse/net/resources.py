"""The resources that all associations of a server share. Each client has its own resources."""

import asyncio
from dataclasses import dataclass, replace
from typing import Self

from ..limits import Limits, Timeouts
from ..message import CommandWriter
from .buffers import SCRATCH
from .fairness import Starts, Turns, Workers
from .memory import Memory
from .memory_budget import MemoryBudget

__all__ = ["Resources"]


@dataclass(frozen=True, slots=True)
class Resources:
    """Shares of the event loop, threads, the memory of messages and its budget, and the buffer to read into."""

    turns: Turns
    starts: Starts
    workers: Workers
    budget: MemoryBudget
    memory: Memory
    writer: CommandWriter
    scratch: memoryview | None = None

    @classmethod
    def of_client(cls, limits: Limits, timeouts: Timeouts) -> Self:
        """Return the resources of a new client, on the running event loop."""
        memory = Memory(asyncio.get_running_loop())
        return cls(Turns(), Starts(), Workers(), MemoryBudget(limits, timeouts.stall), memory, CommandWriter())

    @classmethod
    def of_server(cls, limits: Limits, timeouts: Timeouts) -> Self:
        """Return the resources of a new server, on the running event loop."""
        return replace(cls.of_client(limits, timeouts), scratch=memoryview(bytearray(SCRATCH)))
