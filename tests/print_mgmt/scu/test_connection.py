"""Contexts that are proposed, Meta SOP Classes first, then single ones; and the UIDs of instances."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from printers import Odd, gray, printer
from raw import Raw, raw_server

from dimse.errors import AssociationRejected, ContextNotAccepted, LocalProtocolError, RemoteProtocolError
from dimse.message import NCreateRQ, Request
from dimse.net import Association, Handlers, Service, serve
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ImplicitVRLittleEndian,
    PresentationLUT,
    PrinterConfigurationRetrieval,
    PrintJob,
    Verification,
)
from dimse.uids import Printer as PrinterClass
from dimse.ul import (
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    MaximumLength,
    PresentationContextAC,
    ReleaseRP,
    ReleaseRQ,
)
from print_mgmt import PrintClient
from print_mgmt.film import PresentationLUT as Table
from print_mgmt.scu import OPTIONAL, connection
from print_mgmt.service import Answer

SINGLE = (BasicFilmSession, BasicFilmBox, BasicGrayscaleImageBox, PrinterClass)


async def test_single_sop_classes_are_enough() -> None:
    """Each operation uses the context of its own SOP Class, on a second association."""
    odd = Odd(contexts=SINGLE)
    async with odd.client() as client:
        proposed = [context.abstract_syntax for context in client.association.contexts.values()]
        report = await client.print_images([gray(1)] * 2)
        assert (await client.printer()).PrinterStatus == "NORMAL"
    assert set(proposed) == set(SINGLE)
    assert (report.films, odd.printed) == (2, 2)


@pytest.mark.parametrize("color", [None, False, True, "prefer", "avoid"])
async def test_refused_contexts_cost_two_associations(color: Any) -> None:
    begun: list[Association] = []

    @asynccontextmanager
    async def opened(association: Association) -> AsyncIterator[Handlers]:
        begun.append(association)
        yield {}

    async with serve([Service({Verification: (ImplicitVRLittleEndian,)}, opened)], port=0) as server:
        with pytest.raises(ContextNotAccepted, match=r"^the peer accepts neither .* nor the SOP Classes in (it|them)$"):
            await PrintClient(server.host, server.port, color=color).__aenter__()
    assert len(begun) == 2


async def test_avoided_color_is_proposed_second() -> None:
    async with Odd(contexts=(BasicColorPrintManagementMeta,)).client(color="avoid") as client:
        rq = client.association.associate_rq
        assert (client.is_color, rq is None) == (True, False)
    assert rq is not None
    second = [context.abstract_syntax for context in rq.presentation_contexts]
    assert second == [BasicColorPrintManagementMeta, *second[1:]]
    assert BasicGrayscalePrintManagementMeta not in second


async def test_part_of_the_sop_classes_is_not_enough() -> None:
    with pytest.raises(ContextNotAccepted, match="nor the SOP Classes in it"):
        async with Odd(contexts=SINGLE[:2]).client():
            pass


def test_optional_sop_classes_leave_out_presentation_lut() -> None:
    """With a context for it, dcmprscp refuses images without a LUT."""
    assert (BasicAnnotationBox, PrintJob, PrinterConfigurationRetrieval) == OPTIONAL


async def test_client_proposes_only_the_meta_sop_class_on_request() -> None:
    async with printer() as (server, _):
        async with PrintClient(server.host, server.port, optional=()) as client:
            rq = client.association.associate_rq
            assert rq is not None
            assert [each.abstract_syntax for each in rq.presentation_contexts] == [BasicGrayscalePrintManagementMeta]


async def test_presentation_lut_is_proposed_when_it_is_used() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, optional=()) as client:
            await client.print_images([gray(1)], presentation_lut=Table(shape="LIN OD"))
            rq = client.association.associate_rq
            assert rq is not None
            assert PresentationLUT in [each.abstract_syntax for each in rq.presentation_contexts]
    assert films[0].sheet.presentation_lut is not None


async def test_implicit_only_proposes_one_syntax() -> None:
    async with printer() as (server, _):
        async with PrintClient(server.host, server.port, implicit_only=True) as client:
            rq = client.association.associate_rq
            assert rq is not None
            assert {each.transfer_syntaxes for each in rq.presentation_contexts} == {(ImplicitVRLittleEndian,)}


async def test_color_none_takes_either_meta_sop_class() -> None:
    """The client proposes both, and prefers grayscale."""
    for contexts, is_color in (((BasicColorPrintManagementMeta,), True), ((BasicGrayscalePrintManagementMeta,), False)):
        async with Odd(contexts=contexts).client(color=None) as client:
            await client.print_images([gray(1)])
            assert client.is_color == is_color


def without_uid(message: Request) -> Answer | None:
    """Refuse N-CREATE with a UID."""
    named = isinstance(message, NCreateRQ) and message.AffectedSOPInstanceUID is not None
    return Answer(Status=0x0117) if named else None


async def test_refused_uid_is_left_out_from_then_on() -> None:
    """0117, invalid object instance: from then on, no UID is proposed."""
    odd = Odd(without_uid)
    async with odd.client() as client:
        assert (await client.print_images([gray(1)])).films == 1
    assert odd.asked.count("NCreateRQ") == 3


async def test_own_uids_false_sends_no_uid() -> None:
    odd = Odd(without_uid)
    async with odd.client(own_uids=False) as client:
        assert (await client.print_images([gray(1)])).films == 1
    assert odd.asked.count("NCreateRQ") == 2


async def test_missing_uid_is_an_error() -> None:
    """PS3.7 10.1.5.1.4: the SCP must assign it if the SCU does not."""
    odd = Odd(lambda message: Answer() if isinstance(message, NCreateRQ) else None)
    async with odd.client(own_uids=False) as client:
        with pytest.raises(RemoteProtocolError, match="N-CREATE of the film session: the printer returned no UID"):
            await client.print_images([gray(1)])


async def test_closed_client_prints_nothing() -> None:
    with pytest.raises(LocalProtocolError, match="async with"):
        await PrintClient("127.0.0.1", 1).print_images([gray(1)])


# --- the block of a client ---


async def test_closed_client_opens_no_association() -> None:
    async with printer() as (server, films):
        client = PrintClient(server.host, server.port)
        async with client:
            pass
        for call in (client.print_images([gray(1)]), client.printer(), client.display_format(1)):
            with pytest.raises(LocalProtocolError, match="the client is not open: use it in `async with`"):
                await call
        with pytest.raises(LocalProtocolError, match="not open"):
            async with client.film_session():
                pass
        with pytest.raises(LocalProtocolError, match="not open"):
            _ = client.association
    assert films == []


async def test_closed_client_keeps_its_answers() -> None:
    async with printer() as (server, _):
        async with PrintClient(server.host, server.port) as client:
            report = await client.print_images([], NumberOfCopies=1)
            await client.printer()
    assert report.films == 0
    assert [answer.operation for answer in client.answers] == ["N-GET of the printer"]


async def test_closed_client_may_be_reentered() -> None:
    async with printer() as (server, films):
        client = PrintClient(server.host, server.port)
        for _ in range(2):
            async with client:
                await client.print_images([gray(1)])
    assert len(films) == 2


async def test_open_client_cannot_be_entered() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises(LocalProtocolError, match="the client is already open"):
                await client.__aenter__()
            await client.print_images([gray(1)])
    assert len(films) == 1


# --- a printer that rejects an association ---


ACCEPTANCE = AssociateAC(
    called_ae_title="PRINTSCP",
    calling_ae_title="PRINTSCU",
    presentation_contexts=(PresentationContextAC(1, 0, ImplicitVRLittleEndian),),
    user_information=(MaximumLength(16384),),
)


class Refusing:
    """A printer that gives these answers to association requests in turn, then accepts; ``asked`` has the requests."""

    def __init__(self, *answers: AssociateAC | AssociateRJ | Abort) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []

    async def __call__(self, raw: Raw) -> None:
        request = await raw.receive()
        assert isinstance(request, AssociateRQ)
        self.asked.append([context.abstract_syntax for context in request.presentation_contexts])
        if self.answers:
            raw.send(self.answers.pop(0))
        else:
            raw.send(ACCEPTANCE)
        if await raw.receive() == ReleaseRQ():
            raw.send(ReleaseRP())


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PAUSE", 0.0)


@pytest.mark.parametrize(
    "answer", [AssociateRJ(1, 1, 1), AssociateRJ(1, 2, 1), AssociateRJ(2, 3, 2), Abort(2, 0), Abort(0, 0)]
)
async def test_rejected_client_proposes_the_meta_sop_class_alone(answer: AssociateRJ | Abort) -> None:
    refusing = Refusing(answer)
    async with raw_server(refusing) as port:
        async with PrintClient("127.0.0.1", port) as client:
            assert len(client.association.contexts) == 1
    assert refusing.asked == [[BasicGrayscalePrintManagementMeta, *OPTIONAL], [BasicGrayscalePrintManagementMeta]]


async def test_printer_without_print_contexts_is_asked_three_times() -> None:
    none = replace(ACCEPTANCE, presentation_contexts=(PresentationContextAC(1, 3, ImplicitVRLittleEndian),))
    refusing = Refusing(AssociateRJ(1, 1, 1), none, none)
    async with raw_server(refusing) as port:
        with pytest.raises(ContextNotAccepted, match="the peer accepts neither"):
            await PrintClient("127.0.0.1", port).__aenter__()
    assert refusing.asked[:2] == [[BasicGrayscalePrintManagementMeta, *OPTIONAL], [BasicGrayscalePrintManagementMeta]]
    assert set(SINGLE) < set(refusing.asked[2])


async def test_lut_that_was_proposed_needs_no_new_association() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, optional=[PresentationLUT]) as client:
            association = client.association
            await client.print_images([gray(1)], presentation_lut=Table(shape="LIN OD"))
            assert client.association is association
    assert films[0].sheet.presentation_lut is not None


@pytest.mark.parametrize("answer", [AssociateRJ(1, 1, 2), AssociateRJ(1, 1, 3), AssociateRJ(1, 1, 7)])
async def test_rejected_titles_are_not_retried(answer: AssociateRJ) -> None:
    refusing = Refusing(answer)
    async with raw_server(refusing) as port:
        with pytest.raises(AssociationRejected):
            await PrintClient("127.0.0.1", port).__aenter__()
    assert len(refusing.asked) == 1


async def test_rejected_single_context_is_not_retried() -> None:
    refusing = Refusing(AssociateRJ(1, 1, 1))
    async with raw_server(refusing) as port:
        with pytest.raises(AssociationRejected):
            await PrintClient("127.0.0.1", port, optional=()).__aenter__()
    assert len(refusing.asked) == 1


@pytest.mark.parametrize("answer", [AssociateRJ(2, 3, 1), AssociateRJ(2, 3, 2), AssociateRJ(2, 1, 1)])
@pytest.mark.usefixtures("at_once")
async def test_transient_rejection_is_retried(answer: AssociateRJ) -> None:
    refusing = Refusing(answer, answer)
    async with raw_server(refusing) as port:
        async with PrintClient("127.0.0.1", port, optional=(), retries=2) as client:
            assert client.association.is_open
    assert len(refusing.asked) == 3


@pytest.mark.usefixtures("at_once")
async def test_retries_limit_the_tries() -> None:
    refusing = Refusing(*[AssociateRJ(2, 3, 1)] * 3)
    async with raw_server(refusing) as port:
        with pytest.raises(AssociationRejected, match="temporary-congestion"):
            await PrintClient("127.0.0.1", port, retries=2).__aenter__()
    assert len(refusing.asked) == 3


@pytest.mark.usefixtures("at_once")
async def test_permanent_rejection_is_not_retried() -> None:
    refusing = Refusing(AssociateRJ(1, 1, 1))
    async with raw_server(refusing) as port:
        with pytest.raises(AssociationRejected):
            await PrintClient("127.0.0.1", port, optional=(), retries=2).__aenter__()
    assert len(refusing.asked) == 1
