"""Hostile requests: each gets an answer, and leaves the printer unchanged."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from print_scu import CONFIG, SUCCESS, Scu, ramp, uids

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, Element, Tag, decode, encode, tag_of
from dimse.message import NGetRQ
from dimse.uids import BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox, PrinterInstance
from dimse.uids import Printer as PrinterClass
from print_mgmt.items import to_item
from print_mgmt.jobs import PrintJob
from print_mgmt.model import reference
from print_mgmt.service import Answer


def raw(keyword: str, vr: str, value: bytes) -> Dataset:
    """A Data Set of one element as it comes from the wire."""
    dataset = Dataset()
    dataset.add(Element(tag_of(keyword), vr, value))
    return decode(encode(dataset, EXPLICIT_LE), EXPLICIT_LE)


def film_box(scu: Scu, attributes: Dataset) -> Answer:
    dataset = Dataset(ImageDisplayFormat="STANDARD\\1,1")
    dataset.ReferencedFilmSessionSequence = [reference(BasicFilmSession, scu.session())]
    dataset.update(attributes)
    return scu.create(BasicFilmBox, dataset=dataset)


@pytest.mark.parametrize(
    "display_format",
    [
        rb"STANDARD\99,99",
        rb"STANDARD\9999,9999",
        rb"STANDARD\1000000,1000000",
        rb"STANDARD\-1,-1",
        b"STANDARD\\" + b"9" * 100_000 + b",1",
        b"ROW\\" + b"1," * 500_000 + b"1",
        b"COL\\" + b"9" * 5000,
        b"CUSTOM\\" + b"1" * 5000,
        b"\\" * 1000,
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_endless_display_format_is_refused(display_format: bytes) -> None:
    scu = Scu()
    answer = film_box(scu, raw("ImageDisplayFormat", "UT", display_format))
    assert (answer.Status, len(answer.comment) < 300) == (0x0106, True)
    assert scu.service.session is not None
    assert scu.service.session.film_boxes == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Rows": 65535, "Columns": 65535},
        {"Rows": 65535, "Columns": 65535, "PixelData": b""},
        {"PixelData": bytes(22)},
        {"PixelData": bytes(28)},
        {"BitsAllocated": 1},
        {"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31},
        {"BitsAllocated": 0},
        {"BitsStored": 0, "HighBit": 65535},
        {"PixelAspectRatio": [0, 0]},
        {"PixelAspectRatio": [1, 2147483647]},
        {"PixelAspectRatio": [-1, -1]},
        {"PixelAspectRatio": [1, 0]},
        {"SamplesPerPixel": 65535},
        {"NumberOfFrames": 2147483647},
    ],
    ids=str,
)
def test_wrong_image_is_refused(changes: dict[str, Any]) -> None:
    """No memory is allocated for pixels that are declared but missing."""
    scu = Scu()
    _, boxes = scu.film()
    item = to_item(ramp())
    for keyword, value in changes.items():
        item[keyword] = value
    status = 0x0106 if item.PixelData else 0x0121  # no value at all, PS3.7 Annex C
    assert scu.set(BasicGrayscaleImageBox, boxes[0], scu.image_dataset(1, item)).Status == status
    assert scu.service.session is not None
    assert all(box.image is None for box in scu.service.session.film_boxes[0].image_boxes)


def test_rows_of_four_bytes_are_refused() -> None:
    """UL for Rows overflowed integers elsewhere (Orthanc)."""
    scu = Scu()
    _, boxes = scu.film()
    item = to_item(ramp())
    item.add(Element(tag_of("Rows"), "UL", 0x10000004))
    assert scu.set(BasicGrayscaleImageBox, boxes[0], scu.image_dataset(1, item)).Status == 0x0106


@pytest.mark.parametrize("size", ["1e9", "1e999", "-5", "0", "NaN", "9" * 16, "10 cm"])
def test_absurd_requested_image_size_is_not_used(size: str) -> None:
    scu = Scu()
    film, boxes = scu.film()
    dataset = scu.image_dataset(1, to_item(ramp()))
    dataset.update(raw("RequestedImageSize", "DS", size.encode()))
    answer = scu.set(BasicGrayscaleImageBox, boxes[0], dataset)
    assert answer.Status in (0x0106, 0x0116)
    assert "RequestedImageSize" in answer.comment
    assert scu.print(BasicFilmBox, film).films[0].sheet.cells[0].RequestedImageSize is None


@pytest.mark.parametrize(
    ("keyword", "vr", "value", "status"),
    [
        ("MaxDensity", "US", b"\xff\xff", 0xB605),
        ("MaxDensity", "LO", b"as black as can be", 0x0116),
        ("MaxDensity", "US", b"\1\0\2\0", 0x0116),
        ("MinDensity", "SS", b"\xff\xff", 0x0116),
        ("BorderDensity", "CS", b"99999999999999", 0x0116),
        ("BorderDensity", "LO", b"9" * 60, 0x0116),
        ("Illumination", "US", b"\0\0", 0x0116),
    ],
)
def test_impossible_density_is_replaced(keyword: str, vr: str, value: bytes, status: int) -> None:
    scu = Scu()
    answer = film_box(scu, raw(keyword, vr, value))
    assert answer.Status == status, answer.comment
    film = answer.AffectedSOPInstanceUID
    assert film
    assert scu.print(BasicFilmBox, film).Status == 0xB603


@pytest.mark.parametrize("copies", ["1000000000", "2147483647", "-1", "0", "100", "9" * 5000])
def test_absurd_number_of_copies_is_not_used(copies: str) -> None:
    scu = Scu()
    answer = scu.create(BasicFilmSession, dataset=raw("NumberOfCopies", "IS", copies.encode()))
    assert answer.Status in (0x0106, 0x0116)
    if answer.Status == 0x0116:
        assert answer.dataset is not None
        assert answer.dataset.NumberOfCopies == 1


def test_unprinted_instances_are_bounded() -> None:
    scu = Scu()
    session = scu.session()
    assert {scu.create(BasicFilmSession).Status for _ in range(1000)} == {0x0213}
    statuses = [scu.film_box(session, ImageDisplayFormat="STANDARD\\1,1").Status for _ in range(1000)]
    assert statuses == [SUCCESS] * CONFIG.film_boxes + [0x0213] * (1000 - CONFIG.film_boxes)


def test_image_set_500_times_is_held_once() -> None:
    scu = Scu()
    film, boxes = scu.film()
    for _ in range(500):
        assert scu.image(boxes[0], 1, ramp()).Status == SUCCESS
    job = scu.print(BasicFilmBox, film).job
    assert isinstance(job, PrintJob)
    assert job.films[0].sheet.nbytes == ramp().pixels.nbytes


def test_print_of_a_missing_instance_is_refused() -> None:
    scu, other = Scu(), Scu()
    theirs, _ = other.film()
    film, _ = scu.film()
    assert scu.print(BasicFilmBox, film).Status == 0xB603
    scu.delete(BasicFilmBox, film)
    answers = [scu.print(BasicFilmBox, uid) for uid in (film, theirs, "1.2.3", "", "../../etc/passwd", "9" * 64)]
    assert {answer.Status for answer in answers} == {0x0112}
    assert all(answer.comment.startswith("there is no Basic Film Box '") for answer in answers)
    assert other.print(BasicFilmBox, theirs).Status == 0xB603


def test_unknown_identifiers_are_named_in_part() -> None:
    """The answer names 64 of them, because its list is part of a command."""
    tags = (*(Tag(0x00110000 + number) for number in range(100_000)), tag_of("PrinterStatus"))
    message = NGetRQ(
        MessageID=1,
        RequestedSOPClassUID=PrinterClass,
        RequestedSOPInstanceUID=PrinterInstance,
        AttributeIdentifierList=tags,
    )
    answer = Scu().ask(message)
    assert (answer.Status, answer.dataset) == (0x0107, Dataset(PrinterStatus="NORMAL"))
    assert answer.AttributeIdentifierList is not None
    assert len(answer.AttributeIdentifierList) == 64


def test_repeated_identifier_is_answered_once() -> None:
    message = NGetRQ(
        MessageID=1,
        RequestedSOPClassUID=PrinterClass,
        RequestedSOPInstanceUID=PrinterInstance,
        AttributeIdentifierList=(tag_of("PatientName"),) * 100_000,
    )
    assert Scu().ask(message).AttributeIdentifierList == (tag_of("PatientName"),)


def test_many_misplaced_attributes_are_named_in_part() -> None:
    dataset = Dataset()
    for number in range(10_000):
        dataset.add(Element(0x20100000 + number % 0xFFFF | 1 << 12, "LO", "x"))
    answer = Scu().create(BasicFilmSession, dataset=dataset)
    assert answer.Status in (SUCCESS, 0x0107)
    assert len(answer.AttributeIdentifierList or ()) <= 64


def test_terminal_escapes_are_made_harmless() -> None:
    """Control characters and escapes do not reach a log or an Error Comment."""
    answer = film_box(Scu(), raw("FilmSizeID", "LO", b"\x1b[2J\x07\r\n' OR 1=1"))
    assert answer.Status == 0x0106
    assert answer.comment.isprintable()
    assert answer.comment.isascii()


def test_circular_references_are_refused() -> None:
    """The session of a film box is the film box itself, or an image box."""
    scu = Scu()
    film, boxes = scu.film()
    for uid in (film, boxes[0]):
        dataset = Dataset(ImageDisplayFormat="STANDARD\\1,1")
        dataset.ReferencedFilmSessionSequence = [reference(BasicFilmSession, uid)]
        assert scu.create(BasicFilmBox, dataset=dataset).Status == 0x0106
    lut = Dataset(ReferencedPresentationLUTSequence=[reference(BasicFilmBox, film)])
    assert scu.set(BasicFilmBox, film, lut).Status == 0x0106


def test_pixels_are_shared_read_only() -> None:
    """A film in the queue has views of the received bytes, which are never changed."""
    scu = Scu()
    film, boxes = scu.film()
    wire = encode(scu.image_dataset(1, to_item(ramp())), IMPLICIT_LE)
    scu.set(BasicGrayscaleImageBox, boxes[0], decode(wire, IMPLICIT_LE))
    image = scu.print(BasicFilmBox, film).films[0].sheet.cells[0].image
    assert image is not None
    assert np.shares_memory(image.pixels, np.frombuffer(wire, np.uint8))


def test_box_uids_are_unpredictable() -> None:
    """The UIDs are random: none follows from the one before."""
    scu = Scu()
    session = scu.session()
    made = [uid for _ in range(10) for uid in uids(scu.film_box(session), "ReferencedImageBoxSequence")]
    numbers = sorted(int(uid.rsplit(".", 1)[1]) for uid in made)
    assert len(set(made)) == 60
    assert min(after - before for before, after in pairwise(numbers)) > 2**64
