"""Lesson 11: a service of our own. A counter of films that counts by N-ACTION, beside Verification."""

import asyncio

from dimse import Dataset, Service, ServiceError, connect, serve
from dimse.message import NActionRQ, Response
from dimse.net import VERIFICATION, Operation, Trace
from dimse.net.scu import c_echo, dataset_of, n_action
from dimse.uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian

FILM_COUNTER, THE_COUNTER = "2.25.316801", "2.25.316801.1"  # our private SOP Class, and its only instance
ADD = 1  # Action Type ID


class FilmCounter:
    """The state of the service, and its handler."""

    def __init__(self) -> None:
        self.count = 0

    async def add(self, operation: Operation[NActionRQ]) -> Response:
        """Perform N-ACTION: add films to the count, and return the new count."""
        message = operation.message
        if message.RequestedSOPInstanceUID != THE_COUNTER:
            raise ServiceError(0x0112, "No such SOP Instance")
        if message.ActionTypeID != ADD:
            raise ServiceError(0x0123, "No such action", comment=f"only {ADD} (add) is known")
        information = operation.dataset() or Dataset()
        self.count += information.get("NumberOfFilms", 0)
        return operation.reply(dataset=Dataset(NumberOfFilms=self.count))


async def main(trace: Trace | None = None) -> None:
    syntaxes = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
    service = Service({FILM_COUNTER: syntaxes}, {(FILM_COUNTER, NActionRQ): FilmCounter().add})
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
