"""Lesson 11: a service of our own. A counter of films that counts by N-ACTION, beside Verification."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dimse import Association, Dataset, Service, ServiceError, connect, serve
from dimse.message import NActionRQ, Response
from dimse.net import VERIFICATION, Handlers, Operation, Trace
from dimse.net.scu import c_echo, dataset_of, n_action
from dimse.uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian

FILM_COUNTER, THE_COUNTER = "2.25.316801", "2.25.316801.1"  # our private SOP Class, and its only instance
ADD = 1  # Action Type ID


class FilmCounter:
    """The state of the service, and its handler."""

    def __init__(self) -> None:
        self.count = 0

    async def add(self, operation: Operation) -> Response:
        """Perform N-ACTION: add films to the count, and answer the new count."""
        message = operation.message
        assert isinstance(message, NActionRQ)
        if message.RequestedSOPInstanceUID != THE_COUNTER:
            raise ServiceError(0x0112, "No such SOP Instance")
        if message.ActionTypeID != ADD:
            raise ServiceError(0x0123, "No such action", comment=f"only {ADD} (add) is known")
        information = operation.dataset() or Dataset()
        self.count += information.get("NumberOfFilms", 0)
        return operation.reply(dataset=Dataset(NumberOfFilms=self.count))

    @asynccontextmanager
    async def open(self, _: Association) -> AsyncIterator[Handlers]:
        """Yield the handlers of one association."""
        yield {(FILM_COUNTER, NActionRQ): self.add}


async def main(trace: Trace | None = None) -> None:
    service = Service({FILM_COUNTER: [ExplicitVRLittleEndian, ImplicitVRLittleEndian]}, FilmCounter().open)
    async with serve([VERIFICATION, service], port=0, trace=trace) as server:
        contexts = {**VERIFICATION.contexts, **service.contexts}
        async with connect(server.host, server.port, contexts) as association:
            print(f"C-ECHO: {(await c_echo(association)).Status:04X}H")
            context = association.context_for(FILM_COUNTER)
            for instance, action in ((THE_COUNTER, ADD), (THE_COUNTER, ADD), (THE_COUNTER, 2), ("1.2", ADD)):
                information = Dataset(NumberOfFilms=3)
                response = await n_action(association, context, FILM_COUNTER, instance, action, information)
                counted = dataset_of(association, context, response).get("NumberOfFilms", "-")
                print(f"N-ACTION {action} of {instance}: {response.Status:04X}H, count {counted}")


if __name__ == "__main__":
    asyncio.run(main())
