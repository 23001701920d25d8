"""An acceptor with exactly one fault, to prove that a case can fail.

The core of the upper layer answers for it. A small user accepts Verification and print, answers C-ECHO, and has a print
service without a printer. A `Twin` gets each PDU of the tester first, and may answer itself; it may change each PDU
that goes out, and each response.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from dimse.data import decode, encode, syntax_of
from dimse.errors import DimseError, LocalProtocolError
from dimse.message import RESPONSES, Assembler, CEchoRQ, CEchoRSP, Request, Response, encode_command, fragment
from dimse.uids import (
    IMPLEMENTATION_CLASS_UID,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Verification,
)
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRQ,
    Context,
    ImplementationClassUID,
    MaximumLength,
    PDataTF,
    PDUStream,
    ReleaseRP,
    ReleaseRQ,
    State,
    UpperLayer,
    accepted,
    answer,
    encode_pdu,
    maximum_length,
)
from print_mgmt.service import PrintService

__all__ = ["Line", "Twin", "serving"]

HOST = "127.0.0.1"
_HEADER = 6
_LONGEST = 1 << 24  # of a PDU that is awaited whole
_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
PRINT = BasicGrayscalePrintManagementMeta
_SUPPORTED = {Verification: _SYNTAXES, PRINT: _SYNTAXES}
_USER_INFORMATION = (MaximumLength(16384), ImplementationClassUID(IMPLEMENTATION_CLASS_UID))


@dataclass(slots=True, eq=False)
class Line:
    """One connection of the twin, for its hooks."""

    writer: asyncio.StreamWriter
    core: UpperLayer
    request: AssociateRQ | None = None
    heard: list[bytes] = field(default_factory=list)  # PDUs of the tester, in order

    @property
    def state(self) -> State:
        return self.core.state

    def send(self, *pdus: bytes | PDU) -> None:
        """Send octets or PDUs past the core."""
        octets = b"".join(pdu if isinstance(pdu, bytes) else b"".join(encode_pdu(pdu)) for pdu in pdus)
        if octets:
            self.writer.write(octets)

    def close(self) -> None:
        """End the connection by FIN."""
        self.writer.close()

    def reset(self) -> None:
        """End the connection, and discard the octets that are not sent yet."""
        self.writer.transport.abort()


@dataclass(frozen=True, slots=True)
class Twin:
    """The fault of a peer. ``hears`` returns whether it has handled a PDU of the tester; ``says`` changes a PDU.

    ``accepts`` changes the A-ASSOCIATE-AC, ``echoes`` the Command Set of a C-ECHO-RSP. ``reads`` gets the octets of
    each read before they are cut into PDUs. ``connected`` is called first, ``lost`` when the tester has ended a
    connection; ``keeps_open`` leaves it half open then. ``answers`` changes a response of the print service; None is no
    response.
    """

    hears: Callable[[Line, bytes], bool] = lambda _line, _pdu: False
    says: Callable[[Line, bytes], bytes] = lambda _line, pdu: pdu
    accepts: Callable[[AssociateAC, AssociateRQ], PDU] = lambda ac, _rq: ac
    echoes: Callable[[bytes], bytes] = lambda command: command
    answers: Callable[[Request, Response], Response | None] = lambda _request, response: response
    connected: Callable[[Line], None] = lambda _line: None
    lost: Callable[[Line], None] = lambda _line: None
    reads: Callable[[Line, bytes], bool] = lambda _line, _octets: False
    keeps_open: bool = False


@asynccontextmanager
async def serving(twin: Twin, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Run a twin, over TLS if there is a context; yield its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await _serve(twin, reader, writer)
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, HOST, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        while tasks:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _serve(twin: Twin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    line = Line(writer, UpperLayer.acceptor())
    user = _User(twin, line)
    line.core.transport_connected()
    twin.connected(line)
    buffer = b""
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            buffer += b"" if twin.reads(line, data) else data
            while buffer and (whole := _cut(buffer)):
                buffer = buffer[len(whole) :]
                line.heard.append(whole)
                if not twin.hears(line, whole):
                    user.take(whole)
    twin.lost(line)
    if twin.keeps_open:
        await asyncio.Event().wait()


def _cut(buffer: bytes) -> bytes:
    """Return the first PDU, b"" if it is incomplete, or the whole buffer if its length is impossible."""
    if len(buffer) < _HEADER:
        return b""
    total = _HEADER + int.from_bytes(buffer[2:_HEADER], "big")
    if total > _LONGEST:
        return buffer
    return buffer[:total] if len(buffer) >= total else b""


class _User:
    """The local user of the core: accepts Verification, answers C-ECHO."""

    def __init__(self, twin: Twin, line: Line) -> None:
        self._twin, self._line = twin, line
        self._assembler = Assembler(lambda *_: None)
        self._service = PrintService(abstract_syntaxes={PRINT})
        self._contexts: dict[int, Context] = {}
        self._max_length = 0

    def take(self, octets: bytes) -> None:
        core = self._line.core
        core.receive_data(octets)
        for event in core.events():
            with suppress(LocalProtocolError):  # the tester has ended the association in the same write
                self._on_event(event)
        for piece in _pdus(b"".join(map(bytes, core.data_to_send()))):
            self._line.send(self._twin.says(self._line, piece))
        if not core.transport_wanted:
            self._line.close()

    def _on_event(self, event: PDU) -> None:
        core = self._line.core
        match event:
            case AssociateRQ():
                self._line.request = event
                self._accept(event)
            case ReleaseRQ():
                core.send(ReleaseRP())
            case PDataTF():
                for pdv in event.pdvs:
                    self._on_pdv(pdv)

    def _accept(self, request: AssociateRQ) -> None:
        reply = self._twin.accepts(
            AssociateAC(
                called_ae_title=request.called_ae_title,
                calling_ae_title=request.calling_ae_title,
                title_octets=request.title_octets,
                reserved=request.reserved,
                presentation_contexts=answer(request.presentation_contexts, _SUPPORTED),
                user_information=_USER_INFORMATION,
            ),
            request,
        )
        if isinstance(reply, AssociateAC):
            self._contexts = accepted(request.presentation_contexts, reply.presentation_contexts)
            self._max_length = maximum_length(request.user_information)
        self._line.core.send(reply)

    def _on_pdv(self, pdv: PDV) -> None:
        try:
            whole = self._assembler.add(pdv)
        except DimseError:
            self._line.core.send(Abort(0, 0))
            return
        if whole is None or not self._line.core.transport_wanted:
            return
        context_id, message = whole
        context = self._contexts.get(context_id)
        if context is None or not isinstance(message, Request):
            self._line.core.send(Abort(0, 0))
        elif isinstance(message, CEchoRQ):
            response = CEchoRSP(
                MessageIDBeingRespondedTo=message.MessageID, Status=0, AffectedSOPClassUID=message.AffectedSOPClassUID
            )
            command = self._twin.echoes(encode_command(response))
            self._line.core.send(PDataTF((PDV(context_id, command, True, True),)))
        else:
            self._print(context, message)

    def _print(self, context: Context, message: Request) -> None:
        syntax = syntax_of(context.transfer_syntax)
        data = message.Data
        assert data is None or isinstance(data, bytes | bytearray | memoryview)
        try:
            given = self._service.handle(PRINT, message, None if data is None else decode(bytes(data), syntax))
        except DimseError:
            self._line.core.send(Abort(0, 0))
            return
        response = RESPONSES[type(message)](
            MessageIDBeingRespondedTo=message.MessageID,
            Status=given.Status,
            Data=None if given.dataset is None else encode(given.dataset, syntax),
            **({"AffectedSOPInstanceUID": given.AffectedSOPInstanceUID} if given.AffectedSOPInstanceUID else {}),
        )
        changed = self._twin.answers(message, response)
        if changed is not None:
            self._line.core.send_all(fragment(context.id, encode_command(changed), changed.Data, self._max_length))


def _pdus(octets: bytes) -> list[bytes]:
    return [bytes(whole) for whole in PDUStream(0, 0).feed(octets)]
