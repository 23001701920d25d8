"""The grid: one script is sent to several peers, and their answers are compared message by message.

Each peer gets the same lines. The octets differ only where they depend on the peer: in the AE titles, in values that it
has returned, in its accepted contexts and transfer syntaxes, and in its Maximum Length. An answer has an outcome, such
as ``RSP(0000)``, and facts, such as the attributes of its Data Set. Peers agree on a line if outcome and facts are the
same, apart from UIDs that they have generated. Values that may differ between correct peers, such as an Error Comment
or the Maximum Length, are shown as notes, and not compared.
"""

import asyncio
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..data import IMPLICIT_LE, Dataset, syntax_of
from ..errors import DimseError, cut, escaped, readable
from ..lab.forms import MessageDraft, proposal, settings
from ..lab.language import Mistake, integer, octets, value_at, with_values
from ..message import Message, Request, Response
from ..uids import name_or_uid, registry
from ..ul import Abort, AssociateAC, ContextResult, ImplementationVersionName, maximum_length
from .case import Unprepared
from .grid_script import GridScript, Step
from .observation import Accepted, Answered, Seen, Silent
from .peer import Peer, Target
from .print_session import SLOW_FACTOR
from .trace import CaseTrace
from .wire import Wire

__all__ = ["Answer", "Grid", "GridPeer", "Group", "run_grid"]

_MAX_FACTS = 200  # facts of one answer
_MAX_FACT = 200  # characters of a fact
_NOTE_FIELDS = ("AffectedSOPClassUID", "AffectedSOPInstanceUID", "ErrorComment", "ErrorID", "AttributeIdentifierList")
_SLOW = ("N-SET-RQ", "N-ACTION-RQ")


@dataclass(frozen=True, slots=True)
class Answer:
    """The reaction of a peer to one step, or the reason why nothing was sent. ``notes`` are shown, but not compared."""

    outcome: str
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The peers that gave the same answer to a step. ``letter`` is A for the group of the first peer.

    ``members`` are numbers of peers, from 0. ``answer`` comes from the first of ``members``; the notes of the others
    may differ.
    """

    letter: str
    answer: Answer
    members: tuple[int, ...]


@dataclass(slots=True)
class GridPeer:
    """A peer of the grid, and its answers so far; ``fault`` says why the peer could not be reached ("" if it was)."""

    label: str
    target: Target
    trace: CaseTrace
    answers: list[Answer] = field(default_factory=list)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """The answers of all peers to a script."""

    script: GridScript
    peers: tuple[GridPeer, ...]

    def groups(self, step: int) -> tuple[Group, ...]:
        """Return the groups of peers that agree on a step (numbered from 0), in the order of their first members."""
        found: dict[tuple[str, tuple[str, ...]], list[int]] = {}
        for number, peer in enumerate(self.peers):
            answer = peer.answers[step]
            found.setdefault((answer.outcome, answer.facts), []).append(number)
        return tuple(
            Group(_letter(place), self.peers[members[0]].answers[step], tuple(members))
            for place, members in enumerate(found.values())
        )

    def agreement(self, one: int, other: int) -> int:
        """Return the number of steps on which two peers agree; ``one`` and ``other`` are their numbers from 0."""
        pairs = zip(self.peers[one].answers, self.peers[other].answers, strict=True)
        return sum((a.outcome, a.facts) == (b.outcome, b.facts) for a, b in pairs)

    @property
    def is_unanimous(self) -> bool:
        return all(len(self.groups(step)) == 1 for step in range(len(self.script.steps)))


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else f"A{place}"


async def run_grid(
    script: GridScript, peers: Sequence[tuple[str, Target]], *, seed: int = 1, prints: bool = False
) -> Grid:
    """Send ``script`` to all ``peers`` (a label and a target each) at the same time; return their answers.

    Without ``prints``, ``send N-ACTION-RQ`` sends nothing; ``raw`` sends its octets in any case. ``seed`` determines
    the new UIDs.
    """
    clock = asyncio.get_running_loop().time
    found = tuple(GridPeer(label, target, CaseTrace(clock)) for label, target in peers)
    runs = [_Run(each, script, random.Random(f"{seed}/{script.name}"), prints).run() for each in found]
    await asyncio.gather(*runs)
    return Grid(script, found)


class _Run:
    """The run of one script against one peer."""

    def __init__(self, grid_peer: GridPeer, script: GridScript, rng: random.Random, prints: bool) -> None:
        self._grid_peer, self._script, self._prints = grid_peer, script, prints
        self._peer = Peer(grid_peer.target, grid_peer.trace, rng, "grid")
        self._wire: Wire | None = None
        self._names: dict[str, str] = {}
        self._last: Answered | None = None
        self._unanswered: set[int | None] = set()  # Message IDs of requests without a response in time

    async def run(self) -> None:
        try:
            for step in self._script.steps:
                self._grid_peer.trace.note(0, f"line {step.number}: {step.text}")
                self._grid_peer.answers.append(await self._answer(step))
        finally:
            await self._peer.dismiss()

    async def _answer(self, step: Step) -> Answer:
        if step.may_print and not self._prints:
            return Answer("not sent: it could print")
        try:
            return await self._perform(step, [with_values(word, self._names) for word in step.words])
        except Unprepared as exc:
            self._grid_peer.fault = exc.reason
            return Answer(exc.reason)
        except DimseError as exc:  # a mistake, or a value that cannot be read or encoded
            return Answer(_cut(f"not sent: {exc}"))

    async def _perform(self, step: Step, words: list[str]) -> Answer:
        match step.command:
            case "associate":
                return await self._associate(words[1:])
            case "let":
                return self._let(words[1], words[3])
        wire = self._wire
        if wire is None or not wire.is_open:
            return Answer("not sent: there is no connection")
        match step.command:
            case "release":
                return self._answer_of(await wire.release())
            case "abort":
                wire.send(Abort(0, 0))
                return self._answer_of(await wire.next())
            case "close":
                wire.shut_down()
                return self._answer_of(await wire.next())
            case "raw":
                wire.send(octets(words[1:]))
                return self._answer_of(await wire.next())
        name, rest = ("C-ECHO-RQ", words[1:]) if step.command == "echo" else (words[1], words[2:])
        return await self._send(wire, name, rest)

    async def _associate(self, words: list[str]) -> Answer:
        target = self._peer.target
        request = proposal(words, called=target.called, calling=target.calling)
        await self._peer.dismiss()
        self._unanswered.clear()
        self._wire = await self._peer.connect()
        self._wire.send(request)
        return self._answer_of(await self._wire.next(target.preparation))

    async def _send(self, wire: Wire, name: str, words: list[str]) -> Answer:
        if not wire.is_associated:
            return Answer("not sent: there is no association")
        rest, found = settings(words, "on")
        draft = MessageDraft(name, rest)
        context_id = integer(found["on"], 0xFF) if "on" in found else _context_for(wire, draft.sop_class)
        syntax = syntax_of(wire.contexts[context_id][1]) if context_id in wire.contexts else IMPLICIT_LE
        message = draft.message(syntax, wire.next_message_id())
        wire.say(message, context_id)
        seen = await self._answer_to(wire, message, wire.timeout * (SLOW_FACTOR if name.upper() in _SLOW else 1))
        self._last = seen if isinstance(seen, Answered) else None
        return self._answer_of(seen)

    async def _answer_to(self, wire: Wire, message: Message, seconds: float) -> Seen:
        """Return the answer to a message; drop late responses to earlier messages, and wait ``seconds`` after each."""
        number = message.MessageID if isinstance(message, Request) else None
        self._unanswered.discard(number)
        seen = await wire.response(seconds)
        while (late := _number_of(seen)) in self._unanswered:
            self._unanswered.discard(late)
            seen = await wire.response(seconds)
        if isinstance(seen, Silent) and number is not None:
            self._unanswered.add(number)
        return seen

    def _let(self, name: str, source: str) -> Answer:
        """Give a value a name. The answer does not show a generated UID, so that peers can agree."""
        if source == "new":
            self._names[name] = self._peer.random_uid()
            return Answer("a new UID")
        self._names[name] = value = self._value_at(source)
        return Answer(f"{source} is {_shown(source, value)}")

    def _value_at(self, path: str) -> str:
        last = self._last
        if last is None or last.message is None:
            raise Mistake("there is no response to the last request, or no request was sent")
        if isinstance(value := getattr(last.message, path, None), str | int):
            return str(value)
        return value_at(last.data or Dataset(), path)

    def _answer_of(self, seen: Seen) -> Answer:
        match seen:
            case Accepted(pdu=AssociateAC() as pdu):
                return Answer(str(seen), tuple(_results(pdu)), tuple(_notes_of_acceptance(pdu)))
            case Answered(message=message, data=data) if message is not None:
                facts = [_cut(line) for line in _attributes(data)]
                return Answer(str(seen), tuple(facts[:_MAX_FACTS]), tuple(map(_cut, _notes_of_response(message))))
        return Answer(_cut(str(seen)))


def _number_of(seen: Seen) -> int | None:
    """Return the Message ID that a response answers, or None for any other event."""
    message = seen.message if isinstance(seen, Answered) else None
    return message.MessageIDBeingRespondedTo if isinstance(message, Response) else None


def _context_for(wire: Wire, sop_class: str) -> int:
    """Return the id of the accepted context of ``sop_class``, or else of the first accepted context.

    The first context may be the context of a Meta SOP Class that contains ``sop_class``. Raises `Mistake` if the peer
    has accepted no context.
    """
    same = [number for number, (abstract, _) in wire.contexts.items() if abstract == sop_class]
    if not same and not wire.contexts:
        raise Mistake("the peer has accepted no context")
    return next(iter(same or wire.contexts))


def _results(pdu: AssociateAC) -> Iterator[str]:
    """Yield a line for each context: the outcome shows only the first ones."""
    for each in pdu.presentation_contexts:
        is_accepted = each.result == ContextResult.ACCEPTANCE
        result = name_or_uid(each.transfer_syntax) if is_accepted else ContextResult.words(each.result)
        yield _cut(f"context {each.id}: {result}")


def _notes_of_acceptance(pdu: AssociateAC) -> Iterator[str]:
    yield f"Maximum Length {maximum_length(pdu.user_information)}"
    for item in pdu.user_information:
        if isinstance(item, ImplementationVersionName):
            yield f"Implementation Version Name {escaped(item.name)}"


def _attributes(data: Dataset | None, path: str = "") -> Iterator[str]:
    """Yield a line for each attribute of a Data Set."""
    for element in data or ():
        name = f"{path}{element.keyword or element.tag}"
        try:
            value = element.value
        except DimseError as exc:
            yield f"{name}: {exc}"
            continue
        if isinstance(value, list) and any(isinstance(item, Dataset) for item in value):
            for number, item in enumerate(value):
                yield from _attributes(item if isinstance(item, Dataset) else None, f"{name}[{number}].")
        else:
            yield f"{name} = {_shown(name, value)}"


def _notes_of_response(message: Message) -> Iterator[str]:
    """Yield a line for each field of a response that is only noted."""
    for keyword in _NOTE_FIELDS:
        value = getattr(message, keyword, None)
        if value:
            yield f"{keyword} = {escaped(str(value))}"


def _shown(path: str, value: object) -> str:
    """Return a value as text. A UID that is not in PS3.6 becomes "a UID", since each peer generates its own."""
    text = str(readable(value))
    return "a UID" if path.endswith("UID") and value and text not in registry() else escaped(text)


def _cut(text: str) -> str:
    return cut(text, _MAX_FACT)


def labels(names: Iterable[str]) -> list[str]:
    """Return the names, each once; a name that occurs again gets the first free number, as in ``NAME (2)``."""
    names = list(names)
    taken, numbers = set(names), dict[str, int]()
    found = []
    for name in names:
        label = name
        while name in numbers and label in taken:
            numbers[name] += 1
            label = f"{name} ({numbers[name]})"
        numbers.setdefault(name, 1)
        taken.add(label)
        found.append(label)
    return found
