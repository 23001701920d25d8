"""Our client and our printer over loopback: requested films are printed."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from printers import Odd, gray, pixels, printer

from dimse.data import Dataset, tag_of
from dimse.data.part10 import read_file, write_file
from dimse.data.pixels import set_pixels
from dimse.errors import (
    AssociationAborted,
    EncodeError,
    LocalProtocolError,
)
from dimse.message import NSetRSP, is_failure
from dimse.net import scu
from dimse.uids import BasicColorImageBox, BasicGrayscaleImageBox, SecondaryCaptureImageStorage, new_uid
from print_mgmt import Film, ImageError, PrintClient, PrintFailed, PrintImage, PrintReport, PrintServer, prepare
from print_mgmt.attributes import choose
from print_mgmt.film import PresentationLUT
from print_mgmt.images import ImageOptions
from print_mgmt.items import to_item
from print_mgmt.model import Printer
from print_mgmt.scu import Printable
from print_mgmt.scu.films import FilmOptions
from print_mgmt.sop import META_CLASSES
from print_mgmt.typed import items


@pytest.mark.parametrize("implicit_only", [False, True])
@pytest.mark.parametrize("count", [1, 5, 6, 7, 12])
async def test_last_film_may_have_empty_boxes(count: int, implicit_only: bool) -> None:
    images = [gray(seed) for seed in range(count)]
    done: list[int] = []
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, implicit_only=implicit_only) as client:
            report = await client.print_images(images, ImageDisplayFormat=r"STANDARD\2,3", progress=done.append)
    assert (report.images, report.films, report.warnings) == (count, -(-count // 6), ())
    assert done == list(range(1, count + 1))
    printed = [found for film in films for found in pixels(film)]
    assert all(np.array_equal(found, image) for found, image in zip(printed, images, strict=False) if found is not None)
    assert [found is not None for found in printed] == [True] * count + [False] * (len(printed) - count)


async def test_no_images_print_no_film() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            report = await client.print_images([])
    assert (report.films, films) == (0, [])


async def test_attributes_are_sorted_by_keyword() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, calling_ae_title="CT01") as client:
            await client.print_images(
                [gray(1)],
                NumberOfCopies=3,
                MediumType="PAPER",
                ImageDisplayFormat=r"STANDARD\1,2",
                FilmOrientation="LANDSCAPE",
                FilmSizeID="8INX10IN",
                MagnificationType="NONE",
                Polarity="REVERSE",
            )
    (film,) = films
    assert (film.copies, film.film_session.MediumType, film.calling_ae_title) == (3, "PAPER", "CT01")
    sheet = film.sheet
    assert (sheet.ImageDisplayFormat, sheet.FilmOrientation, sheet.FilmSizeID, sheet.MagnificationType) == (
        r"STANDARD\1,2",
        "LANDSCAPE",
        "8INX10IN",
        "NONE",
    )
    assert film.image_boxes[0].Polarity == "REVERSE"
    assert sheet.cells[0].Polarity == "REVERSE"


async def test_film_session_prints_film_by_film() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            async with client.film_session(NumberOfCopies=2) as session:
                async with session.film_box(ImageDisplayFormat=r"STANDARD\2,2", FilmSizeID="A4") as film:
                    assert len(film.image_boxes) == 4
                    await film.set_image(3, gray(1), Polarity="REVERSE")
                    await film.set_image(1, gray(2))
                    await film.set_image(1, gray(3))  # replaces
                    with pytest.raises(EncodeError, match="image boxes 1 to 4, not 5"):
                        await film.set_image(5, gray(4))
                    job = await film.print()
                    assert await job.wait() == "DONE"
                async with session.film_box() as film:
                    await film.set_image(1, gray(5))
                    await film.print()
    first, second = films
    assert [found is not None for found in pixels(first)] == [True, False, True, False]
    assert np.array_equal(first.sheet.cells[0].image.pixels, gray(3))  # type: ignore[union-attr]  # asserted above
    assert first.sheet.cells[2].Polarity == "REVERSE"
    assert second.sheet.ImageDisplayFormat == r"STANDARD\1,1"


async def test_full_film_is_printed_at_once() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            async with client.films(ImageDisplayFormat=r"STANDARD\1,2") as feeder:
                await feeder.add(gray(1))
                assert feeder.printed == 0
                await feeder.add(gray(2))
                assert feeder.printed == 1
                await feeder.add(gray(3))
            assert feeder.printed == 2
    assert [found is not None for film in films for found in pixels(film)] == [True, True, True, False]


async def test_color_images_are_printed() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, color=True) as client:
            await client.print_images([rgb, gray(1)], ImageDisplayFormat=r"STANDARD\2,1")
    first, second = pixels(films[0])
    assert np.array_equal(first, rgb)  # type: ignore[arg-type]  # an image is there, or this fails
    assert second is not None
    assert np.array_equal(second, np.repeat(gray(1)[..., None], 3, axis=-1))


async def test_twelve_bits_and_odd_sizes_are_printed() -> None:
    deep = np.random.default_rng(1).integers(0, 4096, (7, 5), dtype=np.uint16)
    image = PrintImage(pixels=deep, PhotometricInterpretation="MONOCHROME1", BitsStored=12)
    images: list[Printable] = [image, gray(2, 3, 5)]
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, bits=12) as client:
            await client.print_images(images, ImageDisplayFormat=r"STANDARD\1,2")
    first, second = (cell.image for cell in films[0].sheet.cells)
    assert first is not None
    assert (first.BitsStored, first.PhotometricInterpretation) == (12, "MONOCHROME1")
    assert np.array_equal(first.pixels, deep)
    assert second is not None
    assert second.BitsStored == 12
    assert second.pixels.shape == (3, 5)


async def test_pixels_for_other_image_boxes_are_refused() -> None:
    rgb = PrintImage(pixels=np.zeros((4, 4, 3), np.uint8), PhotometricInterpretation="RGB")
    gray_image = PrintImage(pixels=np.zeros((4, 4), np.uint8), PhotometricInterpretation="MONOCHROME2")
    async with printer() as (server, films):
        for image, color in ((rgb, False), (gray_image, True)):
            async with PrintClient(server.host, server.port, color=color) as client:
                with pytest.raises(ImageError, match="image boxes"):
                    await client.print_images([image])
    assert films == []


async def test_dicom_file_is_printed(tmp_path: Path) -> None:
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID=new_uid())
    set_pixels(dataset, gray(9), photometric="MONOCHROME2")
    dataset.WindowCenter, dataset.WindowWidth = 128, 256  # the range of 8 bits without a window
    path = tmp_path / "image.dcm"
    write_file(path, dataset)
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([path, str(path), dataset], ImageDisplayFormat=r"STANDARD\1,3")
    assert all(np.array_equal(found, gray(9)) for found in pixels(films[0]) if found is not None)
    assert None not in [None if found is None else 1 for found in pixels(films[0])]


async def test_page_is_rendered_while_others_are_served() -> None:
    pages = []

    async def on_film(film: Film) -> None:
        pages.append(await film.render(dpi=50))

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([gray(1)], FilmSizeID="8INX10IN")
    assert pages[0].pixels.shape == (500, 400)
    assert (pages[0].width_mm, pages[0].height_mm) == (203.2, 254.0)


async def test_printer_returns_its_attributes() -> None:
    own = Printer(PrinterName="FILM1", Manufacturer="Us")
    async with printer(printer=own) as (server, _):
        server.printer_state.set("WARNING", "SUPPLY LOW")
        for color in (False, True, None):
            async with PrintClient(server.host, server.port, color=color) as client:
                answer = await client.printer()
                assert (answer.PrinterStatus, answer.PrinterStatusInfo) == ("WARNING", "SUPPLY LOW")
                assert (answer.PrinterName, answer.Manufacturer) == ("FILM1", "Us")


async def test_printer_returns_its_configuration() -> None:
    async with printer() as (server, _), PrintClient(server.host, server.port) as client:
        assert client.bits == 8
        (item, *_) = items(await client.configuration(), "PrinterConfigurationSequence")
        assert item.SupportedImageDisplayFormatsSequence
        assert await client.display_format(5, FilmSizeID="14INX17IN", FilmOrientation="PORTRAIT") == r"STANDARD\2,3"
    odd = Odd()
    async with odd.client() as client:
        assert await client.display_format(5) is None


async def test_options_in_one_object_print_a_film() -> None:
    options = FilmOptions(chosen=choose({"FilmSizeID": "8INX10IN"}))
    async with printer() as (server, films), PrintClient(server.host, server.port) as client:
        report = await client.print_with(options, [gray(1)])
    assert (report.films, films[0].film_box.FilmSizeID) == (1, "8INX10IN")


async def test_bad_image_deletes_the_film() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises(ImageError):
                await client.print_images([gray(1), Dataset(Rows=1)], ImageDisplayFormat=r"STANDARD\1,2")
            report = await client.print_images([gray(2)])
            assert report.films == 1
    assert len(films) == 1


async def test_failure_names_operation_film_and_status() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises(PrintFailed) as caught:
                await client.print_images([gray(1)], FilmSizeID="7INX9IN")
    assert str(caught.value).startswith(
        "N-CREATE of film 1: status 0106H (Invalid attribute value): FilmSizeID '7INX9IN'"
    )
    assert films == []


async def test_warning_is_reported_and_the_film_printed() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            report = await client.print_images([gray(1)], NumberOfCopies=1000)
    assert len(films) == 1
    (warning,) = report.warnings
    assert "0116H (Attribute value out of range): NumberOfCopies 1000" in warning


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({"FilmSizeXD": "A4"}, "did you mean FilmSizeID"),
        ({"PatientName": "Doe"}, "PatientName: not an attribute"),
        ({"ReferencedFilmSessionSequence": []}, "set by the client itself"),
        ({"NumberOfCopies": "many"}, "cannot hold"),
    ],
)
async def test_wrong_attribute_is_refused_before_sending(attributes: dict[str, Any], what: str) -> None:
    async with printer() as (server, _):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises(EncodeError, match=what):
                await client.print_images([gray(1)], **attributes)


async def test_closed_client_raises() -> None:
    with pytest.raises(LocalProtocolError, match="async with"):
        await PrintClient("127.0.0.1", 1).printer()


async def test_image_may_be_prepared_before_its_film() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, bits=12) as client, client.film_session() as session:
            image = await session.prepare(gray(1), window="auto")
            assert image.BitsStored == 12
            async with session.film_box() as film:
                await film.set_image(1, image)
                await film.print()
    (cell,) = films[0].sheet.cells
    assert cell.image is not None
    assert np.array_equal(cell.image.pixels, image.pixels)


async def test_ended_association_prints_no_film() -> None:
    """The film is certainly not printed."""
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client, client.film_session() as session:
            async with session.film_box() as film:
                await film.set_image(1, gray(1))
                client.association.abort()
                with pytest.raises(AssociationAborted, match="before film 1 could be printed"):
                    await film.print()
                assert not film.was_asked
    assert films == []


async def test_films_has_the_options_of_print_images() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            async with client.films(
                presentation_lut=PresentationLUT(shape="LIN OD"),
                annotations=["left"],
                collate=True,
                AnnotationDisplayFormatID="LABEL",
            ) as feeder:
                await feeder.add(gray(1), window="auto")
                await feeder.add(gray(2))
            (job,) = feeder.jobs
            assert await job.wait() == "DONE"
    assert len(films) == 2
    for film in films:
        assert film.sheet.presentation_lut is not None
        assert [each.TextString for each in film.sheet.annotations] == ["left"]


async def test_raising_block_prints_only_full_films() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises(KeyError):
                async with client.films(ImageDisplayFormat=r"STANDARD\1,2") as feeder:
                    for seed in range(3):
                        await feeder.add(gray(seed))
                    raise KeyError
            assert (await client.print_images([gray(1)])).films == 1  # no instance is left on the printer
    assert [sum(found is not None for found in pixels(film)) for film in films] == [2, 1]


# Single images, and warnings


def windowed(path: Path, width: str = "0", **attributes: object) -> Path:
    """Write an image of 8 bits with an invalid window."""
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID=new_uid())
    set_pixels(dataset, gray(1), photometric="MONOCHROME2")
    dataset.WindowCenter, dataset.WindowWidth = "0", width
    dataset.update(Dataset(**attributes))
    write_file(path, dataset)
    return path


async def report_of(images: Any, **options: Any) -> tuple[PrintReport, list[Film]]:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, **options) as client:
            report = await client.print_images(images)
    return report, films


@pytest.mark.parametrize("kind", ["path", "text", "array", "dataset", "pydicom", "Pillow", "print image"])
async def test_single_image_needs_no_list(kind: str, tmp_path: Path) -> None:
    """It needs no list around it."""
    path = windowed(tmp_path / "one.dcm", "256")
    one = {
        "path": path,
        "text": str(path),
        "array": gray(1),
        "dataset": read_file(path).dataset,
        "pydicom": pydicom.dcmread(path),
        "Pillow": Image.fromarray(gray(1)),
        "print image": PrintImage(pixels=gray(1), PhotometricInterpretation="MONOCHROME2"),
    }
    report, films = await report_of(one[kind])
    assert (report.images, report.films) == (1, 1)
    assert pixels(films[0])[0] is not None


async def test_array_of_frames_is_several_images() -> None:
    report, _ = await report_of(np.stack([gray(1), gray(2), gray(3)]))
    assert report.images == 3


@pytest.mark.parametrize("thing", [5, None, [5], [None]])
async def test_wrong_image_is_an_image_error(thing: object) -> None:
    with pytest.raises(ImageError, match=r"is (not an|neither an) image"):
        await report_of(thing)


async def test_ignored_attribute_is_a_warning(tmp_path: Path) -> None:
    """The report has it, with the image and its box."""
    path = windowed(tmp_path / "one.dcm")
    report, films = await report_of([path])
    (found,) = pixels(films[0])
    assert found is not None
    assert np.array_equal(found, gray(1))
    why = "WindowWidth 0 must be at least 1 (PS3.3 C.11.2.1.2): ignored"
    assert report.warnings == (f"image 1 of film 1: {path}: {why}",)


async def test_color_in_gray_boxes_is_a_warning() -> None:
    report, _ = await report_of([np.zeros((2, 2, 3), np.uint8), gray(1)])
    assert report.warnings == ("image 1 of film 1: a color image is printed in gray",)


@pytest.mark.parametrize(
    ("color", "is_color"), [("prefer", True), ("avoid", False), (None, False), (False, False), (True, True)]
)
async def test_option_chooses_color(color: Any, is_color: bool) -> None:
    async with printer() as (server, _), PrintClient(server.host, server.port, color=color) as client:
        assert client.is_color == is_color


# Items that our client does not send


async def set_item(server: PrintServer, item: Dataset, *, color: bool) -> NSetRSP:
    """Put an item into the image box of a film."""
    async with (
        PrintClient(server.host, server.port, color=color) as client,
        client.film_session() as session,
        session.film_box() as film,
    ):
        sop_class = BasicColorImageBox if color else BasicGrayscaleImageBox
        sequence = "BasicColorImageSequence" if color else "BasicGrayscaleImageSequence"
        dataset = Dataset(**{"ImageBoxPosition": 1, sequence: [item]})
        context = client.association.context_for(META_CLASSES[color])
        answer = await scu.n_set(client.association, context, sop_class, film.image_boxes[0], dataset)
        if not is_failure(answer.Status):
            await film.print()
    assert isinstance(answer, NSetRSP)
    return answer


async def test_planes_without_planar_configuration_are_refused() -> None:
    """Planes and pixels are equally long, so the order cannot be guessed: 0120, with the attribute."""
    item = to_item(prepare(np.zeros((4, 4, 3), np.uint8), color=True))
    del item.PlanarConfiguration
    async with printer() as (server, films):
        answer = await set_item(server, item, color=True)
    assert (answer.Status, films) == (0x0120, [])
    assert answer.AttributeIdentifierList == (tag_of("PlanarConfiguration"),)


@pytest.mark.parametrize("padding", [2, 4])
async def test_padding_after_pixels_is_not_printed(padding: int) -> None:
    """PS3.5 8.1.1; 20 rows of 30 columns."""
    item = to_item(prepare(gray(1)))
    item.PixelData = gray(1).tobytes() + bytes(padding)
    async with printer() as (server, films):
        answer = await set_item(server, item, color=False)
    (found,) = pixels(films[0])
    assert answer.Status == 0
    assert found is not None
    assert np.array_equal(found, gray(1))


@pytest.mark.parametrize(("looks", "brightest"), [({}, 16), ({"scale_lut": True}, 255)])
async def test_voi_lut_of_fewer_bits_is_used(looks: ImageOptions, brightest: int, tmp_path: Path) -> None:
    """There is a warning with the attribute, and `scale_lut` spreads its values."""
    table = Dataset(LUTDescriptor=[256, 0, 16], LUTData=(np.arange(256) * 4095 // 255).astype("<u2").tobytes())
    path = windowed(tmp_path / "lut.dcm", VOILUTSequence=[table])
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            report = await client.print_images(path, looks=looks)
    (found,) = pixels(films[0])
    assert found is not None
    assert found.max() == round(int(gray(1).max()) * brightest / 255)
    assert ["LUTDescriptor says 16 bits" in warning for warning in report.warnings] == [True] * (not looks)
