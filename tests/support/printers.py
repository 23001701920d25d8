"""Printers for our client: our own, and printers with quirks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request, Response
from dimse.net import Association, Handlers, Operation, Server, Service, serve
from dimse.uids import (
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from print_mgmt import Film, PrintClient, PrintServer
from print_mgmt.model import FilmCopy
from print_mgmt.service import Answer, PrintService
from print_mgmt.sop import MEMBERS

__all__ = ["Odd", "gray", "pixels", "printer"]


def gray(seed: int, rows: int = 20, columns: int = 30) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)


@asynccontextmanager
async def printer(**options: Any) -> AsyncIterator[tuple[PrintServer, list[Film]]]:
    """Run a printer; yield it and the films that it prints."""
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        films.append(film)

    async with PrintServer(on_film, port=0, **options) as server:
        yield server, films


def pixels(film: Film) -> list[NDArray[Any] | None]:
    return [cell.image.pixels if cell.image else None for cell in film.sheet.cells]


Hook = Callable[[Association, Operation], Awaitable[None]]


class Odd:
    """A printer with quirks: an answer of ``change`` replaces the answer of our service.

    ``before`` gets each operation before it is performed; ``raw`` gives the bytes of a response's Data Set. ``asked``
    has the requests by name, ``films`` the printed films, ``data`` the Data Sets of N-ACTION.
    """

    def __init__(
        self,
        change: Callable[[Request], Answer | None] = lambda _: None,
        *,
        before: Hook | None = None,
        raw: Callable[[Request], bytes | None] = lambda _: None,
        contexts: Iterable[str] = (BasicGrayscalePrintManagementMeta,),
    ) -> None:
        self.change = change
        self.before = before
        self.raw = raw
        self.contexts = dict.fromkeys(contexts, (ExplicitVRLittleEndian, ImplicitVRLittleEndian))
        self.asked: list[str] = []
        self.films: list[FilmCopy] = []
        self.data: list[Dataset | None] = []

    @property
    def printed(self) -> int:
        return len(self.films)

    @asynccontextmanager
    async def open(self, association: Association) -> AsyncIterator[Handlers]:
        service = PrintService(abstract_syntaxes={_as_meta(context) for context in self.contexts})

        async def perform(operation: Operation) -> Response:
            message = operation.message
            self.asked.append(type(message).__name__)
            if isinstance(message, NActionRQ):
                self.data.append(operation.dataset())
            if self.before is not None:
                await self.before(association, operation)
            answer = self.change(message)
            if answer is None:
                answer = service.handle(_as_meta(operation.context.abstract_syntax), message, operation.dataset())
            self.films += answer.films
            elements = (
                {}
                if answer.AffectedSOPInstanceUID is None
                else {"AffectedSOPInstanceUID": answer.AffectedSOPInstanceUID}
            )
            response = operation.reply(answer.Status, dataset=answer.dataset, comment=answer.comment, **elements)
            data = self.raw(message)
            return response if data is None else replace(response, Data=data)

        messages = (NCreateRQ, NSetRQ, NGetRQ, NActionRQ, NDeleteRQ)
        yield {(context, message): perform for context in self.contexts for message in messages}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Server]:
        async with serve([Service(self.contexts, self.open)], port=0) as server:
            yield server

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[PrintClient]:
        async with self.serving() as server:
            async with PrintClient(server.host, server.port, **options) as client:
                yield client


def _as_meta(abstract_syntax: str) -> str:
    """Return the Meta SOP Class for the context of one of its members, as our service expects."""
    metas = (meta for meta, members in MEMBERS.items() if abstract_syntax in members)
    return next(metas, abstract_syntax)
