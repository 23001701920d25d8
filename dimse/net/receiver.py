"""The receiver of a peer's messages, which arrive in P-DATA-TF PDUs on accepted contexts.

A timer bounds the time from the first PDU of a message to its last PDU.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from ..data import expected_length
from ..errors import RemoteProtocolError
from ..limits import Limits
from ..message import Assembler, CommandReader, LongStorage, Message, MistypedRequest, Storage
from ..ul import PDU, PDV, Context, PDataTF
from .agreement import Agreement
from .memory_budget import Account
from .timers import Deadline

__all__ = ["Received", "Receiver"]


# The context, the message, and the fault of a request that must be refused; "" if there is no fault. This is a plain
# tuple, because a named tuple takes 1 % of a C-ECHO.
Received = tuple[Context, Message, str]


class Receiver:
    """The receiving end of an association.

    ``timer`` bounds the time of one message. ``account`` counts the memory of messages. The other arguments are those
    of `Assembler`.
    """

    def __init__(
        self,
        limits: Limits,
        timer: Deadline,
        max_skipped: Callable[[Message], int],
        account: Account,
        storage: Storage,
        long_storage: LongStorage | None = None,
        reader: CommandReader | None = None,
    ) -> None:
        self.agreement: Agreement | None = None  # the association sets this before any P-DATA arrives
        self.is_midway = False  # whether the rest of a message is awaited
        self._timer = timer
        self._is_over = False
        self._assembler = Assembler(
            self._expected_length,
            limits,
            max_skipped=max_skipped,
            on_growth=account.grow,
            storage=storage,
            long_storage=long_storage,
            reader=reader,
        )
        self.ahead = self._assembler.ahead  # a method, see `Intake`

    def receive(self, pdus: Sequence[PDU]) -> Iterable[Received | PDU]:
        """Return complete messages and all PDUs but P-DATA-TF, in the order in which the peer sent them.

        The caller must process each before it asks for the next, because the association may end at any of them. Raises
        `DecodeError` for a Command Set that cannot be read, and `RemoteProtocolError` for P-DATA on a context that was
        not accepted, in the wrong order, or beyond a limit; asking for the next may raise them, too.
        """
        was_midway = self.is_midway
        if was_midway:
            pdus = pdus[self._assembler.add_run(pdus) :]
            if not pdus:
                return ()
        elif len(pdus) == 2 and not self._is_over:  # nearly always a Command Set and its Data Set
            pdu, second = pdus
            if isinstance(pdu, PDataTF) and isinstance(second, PDataTF) and len(pdu.pdvs) == 1:
                received, pdus = self._add(pdu.pdvs[0]), pdus[1:]
                if received is not None:
                    return chain((received,), self._receive_each(pdus))
        if len(pdus) == 1 and not self._is_over:  # nearly always a whole message, or the end of a long one
            pdu = pdus[0]
            if not isinstance(pdu, PDataTF):
                return pdus
            if len(pdu.pdvs) == 1:
                received = self._add(pdu.pdvs[0])
                if received is not None:
                    self.is_midway, self._timer.since = False, None
                    return (received,)
                if not was_midway:
                    self.is_midway = True
                    self._timer.begin()
                return ()
        return self._receive_each(pdus)

    def _receive_each(self, pdus: Sequence[PDU]) -> Iterator[Received | PDU]:
        assembler, has_completed, is_midway, taken = self._assembler, False, self.is_midway, 0
        while taken < len(pdus):
            pdu = pdus[taken]
            taken += 1
            if not isinstance(pdu, PDataTF):
                yield pdu
                continue
            position, count = 0, len(pdu.pdvs)
            while position < count and not self._is_over:  # the association may end in the middle of a PDU
                received = self._add(pdu.pdvs[position])
                position += 1
                is_midway = received is None
                if received is not None:
                    has_completed = True
                    yield received
                elif position < count:
                    position += assembler.add_pdvs(pdu.pdvs, position)
            if is_midway and taken < len(pdus) and not pdu.pdvs[-1].is_command:
                taken += assembler.add_run(pdus[taken:])
        if self._is_over:
            return
        self.is_midway = is_midway
        if not is_midway:
            self._timer.since = None
        elif has_completed or self._timer.since is None:
            self._timer.begin()

    def _add(self, pdv: PDV) -> Received | None:
        """Add a PDV. Return the message that it completes, if any."""
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
        """Drop the incomplete message, and take no further PDVs, because the association has ended."""
        self._is_over, self.is_midway = True, False
        self._assembler.drop()
        self._timer.cancel()

    def _expected_length(self, context_id: int, first: memoryview) -> int | None:
        assert self.agreement is not None
        return expected_length(first, self.agreement.syntaxes[context_id])
