"""A-ASSOCIATE PDUs for the checkers, and the answer of a peer to bytes."""

import asyncio

from dimse.net import VERIFICATION, serve
from dimse.uids import ImplicitVRLittleEndian, Verification
from dimse.ul import (
    PDU,
    AssociateAC,
    AssociateRQ,
    ImplementationClassUID,
    MaximumLength,
    PDUStream,
    PresentationContextAC,
    PresentationContextRQ,
    decode_pdu,
    encode_pdu,
)

__all__ = ["AGREE", "ASK", "answer_of_peer"]

_USER = (MaximumLength(16384), ImplementationClassUID("1.2.3.4"))
ASK = AssociateRQ(
    called_ae_title="PRINTSCP",
    calling_ae_title="STUDENT",
    presentation_contexts=(PresentationContextRQ(1, Verification, (ImplicitVRLittleEndian,)),),
    user_information=_USER,
)
AGREE = AssociateAC(
    called_ae_title="PRINTSCP",
    calling_ae_title="STUDENT",
    presentation_contexts=(PresentationContextAC(1, 0, ImplicitVRLittleEndian),),
    user_information=_USER,
)


def answer_of_peer(data: bytes) -> PDU | None:
    """Return the answer of a peer to ``data`` on an association; None if there is none."""
    return asyncio.run(_exchange(data))


async def _exchange(data: bytes) -> PDU | None:
    async with serve([VERIFICATION], port=0) as peer, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(peer.host, peer.port)
        stream, answers = PDUStream(), list[PDU]()
        for number, sent in enumerate((b"".join(encode_pdu(ASK)), data), 1):
            writer.write(sent)
            if number == 2:
                writer.write_eof()  # so the peer does not wait for the rest of a PDU that is cut off
            while len(answers) < number and (received := await reader.read(4096)):
                answers += [decode_pdu(bytes(pdu)) for pdu in stream.feed(received)]
        writer.close()
        return answers[1] if len(answers) > 1 else None
