"""Exercise 11: give the service a second operation.

Write N-GET of the film counter (PS3.7 section 10.1.2). It returns the count as Number of Films (2100,0170) without
changing it, and refuses any instance other than THE_COUNTER with the status 0112H, as N-ACTION does. You may ignore
the Attribute Identifier List. ``count`` is the current count.
"""

from dimse import Dataset, ServiceError
from dimse.message import NGetRQ, Response
from dimse.net import Operation

THE_COUNTER = "2.25.316801.1"


async def get(count: int, operation: Operation[NGetRQ]) -> Response:
    """Perform N-GET."""
    raise NotImplementedError
