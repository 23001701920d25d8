"""C-STORE, C-FIND and C-CANCEL, PS3.7 §9.1, from both sides."""

import asyncio

import pytest
from archive import CONTEXTS, DOES, FIND, QUERY, ROE, STORAGE, SYNTAXES, Archive, instance
from raw import raw_client, until

from dimse.data import Dataset
from dimse.errors import (
    ContextNotAccepted,
    EncodeError,
)
from dimse.message import (
    CCancelRQ,
    CFindRQ,
    CFindRSP,
    Response,
    is_pending,
)
from dimse.net import VERIFICATION, Association, Record, connect, serve
from dimse.net.scu import c_echo, c_find, c_store, dataset_of
from dimse.uids import Verification
from dimse.ul import (
    AssociateRQ,
    PresentationContextRQ,
)

WITH_ECHO = CONTEXTS | {Verification: SYNTAXES}


async def find(association: Association, query: Dataset = QUERY) -> list[Response]:
    async with c_find(association, association.context_for(FIND), query) as responses:
        return [response async for response in responses]


async def test_c_store_uses_the_context_of_its_sop_class() -> None:
    archive = Archive()
    async with serve([archive.service], port=0) as server:
        async with connect(server.host, server.port, {FIND: SYNTAXES, STORAGE: SYNTAXES}) as association:
            response = await c_store(association, ROE, Priority=1)
    assert (response.Status, response.AffectedSOPClassUID) == (0, STORAGE)
    assert archive.instances == {ROE.SOPInstanceUID: ROE}
    (stored,) = archive.stored
    assert (stored.Priority, stored.MoveOriginatorMessageID) == (1, None)


@pytest.mark.parametrize(
    ("instance", "error", "words"),
    [
        (Dataset(SOPClassUID=STORAGE), EncodeError, "SOPInstanceUID: missing"),
        (
            Dataset(SOPClassUID="1.2", SOPInstanceUID="1.3"),
            ContextNotAccepted,
            "no presentation context for 1.2 was proposed",
        ),
    ],
    ids=["without a SOP Instance UID", "without a context"],
)
async def test_instance_that_cannot_be_sent_is_not_stored(
    instance: Dataset, error: type[Exception], words: str
) -> None:
    archive = Archive()
    async with serve([archive.service], port=0) as server:
        async with connect(server.host, server.port, {FIND: SYNTAXES, STORAGE: SYNTAXES}) as association:
            with pytest.raises(error, match=words):
                await c_store(association, instance)
    assert archive.instances == {}


async def test_c_find_has_a_pending_response_for_each_match() -> None:
    async with serve([Archive(*DOES, ROE).service], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS) as association:
            responses = await find(association)
            context = association.context_for(FIND)
            names = [str(dataset_of(association, context, each).PatientName) for each in responses[:-1]]
    assert [response.Status for response in responses] == [0xFF00] * 5 + [0x0000]
    assert names == [f"Doe^{number}" for number in range(5)]
    assert responses[-1].Data is None


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


async def test_slow_reader_loses_no_responses() -> None:
    """Unread matches stay in the kernel."""
    received: list[Record] = []
    archive = Archive(*(instance("Doe", number) for number in range(2000)))
    async with serve([archive.service], port=0) as server:
        async with connect(server.host, server.port, CONTEXTS, trace=received.append) as association:
            async with c_find(association, association.context_for(FIND), QUERY) as responses:
                first = await anext(responses)
                for _ in range(200):  # iterations of the loop without reading
                    await asyncio.sleep(0)
                held = sum(isinstance(record.what, CFindRSP) for record in received)
                rest = [response async for response in responses]
    assert is_pending(first.Status)
    assert len(rest) == 2000
    assert held < 2000


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
