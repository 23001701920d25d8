"""Lesson 9: TLS. Both sides prove who they are; without the proof, the connection fails."""

import asyncio
from pathlib import Path

from dimse import ConnectionFailed, connect
from dimse.errors import AssociationAborted
from dimse.net import VERIFICATION, TLSContext, Trace, client_context, serve, server_context
from dimse.net.scu import c_echo

KEYS = Path(__file__).parent / "keys"
AUTHORITY, PRINTER, STUDENT, IMPOSTOR = (
    KEYS / f"{name}.pem" for name in ("authority", "printer", "student", "impostor")
)


async def echo(port: int, tls: TLSContext | None) -> str:
    try:
        async with connect("127.0.0.1", port, VERIFICATION.contexts, tls=tls) as association:
            response = await c_echo(association)
            return f"C-ECHO {response.Status:04X}H"
    except (ConnectionFailed, AssociationAborted):
        return "no association"


async def first_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Print the beginning of what a client sends, and hang up."""
    print("   ", (await reader.readexactly(3)).hex(" "))
    writer.close()


async def main(trace: Trace | None = None) -> None:
    both = client_context(AUTHORITY, STUDENT)  # trusts the authority, and shows a certificate of its own
    print("the first bytes of a client, with and without TLS:")
    async with await asyncio.start_server(first_bytes, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        await echo(port, both)
        await echo(port, None)
    async with serve([VERIFICATION], port=0, tls=server_context(PRINTER, ca=AUTHORITY), trace=trace) as printer:
        print("the printer demands a certificate:")
        print("    a client with a certificate:", await echo(printer.port, both))
        print("    a client without one:", await echo(printer.port, client_context(AUTHORITY)))
        print("    a client without TLS:", await echo(printer.port, None))
    async with serve([VERIFICATION], port=0, tls=server_context(IMPOSTOR)) as impostor:
        print("an impostor has the port:")
        print("    a client that verifies:", await echo(impostor.port, both))
        print("    a client that does not:", await echo(impostor.port, client_context(verify=False)))


if __name__ == "__main__":
    asyncio.run(main())
