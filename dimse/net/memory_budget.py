"""The memory that the peers of a server use: everything received that is still needed, and messages that are sent.

This covers association requests, incomplete PDUs, bytes that wait for their turn, incomplete messages, and requests
that wait or are performed. Each of these is free up to ``UNCOUNTED`` bytes. A longer message from the peer counts
without its first ``UNCOUNTED`` bytes; everything else that is longer counts as a whole, an association request twice.
The memory that is reserved for the rest of a message already counts, so an incomplete PDU that fits into this memory
does not count again.

If there is no room for a peer's message, the peer is not refused. Nothing is read from this peer until there is room,
and the rest of the message stays in the peer's memory. The message that began first always continues, so there will be
room again. If a peer does not continue its message while others wait, its association is aborted.
"""

import asyncio
from collections.abc import Callable

from ..limits import Limits
from ..message import UNCOUNTED
from .flow_control import MEMORY, FlowControl

__all__ = ["Account", "MemoryBudget"]

_TRICKLE = 1 << 14  # bytes within ``Timeouts.stall``; a message that grows by less (13 kbit/s) counts as stalled


class MemoryBudget:
    """The memory of the peers of one server, by host. ``stall`` is `Timeouts.stall`, in seconds."""

    def __init__(self, limits: Limits, stall: float) -> None:
        self.total = 0  # bytes of all peers
        self._limits = limits
        self._stall = stall
        self._hosts: dict[str, int] = {}
        self._receiving: dict[Account, None] = {}  # accounts of incomplete messages, in the order in which these began
        self._waiting: dict[Account, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, account: "Account", count: int) -> None:
        """Add ``count`` to the bytes of ``account``; if it is negative, others may continue."""
        self.total += count
        host = account.flow.host
        of_host = self._hosts.get(host, 0) + count
        if of_host:
            self._hosts[host] = of_host
        else:
            self._hosts.pop(host, None)
        if count < 0 and self._waiting:
            self._continue_others()

    def change(self, account: "Account", count: int) -> None:
        """Add ``count`` to the bytes of an incomplete message. Hold its peer if there is no room for them."""
        self.add(account, count)
        if count <= 0:
            self.relieve(account)
            return
        self._receiving.setdefault(account)
        if account not in self._waiting and not self._may_continue(account):
            self._waiting[account] = None
            account.flow.hold(MEMORY)
            if self._timer is None:
                self._watch()

    def relieve(self, account: "Account") -> None:
        """Let others continue, because ``account`` uses less memory or its message is complete."""
        if not account.receiving and not account.unprocessed:
            self._receiving.pop(account, None)
            if account in self._waiting:
                self._release(account)
        if self._waiting:
            self._continue_others()

    def _continue_others(self) -> None:
        for waiting in [other for other in self._waiting if self._may_continue(other)]:
            self._release(waiting)

    def _release(self, account: "Account") -> None:
        del self._waiting[account]
        account.flow.release(MEMORY)

    def _may_continue(self, account: "Account") -> bool:
        if self.total > self._limits.memory:
            return next(iter(self._receiving)) is account
        host = account.flow.host
        if self._hosts.get(host, 0) > self._limits.host_memory:
            return next(other for other in self._receiving if other.flow.host == host) is account
        return True

    def _watch(self) -> None:
        for account in self._receiving:
            account.begin_period()
        self._timer = asyncio.get_running_loop().call_later(self._stall, self._abort_stalled)

    def _abort_stalled(self) -> None:
        """Abort the associations of peers that could have continued their message and did not."""
        self._timer = None
        stalled = [each for each in self._receiving if not each.flow.hold_reasons and each.is_stalled(_TRICKLE)]
        for account in stalled:
            account.abort()
        if self._waiting:
            self._watch()


def _do_nothing() -> None:
    """Do nothing: an association that has ended cannot be aborted."""


class Account:
    """The memory that one association uses. ``abort`` ends the association."""

    def __init__(self, budget: MemoryBudget, flow: FlowControl, abort: Callable[[], None]) -> None:
        self.flow = flow
        self.abort = abort
        self.receiving = 0  # bytes of the incomplete message
        self.unprocessed = 0  # bytes of an incomplete PDU, and bytes that wait for their turn
        self._period_start: tuple[int, int] | None = None  # ``received`` and ``releases`` of the flow when it began
        self._kept = 0  # bytes of complete messages, and of the association request
        self._budget = budget

    def begin_period(self) -> None:
        """Begin the period that `is_stalled` judges."""
        self._period_start = self.flow.received, self.flow.releases

    def is_stalled(self, least: int) -> bool:
        """Return whether the peer could send during the whole period, and sent fewer than ``least`` bytes."""
        if self._period_start is None:
            return False
        received, releases = self._period_start
        return self.flow.releases == releases and self.flow.received - received < least

    def grow(self, count: int) -> None:
        """Add ``count`` to the bytes of the incomplete message; it is negative if they were moved to a file."""
        self.receiving += count
        self._budget.change(self, count)

    def set_unprocessed(self, count: int) -> None:
        """Set the number of bytes that have arrived but are not processed yet."""
        growth, self.unprocessed = count - self.unprocessed, count
        self._budget.change(self, growth)

    def count_request(self, length: int) -> None:
        """Count an association request of ``length`` bytes, which is kept as objects of twice that size."""
        if length > UNCOUNTED:
            self._kept += 2 * length
            self._budget.add(self, 2 * length)

    def complete(self) -> int:
        """End the incomplete message. Return its size, to `release` once the message is no longer needed."""
        count, self.receiving = self.receiving, 0
        self._period_start = None
        self._kept += count
        if count:
            self._budget.relieve(self)
        return count

    def count_sent(self, count: int) -> int:
        """Count the Data of a message to send. Return the bytes to `release` afterwards; 0 for a short message."""
        if count <= UNCOUNTED:
            return 0
        self._kept += count
        self._budget.add(self, count)
        return count

    def release(self, count: int) -> None:
        """Stop counting ``count`` bytes."""
        count = min(count, self._kept)  # nothing is left once the association has ended
        if count:
            self._kept -= count
            self._budget.add(self, -count)

    def close(self) -> None:
        """Release all bytes of the association, because it has ended."""
        self.complete()
        if self.unprocessed:
            self.set_unprocessed(0)
        self.release(self._kept)
        self.abort = _do_nothing
