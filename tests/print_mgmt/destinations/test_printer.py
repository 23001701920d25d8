"""Other printers as a destination: unchanged films, rendered films, and no film twice."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import numpy as np
import pytest
from accepted import DOE, accepted_film, ramp
from printers import Odd, gray, pixels, printer

from dimse.data import Dataset, Element, Value, tag_of
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request
from dimse.net import Association, Operation, Server, TLSContext, client_context
from dimse.uids import BasicFilmBox
from print_mgmt import ConfigError, Film, PrintClient, PrinterConfig, PrintServer, Sheet, preset
from print_mgmt.destinations import Condition, DeliveryFailed, Outcome, PrinterDestination, TLSFiles, relay
from print_mgmt.film import Cell, CharacteristicCurve, Imager, PresentationLUT
from print_mgmt.jobs import JobFailed
from print_mgmt.service import Answer

pytestmark = pytest.mark.skips_waits

LATER, NEVER, INDETERMINATE = Outcome


def address(server: Server | PrintServer) -> str:
    return f"FILM@{server.host}:{server.port}"


def to(*servers: Server | PrintServer, **options: Any) -> PrinterDestination:
    return PrinterDestination(printers=tuple(map(address, servers)), dpi=20, **options)


async def came(**options: Any) -> Film:
    """Return a film that our printer has received from a client."""
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, calling_ae_title="CT01") as client:
            await client.print_images([gray(1), gray(2)], **options)
    return films[0]


async def relayed(film: Film, **config: Any) -> tuple[Film, tuple[str, ...]]:
    """Send a film to another printer of ours; return the film there, and the warnings."""
    async with printer(**config) as (server, films):
        receipt = await to(server).deliver(film, DOE)
    (film,) = films
    return film, receipt.warnings


ATTRIBUTES = {
    "ImageDisplayFormat": r"STANDARD\1,2",
    "FilmSizeID": "8INX10IN",
    "FilmOrientation": "LANDSCAPE",
    "MagnificationType": "CUBIC",
    "BorderDensity": "WHITE",
    "MaxDensity": 280,
    "MediumType": "CLEAR FILM",
    "NumberOfCopies": 3,
    "PrintPriority": "HIGH",
    "FilmSessionLabel": "Thorax",
    "Polarity": "REVERSE",
}


async def test_film_arrives_unchanged() -> None:
    film = await came(**ATTRIBUTES)
    again, warnings = await relayed(film)
    assert warnings == ()
    assert again.film_session == film.film_session
    for keyword in ("ImageDisplayFormat", "FilmOrientation", "FilmSizeID", "MagnificationType", "BorderDensity"):
        assert again.film_box.get(keyword) == film.film_box.get(keyword)
    assert [box.Polarity for box in again.image_boxes] == ["REVERSE", "REVERSE"]
    for mine, theirs in zip(pixels(film), pixels(again), strict=True):
        assert mine is not None
        assert theirs is not None
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal((await film.render(40)).pixels, (await again.render(40)).pixels)


async def test_relay_sends_only_received_attributes() -> None:
    again, _ = await relayed(await came())
    assert "MagnificationType" in again.defaulted
    assert "MediumType" in again.defaulted


async def test_attributes_of_one_image_arrive() -> None:
    """The film box has default values for the same attributes."""
    chosen: dict[str, Value] = {"MagnificationType": "REPLICATE", "MaxDensity": 250}
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            async with client.film_session() as session, session.film_box() as box:
                await box.set_image(1, gray(1), **chosen)
                await box.print()
    again, _ = await relayed(films[0])
    (image_box,) = again.image_boxes
    assert {keyword: image_box.get(keyword) for keyword in chosen} == chosen
    np.testing.assert_array_equal((await films[0].render(40)).pixels, (await again.render(40)).pixels)


async def canceled(server: PrintServer, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> tuple[str, ...]:
    """Deliver a film, canceled in the first call of a function, and return the warnings of the receipt."""

    async def call(*_: object, **__: object) -> None:
        delivering.cancel()
        await asyncio.Event().wait()

    film = accepted_film()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, call)
        delivering = asyncio.create_task(to(server, follow=60).deliver(film, DOE))
        return (await delivering).warnings


async def test_film_is_delivered_though_the_wait_for_its_job_is_canceled(monkeypatch: pytest.MonkeyPatch) -> None:
    async with printer() as (server, films):
        warnings = await canceled(server, monkeypatch, relay, "_await_job")
    assert warnings == ("the delivery was stopped after the film was accepted",)
    assert len(films) == 1


async def test_film_is_delivered_though_the_release_is_canceled(monkeypatch: pytest.MonkeyPatch) -> None:
    async with printer() as (server, films):
        warnings = await canceled(server, monkeypatch, Association, "release")
    assert warnings == ("after the film was printed: the delivery was stopped",)
    assert len(films) == 1


async def test_luts_and_annotations_arrive() -> None:
    lut = PresentationLUT(table=np.linspace(0, 65535, 256).astype(np.uint16)[::-1].copy(), bits=16)
    film = await came(presentation_lut=lut, annotations=["left", "right"], AnnotationDisplayFormatID="COMBINED")
    assert [text.TextString for text in film.sheet.annotations] == ["left", "right"]
    again, warnings = await relayed(film)
    assert warnings == ()
    assert [text.TextString for text in again.sheet.annotations] == ["left", "right"]
    np.testing.assert_array_equal((await film.render(40)).pixels, (await again.render(40)).pixels)


async def test_lut_of_one_image_arrives() -> None:
    lut = PresentationLUT(shape="LIN OD")
    sheet = Sheet(
        ImageDisplayFormat=r"STANDARD\1,2",
        FilmSizeID="8INX10IN",
        cells=(Cell(image=ramp()), Cell(image=ramp(), presentation_lut=lut)),
    )
    again, _ = await relayed(accepted_film(sheet=sheet))
    assert [cell.presentation_lut and cell.presentation_lut.shape for cell in again.sheet.cells] == [None, "LIN OD"]


async def test_color_film_arrives_in_color() -> None:
    again, warnings = await relayed(accepted_film(color=True))
    assert warnings == ()
    (cell,) = again.sheet.cells
    assert cell.image is not None
    np.testing.assert_array_equal(cell.image.pixels, ramp(color=True).pixels)


async def test_changed_film_size_goes_to_the_printer() -> None:
    film = await came(FilmSizeID="8INX10IN")
    film.sheet = Sheet(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="14INX17IN", cells=film.sheet.cells[:1])
    again, _ = await relayed(film)
    assert again.sheet.FilmSizeID == "14INX17IN"


# --- printers that do not accept the film unchanged ---


@pytest.mark.parametrize(
    ("name", "size"), [("minimal", "8INX10IN"), ("ihe-minimum", "14INX17IN"), ("dcmprscp", "14INX17IN")]
)  # fmt: skip
async def test_small_printer_gets_one_image(name: str, size: str) -> None:
    film = await came(
        **ATTRIBUTES | {"ImageDisplayFormat": r"STANDARD\2,1", "FilmSizeID": size},
        annotations=["x"],
        AnnotationDisplayFormatID="LABEL",
    )
    again, warnings = await relayed(film, config=preset(name))
    assert again.sheet.ImageDisplayFormat == r"STANDARD\1,1"
    assert warnings[0].startswith("sent as one image: ")
    (cell,) = again.sheet.cells
    assert cell.image is not None
    upright = np.rot90((await film.render(20)).pixels)
    np.testing.assert_array_equal(cell.image.pixels, upright)


async def test_printer_with_a_curve_sends_p_values() -> None:
    """The curve is that of its own device, not of the printer that gets the rendered film."""
    sheet = Sheet(ImageDisplayFormat=r"STANDARD\1,2", FilmSizeID="8INX10IN", cells=(Cell(image=ramp()),))
    imager = Imager(curve=CharacteristicCurve((0.2, 3.0), (0, 255)))
    again, warnings = await relayed(accepted_film(sheet=sheet, imager=imager), config=preset("minimal"))
    assert warnings[0].startswith("sent as one image: ")
    (cell,) = again.sheet.cells
    assert cell.image is not None
    np.testing.assert_array_equal(cell.image.pixels, (await accepted_film(sheet=sheet).render(20)).pixels)


async def test_gray_printer_gets_a_color_film_in_gray() -> None:
    again, warnings = await relayed(
        accepted_film(color=True), config=PrinterConfig(sop_classes=("BasicGrayscalePrintManagementMeta",))
    )
    assert "image 1 is RGB, but the image boxes are grayscale" in warnings[0]
    (cell,) = again.sheet.cells
    assert cell.image is not None
    assert cell.image.PhotometricInterpretation == "MONOCHROME2"


async def test_color_printer_gets_a_gray_film_in_color() -> None:
    config = PrinterConfig(sop_classes=("BasicColorPrintManagementMeta",))
    again, warnings = await relayed(accepted_film(), config=config)
    assert "image 1 is MONOCHROME2, but the image boxes are color" in warnings[0]
    (cell,) = again.sheet.cells
    assert cell.image is not None
    assert cell.image.PhotometricInterpretation == "RGB"


@pytest.mark.parametrize("message", [NCreateRQ, NSetRQ])
async def test_refused_attribute_is_left_out(message: type[Request]) -> None:
    """The first request of that kind is refused with 0106; then the film comes as one image."""
    refused: list[Request] = []

    def once(request: Request) -> Answer | None:
        if isinstance(request, message) and not refused:
            refused.append(request)
            return Answer(Status=0x0106)
        return None

    odd = Odd(once)
    async with odd.serving() as server:
        receipt = await to(server).deliver(accepted_film(), DOE)
    assert odd.printed == 1
    assert "status 0106H" in receipt.warnings[0]


async def fails(odd: Odd, **options: Any) -> DeliveryFailed:
    async with odd.serving() as server:
        with pytest.raises(DeliveryFailed) as raised:
            await to(server, **options).deliver(accepted_film(), DOE)
    return raised.value


async def test_printer_that_takes_no_film_size_never_gets_it() -> None:
    failure = await fails(Odd(lambda request: Answer(Status=0x0106) if isinstance(request, NCreateRQ) else None))
    assert failure.outcome is NEVER
    assert "before that" in str(failure)


# --- printed or not ---


def at_action(status: int) -> Callable[[Request], Answer | None]:
    return lambda request: Answer(Status=status) if isinstance(request, NActionRQ) else None


@pytest.mark.parametrize("status", [0xC601, 0xC602, 0x0110, 0x0213])
async def test_full_printer_is_tried_again(status: int) -> None:
    odd = Odd(at_action(status))
    assert (await fails(odd)).outcome is LATER
    assert odd.asked.count("NSetRQ") == 1


@pytest.mark.parametrize("status", [0xB603, 0xB604, 0xB609, 0xB60A])
async def test_warning_counts_as_printed(status: int) -> None:
    async with Odd(at_action(status)).serving() as server:
        receipt = await to(server).deliver(accepted_film(), DOE)
    assert any(f"status {status:04X}H" in warning for warning in receipt.warnings)


def dropping(kind: type[Request]) -> Callable[[Association, Operation], Any]:
    async def drop(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, kind):
            association.abort()

    return drop


@pytest.mark.parametrize(
    ("kind", "outcome"), [(NCreateRQ, LATER), (NSetRQ, LATER), (NActionRQ, INDETERMINATE)]
)  # fmt: skip
async def test_lost_connection_leaves_doubt_after_n_action_only(kind: type[Request], outcome: Outcome) -> None:
    odd = Odd(before=dropping(kind))
    assert (await fails(odd)).outcome is outcome
    assert odd.asked.count("NActionRQ") == (kind is NActionRQ)


async def test_lost_connection_after_the_answer_is_a_success() -> None:
    odd = Odd(before=dropping(NDeleteRQ))
    async with odd.serving() as server:
        await to(server).deliver(accepted_film(), DOE)
    assert odd.printed == 1


@pytest.mark.parametrize(("kind", "outcome"), [(NSetRQ, LATER), (NActionRQ, INDETERMINATE)])
async def test_silent_printer_leaves_doubt_after_n_action_only(kind: type[Request], outcome: Outcome) -> None:
    async def hang(_association: Association, operation: Operation) -> None:
        if isinstance(operation.message, kind):
            await asyncio.Event().wait()

    assert (await fails(Odd(before=hang), seconds=0.3)).outcome is outcome


async def test_refused_film_box_and_lost_session_leave_doubt() -> None:
    """The printer does not print film boxes, and the connection is lost while it prints the session."""

    def only_sessions(request: Request) -> Answer | None:
        wrong = isinstance(request, NActionRQ) and request.RequestedSOPClassUID == BasicFilmBox
        return Answer(Status=0x0112) if wrong else None

    async def drop(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NActionRQ) and operation.message.RequestedSOPClassUID != BasicFilmBox:
            association.abort()

    assert (await fails(Odd(only_sessions, before=drop))).outcome is INDETERMINATE


async def test_unreachable_printer_is_tried_again() -> None:
    async with Odd().serving() as server:
        pass
    with pytest.raises(DeliveryFailed, match="cannot connect") as raised:
        await to(server).deliver(accepted_film(), DOE)
    assert raised.value.outcome is LATER


async def test_failed_job_leaves_doubt() -> None:
    async def jam(_film: Film) -> None:
        raise JobFailed("FILM JAM")

    async with PrintServer(jam, port=0) as server:
        with pytest.raises(DeliveryFailed, match="FILM JAM") as raised:
            await to(server, follow=30.0).deliver(accepted_film(), DOE)
    assert raised.value.outcome is INDETERMINATE


async def test_job_is_followed_to_its_end() -> None:
    async with printer() as (server, films):
        receipt = await to(server, follow=30.0).deliver(accepted_film(), DOE)
        assert (len(films), receipt.warnings) == (1, ())
        assert server.queue.find(receipt.made[0]) is None  # its end is confirmed


async def test_untold_end_of_a_job_is_a_warning() -> None:
    async with Odd().serving() as server:  # it does not support Print Job
        receipt = await to(server, follow=30.0).deliver(accepted_film(), DOE)
    assert receipt.warnings == ("the printer did not report the end of the print job; its status is unknown",)


# --- several printers ---


@asynccontextmanager
async def printers(*odd: Odd) -> AsyncIterator[Sequence[Server]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(each.serving()) for each in odd]


async def test_second_printer_replaces_a_failed_one() -> None:
    full, free = Odd(at_action(0xC602)), Odd()
    async with printers(full, free) as servers:
        receipt = await to(*servers).deliver(accepted_film(), DOE)
    assert (full.printed, free.printed) == (0, 1)
    assert "status C602H" in receipt.warnings[0]


async def test_doubt_reaches_no_second_printer() -> None:
    lost, free = Odd(before=dropping(NActionRQ)), Odd()
    async with printers(lost, free) as servers:
        with pytest.raises(DeliveryFailed) as raised:
            await to(*servers).deliver(accepted_film(), DOE)
    assert (raised.value.outcome, free.asked) == (INDETERMINATE, [])


async def test_failed_printer_gets_no_film() -> None:
    async with printer() as (broken, none), printer() as (works, films):
        broken.printer_state.set("FAILURE", "FILM JAM")
        await to(broken, works).deliver(accepted_film(), DOE)
    assert (len(none), len(films)) == (0, 1)


async def test_balance_prefers_the_printer_with_less_work() -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NActionRQ):
            arrived.set()
            await go_on.wait()

    slow, quick = Odd(before=wait), Odd()
    async with printers(slow, quick) as servers:
        destination = to(*servers, choice="balance")
        first = asyncio.create_task(destination.deliver(accepted_film(), DOE))
        await arrived.wait()
        await destination.deliver(accepted_film(2), DOE)
        assert (slow.printed, quick.printed) == (0, 1)
        go_on.set()
        await first
    assert slow.printed == 1


# --- the state ---


async def test_check_tells_the_state_of_the_printer() -> None:
    async with printer() as (server, _):
        assert await to(server).check() == Condition()
        server.printer_state.set("WARNING", "SUPPLY LOW")
        condition = await to(server).check()
    assert (condition.PrinterStatus, condition.PrinterStatusInfo) == ("WARNING", "SUPPLY LOW")


async def test_check_understands_small_letters() -> None:
    jammed = Dataset()
    jammed.add(Element(tag_of("PrinterStatus"), "CS", b"Failure "))
    jammed.add(Element(tag_of("PrinterStatusInfo"), "CS", b"Film Jam"))
    answer = Answer(dataset=jammed)
    async with Odd(lambda message: answer if isinstance(message, NGetRQ) else None).serving() as server:
        condition = await to(server).check()
    assert (condition.PrinterStatus, condition.PrinterStatusInfo) == ("FAILURE", "FILM JAM")


async def test_check_warns_while_one_printer_works() -> None:
    async with printer() as (server, _):
        async with Odd().serving() as gone:
            pass
        both, alone = await to(gone, server).check(), await to(gone).check()
    assert (both.PrinterStatus, both.PrinterStatusInfo) == ("WARNING", "PRINTER OFFLINE")
    assert alone.PrinterStatus == "FAILURE"


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("printers", {"printers": ()}),
        ("printers", {"printers": ("A@h:1", "A@h:1")}),
        ("printers[1]", {"printers": ("A@h:1", "nonsense")}),
        ("calling", {"calling": "A-TITLE-OF-17-CHARS"}),
        ("profile", {"profile": "nobody"}),
        ("follow", {"follow": -1.0}),
        ("seconds", {"seconds": 0.0}),
        ("dpi", {"dpi": 0}),
    ],
)
def test_wrong_value_names_its_key(key: str, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as raised:
        PrinterDestination(**{"printers": ("A@h:1",), **values})
    assert raised.value.key == key


async def test_files_of_tls_are_read_in_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them may be a pipe, or on a disk that hangs."""
    threads = list[int]()

    def context(_: TLSFiles) -> TLSContext:
        threads.append(threading.get_ident())
        return client_context(verify=False)

    monkeypatch.setattr(TLSFiles, "context", context)
    async with printer() as (server, _):
        await to(server, tls=TLSFiles(verify=False)).check()
    assert threads
    assert threading.get_ident() not in threads
