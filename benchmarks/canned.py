"""The least time of a server in Python: it looks up the answer to what it read, in asyncio or on a blocking socket.

The PDUs of a client are the same in each association, so the server makes each answer once. It checks nothing, and
has no state machine, no timers and no limits. The clients for it are in `benchmarks.replay`.
"""

import asyncio
import importlib
import socket
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.processes import HOST
from dimse.message import CEchoRQ, CEchoRSP, decode_command, encode_command
from dimse.ul import (
    PDU,
    PDV,
    AssociateAC,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextAC,
    ReleaseRP,
    ReleaseRQ,
    decode_pdu,
    encode_pdu,
)

__all__ = ["serve", "serve_blocking"]

_READ = 1 << 16  # bytes


def serve(ready: Connection, max_pdu: int, loop: str = "asyncio") -> None:
    """Answer A-ASSOCIATE-RQ, C-ECHO-RQ and A-RELEASE-RQ."""
    with asyncio.Runner(loop_factory=importlib.import_module(loop).new_event_loop) as runner:
        runner.run(_serve(ready, max_pdu))


async def _serve(ready: Connection, max_pdu: int) -> None:
    answers = _Answers(max_pdu)
    listener = await asyncio.get_running_loop().create_server(lambda: _Connection(answers), HOST, 0)
    ready.send(listener.sockets[0].getsockname()[1])
    await listener.serve_forever()


def serve_blocking(ready: Connection, max_pdu: int) -> None:
    """Answer the same, for one client at a time."""
    answers = _Answers(max_pdu)
    with socket.create_server((HOST, 0)) as listener:
        ready.send(listener.getsockname()[1])
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while data := connection.recv(_READ):
                    connection.sendall(answers[data])


class _Connection(asyncio.Protocol):
    """Answers PDUs, each of which arrives in one read."""

    def __init__(self, answers: "_Answers") -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream: Any = transport  # a transport of uvloop is no `asyncio.Transport`
        self._transport = stream

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._answers[data])


class _Answers(dict[bytes, bytes]):
    """The answer to each PDU of a client, made when it is missing."""

    def __init__(self, max_pdu: int) -> None:
        self._max_pdu = max_pdu

    def __missing__(self, data: bytes) -> bytes:
        answer = self[data] = b"".join(encode_pdu(self._answer(decode_pdu(data))))
        return answer

    def _answer(self, pdu: PDU) -> PDU:
        if isinstance(pdu, AssociateRQ):
            contexts = (
                PresentationContextAC(context.id, 0, context.transfer_syntaxes[0])
                for context in pdu.presentation_contexts
            )
            return AssociateAC(
                called_ae_title=pdu.called_ae_title,
                calling_ae_title=pdu.calling_ae_title,
                presentation_contexts=tuple(contexts),
                user_information=(MaximumLength(self._max_pdu),),
            )
        if isinstance(pdu, PDataTF):
            echo, _ = decode_command(pdu.pdvs[0].data)
            assert isinstance(echo, CEchoRQ)
            response = CEchoRSP(
                MessageIDBeingRespondedTo=echo.MessageID, Status=0x0000, AffectedSOPClassUID=echo.AffectedSOPClassUID
            )
            return PDataTF((PDV(pdu.pdvs[0].context_id, encode_command(response), is_command=True, is_last=True),))
        assert isinstance(pdu, ReleaseRQ)
        return ReleaseRP()
