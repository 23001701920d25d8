"""The record of an association: its messages step by step, each byte in exactly one field.

A `Step` is one PDU of association control, or one message with all of its PDUs. If several messages share a PDU, they
are one step. JSON, pages, diagrams and comparisons are made from steps.

The fields of all steps cover each byte of each side exactly once. An element whose bytes lie in many PDUs is still one
field. A fragment is a field only if its message is incomplete or too long, or if its Data Set is deflated or cannot be
read.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from ..errors import cut, escaped
from ..message import Message, Response, is_failure, status_class
from ..message.status import GENERAL_STATUS
from ..uids import name_of
from ..ul import Abort, AssociateAC, AssociateRQ, PDataTF, accepted, agreed_roles, agreed_window, maximum_length
from .command import message_name
from .conversation import ACCEPTOR, REQUESTOR, CompleteMessage, Conversation, Turn
from .elements import Field, Places, command_field, command_fields, data_set_fields
from .machines import Machines, Move
from .pdu import FRAGMENT
from .rules import context_results

__all__ = ["Contract", "Proposal", "ViewEvent", "Step", "Steps", "View"]

# The PDUs of a step, and their lines; enough for 64 MiB in PDUs of 4 KiB. A longer message has no element fields.
_MAX_TURNS, _MAX_LINES = 1 << 14, 1 << 17
_MAX_FIELDS = 1 << 14  # fields of elements in a step, after which its further messages have no element fields
_MAX_FAULT = 400  # characters that are shown of the faults of a Data Set without element fields
_P_DATA_TF = "P-DATA-TF"  # the name of a P-DATA-TF, also of one that is cut off
_COMMAND_TABLE = "PS3.7 Table E.1-1"
_MESSAGE_DEPTH = 2  # the nesting depth of the fields in a PDV


class ViewEvent(NamedTuple):
    """An event of a service that a `View` has found in a message, in words and as a picture.

    ``name`` is a few words, such as "film box". ``image`` is a PNG, or empty. ``width`` and ``height`` are its size in
    pixels; without an image, they only give the proportions of a picture. ``boxes`` are rectangles on the picture:
    left, top, width and height as fractions of its size, and words. A later event with the same ``key`` replaces this
    one, unless the key is empty. If this event lies in a box of another event, ``box`` is the key of that event and the
    number of the box, from 0. ``is_fault`` says that the view could not show something; ``words`` then say why, and may
    quote a value.
    """

    name: str
    words: str
    image: bytes = b""
    width: int = 0
    height: int = 0
    boxes: tuple[tuple[float, float, float, float, str], ...] = ()
    key: str = ""
    box: tuple[str, int] | None = None
    category: str = "print"
    is_fault: bool = False


class View(Protocol):
    """An observer that understands the messages of one service, such as print."""

    def see(self, side: str, message: CompleteMessage) -> Iterable[ViewEvent]:
        """Return the events in a complete message that ``side`` sent. It is called for each message, in order."""

    def sentence(self, tag: int) -> tuple[str, str]:
        """Return a sentence about an attribute, and the table that defines the attribute; both "" if unknown."""


class Proposal(NamedTuple):
    """A proposed presentation context, and the acceptor's result in words.

    ``transfer_syntax`` is the agreed transfer syntax; "" if the context cannot be used.
    """

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    result: str
    transfer_syntax: str = ""


class Contract(NamedTuple):
    """The result of the negotiation, PS3.8 §9.3.3 and PS3.7 §D.3.3.

    ``maximum_lengths`` has the Maximum Lengths that the requestor and the acceptor receive; zero means no limit.
    ``window`` has the numbers of operations that the requestor may invoke and perform at once; zero means no limit.
    ``roles`` has an entry for each SOP Class with roles: its UID, whether the requestor is an SCU, and whether it is an
    SCP.
    """

    contexts: tuple[Proposal, ...]
    maximum_lengths: tuple[int, int]
    window: tuple[int, int]
    roles: tuple[tuple[str, bool, bool], ...] = ()


class Step(NamedTuple):
    """A PDU or a message that one side sends.

    ``name`` is the name of the PDU or of the messages; ``words`` summarize it. ``offset`` and ``length`` give the place
    of the step in the stream of its side. ``time`` is in seconds since 1970; None if the recording has no times, for a
    PDU that is cut off, and for the end of the connection. ``contract`` is None except in the step of the
    A-ASSOCIATE-AC.
    """

    side: str
    time: float | None
    name: str
    words: str
    offset: int
    length: int
    turns: tuple[Turn, ...]
    fields: tuple[Field, ...]
    moves: tuple[Move, ...] = ()
    contract: Contract | None = None
    messages: tuple[CompleteMessage, ...] = ()
    view_events: tuple[ViewEvent, ...] = ()

    @property
    def errors(self) -> list[str]:
        """The errors of the fields, without repetitions."""
        return list(dict.fromkeys(one.error for one in self.fields if one.error))

    @property
    def status(self) -> int | None:
        """The status of the last response in the step, or None if there is no response."""
        statuses = [one.message.Status for one in self.messages if isinstance(one.message, Response)]
        return statuses[-1] if statuses else None

    @property
    def has_failed(self) -> bool:
        """Whether the last response in the step has a failure status."""
        return self.status is not None and is_failure(self.status)


class _HeldTurn(NamedTuple):
    """A PDU of a step that is not complete, with its time, and the state transitions at that time."""

    turn: Turn
    time: float | None
    moves: tuple[Move, ...]


class Steps:
    """The steps of one association: bytes of both sides go in, in their order, and steps come out.

    ``has_both`` is False for a recording of one side, whose steps have no state transitions. ``views`` see all
    messages.
    """

    def __init__(self, conversation: Conversation, views: Sequence[View] = (), *, has_both: bool = True) -> None:
        self._conversation = conversation
        self._views = views
        self._machines = Machines() if has_both else None
        self._held: dict[str, list[_HeldTurn]] = {REQUESTOR: [], ACCEPTOR: []}
        self._lines = {REQUESTOR: 0, ACCEPTOR: 0}  # the number of lines in ``_held``
        self._request: AssociateRQ | None = None

    def receive(self, side: str, data: bytes, time: float | None = None) -> Iterator[Step]:
        """Take ``data`` that ``side`` sent, and yield the steps that it completes.

        Only P-DATA-TFs are part of a message. Any other PDU is a step of its own, after the incomplete message of its
        side. An A-ABORT also ends the incomplete message of the other side.
        """
        for turn in self._conversation.receive(side, data):
            if not isinstance(turn.pdu, PDataTF):
                yield from self._end(side)
            if isinstance(turn.pdu, Abort):
                yield from self._end(ACCEPTOR if side == REQUESTOR else REQUESTOR)
            held = self._held[side]
            held.append(_HeldTurn(turn, time, self._moves(turn)))
            self._lines[side] += len(turn.lines)
            is_long = len(held) >= _MAX_TURNS or self._lines[side] >= _MAX_LINES
            if is_long or not (turn.is_midway and isinstance(turn.pdu, PDataTF)):
                yield from self._end(side)

    def close(self) -> Iterator[Step]:
        """Yield the remaining steps: messages and PDUs that are cut off, and bytes that belong to no PDU.

        If a side waits for the end of the transport connection, the last step is that end, without PDUs.
        """
        for turn in self._conversation.close():
            if turn.name != _P_DATA_TF:
                yield from self._end(turn.side)
            self._held[turn.side].append(_HeldTurn(turn, None, self._moves(turn)))
        for side in (REQUESTOR, ACCEPTOR):
            yield from self._end(side)
        moves = self._machines.close() if self._machines else ()
        if moves:
            side = moves[0].side
            words = "the recording ends; the transport connection closes"
            yield Step(
                side=side, time=None, name="end", words=words, offset=0, length=0, turns=(), fields=(), moves=moves
            )

    def _end(self, side: str) -> Iterator[Step]:
        """Yield the held PDUs of ``side`` as a step, if there are any."""
        held = self._held[side]
        self._held[side], self._lines[side] = [], 0
        if held:
            yield self._step(held)

    def _step(self, held: Sequence[_HeldTurn]) -> Step:
        turns = tuple(one.turn for one in held)
        messages = tuple(message for turn in turns for message in turn.completed)
        side, first = turns[0].side, turns[0]
        name, words = _title(turns, messages)
        contract = None
        for turn in turns:
            contract = self._contract(turn) or contract
        view_events = tuple(one for message in messages for view in self._views for one in view.see(side, message))
        return Step(
            side=side,
            time=held[0].time,
            name=name,
            words=words,
            offset=first.offset,
            length=sum(turn.length for turn in turns),
            turns=turns,
            fields=tuple(_fields(turns)),
            moves=tuple(move for one in held for move in one.moves),
            contract=contract,
            messages=messages,
            view_events=view_events,
        )

    def _moves(self, turn: Turn) -> tuple[Move, ...]:
        if self._machines is None or (turn.pdu is None and turn.is_cut):
            return ()
        return self._machines.step(turn.side, turn.pdu)

    def _contract(self, turn: Turn) -> Contract | None:
        if isinstance(turn.pdu, AssociateRQ):
            self._request = turn.pdu
        if not isinstance(turn.pdu, AssociateAC) or self._request is None:
            return None
        return _negotiated(self._request, turn.pdu)


def _negotiated(request: AssociateRQ, answer: AssociateAC) -> Contract:
    usable = accepted(request.presentation_contexts, answer.presentation_contexts)
    results = context_results(request, answer)
    proposals = []
    for context in request.presentation_contexts:
        agreed = usable[context.id].transfer_syntax if context.id in usable else ""
        proposals.append(
            Proposal(context.id, context.abstract_syntax, context.transfer_syntaxes, results[context.id], agreed)
        )
    asked, told = request.user_information, answer.user_information
    window = agreed_window(asked, told)
    return Contract(
        contexts=tuple(proposals),
        maximum_lengths=(maximum_length(asked), maximum_length(told)),
        window=(window.invoked, window.performed),
        roles=tuple((uid, roles.scu, roles.scp) for uid, roles in sorted(agreed_roles(asked, told).items())),
    )


# --- titles ---


def _title(turns: Sequence[Turn], messages: Sequence[CompleteMessage]) -> tuple[str, str]:
    """Return the name of a step, and a few words about it."""
    if messages:
        names = " + ".join(dict.fromkeys(message_name(type(one.message)) for one in messages))
        return names, "; ".join(dict.fromkeys(filter(None, (_about(one.message) for one in messages))))
    first = turns[0]
    if isinstance(first.pdu, PDataTF):
        return first.name, "an incomplete message"
    words = first.summary
    for error in dict.fromkeys(line.error for line in first.lines if line.error):
        words = words.replace(f"! {escaped(error)}", "")
    return first.name, words.strip()


def _about(message: Message) -> str:
    """Return the subject of a message: the status of a response, or the SOP Class of a request, "" if it names none."""
    if isinstance(message, Response):
        status = message.Status
        kind = status_class(status).value
        words = GENERAL_STATUS.get(status) or kind
        return f"{status:04X}H {words if words == kind else f'{kind}: {words}'}"
    uid = getattr(message, "AffectedSOPClassUID", None) or getattr(message, "RequestedSOPClassUID", None) or ""
    return name_of(uid) or ("an unknown SOP Class" if uid else "")


# --- fields ---


def _fields(turns: Sequence[Turn]) -> list[Field]:
    """Return the fields of a step in the order of their first bytes."""
    shown = {line.offset for turn in turns for line in turn.lines if line.field == FRAGMENT}
    replaced: set[int] = set()  # the offsets of fragments whose bytes belong to element fields
    found: list[Field] = []
    start = turns[0].offset  # fragments before this offset are in an earlier step
    broken: dict[int, str] = {}  # faults of Data Sets without element fields, by the offset of the last fragment
    for message in (message for turn in turns for message in turn.completed):
        if not shown.issuperset(at for at, _ in (*message.command_pieces, *message.data_pieces) if at >= start):
            continue  # some of its fragments are in the field "Rest", because their PDU has too many fields to show
        has_room = len(found) < _MAX_FIELDS
        if has_room and len(message.command_pieces) > 1 and message.command_pieces[0][0] >= start:
            found += command_fields(message, _MESSAGE_DEPTH)
            replaced.update(at for at, _ in message.command_pieces)
        is_here = bool(message.data_pieces) and message.data_pieces[0][0] >= start
        is_whole = is_here and Places(message.data_pieces).length == len(message.data)
        if has_room and is_whole and message.syntax is not None and not message.syntax.deflated:
            found += data_set_fields(message, _MESSAGE_DEPTH + 1)
            replaced.update(at for at, _ in message.data_pieces)
        elif (message.fault or message.findings) and message.data_pieces:
            words = message.fault or "; ".join(map(str, message.findings))
            broken[message.data_pieces[-1][0]] = cut(words, _MAX_FAULT)
    for turn in turns:
        found += _pdu_fields(turn, replaced, broken)
    found.sort(key=lambda one: one.ranges[0][0])  # a stable sort: a field without bytes keeps its place
    return found


def _pdu_fields(turn: Turn, replaced: set[int], broken: dict[int, str]) -> Iterator[Field]:
    """Yield the fields of a PDU, except the fragments at the offsets ``replaced``, whose bytes are in other fields.

    ``broken`` has the faults of Data Sets without element fields, by the offset of their last fragment.
    """
    category, is_first_element = "pdu", True
    for line in turn.lines:
        is_fragment = line.field == FRAGMENT
        if (is_fragment and line.data and line.offset in replaced) or not (line.data or line.error):
            is_first_element = is_first_element or is_fragment
            continue
        if not line.data and line.field in ("Data Set", "tolerated"):
            continue
        place = (line.offset, line.offset + len(line.data))
        head = line.field.endswith((" PDU", "Item", "Item (ignored)", "PDU-header"))
        if line.table == _COMMAND_TABLE:
            yield command_field(line, (place,), head=is_first_element)
            is_first_element = False
            continue
        is_first_element = True
        if head:
            category = "pdu" if not line.depth else "pdv" if line.field.startswith("Presentation Data") else "item"
        error = line.error or (broken.get(line.offset, "") if is_fragment else "")
        found = Field((place,), line.data, line.depth, category, line.field, line.value, line.table, line.secret, error)
        yield found._replace(head=head, known=line.known)
