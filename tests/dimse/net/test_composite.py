"""C-STORE, C-FIND, C-GET and C-MOVE, PS3.7 §9.1, from both sides."""

import asyncio

import pytest
from archive import FIND, GET, MOVE, STORAGE, SYNTAXES, Archive, instance
from raw import ECHO, Raw, raw_client, raw_server, until

from dimse.data import Dataset
from dimse.errors import (
    AssociationAborted,
    ContextNotAccepted,
    EncodeError,
    LocalProtocolError,
    ResponseTimeout,
)
from dimse.limits import Timeouts
from dimse.message import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CFindRQ,
    CFindRSP,
    CMoveRSP,
    CStoreRQ,
    Response,
    is_pending,
)
from dimse.net import VERIFICATION, Association, Operation, connect, serve
from dimse.net.scu import c_echo, c_find, c_get, c_move, c_store, dataset_of
from dimse.uids import Verification
from dimse.ul import (
    Abort,
    AssociateAC,
    AssociateRQ,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
)

QUERY = Dataset(QueryRetrieveLevel="STUDY", PatientName="Doe*", StudyInstanceUID="")
DOES = [instance(f"Doe^{number}", number) for number in range(5)]
ROE = instance("Roe", 9)
CONTEXTS: dict[str, tuple[str, ...]] = dict.fromkeys((FIND, GET, MOVE), SYNTAXES)
WITH_ECHO = CONTEXTS | {Verification: SYNTAXES}
TO_RECEIVE = (RoleSelection(STORAGE, scu=True, scp=True),)


async def find(association: Association, query: Dataset = QUERY) -> list[Response]:
    async with c_find(association, association.context_for(FIND), query) as responses:
        return [response async for response in responses]


async def test_c_store_uses_the_context_of_its_sop_class() -> None:
    archive = Archive()
    async with serve([archive.service], port=0) as server:
        async with connect(server.host, server.port, {FIND: SYNTAXES, STORAGE: SYNTAXES}) as association:
            response = await c_store(association, ROE, Priority=1)
            with pytest.raises(EncodeError, match="SOPInstanceUID: missing"):
                await c_store(association, Dataset(SOPClassUID=STORAGE))
            with pytest.raises(ContextNotAccepted):
                await c_store(association, Dataset(SOPClassUID="1.2", SOPInstanceUID="1.3"))
    assert (response.Status, response.AffectedSOPClassUID) == (0, STORAGE)
    assert archive.instances == {ROE.SOPInstanceUID: ROE}
    (stored,) = archive.stored
    assert (stored.Priority, stored.MoveOriginatorMessageID) == (1, None)


async def test_c_find_has_a_pending_response_for_each_match() -> None:
    async with serve([Archive(*DOES, ROE).service], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS) as association:
            responses = await find(association)
            context = association.context_for(FIND)
            names = [str(dataset_of(association, context, each).PatientName) for each in responses[:-1]]
    assert [response.Status for response in responses] == [0xFF00] * 5 + [0x0000]
    assert names == [f"Doe^{number}" for number in range(5)]
    assert responses[-1].Data is None


async def test_request_ignores_pending_responses() -> None:
    async with serve([Archive(*DOES).service], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS) as association:
            context = association.context_for(FIND)
            async with c_find(association, context, QUERY) as responses:
                assert (await responses.final()).Status == 0


# --- C-CANCEL ---


@pytest.mark.parametrize("how", ["asked for", "by leaving", "by raising"])
async def test_c_cancel_ends_a_c_find(how: str) -> None:
    """PS3.7 §9.1.2.1.6: the final response has status FE00H."""
    archive = Archive(*(instance("Doe", number) for number in range(6)))
    archive.waits_after = 5
    statuses: list[int] = []
    async with serve([archive.service, VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, WITH_ECHO) as association:
            context = association.context_for(FIND)
            try:
                async with c_find(association, context, QUERY) as responses:
                    async for response in responses:
                        statuses.append(response.Status)
                        if len(statuses) == 3:
                            if how == "by leaving":
                                break
                            if how == "by raising":
                                raise KeyError("mine")
                            await responses.cancel()
                    if how == "asked for":
                        await responses.cancel()  # without effect after the end
            except KeyError:
                assert how == "by raising"
            assert (await c_echo(association)).Status == 0
    assert archive.cancelled == 1
    if how == "asked for":
        assert statuses == [0xFF00] * 5 + [0xFE00]


async def test_c_cancel_reaches_a_waiting_request() -> None:
    """The request is marked, so its first Pending response is not sent."""
    archive = Archive(*DOES)
    request = AssociateRQ(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextRQ(1, FIND, SYNTAXES),)
    )
    query = b"\x08\0\x52\0CS\x06\0STUDY "
    async with serve([archive.service], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        raw.say(
            CFindRQ(MessageID=1, AffectedSOPClassUID=FIND, Data=query),
            CFindRQ(MessageID=2, AffectedSOPClassUID=FIND, Data=query),
            CCancelRQ(MessageIDBeingRespondedTo=2),
            CCancelRQ(MessageIDBeingRespondedTo=3),  # no such request: ignored
        )
        heard = [await raw.hear() for _ in range(7)]
    answers = [message for _, message in heard if isinstance(message, CFindRSP)]
    assert [(each.MessageIDBeingRespondedTo, each.Status) for each in answers] == [
        *[(1, 0xFF00)] * 5,
        (1, 0x0000),
        (2, 0xFE00),
    ]


async def test_operation_without_c_cancel_raises() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, ECHO) as association:
            context = association.context_for(Verification)
            message = CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification)
            async with association.invoke(context, message, CEchoRSP) as responses:
                with pytest.raises(LocalProtocolError, match=r"CEchoRQ has no C-CANCEL \(PS3\.7 §9\.3\.2\.3\)"):
                    await responses.cancel()


async def test_unfinished_canceled_operation_is_aborted() -> None:
    seen: list[object] = []

    async def stubborn(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        seen.append((await raw.hear())[1])
        seen.append(await raw.receive())

    async with raw_server(stubborn) as port:
        with pytest.raises(ResponseTimeout):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(dimse=0.02)) as association:
                async with c_find(association, association.contexts[1], QUERY):
                    pass  # it is canceled here
        await until(lambda: len(seen) == 2)
    assert seen == [CCancelRQ(MessageIDBeingRespondedTo=1), Abort(0, 0)]


async def test_timed_out_c_find_is_awaited_once() -> None:
    async def silent(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        await raw.receive()

    async with raw_server(silent) as port:
        with pytest.raises(ResponseTimeout, match="no response to CFindRQ"):
            async with connect("127.0.0.1", port, ECHO, timeouts=Timeouts(dimse=0.02)) as association:
                async with c_find(association, association.contexts[1], QUERY) as responses:
                    async for _ in responses:
                        pass


async def test_response_of_another_service_is_aborted() -> None:
    async def confused(raw: Raw) -> None:
        await raw.accept()
        _, request = await raw.hear()
        assert isinstance(request, CFindRQ)
        raw.say(CEchoRSP(MessageIDBeingRespondedTo=request.MessageID, Status=0))
        await raw.receive()

    async with raw_server(confused) as port:
        with pytest.raises(AssociationAborted, match="CEchoRSP as the response to CFindRQ"):
            async with connect("127.0.0.1", port, ECHO) as association:
                await find_on(association)


async def find_on(association: Association) -> None:
    async with c_find(association, association.contexts[1], QUERY) as responses:
        await responses.final()


async def test_slow_reader_loses_no_responses() -> None:
    """Unread matches stay in the kernel."""
    archive = Archive(*(instance("Doe", number) for number in range(2000)))
    async with serve([archive.service], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS) as association:
            async with c_find(association, association.context_for(FIND), QUERY) as responses:
                first = await anext(responses)
                held = 0
                for _ in range(200):  # iterations of the loop without reading
                    await asyncio.sleep(0)
                    held = max(held, len(responses._unread))
                rest = [response async for response in responses]
    assert is_pending(first.Status)
    assert len(rest) == 2000
    assert held < 2000


# --- C-GET and C-MOVE ---


async def get(association: Association, query: Dataset = QUERY) -> list[Response]:
    async with c_get(association, association.context_for(GET), query) as responses:
        return [response async for response in responses]


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


async def test_c_find_ends_with_its_association() -> None:
    """The generator of the handler ends at its next response."""
    archive = Archive(*(instance("Doe", number) for number in range(3)))
    archive.waits_after = 2
    async with serve([archive.service], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS) as association:
            async with c_find(association, association.context_for(FIND), QUERY) as responses:
                await anext(responses)
                association.abort()
        await until(lambda: archive.cancelled)
        assert server.associations == set()
