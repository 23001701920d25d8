"""Our client on a print SCP made with pynetdicom: jobs, annotations, LUTs, single SOP Classes."""

import numpy as np
import pytest
from peers import need
from pynetdicom_printer import PynetdicomPrinter

from dimse.uids import (
    BasicAnnotationBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    PresentationLUT,
    PrintJob,
)
from print_mgmt import PrintClient
from print_mgmt.film import PresentationLUT as Table

pytestmark = pytest.mark.interop

need("pynetdicom")

META = BasicGrayscalePrintManagementMeta
IMAGE = np.arange(99, dtype=np.uint8).reshape(9, 11)


async def test_client_polls_a_job_until_it_is_done() -> None:
    """N-GET of Print Job, because no events come."""
    printer = PynetdicomPrinter(abstract_syntaxes=(META, PrintJob), job_statuses=["PENDING", "PRINTING", "DONE"])
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            (job,) = (await client.print_images([IMAGE])).jobs
            told = [event.name async for event in job.events(poll=0.01)]
    assert told == ["Pending", "Printing", "Done"]
    assert printer.requests.count(("N-GET", PrintJob)) == 3


async def test_client_sets_annotations() -> None:
    printer = PynetdicomPrinter(abstract_syntaxes=(META, BasicAnnotationBox), annotation_boxes=2)
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            report = await client.print_images(
                [IMAGE] * 2, annotations=["left", "Müller"], AnnotationDisplayFormatID="ANY"
            )
    assert report.warnings == ()
    assert printer.annotations == ["left", "Müller"] * 2
    assert {film.film_box["AnnotationDisplayFormatID"] for film in printer.films} == {"ANY"}


@pytest.mark.parametrize("implicit_only", [False, True])
async def test_client_creates_and_deletes_presentation_luts(implicit_only: bool) -> None:
    """A table, read by pydicom, is created once for all films, and deleted after the session that refers to it."""
    table = np.rint((np.arange(256) / 255) ** 3 * 4095).astype(np.uint16)
    printer = PynetdicomPrinter(abstract_syntaxes=(META, PresentationLUT))
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port, implicit_only=implicit_only) as client:
            await client.print_images([IMAGE] * 2, presentation_lut=Table(table=table, bits=12))
    (lut,) = printer.luts
    (item,) = lut.PresentationLUTSequence
    assert list(item.LUTDescriptor) == [256, 0, 12]
    assert np.array_equal(np.frombuffer(item.LUTData, "<u2"), table)
    assert printer.requests[0] == ("N-CREATE", PresentationLUT)
    assert printer.requests[-2:] == [("N-DELETE", BasicFilmSession), ("N-DELETE", PresentationLUT)]
    assert len(printer.films) == 2


async def test_client_prints_by_single_sop_classes() -> None:
    printer = PynetdicomPrinter(abstract_syntaxes=(BasicFilmSession, BasicFilmBox, BasicGrayscaleImageBox))
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            report = await client.print_images([IMAGE] * 3, ImageDisplayFormat=r"STANDARD\1,2")
    assert (report.films, report.warnings) == (2, ())
    assert [list(film.images) for film in printer.films] == [[1, 2], [1]]
    assert all(np.array_equal(found, IMAGE) for film in printer.films for found in film.images.values())


async def test_client_prints_collated_copies() -> None:
    printer = PynetdicomPrinter()
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            report = await client.print_images([IMAGE] * 3, collate=True, NumberOfCopies=2)
    assert report.films == len(printer.films) == 3
    assert printer.requests.count(("N-ACTION", BasicFilmSession)) == 1
