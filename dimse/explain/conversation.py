"""A recorded association explained: the lines of each PDU from `dimse.explain.pdu`, and the messages in its fragments.

A Command Set in a single fragment is shown element by element (PS3.7 Annex E). A Data Set is shown as text after its
last fragment, if its transfer syntax is known. The A-ASSOCIATE-AC states the transfer syntax. If the recording has only
the A-ASSOCIATE-RQ, the transfer syntax is known if the context was proposed with a single one.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..data import DecodeLimits, TransferSyntax, decode, dump, syntax_of
from ..data.dump import group_lengths, rows_of
from ..errors import AssociationAborted, AssociationRejected, DecodeError, DimseError, Finding, escaped
from ..limits import LIMITS
from ..message import Assembler, Message, decode_command
from ..ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    ContextResult,
    PDataTF,
    accepted,
)
from ..ul.pdu import PDU_TYPES
from ..ul.wire import HEADER
from .command import explain_command
from .fields import UNRECOGNIZED
from .machines import ACCEPTOR, REQUESTOR
from .pdu import CONTEXT_ID, FRAGMENT, MAX_LINES, PDV_HEADER, PDV_TABLE, Line, decoded, header_line, pdu_lines
from .rules import Order, unusable_contexts

__all__ = ["ACCEPTOR", "REQUESTOR", "CompleteMessage", "Conversation", "Turn", "opens_association"]

Piece = tuple[int, int]  # the start and the end of a fragment, as offsets in the stream of its side

_KNOWN_TYPES = frozenset(PDU_TYPES.values())
_FIXED_FIELDS = 68  # octets of an A-ASSOCIATE-RQ between its header and its items: octets 7-74
_DUMP_WIDTH = 96  # characters in a line of a Data Set
_MAX_PDVS, _MAX_ERRORS = 16, 8  # PDVs and errors in the summary of a PDU
_ASSOCIATES = (b"\1", b"\2")  # the PDU-types of A-ASSOCIATE-RQ and A-ASSOCIATE-AC
_NOT_PROPOSED = "the context was not proposed [PS3.8 §9.3.2.2]"
_LIMITS = DecodeLimits(inflated=1 << 26)  # bytes: a recording of 1 MiB could hold a deflated Data Set of 1 GiB
_MAX_FINDINGS = 50  # findings about one Data Set that are shown


class CompleteMessage(NamedTuple):
    """A message whose last fragment has arrived, and the places of its fragments in the stream of its side.

    ``command`` is the encoded Command Set. ``data`` is empty if there is no Data Set. ``syntax`` is the transfer syntax
    of the Data Set; it is None if it is unknown, or if there is no Data Set that can be read. ``findings`` are faults
    that the decoder tolerates; ``fault`` is the error that it raises.
    """

    context_id: int
    message: Message
    command: bytes
    command_pieces: tuple[Piece, ...]
    data: memoryview
    data_pieces: tuple[Piece, ...]
    syntax: TransferSyntax | None = None
    findings: tuple[Finding, ...] = ()
    fault: str = ""


class Turn(NamedTuple):
    """A PDU of a conversation.

    ``side`` is `REQUESTOR` or `ACCEPTOR`. ``offset`` counts the bytes that this side sent before. ``length`` is in
    bytes, header included. ``summary`` is one line without the contents of Data Sets. ``pdu`` is None for bytes that
    cannot be decoded. ``completed`` are the messages that end in this PDU. ``is_midway`` says that a message of this
    side is incomplete after this PDU; ``is_cut`` says that the PDU itself is cut off.
    """

    side: str
    offset: int
    length: int
    name: str
    summary: str
    lines: tuple[Line, ...]
    pdu: PDU | None = None
    completed: tuple[CompleteMessage, ...] = ()
    is_midway: bool = False
    is_cut: bool = False

    @property
    def line(self) -> str:
        """The PDU in one line: side, place, length, name and summary."""
        return f"{self.side} {self.offset:06X} {self.length:7} {self.name:14}  {self.summary}".rstrip()


def opens_association(data: bytes) -> bool:
    """Return whether ``data`` begins with the header of an A-ASSOCIATE-RQ whose length is possible."""
    if len(data) < HEADER.size or data[0] != 0x01:
        return False
    length: int = HEADER.unpack_from(data)[1]
    return _FIXED_FIELDS <= length <= LIMITS.associate_pdu


class Conversation:
    """The explanation of one association: bytes of both sides go in, in their order, and whole PDUs come out.

    ``with_bytes`` shows each element of a Data Set with its bytes; the ``offset`` of such a line counts from the start
    of the Data Set. ``whole`` shows the values of Data Sets in full. With ``with_elements`` False, there are lines for
    the faults of Data Sets, but not for their elements. With ``with_fields`` False, a PDU other than an association PDU
    has only a line for its header, and lines for its first errors; its summary stays the same. With this
    setting, ``dimse tap`` needs 55 us of processor time for the lines of a C-ECHO instead of 200 us.
    """

    def __init__(
        self, *, with_bytes: bool = False, whole: bool = False, with_elements: bool = True, with_fields: bool = True
    ) -> None:
        self._with_bytes = with_bytes
        self._with_elements = with_elements
        self._with_fields = with_fields
        self._width = None if whole else _DUMP_WIDTH
        self._streams = {REQUESTOR: _Stream(), ACCEPTOR: _Stream()}
        self._request: AssociateRQ | None = None
        self._syntaxes: dict[int, str] = {}  # the UID of each context's transfer syntax
        self._unusable: dict[int, str] | None = None  # why each context is unusable, or ""; None before A-ASSOCIATE-AC
        self._order = Order()

    def receive(self, side: str, data: bytes) -> Iterator[Turn]:
        """Take ``data`` that ``side`` sent, and return an iterator over the PDUs that it completes.

        Exhaust the iterator before the next call: it explains each PDU by the PDUs that it has reached before, of both
        sides.
        """
        stream = self._streams[side]
        stream.buffer += data
        return (self._turn(side, wire) for wire in stream.pdus())

    def close(self) -> Iterator[Turn]:
        """Yield the remaining bytes: PDUs that are cut off, and bytes that belong to no PDU."""
        for side, stream in self._streams.items():
            if stream.buffer and stream.has_unknown_type:
                yield stream.rest(side)
            elif stream.buffer:
                is_cut = stream.buffer[0] in _KNOWN_TYPES
                yield self._turn(side, bytes(stream.buffer))._replace(is_cut=is_cut)
            stream.buffer.clear()

    def _turn(self, side: str, wire: bytes) -> Turn:
        stream = self._streams[side]
        pdu, fault = decoded(wire)
        if stream.is_hidden:
            pdu = None
        if self._with_fields or pdu is None or fault is not None or wire[:1] in _ASSOCIATES:
            lines = pdu_lines(wire, fault, offset=stream.offset, hidden=stream.is_hidden)
        else:
            lines = [header_line(wire, offset=stream.offset)]
        name, summary = lines[0].field.removesuffix(" PDU"), ""
        stream.is_hidden = stream.is_hidden or (wire[:1] in _ASSOCIATES and pdu is None and lines[-1].secret)
        if pdu is not None:
            error = self._order.add(side, pdu)
            if error:
                lines[0] = lines[0]._replace(error=error)
            self._learn(pdu)
            if isinstance(pdu, PDataTF):
                lines = self._contents(stream, pdu, self._check_contexts(lines))
            summary = _summary(pdu)
        errors = list(dict.fromkeys(f"! {line.error}" for line in lines if line.error))
        summary = escaped(" ".join(filter(None, [summary, *errors[:_MAX_ERRORS]])))
        turn = Turn(
            side=side,
            offset=stream.offset,
            length=len(wire),
            name=name,
            summary=summary,
            lines=tuple(lines),
            pdu=pdu,
            completed=tuple(stream.completed),
            is_midway=stream.assembler.is_midway,
        )
        stream.offset += len(wire)
        stream.completed.clear()
        return turn

    def _learn(self, pdu: PDU) -> None:
        """Note the transfer syntaxes in an association PDU."""
        match pdu:
            case AssociateRQ():
                self._request = pdu
                single = (context for context in pdu.presentation_contexts if len(context.transfer_syntaxes) == 1)
                self._syntaxes = {context.id: context.transfer_syntaxes[0] for context in single}
            case AssociateAC() if self._request is not None:
                self._unusable = unusable_contexts(self._request, pdu)
                contexts = accepted(self._request.presentation_contexts, pdu.presentation_contexts)
                self._syntaxes = {context.id: context.transfer_syntax for context in contexts.values()}
            case AssociateAC():
                self._syntaxes = {
                    context.id: context.transfer_syntax
                    for context in pdu.presentation_contexts
                    if context.result == ContextResult.ACCEPTANCE
                }

    def _check_contexts(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Yield ``lines`` of a P-DATA-TF, with an error at each context that was not accepted."""
        for line in lines:
            if line.table == PDV_TABLE and line.field == CONTEXT_ID and line.data:
                line = line._replace(error=self._context_error(line.data[0]))
            yield line

    def _context_error(self, context_id: int) -> str:
        return "" if self._unusable is None else self._unusable.get(context_id, _NOT_PROPOSED)

    def _contents(self, stream: "_Stream", pdu: PDataTF, lines: Iterable[Line]) -> list[Line]:
        """Return ``lines`` with the contents of the fragments of ``pdu``, while there is room for them."""
        found: list[Line] = []
        # After the loop, ``pdvs`` has the PDVs without a line, and ``at`` is the offset of the first of them
        pdvs, at = iter(pdu.pdvs), stream.offset + HEADER.size
        for line in lines:
            if line.field == FRAGMENT:
                found += self._fragment(stream, next(pdvs), line, shown=len(found) < MAX_LINES)
                at = line.offset + len(line.data)
            else:
                found.append(line)
        errors = self._errors_without_lines(stream, pdvs, at)
        return found + [line._replace(data=line.data[:0], value="", error=error) for error in errors]

    def _errors_without_lines(self, stream: "_Stream", pdvs: Iterable[PDV], at: int) -> list[str]:
        """Take the fragments of ``pdvs``, which have no lines and begin at offset ``at``. Return their first errors."""
        seen, contexts = dict[str, None](), set[int]()
        is_stray = False  # whether the last fragment was of a Data Set that no Command Set announced
        for pdv in pdvs:
            context_id, data, is_command, _ = pdv
            at += PDV_HEADER + len(data)
            is_stray = is_stray and not is_command
            if context_id not in contexts:
                contexts.add(context_id)
                seen[self._context_error(context_id)] = None
            elif is_stray:
                continue  # the next stray fragment would only cause the same error, which would take 10 us
            is_stray = not is_command and not stream.assembler.is_midway
            completed, error = stream.take(pdv, at - len(data))
            found = [] if error is None else [str(error)]
            if completed is not None:
                end = Line(at, memoryview(b""), 2, FRAGMENT)
                found = [line.error for line in self._complete(stream, *completed, end, shown=False)]
            if len(seen) <= _MAX_ERRORS:
                seen.update(dict.fromkeys(found))
        seen.pop("", None)
        return list(seen)[:_MAX_ERRORS]

    def _fragment(self, stream: "_Stream", pdv: PDV, line: Line, *, shown: bool) -> list[Line]:
        """Take a fragment. Return its ``line``, and the lines of its contents; unless ``shown``, without elements."""
        is_whole_command = pdv.is_command and pdv.is_last and not stream.in_command
        lines = [line]
        if is_whole_command and shown and len(line.data) <= LIMITS.command_set:
            lines = [line._replace(data=line.data[:0]), *explain_command(line)]
        completed, error = stream.take(pdv, line.offset)
        if error is not None:
            _mark(lines, error, line.offset)
        if completed is not None:
            end = line._replace(offset=line.offset + len(line.data), data=line.data[:0])
            lines += self._complete(stream, *completed, end, shown=shown)
        return lines

    def _complete(self, stream: "_Stream", context_id: int, message: Message, end: Line, *, shown: bool) -> list[Line]:
        """Record a complete message, and return the lines of its Data Set; its last fragment ends at ``end``."""
        data = message.Data if isinstance(message.Data, bytes | memoryview) else None
        completed = stream.complete(context_id, message, memoryview(b"" if data is None else data))
        lines: list[Line] = []
        if data is not None:
            place = Line(end.offset, end.data, end.depth + 1, "Data Set")
            completed, lines = self._data_set(completed, place, with_elements=shown and self._with_elements)
            if self._with_elements and not shown:
                lines[0] = lines[0]._replace(value=f"{lines[0].value}; this PDU has no room for its elements")
        stream.completed.append(completed)
        return lines

    def _data_set(
        self, message: CompleteMessage, place: Line, *, with_elements: bool
    ) -> tuple[CompleteMessage, list[Line]]:
        """Return a message with the syntax and the faults of its Data Set, and the lines of the Data Set."""
        uid, data = self._syntaxes.get(message.context_id), message.data
        if uid is None:
            words = f"{len(data)} bytes; the recording does not state the transfer syntax"
            return message, [place._replace(value=words)]
        report: list[Finding] = []
        try:
            syntax = syntax_of(uid)
            dataset = decode(data, syntax, limits=_LIMITS, report=report)
            # Unless its lines are wanted, a Data Set without findings is not dumped, which saves 6 ms of 90 for the
            # page of a film. A Data Set with findings is always dumped: `dump` can raise errors that `decode` does not.
            shown = dump(dataset, width=self._width) if with_elements or report else ""
        except DecodeError as exc:
            return message._replace(fault=str(exc)), [place._replace(value=f"{len(data)} bytes", error=str(exc))]
        findings = tuple(report[:_MAX_FINDINGS])
        lines = [place._replace(value=f"{len(data)} bytes, {syntax.name}")]
        if with_elements:
            lines += self._element_lines(data, syntax, shown, place)
        lines += (place._replace(depth=place.depth + 1, field="tolerated", error=str(finding)) for finding in findings)
        return message._replace(syntax=syntax, findings=findings), lines

    def _element_lines(self, data: memoryview, syntax: TransferSyntax, shown: str, place: Line) -> Iterator[Line]:
        """Yield the lines of a Data Set that is ``shown`` as text."""
        view = memoryview(b"" if syntax.deflated else data)
        if self._with_bytes and view:
            yield from _lines_with_bytes(view, syntax, place, self._width)
            return
        lengths = dict(group_lengths(view, syntax))
        for row in shown.splitlines():
            group = int(row[1:5], 16) if row.startswith("(") else -1
            if group in lengths:
                yield place._replace(depth=place.depth + 1, field=lengths.pop(group))
            yield place._replace(depth=place.depth + 1, field=row)


def _lines_with_bytes(data: memoryview, syntax: TransferSyntax, place: Line, width: int | None) -> Iterator[Line]:
    """Yield the elements of a Data Set, each with its bytes and its offset in the Data Set."""
    end = 0
    for header, row in rows_of(data, syntax, width=width):
        end = header.end
        yield Line(header.offset, data[header.offset : end], place.depth + 1 + header.depth, row)
    if end < len(data):
        yield Line(end, data[end:], place.depth + 1, "Rest")


class _Stream:
    """The state of one side: the bytes that are not explained yet, and the message under way."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.offset = 0  # the number of bytes of this side before the buffer
        self.assembler = _assembler()
        self.in_command = False  # the last fragment was of a Command Set that is not complete
        self.is_hidden = False  # whether the following bytes may belong to a credential
        self.has_unknown_type = False  # a PDU had an unknown type, so the beginning of the next PDU is unknown
        self.completed: list[CompleteMessage] = []  # messages of the current PDU
        self._command = bytearray()
        self._pieces: tuple[list[Piece], list[Piece]] = [], []  # the pieces of the Data Set, and of the Command Set

    def take(self, pdv: PDV, offset: int) -> tuple[tuple[int, Message] | None, DimseError | None]:
        """Take a fragment. Return the message that it completes, with the context, or the error that it causes."""
        self.in_command = pdv.is_command and not pdv.is_last
        self._pieces[pdv.is_command].append((offset, offset + len(pdv.data)))
        if pdv.is_command:
            self._command += pdv.data
        try:
            return self.assembler.add(pdv), None
        except DimseError as exc:
            self.assembler = _assembler()
            self.forget()
            return None, exc

    def forget(self) -> None:
        """Forget the fragments of the message under way."""
        self._command.clear()
        self._pieces = [], []

    def complete(self, context_id: int, message: Message, data: memoryview) -> CompleteMessage:
        """Return the message under way, which is now complete, with the places of its fragments."""
        command, (data_pieces, command_pieces) = bytes(self._command), self._pieces
        self.forget()
        return CompleteMessage(
            context_id=context_id,
            message=message,
            command=command,
            command_pieces=tuple(command_pieces),
            data=data,
            data_pieces=tuple(data_pieces),
        )

    def pdus(self) -> Iterator[bytes]:
        """Yield the complete PDUs, up to the header of a PDU with an unknown type; a peer reads nothing after it."""
        while len(self.buffer) >= HEADER.size and not self.has_unknown_type:
            self.has_unknown_type = self.buffer[0] not in _KNOWN_TYPES
            total = HEADER.size + (0 if self.has_unknown_type else HEADER.unpack_from(self.buffer)[1])
            if len(self.buffer) < total:
                return
            with memoryview(self.buffer) as view:
                wire = bytes(view[:total])
            del self.buffer[:total]
            yield wire

    def rest(self, side: str) -> Turn:
        """Return the bytes after the header of a PDU with an unknown type."""
        data = bytes(self.buffer)
        words = f"{len(data)} bytes after the header of an unknown PDU"
        shown = "not shown" if self.is_hidden else words
        line = Line(self.offset, memoryview(data), 1, "Value", shown, UNRECOGNIZED.table, self.is_hidden)
        return Turn(side=side, offset=self.offset, length=len(data), name="Value", summary=words, lines=(line,))


def _assembler() -> Assembler:
    return Assembler(lambda _context_id, _first_fragment: None)


def _mark(lines: list[Line], error: DimseError, start: int) -> None:
    """Add an error to the line of its element, or else to the last line."""
    offset = getattr(error, "offset", None)
    at = len(lines) - 1
    if offset is not None:
        holding = (n for n, line in enumerate(lines) if line.offset <= start + offset < line.offset + len(line.data))
        at = next(holding, at)
    lines[at] = lines[at]._replace(error=str(error))


# --- one line for a PDU ---


def _acceptance(pdu: AssociateAC) -> str:
    """Return the number of accepted contexts, and their ids: "accepted 2 of 4: 1, 5"."""
    accepted = [context.id for context in pdu.presentation_contexts if context.result == ContextResult.ACCEPTANCE]
    number = len(pdu.presentation_contexts)
    if not accepted:
        return f"accepted none of {number}"
    which = "all" if len(accepted) == number else f"{len(accepted)} of {number}"
    return f"accepted {which}: {', '.join(map(str, accepted))}"


def _summary(pdu: PDU) -> str:
    match pdu:
        case AssociateRQ():
            proposed = f"presentation contexts {', '.join(str(context.id) for context in pdu.presentation_contexts)}"
            return f"{pdu.calling_ae_title} to {pdu.called_ae_title}, {proposed}"
        case AssociateAC():
            return _acceptance(pdu)
        case AssociateRJ():
            return str(AssociationRejected(pdu.result, pdu.source, pdu.reason))
        case Abort():
            return str(AssociationAborted(pdu.source, pdu.reason))
        case PDataTF():
            more = len(pdu.pdvs) - _MAX_PDVS
            return ", ".join(map(_pdv_summary, pdu.pdvs[:_MAX_PDVS])) + (f" and {more} more" if more > 0 else "")
        case _:
            return ""


def _pdv_summary(pdv: PDV) -> str:
    if pdv.is_command and pdv.is_last:
        try:
            return f"{pdv.context_id}: {decode_command(pdv.data)[0]}"
        except DecodeError:
            pass  # it is the last of several fragments, or it is broken and its lines show the error
    return f"{pdv.context_id}: {len(pdv.data)} bytes of {'command' if pdv.is_command else 'data set'}" + (
        ", last" if pdv.is_last else ""
    )
