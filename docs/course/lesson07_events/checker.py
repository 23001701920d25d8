"""Checks exercise 7: lets a printer report an event, with the answer of the learner."""

import asyncio

from exercises import Exercise, Wrong

from dimse import connect
from dimse.message import NCreateRQ, NEventReportRQ, NEventReportRSP, Response
from dimse.net import Handler, Handlers, Operation
from dimse.uids import BasicFilmSession, ExplicitVRLittleEndian
from dimse.uids import BasicGrayscalePrintManagementMeta as Meta
from print_mgmt import PrintServer
from print_mgmt.scp import Change, Misbehavior

_OURS = 7  # the Message ID of the request that is outstanding
_HINT = "PS3.7 section 10.3.1 and Table 10.3-2: the elements of N-EVENT-REPORT-RSP."


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    exercise.function("answer", _HINT)
    problems: list[Wrong] = []

    async def on_event(operation: Operation) -> Response:
        event = operation.message
        assert isinstance(event, NEventReportRQ)
        try:
            return _check(event, exercise.result("answer", _HINT, event))
        except Wrong as wrong:
            problems.append(wrong)
        return operation.reply()

    asyncio.run(_create(on_event))
    if problems:
        raise problems[0]
    return "Each side numbers its own requests; the two sequences of Message IDs have nothing to do with each other."


def _check(event: NEventReportRQ, response: object) -> NEventReportRSP:
    """Return the response. Raises `Wrong` if it does not answer ``event``."""
    if response is None:
        raise Wrong("answer returns None: there is no response yet", _HINT)
    if not isinstance(response, NEventReportRSP):
        raise Wrong(f"answer returns {response!r}, not an NEventReportRSP", _HINT)
    if response.MessageIDBeingRespondedTo != event.MessageID:
        number = response.MessageIDBeingRespondedTo
        words = f"the printer has no outstanding request with the Message ID {number}"
        raise Wrong(words, "Which request do you answer: yours, or the printer's?")
    if response.Status not in range(0x10000):
        raise Wrong(f"Status is {response.Status!r}, not a number of 16 bits", "Which status means success?")
    if response.Status:
        words = f"the status {response.Status:04X}H tells the printer that its event failed"
        raise Wrong(words, "Which status means success?")
    for keyword in ("AffectedSOPClassUID", "AffectedSOPInstanceUID"):
        given, wanted = getattr(response, keyword), getattr(event, keyword)
        if given not in (None, wanted):
            raise Wrong(f"{keyword} is {given}, but the event is from {wanted}", "The event names its own instance.")
    return response


async def _create(on_event: Handler) -> None:
    """Create a film session on a printer that reports an event first."""
    intercept = Misbehavior(changes=[Change.parse("WARNING:SUPPLY LOW@N-CREATE#1")])
    async with PrintServer(lambda _: None, port=0, intercept=intercept) as printer:
        handlers: Handlers = {(Meta, NEventReportRQ): on_event}
        contexts = {Meta: [ExplicitVRLittleEndian]}
        async with connect(printer.host, printer.port, contexts, handlers=handlers) as association:
            request = NCreateRQ(MessageID=_OURS, AffectedSOPClassUID=BasicFilmSession)
            await association.request(association.context_for(Meta), request)
