"""Image boxes: PS3.4 H.4.3. Accepted images reach the film; refused images leave the box unchanged."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from print_scu import COLOR, SUCCESS, Scu, ramp

from dimse.data import IMPLICIT_LE, Dataset, Element, decode, encode, tag_of
from dimse.uids import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicGrayscaleImageBox,
)
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item


def test_empty_image_sequence_erases_the_image() -> None:
    """PS3.4 H.4.3.1.2.1.3."""
    scu = Scu()
    film_box, boxes = scu.film()
    scu.image(boxes[0], 1, ramp())
    erase = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[])
    assert scu.set(BasicGrayscaleImageBox, boxes[0], erase).Status == SUCCESS
    assert scu.print(BasicFilmBox, film_box).Status == 0xB603


def gray_item(**changes: Any) -> Dataset:
    item = to_item(ramp())
    for keyword, value in changes.items():
        item[keyword] = value
    return item


@pytest.mark.parametrize(
    ("changes", "comment"),
    [
        ({"Rows": 0}, "Rows"),
        ({"Rows": 65535, "Columns": 65535}, "PixelData"),
        ({"Rows": 5}, "PixelData"),
        ({"Columns": 5}, "PixelData"),
        ({"BitsAllocated": 32}, "BitsAllocated 32"),
        ({"BitsStored": 12}, "BitsAllocated 8 with BitsStored 12"),
        ({"BitsStored": 1}, "BitsStored 1"),
        ({"HighBit": 0}, "HighBit 0"),
        ({"PixelRepresentation": 1}, "PixelRepresentation 1"),
        ({"SamplesPerPixel": 3}, "SamplesPerPixel 3"),
        ({"PhotometricInterpretation": "RGB"}, "PhotometricInterpretation 'RGB'"),
        ({"PixelAspectRatio": [0, 0]}, "PixelAspectRatio"),
        ({"PixelAspectRatio": [1, 2147483647]}, "PixelAspectRatio"),
        ({"PixelAspectRatio": [-1, 1]}, "PixelAspectRatio"),
        ({"PixelAspectRatio": 1}, "PixelAspectRatio"),
        ({"NumberOfFrames": 2}, "PixelData"),
    ],
)
def test_refused_image_leaves_the_box_unchanged(changes: dict[str, Any], comment: str) -> None:
    scu = Scu()
    film_box, boxes = scu.film()
    assert scu.image(boxes[0], 1, ramp()).Status == SUCCESS
    answer = scu.set(BasicGrayscaleImageBox, boxes[0], scu.image_dataset(1, gray_item(**changes), Polarity="REVERSE"))
    assert answer.Status == 0x0106
    assert comment in answer.comment
    assert answer.comment.isascii()
    assert answer.AttributeIdentifierList == (tag_of(answer.comment.split()[0]),)
    cell = scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0]
    assert cell.Polarity == "NORMAL"
    assert cell.image is not None
    assert np.array_equal(cell.image.pixels, ramp().pixels)


@pytest.mark.parametrize("missing", ["Rows", "BitsStored", "PixelData", "PhotometricInterpretation"])
def test_image_without_a_mandatory_attribute_is_0120(missing: str) -> None:
    scu = Scu()
    _, boxes = scu.film()
    item = gray_item()
    del item[missing]
    answer = scu.set(BasicGrayscaleImageBox, boxes[0], scu.image_dataset(1, item))
    assert (answer.Status, answer.comment) == (0x0120, f"{missing} is missing")
    assert answer.AttributeIdentifierList == (tag_of(missing),)


@pytest.mark.parametrize("empty", ["Rows", "BitsStored", "PhotometricInterpretation", "HighBit", "PixelData"])
def test_image_with_an_empty_mandatory_attribute_is_0121(empty: str) -> None:
    """Missing attribute value, PS3.7 Annex C."""
    scu = Scu()
    _, boxes = scu.film()
    answer = scu.set(BasicGrayscaleImageBox, boxes[0], scu.image_dataset(1, gray_item(**{empty: None})))
    assert (answer.Status, answer.comment) == (0x0121, f"{empty} has no value")
    assert answer.AttributeIdentifierList == (tag_of(empty),)


def test_error_about_two_images_gives_their_number() -> None:
    scu = Scu()
    _, boxes = scu.film()
    dataset = scu.image_dataset(1, gray_item())
    dataset.BasicGrayscaleImageSequence = [gray_item(), gray_item()]
    answer = scu.set(BasicGrayscaleImageBox, boxes[0], dataset)
    assert (answer.Status, answer.comment) == (
        0x0106,
        "BasicGrayscaleImageSequence has 2 items, not 1 item or none",
    )


@pytest.mark.parametrize("keyword", ["Rows", "BitsAllocated", "HighBit", "SamplesPerPixel"])
def test_image_with_a_short_attribute_is_0106(keyword: str) -> None:
    scu = Scu()
    _, boxes = scu.film()
    item = gray_item()
    item.add(Element(tag_of(keyword), "US", [1, 2]))
    answer = scu.set(BasicGrayscaleImageBox, boxes[0], scu.image_dataset(1, item))
    assert (answer.Status, answer.AttributeIdentifierList) == (0x0106, (tag_of(keyword),))
    assert answer.comment.startswith(keyword)


def test_image_for_another_position_is_refused() -> None:
    scu = Scu()
    _, boxes = scu.film()
    assert scu.image(boxes[0], 2, ramp()).Status == 0x0106


def test_n_set_needs_one_image() -> None:
    scu = Scu()
    _, boxes = scu.film()
    assert scu.set(BasicGrayscaleImageBox, boxes[0], Dataset(ImageBoxPosition=1)).Status == 0x0120
    two = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[gray_item(), gray_item()])
    assert scu.set(BasicGrayscaleImageBox, boxes[0], two).Status == 0x0106


def test_misplaced_attribute_is_ignored() -> None:
    """Agfa sends the Patient ID, and others send private attributes."""
    scu = Scu()
    _, boxes = scu.film()
    dataset = scu.image_dataset(1, gray_item(), PatientID="4711")
    dataset[0x00091001] = b"private"
    assert scu.set(BasicGrayscaleImageBox, boxes[0], dataset).Status == SUCCESS


def test_pad_byte_is_ignored() -> None:
    """PS3.5 §8.1.1; some modalities leave it out."""
    scu = Scu()
    _, boxes = scu.film()
    for data in (bytes(15), bytes(16)):
        item = gray_item(Rows=3, Columns=5, PixelData=data)
        assert scu.set(BasicGrayscaleImageBox, boxes[0], scu.image_dataset(1, item)).Status == SUCCESS


@pytest.mark.parametrize("stored", [10, 12, 16])
def test_gray_of_more_than_8_bits_is_accepted(stored: int) -> None:
    """The standard has 12 bits; modalities also send 10 and 16."""
    scu = Scu()
    film_box, boxes = scu.film()
    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6) * np.uint16(1 << (stored - 5))
    image = PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME1", BitsStored=stored)
    assert scu.image(boxes[0], 1, image).Status == SUCCESS
    printed = scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0].image
    assert printed is not None
    assert (printed.BitsStored, printed.PhotometricInterpretation) == (stored, "MONOCHROME1")
    assert np.array_equal(printed.pixels, pixels)


def color_item(pixels: NDArray[np.uint8], photometric: str, planar: int) -> Dataset:
    item = to_item(PrintImage(pixels=np.zeros((2, 2, 3), np.uint8), PhotometricInterpretation="RGB"))
    item.PhotometricInterpretation = photometric
    item.PlanarConfiguration = planar
    item.PixelData = pixels.tobytes()
    return item


# One red, green, blue and gray pixel, as RGB and as YBR_FULL (PS3.3 C.7.6.3.1.2)
RGB = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [128, 128, 128]]], np.uint8)


YBR = np.array([[[76, 85, 255], [150, 44, 21]], [[29, 255, 107], [128, 128, 128]]], np.uint8)


@pytest.mark.parametrize(
    ("pixels", "photometric", "planar", "tolerance"),
    [
        (RGB, "RGB", 0, 0),
        (np.moveaxis(RGB, -1, 0), "RGB", 1, 0),
        (YBR, "YBR_FULL", 0, 3),
        (np.moveaxis(YBR, -1, 0), "YBR_FULL", 1, 3),
    ],
)
def test_color_is_read_in_every_order(pixels: NDArray[np.uint8], photometric: str, planar: int, tolerance: int) -> None:
    """The standard has RGB by planes; modalities also send the others."""
    scu = Scu(COLOR)
    film_box, boxes = scu.film()
    dataset = scu.image_dataset(1, color_item(pixels, photometric, planar))
    assert scu.set(BasicColorImageBox, boxes[0], dataset).Status == SUCCESS
    printed = scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0].image
    assert printed is not None
    assert printed.PhotometricInterpretation == "RGB"
    assert np.abs(printed.pixels.astype(int) - RGB.astype(int)).max() <= tolerance


def test_ybr_full_422_is_read() -> None:
    scu = Scu(COLOR)
    film_box, boxes = scu.film()
    # two gray pixels of 50 and 200 share Cb and Cr of 128; two red ones follow
    pixels = np.array([50, 200, 128, 128, 76, 76, 85, 255], np.uint8)
    dataset = scu.image_dataset(1, color_item(pixels, "YBR_FULL_422", 0))
    assert scu.set(BasicColorImageBox, boxes[0], dataset).Status == SUCCESS
    printed = scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0].image
    assert printed is not None
    assert printed.pixels[0].tolist() == [[50, 50, 50], [200, 200, 200]]
    assert np.abs(printed.pixels[1].astype(int) - [255, 0, 0]).max() <= 3
    short = scu.image_dataset(1, color_item(pixels[:-2], "YBR_FULL_422", 0))
    assert scu.set(BasicColorImageBox, boxes[0], short).Status == 0x0106


def test_color_box_refuses_a_gray_image() -> None:
    scu = Scu(COLOR)
    _, boxes = scu.film()
    dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[gray_item()])
    assert scu.set(BasicColorImageBox, boxes[0], dataset).Status == 0x0120


def test_bytes_that_are_not_a_value_are_refused() -> None:
    """Rows with three bytes: the Error Comment names the element."""
    scu = Scu()
    _, boxes = scu.film()
    wire = encode(scu.image_dataset(1, gray_item()), IMPLICIT_LE)
    rows = b"\x28\0\x10\0\2\0\0\0\4\0"
    assert rows in wire
    text_for_rows = wire.replace(rows, b"\x28\0\x10\0\2\0\0\0x\xff"[:8] + b"\xff\xff")
    answer = scu.set(BasicGrayscaleImageBox, boxes[0], decode(text_for_rows, IMPLICIT_LE))
    assert answer.Status == 0x0106


def test_wrong_aspect_ratio_is_an_invalid_value() -> None:
    scu = Scu()
    _, boxes = scu.film()
    wire = encode(scu.image_dataset(1, gray_item(PixelAspectRatio=[2, 1])), IMPLICIT_LE)
    assert wire.count(b"2\\1 ") == 1
    answer = scu.set(BasicGrayscaleImageBox, boxes[0], decode(wire.replace(b"2\\1 ", b"x\\y "), IMPLICIT_LE))
    assert answer.Status == 0x0106
    assert answer.comment.startswith("PixelAspectRatio ")
    assert answer.AttributeIdentifierList == (tag_of("PixelAspectRatio"),)


def test_aspect_ratio_reaches_the_film() -> None:
    scu = Scu()
    film_box, boxes = scu.film()
    image = PrintImage(pixels=ramp().pixels, PhotometricInterpretation="MONOCHROME2", PixelAspectRatio=(3, 2))
    assert scu.image(boxes[0], 1, image).Status == SUCCESS
    printed = scu.print(BasicFilmBox, film_box).films[0].sheet.cells[0].image
    assert printed is not None
    assert printed.PixelAspectRatio == (3, 2)
