"""Driverless printers that refuse, hang, drop, are full, and print."""

import asyncio
import gzip
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from accepted import DOE, accepted_film
from certificates import Authority

pytest.importorskip("ippx")

import ipp_printer
from ipp_printer import IppPrinter
from ippx import AsyncIppClient, Attribute, IppMessage, Job, JobState, Operation, PrinterState, Tag, encode

from print_mgmt.destinations import Condition, DeliveryFailed, Outcome, PaperDestination, Receipt, TLSFiles
from print_mgmt.destinations.names import film_id

LATER, NEVER, INDETERMINATE = Outcome


@pytest.fixture(autouse=True)
def _no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the authorities of the system: each client reads them, also without TLS, which takes longer than a job."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)


async def deliver(printer: IppPrinter, *, copies: int = 1, **options: Any) -> Receipt:
    async with printer.serving() as uri:
        destination = PaperDestination(uri=uri, dpi=30, **options)
        return await destination.deliver(accepted_film(copies=copies), DOE)


async def fails(printer: IppPrinter, **options: Any) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as raised:
        await deliver(printer, **options)
    return raised.value


async def test_film_is_printed_and_followed() -> None:
    printer = IppPrinter()
    assert await deliver(printer) == Receipt(("1",))
    (job,) = printer.jobs
    assert job.data.startswith(b"%PDF")
    assert printer.asked[-2:] == [Operation.GET_JOB_ATTRIBUTES] * 2
    assert printer.asked.index(Operation.VALIDATE_JOB) < printer.asked.index(Operation.PRINT_JOB)


async def test_ticket_has_paper_copies_and_tray() -> None:
    printer = IppPrinter("iso_a3_297x420mm", "iso_a4_210x297mm")
    looks = {"sides": "two-sided-long-edge", "size": "true", "options": {"print-color-mode": "monochrome"}}
    await deliver(printer, copies=3, tray="tray-2", **looks)
    wanted = {
        "media": "iso_a4_210x297mm",
        "copies": 3,
        "media-source": "tray-2",
        "sides": "two-sided-long-edge",
        "print-scaling": "none",
        "print-color-mode": "monochrome",
        "job-name": f"film-{film_id(accepted_film())}",
    }
    assert {name: printer.attribute(name) for name in wanted} == wanted


async def test_configured_paper_replaces_the_default() -> None:
    printer = IppPrinter()
    await deliver(printer, media={"8INX10IN": "iso_a5_148x210mm"})
    assert (printer.attribute("media"), printer.attribute("print-scaling")) == ("iso_a5_148x210mm", "fit")


async def test_printer_without_known_sizes_fits_the_film() -> None:
    printer = IppPrinter("main", "photo")
    await deliver(printer)
    assert (printer.attribute("media"), printer.attribute("print-scaling")) == ("na_govt-letter_8x10in", "auto-fit")


async def test_refused_ticket_sends_no_document() -> None:
    printer = IppPrinter()
    printer.statuses[Operation.VALIDATE_JOB] = 0x040B
    failure = await fails(printer)
    assert (failure.outcome, Operation.PRINT_JOB in printer.asked) == (NEVER, False)
    assert "client-error-attributes-or-values-not-supported" in str(failure)


@pytest.mark.parametrize(
    ("status", "outcome"), [(0x0507, LATER), (0x0506, LATER), (0x0503, LATER), (0x040A, NEVER), (0x0411, NEVER)]
)
async def test_refused_job_says_whether_to_try_again(status: int, outcome: Outcome) -> None:
    printer = IppPrinter()
    printer.statuses[Operation.PRINT_JOB] = status
    assert (await fails(printer)).outcome is outcome


async def test_stopped_printer_gets_no_job() -> None:
    printer = IppPrinter()
    printer.state, printer.reasons = PrinterState.STOPPED, ["media-empty-error"]
    failure = await fails(printer)
    assert (failure.outcome, failure.info, printer.jobs) == (LATER, "SUPPLY EMPTY", [])


async def test_printer_without_pdf_gets_no_job() -> None:
    printer = IppPrinter()
    printer.formats = ["image/urf"]
    failure = await fails(printer)
    assert (failure.info, printer.jobs) == ("ELEC CONFIG ERR", [])


def dropping(*operations: Operation) -> IppPrinter:
    async def drop(operation: Operation) -> None:
        if operation in operations:
            raise ConnectionError

    return IppPrinter(before=drop)


async def test_lost_response_is_found_by_the_name_of_the_job() -> None:
    printer = dropping(Operation.PRINT_JOB)
    assert await deliver(printer) == Receipt(("1",))
    assert len(printer.jobs) == 1


async def test_tls_error_after_the_document_prints_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The printer may send an alert instead of its response, for which httpx has no error of its own."""
    whole = AsyncIppClient.print_job

    async def broken(client: AsyncIppClient, document: bytes, **options: Any) -> Job:
        await whole(client, document, **options)
        raise ssl.SSLError(1, "tlsv1 alert internal error")

    monkeypatch.setattr(AsyncIppClient, "print_job", broken)
    printer = IppPrinter()
    assert await deliver(printer) == Receipt(("1",))
    assert len(printer.jobs) == 1


async def test_lost_response_of_a_forgetful_printer_leaves_doubt() -> None:
    printer = dropping(Operation.PRINT_JOB, Operation.GET_JOBS)
    assert (await fails(printer)).outcome is INDETERMINATE
    assert len(printer.jobs) == 1


class Odd(IppPrinter):
    """A printer that answers Print-Job with job ids that are not one number."""

    def __init__(self, *ids: str) -> None:
        super().__init__()
        self._ids = ids

    def _job(self, operation: Operation) -> list[Attribute]:
        attributes = super()._job(operation)
        if operation is Operation.PRINT_JOB:
            attributes[0] = Attribute("job-id", Tag.KEYWORD, list(self._ids))
        return attributes


class Timed(IppPrinter):
    """A printer that tells its time ``now``, and when its jobs were made; at last, it drops the response to Print-Job.

    If it ``loses`` that request, it has no job for it. If it has no ``clock``, it does not tell its time.
    """

    def __init__(self, *, loses: bool, clock: bool = True) -> None:
        super().__init__()
        self._clock = clock
        self.now = 100
        self.is_last = False
        self._loses = loses
        self._made: list[int] = []

    async def _answer(self, message: IppMessage) -> IppMessage:
        is_job = Operation(message.code) is Operation.PRINT_JOB
        if is_job and self.is_last and self._loses:
            raise ConnectionError
        answer = await super()._answer(message)
        if is_job:
            self._made.append(self.now)
            if self.is_last:
                raise ConnectionError
        return answer

    def _printer(self) -> list[Attribute]:
        time = [Attribute("printer-up-time", Tag.INTEGER, [self.now])] if self._clock else []
        return [*super()._printer(), *time]

    def _named(self, number: int, name: str) -> list[Attribute]:
        made = Attribute("time-at-creation", Tag.INTEGER, [self._made[number - 1]])
        return [*super()._named(number, name), made]

    async def print_again(self) -> Receipt:
        """Print a film, and then print it again, 100 s later."""
        await deliver(self)
        self.now, self.is_last = 200, True
        return await deliver(self)


@pytest.mark.parametrize("clock", [True, False])
async def test_earlier_print_of_the_film_is_not_the_lost_one(clock: bool) -> None:
    """An operator prints a film again, and the request never reaches the printer."""
    with pytest.raises(DeliveryFailed) as raised:
        await Timed(loses=True, clock=clock).print_again()
    assert raised.value.outcome is INDETERMINATE


async def test_lost_response_of_a_reprint_is_found_by_its_time() -> None:
    assert await Timed(loses=False).print_again() == Receipt(("2",))


async def test_lost_response_of_a_reprint_is_found_without_a_clock() -> None:
    assert await Timed(loses=False, clock=False).print_again() == Receipt(("2",))


async def test_job_of_a_printer_without_clock_that_listed_no_jobs_leaves_doubt() -> None:
    """It does not answer the first Get-Jobs, so any job that it lists later may be an earlier print."""
    asked: list[Operation] = []

    async def drop(operation: Operation) -> None:
        asked.append(operation)
        is_first_list = operation is Operation.GET_JOBS and asked.count(operation) == 1
        if operation is Operation.PRINT_JOB or is_first_list:
            raise ConnectionError

    printer = IppPrinter(before=drop)
    assert (await fails(printer)).outcome is INDETERMINATE
    assert len(printer.jobs) == 1


@pytest.mark.parametrize("ids", [("none",), ("1", "2")])
async def test_job_with_an_odd_id_is_not_printed_again(ids: tuple[str, ...]) -> None:
    printer = Odd(*ids)
    assert await deliver(printer) == Receipt(("1",))
    assert len(printer.jobs) == 1


async def test_connection_lost_before_the_job_is_tried_again() -> None:
    assert (await fails(dropping(Operation.VALIDATE_JOB))).outcome is LATER


async def test_connection_lost_after_the_job_leaves_doubt() -> None:
    assert (await fails(dropping(Operation.GET_JOB_ATTRIBUTES))).outcome is INDETERMINATE


async def test_silent_printer_leaves_doubt_about_the_job() -> None:
    async def hang(operation: Operation) -> None:
        if operation in (Operation.PRINT_JOB, Operation.GET_JOBS):
            await asyncio.Event().wait()

    assert (await fails(IppPrinter(before=hang), seconds=0.3)).outcome is INDETERMINATE


async def test_unreachable_printer_is_tried_again() -> None:
    async with IppPrinter().serving() as uri:
        pass
    destination = PaperDestination(uri=uri, dpi=30)
    with pytest.raises(DeliveryFailed) as raised:
        await destination.deliver(accepted_film(), DOE)
    assert raised.value.outcome is LATER
    assert (await destination.check()).PrinterStatusInfo == "PRINTER OFFLINE"


@pytest.mark.parametrize("state", [JobState.ABORTED, JobState.CANCELED])
async def test_job_without_a_good_end_leaves_doubt(state: JobState) -> None:
    printer = IppPrinter()
    printer.states, printer.job_reasons = [state], ["aborted-by-system"]
    failure = await fails(printer)
    assert failure.outcome is INDETERMINATE
    assert "aborted-by-system" in str(failure)


async def test_warning_of_a_job_is_kept() -> None:
    printer = IppPrinter()
    printer.job_reasons = ["job-completed-with-warnings"]
    assert (await deliver(printer)).warnings == ("job 1: job-completed-with-warnings",)


async def test_job_that_does_not_end_is_a_warning() -> None:
    printer = IppPrinter()
    printer.states = [JobState.PROCESSING_STOPPED]
    assert (await deliver(printer, follow=0.3)).warnings == ("job 1 did not end within 0.3 s",)


async def test_check_tells_the_state_of_the_printer() -> None:
    printer = IppPrinter()
    async with printer.serving() as uri:
        destination = PaperDestination(uri=uri)
        assert await destination.check() == Condition()
        printer.reasons = ["media-low-warning"]
        assert await destination.check() == Condition("WARNING", "SUPPLY LOW", "media-low")


# --- TLS ---


async def condition_over_tls(folder: Path, *hosts: str) -> Condition:
    """Return the condition of a printer whose certificate is for ``hosts``, as told to a client that trusts its CA."""
    authority = Authority(folder)
    identity = authority.issue("printer", *hosts)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    async with IppPrinter().serving(context) as uri:
        return await PaperDestination(uri=uri, tls=TLSFiles(ca=str(authority.ca))).check()


async def test_printer_with_a_certificate_of_our_authority_is_trusted(tmp_path: Path) -> None:
    assert await condition_over_tls(tmp_path, "127.0.0.1") == Condition()


async def test_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    condition = await condition_over_tls(tmp_path, "other.example.org")
    assert condition.PrinterStatusInfo == "PRINTER OFFLINE"
    assert "IP address mismatch" in condition.reason


# --- hostile printers ---

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n"


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[PaperDestination]:
    """Yield a printer whose answer to each request is written by ``answer``, until its client has gone."""
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            await answer(writer)
        writer.close()
        is_over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield PaperDestination(uri=f"ipp://127.0.0.1:{server.sockets[0].getsockname()[1]}/ipp", seconds=0.5)
        await is_over.wait()


async def test_endless_response_is_not_read_to_its_end() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(1 << 10):
            writer.write(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
            await writer.drain()
        raise AssertionError("a GiB was read")

    async with answering(endless) as printer:
        assert (await printer.check()).reason == "the response has more than 1048576 bytes"


async def test_compressed_response_is_not_unpacked() -> None:
    """A megabyte of gzip can become a gigabyte."""
    formats = [Attribute("document-format-supported", Tag.MIME_TYPE, ["application/pdf"])]
    body = gzip.compress(encode(IppMessage((2, 0), 0, 1, [(Tag.PRINTER_ATTRS, formats)])))

    async def packed(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()

    async with answering(packed) as printer:
        assert (await printer.check()).PrinterStatusInfo == "PRINTER OFFLINE"


async def test_response_must_be_complete_in_time() -> None:
    """Each byte comes in time, but the last one never comes."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Content-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with answering(drip) as printer, asyncio.timeout(30):
        assert (await printer.check()).reason == "the response was not complete within 0.5 s"


def nested(depth: int) -> bytes:
    """Return job-state-reasons as a collection in a collection, and so on, which Python cannot show as text."""
    begin, member, end = b"\x34\0\0\0\0", b"\x4a\0\0\0\x01m", b"\x37\0\0\0\0"
    name = b"job-state-reasons"
    first = b"\x34" + len(name).to_bytes(2, "big") + name + b"\0\0"
    return first + member + (begin + member) * depth + b"\x21\0\0\0\x04" + bytes(4) + end * (depth + 1)


async def test_unreadable_response_to_a_job_leaves_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it contains, the printer may have printed the document, which must not be printed again."""
    printer = IppPrinter()

    def encode_nested(message: IppMessage) -> bytes:
        is_job = printer.asked[-1] in (Operation.PRINT_JOB, Operation.GET_JOBS)
        return encode(message)[:-1] + (nested(30_000) if is_job else b"") + b"\x03"

    monkeypatch.setattr(ipp_printer, "encode", encode_nested)
    assert (await fails(printer)).outcome is INDETERMINATE


async def test_message_that_is_no_text_is_ignored() -> None:
    """An integer ended the check with a traceback."""

    class Numeric(IppPrinter):
        def _printer(self) -> list[Attribute]:
            return [*super()._printer(), Attribute("printer-state-message", Tag.INTEGER, [5])]

    printer = Numeric()
    printer.reasons = ["media-low"]
    async with printer.serving() as uri:
        assert await PaperDestination(uri=uri).check() == Condition("WARNING", "SUPPLY LOW", "media-low")


async def test_printer_is_asked_on_a_loop_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A response of a megabyte in pieces of one byte takes seconds, in which no other client may have to wait."""
    ask, loops = AsyncIppClient.get_printer_attributes, set[asyncio.AbstractEventLoop]()

    async def asked(client: AsyncIppClient, *attributes: Any) -> Any:
        loops.add(asyncio.get_running_loop())
        return await ask(client, *attributes)

    monkeypatch.setattr(AsyncIppClient, "get_printer_attributes", asked)
    await deliver(IppPrinter())
    assert loops
    assert asyncio.get_running_loop() not in loops


async def test_plain_connection_reads_no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ssl, "create_default_context")
    assert await deliver(IppPrinter()) == Receipt(("1",))
