"""The memory of instances is counted, and other data of messages is freed."""

import gc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from print_scu import CONFIG, GRAY, SUCCESS, Scu, ramp

from dimse.data import EXPLICIT_LE, Dataset, Element, decode, encode, tag_of
from dimse.message import NSetRQ
from dimse.uids import BasicFilmBox, BasicGrayscaleImageBox, BasicPrintImageOverlayBox, VOILUTBox
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item
from print_mgmt.model import reference
from print_mgmt.service import Answer, MemoryPool, PrintService

NO_MEMORY, RESOURCE_LIMITATION, OUT_OF_RANGE = 0xC605, 0x0213, 0x0116
IMAGE = PrintImage(pixels=np.zeros((100, 100), np.uint8), PhotometricInterpretation="MONOCHROME2")
SMALL = replace(CONFIG, memory=32_000)  # for two images and their boxes
ERASED = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[])


def overlay(rows: int = 160) -> Dataset:
    plane = Dataset(OverlayRows=rows, OverlayColumns=100, OverlayOrigin=[1, 1], OverlayBitsAllocated=1)
    plane.OverlayBitPosition, plane.OverlayData = 0, bytes(rows * 100 // 8)
    return Dataset(OverlayPixelDataSequence=[plane])


def test_images_beyond_the_client_limit_are_refused() -> None:
    """C605, PS3.4 H.4.3.1.2.1.2; an image that replaces another counts once."""
    scu = Scu(config=SMALL)
    film, boxes = scu.film()
    assert [scu.image(boxes[0], 1, IMAGE).Status for _ in range(3)] == [SUCCESS] * 3
    assert scu.image(boxes[1], 2, IMAGE).Status == SUCCESS
    assert scu.image(boxes[2], 3, IMAGE).Status == NO_MEMORY
    assert scu.set(BasicGrayscaleImageBox, boxes[0], ERASED).Status == SUCCESS
    assert scu.image(boxes[2], 3, IMAGE).Status == SUCCESS
    (printed,) = scu.print(BasicFilmBox, film).films
    assert [cell.image is not None for cell in printed.sheet.cells] == [False, True, True, False, False, False]


def test_refused_image_leaves_the_box_unchanged() -> None:
    scu = Scu(config=SMALL)
    film, boxes = scu.film()
    large = PrintImage(pixels=np.zeros((300, 100), np.uint8), PhotometricInterpretation="MONOCHROME2")
    assert scu.image(boxes[0], 1, IMAGE, Polarity="REVERSE").Status == SUCCESS
    assert scu.image(boxes[0], 1, large, Polarity="NORMAL").Status == NO_MEMORY
    cell = scu.print(BasicFilmBox, film).films[0].sheet.cells[0]
    assert cell.image is not None
    assert (cell.image.pixels.shape, cell.Polarity) == ((100, 100), "REVERSE")


@pytest.mark.parametrize("leave", ["close", "delete"])
def test_clients_share_the_memory_of_the_printer(leave: str) -> None:
    """Memory that a client releases, by N-DELETE or by leaving, is free for others."""
    memory = MemoryPool(25_000)
    first, second = (Scu(memory=memory) for _ in range(2))
    film, theirs = first.film()
    _, ours = second.film()
    assert first.image(theirs[0], 1, IMAGE).Status == SUCCESS
    assert second.image(ours[0], 1, IMAGE).Status == NO_MEMORY
    assert second.image(ours[0], 1, ramp()).Status == SUCCESS
    if leave == "close":
        first.service.close()
    else:
        assert first.delete(BasicFilmBox, film).Status == SUCCESS
    assert second.image(ours[0], 1, IMAGE).Status == SUCCESS


def test_overlay_counts_while_something_refers_to_it() -> None:
    """A deleted overlay is still printed with its image, so it still counts."""
    scu = Scu(config=SMALL)
    _, boxes = scu.film()
    made = scu.create(BasicPrintImageOverlayBox, dataset=overlay())
    assert made.AffectedSOPInstanceUID
    references = [reference(BasicPrintImageOverlayBox, made.AffectedSOPInstanceUID)]
    assert scu.image(boxes[0], 1, ramp(), ReferencedImageOverlayBoxSequence=references).Status == SUCCESS
    assert scu.delete(BasicPrintImageOverlayBox, made.AffectedSOPInstanceUID).Status == SUCCESS
    assert scu.create(BasicPrintImageOverlayBox, dataset=overlay()).Status == RESOURCE_LIMITATION
    empty = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[], ReferencedImageOverlayBoxSequence=None)
    assert scu.set(BasicGrayscaleImageBox, boxes[0], empty).Status == SUCCESS
    assert scu.create(BasicPrintImageOverlayBox, dataset=overlay()).Status == SUCCESS


def test_tables_and_texts_count() -> None:
    scu = Scu(config=SMALL)
    table = Dataset(LUTDescriptor=[4096, 0, 12], LUTData=b"\xff\x0f" * 4096)
    made = [scu.create(VOILUTBox, dataset=Dataset(VOILUTSequence=[table])).Status for _ in range(4)]
    assert made == [SUCCESS] * 3 + [RESOURCE_LIMITATION]


def sent(service: PrintService, uid: str, dataset: Dataset) -> tuple[bytearray, Answer]:
    """Send an encoded N-SET; return its bytes, which can only be cleared once no view of them is left."""
    wire = bytearray(encode(dataset, EXPLICIT_LE))
    message = NSetRQ(MessageID=1, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID=uid, Data=wire)
    return wire, service.handle(GRAY, message, decode(wire, EXPLICIT_LE))


def test_small_image_frees_its_large_message() -> None:
    scu = Scu()
    film, boxes = scu.film()
    dataset = scu.image_dataset(1, to_item(ramp()), MagnificationType="NONE")
    dataset.add(Element(0x00091001, "OB", bytes(100_000)))
    wire, answer = sent(scu.service, boxes[0], dataset)
    assert answer.Status == SUCCESS
    del answer
    gc.collect()
    wire.clear()  # raises BufferError while there is a view of it
    cell = scu.print(BasicFilmBox, film).films[0].sheet.cells[0]
    assert cell.image is not None
    np.testing.assert_array_equal(cell.image.pixels, ramp().pixels)
    assert cell.MagnificationType == "NONE"


def test_replaced_image_frees_its_message() -> None:
    """500 images, each with an attribute that the next one lacks."""
    scu = Scu()
    _, boxes = scu.film()
    attributes: list[dict[str, Any]] = [
        {"Polarity": "REVERSE"},
        {"SmoothingType": "SHARP"},
        {"MaxDensity": 250},
        {"MinDensity": 30},
    ]
    before: list[bytearray] = []
    for number in range(500):
        dataset = scu.image_dataset(1, to_item(IMAGE), **attributes[number % 4])
        wire, answer = sent(scu.service, boxes[0], dataset)
        assert answer.Status == SUCCESS
        del answer
        for old in before:
            old.clear()
        before = [wire]


def test_film_shares_the_pixels_of_the_message() -> None:
    """The pixels of a film are a view of the message: the film takes the memory of its pixels, and little more."""
    scu = Scu()
    film, boxes = scu.film()
    wire, answer = sent(scu.service, boxes[0], scu.image_dataset(1, to_item(IMAGE)))
    assert answer.Status == SUCCESS
    image = scu.print(BasicFilmBox, film).films[0].sheet.cells[0].image
    assert image is not None
    assert np.shares_memory(image.pixels, np.frombuffer(wire, np.uint8))
    assert len(wire) < 1.1 * image.pixels.nbytes


def test_overlong_attribute_is_not_kept() -> None:
    scu = Scu()
    film, _ = scu.film()
    dataset = Dataset()
    dataset.add(Element(tag_of("ConfigurationInformation"), "UT", "x" * 30_000))
    assert scu.set(BasicFilmBox, film, dataset).Status == OUT_OF_RANGE
    assert "ConfigurationInformation" not in scu.print(BasicFilmBox, film).films[0].film_box


# --- memory that associations share ---


def test_one_host_leaves_memory_for_the_others() -> None:
    pool = MemoryPool(100, host_size=60)
    assert pool.reserve("a", 40, "10.0.0.1")
    assert not pool.reserve("b", 21, "10.0.0.1")
    assert pool.reserve("b", 20, "10.0.0.1")
    assert not pool.reserve("c", 41, "10.0.0.2")
    assert pool.reserve("c", 40, "10.0.0.2")


def test_released_memory_is_free_for_its_host() -> None:
    pool = MemoryPool(100, host_size=60)
    assert pool.reserve("a", 60, "10.0.0.1")
    pool.release("a")
    assert pool.reserve("b", 60, "10.0.0.1")


def test_reserved_memory_may_always_shrink() -> None:
    pool = MemoryPool(100)
    assert pool.reserve("a", 100)
    assert not pool.reserve("a", 101)
    assert pool.reserve("a", 99)
    assert not pool.reserve("b", 2)
    assert pool.reserve("b", 1)
