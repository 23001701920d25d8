"""Verification, and the sub-operations of C-GET and C-MOVE (PS3.7 §9.1.3 and §9.1.4)."""

from collections.abc import AsyncGenerator

from archive import CONTEXTS, DOES, GET, MOVE, QUERY, ROE, STORAGE, SYNTAXES, Archive
from raw import ECHO, Raw, raw_server

from dimse.data import Dataset, Element, tag_of
from dimse.message import (
    CGetRQ,
    CMoveRSP,
    CStoreRQ,
    Response,
)
from dimse.net import (
    VERIFICATION,
    Association,
    Operation,
    connect,
    send_instances,
    serve,
)
from dimse.net.scu import c_echo, c_get, c_move, dataset_of
from dimse.uids import Verification
from dimse.ul import (
    AssociateAC,
    PresentationContextAC,
    RoleSelection,
)

WITH_ECHO = CONTEXTS | {Verification: SYNTAXES}
TO_RECEIVE = (RoleSelection(STORAGE, scu=True, scp=True),)


async def get(association: Association, query: Dataset = QUERY) -> list[Response]:
    async with c_get(association, association.context_for(GET), query) as responses:
        return [response async for response in responses]


async def refuse(operation: Operation) -> Response:
    return operation.reply(0xA700)


async def test_c_get_sends_on_its_association() -> None:
    archive, ours = Archive(*DOES, ROE), Archive()
    async with serve([archive.service], port=0) as server:
        contexts = CONTEXTS | {STORAGE: SYNTAXES}
        async with connect(
            server.host, server.port, contexts, handlers=ours.handlers, user_items=TO_RECEIVE
        ) as association:
            async with c_get(association, association.context_for(GET), QUERY) as responses:
                counted = [
                    (each.Status, each.NumberOfRemainingSuboperations, each.NumberOfCompletedSuboperations)
                    async for each in responses
                ]
    assert counted == [*((0xFF00, 4 - done, done + 1) for done in range(5)), (0x0000, None, 5)]
    assert list(ours.instances.values()) == DOES


async def test_c_get_without_the_role_sends_nothing() -> None:
    """PS3.7 D.3.3.4: by default the requestor is the SCU."""
    archive, ours = Archive(*DOES), Archive()
    async with serve([archive.service], port=0) as server:
        contexts = CONTEXTS | {STORAGE: SYNTAXES}
        async with connect(server.host, server.port, contexts, handlers=ours.handlers) as association:
            *_, last = await get(association)
            failed = dataset_of(association, association.context_for(GET), last).FailedSOPInstanceUIDList
    assert last.Status == 0xA702
    assert failed == [kept.SOPInstanceUID for kept in DOES]
    assert ours.instances == {}


async def test_c_get_counts_failures_and_warnings() -> None:
    """PS3.4 C.4.3.1.4: B000H, the counts, and the failed UIDs."""
    statuses = {
        str(kept.SOPInstanceUID): status for kept, status in zip(DOES, [0, 0xA700, 0xB000, 0xC000, 0], strict=True)
    }

    async def store(operation: Operation) -> Response:
        assert isinstance(operation.message, CStoreRQ)
        return operation.reply(statuses[operation.message.AffectedSOPInstanceUID])

    archive = Archive(*DOES)
    async with serve([archive.service], port=0) as server:
        async with connect(
            server.host,
            server.port,
            CONTEXTS | {STORAGE: SYNTAXES},
            handlers={(STORAGE, CStoreRQ): store},
            user_items=TO_RECEIVE,
        ) as association:
            context = association.context_for(GET)
            async with c_get(association, context, QUERY) as responses:
                last = await responses.final()
            failed = dataset_of(association, context, last).FailedSOPInstanceUIDList
    assert last.Status == 0xB000
    assert (
        last.NumberOfCompletedSuboperations,
        last.NumberOfFailedSuboperations,
        last.NumberOfWarningSuboperations,
    ) == (2, 2, 1)
    assert failed == [DOES[1].SOPInstanceUID, DOES[3].SOPInstanceUID]


async def test_instances_without_a_usable_uid_count_as_failed() -> None:
    missing, wrong = DOES[0].copy(), DOES[1].copy()
    del missing.SOPInstanceUID
    wrong.add(Element(tag_of("SOPInstanceUID"), "UI", b"1.2.x"))
    archive = Archive()
    archive.instances = {str(number): one for number, one in enumerate((missing, wrong, DOES[2]))}
    async with serve([archive.service], port=0) as server:
        contexts = CONTEXTS | {STORAGE: SYNTAXES}
        async with connect(
            server.host, server.port, contexts, handlers={(STORAGE, CStoreRQ): refuse}, user_items=TO_RECEIVE
        ) as association:
            context = association.context_for(GET)
            async with c_get(association, context, QUERY) as responses:
                last = await responses.final()
            failed = dataset_of(association, context, last).FailedSOPInstanceUIDList
    assert (last.Status, last.NumberOfFailedSuboperations) == (0xA702, 3)
    assert failed == DOES[2].SOPInstanceUID


async def test_c_cancel_ends_a_c_get_between_two_instances() -> None:
    archive, ours = Archive(*DOES), Archive()
    async with serve([archive.service, VERIFICATION], port=0) as server:
        contexts = WITH_ECHO | {STORAGE: SYNTAXES}
        async with connect(
            server.host, server.port, contexts, handlers=ours.handlers, user_items=TO_RECEIVE
        ) as association:
            async with c_get(association, association.context_for(GET), QUERY) as responses:
                await anext(responses)
                await responses.cancel()
                last = await responses.final()
            assert (await c_echo(association)).Status == 0
    assert last.Status == 0xFE00
    done, left = last.NumberOfCompletedSuboperations, last.NumberOfRemainingSuboperations
    assert done is not None
    assert left is not None
    assert done + left == 5
    assert len(ours.instances) == done < 5


async def test_c_cancel_closes_the_instances() -> None:
    archive, ours, closed = Archive(*DOES), Archive(), list[bool]()

    async def one_by_one() -> AsyncGenerator[Dataset, None]:
        try:
            for kept in DOES:
                yield kept
        finally:
            closed.append(True)

    instances = one_by_one()  # this name keeps them from being closed as garbage
    archive.handlers = {
        (GET, CGetRQ): lambda operation: send_instances(operation, operation.association, instances, len(DOES))
    }
    async with serve([archive.service], port=0) as server:
        contexts = CONTEXTS | {STORAGE: SYNTAXES}
        async with connect(
            server.host, server.port, contexts, handlers=ours.handlers, user_items=TO_RECEIVE
        ) as association:
            async with c_get(association, association.context_for(GET), QUERY) as responses:
                await anext(responses)
                await responses.cancel()
                assert (await responses.final()).Status == 0xFE00
    assert closed == [True]


async def test_c_move_names_its_originator() -> None:
    destination = Archive()
    async with serve([destination.service], port=0) as there:
        archive = Archive(*DOES, ROE, destinations={"THERE": (there.host, there.port)})
        async with serve([archive.service], port=0) as server:
            async with connect(server.host, server.port, CONTEXTS, calling_ae_title="ASKER") as association:
                context = association.context_for(MOVE)
                async with c_move(association, context, "THERE", QUERY) as responses:
                    *_, last = [response async for response in responses]
                async with c_move(association, context, "NOWHERE", QUERY) as responses:
                    unknown = await responses.final()
    assert isinstance(last, CMoveRSP)
    assert (last.Status, last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations) == (0, 5, 0)
    assert list(destination.instances.values()) == DOES
    origin = {(each.MoveOriginatorApplicationEntityTitle, each.MoveOriginatorMessageID) for each in destination.stored}
    assert origin == {("ASKER", 1)}
    assert (unknown.Status, unknown.ErrorComment) == (0xA801, "Move Destination unknown")


async def test_lost_destination_fails_the_rest_of_a_c_move() -> None:
    async def leave(raw: Raw) -> None:
        contexts = (PresentationContextAC(1, 0, SYNTAXES[0]),)
        await raw.accept(AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=contexts))
        await raw.hear()

    async with raw_server(leave) as port:
        archive = Archive(*DOES, destinations={"THERE": ("127.0.0.1", port)})
        async with serve([archive.service, VERIFICATION], port=0) as server:
            async with connect(server.host, server.port, WITH_ECHO) as association:
                context = association.context_for(MOVE)
                async with c_move(association, context, "THERE", QUERY) as responses:
                    last = await responses.final()
                assert (await c_echo(association)).Status == 0
    assert (last.Status, last.NumberOfFailedSuboperations) == (0xA702, 5)


async def test_echo_succeeds() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            response = await c_echo(association)
    assert (response.Status, response.AffectedSOPClassUID) == (0, Verification)
