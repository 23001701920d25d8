"""The agreement of two sides: contexts, transfer syntaxes, roles, windows and the length of PDUs."""

import asyncio

import pytest
from archive import STORAGE, Archive
from raw import ECHO, PRINT, SYNTAXES, Raw, act, proposal, raw_client, raw_server, service

from dimse.data import Dataset
from dimse.errors import (
    ContextNotAccepted,
    LocalProtocolError,
)
from dimse.message import (
    CEchoRQ,
    CEchoRSP,
    CStoreRQ,
    CStoreRSP,
    NActionRQ,
    NEventReportRQ,
    NEventReportRSP,
    Response,
)
from dimse.net import (
    VERIFICATION,
    Association,
    Limits,
    Operation,
    Timeouts,
    connect,
    serve,
)
from dimse.net.agreement import Agreement
from dimse.net.scu import c_echo, n_event_report, n_set
from dimse.uids import BasicFilmSession, Printer, PrinterInstance, Verification
from dimse.ul import (
    AssociateAC,
    AssociateRQ,
    AsynchronousOperationsWindow,
    Context,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    ReleaseRP,
    RoleSelection,
    UpperLayer,
    UserItem,
)

Window = AsynchronousOperationsWindow
PROPOSED = {PRINT: SYNTAXES}
CONTEXT = Context(1, PRINT, SYNTAXES[0])
ACTION = NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=1)
EVENT = NEventReportRQ(MessageID=1, AffectedSOPClassUID="1.2", AffectedSOPInstanceUID="1.3", EventTypeID=1)


def agreed(asked: tuple[UserItem, ...] = (), granted: tuple[UserItem, ...] = ()) -> tuple[Agreement, Agreement]:
    """Return what the requestor and the acceptor have agreed on."""
    request = proposal(*asked)
    answer = AssociateAC(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextAC(1, 0, SYNTAXES[0]),),
        user_information=granted,
    )
    return Agreement(request, answer, is_requestor=True), Agreement(request, answer, is_requestor=False)


def test_both_sides_have_the_accepted_context() -> None:
    for agreement in agreed():
        assert agreement.context_for("1.2", PRINT) == CONTEXT
        assert agreement.syntaxes[1].uid == SYNTAXES[0]


def test_max_send_is_the_maximum_length_of_the_peer() -> None:
    requestor, acceptor = agreed((MaximumLength(1000),), (MaximumLength(2000),))
    assert (requestor.max_send, acceptor.max_send) == (2000, 1000)


def test_acceptor_has_the_window_reversed() -> None:
    requestor, acceptor = agreed((Window(3, 2),), (Window(3, 2),))
    assert (requestor.invoked, requestor.performed) == (3, 2)
    assert (acceptor.invoked, acceptor.performed) == (2, 3)


def test_unlimited_window_has_an_operation_for_each_id() -> None:
    requestor, _ = agreed((Window(0, 0),), (Window(0, 0),))
    assert (requestor.invoked, requestor.performed) == (65535, 65535)


def test_requestor_is_scu_by_default() -> None:
    requestor, acceptor = agreed()
    assert requestor.may_invoke(CONTEXT, ACTION)
    assert not acceptor.may_invoke(CONTEXT, ACTION)


def test_acceptor_is_scp_by_default() -> None:
    requestor, acceptor = agreed()
    assert acceptor.may_invoke(CONTEXT, EVENT)
    assert not requestor.may_invoke(CONTEXT, EVENT)


def test_agreed_role_lets_the_acceptor_be_scu() -> None:
    role = RoleSelection(PRINT, scu=False, scp=True)
    requestor, acceptor = agreed((role,), (role,))
    assert acceptor.may_invoke(CONTEXT, ACTION)
    assert not requestor.may_invoke(CONTEXT, ACTION)
    assert requestor.peer_may_invoke(CONTEXT, ACTION)


async def test_error_names_the_unaccepted_context() -> None:
    async with serve([VERIFICATION], port=0) as server:
        async with connect(server.host, server.port, {PRINT: SYNTAXES}) as association:
            with pytest.raises(ContextNotAccepted, match=r"Print Management.*abstract-syntax-not-supported"):
                association.context_for(PRINT)
            with pytest.raises(ContextNotAccepted, match="was proposed"):
                await c_echo(association)


async def test_agreement_is_unknown_before_the_association() -> None:
    association = Association(UpperLayer.requestor(), Limits(), Timeouts())
    with pytest.raises(LocalProtocolError, match="there is no association yet"):
        association.context_for(PRINT)


async def test_operation_without_a_role_raises() -> None:
    """By default the requestor is the SCU. A C-STORE of the acceptor needs role selection; an event does not."""
    opened: asyncio.Queue[Association] = asyncio.Queue()

    async def reply(operation: Operation) -> Response:
        opened.put_nowait(operation.association)
        return operation.reply()

    async with serve([service(reply, NActionRQ)], port=0) as server:
        async with connect(server.host, server.port, PROPOSED) as association:
            await act(association)
            other = await opened.get()
            context = other.context_for(PRINT)
            with pytest.raises(LocalProtocolError, match=r"no role for NSetRQ was agreed .* \(PS3\.7 D\.3\.3\.4\)"):
                await n_set(other, context, BasicFilmSession, "1.2", Dataset(Rows=1))
            with pytest.raises(LocalProtocolError, match="no role for NEventReportRQ"):
                await n_event_report(association, context, Printer, PrinterInstance, 2)
            assert (await act(association)).Status == 0


async def test_request_without_a_role_is_unrecognized() -> None:
    """The requestor proposed the SCP role only, so its C-STORE is an unrecognized operation."""
    archive = Archive()
    roles = RoleSelection(STORAGE, scu=False, scp=True)
    request = AssociateRQ(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextRQ(1, STORAGE, SYNTAXES),),
        user_information=(roles,),
    )
    data = b"\x08\0\x60\0\2\0\0\0OT"  # (0008,0060) Modality
    store = CStoreRQ(MessageID=1, AffectedSOPClassUID=STORAGE, AffectedSOPInstanceUID="1.2", Data=data)
    async with serve([archive.service], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        answer = await raw.receive()
        assert isinstance(answer, AssociateAC)
        assert roles in answer.user_information
        raw.say(store)
        _, response = await raw.hear()
    assert isinstance(response, CStoreRSP)
    assert response.Status == 0x0211
    assert archive.instances == {}


@pytest.mark.parametrize("scu", [False, True])
async def test_unproposed_roles_are_ignored(scu: bool) -> None:
    """Some printers send SCU 0 and SCP 1 without a proposal, and mean the default roles."""

    async def odd(raw: Raw) -> None:
        answer = AssociateAC(
            called_ae_title="A",
            calling_ae_title="B",
            presentation_contexts=(PresentationContextAC(1, 0, SYNTAXES[0]),),
            user_information=(RoleSelection(Verification, scu=scu, scp=True), Window(5, 5)),
        )
        await raw.accept(answer)
        _, request = await raw.hear()
        assert isinstance(request, CEchoRQ)
        raw.say(CEchoRSP(MessageIDBeingRespondedTo=request.MessageID, Status=0))
        await raw.receive()
        raw.send(ReleaseRP())

    async with raw_server(odd) as port:
        async with connect("127.0.0.1", port, ECHO) as association:
            assert (await c_echo(association)).Status == 0


async def test_event_report_needs_no_role() -> None:
    """Some printers connect to send Print Job events without negotiating a role."""

    async def reply(operation: Operation) -> Response:
        return operation.reply()

    event = NEventReportRQ(
        MessageID=1, AffectedSOPClassUID=Printer, AffectedSOPInstanceUID=PrinterInstance, EventTypeID=2
    )
    request = proposal()
    async with serve([service(reply, NEventReportRQ)], port=0) as server, raw_client(server) as raw:
        raw.send(request)
        await raw.receive()
        raw.say(event)
        _, answer = await raw.hear()
    assert isinstance(answer, NEventReportRSP)
    assert answer.Status == 0


def test_private_abstract_syntax_is_named_by_its_uid() -> None:
    requestor, _ = agreed()
    with pytest.raises(ContextNotAccepted, match=r"no presentation context for 1\.2\.3 was proposed"):
        requestor.context_for("1.2.3")


def test_unproposed_transfer_syntax_is_named_as_the_reason() -> None:
    answer = AssociateAC(
        called_ae_title="A", calling_ae_title="B", presentation_contexts=(PresentationContextAC(1, 0, "1.2.3"),)
    )
    agreement = Agreement(proposal(), answer, is_requestor=True)
    with pytest.raises(ContextNotAccepted, match="its acceptance names a transfer syntax that was not proposed"):
        agreement.context_for(PRINT)
