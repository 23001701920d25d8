"""Associations explained while they happen, as a stream of events for any number of listeners.

``docs/trace-schema.json`` defines the events; each listener takes them as Server-Sent Events. Memory is bounded: an
association that needs too much memory gets no further events. A listener that takes its events too slowly loses some
of them; the event ``lost`` says how many.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from .conversation import ACCEPTOR, REQUESTOR, Conversation
from .events import Event, association_event, events_of
from .record import Step, Steps, View
from .redaction import redacted

__all__ = ["Feed", "Listener"]

_MAX_HELD = 1 << 27  # bytes of incomplete PDUs and messages of an association, as in two images of 64 MiB
_MAX_TOTAL = 1 << 28  # bytes of incomplete PDUs and messages of all associations together
_MAX_KEPT = 1 << 24  # bytes of earlier events that are kept for listeners that come later or come back
_MAX_WAITING = 1 << 23  # bytes of events that wait for a listener

_Frame = tuple[int, bytes]  # the number of an event, and the event as it is sent


class Feed:
    """The events of associations that are under way.

    ``views`` is called for each association, and returns the views that see its messages. With ``is_redacted``, events
    hide possible patient data, as `dimse.explain.redaction` does. ``max_held`` bounds the bytes of incomplete messages
    of one association, ``max_total`` the bytes of the incomplete messages of all associations, and ``max_kept`` the
    bytes of earlier events. Explaining a message with pixels takes up to four times as much memory as the message.
    """

    def __init__(
        self,
        views: Callable[[], Sequence[View]] = tuple,
        *,
        is_redacted: bool = False,
        max_held: int = _MAX_HELD,
        max_total: int = _MAX_TOTAL,
        max_kept: int = _MAX_KEPT,
    ) -> None:
        self._views = views
        self._is_redacted = is_redacted
        self._max_held, self._max_total, self._max_kept = max_held, max_total, max_kept
        self._held = 0  # bytes of incomplete messages of all associations
        self._running: dict[int, _RunningAssociation] = {}
        self._kept: deque[_Frame] = deque()
        self._kept_bytes = 0
        self._count = 0
        self._listeners: list[Listener] = []

    def opened(self, number: int, requestor: str = "", acceptor: str = "", time: float | None = None) -> None:
        """Begin association ``number``, from 1, at ``time`` in seconds since 1970."""
        self._running[number] = _RunningAssociation(Steps(Conversation(with_elements=False), self._views()), time)
        addresses = ("", "") if self._is_redacted else (requestor, acceptor)
        self._publish(association_event(number, *addresses, None if self._is_redacted else time))

    def received(self, number: int, side: str, data: bytes, time: float | None = None) -> None:
        """Explain ``data`` that one ``side`` sent, unless the association is unknown or gets no more events."""
        running = self._running.get(number)
        if running is None:
            return
        before = running.held
        self._show(number, running, running.receive(side, data, time))
        self._held += running.held - before
        if running.held > self._max_held:
            self._forget(number, f"its incomplete messages have more than {self._max_held} bytes")
        elif self._held > self._max_total:
            largest = max(self._running, key=lambda one: self._running[one].held)
            self._forget(largest, f"the incomplete messages of all associations have more than {self._max_total} bytes")

    def closed(self, number: int, why: str) -> None:
        """End an association; ``why`` says in words how it ended."""
        running = self._running.pop(number, None)
        if running is not None:
            self._held -= running.held
            self._show(number, running, running.steps.close())
            self._end(number, why)

    def _forget(self, number: int, why: str) -> None:
        """End the events of an association, although the association itself goes on."""
        self._held -= self._running.pop(number).held
        self._end(number, f"no more events: {why}")

    def listen(
        self, wake: Callable[[], None] = lambda: None, *, after: int | None = None, max_waiting: int = _MAX_WAITING
    ) -> "Listener":
        """Return a new listener. ``wake`` is called when an event waits or is lost, and none did before.

        If earlier events are kept or were lost, this happens before this method returns.

        The listener begins with all earlier events that are kept, or, if ``after`` is given, with the kept events
        after that number: a browser that connects again sends ``after`` as Last-Event-ID. If no event has had this
        number yet, it counts as 0.
        """
        listener = Listener(wake, max_waiting, lambda: self._listeners.remove(listener))
        self._listeners.append(listener)
        known = after if after is not None and after <= self._count else 0
        first = self._kept[0][0] if self._kept else self._count + 1
        if after is not None and known + 1 < first:
            listener.lose(first - known - 1)
        for frame in self._kept:
            if frame[0] > known:
                listener.put(frame)
        return listener

    def _show(self, number: int, running: "_RunningAssociation", steps: Iterator[Step]) -> None:
        for step in steps:
            shown = redacted(step) if self._is_redacted else step
            for event in events_of(shown, number, running.start):
                self._publish(event)

    def _end(self, number: int, words: str) -> None:
        self._publish({"association": number, "category": "association", "name": "end", "data": {"words": words}})

    def _publish(self, event: Event) -> None:
        self._count += 1
        frame = (self._count, _frame(event, self._count))
        self._kept.append(frame)
        self._kept_bytes += len(frame[1])
        while self._kept_bytes > self._max_kept:
            self._kept_bytes -= len(self._kept.popleft()[1])
        for listener in self._listeners:
            listener.put(frame)


class _RunningAssociation:
    """The steps of one association, and the number of bytes that they hold."""

    def __init__(self, steps: Steps, start: float | None) -> None:
        self.steps = steps
        self.start = start
        self._received = {REQUESTOR: 0, ACCEPTOR: 0}
        self._explained = {REQUESTOR: 0, ACCEPTOR: 0}

    @property
    def held(self) -> int:
        """The number of bytes that no step has explained yet."""
        return sum(self._received.values()) - sum(self._explained.values())

    def receive(self, side: str, data: bytes, time: float | None) -> Iterator[Step]:
        self._received[side] += len(data)
        for step in self.steps.receive(side, data, time):
            self._explained[step.side] = step.offset + step.length
            yield step


class Listener:
    """The events that wait for one client. Only one thread at a time may call the methods."""

    def __init__(self, wake: Callable[[], None], max_waiting: int, leave: Callable[[], None]) -> None:
        self._wake = wake
        self._max_waiting = max_waiting
        self._leave = leave
        self._waiting: deque[_Frame] = deque()
        self._waiting_bytes = 0
        self._lost = 0
        self._is_closed = False

    def take(self, limit: int = _MAX_WAITING) -> bytes:
        """Return the events since the last call, in the format of Server-Sent Events; b"" if there are none.

        The first event is returned whatever its size; later events that exceed ``limit`` bytes stay for the next call.
        If events were lost, an event ``lost`` comes first, whose data has their number.
        """
        parts = []
        if self._lost:
            parts.append(b'event: lost\ndata: {"events": %d}\n\n' % self._lost)
            self._lost = 0
        size = 0
        while self._waiting and (not size or size + len(self._waiting[0][1]) <= limit):
            parts.append(self._waiting.popleft()[1])
            size += len(parts[-1])
        self._waiting_bytes -= size
        return b"".join(parts)

    def close(self) -> None:
        """Leave the feed."""
        if not self._is_closed:
            self._is_closed = True
            self._leave()

    def put(self, frame: _Frame) -> None:
        """Take an event of the feed; forget the oldest events if too many wait."""
        was_empty = self._is_empty
        self._waiting.append(frame)
        self._waiting_bytes += len(frame[1])
        while self._waiting_bytes > self._max_waiting:
            self._waiting_bytes -= len(self._waiting.popleft()[1])
            self._lost += 1
        if was_empty:
            self._wake()

    def lose(self, count: int) -> None:
        """Count events that are no longer kept."""
        was_empty = self._is_empty
        self._lost += count
        if was_empty:
            self._wake()

    @property
    def _is_empty(self) -> bool:
        return not self._waiting and not self._lost


def _frame(event: Event, number: int) -> bytes:
    """Return an event in the format of Server-Sent Events; JSON has no line break, so one line of data is enough."""
    return f"id: {number}\nevent: {event['category']}\ndata: {json.dumps(event)}\n\n".encode()
