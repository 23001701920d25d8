"""The sender of this side's messages, which go out one after another, in P-DATA-TF PDUs."""

from collections.abc import Callable, Collection, Coroutine
from typing import Any

from ..errors import AssociationAborted, DimseError, EncodeError, LocalProtocolError, copy_of
from ..message import (
    UNCOUNTED,
    CommandWriter,
    Message,
    fragment,
    joined,
    length_of,
    max_command_length,
    max_fragment_length,
)
from ..ul import Context, State, UpperLayer
from .memory_budget import Account
from .transport import Transport
from .waiter import Window

__all__ = ["CAN_REQUEST", "Sender"]

CAN_REQUEST, _CAN_SEND = (State.Sta6,), (State.Sta6, State.Sta8)  # in Sta8, responses only


def _do_nothing() -> None:
    """Do nothing: an association that has ended cannot be aborted."""


class Sender:
    """The sending end of an association.

    ``account`` counts the memory of long messages while they are sent. ``abort`` ends the association after an
    incomplete message.
    """

    def __init__(
        self,
        core: UpperLayer,
        transport: Transport,
        account: Account,
        writer: CommandWriter,
        abort: Callable[[], None],
    ) -> None:
        self._max_length = 0  # bytes of the longest P-DATA-TF; 0: the peer sets no limit
        self._max_alone = 0  # bytes of the longest Command Set without a Data Set that fits into one PDU
        self._max_short = 0  # bytes of the longest Command Set and Data Set that are sent as one fragment each
        self._core = core
        self._transport = transport
        self._account = account
        self._abort = abort
        self._writer = writer
        self._turn = Window(1)  # taken while a long message is sent
        self._error: DimseError | None = None

    async def send(self, context: Context, message: Message) -> None:
        """See `Association.send`."""
        sending = self.begin(context, message)
        if sending is not None:
            await sending

    def begin(self, context: Context, message: Message) -> Coroutine[Any, Any, None] | None:
        """Send a short message now, if possible, and return None; otherwise return what the caller must await."""
        length = 0 if message.Data is None else length_of(message.Data)
        if length <= UNCOUNTED and self._turn.free and self._transport.takes_more:  # the last two: `can_send_now`
            self.send_now(context, message)
            return None
        return self._send(context, message, length)

    async def _send(self, context: Context, message: Message, length: int) -> None:
        command = self._writer.encode(message)
        if not self._turn.enter():
            await self._turn.wait()
        try:
            if self._error is not None or self._core.state not in _CAN_SEND:
                self.check()  # which raises the error
            if self._transport.observe is not None:
                self._transport.observe(">", message)
            pdus = fragment(context.id, command, message.Data, self._max_length)
            held = self._account.count_sent(length)
            try:
                await self._transport.send_data(pdus)
            except EncodeError:  # no byte has been sent yet
                raise
            except AssociationAborted as exc:
                if self._error is not None:  # the peer's A-ABORT says more than the end of the connection
                    raise copy_of(self._error) from exc
                self._abort()
                raise
            except BaseException:
                self._abort()  # no message can follow an incomplete message
                raise
            finally:
                self._account.release(held)
        finally:
            self._turn.leave()

    @property
    def can_send_now(self) -> bool:
        """Whether a short message can be sent without waiting."""
        return self._transport.takes_more and self._turn.free > 0

    def send_now(self, context: Context, message: Message) -> None:
        """Send a short message. The caller has checked `can_send_now`. Raises the errors of `send`."""
        command = self._writer.encode(message)
        if self._error is not None or self._core.state not in _CAN_SEND:
            self.check()  # which raises the error
        data = message.Data
        if data is None:
            is_short = len(command) <= self._max_alone
        else:
            is_short = max(len(command), length_of(data)) <= self._max_short
        if self._transport.observe is not None:
            self._transport.observe(">", message)
        if is_short:
            self._transport.send_short(context.id, command, None if data is None else joined(data))
        else:
            self._transport.send_now(fragment(context.id, command, data, self._max_length))

    def establish(self, max_length: int) -> None:
        """Send no P-DATA-TF longer than ``max_length`` (0: the peer sets no limit); called before the first message."""
        self._max_length = max_length
        self._max_alone = max_command_length(max_length)
        self._max_short = min(max_fragment_length(max_length), UNCOUNTED)

    def check(self, states: Collection[State] = _CAN_SEND) -> None:
        """Raise an error if the association has ended, or if its state is not one of ``states``."""
        if self._error is not None:
            raise copy_of(self._error)
        if self._core.state not in states:
            what = "request" if states is CAN_REQUEST else "message"
            raise LocalProtocolError(f"no {what} can be sent in {self._core.state.name} ({self._core.state.value})")

    def fail(self, error: DimseError) -> None:
        """Raise ``error`` for each message from now on, because the association has ended."""
        self._error = error
        self._abort = _do_nothing
