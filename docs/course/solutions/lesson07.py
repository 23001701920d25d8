"""Solution 7: a response has the Message ID of the request that it answers."""

from dimse.message import NEventReportRQ, NEventReportRSP


def answer(event: NEventReportRQ) -> NEventReportRSP:
    """Return the response to ``event``."""
    return NEventReportRSP(
        MessageIDBeingRespondedTo=event.MessageID,
        Status=0x0000,
        AffectedSOPClassUID=event.AffectedSOPClassUID,
        AffectedSOPInstanceUID=event.AffectedSOPInstanceUID,
    )
