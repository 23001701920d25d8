"""Requests that break PS3.5, but have a plain meaning, are performed."""

import struct

import numpy as np
import pytest
from print_scu import GRAY, uids
from wire_scu import WireScu, over_the_wire

from dimse.data import EXPLICIT_LE, Dataset, Element, encode, tag_of
from dimse.message import NCreateRQ, NSetRQ
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from print_mgmt.config import PrinterConfig
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item
from print_mgmt.model import reference
from print_mgmt.service import Answer

CREATE_SESSION = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmSession)
CREATE_FILM = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmBox)
SYNTAXES = {"implicit": ImplicitVRLittleEndian, "explicit": ExplicitVRLittleEndian}


def element(tag: int, code: bytes, value: bytes, *, explicit: bool) -> bytes:
    """Return an element, whose VR may be invalid."""
    if not explicit:
        return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(value)) + value
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, code, len(value)) + value


def film_box(session: str, display: Element | None = None, *more: Element) -> Dataset:
    dataset = Dataset(
        ImageDisplayFormat="STANDARD\\1,1", ReferencedFilmSessionSequence=[reference(BasicFilmSession, session)]
    )
    for one in (display, *more):
        if one is not None:
            dataset.add(one)
    return dataset


def written(keyword: str, vr: str, value: object) -> Element:
    """Return an attribute in another VR than that of PS3.6."""
    return Element(tag_of(keyword), vr, value)


def film_sent(scu: WireScu, session: str, *elements: Element) -> Answer:
    return scu.sent(GRAY, CREATE_FILM, encode(film_box(session, *elements), EXPLICIT_LE))


def film_sent_as(scu: WireScu, dataset: Dataset, after: bytes = b"") -> Answer:
    """Create a film box in the syntax of the association, with bytes ``after`` its last element."""
    syntax = scu.association.syntax(scu.association.context_for(GRAY))
    return scu.sent(GRAY, CREATE_FILM, encode(dataset, syntax) + after)


# Explicit VRs other than those of PS3.6


@pytest.mark.parametrize("vr", ["LO", "CS", "UT", "LT", "UN"])
def test_display_format_is_taken_in_any_text_vr(vr: str) -> None:
    with over_the_wire(ExplicitVRLittleEndian) as wire_scu:
        one = wire_scu()
        answer = film_sent(one, one.session(), written("ImageDisplayFormat", vr, b"STANDARD\\2,1"))
        assert (answer.Status, len(uids(answer, "ReferencedImageBoxSequence"))) == (0x0000, 2), answer.comment


@pytest.mark.parametrize(
    ("vr", "value"), [("DS", "2"), ("US", 2), ("SL", 2), ("LO", "2"), ("FL", 2.0), ("DS", "2.0"), ("SH", " 2 ")]
)
def test_number_of_copies_is_taken_in_any_vr(vr: str, value: object) -> None:
    with over_the_wire(ExplicitVRLittleEndian) as wire_scu:
        one = wire_scu()
        session = Dataset()
        session.add(written("NumberOfCopies", vr, value))
        answer = one.sent(GRAY, CREATE_SESSION, encode(session, EXPLICIT_LE))
        assert answer.Status == 0x0000, answer.comment
        assert answer.dataset is not None
        assert answer.dataset.NumberOfCopies == 2


@pytest.mark.parametrize(("vr", "value", "held"), [("US", 150, "150"), ("LO", "BLACK", "BLACK"), ("IS", 150, "150")])
def test_border_density_is_taken_in_any_vr(vr: str, value: object, held: str) -> None:
    with over_the_wire(ExplicitVRLittleEndian) as wire_scu:
        one = wire_scu()
        answer = film_sent(one, one.session(), written("BorderDensity", vr, value), written("MaxDensity", "IS", 300))
        assert answer.Status == 0x0000, answer.comment
        assert answer.dataset is not None
        assert (answer.dataset.BorderDensity, answer.dataset.MaxDensity) == (held, 300)


@pytest.mark.parametrize("vr", ["DS", "US", "SH"])
def test_pixel_aspect_ratio_is_taken_in_any_vr(vr: str) -> None:
    item = to_item(PrintImage(pixels=np.zeros((4, 6), np.uint8), PhotometricInterpretation="MONOCHROME2"))
    ratio: object = [1, 2] if vr == "US" else "1\\2"
    item.add(written("PixelAspectRatio", vr, ratio))
    item.add(written("Rows", "UL", 4))
    with over_the_wire(ExplicitVRLittleEndian) as wire_scu:
        one = wire_scu()
        made = film_sent(one, one.session())
        (uid,) = uids(made, "ReferencedImageBoxSequence")
        box = NSetRQ(MessageID=1, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID=uid)
        answer = one.sent(GRAY, box, encode(one.image_dataset(1, item), EXPLICIT_LE))
        assert answer.Status == 0x0000, answer.comment
        assert one.print(BasicFilmBox, made.AffectedSOPInstanceUID or "").Status == 0x0000
    ((cell,),) = (film.sheet.cells for film in one.films)
    assert cell.image is not None
    assert cell.image.PixelAspectRatio == (1, 2)


def test_meaningless_bytes_in_another_vr_are_refused() -> None:
    with over_the_wire(ExplicitVRLittleEndian) as wire_scu:
        one = wire_scu()
        answer = film_sent(one, one.session(), written("ImageDisplayFormat", "US", 7))
        assert answer.Status == 0x0106
        assert "ImageDisplayFormat" in answer.comment


def test_strict_printer_requires_the_known_vr() -> None:
    with over_the_wire(ExplicitVRLittleEndian) as wire_scu:
        one = wire_scu(config=PrinterConfig(strict=True))
        session = Dataset()
        session.add(written("NumberOfCopies", "SH", "2"))
        assert one.sent(GRAY, CREATE_SESSION, encode(session, EXPLICIT_LE)).Status == 0x0106


# Wrong elements that are unrelated to printing


def wrong_sequence(*, explicit: bool) -> bytes:
    """Return a Referenced Image Sequence with an item that is longer than the sequence."""
    content = b"\xfe\xff\x00\xe0" + struct.pack("<L", 100) + bytes(4)
    if explicit:
        return struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, len(content)) + content
    return struct.pack("<HHL", 0x0008, 0x1140, len(content)) + content


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    ("tag", "code", "value"),
    [
        (0x00120064, b"LO", b"Header Anonymizer "),
        (0x00100020, b"--", b"4711"),
        (0x00100020, b"  ", b"4711"),
        (0x00100020, b"\0\0", b"4711"),
        (0x00101030, b"DS", b"heavy "),
        (0x00200013, b"IS", b"1,000 "),
        (0x00280010, b"US", b"\1\2\3"),
        (0x00080020, b"DA", b"yesterday "),
        (0x00100010, b"PN", b"x" * 20_000),
        (0x00080005, b"CS", b"ISO_IR 999"),
        (0x00081140, b"", b""),
    ],
)
def test_wrong_unrelated_element_is_ignored(syntax: str, tag: int, code: bytes, value: bytes) -> None:
    explicit = syntax == "explicit"
    wrong = element(tag, code, value, explicit=explicit) if code else wrong_sequence(explicit=explicit)
    with over_the_wire(SYNTAXES[syntax]) as wire_scu:
        one = wire_scu()
        encoding = one.association.syntax(one.association.context_for(GRAY))
        answer = one.sent(GRAY, CREATE_FILM, wrong + encode(film_box(one.session()), encoding))
        assert answer.Status == 0x0000, answer.comment


def test_wrong_element_of_printing_is_named() -> None:
    with over_the_wire(ImplicitVRLittleEndian) as wire_scu:
        one = wire_scu()
        copies = element(tag_of("NumberOfCopies"), b"", b"two ", explicit=False)
        answer = one.sent(GRAY, CREATE_SESSION, copies)
        assert answer.Status == 0x0106
        assert answer.comment.startswith("NumberOfCopies")


# Elements that occur twice


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_second_rows_after_the_pixels_does_not_count(syntax: str) -> None:
    explicit = syntax == "explicit"
    item = to_item(PrintImage(pixels=np.zeros((4, 6), np.uint8), PhotometricInterpretation="MONOCHROME2"))
    with over_the_wire(SYNTAXES[syntax]) as wire_scu:
        one = wire_scu()
        encoding = one.association.syntax(one.association.context_for(GRAY))
        image = encode(item, encoding) + element(tag_of("Rows"), b"US", b"\2\0", explicit=explicit)
        item_bytes = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(image)) + image
        made = film_sent_as(one, film_box(one.session()))
        (uid,) = uids(made, "ReferencedImageBoxSequence")
        data = element(tag_of("ImageBoxPosition"), b"US", b"\1\0", explicit=explicit)
        data += struct.pack("<HH", 0x2020, 0x0110) + (b"SQ\0\0" if explicit else b"")
        data += struct.pack("<L", len(item_bytes)) + item_bytes
        box = NSetRQ(MessageID=1, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID=uid)
        assert one.sent(GRAY, box, data).Status == 0x0000
        assert one.print(BasicFilmBox, made.AffectedSOPInstanceUID or "").Status == 0x0000
    ((cell,),) = (film.sheet.cells for film in one.films)
    assert cell.image is not None
    assert cell.image.pixels.shape == (4, 6)


# Bytes behind the last element


@pytest.mark.parametrize("count", [1, 2, 8, 30, 5000])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_zeros_after_a_request_are_ignored(syntax: str, count: int) -> None:
    with over_the_wire(SYNTAXES[syntax]) as wire_scu:
        one = wire_scu()
        answer = film_sent_as(one, film_box(one.session()), bytes(count))
        assert (answer.Status, len(uids(answer, "ReferencedImageBoxSequence"))) == (0x0000, 1), answer.comment


@pytest.mark.parametrize("junk", [b"\r\n", b"\xff" * 8, b" " * 40, b"\xcc" * 4096, b"--end of request--"], ids=len)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_junk_after_a_request_is_ignored_and_logged(syntax: str, junk: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with over_the_wire(SYNTAXES[syntax]) as wire_scu:
        one = wire_scu()
        answer = film_sent_as(one, film_box(one.session()), junk)
        assert (answer.Status, len(uids(answer, "ReferencedImageBoxSequence"))) == (0x0000, 1), answer.comment
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert f": N-CREATE of Basic Film Box: ignored: {len(junk)} bytes" in line


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_bytes_that_may_be_an_attribute_are_not_ignored(syntax: str) -> None:
    explicit = syntax == "explicit"
    session = element(tag_of("MediumType"), b"CS", b"PAPER ", explicit=explicit)
    copies = element(tag_of("NumberOfCopies"), b"IS", b"2 ", explicit=explicit)
    with over_the_wire(SYNTAXES[syntax]) as wire_scu:
        one = wire_scu()
        for doubtful in (copies[:-1], copies[:6], b"\xff" * 8 + copies):
            answer = one.sent(GRAY, CREATE_SESSION, session + doubtful)
            assert (answer.Status, answer.comment != "") == (0x0110, True), doubtful
