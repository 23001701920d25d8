"""Printers for our client: ours, and those with a will of their own."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request, Response
from dimse.net import Association, Handlers, Operation, Service, serve
from dimse.uids import (
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from dimse.uids import Printer as PrinterClass
from print_mgmt import Film, PrintClient, PrintServer
from print_mgmt.service import Answer, PrintService

__all__ = ["Odd", "gray", "pixels", "printer"]


def gray(seed: int, rows: int = 20, columns: int = 30) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)


@asynccontextmanager
async def printer(**options: Any) -> AsyncIterator[tuple[PrintServer, list[Film]]]:
    """A printer and the films that it has printed."""
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        films.append(film)

    async with PrintServer(on_film, port=0, **options) as server:
        yield server, films


def pixels(film: Film) -> list[NDArray[Any] | None]:
    return [cell.image.pixels if cell.image else None for cell in film.sheet.cells]


class Odd:
    """A printer with a will of its own: what ``change`` answers goes before what our service would."""

    def __init__(self, change: Callable[[Request], Answer | None]) -> None:
        self.change = change
        self.asked: list[str] = []
        self.printed = 0

    @asynccontextmanager
    async def open(self, association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG002
        service = PrintService()

        async def perform(operation: Operation) -> Response:
            message = operation.message
            self.asked.append(type(message).__name__)
            answer = self.change(message)
            if answer is None:
                meta = BasicGrayscalePrintManagementMeta
                answer = service.handle(meta, message, operation.dataset())
            self.printed += len(answer.films)
            elements = (
                {}
                if answer.AffectedSOPInstanceUID is None
                else {"AffectedSOPInstanceUID": answer.AffectedSOPInstanceUID}
            )
            return operation.reply(answer.Status, dataset=answer.dataset, comment=answer.comment, **elements)

        yield {
            (meta, message): perform
            for meta in (BasicGrayscalePrintManagementMeta, PrinterClass)
            for message in (NCreateRQ, NSetRQ, NGetRQ, NActionRQ, NDeleteRQ)
        }

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[PrintClient]:
        contexts = {BasicGrayscalePrintManagementMeta: (ExplicitVRLittleEndian, ImplicitVRLittleEndian)}
        async with serve([Service(contexts, self.open)], port=0) as server:
            async with PrintClient(server.host, server.port, **options) as client:
                yield client
