"""Peers that write arbitrary PDUs over real sockets, and a service for tests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

from pair import EXAMPLE

from dimse.message import CEchoRQ, Message, Response, decode_command, encode_command
from dimse.net import Association, Handler, Handlers, Server, Service
from dimse.net.scu import n_action
from dimse.uids import BasicFilmSession, BasicGrayscalePrintManagementMeta, ImplicitVRLittleEndian, Verification
from dimse.ul import (
    PDU,
    PDV,
    AssociateAC,
    AssociateRQ,
    PDataTF,
    PDUStream,
    PresentationContextRQ,
    UserItem,
    decode_pdu,
    encode_pdu,
)

HOST = "127.0.0.1"
PRINT = BasicGrayscalePrintManagementMeta
SYNTAXES = (ImplicitVRLittleEndian,)
ECHO = {Verification: SYNTAXES}

_ITERATIONS = 100  # of the event loop: they take 2 ms


def hosts_in_turn(server: Server) -> list[str]:
    """Return a list to which the server adds the host of each peer that waits for its turn from now on."""
    hosts: list[str] = []
    wait = server.resources.turns.call_in_turn

    def noted(host: str, callback: Callable[[], None]) -> None:
        hosts.append(host)
        wait(host, callback)

    server.resources.turns.call_in_turn = noted  # type: ignore[method-assign]
    return hosts


def p_data(message: Message, context_id: int = 1) -> PDataTF:
    """Return a message, with its Data if it has any, in one PDU."""
    pdvs = [PDV(context_id, encode_command(message), True, True)]
    if message.Data is not None:
        assert isinstance(message.Data, bytes)
        pdvs.append(PDV(context_id, message.Data, False, True))
    return PDataTF(tuple(pdvs))


def proposal(*user_items: UserItem) -> AssociateRQ:
    """Return a request that proposes ``PRINT`` as the context 1."""
    return AssociateRQ(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),),
        user_information=user_items,
    )


def echo(message_id: int = 1) -> PDataTF:
    """Return a C-ECHO-RQ in one PDU."""
    return p_data(CEchoRQ(MessageID=message_id, AffectedSOPClassUID=Verification))


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop run until ``condition`` holds: most conditions hold after a few iterations of the loop."""
    async with asyncio.timeout(10):
        for number in count():
            if condition():
                return
            await asyncio.sleep(0 if number < _ITERATIONS else 0.001)  # the others wait for a timer or a thread


class Raw:
    """A peer that writes arbitrary PDUs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._stream = PDUStream()
        self._received: list[PDU] = []

    def send(self, *pdus: PDU) -> None:
        self.writer.write(b"".join(b"".join(encode_pdu(pdu)) for pdu in pdus))

    def say(self, *messages: Message, context_id: int = 1) -> None:
        """Send messages."""
        self.send(*(p_data(message, context_id) for message in messages))

    async def receive(self) -> PDU | None:
        """Return the next PDU, or None after the end of the connection."""
        while not self._received:
            try:
                data = await self.reader.read(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            self._received += [decode_pdu(bytes(whole)) for whole in self._stream.feed(data)]
        return self._received.pop(0)

    async def hear(self) -> tuple[int, Message]:
        """Return the context and the Command Set of the next message, without its Data Set."""
        has_data, heard = True, None
        while has_data:
            pdu = await self.receive()
            assert isinstance(pdu, PDataTF), pdu
            for context_id, data, is_command, is_last in pdu.pdvs:
                if is_command:
                    message, has_data = decode_command(data)
                    heard = context_id, message
                elif is_last:
                    has_data = False
        assert heard is not None
        return heard

    async def associate(self, request: PDU = EXAMPLE[AssociateRQ]) -> None:
        """Establish an association with one context for Verification."""
        self.send(request)
        assert isinstance(await self.receive(), AssociateAC)

    async def accept(self, answer: AssociateAC | None = None) -> None:
        """Accept the A-ASSOCIATE-RQ, whatever it proposes."""
        await self.receive()
        self.send(answer or EXAMPLE[AssociateAC])


@asynccontextmanager
async def raw_client(server: Server) -> AsyncIterator[Raw]:
    """Connect a peer to ``server``."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def raw_server(behavior: Callable[[Raw], Awaitable[object]]) -> AsyncIterator[int]:
    """Run a peer that executes ``behavior`` for each connection, and yield its port."""

    behaving: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        behaving.add(task)
        try:
            await behavior(Raw(reader, writer))
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            behaving.discard(task)
            writer.close()

    listener = await asyncio.start_server(connected, HOST, 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        while behaving:
            for task in behaving:
                task.cancel()
            await asyncio.wait(behaving)


def service(handler: Handler, *messages: type, ended: list[str] | None = None) -> Service:
    """Return a service for ``PRINT`` with one handler."""

    @asynccontextmanager
    async def open_(association: Association) -> AsyncIterator[Handlers]:
        try:
            yield {(PRINT, message): handler for message in messages}
        finally:
            if ended is not None:
                ended.append(repr(association))

    return Service({PRINT: SYNTAXES}, open_)


async def act(association: Association) -> Response:
    """Invoke N-ACTION on the context of ``PRINT``."""
    return await n_action(association, association.context_for(PRINT), BasicFilmSession, "1.2", 1)
