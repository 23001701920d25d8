"""One conversation of the laboratory with a peer: the PDUs of both sides, explained line by line."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from ..errors import RemoteProtocolError, cut, escaped
from ..explain import ACCEPTOR, REQUESTOR, View, format_lines
from ..explain.conversation import CompleteMessage, Conversation, Turn
from ..explain.machines import SIDES, Machines, Move
from ..message import Request
from ..net.agreement import Agreement
from ..ul import AssociateAC, AssociateRQ, Event, State
from ..ul.state import Action
from .connection import Connection, words_of

__all__ = ["MAX_WAIT", "Exchange"]

MAX_WAIT = 3600.0  # seconds to wait for a peer to connect, or for its bytes
_LINGER = 0.02  # seconds without bytes after which a complete answer counts as the whole answer
_MAX_HELD = 1 << 27  # bytes of an incomplete PDU or message of the peer; two images of 64 MiB have as many
_MAX_ANSWER_LINES = 10_000  # lines of the peer, the latest ones, that `expect` searches
_MAX_LINE = 2000  # characters of a line that are shown

Lines = Iterator[str]  # lines to print


class Exchange:
    """The connection to the peer, and the PDUs of both sides. Methods yield the lines to print, escaped.

    `open` and `send` call ``connect`` if no connection is open. Its argument is a time limit in seconds, and it returns
    a new connection. The other arguments are as in `Lab`.
    """

    def __init__(
        self,
        connect: Callable[[float], Connection],
        *,
        is_requestor: bool,
        patience: float,
        views: Callable[[], Sequence[View]],
    ) -> None:
        self.is_requestor = is_requestor
        self.patience = patience
        self.is_brief = False
        self.listens = True  # whether sending also waits for the answer
        # What has come since this side last sent: lines of PDUs, and perhaps the reason why the connection ended
        self.answer_lines: deque[str] = deque(maxlen=_MAX_ANSWER_LINES)
        self.last: CompleteMessage | None  # the last message of the peer
        self.last_request: CompleteMessage | None  # the last request of the peer
        self._connect = connect
        self._make_views = views
        self._own_side, self._peer_side = (REQUESTOR, ACCEPTOR) if is_requestor else (ACCEPTOR, REQUESTOR)
        self._connection: Connection | None = None
        self._begin()

    def _begin(self) -> None:
        """Forget the previous association, if any, and begin a new one."""
        self.request: AssociateRQ | None = None
        self.last = self.last_request = None
        self.agreement: Agreement | None = None
        self._conversation, self._machines = Conversation(), Machines()
        self._views = self._make_views()
        self._received, self._explained = 0, 0  # bytes of the peer: all, and those up to its last complete message

    @property
    def is_open(self) -> bool:
        """Whether a connection is open, as far as is known."""
        return self._connection is not None

    @property
    def states(self) -> dict[str, State]:
        """The states of the requestor and the acceptor, by the words in `SIDES`."""
        return {SIDES[side]: state for side, state in self._machines.states.items()}

    @property
    def state(self) -> State:
        """The state of this side."""
        return self._machines.states[self._own_side]

    def actions(self, event: Event) -> tuple[Action, ...]:
        """Return the actions that ``event`` can cause in the state of this side."""
        return self._machines.actions(self._own_side, event)

    def open(self, seconds: float) -> Connection:
        """Return the connection; open one if none is open, within ``seconds``. Raises `ConnectionFailed`."""
        if self._connection is None:
            self._connection = self._connect(seconds)
            self._begin()
        return self._connection

    def close(self, *, reset: bool = False) -> Lines:
        """Close the connection, with a TCP reset if ``reset``."""
        if self._connection is not None:
            self._connection.close(reset=reset)
            yield from self._end(f"we {'reset' if reset else 'closed'} the connection")

    def send(self, data: bytes) -> Lines:
        """Send ``data``; yield its PDUs, and then the answer if `listens`. Raises `ConnectionFailed`.

        If not everything can be sent, reset the connection.
        """
        connection = self.open(MAX_WAIT)
        self.answer_lines.clear()
        try:
            connection.send(data, self.patience)
        except (OSError, RemoteProtocolError, KeyboardInterrupt) as exc:
            yield f"= not everything was sent: {'interrupted' if isinstance(exc, KeyboardInterrupt) else words_of(exc)}"
            yield from self.listen(0.0)  # perhaps an A-ABORT that says why
            yield from self.close(reset=True)
            return
        incomplete = len(data)
        for turn in self._conversation.receive(self._own_side, data):
            incomplete -= turn.length
            yield from self._show(turn)
        if incomplete > 0:
            yield f"{self._own_side} {incomplete} octets that do not complete a PDU of a known type"
        if self.listens:
            yield from self.listen(self.patience)

    def listen(self, seconds: float) -> Lines:
        """Yield the lines of the peer: wait up to ``seconds`` for a PDU or a whole message, and read on until a pause.

        If the peer goes on sending, this method stops after ``seconds``, or after `patience` if that is longer.
        """
        began, is_silent = time.monotonic(), True
        is_midway = True  # whether no message has come yet, or one is under way
        while self._connection is not None:
            passed = time.monotonic() - began
            if not is_silent and passed > max(seconds, self.patience):
                yield "= the peer is still sending; `wait` shows more"
                return
            wait = max(0.0, seconds - passed) if is_midway else min(seconds, _LINGER)
            try:
                data = self._connection.receive(wait)
            except (OSError, RemoteProtocolError) as exc:
                self._connection.close()
                yield from self._end(f"the connection was lost: {words_of(exc)}")
                return
            if data is None:
                if seconds and is_midway:
                    what = "nothing" if is_silent else "no whole PDU or message"
                    yield f"= {what} from the peer within {seconds:g} s"
                return
            if not data:
                self._connection.close()
                yield from self._end("the peer closed the connection")
                return
            is_silent = False
            self._received += len(data)
            for turn in self._conversation.receive(self._peer_side, data):
                is_midway = turn.is_midway
                if not is_midway:
                    self._explained = turn.offset + turn.length
                yield from self._show(turn)
            if self._received - self._explained > _MAX_HELD:
                self._connection.close(reset=True)
                yield from self._end(f"a PDU or message of the peer has more than {_MAX_HELD} bytes")
                return

    def _end(self, why: str) -> Lines:
        self._connection = None
        for turn in self._conversation.close():
            yield from self._show(turn)
        self.request = self.last_request = None  # nobody waits for an answer any more
        self._machines.disconnect()
        yield f"= {why}"
        self.answer_lines.append(why)

    def _show(self, turn: Turn) -> Lines:
        """Yield a PDU, the transitions that it causes, and the events that views see in its messages."""
        self._learn(turn)
        if self.is_brief:
            yield _shortened(turn.line)
        else:
            yield f"{turn.side} {turn.name}, {turn.length} bytes"
            yield from map(_shortened, format_lines(turn.lines))
        if not (turn.pdu is None and turn.is_cut):
            for move in self._machines.step(turn.side, turn.pdu):
                if not self.is_brief or not move.action or move.after is not move.before:
                    yield _transition(move)
        for message in turn.completed:
            for view in self._views:
                for event in view.see(turn.side, message):
                    yield _shortened(f"= {event.name}: {event.words}")

    def _learn(self, turn: Turn) -> None:
        if isinstance(turn.pdu, AssociateRQ):
            self.request = turn.pdu
        elif isinstance(turn.pdu, AssociateAC) and self.request is not None:
            self.agreement = Agreement(self.request, turn.pdu, is_requestor=self.is_requestor)
        if turn.side == self._peer_side:
            self.answer_lines.append(turn.line)
            if turn.completed:
                self.last = turn.completed[-1]
                requests = [one for one in turn.completed if isinstance(one.message, Request)]
                self.last_request = requests[-1] if requests else self.last_request


def _transition(move: Move) -> str:
    where = f"= {SIDES[move.side]} {move.before.name}: {move.event.name} {move.event.value}"
    if not move.action:
        return f"{where}: cannot happen in this state (a blank cell of Table 9-10)"
    after = "" if move.after is move.before else f" ({move.after.value})"
    return f"{where}: {move.action}, then {move.after.name}{after}"


def _shortened(line: str) -> str:
    return cut(escaped(line), _MAX_LINE)
