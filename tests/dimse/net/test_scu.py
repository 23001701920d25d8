"""All eleven services of PS3.7 over a socket, from both sides."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from raw import PRINT, SYNTAXES

from dimse.data import Dataset
from dimse.message import (
    RESPONSES,
    CEchoRQ,
    CFindRQ,
    CGetRQ,
    CMoveRQ,
    CStoreRQ,
    Message,
    NActionRQ,
    NCreateRQ,
    NDeleteRQ,
    NEventReportRQ,
    NGetRQ,
    NSetRQ,
    Request,
    Response,
)
from dimse.net import Association, Handlers, Operation, Service, connect, scu, serve
from dimse.uids import Verification
from dimse.ul import Context, RoleSelection

CT, FIND = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.2.2.1"
ABSTRACT = (Verification, PRINT, CT, FIND)
INSTANCE = Dataset(SOPClassUID=CT, SOPInstanceUID="1.2.3", Rows=1)
ROWS = Dataset(Rows=1)

Call = Callable[[Association], Awaitable[Response]]


def print_context(association: Association) -> Context:
    return association.context_for(PRINT)


async def c_find(association: Association) -> Response:
    async with scu.c_find(association, association.context_for(FIND), ROWS, Priority=2) as responses:
        return await responses.final()


async def c_get(association: Association) -> Response:
    async with scu.c_get(association, association.context_for(FIND), ROWS) as responses:
        return await responses.final()


async def c_move(association: Association) -> Response:
    async with scu.c_move(association, association.context_for(FIND), "THERE", ROWS, Priority=1) as responses:
        return await responses.final()


CALLS: dict[type[Request], tuple[Call, dict[str, object]]] = {
    CEchoRQ: (scu.c_echo, {"AffectedSOPClassUID": Verification}),
    CStoreRQ: (
        lambda a: scu.c_store(a, INSTANCE, move_originator=("MOVER", 7)),
        {
            "AffectedSOPClassUID": CT,
            "AffectedSOPInstanceUID": "1.2.3",
            "MoveOriginatorApplicationEntityTitle": "MOVER",
            "MoveOriginatorMessageID": 7,
        },
    ),
    CFindRQ: (c_find, {"AffectedSOPClassUID": FIND, "Priority": 2}),
    CGetRQ: (c_get, {"AffectedSOPClassUID": FIND, "Priority": 0}),
    CMoveRQ: (c_move, {"AffectedSOPClassUID": FIND, "MoveDestination": "THERE", "Priority": 1}),
    NCreateRQ: (
        lambda a: scu.n_create(a, print_context(a), "1.2", "1.3", ROWS),
        {"AffectedSOPClassUID": "1.2", "AffectedSOPInstanceUID": "1.3"},
    ),
    NSetRQ: (
        lambda a: scu.n_set(a, print_context(a), "1.2", "1.3", ROWS),
        {"RequestedSOPClassUID": "1.2", "RequestedSOPInstanceUID": "1.3"},
    ),
    NGetRQ: (
        lambda a: scu.n_get(a, print_context(a), "1.2", "1.3", [0x00280010, 0x00280011]),
        {"RequestedSOPClassUID": "1.2", "AttributeIdentifierList": (0x00280010, 0x00280011)},
    ),
    NActionRQ: (
        lambda a: scu.n_action(a, print_context(a), "1.2", "1.3", 4, ROWS),
        {"RequestedSOPInstanceUID": "1.3", "ActionTypeID": 4},
    ),
    NDeleteRQ: (
        lambda a: scu.n_delete(a, print_context(a), "1.2", "1.3"),
        {"RequestedSOPClassUID": "1.2", "RequestedSOPInstanceUID": "1.3"},
    ),
    NEventReportRQ: (
        lambda a: scu.n_event_report(a, print_context(a), "1.2", "1.3", 9, ROWS),
        {"AffectedSOPInstanceUID": "1.3", "EventTypeID": 9},
    ),
}
WITHOUT_DATA = (CEchoRQ, NGetRQ, NDeleteRQ)


def test_each_request_has_a_function() -> None:
    assert CALLS.keys() == RESPONSES.keys()


@pytest.mark.parametrize("kind", CALLS, ids=lambda kind: kind.__name__)
async def test_each_service_is_invoked_and_performed(kind: type[Request]) -> None:
    call, elements = CALLS[kind]
    seen: list[Message] = []

    async def perform(operation: Operation) -> Response:
        seen.append(operation.message)
        assert operation.dataset() == (None if kind in WITHOUT_DATA else INSTANCE if kind is CStoreRQ else ROWS)
        return operation.reply(0x0107 if kind is NGetRQ else 0x0000, comment="said")

    @asynccontextmanager
    async def open_(association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG001
        yield {(abstract, kind): perform for abstract in ABSTRACT}

    roles = [RoleSelection(PRINT, scu=True, scp=True)]  # so that the requestor may report events
    service = Service(dict.fromkeys(ABSTRACT, SYNTAXES), open_, as_scu=[PRINT])
    async with serve([service], port=0) as server:
        async with connect(
            server.host, server.port, dict.fromkeys(ABSTRACT, SYNTAXES), user_items=roles
        ) as association:
            response = await call(association)
    (request,) = seen
    assert type(request) is kind
    assert {keyword: getattr(request, keyword) for keyword in elements} == elements
    assert type(response) is RESPONSES[kind]
    assert (response.Status, response.ErrorComment) == (0x0107 if kind is NGetRQ else 0x0000, "said")
