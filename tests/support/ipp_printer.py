"""A paper printer by IPP, over HTTP or HTTPS, whose behavior a test chooses."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from ippx import Attribute, IppMessage, JobState, Operation, PrinterState, Tag, decode, encode

__all__ = ["IppPrinter"]

Before = Callable[[Operation], Awaitable[None]]


class IppPrinter:
    """A printer with these media. ``asked`` has the operations, ``jobs`` the messages of Print-Job.

    ``statuses`` are answered instead of success; ``states`` are the states of each job, one for each question.
    ``before`` is called before each answer; if it raises ConnectionError, there is no answer.
    """

    def __init__(self, *media: str, before: Before | None = None) -> None:
        self.media = media or ("iso_a4_210x297mm", "iso_a3_297x420mm", "na_ledger_11x17in")
        self.formats = ["application/pdf"]
        self.state = PrinterState.IDLE
        self.reasons = ["none"]
        self.accepting = True
        self.statuses: dict[Operation, int] = {}
        self.states = [JobState.PROCESSING, JobState.COMPLETED]
        self.job_reasons = ["none"]
        self.asked: list[Operation] = []
        self.jobs: list[IppMessage] = []
        self._before = before
        self._state = 0
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """Serve; yield the URI. At the end, requests that are not answered yet are canceled."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        scheme = "ipp" if tls is None else "ipps"
        try:
            yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/ipp/print"
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def attribute(self, name: str, job: int = 0) -> Any:
        """Return an attribute of a job that was printed."""
        groups = [group for _, group in self.jobs[job].groups]
        return next((each.values[0] for group in groups for each in group if each.name == name), None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) != b"":
                length = next(
                    int(row[15:]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")
                )
                message = decode(await reader.readexactly(length))
                answer = encode(await self._answer(message))
                kind = b"Content-Type: application/ipp\r\n"
                writer.write(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (kind, len(answer), answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _answer(self, message: IppMessage) -> IppMessage:
        operation = Operation(message.code)
        self.asked.append(operation)
        if operation is Operation.PRINT_JOB and operation not in self.statuses:
            self.jobs.append(message)
        if self._before is not None:
            await self._before(operation)
        status = self.statuses.get(operation, 0)
        charset = Attribute("attributes-charset", Tag.CHARSET, ["utf-8"])
        language = Attribute("attributes-natural-language", Tag.NATURAL_LANGUAGE, ["en"])
        groups = [(Tag.OPERATION_ATTRS, [charset, language])]
        if not status and operation is Operation.GET_PRINTER_ATTRIBUTES:
            groups.append((Tag.PRINTER_ATTRS, self._printer()))
        elif not status and operation in (Operation.PRINT_JOB, Operation.GET_JOB_ATTRIBUTES):
            wanted = _requested(message)
            made = self._job(operation)
            groups.append((Tag.JOB_ATTRS, [each for each in made if not wanted or each.name in wanted]))
        elif not status and operation is Operation.GET_JOBS:
            names = [str(self.attribute("job-name", index)) for index in range(len(self.jobs))]
            groups += [(Tag.JOB_ATTRS, self._named(number, name)) for number, name in enumerate(names, 1)]
        return IppMessage((2, 0), status, message.request_id, groups)

    def _printer(self) -> list[Attribute]:
        return [
            Attribute("printer-state", Tag.ENUM, [self.state]),
            Attribute("printer-state-reasons", Tag.KEYWORD, list(self.reasons)),
            Attribute("printer-is-accepting-jobs", Tag.BOOLEAN, [self.accepting]),
            Attribute("document-format-supported", Tag.MIME_TYPE, list(self.formats)),
            Attribute("media-supported", Tag.KEYWORD, list(self.media)),
        ]

    def _job(self, operation: Operation) -> list[Attribute]:
        state = self.states[min(self._state, len(self.states) - 1)]
        self._state += operation is Operation.GET_JOB_ATTRIBUTES
        return [
            Attribute("job-id", Tag.INTEGER, [len(self.jobs)]),
            Attribute("job-state", Tag.ENUM, [state]),
            Attribute("job-state-reasons", Tag.KEYWORD, list(self.job_reasons)),
        ]

    def _named(self, number: int, name: str) -> list[Attribute]:
        return [Attribute("job-id", Tag.INTEGER, [number]), Attribute("job-name", Tag.NAME, [name])]


def _requested(message: IppMessage) -> list[str]:
    """Return the attributes that a request asks for (RFC 8011 §4.3.4.1); an empty list means all."""
    groups = [group for _, group in message.groups]
    return next((each.values for group in groups for each in group if each.name == "requested-attributes"), [])
