"""Checks exercise 11: serves the handler of the learner, and invokes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from inspect import isawaitable

from exercises import Exercise, Wrong

from dimse import Association, Service, ServiceError, connect, serve
from dimse.message import NGetRQ, Response
from dimse.net import Handlers, Operation
from dimse.net.scu import dataset_of, n_get
from dimse.uids import ImplicitVRLittleEndian

_CLASS, _INSTANCE, _COUNT = "2.25.316801", "2.25.316801.1", 42
_HINT = "run.py has a handler for N-ACTION; this one is shorter."


def check(exercise: Exercise) -> str:
    """Return what the learner has shown. Raises `Wrong`."""
    exercise.function("get", _HINT)
    asyncio.run(_query(_Counter(exercise)))
    return "Status, Data Set, and a refusal with the standard's status: that is a whole operation of a service."


class _Counter:
    """The service, with the learner's handler. ``error`` is what the handler has raised."""

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self.error = ""

    async def get(self, operation: Operation) -> Response:
        try:
            response = self._exercise.function("get", _HINT)(_COUNT, operation)
            response = await response if isawaitable(response) else response
        except ServiceError:
            raise
        except (Exception, SystemExit) as error:
            self.error = self._exercise.fault("get", error)
            return operation.reply(0x0110)
        if not isinstance(response, Response):
            self.error = f"get returns {response!r}, not a response"
            return operation.reply(0x0110)
        return response

    @asynccontextmanager
    async def open(self, _: Association) -> AsyncIterator[Handlers]:
        yield {(_CLASS, NGetRQ): self.get}


async def _query(counter: _Counter) -> None:
    service = Service({_CLASS: [ImplicitVRLittleEndian]}, counter.open)
    async with serve([service], port=0) as server, connect(server.host, server.port, service.contexts) as association:
        context = association.context_for(_CLASS)
        response = await n_get(association, context, _CLASS, _INSTANCE)
        if counter.error:
            raise Wrong(counter.error, _HINT)
        if response.Status:
            raise Wrong(f"N-GET of the counter is answered with {response.Status:04X}H", "Success is 0000H.")
        found = dataset_of(association, context, response).get("NumberOfFilms")
        if found is None:
            raise Wrong("the response has no Number of Films", "Operation.reply takes a Data Set: dataset=...")
        if found != _COUNT:
            raise Wrong(
                f"the count is {_COUNT}, but N-GET returns {found!r}", "The count is the first argument of get."
            )
        other = await n_get(association, context, _CLASS, _INSTANCE + ".1")
        if counter.error:
            raise Wrong(counter.error, _HINT)
        if other.Status != 0x0112:
            words = f"N-GET of an instance that does not exist is answered with {other.Status:04X}H"
            raise Wrong(words, "Compare the Requested SOP Instance UID; raise a ServiceError with the right status.")
