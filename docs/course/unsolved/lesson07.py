"""Exercise 7: answer an event.

Our N-CREATE-RQ has the Message ID 7, and has no response yet. Now an N-EVENT-REPORT-RQ arrives. Return the response to
it. The lesson used `Operation.reply`, which fills in everything; here you do it yourself.

    NEventReportRSP(MessageIDBeingRespondedTo=..., Status=..., AffectedSOPClassUID=..., AffectedSOPInstanceUID=...)
"""

from dimse.message import NEventReportRQ, NEventReportRSP

OUR_REQUEST = 7


def answer(event: NEventReportRQ) -> NEventReportRSP | None:
    """Return the response to ``event``."""
    return None
