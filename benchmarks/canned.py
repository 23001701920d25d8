"""The least that an association with a C-ECHO takes in asyncio: a server that looks up the answer to what it read.

The PDUs of the client are the same in each association, so the server makes each answer once. It checks nothing, and
has no state machine, no timers and no limits.
"""

import asyncio
import socket
from multiprocessing.connection import Connection

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

__all__ = ["serve"]


def serve(ready: Connection, max_pdu: int) -> None:
    """Answer A-ASSOCIATE-RQ, C-ECHO-RQ and A-RELEASE-RQ."""
    asyncio.run(_serve(ready, max_pdu))


async def _serve(ready: Connection, max_pdu: int) -> None:
    answers: dict[bytes, bytes] = {}
    listener = await asyncio.get_running_loop().create_server(lambda: _Connection(answers, max_pdu), HOST, 0)
    ready.send(listener.sockets[0].getsockname()[1])
    await listener.serve_forever()


class _Connection(asyncio.Protocol):
    """Answers PDUs, each of which arrives in one read."""

    def __init__(self, answers: dict[bytes, bytes], max_pdu: int) -> None:
        self._answers = answers
        self._max_pdu = max_pdu

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        answer = self._answers.get(data)
        if answer is None:
            answer = self._answers[data] = self._make(data)
        self._transport.write(answer)

    def _make(self, data: bytes) -> bytes:
        pdu = decode_pdu(data)
        answer: PDU
        if isinstance(pdu, AssociateRQ):
            contexts = (
                PresentationContextAC(context.id, 0, context.transfer_syntaxes[0])
                for context in pdu.presentation_contexts
            )
            maximum = MaximumLength(self._max_pdu)
            answer = AssociateAC(
                called_ae_title=pdu.called_ae_title,
                calling_ae_title=pdu.calling_ae_title,
                presentation_contexts=tuple(contexts),
                user_information=(maximum,),
            )
        elif isinstance(pdu, PDataTF):
            echo, _ = decode_command(pdu.pdvs[0].data)
            assert isinstance(echo, CEchoRQ)
            response = CEchoRSP(
                MessageIDBeingRespondedTo=echo.MessageID, Status=0x0000, AffectedSOPClassUID=echo.AffectedSOPClassUID
            )
            answer = PDataTF((PDV(pdu.pdvs[0].context_id, encode_command(response), is_command=True, is_last=True),))
        else:
            assert isinstance(pdu, ReleaseRQ)
            answer = ReleaseRP()
        return b"".join(encode_pdu(answer))
