"""Printers with the manners that real ones have: each is borne, and the film printed once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from printers import Odd, gray

from dimse.data import Dataset
from dimse.errors import (
    ContextNotAccepted,
    RemoteProtocolError,
)
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NSetRQ, Request, Response
from dimse.net import Association, Handlers, Operation, Timeouts
from dimse.net.scu import n_event_report
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscalePrintManagementMeta,
)
from dimse.uids import Printer as PrinterClass
from print_mgmt import PrintFailed
from print_mgmt.service import Answer


async def test_a_reply_to_n_action_that_cannot_be_read_does_not_unprint_the_film() -> None:
    odd = Odd()
    original = odd.open

    @asynccontextmanager
    async def garbled(association: Association) -> AsyncIterator[Handlers]:
        async with original(association) as handlers:
            perform = handlers[BasicGrayscalePrintManagementMeta, NActionRQ]

            async def garble(operation: Operation) -> Response:
                made = perform(operation)
                assert isinstance(made, Awaitable)
                return replace(await made, Data=b"garbage")

            key: tuple[str, type[Request]] = (BasicGrayscalePrintManagementMeta, NActionRQ)
            yield {**handlers, key: garble}

    odd.open = garbled  # type: ignore[method-assign]  # on purpose
    async with odd.client() as client:
        report = await client.print_images([gray(1)])
    assert (report.films, odd.printed) == (1, 1)


@pytest.mark.parametrize("status", [0x0110, 0x0112, 0x0118, 0x0119, 0x0122, 0x0123, 0x0211])
async def test_a_printer_that_knows_only_n_action_on_the_session(status: int) -> None:
    """And once that is known, the film box is not tried again."""

    def only_session(message: Request) -> Answer | None:
        wrong = isinstance(message, NActionRQ) and message.RequestedSOPClassUID == BasicFilmBox
        return Answer(Status=status) if wrong else None

    odd = Odd(only_session)
    async with odd.client() as client:
        report = await client.print_images([gray(1)] * 3)
    assert (report.films, odd.printed) == (3, 3)
    assert odd.asked.count("NActionRQ") == 4


async def test_a_printer_that_knows_only_the_session_and_deletes_no_film_box_prints_none_twice() -> None:
    def change(message: Request) -> Answer | None:
        wrong = isinstance(message, NActionRQ) and message.RequestedSOPClassUID == BasicFilmBox
        kept = isinstance(message, NDeleteRQ) and message.RequestedSOPClassUID == BasicFilmBox
        return Answer(Status=0x0211) if wrong or kept else None

    odd = Odd(change)
    async with odd.client() as client:
        await client.print_images([gray(1)] * 3)
    assert odd.printed == 3


async def test_a_printer_that_refuses_both_n_actions_is_reported_with_the_first_answer() -> None:
    def change(message: Request) -> Answer | None:
        if not isinstance(message, NActionRQ):
            return None
        return Answer(Status=0x0123 if message.RequestedSOPClassUID == BasicFilmBox else 0x0110)

    odd = Odd(change)
    async with odd.client() as client:
        with pytest.raises(PrintFailed, match="0123H"):
            await client.print_images([gray(1)])


@pytest.mark.parametrize("action", ["film", "session"])
async def test_the_n_action_that_was_chosen_is_the_only_one_tried(action: str) -> None:
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


async def test_a_queue_that_is_full_is_not_asked_a_second_time() -> None:
    """Trying the session after C602 could print twice."""
    odd = Odd(lambda message: Answer(Status=0xC602) if isinstance(message, NActionRQ) else None)
    async with odd.client() as client:
        with pytest.raises(PrintFailed, match="C602H"):
            await client.print_images([gray(1)])
    assert odd.asked.count("NActionRQ") == 1


async def test_a_printer_that_makes_no_image_boxes() -> None:
    def change(message: Request) -> Answer | None:
        film = isinstance(message, NCreateRQ) and message.AffectedSOPClassUID == BasicFilmBox
        return Answer() if film else None

    odd = Odd(change)
    async with odd.client() as client:
        with pytest.raises(RemoteProtocolError, match="film 1: the printer returned no image boxes"):
            await client.print_images([gray(1)])


async def test_a_printer_that_never_answers_n_delete() -> None:
    """Kodak: a short wait, then on; the film is printed."""
    from print_mgmt.scu import operations

    odd = Odd()
    original = odd.open

    @asynccontextmanager
    async def never(association: Association) -> AsyncIterator[Handlers]:
        async with original(association) as handlers:

            async def mute(operation: Operation) -> Response:  # noqa: ARG001
                await asyncio.Event().wait()
                raise AssertionError

            key: tuple[str, type[Request]] = (BasicGrayscalePrintManagementMeta, NDeleteRQ)
            yield {**handlers, key: mute}

    odd.open = never  # type: ignore[method-assign]  # on purpose
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "_PATIENCE", 0.05)
        async with odd.client(timeouts=Timeouts(release=0.05)) as client:
            report = await client.print_images([gray(1)])
    assert (report.films, odd.printed) == (1, 1)


async def test_an_event_in_the_middle_of_a_print_is_acknowledged() -> None:
    """PS3.4 H.4.6.2: also before the response."""
    statuses = []
    odd = Odd()
    original = odd.open

    @asynccontextmanager
    async def with_events(association: Association) -> AsyncIterator[Handlers]:
        async with original(association) as handlers:
            perform = handlers[BasicGrayscalePrintManagementMeta, NSetRQ]

            async def event_first(operation: Operation) -> Response:
                event = await n_event_report(
                    association, operation.context, PrinterClass, "1.2.840.10008.5.1.1.17", 2, Dataset()
                )
                statuses.append((event.Status, event.MessageIDBeingRespondedTo))
                made = perform(operation)
                assert isinstance(made, Awaitable)
                return await made

            key: tuple[str, type[Request]] = (BasicGrayscalePrintManagementMeta, NSetRQ)
            yield {**handlers, key: event_first}

    odd.open = with_events  # type: ignore[method-assign]  # on purpose
    async with odd.client() as client:
        await client.print_images([gray(1)] * 2)
    assert statuses == [(0, 1), (0, 2)]


async def test_a_printer_without_the_context_is_told_by_name() -> None:
    odd = Odd()
    with pytest.raises(ContextNotAccepted, match="Basic Color Print Management Meta"):
        async with odd.client(color=True):
            pass
