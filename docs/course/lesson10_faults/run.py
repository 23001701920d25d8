"""Lesson 10: break it on purpose. Wrong bytes, each on a new connection, and the answers of a good peer."""

import asyncio

from dimse import ul
from dimse.net import VERIFICATION, Trace, serve
from dimse.ul.forge import forge_pdu, forge_pdv

ASK = ul.AssociateRQ(
    called_ae_title="PRINTSCP",
    calling_ae_title="STUDENT",
    presentation_contexts=(ul.PresentationContextRQ(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),),
    user_information=(ul.MaximumLength(16384), ul.ImplementationClassUID("1.2.3.4")),
)


def wire(pdu: ul.PDU) -> bytes:
    return b"".join(ul.encode_pdu(pdu))


BEFORE = {  # sent as the first PDU
    "protocol version 2": wire(ASK).replace(b"\0\1\0\0PRINTSCP", b"\0\2\0\0PRINTSCP"),
    "A-ASSOCIATE-RQ of 4 GiB": forge_pdu(0x01, b"", length=0xFFFFFFFF),
}
AFTER = {  # sent on an association
    "a second A-ASSOCIATE-RQ": wire(ASK),
    "a Data Set without a Command Set": forge_pdu(0x04, forge_pdv(1, 0x02, b"xx")),
    "A-RELEASE-RQ of two bytes": forge_pdu(0x05, b"\0\0"),
}


async def answer(port: int, *messages: bytes) -> ul.PDU:
    """Send each message and wait for an answer to it; return the last answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stream, answers = ul.PDUStream(), list[ul.PDU]()
    async with asyncio.timeout(10):
        for number, message in enumerate(messages, 1):
            writer.write(message)
            while len(answers) < number and (data := await reader.read(4096)):
                answers += [ul.decode_pdu(bytes(pdu)) for pdu in stream.feed(data)]
    writer.close()
    await writer.wait_closed()
    return answers[-1]


async def main(trace: Trace | None = None) -> None:
    async with serve([VERIFICATION], port=0, trace=trace) as peer:
        for what, data in BEFORE.items():
            print(f"{what:33}{await answer(peer.port, data)}")
        for what, data in AFTER.items():
            print(f"{what:33}{await answer(peer.port, wire(ASK), data)}")


if __name__ == "__main__":
    asyncio.run(main())
