"""Cut messages into P-DATA-TF PDUs, and assemble PDVs into messages: PS3.7 §6.3, PS3.8 Annex E.

Sending copies no payload: a fragment is a view of the caller's buffer. Only a fragment that spans several buffers of a
list is a copy, in which the parts are joined.

Receiving copies each fragment once. A received fragment is a view into a buffer that the transport is about to reuse,
so the Data Set is gathered in memory of its own. The first fragment decides how much to reserve: if it contains the
header of the large element (Pixel Data), that header tells the length. A long Data Set may be gathered elsewhere, such
as on a disk (`LongStorage`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from ..errors import EncodeError, LimitExceeded, RemoteProtocolError
from ..limits import LIMITS, Limits
from ..ul.p_data import PDV, PDataTF, one_pdv
from ..ul.pdu import PDU
from .command import CommandReader, MistypedRequest
from .messages import Buffer, Message
from .sinks import UNCOUNTED, Drain, LongStorage, MemorySink, PlainStorage, Sink, Storage

__all__ = [
    "MAX_SENT",
    "Assembler",
    "fragment",
    "max_command_length",
    "max_fragment_length",
]

PDV_OVERHEAD = 6  # item length, context id and message control header

# The longest P-DATA-TF to send. Longer ones would not be faster, even if the peer accepts them.
MAX_SENT = 1 << 17

_BATCH = 64  # fragments to cut at a time

_new = tuple.__new__


def fragment(
    context_id: int, command: Buffer, data: Buffer | Sequence[Buffer] | None, max_length: int
) -> Iterable[PDataTF]:
    """Return one P-DATA-TF for each fragment, none with a PDU-length above ``max_length`` (0: the peer sets no limit).

    ``data`` is the Data Set, in one buffer or in several. Raises, before the first PDU, `EncodeError` if ``data`` is
    neither a buffer nor a list of buffers, and `RemoteProtocolError` if ``max_length`` leaves no room for a fragment of
    two bytes.
    """
    if data is None and len(command) <= max_command_length(max_length):
        return (one_pdv(context_id, command, True, True),)
    size = max_fragment_length(max_length)
    if size < 2:
        raise RemoteProtocolError(f"Maximum-length-received {max_length} leaves no room for a fragment")
    commands: Iterable[PDataTF]
    if len(command) <= size:
        commands = (one_pdv(context_id, command, True, True),)
    else:
        commands = chain.from_iterable(_cut(context_id, True, [memoryview(command)], size))
    if data is None:
        return commands
    return chain(commands, chain.from_iterable(_cut(context_id, False, _views(data), size)))


def max_command_length(max_length: int) -> int:
    """Return the length of the longest Command Set that one P-DATA-TF can hold if no Data Set follows.

    ``max_length`` is as in `fragment`.
    """
    return (max_length or MAX_SENT) - PDV_OVERHEAD


def max_fragment_length(max_length: int) -> int:
    """Return the greatest length of a fragment if a message needs several: an even number (PS3.8 Annex E.1).

    ``max_length`` is as in `fragment`. The result is less than 2 if ``max_length`` leaves no room for a fragment.
    """
    return (min(max_length or MAX_SENT, MAX_SENT) - PDV_OVERHEAD) & ~1


def _views(data: Buffer | Sequence[Buffer]) -> list[memoryview]:
    try:
        parts = [data] if isinstance(data, bytes | bytearray | memoryview) else data
        return [memoryview(part).cast("B") for part in parts]
    except TypeError as exc:
        raise EncodeError(f"{data!r:.80} is not bytes or a list of bytes", path="Data") from exc


def _cut(context_id: int, is_command: bool, buffers: list[memoryview], size: int) -> Iterator[list[PDataTF]]:
    """Yield fragments of ``size`` bytes in batches; the final fragment may be shorter.

    A fragment that spans several buffers is joined. The batches save a step of a generator for each fragment, a tenth
    of the time to cut an image.
    """
    left = sum(map(len, buffers))
    if not left:
        yield [one_pdv(context_id, b"", is_command, True)]
    batch: list[PDataTF] = []
    begun: list[memoryview] = []  # the parts of an unfinished fragment
    for view in buffers:
        position = 0
        if begun:
            position = size - sum(map(len, begun))
            begun.append(view[:position])
            if len(view) < position:
                continue
            left -= size
            batch.append(one_pdv(context_id, b"".join(begun), is_command, not left))
            begun = []
            if len(batch) == _BATCH:
                yield batch
                batch = []
        end = len(view) - size
        while position <= end:
            left -= size
            pdv = _new(PDV, (context_id, view[position : position + size], is_command, not left))
            batch.append(_new(PDataTF, ((pdv,),)))  # `one_pdv`, whose call takes 5 % of the time to cut an image
            position += size
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if position < len(view):
            begun.append(view[position:])
    if begun:
        rest = begun[0] if len(begun) == 1 else b"".join(begun)
        batch.append(one_pdv(context_id, rest, is_command, True))
    yield batch


def _no_length(_context_id: int, _first: memoryview) -> None:
    """Return no length."""


def _no_bytes(_message: Message) -> int:
    return 0


def _ignore(_count: int) -> None:
    """Ignore growth."""


class Assembler:
    """An assembler of the PDVs of one association into messages.

    ``expected_length(context_id, first_fragment)`` returns the least length of the Data Set, judged by its first
    fragment, or None. ``limits`` bound one message. A Data Set that grows beyond ``limits.data_set`` bytes, or
    beyond the room in storage, is read and dropped if it has at most ``max_skipped(message)`` bytes: its message has no
    Data. ``on_growth`` is called with the number of further bytes of memory whenever a Data Set grows beyond its first
    ``UNCOUNTED`` bytes; the number is negative when a Data Set moves from memory to ``long_storage``. ``storage`` is
    the memory for Data Sets, by default byte arrays; ``long_storage`` is not in memory, and takes Data Sets that are
    longer than its ``above``. ``reader`` may be shared with other assemblers.
    """

    def __init__(
        self,
        expected_length: Callable[[int, memoryview], int | None],
        limits: Limits = LIMITS,
        *,
        max_skipped: Callable[[Message], int] = _no_bytes,
        on_growth: Callable[[int], None] = _ignore,
        storage: Storage | None = None,
        long_storage: LongStorage | None = None,
        reader: CommandReader | None = None,
    ) -> None:
        self._expected_length = expected_length
        self._limits = limits
        self._max_skipped = max_skipped
        self._on_growth = on_growth
        self._storage: Storage = storage or PlainStorage()
        self._long_storage = long_storage
        self._fragments = 0  # the number of received fragments of the message under way
        self._context_id: int | None = None  # the context of the message under way
        self._reader = reader or CommandReader()
        self._command = bytearray()
        self._message: Message | None = None  # the message whose Data Set is under way
        self._mistyped: MistypedRequest | None = None  # the fault of that message
        self._sink: Sink | None = None

    def add(self, pdv: PDV) -> tuple[int, Message] | None:
        """Add a PDV. Return the context id and the message if ``pdv`` completes one.

        Raises `MistypedRequest` for a faulty request that can be answered, once its Data Set is complete; the
        association may go on. Raises `DecodeError` for a Command Set that cannot be read, `RemoteProtocolError` for a
        PDV that cannot follow the previous one, and `LimitExceeded`.
        """
        context_id, data, is_command, is_last = pdv
        if self._context_id is None:
            self._fragments = 1
            if is_command and is_last and len(data) <= self._limits.command_set:  # nearly always
                return self._begin(context_id, data)
            self._context_id = context_id
        elif context_id != self._context_id:
            raise RemoteProtocolError(
                f"PDV of context {context_id} in a message of context {self._context_id} (PS3.8 Annex E.1)"
            )
        else:
            self._fragments += 1
        if self._fragments > self._limits.fragments:
            raise LimitExceeded("fragments", str(self._fragments), self._limits.fragments, path="message")
        if is_command:
            return self._add_command(context_id, memoryview(data), is_last)
        return self._add_data(memoryview(data), is_last)

    def add_run(self, pdus: Sequence[PDU]) -> int:
        """Take PDUs from the start of ``pdus`` while each holds one middle fragment of the Data Set under way.

        Return their number. This is a fast path for images: thousands of such PDUs go into memory already reserved.
        """
        if self._sink is None:
            return 0
        taken = self._sink.add_run(pdus[: self._limits.fragments - self._fragments], self._context_id)
        self._fragments += taken
        return taken

    def add_pdvs(self, pdvs: Sequence[PDV], start: int) -> int:
        """Do the same as `add_run` for the PDVs of one PDU, from ``start`` on; a peer may send thousands of them.

        Raises `LimitExceeded`.
        """
        if self._sink is None:
            return 0
        pieces: list[Buffer] = []
        for index in range(start, min(len(pdvs), start + self._limits.fragments - self._fragments)):
            context_id, data, is_command, is_last = pdvs[index]
            if is_command or is_last or context_id != self._context_id:
                break
            pieces.append(data)
        if pieces:
            self._gather(self._sink, b"".join(pieces))
        self._fragments += len(pieces)
        return len(pieces)

    def _add_command(self, context_id: int, data: memoryview, is_last: bool) -> tuple[int, Message] | None:
        if self._message is not None:
            raise RemoteProtocolError("a Command Set where a Data Set should be (PS3.7 §6.3)")
        length = len(self._command) + len(data)
        if length > self._limits.command_set:
            raise LimitExceeded("command_set", str(length), self._limits.command_set, path="Command Set")
        self._command += data
        if not is_last:
            return None
        command, self._command, self._context_id = self._command, bytearray(), None
        return self._begin(context_id, command)

    def _begin(self, context_id: int, command: Buffer) -> tuple[int, Message] | None:
        """Return the message of a whole Command Set, or wait for its Data Set."""
        try:
            message, has_data = self._reader.decode(command)
        except MistypedRequest as exc:
            if not exc.has_data:
                raise
            message, has_data, self._mistyped = exc.request, True, exc
        if not has_data:
            return context_id, message
        self._context_id, self._message = context_id, message
        return None

    def _add_data(self, data: memoryview, is_last: bool) -> tuple[int, Message] | None:
        if self._message is None:
            raise RemoteProtocolError("a Data Set that no Command Set announced (PS3.7 §6.3)")
        whole: Buffer | None
        if self._sink is None and is_last and len(data) <= self._limits.data_set:  # nearly always, except for images
            whole = bytes(data)
            if len(whole) > UNCOUNTED:
                self._on_growth(len(whole) - UNCOUNTED)
        else:
            if self._sink is None:
                self._sink = self._sink_for(data)
            sink = self._gather(self._sink, data)
            if not is_last:
                return None
            whole = sink.data()
        context_id, message, mistyped = self._context_id, self._message, self._mistyped
        assert context_id is not None
        self._context_id = self._message = self._mistyped = self._sink = None
        if mistyped is not None:
            try:
                raise mistyped
            finally:
                del mistyped  # otherwise the error and this frame, which has the Data Set, would be in a cycle
        message.Data = whole  # type: ignore[misc]  # nobody else has the message yet
        return context_id, message

    def _sink_for(self, first: memoryview) -> Sink:
        """Return a sink for a Data Set with this first fragment."""
        assert self._context_id is not None
        expected, limit = self._expected_length(self._context_id, first), self._limits.data_set
        long_storage = self._long_storage
        if long_storage is not None:
            if expected is not None and long_storage.above < expected <= limit and (sink := long_storage.begin(limit)):
                self._on_growth(long_storage.memory)
                return sink
            limit = min(limit, long_storage.above + MemorySink.SLACK)
        return MemorySink(self._storage, expected, len(first), limit, self._on_growth)

    def _gather(self, sink: Sink, data: Buffer) -> Sink:
        """Add ``data`` to the Data Set. Return its sink, which is replaced if the Data Set becomes too long for it."""
        try:
            sink.add(data)
        except LimitExceeded:
            self._sink = sink = self._replaced(sink, len(data))
            if isinstance(sink, Drain) and sink.left < len(data):
                raise
            sink.add(data)
        return sink

    def _replaced(self, sink: Sink, more: int) -> Sink:
        """Return the sink for the rest of a Data Set whose next ``more`` bytes do not fit into ``sink``.

        It is ``sink`` itself, with a higher limit, if the Data Set must stay in memory.
        """
        limit, long_storage = self._limits.data_set, self._long_storage
        if long_storage is not None and isinstance(sink, MemorySink) and sink.length + more <= limit:
            longer = long_storage.begin(limit)
            if longer is None:
                sink.widen(limit)
                return sink
            longer.add(sink.data())
            self._on_growth(long_storage.memory - (sink.reported - UNCOUNTED))
            return longer
        assert self._message is not None
        sink.drop()
        return Drain(sink.length, self._max_skipped(self._message), limit)

    def drop(self) -> None:
        """Forget the message under way, because the association has ended."""
        if self._sink is not None:
            self._sink.drop()
        self._sink = self._message = None
        self._command = bytearray()
        self._expected_length, self._max_skipped, self._on_growth = _no_length, _no_bytes, _ignore

    @property
    def is_midway(self) -> bool:
        """Whether a message has begun and is incomplete."""
        return self._context_id is not None

    def ahead(self) -> int:
        """Return how many bytes of the Data Set under way may arrive before ``on_growth`` is called again.

        Return 0 for a Data Set that is not gathered in memory, and if none has begun.
        """
        return self._sink.reported - self._sink.length if isinstance(self._sink, MemorySink) else 0
