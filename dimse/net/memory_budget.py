"""The memory that all peers of a server hold: messages under way, requests that wait or are performed, long responses.

Nobody is refused for it. A peer whose message finds no room is not read until there is some, and waits in its own
memory; the message that began first always goes on, so that there will be. One that does not go on, while others wait,
is aborted. What every association may hold without asking (the first ``STEP`` bytes) is not counted.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from ..limits import Limits
from ..message import STEP
from ..ul.wire import Buffer
from .flow_control import MEMORY, FlowControl

__all__ = ["Account", "MemoryBudget"]

_TRICKLE = 1 << 14  # bytes in ``Timeouts.stall`` that are no progress: 13 kbit/s


class MemoryBudget:
    """The memory of one server, by host."""

    def __init__(self, limits: Limits, stall: float) -> None:
        self.total = 0  # bytes
        self._limits = limits
        self._stall = stall
        self._hosts: Counter[str] = Counter()
        self._receiving: dict[Account, None] = {}  # whose message is under way, the first that began first
        self._waiting: dict[Account, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, account: "Account", count: int) -> None:
        """Count more bytes, or fewer, of ``account``."""
        self.total += count
        self._hosts[account.host] += count
        if not self._hosts[account.host]:
            del self._hosts[account.host]

    def begin(self, account: "Account") -> None:
        """Its message takes room; it waits unless there is some."""
        self._receiving.setdefault(account)
        if account not in self._waiting and not self._may_go_on(account):
            self._waiting[account] = None
            account.flow.hold(MEMORY)
            if self._timer is None:
                self._watch()

    def end(self, account: "Account") -> None:
        """Its message is no longer under way, or it holds less: others may go on."""
        if not account.receiving:
            self._receiving.pop(account, None)
            self._let_go(account)
        for waiting in [other for other in self._waiting if self._may_go_on(other)]:
            self._let_go(waiting)

    def _let_go(self, account: "Account") -> None:
        if account in self._waiting:
            del self._waiting[account]
            account.seen = None  # until somebody looks again: it could not go on meanwhile
            account.flow.let_go(MEMORY)

    def _may_go_on(self, account: "Account") -> bool:
        if self.total > self._limits.memory:
            return next(iter(self._receiving)) is account
        if self._hosts[account.host] > self._limits.host_memory:
            return next(other for other in self._receiving if other.host == account.host) is account
        return True

    def _watch(self) -> None:
        for account in self._receiving:
            account.seen = account.flow.received
        self._timer = asyncio.get_running_loop().call_later(self._stall, self._look)

    def _look(self) -> None:
        """Abort those that have begun, do not go on, and are not waiting for anything."""
        self._timer = None
        stalled = [each for each in self._receiving if not each.flow.holds and each.is_stalled(_TRICKLE)]
        for account in stalled:
            account.abort()
        if self._waiting:
            self._watch()


class Account:
    """What one association holds. ``abort`` ends it."""

    def __init__(self, budget: MemoryBudget, flow: FlowControl, abort: Callable[[], None]) -> None:
        self.flow = flow
        self.abort = abort
        self.receiving = 0  # bytes of the message under way
        self.seen: int | None = None  # what of the peer had been read when somebody looked last
        self._kept = 0  # bytes of whole messages
        self._budget = budget

    @property
    def host(self) -> str:
        """The address of the peer."""
        return self.flow.host

    def is_stalled(self, least: int) -> bool:
        """Whether fewer bytes than ``least`` have come since somebody looked last."""
        return self.seen is not None and self.flow.received - self.seen < least

    def grow(self, count: int) -> None:
        """The message under way takes so many more bytes."""
        self.receiving += count
        self._budget.add(self, count)
        self._budget.begin(self)

    def complete(self) -> int:
        """The message under way is whole, or dropped; what is to be released when nobody needs it any more."""
        count, self.receiving = self.receiving, 0
        self.seen = None
        self._kept += count
        if count:
            self._budget.end(self)
        return count

    def keep(self, data: Buffer | Sequence[Buffer] | None) -> int:
        """A message to be sent has ``data``; what is to be released afterwards, nothing for a short one."""
        if isinstance(data, list):
            count = sum(map(len, data))
        else:
            count = len(data) if isinstance(data, bytes | bytearray | memoryview) else 0
        if count <= STEP:
            return 0
        self._kept += count
        self._budget.add(self, count)
        return count

    def release(self, count: int) -> None:
        """So many bytes are not needed any more."""
        count = min(count, self._kept)  # nothing is left once the association has ended
        if count:
            self._kept -= count
            self._budget.add(self, -count)
            self._budget.end(self)

    def close(self) -> None:
        """The association has ended."""
        self.complete()
        self.release(self._kept)
