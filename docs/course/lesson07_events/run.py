"""Lesson 7: an event during a request. The printer reports a warning before it sends the response."""

import asyncio

from dimse import Dataset, Record
from dimse.message import Message, NEventReportRQ, Response
from dimse.net import Operation, Trace, connect
from dimse.net.scu import n_create
from dimse.uids import BasicFilmSession, BasicGrayscalePrintManagementMeta, ExplicitVRLittleEndian
from print_mgmt import PrintServer
from print_mgmt.scp import Change, Misbehavior

META = BasicGrayscalePrintManagementMeta


def show(record: Record) -> None:
    """Print each message with the ID by which requests and responses find each other."""
    message = record.what
    if isinstance(message, Message):
        number = getattr(message, "MessageID", None) or getattr(message, "MessageIDBeingRespondedTo", None)
        print(f"{record.direction} {type(message).__name__:15} Message ID {number}")


async def on_event(operation: Operation) -> Response:
    """Answer N-EVENT-REPORT: PS3.7 section 10.1.1."""
    message, information = operation.message, operation.dataset() or Dataset()
    assert isinstance(message, NEventReportRQ)
    print(f"    event {message.EventTypeID} of the printer: {information.PrinterStatusInfo}")
    return operation.reply()


async def main(trace: Trace | None = None) -> None:
    low_on_film = Misbehavior(changes=[Change.parse("WARNING:SUPPLY LOW@N-CREATE#1")])
    async with PrintServer(print, port=0, intercept=low_on_film, trace=trace) as printer:
        async with connect(
            printer.host,
            printer.port,
            {META: [ExplicitVRLittleEndian]},
            handlers={(META, NEventReportRQ): on_event},  # the event comes on the context of the Meta SOP Class
            trace=show,
        ) as association:
            context = association.context_for(META)
            session = Dataset(NumberOfCopies=1)
            response = await n_create(association, context, BasicFilmSession, "1.2.3.4.1", session)
            print(f"    N-CREATE: {response.Status:04X}H")


if __name__ == "__main__":
    asyncio.run(main())
