"""Lesson 1: a C-ECHO by hand, on a bare socket. Only the peer is a library; every byte of ours is written here."""

import asyncio
import socket
from struct import pack, unpack

from dimse.net import VERIFICATION, Trace, serve

VERIFICATION_CLASS, IMPLICIT_LE = b"1.2.840.10008.1.1", b"1.2.840.10008.1.2"
APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
NAMES = {1: "A-ASSOCIATE-RQ", 2: "A-ASSOCIATE-AC", 4: "P-DATA-TF", 5: "A-RELEASE-RQ", 6: "A-RELEASE-RP"}


def pdu(kind: int, body: bytes) -> bytes:
    return pack(">BxI", kind, len(body)) + body  # type, reserved, length: big endian


def item(kind: int, body: bytes) -> bytes:
    return pack(">BxH", kind, len(body)) + body


def element(number: int, value: bytes) -> bytes:
    return pack("<HHI", 0x0000, number, len(value)) + value  # a command element: little endian


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """Send a PDU; return the answer, a whole PDU."""
    connection.sendall(request)
    with connection.makefile("rb") as stream:
        header = stream.read(6)
        answer = header + stream.read(unpack(">BxI", header)[1])
    for direction, data in ((">", request), ("<", answer)):
        print(f"{direction} {NAMES[data[0]]:15} {len(data):3} bytes: {data[:16].hex(' ')}{' ...' * (len(data) > 16)}")
    return answer


def talk(host: str, port: int) -> None:
    context = b"\1\0\0\0" + item(0x30, VERIFICATION_CLASS) + item(0x40, IMPLICIT_LE)  # the presentation context 1
    user = item(0x51, pack(">I", 16384)) + item(0x52, b"1.2.3.4")  # Maximum Length, Implementation Class UID
    items = item(0x10, APPLICATION_CONTEXT) + item(0x20, context) + item(0x50, user)
    titles = b"PRINTSCP".ljust(16) + b"STUDENT".ljust(16)
    command = element(0x0002, VERIFICATION_CLASS + b"\0")  # Affected SOP Class UID, padded to an even length
    command += element(0x0100, pack("<H", 0x0030))  # Command Field: C-ECHO-RQ
    command += element(0x0110, pack("<H", 1)) + element(0x0800, pack("<H", 0x0101))  # Message ID 1, no Data Set
    command = element(0x0000, pack("<I", len(command))) + command  # Command Group Length
    with socket.create_connection((host, port)) as connection:
        exchange(connection, pdu(1, pack(">HH", 1, 0) + titles + bytes(32) + items))
        answer = exchange(connection, pdu(4, pack(">IBB", len(command) + 2, 1, 0x03) + command))
        print("the Status in the C-ECHO-RSP is", answer[-2:].hex(" "))
        exchange(connection, pdu(5, bytes(4)))


async def main(trace: Trace | None = None) -> None:
    async with serve([VERIFICATION], port=0, trace=trace) as peer:
        await asyncio.to_thread(talk, peer.host, peer.port)


if __name__ == "__main__":
    asyncio.run(main())
