"""Attributes that a client sends and the printer does not use: they are kept with the film, and never disturb it."""

from print_scu import Scu, ramp

from dimse.data import Dataset, Element, decode, encode
from dimse.data.syntax import EXPLICIT_LE, IMPLICIT_LE
from dimse.uids import BasicFilmBox
from print_mgmt.items import to_item
from print_mgmt.model import FilmCopy
from print_mgmt.typed import items

PRIVATE = 0x00291010


def private(dataset: Dataset, value: bytes = b"secret") -> Dataset:
    dataset.add(Element(0x00290010, "LO", "MAKER"))
    dataset.add(Element(PRIVATE, "UN", value))
    return dataset


def raw_value(dataset: Dataset, tag: int | str) -> bytes:
    return bytes(dataset[tag].raw)


def film_of(scu: Scu, uid: str) -> FilmCopy:
    return scu.print(BasicFilmBox, uid).films[0]


def test_unused_attributes_of_session_and_film_box_are_kept() -> None:
    scu = Scu()
    session = scu.session(PatientID="4711")
    made = scu.film_box(session, PatientName="Doe^Jane")
    film = film_of(scu, made.AffectedSOPInstanceUID or "")
    assert film.unused.film_session.PatientID == "4711"
    assert str(film.unused.film_box.PatientName) == "Doe^Jane"


def test_private_attributes_of_an_image_box_are_kept() -> None:
    scu = Scu()
    uid, boxes = scu.film(ImageDisplayFormat=r"STANDARD\1,1")
    item = private(to_item(ramp()))
    dataset = private(scu.image_dataset(1, item, PatientID="4711"), b"box")
    wire = decode(encode(dataset, IMPLICIT_LE), IMPLICIT_LE)
    assert scu.set(scu.image_class, boxes[0], wire).Status == 0
    (unused,) = film_of(scu, uid).unused.image_boxes
    assert unused.PatientID == "4711"
    assert raw_value(unused, PRIVATE).rstrip(b"\0 ") == b"box"
    (inner,) = items(unused, "BasicGrayscaleImageSequence")
    assert raw_value(inner, PRIVATE) == b"secret"
    assert "PixelData" not in inner


def test_refused_value_is_kept_in_unused() -> None:
    scu = Scu()
    made = scu.film_box(scu.session(), BorderDensity="PINK")
    film = film_of(scu, made.AffectedSOPInstanceUID or "")
    assert film.unused.film_box.BorderDensity == "PINK"
    assert film.film_box.BorderDensity == "BLACK"


def test_film_without_unused_attributes_has_none() -> None:
    scu = Scu()
    uid, _ = scu.film()
    assert film_of(scu, uid).unused.film_box == Dataset()
    assert film_of(scu, uid).unused.image_boxes == ()


def test_later_request_adds_to_the_unused_attributes() -> None:
    scu = Scu()
    uid, _ = scu.film(PatientID="1")
    scu.set(BasicFilmBox, uid, Dataset(PatientName="Doe"))
    scu.set(BasicFilmBox, uid, Dataset(PatientID="2"))
    unused = film_of(scu, uid).unused.film_box
    assert (unused.PatientID, str(unused.PatientName)) == ("2", "Doe")


def test_unused_texts_of_several_character_sets_are_kept() -> None:
    """A later request has another character set, which lacks the letters of the patient's name."""
    scu = Scu()
    uid, _ = scu.film(PatientName="Жук^Иван", SpecificCharacterSet="ISO_IR 144")
    scu.set(BasicFilmBox, uid, Dataset(SpecificCharacterSet="ISO_IR 100", ReferringPhysicianName="Müller"))
    unused = film_of(scu, uid).unused.film_box
    assert (unused.PatientName, unused.ReferringPhysicianName) == ("Жук^Иван", "Müller")


def test_unused_attributes_count_as_memory() -> None:
    small, large = Scu(), Scu()
    sizes = []
    for scu, length in ((small, 10), (large, 10_000)):
        made = scu.film_box(scu.session(), PatientComments="x" * length)
        sizes.append(film_of(scu, made.AffectedSOPInstanceUID or "").attribute_bytes)
    assert sizes[1] - sizes[0] >= 9_900


def many(first: int, count: int, value: bytes = b"") -> Dataset:
    """Return private attributes, whose numbers begin with ``first``."""
    made = Dataset()
    for number in range(first, first + count):
        made.add(Element(0x0029_0000 | 0x1000 + number, "LO", value))
    return made


def test_unused_attributes_are_bounded_in_number() -> None:
    """Each request may have 5,000 of them, but a film with so many in all of its boxes takes a GiB when it is read."""
    scu = Scu()
    uid, _ = scu.film(PatientID="4711")
    for request in range(8):
        assert scu.set(BasicFilmBox, uid, many(200 * request, 200)).Status == 0
    unused = film_of(scu, uid).unused.film_box
    assert unused.PatientID == "4711"
    assert 800 < len(unused) <= 1000


def test_elements_in_items_count_as_unused() -> None:
    scu = Scu()
    uid, _ = scu.film()
    for number in range(4):
        nested = Dataset()
        nested.add(Element(0x0029_1000 + number, "SQ", [many(0, 400)]))
        assert scu.set(BasicFilmBox, uid, decode(encode(nested, EXPLICIT_LE), EXPLICIT_LE)).Status == 0
    assert [int(tag) & 0xF for tag in film_of(scu, uid).unused.film_box.by_tag()] == [0, 1]


def test_unused_attributes_are_bounded_in_bytes() -> None:
    scu = Scu()
    uid, _ = scu.film()
    for request in range(40):
        assert scu.set(BasicFilmBox, uid, many(request, 1, b"x" * 60_000)).Status == 0
    assert 900_000 < sum(len(element.raw) for element in film_of(scu, uid).unused.film_box) <= 1 << 20


def test_long_unused_attribute_is_left_out() -> None:
    scu = Scu()
    uid, _ = scu.film()
    wire = encode(private(Dataset(PatientID="4711"), bytes(1 << 20)), EXPLICIT_LE)
    assert scu.set(BasicFilmBox, uid, decode(wire, EXPLICIT_LE)).Status == 0
    unused = film_of(scu, uid).unused.film_box
    assert unused.PatientID == "4711"
    assert PRIVATE not in unused


def test_unreadable_attribute_is_kept_as_bytes() -> None:
    scu = Scu()
    made = scu.film_box(scu.session(), ImageDisplayFormat=r"STANDARD\1,1", PatientAge=b"nonsense")
    unused = film_of(scu, made.AffectedSOPInstanceUID or "").unused.film_box
    assert raw_value(unused, "PatientAge") == b"nonsense"
