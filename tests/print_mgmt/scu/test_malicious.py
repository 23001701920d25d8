"""Hostile printers: the client's time and memory are bounded, and its error is one clear line."""

import asyncio
import struct
from collections.abc import Awaitable, Callable

import pytest
from printers import Odd, gray
from raw import Raw, raw_server

from dimse.data import IMPLICIT_LE, Dataset, encode
from dimse.errors import AssociationAborted, ConnectionFailed, DimseError, RemoteProtocolError, ResponseTimeout
from dimse.message import (
    RESPONSES,
    CEchoRSP,
    NCreateRQ,
    NCreateRSP,
    NSetRQ,
    NSetRSP,
    Request,
    Response,
)
from dimse.net import Association, Operation, Timeouts
from dimse.net.scu import n_event_report
from dimse.uids import (
    BasicFilmBox,
    BasicGrayscaleImageBox,
    ImplicitVRLittleEndian,
    Printer,
    PrinterInstance,
    new_uid,
)
from dimse.ul import Abort, AssociateAC, MaximumLength, PresentationContextAC, ReleaseRP, ReleaseRQ
from print_mgmt import PrintClient, PrintReport
from print_mgmt.film import MAX_BOXES
from print_mgmt.model import reference
from print_mgmt.service import Answer

JPEG = "1.2.840.10008.1.2.4.50"
SHORT = Timeouts(connect=0.3, dimse=0.3, release=0.1, linger=0.1, pdu=0.3)
PATIENCE = 10.0  # seconds, far more than any test takes


def accepting(*contexts: PresentationContextAC) -> AssociateAC:
    return AssociateAC(
        called_ae_title="PRINTSCP",
        calling_ae_title="PRINTSCU",
        presentation_contexts=contexts,
        user_information=(MaximumLength(16384),),
    )


GRAY = accepting(PresentationContextAC(1, 0, ImplicitVRLittleEndian))


async def print_one_image(port: int) -> PrintReport:
    async with asyncio.timeout(PATIENCE):
        async with PrintClient("127.0.0.1", port, timeouts=SHORT) as client:
            return await client.print_images([gray(1)])


async def error_of_client(behavior: Callable[[Raw], Awaitable[None]]) -> DimseError:
    """Return the error of the client for a printer."""
    async with raw_server(behavior) as port:
        with pytest.raises(DimseError) as caught:
            await print_one_image(port)
    assert "\n" not in str(caught.value)
    return caught.value


# --- the association ---


async def test_repeated_acceptance_aborts() -> None:
    """PS3.8 Table 9-10: A-ASSOCIATE-AC in Sta6 is AA-8."""

    async def endless(raw: Raw) -> None:
        await raw.accept(GRAY)
        try:
            while True:
                raw.send(GRAY)
                await raw.writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass

    assert isinstance(await error_of_client(endless), AssociationAborted)


@pytest.mark.parametrize("length", [0xFFFFFFFF, 1 << 24])
async def test_endless_acceptance_aborts(length: int) -> None:
    """Its header is enough, before memory is taken."""

    async def drip(raw: Raw) -> None:
        await raw.receive()
        raw.writer.write(struct.pack(">BxI", 2, length) + bytes(1000))
        await raw.receive()

    assert isinstance(await error_of_client(drip), AssociationAborted)


async def test_unfinished_acceptance_times_out() -> None:
    async def stall(raw: Raw) -> None:
        await raw.receive()
        raw.writer.write(struct.pack(">BxI", 2, 100_000) + bytes(100))
        await raw.receive()

    assert isinstance(await error_of_client(stall), ConnectionFailed | AssociationAborted)


@pytest.mark.parametrize(
    "answer",
    [
        accepting(PresentationContextAC(99, 0, ImplicitVRLittleEndian)),
        accepting(PresentationContextAC(1, 0, JPEG)),
        accepting(),
        accepting(*[PresentationContextAC(1, 4, ImplicitVRLittleEndian)] * 2),
    ],
    ids=["never-proposed", "other-syntax", "none", "twice"],
)
async def test_wrong_contexts_are_an_error(answer: AssociateAC) -> None:
    async def odd(raw: Raw) -> None:
        while await raw.receive() is not None:
            raw.send(answer)
            if isinstance(await raw.receive(), ReleaseRQ):
                raw.send(ReleaseRP())
            return

    await error_of_client(odd)


# --- responses ---


async def test_unexpected_responses_are_ignored() -> None:
    """A flood of responses to other Message IDs is ignored, and the right one is found."""

    async def floods(raw: Raw) -> None:
        await raw.accept(GRAY)
        while True:
            context, message = await raw.hear()
            assert isinstance(message, Request)
            for number in range(50):
                stray = NSetRSP(MessageIDBeingRespondedTo=1000 + number, Status=0xC605)
                raw.say(stray, context_id=context)
            raw.say(answer_to(message), context_id=context)

    async with raw_server(until_released(floods)) as port:
        report = await print_one_image(port)
    assert (report.films, report.warnings) == (1, ())


async def test_unexpected_responses_time_out() -> None:
    async def strays(raw: Raw) -> None:
        await raw.accept(GRAY)
        context, _ = await raw.hear()
        raw.say(NCreateRSP(MessageIDBeingRespondedTo=77, Status=0), context_id=context)
        await raw.receive()

    assert isinstance(await error_of_client(strays), ResponseTimeout | AssociationAborted)


async def test_response_of_another_service_is_an_error() -> None:
    async def echoes(raw: Raw) -> None:
        await raw.accept(GRAY)
        context, message = await raw.hear()
        assert isinstance(message, Request)
        raw.say(CEchoRSP(MessageIDBeingRespondedTo=message.MessageID, Status=0), context_id=context)
        await raw.receive()

    assert isinstance(await error_of_client(echoes), RemoteProtocolError | AssociationAborted)


async def test_unanswered_release_times_out() -> None:
    """The film is printed by then."""

    async def rude(raw: Raw) -> None:
        await raw.accept(GRAY)
        for _ in range(6):
            context, message = await raw.hear()
            assert isinstance(message, Request)
            raw.say(answer_to(message), context_id=context)
        assert isinstance(await raw.receive(), ReleaseRQ)
        assert isinstance(await raw.receive(), Abort)

    async with raw_server(rude) as port:
        assert (await print_one_image(port)).films == 1


async def test_endless_events_time_out() -> None:
    """Events do not extend the time for the response."""

    async def flood(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NCreateRQ):
            while association.is_open:
                await n_event_report(association, operation.context, Printer, PrinterInstance, 2, Dataset())

    with pytest.raises(ResponseTimeout, match=r"no response to NCreateRQ within 0\.3 s"):
        async with asyncio.timeout(PATIENCE), Odd(before=flood).client(timeouts=SHORT) as client:
            await client.print_images([gray(1)])


# --- image boxes ---


def boxes(*uids: str) -> Callable[[Request], Answer | None]:
    """Answer N-CREATE of a film box with these image boxes."""

    def change(message: Request) -> Answer | None:
        if not isinstance(message, NCreateRQ) or message.AffectedSOPClassUID != BasicFilmBox:
            return None
        dataset = Dataset()
        dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, uid) for uid in uids]
        return Answer(dataset=dataset)

    return change


@pytest.mark.parametrize(
    ("uids", "words"),
    [
        (("1.2.3", "1.2.4", "1.2.3"), "N-CREATE of film 1: ReferencedImageBoxSequence names an instance twice"),
        (tuple(new_uid() for _ in range(MAX_BOXES + 1)), "ReferencedImageBoxSequence has 257 items, more than 256"),
        ((), "the printer returned no image boxes"),
        (("", ""), "image box 1 without a Referenced SOP Instance UID"),
        (("1.2.3", "", "1.2.4"), "image box 2 without a Referenced SOP Instance UID"),
        (("", "1.2.3"), "image box 1 without a Referenced SOP Instance UID"),
        (("1.2.3", ""), "image box 2 without a Referenced SOP Instance UID"),
    ],
    ids=["twice", "many", "none", "nameless", "gap", "first", "last"],
)
async def test_wrong_image_boxes_are_an_error(uids: tuple[str, ...], words: str) -> None:
    """Two images in one box would lose one of them."""
    odd = Odd(boxes(*uids))
    async with odd.client() as client:
        with pytest.raises(RemoteProtocolError, match=words):
            await client.print_images([gray(1)])
    assert odd.asked[-1] == "NDeleteRQ"


@pytest.mark.parametrize("count", [100_000, 1_000_000])
async def test_million_image_boxes_are_an_error(count: int) -> None:
    """8 bytes an item: refused while decoding, or as soon as they are counted."""
    empty = struct.pack("<HHI", 0xFFFE, 0xE000, 0)
    body = struct.pack("<HHI", 0x2010, 0x0510, count * len(empty)) + empty * count

    def raw(message: Request) -> bytes | None:
        film = isinstance(message, NCreateRQ) and message.AffectedSOPClassUID == BasicFilmBox
        return body if film else None

    with pytest.raises(DimseError) as caught:
        async with asyncio.timeout(PATIENCE), Odd(raw=raw).client(implicit_only=True) as client:
            await client.print_images([gray(1)])
    assert "\n" not in str(caught.value)


async def test_absurdly_long_response_aborts() -> None:
    """A client has a limit of 16 MiB; only servers receive images."""

    def raw(message: Request) -> bytes | None:
        return bytes((1 << 24) + 2) if isinstance(message, NCreateRQ) else None

    with pytest.raises(AssociationAborted, match="data_set"):
        async with asyncio.timeout(PATIENCE), Odd(raw=raw).client() as client:
            await client.print_images([gray(1)])


async def test_printer_texts_are_harmless_to_a_terminal() -> None:
    odd = Odd(lambda message: Answer(Status=0xC605, comment="\x1b[31mred\x07") if isinstance(message, NSetRQ) else None)
    async with odd.client() as client:
        with pytest.raises(DimseError) as caught:
            await client.print_images([gray(1)])
    assert "C605H" in str(caught.value)


# --- a minimal printer ---


def answer_to(message: Request) -> Response:
    """Return success, and one image box for a film box."""
    data = None
    if isinstance(message, NCreateRQ) and message.AffectedSOPClassUID == BasicFilmBox:
        dataset = Dataset()
        dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, "1.2.3")]
        data = encode(dataset, IMPLICIT_LE)
    return RESPONSES[type(message)](MessageIDBeingRespondedTo=message.MessageID, Status=0, Data=data)


def until_released(behavior: Callable[[Raw], Awaitable[None]]) -> Callable[[Raw], Awaitable[None]]:
    """Return ``behavior`` up to the release request, which is answered."""

    async def behave(raw: Raw) -> None:
        try:
            await behavior(raw)
        except AssertionError:
            raw.send(ReleaseRP())

    return behave
