"""The relay and new keys of TLS 1.3, which a peer may demand at any time (KeyUpdate, RFC 8446 §4.6.3)."""

import asyncio
import random
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from certificates import Authority, Identity
from peers import program
from raw import HOST

from dimse.net import client_context, relay, server_context

PATIENCE = 30
ROUNDS, PIECE = 4, 1 << 17  # new keys, and bytes that the other side sends while they come
NEW_KEYS = {"K": True, "k": False}  # the commands of openssl, and whether they ask the peer for new keys, too
OURS, THEIRS = ">>> TLS 1.3, Handshake [length 0005], KeyUpdate", "<<< TLS 1.3, Handshake [length 0005], KeyUpdate"

CHANGED, WAITING = b"SSL_do_handshake -> 1\n", b"Read BLOCK\n"  # reports of s_server, which may lie within a line


class Watched:
    """A watch of one connection, which keeps the bytes."""

    def __init__(self) -> None:
        self.bytes = {True: b"", False: b""}

    def __call__(self, _client: tuple[str, int], _target: tuple[str, int]) -> "Watched":
        return self

    def received(self, by_client: bool, data: bytes) -> None:
        self.bytes[by_client] += data

    def closed(self, why: str) -> None:
        """Do nothing."""


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Authority(tmp_path).issue("server")


@asynccontextmanager
async def openssl(*arguments: str | Path, merged: bool) -> AsyncIterator[Process]:
    """Run openssl until the end of the block; ``merged``: its errors are in its output."""
    command = (program("openssl", "openssl"), *arguments)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, stderr=STDOUT if merged else PIPE, limit=1 << 20
    )
    try:
        async with asyncio.timeout(PATIENCE):
            yield process
    finally:
        process.kill()
        await process.communicate()


async def tell(process: Process, line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n".encode())
    await process.stdin.drain()


async def see(stream: asyncio.StreamReader | None, start: str) -> str:
    """Read lines up to one with this start, and return it."""
    assert stream is not None
    while not (line := (await stream.readline()).decode(errors="replace")).startswith(start):
        assert line, f"no line starts with {start!r}"
    return line


async def show(server: Process, line: bytes) -> None:
    """Read until s_server has changed its keys, and has printed a line."""
    assert server.stdout is not None
    printed = b""
    while CHANGED not in printed or line not in printed.replace(CHANGED, b"").replace(WAITING, b""):
        data = await server.stdout.read(1 << 20)
        assert data
        printed += data


def pieces() -> list[bytes]:
    return [random.Random(number).randbytes(PIECE) for number in range(ROUNDS)]


@pytest.mark.parametrize("command", NEW_KEYS)
async def test_client_changes_keys_while_the_target_sends(command: str, identity: Identity, tmp_path: Path) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces():
            line = await reader.readline()
            writer.write(piece)
            heard.put_nowait(line)
        await reader.read()
        writer.close()

    log, watched = tmp_path / "messages", Watched()
    context = server_context(identity.certificate, identity.key)
    options = ("-quiet", "-no_ign_eof", "-tls1_3", "-msg", "-msgfile", log)
    async with await asyncio.start_server(behave, HOST, 0) as target:
        port = target.sockets[0].getsockname()[1]
        async with relay(HOST, 0, HOST, port, watch=watched, tls=context) as running:
            async with openssl("s_client", "-connect", f"{HOST}:{running.port}", *options, merged=False) as client:
                assert client.stdout is not None
                reading = asyncio.create_task(client.stdout.readexactly(ROUNDS * PIECE))
                for number in range(ROUNDS):
                    await tell(client, command)
                    await see(client.stderr, "KEYUPDATE")
                    await tell(client, f"line {number}")
                    assert await heard.get() == b"line %d\n" % number
                assert await reading == b"".join(pieces())
    assert watched.bytes[False] == b"".join(pieces())
    messages = log.read_text()
    assert messages.count(OURS) >= ROUNDS
    assert (THEIRS in messages) is NEW_KEYS[command]


@pytest.mark.parametrize("command", NEW_KEYS)
async def test_target_changes_keys_while_the_client_sends(command: str, identity: Identity, tmp_path: Path) -> None:
    log, watched = tmp_path / "messages", Watched()
    lines = [b"%d %s\n" % (number, piece.hex().encode()) for number, piece in enumerate(pieces())]
    options = ("-cert", identity.certificate, "-key", identity.key, "-tls1_3", "-msg", "-msgfile", log)
    async with openssl("s_server", "-accept", f"{HOST}:0", *options, merged=True) as target:
        port = int((await see(target.stdout, "ACCEPT ")).rpartition(":")[2])
        trust = client_context(tmp_path / "ca.pem")
        async with relay(HOST, 0, HOST, port, watch=watched, to_tls=trust) as running:
            reader, writer = await asyncio.open_connection(HOST, running.port)
            writer.write(b"hello\n")
            await see(target.stdout, "hello")  # s_server takes no commands before the end of the handshake
            for number, line in enumerate(lines):
                writer.write(line)
                await tell(target, command)
                await show(target, line)
                await tell(target, f"answer {number}")
                assert await reader.readline() == b"answer %d\n" % number
            writer.close()
            await writer.wait_closed()
    assert watched.bytes[True] == b"hello\n" + b"".join(lines)
    messages = log.read_text()
    assert messages.count(OURS) >= ROUNDS
    assert (THEIRS in messages) is NEW_KEYS[command]
