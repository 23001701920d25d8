"""P-DATA-TF PDUs into messages, each within its time, on contexts that were accepted."""

from collections.abc import Callable, Sequence

from ..data import expected_length
from ..errors import RemoteProtocolError
from ..limits import Limits
from ..message import Assembler, Message, MistypedRequest
from ..ul import PDU, Context, PDataTF
from .agreement import Agreement
from .deadline import Deadline
from .memory_budget import Account

__all__ = ["Receiver"]

Deliver = Callable[[Context, Message, str], None]  # the last one says what is wrong with a request, nothing as a rule


class Receiver:
    """Gives each message to ``deliver`` as it is whole; ``overdue`` is called when one is not for too long.

    ``passed_over`` is as in `Assembler`.
    """

    def __init__(
        self,
        limits: Limits,
        seconds: float,
        overdue: Callable[[], None],
        deliver: Deliver,
        passed_over: Callable[[Message], int],
        account: Account,
    ) -> None:
        self._is_over = False
        self.agreement: Agreement | None = None
        self._deliver = deliver
        self._assembler = Assembler(self._expected_length, limits, passed_over, account.grow)
        self.deadline = Deadline(seconds, overdue)

    def receive(self, pdu: PDataTF) -> bool:
        """Take what is in a PDU; whether the rest of a message is awaited now.

        Raises `DecodeError` and `RemoteProtocolError` where it cannot be there.
        """
        assert self.agreement is not None
        contexts, has_completed = self.agreement.contexts, False
        position, count = 0, len(pdu.pdvs)
        while position < count and not self._is_over:
            pdv = pdu.pdvs[position]
            position += 1
            context = contexts.get(pdv.context_id)
            if context is None:
                raise RemoteProtocolError(f"context {pdv.context_id} was not accepted (PS3.8 §9.3.5.1)")
            try:
                completed = self._assembler.add(pdv)
            except MistypedRequest as exc:
                has_completed = True
                self._deliver(context, exc.request, exc.brief)
            else:
                if completed is not None:
                    has_completed = True
                    self._deliver(context, completed[1], "")
                elif position < count:
                    position += self._assembler.add_pdvs(pdu.pdvs, position)
        is_midway = self._assembler.is_midway
        if not is_midway:
            self.deadline.is_running = False
        elif has_completed or not self.deadline.is_running:
            self.deadline.begin()
        return is_midway

    def receive_run(self, pdus: Sequence[PDU]) -> int:
        """Take those of ``pdus``, from the first one on, that are only the middle of a message; how many they are."""
        return self._assembler.add_run(pdus)

    def cancel(self) -> None:
        """Nothing more comes, and nothing is kept."""
        self._is_over = True
        self._assembler.drop()
        self.deadline.cancel()

    def _expected_length(self, context_id: int, first: memoryview) -> int | None:
        assert self.agreement is not None
        return expected_length(first, self.agreement.syntax(context_id))
