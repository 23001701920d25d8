"""Presentation LUTs, annotations and overlays of an SCU, as the printer receives them."""

import numpy as np
import pytest
from printers import Odd, gray, printer

from dimse.data import Dataset, set_pixels
from dimse.errors import ContextNotAccepted, EncodeError, RemoteProtocolError
from dimse.message import NCreateRQ, Request
from dimse.uids import BasicFilmBox, BasicGrayscaleImageBox, BasicPrintImageOverlayBox, ImageOverlayBox
from dimse.uids import PresentationLUT as PresentationLUTClass
from print_mgmt import PrintClient
from print_mgmt.film import Overlay, PresentationLUT
from print_mgmt.model import reference
from print_mgmt.service import Answer

GAMMA = np.rint((np.arange(4096) / 4095) ** 2 * 4095).astype(np.uint16)


@pytest.mark.parametrize("shape", ["IDENTITY", "LIN OD"])
async def test_lut_shape_reaches_every_film(shape: str) -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([gray(1)] * 2, presentation_lut=PresentationLUT(shape=shape))
    luts = [film.sheet.presentation_lut for film in films]
    assert [lut.shape for lut in luts if lut is not None] == [shape, shape]


@pytest.mark.parametrize("implicit_only", [False, True])
async def test_lut_table_arrives_unchanged(implicit_only: bool) -> None:
    """Also in Implicit VR, which does not tell its VR (PS3.5 A.1)."""
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, bits=12, implicit_only=implicit_only) as client:
            await client.print_images([gray(1)], presentation_lut=PresentationLUT(table=GAMMA, bits=12))
    lut = films[0].sheet.presentation_lut
    assert lut is not None
    assert lut.table is not None
    assert (lut.bits, lut.table.tolist()) == (12, GAMMA.tolist())


async def test_image_box_has_its_own_lut() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, optional=[PresentationLUTClass]) as client:
            async with client.film_session() as session:
                lut = await session.presentation_lut(PresentationLUT(shape="LIN OD"))
                other = await session.presentation_lut(PresentationLUT(shape="IDENTITY"))
                async with session.film_box(ImageDisplayFormat=r"STANDARD\1,2", presentation_lut=other) as film:
                    await film.set_image(1, gray(1), presentation_lut=lut)
                    await film.set_image(2, gray(2))
                    await film.print()
    first, second = films[0].sheet.cells
    assert first.presentation_lut is not None
    assert (first.presentation_lut.shape, second.presentation_lut) == ("LIN OD", None)
    assert films[0].sheet.presentation_lut is not None
    assert films[0].sheet.presentation_lut.shape == "IDENTITY"


async def test_set_image_applies_image_options() -> None:
    """Options from a dictionary of strings, as a program reads them from a file, pass mypy, too."""
    attributes = {"Polarity": "REVERSE"}
    dark = Dataset()
    set_pixels(dark, gray(1) // 2, photometric="MONOCHROME2")
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client, client.film_session() as session:
            async with session.film_box(ImageDisplayFormat=r"STANDARD\1,2") as film:
                await film.set_image(1, dark, looks={"window": "auto"})
                await film.set_image(2, dark, **attributes)
                await film.print()
    first, second = films[0].sheet.cells
    assert first.image is not None
    assert int(first.image.pixels.max()) == 255
    assert second.Polarity == "REVERSE"


@pytest.mark.parametrize("words", ["left knee", "Müller", "山田"])
async def test_annotations_keep_their_characters(words: str) -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            async with client.film_session() as session:
                async with session.film_box(AnnotationDisplayFormatID="COMBINED") as film:
                    await film.set_image(1, gray(1))
                    with pytest.raises(EncodeError, match=r"TextString: .* backslash"):
                        await film.annotate(2, "a\\b")
                    await film.annotate(2, words)
                    await film.print()
    assert [(each.AnnotationPosition, each.TextString) for each in films[0].sheet.annotations] == [(2, words)]


async def test_annotation_without_a_box_is_an_error() -> None:
    async with printer() as (server, _), PrintClient(server.host, server.port) as client:
        async with client.film_session() as session:
            async with session.film_box() as film:
                with pytest.raises(EncodeError, match="film 1 has no annotation box, so no box 1"):
                    await film.annotate(1, "left")
            async with session.film_box(AnnotationDisplayFormatID="LABEL") as film:
                with pytest.raises(EncodeError, match="film 2 has annotation boxes 1 to 1, so no box 2"):
                    await film.annotate(2, "left")


async def test_annotation_box_without_a_uid_is_an_error() -> None:
    def change(message: Request) -> Answer | None:
        if isinstance(message, NCreateRQ) and message.AffectedSOPClassUID == BasicFilmBox:
            images = [reference(BasicGrayscaleImageBox, "1.2.3")]
            return Answer(
                dataset=Dataset(ReferencedImageBoxSequence=images, ReferencedBasicAnnotationBoxSequence=[Dataset()])
            )
        return None

    async with Odd(change).client() as client, client.film_session() as session:
        with pytest.raises(RemoteProtocolError, match=r"annotation 1 of film 1: the printer returned no UID"):
            async with session.film_box(AnnotationDisplayFormatID="LABEL") as film:
                await film.annotate(1, "left")


@pytest.mark.parametrize("kind", [ImageOverlayBox, BasicPrintImageOverlayBox])
async def test_overlay_is_laid_on_its_image(kind: str) -> None:
    """An overlay of 1998 refers to its image box; an image box refers to an overlay of 2004."""
    plane = np.zeros((5, 9), np.bool_)
    plane[1:3, 2:7] = True
    overlay = Overlay(pixels=plane, origin=(3, 4), OverlayForegroundDensity="BLACK", OverlayBackgroundDensity="150")
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, optional=[kind]) as client:
            async with client.film_session() as session:
                async with session.film_box(ImageDisplayFormat=r"STANDARD\1,2") as film:
                    await film.set_image(1, gray(1))
                    await film.set_image(2, gray(2), overlay=overlay)
                    await film.print()
    first, second = films[0].sheet.cells
    assert first.overlays == ()
    (found,) = second.overlays
    assert np.array_equal(found.pixels, plane)
    assert (found.origin, found.OverlayForegroundDensity, found.OverlayBackgroundDensity) == ((3, 4), "BLACK", "150")


async def test_overlay_needs_a_printer_with_overlays() -> None:
    overlay = Overlay(pixels=np.ones((2, 2), np.bool_))
    async with printer() as (server, _), PrintClient(server.host, server.port) as client:
        async with client.film_session() as session, session.film_box() as film:
            with pytest.raises(ContextNotAccepted, match="Image Overlay Box"):
                await film.set_image(1, gray(1), overlay=overlay)
