"""The session of a laboratory, which executes one command after the other."""

from collections.abc import Callable, Iterator, Sequence

from ..data import Dataset, decode
from ..errors import DimseError, EncodeError, cut, escaped, shown
from ..explain import View
from ..message import encode_command, fragment
from ..uids import name_or_uid
from ..ul import PDU, Abort, AssociateRJ, Event, ReleaseRP, ReleaseRQ, encode_pdu
from ..ul.forge import forge_pdu
from .connection import Connection
from .exchange import MAX_WAIT, Exchange
from .forms import MessageDraft, acceptance, proposal, reply_to, settings
from .language import Mistake, integer, is_name, octets, split, uid, value_at, with_values
from .manual import manual

__all__ = ["Lab", "LabFailure"]

_SHOWN = 100  # characters of a line of the peer in an error

Lines = Iterator[str]  # lines to print


class LabFailure(DimseError):
    """An expectation of ``expect`` that the peer did not meet."""


class Lab:
    """A laboratory. `run` executes a command, step by step, as the caller iterates over the lines to print.

    ``connect`` is called when a command needs a connection and none is open. Its argument is a time limit in seconds;
    it returns a new connection to the peer, or raises `ConnectionFailed`. ``called`` and ``calling`` are the AE titles
    that ``associate`` sends. ``is_requestor`` says which side the laboratory plays. ``patience`` is the time to wait
    for an answer, in seconds. ``views`` returns new views, which see the messages of an association. The command
    ``quit`` sets ``is_over``.
    """

    def __init__(
        self,
        connect: Callable[[float], Connection],
        *,
        is_requestor: bool = True,
        called: str = "ANY-SCP",
        calling: str = "DIMSE-LAB",
        patience: float = 2.0,
        views: Callable[[], Sequence[View]] = tuple,
    ) -> None:
        self.is_over = False
        self._called, self._calling = called, calling
        self._exchange = Exchange(connect, is_requestor=is_requestor, patience=patience, views=views)
        self._names: dict[str, str] = {}
        self._patches: list[tuple[int, bytes]] = []  # offsets and octets, to change the next octets to send
        self._cut: int | None = None  # the number of octets to which the next octets to send are cut
        self._message_id = 0

    @property
    def prompt(self) -> str:
        """The prompt: the state of this side's state machine, or ``closed`` if no connection is open."""
        return f"{self._exchange.state.name if self._exchange.is_open else 'closed'}> "

    def run(self, line: str) -> Lines:
        """Yield the lines to print, which are escaped; the command is executed as the caller iterates over them.

        Raises `Mistake` or another `DimseError` for a command that cannot be carried out, `LabFailure` for an
        expectation that is not met, and `ConnectionFailed`.
        """
        words = split(line)
        if not words:
            return
        command = _COMMANDS.get(words[0])
        if command is None:
            raise Mistake(f"{shown(words[0])} is not a command; `help` lists the commands")
        self._exchange.listens = words[-1] != "&"
        if not self._exchange.listens:
            words.pop()
        elif self._exchange.is_open and command is not _COMMANDS["wait"]:
            yield from self._exchange.listen(0.0)
        try:
            yield from command(self, [with_values(word, self._names) for word in words[1:]])
        except EncodeError as exc:
            raise Mistake(str(exc)) from exc

    def close(self) -> Lines:
        """Close the connection, if one is open, as the caller iterates over the lines to print."""
        return self._exchange.close()

    def _send(self, data: bytes) -> Lines:
        """Send octets after the changes that earlier ``patch`` and ``cut`` commands have requested."""
        patches, end = self._patches, self._cut
        self._patches, self._cut = [], None
        for offset, changed in patches:
            if offset + len(changed) > len(data):
                raise Mistake(f"patch {offset}: only {len(data)} octets would be sent, so nothing was sent")
            data = data[:offset] + changed + data[offset + len(changed) :]
        return self._exchange.send(data[:end])

    def _send_pdu(self, pdu: PDU) -> Lines:
        return self._send(b"".join(encode_pdu(pdu)))

    @property
    def names(self) -> Sequence[str]:
        """The names that ``let`` has given."""
        return tuple(self._names)

    # --- commands about the connection ---

    def connect(self, words: list[str]) -> Lines:
        seconds = _seconds(words, MAX_WAIT)
        if self._exchange.is_open:
            raise Mistake("a connection is already open")
        self._exchange.open(seconds)
        yield "= connected"
        if not self._exchange.is_requestor and self._exchange.listens:
            yield from self._exchange.listen(self._exchange.patience)

    def disconnect(self, words: list[str], *, reset: bool = False) -> Lines:
        _refuse_words(words)
        if not self._exchange.is_open:
            raise Mistake("no connection is open")
        return self._exchange.close(reset=reset)

    def wait(self, words: list[str]) -> Lines:
        seconds = _seconds(words, self._exchange.patience)
        if self._exchange.is_requestor and not self._exchange.is_open:
            raise Mistake("no connection is open")
        self._exchange.open(seconds)
        return self._exchange.listen(seconds)

    def quit(self, words: list[str]) -> Lines:
        _refuse_words(words)
        self.is_over = True
        return iter(())

    # --- commands that send a PDU ---

    def associate(self, words: list[str]) -> Lines:
        if not self._exchange.is_requestor:
            raise Mistake("we are the acceptor; the peer sends the A-ASSOCIATE-RQ")
        return self._send_pdu(proposal(words, called=self._called, calling=self._calling))

    def accept(self, words: list[str]) -> Lines:
        if self._exchange.request is None:
            raise Mistake("no A-ASSOCIATE-RQ has arrived; `connect` or `wait` waits for one")
        return self._send_pdu(acceptance(words, self._exchange.request))

    def reject(self, words: list[str]) -> Lines:
        return self._send_pdu(AssociateRJ(*_numbers(words, 1, 1, 1)))

    def release(self, words: list[str], pdu: ReleaseRQ | ReleaseRP) -> Lines:
        _refuse_words(words)
        return self._send_pdu(pdu)

    def abort(self, words: list[str]) -> Lines:
        return self._send_pdu(Abort(*_numbers(words, 0, 0)))

    def raw(self, words: list[str]) -> Lines:
        return self._send(octets(words))

    def pdu(self, words: list[str]) -> Lines:
        plain, found = settings(words, "length")
        if not plain:
            raise Mistake("pdu needs the PDU-type, such as 04H")
        length = integer(found["length"]) if "length" in found else None
        return self._send(forge_pdu(integer(plain[0], 0xFF), octets(plain[1:]), length=length))

    def patch(self, words: list[str]) -> Lines:
        if len(words) < 2:
            raise Mistake("patch needs an offset and octets, such as patch 2 FFFFFFFF")
        offset = integer(words[0])
        self._patches.append((offset, octets(words[1:])))
        yield f"= the next PDU or message will have these octets at offset {offset}"

    def cut(self, words: list[str]) -> Lines:
        if len(words) != 1:
            raise Mistake("cut needs the number of octets to send, such as cut 20")
        self._cut = integer(words[0])
        yield f"= the next PDU or message will be cut to {self._cut} octets"

    # --- commands that send a message ---

    def send(self, words: list[str]) -> Lines:
        if not words:
            raise Mistake("send needs the name of a message, such as N-CREATE-RQ")
        rest, found = settings(words[1:], "on", "max")
        return self._send_message(MessageDraft(words[0], rest), found)

    def echo(self, words: list[str]) -> Lines:
        rest, found = settings(words, "on", "max")
        return self._send_message(MessageDraft("C-ECHO-RQ", rest), found)

    def reply(self, words: list[str]) -> Lines:
        last = self._exchange.last_request
        if last is None:
            raise Mistake("the peer has sent no request")
        rest, found = settings(words, "on", "max")
        return self._send_message(reply_to(last.message, rest), {"on": str(last.context_id), **found})

    def _send_message(self, draft: MessageDraft, found: dict[str, str]) -> Lines:
        """Send a message; ``found`` has the values of the words ``on=CONTEXT`` and ``max=N``, if they were given."""
        agreement = self._exchange.agreement
        context_id = integer(found["on"], 0xFF) if "on" in found else self._context_for(draft)
        syntax = agreement.syntaxes[context_id] if agreement and context_id in agreement.contexts else None
        message = draft.message(syntax, self._message_id + 1)
        max_length = integer(found["max"]) if "max" in found else agreement.max_send if agreement else 0
        pdus = fragment(context_id, encode_command(message), message.Data, max_length)
        data = b"".join(part for pdu in pdus for part in encode_pdu(pdu))
        self._message_id += 1
        return self._send(data)

    def _context_for(self, draft: MessageDraft) -> int:
        """Return the context for a message: if possible, of its SOP Class and in the transfer syntax of its file.

        If no context has its SOP Class, use the first accepted context, perhaps of a Meta SOP Class, or else 1.
        """
        contexts = [] if self._exchange.agreement is None else [*self._exchange.agreement.contexts.values()]
        same = [context for context in contexts if context.abstract_syntax == draft.sop_class]
        uid = draft.file_syntax.uid if draft.file_syntax else ""
        best = [context for context in same if context.transfer_syntax == uid]
        return next((context.id for context in best or same or contexts), 1)

    # --- commands that send nothing ---

    def expect(self, words: list[str]) -> Lines:
        if not words:
            raise Mistake("expect needs words, such as expect A-ASSOCIATE-AC")
        lines = self._exchange.answer_lines
        if not any(all(word in line for word in words) for line in lines):
            said = "; ".join(cut(" ".join(line.split()), _SHOWN) for line in lines) or "nothing"
            raise LabFailure(f"expected {' '.join(words)}, but the peer sent: {said}")
        yield f"= as expected: {escaped(' '.join(words))}"

    def let(self, words: list[str]) -> Lines:
        if not words:
            yield from (f"= ${name} is {escaped(value)}" for name, value in self._names.items())
            return
        if len(words) != 3 or words[1] != "=" or not is_name(words[0]):
            raise Mistake("write let NAME = VALUE; VALUE is new, or a path into the last message of the peer")
        name, _, source = words
        value = uid("new") if source == "new" else self._value_at(source)
        self._names[name] = value
        yield f"= ${name} is {escaped(value)}"

    def _value_at(self, path: str) -> str:
        last = self._exchange.last
        if last is None:
            raise Mistake("the peer has sent no message")
        if isinstance(value := getattr(last.message, path, None), str | int):
            return str(value)
        return value_at(Dataset() if last.syntax is None else decode(last.data, last.syntax), path)

    def state(self, words: list[str]) -> Lines:
        _refuse_words(words)
        for side, state in self._exchange.states.items():
            us = " (this side)" if (side == "requestor") == self._exchange.is_requestor else ""
            yield f"= {side}{us}: {state.name}, {state.value}"
        ours = self._exchange.state
        yield f"= the events that can happen in {ours.name}, their actions and next states (PS3.8 Table 9-10):"
        for event in Event:
            actions = self._exchange.actions(event)
            if actions:
                states = " or ".join(action.next.name for action in actions)
                yield f"  {event.name:5} {event.value}: {actions[0].name}, then {states}"

    def contexts(self, words: list[str]) -> Lines:
        _refuse_words(words)
        agreement = self._exchange.agreement
        if agreement is None:
            raise Mistake("no association is established")
        for context in agreement.contexts.values():
            syntaxes = (context.abstract_syntax, context.transfer_syntax)
            yield f"= {context.id}: {', '.join(name_or_uid(one) for one in syntaxes)}"
        yield f"= the longest PDU for the peer: {agreement.max_send or 'no limit'}"

    def set_form(self, words: list[str], *, is_brief: bool) -> Lines:
        _refuse_words(words)
        self._exchange.is_brief = is_brief
        return iter(())


def _refuse_words(words: Sequence[str]) -> None:
    if words:
        raise Mistake(f"this command takes no words, but {shown(' '.join(words))} follows")


def _seconds(words: Sequence[str], default: float) -> float:
    """Return the time that ``words`` give, or else ``default``."""
    try:
        seconds = float(words[0]) if words else default
    except ValueError:
        seconds = 0.0
    if len(words) > 1 or not 0 < seconds <= MAX_WAIT:
        raise Mistake(f"this command takes a number of seconds, up to {MAX_WAIT:g}")
    return seconds


def _numbers(words: Sequence[str], *defaults: int) -> list[int]:
    """Return the numbers that ``words`` give, from 0 to 255; ``defaults`` stand for the missing ones."""
    if len(words) > len(defaults):
        raise Mistake(f"this command takes at most {len(defaults)} numbers")
    return [*(integer(word, 0xFF) for word in words), *defaults[len(words) :]]


_COMMANDS: dict[str, Callable[[Lab, list[str]], Lines]] = {
    "connect": Lab.connect,
    "close": Lab.disconnect,
    "reset": lambda lab, words: lab.disconnect(words, reset=True),
    "associate": Lab.associate,
    "accept": Lab.accept,
    "reject": Lab.reject,
    "release": lambda lab, words: lab.release(words, ReleaseRQ()),
    "release-rp": lambda lab, words: lab.release(words, ReleaseRP()),
    "abort": Lab.abort,
    "echo": Lab.echo,
    "send": Lab.send,
    "reply": Lab.reply,
    "raw": Lab.raw,
    "pdu": Lab.pdu,
    "patch": Lab.patch,
    "cut": Lab.cut,
    "wait": Lab.wait,
    "expect": Lab.expect,
    "let": Lab.let,
    "state": Lab.state,
    "contexts": Lab.contexts,
    "brief": lambda lab, words: lab.set_form(words, is_brief=True),
    "full": lambda lab, words: lab.set_form(words, is_brief=False),
    "exit": Lab.quit,
    "help": lambda _, words: manual(words),
    "quit": Lab.quit,
}
