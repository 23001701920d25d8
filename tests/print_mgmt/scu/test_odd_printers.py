"""Quirks of real printers: each is tolerated, and the film is printed once."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from printers import Odd, gray
from raw import Raw, raw_server

from dimse.data import Dataset
from dimse.errors import AssociationAborted, AssociationRejected, ContextNotAccepted, RemoteProtocolError
from dimse.message import NActionRQ, NCreateRQ, NCreateRSP, NDeleteRQ, NGetRQ, NSetRQ, Request
from dimse.net import Association, Limits, Operation, Timeouts
from dimse.net.scu import n_event_report
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ImplicitVRLittleEndian,
    PrinterConfigurationRetrieval,
    PrinterInstance,
    new_uid,
)
from dimse.uids import Printer as PrinterClass
from dimse.ul import (
    AssociateAC,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextAC,
    RoleSelection,
    SOPClassExtendedNegotiation,
)
from print_mgmt import PrintClient, PrintFailed
from print_mgmt.model import reference
from print_mgmt.scu import Answered, Printable, connection, operations
from print_mgmt.service import Answer


async def test_unreadable_n_action_response_counts_as_printed() -> None:
    odd = Odd(raw=lambda message: b"garbage" if isinstance(message, NActionRQ) else None)
    async with odd.client() as client:
        report = await client.print_images([gray(1)])
    assert (report.films, odd.printed) == (1, 1)


@pytest.mark.parametrize("status", [0x0110, 0x0112, 0x0118, 0x0119, 0x0122, 0x0123, 0x0211])
async def test_session_is_printed_if_film_boxes_are_not(status: int) -> None:
    """From then on, film boxes are not tried."""

    def only_session(message: Request) -> Answer | None:
        wrong = isinstance(message, NActionRQ) and message.RequestedSOPClassUID == BasicFilmBox
        return Answer(Status=status) if wrong else None

    odd = Odd(only_session)
    async with odd.client() as client:
        report = await client.print_images([gray(1)] * 3)
    assert (report.films, odd.printed) == (3, 3)
    assert odd.asked.count("NActionRQ") == 4


async def test_undeleted_film_box_is_not_printed_twice() -> None:
    def change(message: Request) -> Answer | None:
        wrong = isinstance(message, NActionRQ) and message.RequestedSOPClassUID == BasicFilmBox
        kept = isinstance(message, NDeleteRQ) and message.RequestedSOPClassUID == BasicFilmBox
        return Answer(Status=0x0211) if wrong or kept else None

    odd = Odd(change)
    async with odd.client() as client:
        await client.print_images([gray(1)] * 3)
    assert odd.printed == 3


async def test_first_refusal_of_n_action_is_reported() -> None:
    def change(message: Request) -> Answer | None:
        if not isinstance(message, NActionRQ):
            return None
        return Answer(Status=0x0123 if message.RequestedSOPClassUID == BasicFilmBox else 0x0110)

    odd = Odd(change)
    async with odd.client() as client:
        with pytest.raises(PrintFailed, match="0123H"):
            await client.print_images([gray(1)])


@pytest.mark.parametrize("action", ["film", "session"])
async def test_chosen_action_is_the_only_one_tried(action: str) -> None:
    def change(message: Request) -> Answer | None:
        if not isinstance(message, NActionRQ):
            return None
        expected = BasicFilmBox if action == "film" else BasicFilmSession
        assert message.RequestedSOPClassUID == expected
        return Answer(Status=0x0123)

    odd = Odd(change)
    async with odd.client(action=action) as client:
        with pytest.raises(PrintFailed):
            await client.print_images([gray(1)])
    assert odd.asked.count("NActionRQ") == 1


async def test_full_queue_is_not_retried() -> None:
    """To try the session after C602 could print twice."""
    odd = Odd(lambda message: Answer(Status=0xC602) if isinstance(message, NActionRQ) else None)
    async with odd.client() as client:
        with pytest.raises(PrintFailed, match="C602H"):
            await client.print_images([gray(1)])
    assert odd.asked.count("NActionRQ") == 1


async def test_missing_image_boxes_are_an_error() -> None:
    def change(message: Request) -> Answer | None:
        film = isinstance(message, NCreateRQ) and message.AffectedSOPClassUID == BasicFilmBox
        return Answer() if film else None

    odd = Odd(change)
    async with odd.client() as client:
        with pytest.raises(RemoteProtocolError, match="film 1: the printer returned no image boxes"):
            await client.print_images([gray(1)])


async def test_unanswered_n_delete_does_not_stop_a_print(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kodak: the client waits briefly; the film is printed."""

    async def mute(_: Association, operation: Operation) -> None:
        if isinstance(operation.message, NDeleteRQ):
            await asyncio.Event().wait()

    monkeypatch.setattr(operations, "_PATIENCE", 0.05)
    odd = Odd(before=mute)
    async with odd.client(timeouts=Timeouts(release=0.05)) as client:
        report = await client.print_images([gray(1)])
    assert (report.films, odd.printed) == (1, 1)


async def test_event_is_answered_on_its_context() -> None:
    """PS3.4 H.4.6.2: also before the response."""
    statuses = []

    async def event_first(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NSetRQ):
            event = await n_event_report(association, operation.context, PrinterClass, PrinterInstance, 2, Dataset())
            statuses.append((event.Status, event.MessageIDBeingRespondedTo))

    odd = Odd(before=event_first)
    async with odd.client() as client:
        await client.print_images([gray(1)] * 2)
        assert [str(event) for event in client.events.of(PrinterInstance)] == ["Warning", "Warning"]
    assert statuses == [(0, 1), (0, 2)]


async def test_error_names_the_missing_sop_class() -> None:
    odd = Odd()
    with pytest.raises(ContextNotAccepted, match="Basic Color Print Management Meta"):
        async with odd.client(color=True):
            pass


# --- observed quirks ---


async def test_meta_sop_class_for_image_boxes_is_tolerated() -> None:
    """N-SET uses the negotiated class."""

    def ctn(message: Request) -> Answer | None:
        if not isinstance(message, NCreateRQ) or message.AffectedSOPClassUID != BasicFilmBox:
            return None
        dataset = Dataset()
        dataset.ReferencedImageBoxSequence = [reference(BasicGrayscalePrintManagementMeta, "1.2.3.4")]
        return Answer(dataset=dataset)

    asked: list[tuple[str, str]] = []

    def answer(message: Request) -> Answer | None:
        if isinstance(message, NSetRQ):
            asked.append((message.RequestedSOPClassUID, message.RequestedSOPInstanceUID))
        return ctn(message) or (Answer() if isinstance(message, NSetRQ | NActionRQ) else None)

    async with Odd(answer).client() as client:
        assert (await client.print_images([gray(1)])).films == 1
    assert asked == [(BasicGrayscaleImageBox, "1.2.3.4")]


@pytest.mark.parametrize("cells", [1, 3])
async def test_wrong_number_of_image_boxes_is_tolerated(cells: int) -> None:
    """Konica and GE: a film has one image for each box of the printer."""

    def boxes(message: Request) -> Answer | None:
        if isinstance(message, NSetRQ | NActionRQ):
            return Answer()
        if not isinstance(message, NCreateRQ) or message.AffectedSOPClassUID != BasicFilmBox:
            return None
        dataset = Dataset()
        dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, new_uid()) for _ in range(cells)]
        return Answer(dataset=dataset)

    odd = Odd(boxes)
    async with odd.client() as client:
        report = await client.print_images([gray(1)] * 6, ImageDisplayFormat=r"STANDARD\1,2")
    assert (report.films, report.images) == (6 // cells, 6)


@pytest.mark.parametrize("status", [0x0107, 0x0116, 0xB600, 0xB601, 0xB602, 0xB603, 0xB604, 0xB605, 0xB609, 0xB60A])
async def test_warnings_do_not_stop_a_print(status: int) -> None:
    """Warnings of all operations are reported, with the operation and the meaning."""

    def warn(message: Request) -> Answer | None:
        return Answer(Status=status) if isinstance(message, NSetRQ | NActionRQ) else None

    async with Odd(warn).client() as client:
        report = await client.print_images([gray(1)])
    assert report.films == 1
    assert [warning.partition(":")[0] for warning in report.warnings] == [
        "N-SET of image 1 of film 1",
        "N-ACTION (Print) of film 1",
    ]
    assert all(f"{status:04X}H" in warning for warning in report.warnings)
    assert [answer.Status for answer in report.answers] == [0, 0, status, status]


@pytest.mark.parametrize("status", [0x0106, 0x0120, 0xC603, 0xC605, 0xC613])
async def test_failure_deletes_the_instances(status: int) -> None:
    odd = Odd(lambda message: Answer(Status=status) if isinstance(message, NSetRQ) else None)
    async with odd.client() as client:
        with pytest.raises(PrintFailed, match=f"N-SET of image 1 of film 1: status {status:04X}H"):
            await client.print_images([gray(1)])
    assert odd.asked == ["NCreateRQ", "NCreateRQ", "NSetRQ", "NDeleteRQ", "NDeleteRQ"]
    assert odd.printed == 0


async def test_n_get_tolerates_0105() -> None:
    """dcmprscp answers 0105 for any attribute that it lacks."""
    odd = Odd(lambda message: Answer(Status=0x0105) if isinstance(message, NGetRQ) else None)
    async with odd.client() as client:
        assert len(await client.printer()) == 0
        assert "0105H" in client.warnings[0]
        assert client.answers == [Answered("N-GET of the printer", 0x0105)]
        assert (await client.print_images([gray(1)], reduce=True)).films == 1


@pytest.mark.parametrize("way", ["abort", "silence"])
async def test_missing_configuration_does_not_stop_a_print(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the printer aborts, the association is reopened; if it is silent, the client waits only briefly."""
    monkeypatch.setattr(connection, "_PATIENCE", 0.05)
    given_up = asyncio.Event()

    async def stream() -> AsyncIterator[Printable]:
        given_up.set()
        yield gray(1)

    async def odd_get(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NGetRQ):
            if way == "abort":
                association.abort()
            await given_up.wait()  # and a late answer is ignored

    odd = Odd(before=odd_get, contexts=(BasicGrayscalePrintManagementMeta, PrinterConfigurationRetrieval))
    async with odd.client(bits="auto") as client:
        report = await client.print_images(stream(), reduce=True)
        assert await client.box_size() is None
    assert (report.films, odd.printed, odd.asked.count("NGetRQ")) == (1, 1, 1)


async def test_action_data_sends_a_data_set() -> None:
    odd = Odd()
    async with odd.client() as client:
        await client.print_images([gray(1)])
    async with odd.client(action_data=True) as client:
        await client.print_images([gray(1)])
    without, given = odd.data
    assert not without
    assert given is not None
    assert given.SpecificCharacterSet == "ISO_IR 100"


async def test_unexpected_role_selection_is_tolerated() -> None:
    """Some printers answer SCU 0, SCP 1; the request had none, so the default roles apply (PS3.7 D.3.3.4)."""
    roles = AssociateAC(
        called_ae_title="PRINTSCP",
        calling_ae_title="PRINTSCU",
        presentation_contexts=(PresentationContextAC(1, 0, ImplicitVRLittleEndian),),
        user_information=(
            MaximumLength(16384),
            RoleSelection(BasicGrayscalePrintManagementMeta, scu=False, scp=True),
        ),
    )

    async def behave(raw: Raw) -> None:
        await raw.accept(roles)
        context, message = await raw.hear()
        assert isinstance(message, NCreateRQ)
        raw.say(NCreateRSP(MessageIDBeingRespondedTo=message.MessageID, Status=0xC600), context_id=context)
        await raw.receive()

    async with raw_server(behave) as port:
        with pytest.raises(PrintFailed, match="film session"):
            async with PrintClient("127.0.0.1", port) as client:
                await client.print_images([gray(1)])


async def test_unknown_rejection_numbers_are_shown() -> None:
    """Source 3 and reason 56 have been observed; PS3.8 Table 9-21 has no such pair."""

    async def behave(raw: Raw) -> None:
        await raw.receive()
        raw.writer.write(bytes.fromhex("0300 00000004 00 01 03 38"))

    async with raw_server(behave) as port:
        with pytest.raises(AssociationRejected, match=r"reason 56 \(reserved\)"):
            async with PrintClient("127.0.0.1", port):
                pass


async def test_undecodable_names_are_tolerated() -> None:
    """Characters beyond ISO 646 in A-ASSOCIATE-AC refuse only their context."""
    odd = b"\xe2\x80\x8b".decode("ascii", "surrogateescape")
    answer = AssociateAC(
        called_ae_title=f"PRINT{odd}",
        calling_ae_title="PRINTSCU",
        application_context_name=f"1.2.840.10008.3.1.1.1{odd}",
        presentation_contexts=(
            PresentationContextAC(1, 0, ImplicitVRLittleEndian),
            PresentationContextAC(3, 0, f"{ImplicitVRLittleEndian}{odd}"),
            PresentationContextAC(5, 3, odd),
        ),
        user_information=(
            MaximumLength(16384),
            ImplementationClassUID(f"1.2{odd}"),
            ImplementationVersionName(f"V{odd}"),
            RoleSelection(f"1.2{odd}", scu=True, scp=True),
            SOPClassExtendedNegotiation(f"1.2{odd}", b""),
        ),
    )

    async def behave(raw: Raw) -> None:
        await raw.accept(answer)
        await raw.receive()

    async with raw_server(behave) as port:
        async with PrintClient("127.0.0.1", port) as client:
            contexts = client.association.contexts
    assert [context.abstract_syntax for context in contexts.values()] == [BasicGrayscalePrintManagementMeta]


def echoing(message: Request) -> bytes | None:
    """Return the image of an N-SET."""
    return bytes(message.Data) if isinstance(message, NSetRQ) and isinstance(message.Data, bytes | memoryview) else None


@pytest.mark.parametrize("rows", [10, 300, 3000])
async def test_echoed_image_is_ignored(rows: int) -> None:
    """It may be as long as the request, even beyond the limit of the client."""
    odd = Odd(raw=echoing)
    async with odd.client(limits=Limits(data_set=1 << 14)) as client:
        report = await client.print_images([gray(1, rows, 300)] * 2)
    assert (report.films, odd.printed) == (2, 2)


async def test_data_beyond_an_echo_aborts() -> None:
    odd = Odd(raw=lambda message: bytes(1 << 20) if isinstance(message, NSetRQ) else None)
    async with odd.client(limits=Limits(data_set=1 << 14)) as client:
        with pytest.raises(AssociationAborted, match="data_set"):
            await client.print_images([gray(1)])


async def test_failure_has_all_details_of_the_response() -> None:
    """PS3.7 Annex C: Offending Element, Error ID, Attribute Identifier List."""

    async def behave(raw: Raw) -> None:
        await raw.accept(accepting)
        context, message = await raw.hear()
        assert isinstance(message, NCreateRQ)
        response = NCreateRSP(
            MessageIDBeingRespondedTo=message.MessageID,
            Status=0x0106,
            ErrorComment="no\x1b",
            OffendingElement=(0x20100010,),
            ErrorID=0x1F,
            AttributeIdentifierList=(0x20000010, 0x00091001),
        )
        raw.say(response, context_id=context)
        await raw.receive()

    accepting = AssociateAC(
        called_ae_title="PRINTSCP",
        calling_ae_title="PRINTSCU",
        presentation_contexts=(PresentationContextAC(1, 0, ImplicitVRLittleEndian),),
    )
    async with raw_server(behave) as port:
        with pytest.raises(PrintFailed) as caught:
            async with PrintClient("127.0.0.1", port) as client:
                await client.print_images([gray(1)])
    assert str(caught.value).endswith(
        r": no\x1b [Offending Element (2010,0010) ImageDisplayFormat; Error ID 001FH; "
        r"Attribute Identifier List (2000,0010) NumberOfCopies, (0009,1001)]"
    )
    assert caught.value.offending == (0x20100010, 0x20000010, 0x00091001)
