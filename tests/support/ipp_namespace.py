"""Run ippeveprinter of CUPS in a network of its own; a script for `unshare`, see `paper_printers`.

ippeveprinter does not run without Avahi, which needs D-Bus: both are started beside it, invisible to other programs.
Connections to a Unix socket in FOLDER go to the printer.
"""

import asyncio
import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

PORT = 18631
_BUS = """<busconfig>
<type>system</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context="default">
<allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
<allow send_requested_reply="true"/><allow receive_type="method_call"/><allow receive_type="signal"/>
<allow receive_type="method_return"/><allow receive_type="error"/>
</policy></busconfig>
"""
_AVAHI = "[server]\nuse-ipv4=yes\nuse-ipv6=no\nallow-interfaces=lo\nenable-dbus=yes\n"
_SIOCSIFFLAGS, _UP_AND_LOOPBACK = 0x8914, 1 | 8
_PATIENCE = 60.0


Connect = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
Start = Callable[[Connect], Awaitable[asyncio.Server]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connected(address: str | int) -> Streams:
    """Connect to a Unix socket, or to a port of this machine."""
    if isinstance(address, str):
        return await asyncio.open_unix_connection(address)
    return await asyncio.open_connection("127.0.0.1", address)


async def until_listening(address: str | int) -> None:
    """Wait until an address can be connected to."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            with suppress(OSError):
                await closed((await connected(address))[1])
                return
            await asyncio.sleep(0.05)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def until_said(log: Path, words: bytes) -> None:
    """Wait until a log has these words."""
    async with asyncio.timeout(_PATIENCE):
        while words not in await asyncio.to_thread(log.read_bytes):
            pass


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str | int) -> None:
    """Relay a connection to an address until both sides have ended."""
    there, here = await connected(address)
    try:
        await asyncio.gather(pump(reader, here), pump(there, writer))
    finally:
        here.close()
        writer.close()


@asynccontextmanager
async def relaying(start: Start, address: str | int) -> AsyncIterator[asyncio.Server]:
    """Serve connections that ``start`` listens for, and relay each to an address."""
    tasks: set[asyncio.Task[None]] = set()

    def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(relay(reader, writer, address)))

    async with await start(connect) as server:
        try:
            yield server
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def main(folder: Path) -> None:
    with socket.socket() as probe:  # turn the loopback interface on
        fcntl.ioctl(probe, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", _UP_AND_LOOPBACK, b""))
    (folder / "bus.conf").write_text(_BUS.format(folder=folder))
    (folder / "avahi.conf").write_text(_AVAHI)
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={folder}/bus"
    with (folder / "log").open("wb") as log:

        def start(*words: str | Path) -> None:
            subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

        start("dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile")
        await until_listening(f"{folder}/bus")
        start("avahi-daemon", "-f", folder / "avahi.conf", "--no-drop-root", "--no-chroot", "--no-rlimits")
        await until_said(folder / "log", b"Server startup complete")
        options = ("-f", "application/pdf", "-c", str(folder / "command"), "-d", str(folder))
        start("ippeveprinter", "-v", "-p", str(PORT), "-n", "localhost", *options, "Paper")
        await until_listening(PORT)
    async with relaying(partial(asyncio.start_unix_server, path=f"{folder}/printer"), PORT) as server:
        await server.serve_forever()


if __name__ == "__main__":
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    Path("/run/avahi-daemon").mkdir()
    asyncio.run(main(Path(sys.argv[1])))
