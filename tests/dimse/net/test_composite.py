"""C-STORE, C-FIND and C-CANCEL, PS3.7 §9.1, from both sides."""

import asyncio
from unittest.mock import AsyncMock, Mock

import pytest
from archive import CONTEXTS, DOES, FIND, QUERY, ROE, STORAGE, SYNTAXES, Archive, instance
from raw import raw_client, until

from dimse.data import Dataset, decode, encode, syntax_of
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
from dimse.net import VERIFICATION, Association, Record, Service, connect, serve
from dimse.net.agreement import Agreement
from dimse.net.scu import c_echo, c_find, c_store, dataset_of
from dimse.uids import ExplicitVRLittleEndian, Verification
from dimse.ul import (
    AssociateAC,
    AssociateRQ,
    PresentationContextAC,
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


JPEG, JPEG_2000 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"


def compressed() -> Dataset:
    """Return an instance as it is read from a file in JPEG Baseline."""
    made = ROE.copy()
    made.PixelData = [b"", b"\xff\xd8\xff\xd9"]
    return decode(encode(made, syntax_of(JPEG)), syntax_of(JPEG))


@pytest.mark.parametrize(("sent", "context_id"), [(compressed(), 5), (ROE, 3)])
async def test_c_store_uses_the_context_that_suits_the_pixels(sent: Dataset, context_id: int) -> None:
    """PS3.8 §9.3.2.2: a requestor of C-GET may propose a context for each transfer syntax."""
    syntaxes = {1: JPEG_2000, 3: ExplicitVRLittleEndian, 5: JPEG}
    proposed = tuple(PresentationContextRQ(number, STORAGE, (uid,)) for number, uid in syntaxes.items())
    answered = tuple(PresentationContextAC(number, 0, uid) for number, uid in syntaxes.items())
    request = AssociateRQ(called_ae_title="A", calling_ae_title="B", presentation_contexts=proposed)
    accept = AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=answered)
    agreement = Agreement(request, accept, is_requestor=False)
    association = Mock(agreement=agreement, context_for=agreement.context_for, request=AsyncMock())
    association.next_message_id.return_value = 1
    await c_store(association, sent)
    context, _ = association.request.call_args.args
    assert context.id == context_id


async def test_c_store_sends_no_frames_of_another_compression() -> None:
    """The receiver would read the frames of JPEG as JPEG 2000."""
    async with serve([Service({STORAGE: (JPEG_2000,)}, {})], port=0) as server:
        async with connect(server.host, server.port, {STORAGE: (JPEG_2000, JPEG)}) as association:
            with pytest.raises(EncodeError, match="cannot be sent in JPEG 2000"):
                await c_store(association, compressed())


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
    archive.waits_after = 3
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
        assert statuses == [0xFF00] * 3 + [0xFE00]


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
