"""A request that is answered without a task has the response that it has in a task."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dimse.data import Dataset
from dimse.message import Response
from dimse.net import Association, Operation, connect
from dimse.net.scu import dataset_of, n_action, n_create, n_delete, n_get, n_set
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    Printer,
    PrinterInstance,
)
from dimse.ul import Context
from print_mgmt import Film, PrintServer
from print_mgmt.scp.printer import Perform

SESSION, FILM = "1.2.3.1", "1.2.3.2"
CONTEXTS = {BasicGrayscalePrintManagementMeta: (ExplicitVRLittleEndian,)}


def film_box(layout: str) -> Dataset:
    session = Dataset(ReferencedSOPClassUID=BasicFilmSession, ReferencedSOPInstanceUID=SESSION)
    return Dataset(ImageDisplayFormat=layout, ReferencedFilmSessionSequence=[session])


REQUESTS: dict[str, Callable[[Association, Context], Any]] = {
    "create a session": lambda to, on: n_create(to, on, BasicFilmSession, SESSION, Dataset(NumberOfCopies=2)),
    "create a film box": lambda to, on: n_create(to, on, BasicFilmBox, FILM, film_box(r"STANDARD\1,1")),
    "create a wrong film box": lambda to, on: n_create(to, on, BasicFilmBox, FILM, film_box("ROUND")),
    "set a session": lambda to, on: n_set(to, on, BasicFilmSession, SESSION, Dataset(PrintPriority="HIGH")),
    "set a wrong session": lambda to, on: n_set(to, on, BasicFilmSession, SESSION, Dataset(NumberOfCopies=-1)),
    "set an unknown box": lambda to, on: n_set(to, on, BasicGrayscaleImageBox, "1.9", Dataset(ImageBoxPosition=1)),
    "get the printer": lambda to, on: n_get(to, on, Printer, PrinterInstance),
    "get an unknown job": lambda to, on: n_get(to, on, "1.2.840.10008.5.1.1.14", "1.9"),
    "print": lambda to, on: n_action(to, on, BasicFilmBox, FILM, 1),
    "delete a film box": lambda to, on: n_delete(to, on, BasicFilmBox, FILM),
    "delete a session": lambda to, on: n_delete(to, on, BasicFilmSession, SESSION),
}


async def on_film(film: Film) -> None:
    """Drop the film."""


async def in_a_task(server: PrintServer, operation: Operation, perform: Perform) -> Response:  # noqa: ARG001
    return await perform(operation)


async def responses(names: list[str], server: PrintServer) -> list[tuple[int, object, list[str]]]:
    """Return status, comment and the keywords of the Data Set of each response."""
    found = []
    async with server, connect(server.host, server.port, CONTEXTS) as association:
        context = association.context_for(BasicGrayscalePrintManagementMeta)
        for name in names:
            response = await REQUESTS[name](association, context)
            elements = [str(element.tag) for element in dataset_of(association, context, response)]
            found.append((response.Status, response.ErrorComment, elements))
    return found


@settings(max_examples=30)
@given(st.lists(st.sampled_from(sorted(REQUESTS)), max_size=8))
def test_response_does_not_depend_on_a_task(names: list[str]) -> None:
    without_task = asyncio.run(responses(names, PrintServer(on_film, port=0)))
    with_task = asyncio.run(responses(names, PrintServer(on_film, port=0, intercept=in_a_task)))
    assert without_task == with_task
