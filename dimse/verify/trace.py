"""The trace of a case: the octets of its connections, in both directions, with their times.

Octets are recorded before anything judges them. By default, only the first `KEPT_OCTETS` of each write or arrival are
kept, with the length and the hash of all its octets. Once a case has kept `_MAX_OCTETS` in all, only the first
`_KEPT_LATER` of each are kept. Even a trace that keeps all octets has at most `CaseTrace.max_entries` entries.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from ..errors import DimseError
from ..explain import ACCEPTOR, REQUESTOR, Conversation, Turn

__all__ = ["KEPT_OCTETS", "CaseTrace", "TraceEntry", "turns_of"]

KEPT_OCTETS = 4096
_MAX_ENTRIES = 5000  # of one case; a peer may send single octets forever
_MAX_OCTETS = 1 << 20  # octets kept of one case, since a report has hundreds of cases
_KEPT_LATER = 16
_HEADER = 6  # octets of the header of a PDU
_MAX_EXPLAINED = 1 << 20  # octets of one connection that are explained as PDUs; later octets are only counted


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One write (``direction`` is ``>``), one arrival (``<``), or a note (``=``).

    ``seconds`` is the time since the start of the case. Connections are numbered from 1; 0 marks a note about the case
    itself. ``length`` is the number of all octets, and ``digest`` is their SHA-256 if ``data`` is cut.
    """

    seconds: float
    connection: int
    direction: str
    data: bytes = b""
    length: int = 0
    digest: str = ""
    note: str = ""
    subcase: int = 0
    whole: bytes = b""  # all octets, if ``data`` is cut and the trace keeps them for a capture


@dataclass(slots=True)
class CaseTrace:
    """The entries of one case. ``clock`` returns seconds."""

    clock: Callable[[], float]
    is_full: bool = False  # whether all octets are kept in ``data``
    entries: list[TraceEntry] = field(default_factory=list)
    subcase: int = 0
    keeps_whole: bool = False  # whether all octets are kept in ``whole`` if ``data`` is cut
    max_entries: int = _MAX_ENTRIES
    lost: int = 0  # the number of entries left out after the first ``max_entries``
    connections: int = 0  # the number of connections so far
    tester_is_acceptor: bool = False  # otherwise it is the requestor
    _kept: int = 0
    _start: float = field(init=False)

    def __post_init__(self) -> None:
        self._start = self.clock()

    def now(self) -> float:
        """Return the time since the start of the case, in seconds."""
        return self.clock() - self._start

    def new_connection(self) -> int:
        """Return the number of a new connection, which is unique within the case."""
        self.connections += 1
        return self.connections

    def octets(self, connection: int, direction: str, data: bytes) -> None:
        """Record octets that were sent or received."""
        if len(self.entries) >= self.max_entries:
            self.lost += 1
            return
        kept = data
        if not self.is_full:
            kept = data[: KEPT_OCTETS if self._kept < _MAX_OCTETS else _KEPT_LATER]
        self._kept += len(kept)
        digest = "" if len(kept) == len(data) else sha256(data).hexdigest()
        whole = data if self.keeps_whole and digest else b""
        self._add(connection, direction, kept, len(data), digest, "", whole)

    def note(self, connection: int, text: str) -> None:
        """Record an event other than octets, such as a new connection, its end, or a timeout."""
        self._add(connection, "=", b"", 0, "", text, b"")

    def _add(
        self, connection: int, direction: str, data: bytes, length: int, digest: str, note: str, whole: bytes
    ) -> None:
        if len(self.entries) >= self.max_entries:
            self.lost += 1
            return
        entry = TraceEntry(self.now(), connection, direction, data, length, digest, note, self.subcase, whole)
        self.entries.append(entry)

    @property
    def start(self) -> float:
        """The time at which the case began, in seconds of ``clock``."""
        return self._start

    def lines(self) -> Iterator[str]:
        """Yield the lines of each note, a line for each PDU, and a line for each entry that completes no PDU.

        Each line has milliseconds, connection and direction.
        """
        for entry, explained in self.explained():
            head = f"{entry.seconds * 1000:8.1f} {entry.connection} {entry.direction} "
            if entry.note:
                explained = entry.note.splitlines()
            yield from (head + line for line in explained or [f"{entry.length} octets"])

    def explained(self) -> Iterator[tuple[TraceEntry, list[str]]]:
        """Yield each entry with one line for each PDU that the entry completes; see `turns_of`."""
        for entry, turns in turns_of(self.entries, tester_is_acceptor=self.tester_is_acceptor):
            yield entry, [turn if isinstance(turn, str) else _line(turn) for turn in turns]


def turns_of(
    entries: Iterable[TraceEntry], *, tester_is_acceptor: bool = False
) -> Iterator[tuple[TraceEntry, list[Turn | str]]]:
    """Yield each entry with the PDUs that it completes: a `Turn` for each PDU, or the error text for wrong octets.

    Zeros replace octets that are not kept. A connection is explained up to the first entry in which they cannot (see
    `_can_be_filled_up`), and up to `_MAX_EXPLAINED` octets.
    """
    ours, theirs = (ACCEPTOR, REQUESTOR) if tester_is_acceptor else (REQUESTOR, ACCEPTOR)
    conversations: dict[int, Conversation] = {}
    seen: dict[int, int] = {}
    lost: set[int] = set()  # connections that are explained no further
    for entry in entries:
        turns: list[Turn | str] = []
        if entry.length:
            conversation = conversations.setdefault(entry.connection, Conversation())
            seen[entry.connection] = seen.get(entry.connection, 0) + entry.length
            if seen[entry.connection] > _MAX_EXPLAINED or not _can_be_filled_up(entry):
                lost.add(entry.connection)
            if entry.connection not in lost:
                data = entry.data + bytes(entry.length - len(entry.data))
                turns = _turns(conversation, ours if entry.direction == ">" else theirs, data)
        yield entry, turns


def _can_be_filled_up(entry: TraceEntry) -> bool:
    """Return whether zeros can replace the octets of an entry that are not kept.

    They can if the entry has only whole PDUs, and the header of each PDU is kept, or if no octets are missing.
    """
    is_cut = len(entry.data) < entry.length
    at = 0
    while is_cut and at + _HEADER <= len(entry.data):
        at += _HEADER + int.from_bytes(entry.data[at + 2 : at + _HEADER], "big")
    return not is_cut or at == entry.length


def _turns(conversation: Conversation, side: str, data: bytes) -> list[Turn | str]:
    try:
        return list(conversation.receive(side, data))
    except DimseError as exc:
        return [f"cannot be explained: {exc}"]


def _line(turn: Turn) -> str:
    return f"{turn.name} {turn.summary}".rstrip()
