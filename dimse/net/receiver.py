"""Assembles the messages of a peer from its P-DATA-TF PDUs, each within its time, on accepted contexts."""

from collections.abc import Callable, Iterator, Sequence

from ..data import expected_length
from ..errors import RemoteProtocolError
from ..limits import Limits
from ..message import Assembler, Message, MistypedRequest, Storage
from ..ul import PDU, PDV, Context, PDataTF
from .agreement import Agreement
from .memory_budget import Account
from .timers import Timer

__all__ = ["Received", "Receiver"]


# The context, the message, and the fault of a request that must be refused. A plain tuple, because a named one takes
# 1 % of a C-ECHO.
Received = tuple[Context, Message, str]


class Receiver:
    """The receiving end of an association.

    ``timer`` bounds the time of one message. ``most_skipped`` is passed to `Assembler`. ``account`` pays for the
    messages.
    """

    def __init__(
        self, limits: Limits, timer: Timer, most_skipped: Callable[[Message], int], account: Account, storage: Storage
    ) -> None:
        self.agreement: Agreement | None = None  # the association sets it before there is any P-DATA
        self.is_midway = False  # whether the rest of a message is awaited
        self._timer = timer
        self._is_over = False
        self._assembler = Assembler(
            self._expected_length, limits, most_skipped=most_skipped, on_growth=account.grow, storage=storage
        )

    def receive(self, pdus: Sequence[PDU]) -> Iterator[Received | PDU]:
        """Yield what the peer has sent: each message that is complete, and all PDUs but P-DATA-TF, in their order.

        The caller processes each before it asks for the next. Raises `DecodeError` and `RemoteProtocolError` for
        P-DATA that cannot follow.
        """
        assembler = self._assembler
        if self.is_midway and not self._is_over:
            pdus = pdus[assembler.add_run(pdus) :]
        for pdu in pdus:
            if not isinstance(pdu, PDataTF):
                yield pdu
                continue
            has_completed, position, count = False, 0, len(pdu.pdvs)
            while position < count and not self._is_over:  # the association may end in the middle of a PDU
                received = self._add(pdu.pdvs[position])
                position += 1
                if received is not None:
                    has_completed = True
                    yield received
                elif position < count:
                    position += assembler.add_pdvs(pdu.pdvs, position)
            self.is_midway = assembler.is_midway and not self._is_over
            if not self.is_midway:
                if self._timer.is_running:
                    self._timer.cancel()
            elif has_completed or not self._timer.is_running:
                self._timer.start()

    def _add(self, pdv: PDV) -> Received | None:
        """Add a PDV. Return the message that it completes."""
        assert self.agreement is not None
        context = self.agreement.contexts.get(pdv.context_id)
        if context is None:
            raise RemoteProtocolError(f"context {pdv.context_id} was not accepted (PS3.8 §9.3.5.1)")
        try:
            completed = self._assembler.add(pdv)
        except MistypedRequest as exc:
            return context, exc.request, exc.brief
        return None if completed is None else (context, completed[1], "")

    def cancel(self) -> None:
        """Drop the incomplete message, and take no more, because the association has ended."""
        self._is_over = True
        self._assembler.drop()
        self._timer.cancel()

    def _expected_length(self, context_id: int, first: memoryview) -> int | None:
        assert self.agreement is not None
        return expected_length(first, self.agreement.syntax(context_id))
