"""The twin of each case of print: our own printer with exactly the fault that the case must find.

If a twin passes its case, the case proves nothing. ``intercept`` gets each request before the printer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dimse.data import Dataset, Element, decode, encode, tag_of
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request, Response, StatusClass, status_class
from dimse.net import Association, NoResponse, Operation
from dimse.net.scu import n_event_report
from dimse.uids import (
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    PresentationLUT,
    Printer,
    PrinterConfigurationRetrieval,
    PrinterInstance,
    PrintJob,
)
from print_mgmt import PrintServer
from print_mgmt.sop import META_CLASSES
from print_mgmt.verify import Claims
from print_mgmt.verify.conversation import items_of

__all__ = ["INVARIANTS", "WRONG", "Perform", "Wrong", "lies", "octets_of"]

Which = Callable[[Request], bool]
Perform = Callable[[Operation], Awaitable[Response]]
Intercept = Callable[[PrintServer, Operation, Perform], Awaitable[Response]]

JOB = "2.25.77"
JOB_REFERENCE = "ReferencedPrintJobSequencePullStoredPrint"
OTHER_UID = "1.2.3.4.5"
INVALID_VALUE, PROCESSING_FAILURE, MISSING = 0x0106, 0x0110, 0x0120


async def honest(_: PrintServer, operation: Operation, perform: Perform) -> Response:
    return await perform(operation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """The fault of a printer, and the options of the run. ``is_mute_after_events``: it sends nothing after an event."""

    intercept: Intercept = honest
    options: Mapping[str, Any] = field(default_factory=dict)
    is_mute_after_events: bool = False


def of(kind: type[Request] | tuple[type[Request], ...], sop_class: str = "") -> Which:
    """Return whether a request is of a kind and a SOP Class."""

    def which(request: Request) -> bool:
        uid = getattr(request, "AffectedSOPClassUID", None) or getattr(request, "RequestedSOPClassUID", None)
        return isinstance(request, kind) and sop_class in ("", uid)

    return which


def second(which: Which) -> Which:
    """Return whether a request is the second of its kind."""
    seen: list[Request] = []

    def is_second(request: Request) -> bool:
        if not which(request):
            return False
        seen.append(request)
        return len(seen) == 2

    return is_second


def answers(which: Which, status: int) -> Wrong:
    """Return a printer that answers with a status, and does nothing else."""

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        return operation.reply(status) if which(operation.message) else await perform(operation)

    return Wrong(intercept=intercept)


def lies(which: Which = lambda _: True, options: Mapping[str, Any] | None = None) -> Wrong:
    """Return a printer that answers with success, even if the operation failed."""

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        response = await perform(operation)
        succeeded = status_class(response.Status) is StatusClass.SUCCESS
        return operation.reply(0x0000) if which(operation.message) and not succeeded else response

    return Wrong(intercept=intercept, options=options or {})


def aborts(which: Which) -> Wrong:
    """Return a printer that aborts the association."""

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        if not which(operation.message):
            return await perform(operation)
        operation.association.abort("on purpose")
        raise NoResponse("aborted on purpose")

    return Wrong(intercept=intercept)


def closes(which: Which) -> Wrong:
    """Return a printer that closes the connection."""

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        if not which(operation.message):
            return await perform(operation)
        operation.association.transport.close()
        raise NoResponse("closed on purpose")

    return Wrong(intercept=intercept)


def mute(which: Which) -> Wrong:
    """Return a printer that does not answer."""

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        if which(operation.message):
            raise NoResponse("on purpose")
        return await perform(operation)

    return Wrong(intercept=intercept)


Change = Callable[[Operation, Dataset], None]


def octets_of(data: object) -> bytes:
    """Return the octets of a Data Set that may be in pieces."""
    assert isinstance(data, bytes | bytearray | memoryview | list | tuple)
    return b"".join(map(bytes, data)) if isinstance(data, list | tuple) else bytes(data)


def changes(which: Which, change: Change, options: Mapping[str, Any] | None = None) -> Wrong:
    """Return a printer that changes the Data Set of its answer."""

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        response = await perform(operation)
        if not which(operation.message) or response.Data is None:
            return response
        syntax = operation.association.syntax(operation.context)
        data = decode(octets_of(response.Data), syntax)
        change(operation, data)
        return replace(response, Data=encode(data, syntax) or None)

    return Wrong(intercept=intercept, options=options or {})


def commands(which: Which, **elements: Any) -> Wrong:
    """Return a printer that changes elements of the Command Set of its answer."""

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        response = await perform(operation)
        return changed(response, **elements) if which(operation.message) else response

    return Wrong(intercept=intercept)


def changed(response: Response, **elements: Any) -> Response:
    """Return a response with other elements."""
    return replace(response, **elements)


def without(*keywords: str) -> Change:
    """Return the change that leaves out attributes."""

    def change(_: Operation, data: Dataset) -> None:
        for keyword in keywords:
            if keyword in data:
                del data[keyword]

    return change


def with_values(**values: object) -> Change:
    """Return the change that adds or replaces attributes."""

    def change(_: Operation, data: Dataset) -> None:
        for keyword, value in values.items():
            data[keyword] = value

    return change


def names_meta(_: Operation, data: Dataset) -> None:
    for item in items_of(data, "ReferencedImageBoxSequence"):
        item["ReferencedSOPClassUID"] = BasicGrayscalePrintManagementMeta


def names_gray(_: Operation, data: Dataset) -> None:
    for item in items_of(data, "ReferencedImageBoxSequence"):
        item["ReferencedSOPClassUID"] = BasicGrayscaleImageBox


def no_annotation_of_color(operation: Operation, data: Dataset) -> None:
    if operation.context.abstract_syntax == BasicColorPrintManagementMeta:
        del data["ReferencedBasicAnnotationBoxSequence"]


def configuration_without(keyword: str) -> Change:
    def change(_: Operation, data: Dataset) -> None:
        for item in items_of(data, "PrinterConfigurationSequence"):
            del item[keyword]

    return change


def media_without_types(_: Operation, data: Dataset) -> None:
    for item in items_of(data, "PrinterConfigurationSequence"):
        for medium in items_of(item, "MediaInstalledSequence"):
            del medium["MediumType"]


def latin_name(_: Operation, data: Dataset) -> None:
    data.add(Element(tag_of("PrinterName"), "LO", b"M\xfcller"))


async def needs_a_meta(_: PrintServer, operation: Operation, perform: Perform) -> Response:
    """Answer N-GET of the printer only on an association for print."""
    classes = {context.abstract_syntax for context in operation.association.contexts.values()}
    return await perform(operation) if classes & set(META_CLASSES) else operation.reply(PROCESSING_FAILURE)


async def hides_uid(_: PrintServer, operation: Operation, perform: Perform) -> Response:
    """Leave out the SOP Instance UID that the client did not supply."""
    response = await perform(operation)
    message = operation.message
    is_minted = isinstance(message, NCreateRQ) and not message.AffectedSOPInstanceUID
    return changed(response, AffectedSOPInstanceUID=None) if is_minted else response


async def deletes_too_little(_: PrintServer, operation: Operation, perform: Perform) -> Response:
    """Answer each N-DELETE with success, even if the instance does not exist."""
    response = await perform(operation)
    return operation.reply(0x0000) if isinstance(operation.message, NDeleteRQ) else response


# --- events ---


async def report(association: Association, sop_class: str, uid: str, number: int, **information: object) -> None:
    """Send an event on the context of its class, or on the first."""
    contexts = association.contexts.values()
    context = next((each for each in contexts if each.abstract_syntax == sop_class), next(iter(contexts)))
    await n_event_report(association, context, sop_class, uid, number, Dataset(**information), patience=5.0)


def made_up_job(*events: int, info: bool = True, after: Mapping[str, object] | None = None, uid: str = JOB) -> Wrong:
    """Return a printer with an invented job: N-GET of the job sends events of ``uid``, and the job never ends."""
    attributes = {"ExecutionStatus": "PENDING", "ExecutionStatusInfo": "QUEUED", "PrintPriority": "MED"}

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        message = operation.message
        if isinstance(message, NActionRQ):
            reference = Dataset(ReferencedSOPClassUID=PrintJob, ReferencedSOPInstanceUID=JOB)
            return operation.reply(0x0000, dataset=Dataset(**{JOB_REFERENCE: [reference]}))
        if isinstance(message, NGetRQ) and message.RequestedSOPClassUID == PrintJob:
            values = {"ExecutionStatusInfo": "NORMAL"} if info else {"PrinterName": "X"}
            for number in events:
                await report(operation.association, PrintJob, uid, number, **values)
            return operation.reply(0x0000, dataset=Dataset(**{**attributes, **(after or {})}))
        return await perform(operation)

    return Wrong(intercept=intercept)


def reports_printer(uid: str, number: int, **information: object) -> Wrong:
    """Return a printer that sends an event of its own before it answers N-GET."""

    async def intercept(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        if isinstance(operation.message, NGetRQ):
            await report(operation.association, Printer, uid, number, **information)
        return await perform(operation)

    return Wrong(intercept=intercept)


async def replaces_response(_: PrintServer, operation: Operation, perform: Perform) -> Response:
    """Send an event instead of the answer to an N-SET."""
    if not isinstance(operation.message, NSetRQ):
        return await perform(operation)
    await report(operation.association, Printer, PrinterInstance, 1)
    raise NoResponse("on purpose")


def tells_everybody() -> Wrong:
    """Return a printer that reports a job to all clients."""
    reports: list[asyncio.Task[None]] = []

    async def intercept(server: PrintServer, operation: Operation, perform: Perform) -> Response:
        response = await perform(operation)
        if isinstance(operation.message, NActionRQ):
            for association in server.associations - {operation.association}:
                event = report(association, PrintJob, JOB, 1, ExecutionStatusInfo="NORMAL")
                reports.append(asyncio.create_task(event))
        return response

    return Wrong(intercept=intercept)


FILM_BOX, SESSION = of(NCreateRQ, BasicFilmBox), of(NCreateRQ, BasicFilmSession)
LUT, PRINTER = of(NCreateRQ, PresentationLUT), of(NGetRQ, Printer)
SET, PRINT, DELETE = of(NSetRQ), of(NActionRQ), of(NDeleteRQ)
CONFIGURATION = of(NGetRQ, PrinterConfigurationRetrieval)
ANNOTATION = {"annotation_format": "1"}


def has_nine_tags(request: Request) -> bool:
    return isinstance(request, NGetRQ) and len(request.AttributeIdentifierList or ()) == 9


def has_no_data(request: Request) -> bool:
    return SESSION(request) and request.Data is None


def has_character_set(request: Request) -> bool:
    return SESSION(request) and bytes(request.Data or b"").startswith(b"\x08\0\x05\0")  # type: ignore[arg-type]  # bytes


def is_lin_od(request: Request) -> bool:
    return LUT(request) and b"LIN OD" in bytes(request.Data or b"")  # type: ignore[arg-type]  # bytes


WRONG: Mapping[str, Callable[[], Wrong]] = {
    "PRN-N-1.02": lambda: answers(PRINTER, PROCESSING_FAILURE),
    "PRN-N-1.03": lambda: changes(FILM_BOX, names_meta),
    "PRN-N-1.04": lambda: changes(FILM_BOX, names_gray),
    "PRN-N-1.05": lambda: changes(FILM_BOX, no_annotation_of_color, ANNOTATION),
    "PRN-N-1.06": lambda: Wrong(intercept=needs_a_meta),
    "PRN-N-1.07": lambda: mute(LUT),
    "PRN-N-1.08": lambda: answers(is_lin_od, INVALID_VALUE),
    "PRN-N-1.09": lambda: Wrong(options={"claims": Claims(sop_classes=META_CLASSES)}),
    "PRN-L-1.01": lambda: answers(has_no_data, MISSING),
    "PRN-L-1.02": lambda: Wrong(intercept=hides_uid),
    "PRN-L-1.03": lambda: commands(SESSION, AffectedSOPInstanceUID=OTHER_UID),
    "PRN-L-1.04": lambda: lies(SESSION),
    "PRN-L-1.05": lambda: lies(FILM_BOX),
    "PRN-L-1.06": lambda: changes(FILM_BOX, without("ReferencedImageBoxSequence")),
    "PRN-L-1.07": lambda: answers(SET, PROCESSING_FAILURE),
    "PRN-L-1.08": lambda: answers(PRINT, PROCESSING_FAILURE),
    "PRN-L-1.09": lambda: commands(PRINT, Data=None),
    "PRN-L-1.10": lambda: aborts(PRINT),
    "PRN-L-1.11": lambda: lies(PRINT),
    "PRN-L-1.12": lambda: answers(PRINT, PROCESSING_FAILURE),
    "PRN-L-1.13": lambda: lies(PRINT),
    "PRN-L-1.14": lambda: answers(second(SET), PROCESSING_FAILURE),
    "PRN-L-1.15": lambda: aborts(second(SET)),
    "PRN-L-1.16": lambda: aborts(second(SET)),
    "PRN-L-1.17": lambda: aborts(second(FILM_BOX)),
    "PRN-L-1.18": lambda: Wrong(intercept=deletes_too_little),
    "PRN-L-1.19": lambda: answers(second(SESSION), PROCESSING_FAILURE),
    "PRN-L-1.20": lambda: lies(SET),
    "PRN-L-1.21": lambda: lies(SET),
    "PRN-L-1.22": lambda: answers(second(PRINT), PROCESSING_FAILURE),
    "PRN-L-1.23": lambda: answers(SET, 0x0211),
    "PRN-L-1.24": lambda: aborts(of(NSetRQ, BasicFilmBox)),
    "PRN-L-1.25": lambda: aborts(of(NSetRQ, BasicFilmBox)),
    "PRN-L-1.26": lambda: aborts(LUT),
    "PRN-L-1.27": lambda: lies(FILM_BOX),
    "PRN-L-1.28": lambda: lies(PRINT),
    "PRN-X-1.01": lies,
    "PRN-X-1.02": lies,
    "PRN-X-1.03": lies,
    "PRN-X-1.04": lies,
    "PRN-X-1.05": lies,
    "PRN-X-1.06": lies,
    "PRN-X-1.07": lies,
    "PRN-X-1.08": lies,
    "PRN-X-1.09": lies,
    "PRN-X-1.10": lies,
    "PRN-X-1.11": lambda: aborts(FILM_BOX),
    "PRN-X-1.12": lies,
    "PRN-X-1.13": lambda: aborts(SESSION),
    "PRN-X-1.14": lies,
    "PRN-X-1.15": lambda: answers(SET, INVALID_VALUE),
    "PRN-X-1.16": lies,
    "PRN-X-1.17": lambda: mute(SET),
    "PRN-X-1.18": lies,
    "PRN-X-1.19": lambda: closes(SET),
    "PRN-X-1.20": lies,
    "PRN-X-1.21": lambda: aborts(SET),
    "PRN-X-1.22": lambda: aborts(SESSION),
    "PRN-X-1.23": lies,
    "PRN-X-1.24": lies,
    "PRN-X-1.25": lambda: aborts(LUT),
    "PRN-X-1.26": lambda: answers(SET, PROCESSING_FAILURE),
    "PRN-X-1.27": lambda: lies(SET, ANNOTATION),
    "PRN-E-1.01": lambda: changes(PRINTER, without("PrinterStatusInfo")),
    "PRN-E-1.02": lambda: changes(PRINTER, without("PrinterStatus")),
    "PRN-E-1.03": lambda: aborts(has_nine_tags),
    "PRN-E-1.04": lambda: changes(PRINTER, with_values(PatientName="TEST^CASE")),
    "PRN-E-1.05": lambda: changes(PRINTER, with_values(PrinterStatusInfo=b"not well")),
    "PRN-E-1.06": lambda: lies(PRINTER),
    "PRN-E-1.07": lambda: changes(CONFIGURATION, configuration_without("MemoryBitDepth")),
    "PRN-E-1.08": lambda: answers(FILM_BOX, INVALID_VALUE),
    "PRN-E-2.01": lambda: made_up_job(after={"ExecutionStatus": "WAITING"}),
    "PRN-E-2.03": made_up_job,
    "PRN-E-2.04": tells_everybody,
    "PRN-E-2.05": lambda: made_up_job(3),
    "PRN-E-2.07": lambda: Wrong(is_mute_after_events=True),
    "PRN-E-2.09": lambda: Wrong(options={"event_command": ("true",)}),
    "CHS-1.01": lambda: aborts(has_character_set),
    "CHS-1.02": lambda: aborts(has_character_set),
    "CHS-1.03": lambda: aborts(has_character_set),
    "CHS-1.04": lambda: aborts(has_character_set),
    "CHS-1.05": lambda: aborts(has_character_set),
}

# An invariant, with the case whose traffic it judges
INVARIANTS: Mapping[str, tuple[str, Callable[[], Wrong]]] = {
    "PRN-E-2.02": ("PRN-E-2.01", lambda: made_up_job(9)),
    "PRN-E-2.06": ("PRN-L-1.07", lambda: Wrong(intercept=replaces_response)),
    "PRN-E-2.08": ("PRN-E-1.01", lambda: reports_printer(OTHER_UID, 1)),
    "CHS-1.06": ("PRN-E-1.01", lambda: changes(PRINTER, latin_name)),
}
