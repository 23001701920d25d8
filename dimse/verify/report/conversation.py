"""The trace of a case for the page: each PDU is one line, which opens to show the fields of the PDU.

The fields are explained again from the octets in the report. The length of all fields together is bounded: cases with
bad verdicts come first, and a case that does not fit is shown without the fields of its last PDUs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from ...errors import escaped
from ...explain import Line, Turn, format_lines
from ...explain.machines import SIDES, Machines, Move
from ..trace import TraceEntry, turns_of
from ..verdict import Verdict, worst

__all__ = ["LEFT_OUT", "conversations"]

Case = Mapping[str, Any]
Piece = tuple[int, int]  # the start and the end of octets in the stream of one side

_MAX_FIELDS = 2_500_000  # characters of all fields on a page, so that browsers open it without delay
_MAX_FIELDS_OF_A_CASE = 150_000  # characters of the fields of one case
_MAX_ENTRIES = 300  # entries of one case that are shown; a peer may send single octets forever
_MAX_HEX = 64  # octets that are shown for an entry without a PDU
_ROWS, _WIDTH = 1, 140  # rows of eight octets that are shown for a field, and characters in a line
LEFT_OUT = "The fields of later PDUs are left out, because this page is limited in size; report.json has the octets."


def conversations(documents: Sequence[Mapping[str, Any]], max_length: int = _MAX_FIELDS) -> list[dict[str, str]]:
    """Return the traces of each report in ``documents``: the HTML of each case, by case id.

    All fields together have at most ``max_length`` characters.
    """
    cases = [
        (number, case, document["run"]["role"] == "SCU")
        for number, document in enumerate(documents)
        for case in document["cases"]
    ]
    found: list[dict[str, str]] = [{} for _ in documents]
    for number, case, tester_is_acceptor in sorted(cases, key=lambda each: _badness(each[1])):
        shown = _Shown(case["trace"], tester_is_acceptor, min(max_length, _MAX_FIELDS_OF_A_CASE))
        found[number][case["id"]] = "".join(shown.html())
        max_length -= shown.spent
    return found


def _badness(case: Case) -> int:
    """Return the place of a case in the order of the verdicts, worst first. Cases with damage come before all."""
    order = sorted(Verdict, key=lambda each: sum(worst((each, other)) is other for other in Verdict))
    return -1 if case["damaged"] else order.index(Verdict(case["verdict"]))


@dataclass(slots=True)
class _Shown:
    """The trace of a case as HTML, with fields of at most ``max_length`` characters.

    ``spent`` counts the characters of the fields so far.
    """

    entries: Sequence[Mapping[str, Any]]
    tester_is_acceptor: bool  # the tested program is an SCU
    max_length: int
    spent: int = 0
    left_out: bool = False
    machines: dict[int, Machines] = field(default_factory=dict)  # by connection

    def html(self) -> Iterator[str]:
        if not self.entries:
            return
        yield '<div class="trace">'
        shown = self.entries[:_MAX_ENTRIES]
        streams = _Streams()
        explained = turns_of(map(_trace_entry, shown), tester_is_acceptor=self.tester_is_acceptor)
        for row in shown:
            if self.left_out:  # explaining is nine tenths of the work
                yield from self._entry(row, (), ())
                continue
            entry, turns = next(explained)
            streams.add(entry)
            yield from self._entry(row, turns, streams.gaps(entry))
        yield "</div>\n"
        if len(self.entries) > len(shown):
            yield f"<p>{len(self.entries) - len(shown)} more entries are in report.json.</p>\n"
        if self.left_out:
            yield f"<p>{LEFT_OUT}</p>\n"

    def _entry(self, row: Mapping[str, Any], turns: Sequence[Turn | str], gaps: Sequence[Piece]) -> Iterator[str]:
        head = f"{row['t_ms']:8.1f} {row['connection']} {row['dir']} "
        if row["note"]:
            yield from (f"<div>{_text(head + line)}</div>" for line in row["note"].splitlines())
            return
        lines = row["explained"]
        for number, line in enumerate(lines):
            turn = turns[number] if len(turns) == len(lines) else ""
            fields = "" if isinstance(turn, str) or self.left_out else self._fields(turn, row["connection"], gaps)
            if fields:
                yield f"<details><summary>{_text(head + line)}</summary><pre>{fields}</pre></details>"
            else:
                yield f"<div>{_text(head + line)}</div>"
        if not lines:
            more = f" ... ({row['length']} octets)" if row["length"] > _MAX_HEX else ""
            yield f"<div>{_text(head + row['hex'][: 2 * _MAX_HEX] + more)}</div>"

    def _fields(self, turn: Turn, connection: int, gaps: Sequence[Piece]) -> str:
        """Return the moves of both state machines and the fields of a PDU.

        If they do not fit, return "" and set ``left_out``.
        """
        moves = self.machines.setdefault(connection, Machines()).step(turn.side, turn.pdu)
        words = map(_move, moves)
        lines = [f"= {'; '.join(words)}", *format_lines(_kept(turn, gaps), rows=_ROWS, width=_WIDTH)]
        text = escape("\n".join(map(escaped, lines)))
        self.left_out = self.spent + len(text) > self.max_length
        if self.left_out:
            return ""
        self.spent += len(text)
        return text


def _move(move: Move) -> str:
    return f"{SIDES[move.side]} {move.before.name} {move.event.name} {move.action or '-'} {move.after.name}"


class _Streams:
    """The gaps in the stream of each side of each connection: the places of octets that the report does not have."""

    def __init__(self) -> None:
        self._ends: dict[tuple[int, str], int] = {}
        self._gaps: dict[tuple[int, str], list[Piece]] = {}

    def add(self, entry: TraceEntry) -> None:
        """Take the next entry."""
        side = (entry.connection, entry.direction)
        start = self._ends.get(side, 0)
        end = self._ends[side] = start + entry.length
        if len(entry.data) < entry.length:
            self._gaps.setdefault(side, []).append((start + len(entry.data), end))

    def gaps(self, entry: TraceEntry) -> Sequence[Piece]:
        """Return the gaps so far in the stream of an entry. Explained PDUs have zeros there."""
        return self._gaps.get((entry.connection, entry.direction), ())


def _kept(turn: Turn, gaps: Sequence[Piece]) -> Iterator[Line]:
    """Yield the lines of a PDU up to its first gap; leave out Data Sets with gaps."""
    inside = [start for start, end in gaps if start < turn.offset + turn.length and end > turn.offset]
    limit = min(inside, default=None)
    pieces = [piece for each in turn.completed for piece in each.data_pieces]
    is_whole = not any(start < last and end > first for start, end in gaps for first, last in pieces)
    hidden: int | None = None  # the depth of a Data Set that is not shown; its elements are deeper
    for line in turn.lines:
        if limit is not None and line.offset + len(line.data) > limit:
            missing = f"{turn.offset + turn.length - limit} octets are not kept"
            yield line._replace(data=line.data[: max(limit - line.offset, 0)], value=missing, error="")
            return
        if hidden is not None and line.depth > hidden:
            continue
        hidden = line.depth if line.field == "Data Set" and not is_whole else None
        yield line if hidden is None else line._replace(value="some of its octets are not kept", error="")


def _trace_entry(row: Mapping[str, Any]) -> TraceEntry:
    """Return an entry of a report as an entry of a trace."""
    return TraceEntry(
        row["t_ms"] / 1000,
        row["connection"],
        row["dir"],
        bytes.fromhex(row["hex"]),
        row["length"],
        row["sha256"],
        row["note"],
        row["subcase"],
    )


def _text(text: object) -> str:
    return escape(escaped(str(text)))
