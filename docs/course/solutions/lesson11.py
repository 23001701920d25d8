"""Solution 11."""

from dimse import Dataset, ServiceError
from dimse.message import NGetRQ, Response
from dimse.net import Operation

THE_COUNTER = "2.25.316801.1"


async def get(count: int, operation: Operation[NGetRQ]) -> Response:
    """Perform N-GET."""
    if operation.message.RequestedSOPInstanceUID != THE_COUNTER:
        raise ServiceError(0x0112, "No such SOP Instance")
    return operation.reply(dataset=Dataset(NumberOfFilms=count))
