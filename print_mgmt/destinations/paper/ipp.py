"""A driverless printer, accessed by IPP (RFC 8010, RFC 8011) with the package ippx, which the extra ``paper`` installs.

Validate-Job is sent first, so that a printer can refuse a job before it gets the document. If the response to Print-Job
is lost, Get-Jobs tells whether the printer has a job with that name. All jobs of a film have the same name, so a job
that is older than the request, by the clock of the printer, is an earlier print. If the printer does not tell its time,
a job is older if Get-Jobs already lists it before the request.
"""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import ippx

from dimse.net.addresses import addresses_of
from dimse.net.own_thread import on_own_loop

from ..destination import Condition, DeliveryFailed, Outcome
from ..remote import TLSFiles
from .reasons import condition_of
from .ticket import Ticket, polling_pauses

__all__ = ["IppQueue", "job_warnings"]

_PDF = "application/pdf"
_FIRST_ERROR = 0x0100  # the lowest status code that does not mean success, RFC 8011 §B.1
_PLAIN = ("ipp", "http")  # schemes without TLS
# RFC 8011 §B.1: the statuses that are caused by the document or the job ticket
_JOB_ERRORS = frozenset({0x0408, 0x0409, 0x040A, 0x040B, 0x040E, 0x0411})
_REQUESTED = ["job-id", "job-state", "job-state-reasons"]
_NAMES_AND_TIMES = ["job-id", "job-name", "time-at-creation"]
_LISTS = ("not-completed", "completed")  # the lists of jobs, in an order in which a job that ends is not missed
_MAX_RESPONSE = 1 << 20  # bytes; all attributes of a printer take about 50 KB
_MAX_MEDIA = 1000  # names of media that are looked at; printers have up to 200
# The reasons that a job has after it was printed without problems; CUPS gives each such job the second reason
_USUAL = ("none", "processing-to-stop-point", "job-completed-successfully")
# There is no response, or ippx cannot read the response. For a job-id that is not a number, ippx raises ValueError or
# TypeError; for a deeply nested reason, RecursionError
_FAILED = (httpx.HTTPError, ippx.IppError, ValueError, TypeError, RecursionError)
_NO_CONNECTION = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class IppQueue:
    """The printer at ``uri``, ipp://HOST:PORT/ipp/print or ipps://. ``seconds`` is the time limit for each response."""

    uri: str
    tls: TLSFiles | None = None
    seconds: float = 60.0

    async def condition(self) -> Condition:
        """Return the condition of the printer, from Get-Printer-Attributes."""
        return await on_own_loop(self._condition)

    async def media(self) -> tuple[str, ...]:
        """Return the media of the printer, the loaded ones first. Raises `DeliveryFailed`."""
        return await on_own_loop(self._media)

    async def submit(self, document: Path, ticket: Ticket) -> str:
        """Send Validate-Job and Print-Job; return the id of the job. Raises `DeliveryFailed`."""
        return await on_own_loop(partial(self._submit, document, ticket))

    async def follow(self, job: str, seconds: float) -> tuple[str, ...]:
        """Poll the job for at most ``seconds`` until it has ended; return its warnings.

        A job that has not ended has a warning that says so. Raises `DeliveryFailed` if the job was canceled or aborted,
        or if its state is unknown.
        """
        return await on_own_loop(partial(self._follow, job, seconds))

    async def state(self, job: int) -> ippx.Job:
        """Return the state of a job, from Get-Job-Attributes. Raises `DeliveryFailed`."""
        return await on_own_loop(partial(self._state, job))

    # --- on a loop of its own: a printer may answer with a megabyte in pieces of one byte, or never ---

    async def _condition(self) -> Condition:
        try:
            printer = await self._printer()
        except DeliveryFailed as exc:
            return Condition("FAILURE", "PRINTER OFFLINE", str(exc))
        if not printer.supports_format(_PDF):
            return Condition("FAILURE", "ELEC CONFIG ERR", "the printer does not accept PDF documents")
        stopped = printer.state == ippx.PrinterState.STOPPED
        accepting = printer.is_accepting_jobs is not False
        return condition_of(
            printer.state_reasons, stopped=stopped, accepting=accepting, message="".join(_texts(printer.state_message))
        )

    async def _media(self) -> tuple[str, ...]:
        printer = await self._printer()
        names = [*_texts(printer.attributes.get("media-ready")), *_texts(printer.attributes.get("media-supported"))]
        return tuple(dict.fromkeys(names[:_MAX_MEDIA]))

    async def _submit(self, document: Path, ticket: Ticket) -> str:
        attributes: dict[str, object] = {
            "copies": ticket.copies,
            "media": ticket.media,
            "sides": ticket.sides,
            "print-scaling": ticket.scaling,
            **({"media-source": ticket.tray} if ticket.tray else {}),
            **ticket.options,
        }
        content = await asyncio.to_thread(document.read_bytes)
        async with self._client() as client:
            is_new = await _newness(client, ticket.name)
            await client.validate_job(document_format=_PDF, job_attributes=attributes)
            try:
                job = await client.print_job(
                    content, document_format=_PDF, job_name=ticket.name, job_attributes=attributes
                )
            except (ippx.IppResponseError, *_NO_CONNECTION):  # refused, or not sent
                raise
            except Exception as exc:  # of any kind, such as ssl.SSLError: the printer may have the document
                return await self._find_job(client, ticket.name, is_new, exc)
        return str(job.job_id)

    async def _follow(self, job: str, seconds: float) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(seconds), self._client() as client:
                for pause in polling_pauses():
                    state = await client.get_job_attributes(int(job), _REQUESTED)
                    if state.is_terminal:
                        break
                    await asyncio.sleep(pause)
        except TimeoutError:
            return (f"job {job} did not end within {seconds:g} s",)
        except DeliveryFailed as exc:
            reason = f"job {job} was accepted, but its state is unknown: {exc}"
            raise DeliveryFailed(Outcome.INDETERMINATE, reason) from exc
        return job_warnings(state)

    async def _state(self, job: int) -> ippx.Job:
        async with self._client() as client:
            return await client.get_job_attributes(job, _REQUESTED)

    async def _printer(self) -> ippx.Printer:
        async with self._client() as client:
            return await client.get_printer_attributes()

    async def _find_job(
        self, client: ippx.AsyncIppClient, name: str, is_new: Callable[[ippx.Job], bool], error: Exception
    ) -> str:
        """Return the id of a new job with this name. Raises `DeliveryFailed` if there is no such job."""
        reason = f"Print-Job: {_error_text(error)}"
        try:
            for which in _LISTS:
                for job in await _jobs_named(client, name, which):
                    if is_new(job):
                        return str(job.job_id)
        except Exception as exc:
            reason = f"{reason}; Get-Jobs: {_error_text(exc)}"
        reason = f"{reason}; it is unknown whether the printer has the document"
        raise DeliveryFailed(Outcome.INDETERMINATE, reason) from error

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[ippx.AsyncIppClient]:
        """Open an IPP client, and convert its errors to `DeliveryFailed`."""
        try:
            await self._look_up()
            async with _Client(self.uri, self._tls_config(), self.seconds) as client:
                yield client
        except ippx.IppResponseError as exc:
            outcome = Outcome.NEVER if exc.status_code in _JOB_ERRORS else Outcome.LATER
            raise DeliveryFailed(outcome, str(exc)) from exc
        except (*_FAILED, OSError) as exc:
            raise DeliveryFailed(Outcome.LATER, _error_text(exc)) from exc

    async def _look_up(self) -> None:
        """Look the host up before httpx does. Raises OSError.

        If the look-up hangs, it hangs in a thread for which the process does not wait at its end, unlike that of httpx.
        """
        host = urlsplit(self.uri).hostname or ""
        try:
            async with asyncio.timeout(self.seconds):
                await addresses_of(host)
        except TimeoutError as exc:
            raise OSError(f"the address of {host} was not found within {self.seconds:g} s") from exc

    def _tls_config(self) -> ippx.TlsConfig:
        """Return the settings of TLS. A plain connection needs no authorities, which take 20 ms to read."""
        if urlsplit(self.uri).scheme in _PLAIN:
            return ippx.TlsConfig(verify=False)
        tls = self.tls or TLSFiles()
        own = (tls.certificate, tls.key or tls.certificate) if tls.certificate else None
        return _TLSConfig(verify=(tls.ca or True) if tls.verify else False, client_cert=own)


class _Client(ippx.AsyncIppClient):
    """A client that bounds each response: its number of bytes, and the time until it is complete.

    Without this class, httpx would bound only the time between two reads, and would unpack compressed responses.
    """

    def __init__(self, uri: str, tls: ippx.TlsConfig | None, seconds: float) -> None:
        super().__init__(uri, tls=tls, timeout=seconds)
        self._seconds = seconds

    async def _send(self, msg: ippx.IppMessage) -> ippx.IppMessage:
        try:
            async with asyncio.timeout(None) as limit:
                status, reason, body = await self._exchange(ippx.encode(msg), limit)
        except TimeoutError as exc:
            raise httpx.ReadTimeout(f"the response was not complete within {self._seconds:g} s") from exc
        if status != httpx.codes.OK:
            raise ippx.IppHttpError(status, reason)
        answer = ippx.decode(body)
        if answer.code >= _FIRST_ERROR:
            raise ippx.IppResponseError(answer.code, _status_message(answer))
        return answer

    async def _exchange(self, request: bytes, limit: asyncio.Timeout) -> tuple[int, str, bytes]:
        """Send a request; return the HTTP status, its reason, and the body.

        ``limit`` gets its time only after the request has been sent, so it limits the wait for the response.
        """

        async def sent() -> AsyncIterator[bytes]:
            yield request
            limit.reschedule(asyncio.get_running_loop().time() + self._seconds)

        headers = {"Content-Length": str(len(request)), "Accept-Encoding": "identity"}
        async with self._http.stream("POST", self._http_url, content=sent(), headers=headers) as response:
            body = bytearray()
            async for part in response.aiter_raw():
                body += part
                if len(body) > _MAX_RESPONSE:
                    raise ippx.IppDecodeError(f"the response has more than {_MAX_RESPONSE} bytes")
            return response.status_code, response.reason_phrase, bytes(body)


async def _newness(client: ippx.AsyncIppClient, name: str) -> Callable[[ippx.Job], bool]:
    """Return a function that tells whether a job with this name was made from now on.

    The clock of the printer decides. If the printer does not tell its time, the jobs that it has now are old. If it
    does not list them either, no job counts as new, because any job may be an earlier print.
    """
    start = (await client.get_printer_attributes(["printer-up-time"])).attributes.get("printer-up-time")
    if isinstance(start, int):
        return lambda job: _creation_time(job) >= start
    try:
        known = {job.job_id for which in _LISTS for job in await _jobs_named(client, name, which)}
    except Exception:  # of any kind, as in `_find_job`; the document can be printed nevertheless
        return lambda _: False
    return lambda job: job.job_id not in known


async def _jobs_named(client: ippx.AsyncIppClient, name: str, which: str) -> list[ippx.Job]:
    jobs = await client.get_jobs(which_jobs=which, requested_attributes=_NAMES_AND_TIMES)
    return [job for job in jobs if job.name == name]


def _creation_time(job: ippx.Job) -> float:
    """Return the time of a job on the clock of the printer; an unknown time, as after a restart, is before all others.

    RFC 8011 section 5.3.14.1.
    """
    found = job.attributes.get("time-at-creation")
    return found if isinstance(found, int) else -math.inf


def _status_message(answer: ippx.IppMessage) -> str | None:
    values = [each.value for _, group in answer.groups for each in group if each.name == "status-message"]
    return next((value for value in values if isinstance(value, str)), None)


def job_warnings(job: ippx.Job) -> tuple[str, ...]:
    """Return the warnings of a job that has ended. Raises `DeliveryFailed` if the job was canceled or aborted."""
    reasons = [reason for reason in job.state_reasons if reason not in _USUAL]
    words = f"job {job.job_id}: {', '.join(reasons) or 'no reason given'}"
    match job.state:
        case ippx.JobState.COMPLETED:
            return (words,) if reasons else ()
        case ippx.JobState.CANCELED:
            raise DeliveryFailed(Outcome.INDETERMINATE, f"{words}: it was canceled")
    raise DeliveryFailed(Outcome.INDETERMINATE, f"{words}: it was aborted")


class _TLSConfig(ippx.TlsConfig):
    """TLS settings that check the name of the printer, even with a file of trusted certificate authorities.

    With such a file, `ippx.TlsConfig` would accept any certificate of these authorities, so the owner of any of these
    certificates could read the films.
    """

    def httpx_verify(self) -> bool | str | ssl.SSLContext:
        context = super().httpx_verify()
        if isinstance(context, ssl.SSLContext) and self.verify:
            context.check_hostname = True
        return context


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]


def _error_text(error: Exception) -> str:
    return str(error) or type(error).__name__
