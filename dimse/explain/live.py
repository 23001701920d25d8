"""An association explained while it happens: a line for each PDU, in bounded memory.

Each PDU and each message is kept in memory until it is complete, so a peer could fill the memory with a message that
never ends. An association whose incomplete PDUs and messages exceed the bound gets a last line that says so.
"""

from collections.abc import Iterator

from ..errors import cut
from .conversation import ACCEPTOR, REQUESTOR, Conversation, Turn
from .record import Steps
from .redaction import redacted

__all__ = ["Live"]

_MAX_HELD = 1 << 27  # bytes of incomplete PDUs and messages, as in two images of 64 MiB
_MAX_LINE = 2000  # characters of a line that are shown


class Live:
    """The explanation of one association: bytes of both sides go in, in their order, and lines come out.

    With ``is_redacted``, the lines hide possible patient data, and the lines of a message come when it is complete.
    """

    def __init__(self, *, is_redacted: bool = False, max_held: int = _MAX_HELD) -> None:
        self._max_held = max_held
        plain = Conversation(with_elements=False, with_fields=False)
        self._source: Conversation | _RedactedTurns | None = _RedactedTurns() if is_redacted else plain
        self._received = {REQUESTOR: 0, ACCEPTOR: 0}  # the number of bytes received from each side
        self._done = {REQUESTOR: 0, ACCEPTOR: 0}  # the number of bytes up to the last complete PDU or message

    @property
    def held(self) -> int:
        """The number of bytes of incomplete PDUs and messages."""
        return sum(self._received.values()) - sum(self._done.values()) if self._source is not None else 0

    def forget(self) -> None:
        """Forget the incomplete messages; no more lines will come."""
        self._source = None

    def receive(self, side: str, data: bytes) -> Iterator[str]:
        """Take ``data`` that ``side`` sent, and yield the lines of the PDUs that it completes."""
        if self._source is None:
            return
        self._received[side] += len(data)
        for turn in self._source.receive(side, data):
            yield cut(turn.line, _MAX_LINE)
            if not turn.is_midway:
                self._done[side] = turn.offset + turn.length
        if self.held > self._max_held:
            self._source = None
            yield f"! no more lines: the incomplete PDUs and messages have more than {self._max_held} bytes"

    def close(self) -> Iterator[str]:
        """Yield the lines of PDUs that are cut off, and of bytes that belong to no PDU."""
        if self._source is not None:
            for turn in self._source.close():
                yield cut(turn.line, _MAX_LINE)
            self._source = None


class _RedactedTurns:
    """The PDUs of an association after redaction, which needs whole messages."""

    def __init__(self) -> None:
        self._steps = Steps(Conversation(with_elements=False), has_both=False)

    def receive(self, side: str, data: bytes) -> Iterator[Turn]:
        for step in self._steps.receive(side, data):
            yield from redacted(step).turns

    def close(self) -> Iterator[Turn]:
        for step in self._steps.close():
            yield from redacted(step).turns
