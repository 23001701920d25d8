"""Clients that leave during a print: the film is printed completely, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest

from dimse.errors import DimseError
from dimse.message import NActionRQ, decode_command
from dimse.net import Timeouts
from dimse.ul import Abort, PDataTF, PDUStream, decode_pdu, encode_pdu
from print_mgmt import Film, PrintClient, PrintServer

QUICK = Timeouts(connect=5, dimse=5, release=0.5, linger=0.1)


class Scissors:
    """A proxy between client and printer that ends the client's connection after some PDUs, in one of several ways."""

    def __init__(self, server: PrintServer, count: int, ending: str) -> None:
        self.server = server
        self.count = count
        self.ending = ending
        self.has_forwarded_action = False  # the printer has got the whole N-ACTION-RQ
        self.last = 0  # number of PDUs
        self.over = asyncio.Event()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self.server.host, self.server.port)
        answers = asyncio.create_task(self.answer(far_reader, writer))
        try:
            await self.forward(reader, far_writer)
            with suppress(ConnectionError):
                await answers
        finally:
            writer.close()
            far_writer.close()
            self.over.set()

    async def forward(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter) -> None:
        stream, forwarded = PDUStream(), 0
        while data := await reader.read(1 << 16):
            for whole in stream.feed(data):
                forwarded += 1
                is_last = forwarded == self.count
                is_whole = not (is_last and self.ending == "cut")
                far.write(bytes(whole if is_whole else whole[:-1]))
                self.has_forwarded_action = self.has_forwarded_action or (asks_to_print(bytes(whole)) and is_whole)
                if is_last:
                    self.end(far)
                    return
        self.last = forwarded
        far.write_eof()

    def end(self, far: asyncio.StreamWriter) -> None:
        if self.ending == "abort":
            far.write(b"".join(encode_pdu(Abort())))
        elif self.ending == "reset":
            far.transport.abort()
        else:
            far.write_eof()

    async def answer(self, far_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await far_reader.read(1 << 16):
                writer.write(data)


def asks_to_print(wire: bytes) -> bool:
    pdu = decode_pdu(wire)
    if not isinstance(pdu, PDataTF) or not (pdu.pdvs[0].is_command and pdu.pdvs[0].is_last):
        return False
    return isinstance(decode_command(pdu.pdvs[0].data)[0], NActionRQ)


@asynccontextmanager
async def cutting(scissors: Scissors) -> AsyncIterator[int]:
    listener = await asyncio.start_server(scissors.connected, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
        await scissors.over.wait()
    finally:
        listener.close()


async def films_of(count: int, ending: str) -> tuple[list[Film], Scissors, bool]:
    """Return the printed films, the proxy, and whether the client was told that they are printed."""
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        await film.render(dpi=10)
        films.append(film)

    is_answered = False
    async with PrintServer(on_film, port=0) as server:
        scissors = Scissors(server, count, ending)
        async with cutting(scissors) as port:
            with suppress(DimseError):
                async with PrintClient("127.0.0.1", port, timeouts=QUICK) as client:
                    await client.print_images([np.zeros((8, 8), np.uint8)])
                    is_answered = True
    return films, scissors, is_answered


@pytest.mark.parametrize("ending", ["abort", "close", "reset", "cut"])
@pytest.mark.parametrize("count", range(1, 13))
async def test_lost_connection_prints_a_film_once_or_not_at_all(count: int, ending: str) -> None:
    films, scissors, is_answered = await films_of(count, ending)
    assert len(films) <= 1
    if not scissors.has_forwarded_action:
        assert films == []
    if is_answered:
        assert len(films) == 1


async def test_every_pdu_of_a_print_is_tested() -> None:
    films, scissors, is_answered = await films_of(1000, "abort")
    assert (len(films), scissors.has_forwarded_action, is_answered) == (1, True, True)
    assert scissors.last <= 13
