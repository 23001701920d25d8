"""pynetdicom as an SCU that negotiates all optional SOP Classes: annotations, LUTs, the printer's configuration."""

import asyncio
from typing import Any

import numpy as np
import pytest
from drawable import undrawn
from peers import Films, need
from pynetdicom_scu import Reply, Scu, associated, dataset_of, image_item

from dimse.uids import (
    BasicAnnotationBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    PresentationLUT,
    PrinterConfigurationRetrieval,
    PrinterConfigurationRetrievalInstance,
)
from print_mgmt import PrintServer
from print_mgmt.config import preset

pytestmark = pytest.mark.interop

pydicom = need("pydicom")

OPTIONAL = (BasicAnnotationBox, PresentationLUT, PrinterConfigurationRetrieval, BasicColorPrintManagementMeta)
SYNTAXES = pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"]
)


def ramp(bits: int) -> Any:
    pixels = np.arange(64, dtype=np.uint16).reshape(8, 8)
    return image_item(pixels if bits > 8 else pixels.astype(np.uint8), bits)


def lut(scu: Scu, **attributes: Any) -> Reply:
    """A Presentation LUT; its UID is the SCU's own."""
    uid = pydicom.uid.generate_uid()
    status, told = scu.association.send_n_create(dataset_of(**attributes), PresentationLUT, uid)
    return Reply(status.Status, told, uid)


def table(entries: int, bits: int) -> Any:
    values = np.linspace(0, (1 << bits) - 1, entries).astype("<u2")
    item = dataset_of(LUTExplanation="linear", LUTData=values.tobytes())
    item.add_new("LUTDescriptor", "US", [entries, 0, bits])
    item["LUTData"].VR = "OW"
    return item


def references(uid: str) -> list[Any]:
    return [dataset_of(ReferencedSOPClassUID=PresentationLUT, ReferencedSOPInstanceUID=uid)]


@SYNTAXES
async def test_pynetdicom_sets_and_erases_annotations(syntax: str) -> None:
    """As many boxes as the format has, PS3.4 H.4.2.2.1; text in a character set; erased by text of no length."""
    texts = ("Grüße", "片", "")

    def work(port: int) -> None:
        with associated(port, syntax=syntax, also=OPTIONAL) as scu:
            session = scu.session().SOPInstanceUID
            for text in texts:
                film = scu.film(session, "STANDARD\\1,1", AnnotationDisplayFormatID="COMBINED")
                boxes = film.dataset.ReferencedBasicAnnotationBoxSequence
                assert [box.ReferencedSOPClassUID for box in boxes] == [BasicAnnotationBox] * 2
                for position, box in enumerate(boxes, 1):
                    words = text if position == 2 else "first"
                    dataset = dataset_of(SpecificCharacterSet="ISO_IR 192", AnnotationPosition=position)
                    dataset.TextString = words
                    status, _ = scu.association.send_n_set(dataset, BasicAnnotationBox, box.ReferencedSOPInstanceUID)
                    assert status.Status == (0x0116 if undrawn(words) else 0x0000)
                assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0xB603  # no image

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    told = [[(one.AnnotationPosition, one.TextString) for one in film.sheet.annotations] for film in films]
    assert told == [[(1, "first"), (2, text)] if text else [(1, "first")] for text in texts]


@SYNTAXES
@pytest.mark.parametrize(("entries", "bits"), [(256, 10), (256, 16), (4096, 12)])
async def test_pynetdicom_creates_lut_tables(syntax: str, entries: int, bits: int) -> None:
    def work(port: int) -> None:
        with associated(port, syntax=syntax, also=OPTIONAL) as scu:
            made = lut(scu, PresentationLUTSequence=[table(entries, bits)])
            assert made.Status == 0x0000
            assert made.dataset.PresentationLUTSequence[0].LUTDescriptor == [entries, 0, bits]
            film = scu.film(scu.session().SOPInstanceUID, "STANDARD\\1,1")
            item = ramp(8 if entries == 256 else 12)
            chosen = {"ReferencedPresentationLUTSequence": references(made.SOPInstanceUID)}
            assert scu.image(film, 1, item, **chosen).Status == 0x0000
            assert scu.association.send_n_delete(PresentationLUT, made.SOPInstanceUID).Status == 0x0000
            assert scu.image(film, 1, item, **chosen).Status == 0x0106, "no new reference is allowed"
            assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0x0000

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    ((cell,),) = (film.sheet.cells for film in films)
    assert cell.presentation_lut is not None
    assert cell.presentation_lut.table is not None
    assert (len(cell.presentation_lut.table), cell.presentation_lut.bits) == (entries, bits)
    assert cell.presentation_lut.table[-1] == (1 << bits) - 1


@pytest.mark.parametrize("shape", ["IDENTITY", "LIN OD"])
async def test_pynetdicom_creates_lut_shapes(shape: str) -> None:
    def work(port: int) -> None:
        with associated(port, also=OPTIONAL) as scu:
            made = lut(scu, PresentationLUTShape=shape)
            chosen = {"ReferencedPresentationLUTSequence": references(made.SOPInstanceUID)}
            film = scu.film(scu.session().SOPInstanceUID, "STANDARD\\1,1", **chosen)
            assert (made.Status, film.Status) == (0x0000, 0x0000)
            assert scu.image(film, 1, ramp(8)).Status == 0x0000
            assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0x0000

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    assert [film.sheet.presentation_lut and film.sheet.presentation_lut.shape for film in films] == [shape]


@SYNTAXES
async def test_pynetdicom_reads_the_printer_configuration(syntax: str) -> None:
    """PS3.3 C.13.13, as another library reads it."""

    def work(port: int) -> Any:
        with associated(port, syntax=syntax, also=OPTIONAL) as scu:
            sop = PrinterConfigurationRetrieval, PrinterConfigurationRetrievalInstance
            status, told = scu.association.send_n_get([], *sop)
            assert status.Status == 0x0000
            wanted = [pydicom.tag.Tag("PrinterConfigurationSequence"), pydicom.tag.Tag("PrinterStatus")]
            status, some = scu.association.send_n_get(wanted, *sop)
            assert (status.Status, some) == (0x0107, told)
            assert status.AttributeIdentifierList == wanted[1]
            return told

    async with PrintServer(Films(), port=0) as server:
        told = await asyncio.to_thread(work, server.port)
    gray, color = told.PrinterConfigurationSequence
    assert [gray.SOPClassesSupported[0], color.SOPClassesSupported[0]] == [
        BasicGrayscalePrintManagementMeta,
        BasicColorPrintManagementMeta,
    ]
    assert {film.MediumType for film in gray.MediaInstalledSequence} >= {"BLUE FILM", "PAPER"}
    first = gray.SupportedImageDisplayFormatsSequence[0]
    assert (first.ImageDisplayFormat, first.FilmSizeID, len(first.PrinterPixelSpacing)) == (
        "STANDARD\\1,1",
        "14INX17IN",
        2,
    )
    assert first.Columns / 320 * 25.4 == pytest.approx(14 * 25.4 - 6, abs=0.1)


async def test_strict_printer_names_wrong_attributes() -> None:
    """0105, 0106 and 0120 with the attribute, PS3.7 Annex C; the association goes on after each.

    pynetdicom hides the Attribute Identifier List of an N-CREATE response.
    """

    def refused(reply: Any, status: int, keyword: str) -> None:
        assert f"{reply.Status:04X}" == f"{status:04X}"
        assert reply.ErrorComment.startswith(keyword)

    def work(port: int) -> None:
        with associated(port, also=OPTIONAL) as scu:
            send, meta = scu.association.send_n_create, {"meta_uid": BasicGrayscalePrintManagementMeta}
            refused(send(dataset_of(PatientID="1"), BasicFilmSession, **meta)[0], 0x0105, "PatientID")
            refused(send(dataset_of(PrintPriority="SOON"), BasicFilmSession, **meta)[0], 0x0106, "PrintPriority")
            session = scu.session().SOPInstanceUID
            refused(send(dataset_of(FilmSizeID="A4"), BasicFilmBox, **meta)[0], 0x0120, "ImageDisplayFormat")
            film = scu.film(session, "STANDARD\\1,1")
            box = film.dataset.ReferencedImageBoxSequence[0].ReferencedSOPInstanceUID
            no_image = dataset_of(ImageBoxPosition=1)
            reply, _ = scu.association.send_n_set(no_image, BasicGrayscaleImageBox, box, **meta)
            refused(reply, 0x0120, "BasicGrayscaleImageSequence")
            assert reply.AttributeIdentifierList == pydicom.tag.Tag("BasicGrayscaleImageSequence")
            assert scu.image(film, 1, ramp(8)).Status == 0x0000
            assert scu.print(BasicFilmBox, film.SOPInstanceUID).Status == 0x0000

    async with PrintServer(films := Films(), port=0, config=preset("strict")) as server:
        await asyncio.to_thread(work, server.port)
    assert len(films) == 1


async def test_pynetdicom_mixes_gray_and_color_films() -> None:
    """The context of the film box decides which image boxes it gets, PS3.4 H.3.2."""
    pixels = np.random.default_rng(5).integers(0, 256, (8, 8, 3), np.uint8)
    images = image_item(pixels[..., 0]), image_item(pixels, photometric="RGB", planar=1)

    def work(port: int) -> None:
        with associated(port, BasicGrayscalePrintManagementMeta, also=OPTIONAL) as gray:
            session = gray.session().SOPInstanceUID
            color = Scu(gray.association, BasicColorPrintManagementMeta, own_uids=True)
            for scu, image in zip((gray, color), images, strict=True):
                film = scu.film(session, "STANDARD\\1,1")
                assert scu.image(film, 1, image).Status == 0x0000
            assert gray.print(BasicFilmSession, session).Status == 0x0000

    async with PrintServer(films := Films(), port=0) as server:
        await asyncio.to_thread(work, server.port)
    found = [film.sheet.cells[0].image for film in films]
    assert [image and image.pixels.shape for image in found] == [(8, 8), (8, 8, 3)]
