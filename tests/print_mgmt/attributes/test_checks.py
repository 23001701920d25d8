"""Checks of attributes against tables: PS3.4 H.2.4, and the attributes that an SCU chooses."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, Element, Tag, decode, encode, tag_of
from dimse.errors import EncodeError, ServiceError
from print_mgmt.attributes import FILM_SESSION, Attribute, Refusal, check, choose, pick
from print_mgmt.attributes.tables import GRAY_IMAGE_BOX
from print_mgmt.attributes.values import items, one_item, terms, text, uid, whole

TABLE = (
    Attribute("ImageDisplayFormat", "M/M", terms("STANDARD\\i", "SLIDE")),
    Attribute("FilmSizeID", "U/M", terms("A4", "A3"), default="A4", refuse=True),
    Attribute("PrintPriority", "U/M", terms("HIGH", "LOW"), default="LOW", aliases={"URGENT": "HIGH"}),
    Attribute("OwnerID", "U/U", text(16)),
    Attribute("Trim", "U/U", terms("YES", "NO"), default="NO", supported=False),
    Attribute("BasicGrayscaleImageSequence", "U/U", items(0, 1)),
    Attribute(
        "ReferencedFilmSessionSequence",
        "U/U",
        one_item,
        items=(Attribute("ReferencedSOPClassUID", "M/M", uid), Attribute("ReferencedSOPInstanceUID", "U/U", uid)),
    ),
)
RIGHT = {"ImageDisplayFormat": "SLIDE"}


@pytest.mark.parametrize(
    ("attributes", "tolerant", "strict"),
    [
        ({}, 0x0000, 0x0000),
        ({"ImageDisplayFormat": None}, 0x0121, 0x0121),
        ({"ImageDisplayFormat": "ROUND"}, 0x0106, 0x0106),
        ({"ImageDisplayFormat": "STANDARD\\12"}, 0x0000, 0x0000),
        ({"FilmSizeID": "A5"}, 0x0106, 0x0106),
        ({"FilmSizeID": None}, 0x0000, 0x0000),
        ({"PrintPriority": "SOON"}, 0x0116, 0x0106),
        ({"PrintPriority": ["HIGH", "LOW"]}, 0x0116, 0x0106),
        ({"PrintPriority": "URGENT"}, 0x0000, 0x0106),
        ({"Trim": "YES"}, 0x0107, 0x0105),
        ({"MaxDensity": 300}, 0x0107, 0x0105),
        ({"PatientID": "4711"}, 0x0000, 0x0105),
        ({"SpecificCharacterSet": "ISO_IR 192"}, 0x0000, 0x0000),
        ({"BasicGrayscaleImageSequence": []}, 0x0000, 0x0000),
        ({"BasicGrayscaleImageSequence": [Dataset(), Dataset()]}, 0x0116, 0x0106),
        ({"ReferencedFilmSessionSequence": []}, 0x0000, 0x0000),
        ({"ReferencedFilmSessionSequence": [Dataset()]}, 0x0120, 0x0120),
        ({"ReferencedFilmSessionSequence": [Dataset(ReferencedSOPClassUID=None)]}, 0x0121, 0x0121),
        ({"ReferencedFilmSessionSequence": [Dataset(ReferencedSOPClassUID="1.2")]}, 0x0000, 0x0000),
    ],
)
def test_attribute_gets_its_status(attributes: dict[str, Any], tolerant: int, strict: int) -> None:
    dataset = Dataset(**RIGHT | attributes)
    for is_strict, status in ((False, tolerant), (True, strict)):
        try:
            found = check(TABLE, dataset, defaults=True, strict=is_strict).Status
        except ServiceError as exc:
            found = exc.status
        assert f"{found:04X}" == f"{status:04X}"


def test_missing_attribute_gets_its_status() -> None:
    with pytest.raises(Refusal) as caught:
        check(TABLE, Dataset())
    assert (caught.value.status, caught.value.comment) == (0x0120, "ImageDisplayFormat is missing")
    assert caught.value.offending == (tag_of("ImageDisplayFormat"),)


def test_comment_names_the_sequence_of_a_missing_attribute() -> None:
    with pytest.raises(Refusal) as caught:
        check(TABLE, Dataset(**RIGHT, ReferencedFilmSessionSequence=[Dataset()]))
    assert caught.value.comment == "ReferencedSOPClassUID is missing, in ReferencedFilmSessionSequence"


def test_comment_names_the_sequence_of_a_wrong_value() -> None:
    item = Dataset()
    item.add(Element(tag_of("ReferencedSOPClassUID"), "UI", b"1.02"))
    with pytest.raises(Refusal) as caught:
        check(TABLE, Dataset(**RIGHT, ReferencedFilmSessionSequence=[item]))
    assert caught.value.comment == "ReferencedSOPClassUID '1.02', not a UID, in ReferencedFilmSessionSequence"
    assert caught.value.offending == (tag_of("ReferencedSOPClassUID"),)


def test_defaults_are_added_on_request() -> None:
    """N-CREATE adds defaults; N-SET does not."""
    assert check(TABLE, Dataset(**RIGHT), defaults=True).attributes == Dataset(
        **RIGHT, FilmSizeID="A4", PrintPriority="LOW"
    )
    assert check(TABLE, Dataset(**RIGHT)).attributes == Dataset(**RIGHT)
    wrong = Dataset(**RIGHT, PrintPriority="SOON")
    assert check(TABLE, wrong, defaults=True).attributes.PrintPriority == "LOW"
    assert "PrintPriority" not in check(TABLE, wrong).attributes


@pytest.mark.parametrize(
    ("keyword", "sent", "used"),
    [
        ("ImageDisplayFormat", "slide", "SLIDE"),
        ("FilmSizeID", "a3", "A3"),
        ("PrintPriority", "High", "HIGH"),
        ("PrintPriority", "urgent", "HIGH"),
        ("OwnerID", "Dr. Who", "Dr. Who"),
    ],
)
def test_term_in_small_letters_is_accepted(keyword: str, sent: str, used: str) -> None:
    """CS has no small letters (PS3.5 §6.2), so they cannot mean anything else."""
    dataset = Dataset(**{key: value for key, value in RIGHT.items() if key != keyword})
    dataset.add(Element(tag_of(keyword), "CS", sent.encode()))
    checked = check(TABLE, dataset)
    assert (checked.Status, checked.attributes[keyword].value) == (0x0000, used)


def test_strict_printer_refuses_small_letters() -> None:
    dataset = Dataset(**RIGHT)
    dataset.add(Element(tag_of("PrintPriority"), "CS", b"High"))
    with pytest.raises(Refusal) as caught:
        check(TABLE, dataset, strict=True)
    assert caught.value.status == 0x0106


def test_alias_is_replaced_by_its_term() -> None:
    assert check(TABLE, Dataset(**RIGHT, PrintPriority="URGENT")).attributes.PrintPriority == "HIGH"


@pytest.mark.parametrize(("mandatory", "status"), [(True, 0x0212), (False, 0x0116)])
def test_value_of_another_kind_is_mistyped(mandatory: bool, status: int) -> None:
    """0212, Mistyped argument: text for a sequence, or a sequence for text."""
    usage = "M/M" if mandatory else "U/U"
    for keyword, vr, value in (("OwnerID", "SQ", [Dataset()]), ("ProposedStudySequence", "LO", "x")):
        values = one_item if keyword.endswith("Sequence") else text(16)
        dataset = Dataset()
        dataset.add(Element(tag_of(keyword), vr, value))
        try:
            found = check((Attribute(keyword, usage, values),), dataset).Status
        except Refusal as exc:
            found = exc.status
        assert found == status


def test_bytes_that_are_not_a_value_are_refused() -> None:
    wire = encode(Dataset(NumberOfCopies=12), IMPLICIT_LE).replace(b"12", b"ab")
    with pytest.raises(Refusal, match="NumberOfCopies: "):
        check((Attribute("NumberOfCopies", "U/M", whole(1, 9)),), decode(wire, IMPLICIT_LE))


def test_most_important_warning_is_the_status() -> None:
    checked = check(TABLE, Dataset(**RIGHT, Trim="YES", PrintPriority="SOON", MaxDensity=3))
    assert (checked.Status, checked.comment) == (0x0116, "PrintPriority 'SOON', not HIGH, LOW")
    assert checked.offending == tuple(map(tag_of, ("PrintPriority", "Trim", "MaxDensity")))
    checked.warn(0xB604, "", "of the film")
    assert (checked.Status, checked.comment) == (0xB604, "of the film")
    assert len(checked.offending) == 3


def test_offending_attribute_is_named_once() -> None:
    checked = check((), Dataset(), defaults=True)
    for number in range(100):
        checked.warn(0x0107, "Trim" if number else "MaxDensity", "has no place here")
    assert len(checked.offending) == 2


def test_offending_attributes_are_bounded() -> None:
    checked = check((), Dataset(), defaults=True)
    checked.warnings += [(0x0107, Tag(0x20100000 + number), "has no place here") for number in range(100)]
    assert len(checked.offending) == 64


KEYWORDS = st.sampled_from([row.keyword for row in TABLE] + ["PatientID", "MaxDensity", "SpecificCharacterSet"])
BYTES = st.dictionaries(KEYWORDS, st.binary(max_size=12))


@given(BYTES, st.sampled_from(["LO", "US", "IS", "DS", "UN", "OB", "UI", "AT", "FD"]), st.booleans())
def test_any_bytes_give_attributes_or_a_refusal(values: dict[str, bytes], vr: str, strict: bool) -> None:
    """Only a `Refusal` is raised, and accepted attributes can be encoded."""
    dataset = Dataset()
    for keyword, value in values.items():
        dataset.add(Element(tag_of(keyword), vr, value + b"\0" * (-len(value) % 8)))
    received = decode(encode(dataset, EXPLICIT_LE), EXPLICIT_LE)
    status = 0x0000
    try:
        checked = check(TABLE, received, defaults=True, strict=strict)
        encode(checked.attributes, EXPLICIT_LE)
    except Refusal as exc:
        status = exc.status
    assert status in (0x0000, 0x0105, 0x0106, 0x0120, 0x0121, 0x0212)


def test_usage_m_is_mandatory() -> None:
    row = TABLE[0]
    assert row.mandatory
    assert not replace(row, usage="MC/M").mandatory
    assert not replace(row, usage="U/M").mandatory


# --- items of a sequence ---


def received(*elements: Element) -> Dataset:
    """Return an item from the wire, not yet decoded."""
    item = Dataset()
    for element in elements:
        item.add(element)
    return decode(encode(item, EXPLICIT_LE), EXPLICIT_LE)


OUT_OF_RANGE = 0x0116
UID_OF_IMAGE = Element(tag_of("ReferencedSOPInstanceUID"), "UI", "1.2.3")


@pytest.mark.parametrize(
    "foreign",
    [
        Element(tag_of("PatientWeight"), "DS", b"heavy "),
        Element(tag_of("EffectiveEchoTime"), "FD", float("nan")),
        Element(0x00091001, "UN", bytes(100)),
        Element(tag_of("SpecificCharacterSet"), "DS", b"heavy "),
    ],
)
def test_items_keep_only_known_attributes(foreign: Element) -> None:
    dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[])
    dataset.OriginalImageSequence = [received(UID_OF_IMAGE, foreign)]
    checked = check(GRAY_IMAGE_BOX, dataset)
    assert checked.Status == 0x0000
    assert checked.attributes.OriginalImageSequence == [Dataset(ReferencedSOPInstanceUID="1.2.3")]


def test_study_keeps_its_values() -> None:
    study = Dataset(SeriesNumber=3, StudyDate="20240229", PatientName="A^B", StudyInstanceUID="1.2")
    checked = check(FILM_SESSION, Dataset(ProposedStudySequence=[study]))
    assert checked.warnings == []
    assert checked.attributes.ProposedStudySequence == [study]


def test_unreadable_attribute_of_an_item_is_left_out() -> None:
    dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[])
    dataset.OriginalImageSequence = [received(UID_OF_IMAGE, Element(tag_of("InstanceNumber"), "IS", b"many"))]
    checked = check(GRAY_IMAGE_BOX, dataset)
    assert (checked.Status, checked.offending) == (OUT_OF_RANGE, (tag_of("InstanceNumber"),))
    assert checked.attributes.OriginalImageSequence == [Dataset(ReferencedSOPInstanceUID="1.2.3")]


def test_strict_printer_refuses_an_unreadable_item() -> None:
    dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[])
    dataset.OriginalImageSequence = [received(Element(tag_of("InstanceNumber"), "IS", b"many"))]
    with pytest.raises(Refusal, match="InstanceNumber"):
        check(GRAY_IMAGE_BOX, dataset, strict=True)


def test_character_set_that_is_not_text_is_left_out() -> None:
    dataset = received(
        Element(tag_of("SpecificCharacterSet"), "DS", b"heavy "), Element(tag_of("ImageBoxPosition"), "US", 1)
    )
    dataset.BasicGrayscaleImageSequence = []
    assert "SpecificCharacterSet" not in check(GRAY_IMAGE_BOX, dataset).attributes


def test_text_of_absurd_length_is_not_accepted() -> None:
    dataset = Dataset()
    dataset.add(Element(tag_of("FilmSessionLabel"), "UT", "x" * 2000))
    checked = check(FILM_SESSION, dataset)
    assert (checked.Status, list(checked.attributes)) == (OUT_OF_RANGE, [])


@pytest.mark.parametrize(("keyword", "VR"), [("NumberOfCopies", "IS"), ("FilmSessionLabel", "LO"), ("OwnerID", "SH")])
def test_endless_value_is_refused_unread(keyword: str, VR: str) -> None:
    dataset = received(Element(tag_of(keyword), VR, b"1\\" * (1 << 12)))
    with pytest.raises(Refusal, match=f"{keyword}: .*8192 bytes") as caught:
        check(FILM_SESSION, dataset)
    assert caught.value.status == 0x0106


# --- attributes that an SCU chooses ---


def test_attributes_are_sorted_by_instance() -> None:
    chosen = choose({"NumberOfCopies": 2, "FilmSizeID": "A4", "Polarity": "REVERSE", "MagnificationType": "CUBIC"})
    assert chosen.film_session == Dataset(NumberOfCopies=2)
    assert chosen.film_box == Dataset(FilmSizeID="A4", MagnificationType="CUBIC"), "of both levels: the film box"
    assert chosen.image_box == Dataset(Polarity="REVERSE")


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("ReferencedFilmSessionSequence", "set by the client itself"),
        ("FilmSizeID", "not an attribute that an SCU chooses for a film session"),
        ("NumberOfCopys", "did you mean NumberOfCopies"),
    ],
)
def test_wrong_keyword_is_refused(keyword: str, words: str) -> None:
    with pytest.raises(EncodeError, match=words):
        pick(FILM_SESSION, {keyword: "x"})


def test_attribute_of_no_instance_is_refused() -> None:
    with pytest.raises(EncodeError, match=r"Rows: .* for a film session, film box or image box"):
        choose({"Rows": 3})


def test_values_are_not_checked() -> None:
    assert pick(FILM_SESSION, {"MediumType": "CURRENT"}).MediumType == "CURRENT"


@pytest.mark.parametrize(("vr", "value", "is_kept"), [("CS", "ISO_IR 100", True), ("US", 100, False)])
def test_character_set_goes_with_unused_attributes(vr: str, value: object, is_kept: bool) -> None:
    dataset = Dataset(PatientID="4711", **RIGHT)
    dataset.add(Element(tag_of("SpecificCharacterSet"), vr, value))
    checked = check(TABLE, dataset)
    assert checked.unused.PatientID == "4711"
    assert [("SpecificCharacterSet" in made) for made in (checked.attributes, checked.unused)] == [is_kept] * 2


@pytest.mark.parametrize(("frames", "status"), [(1, 0x0000), (range(1, 1025), 0x0000), (range(1, 1026), OUT_OF_RANGE)])
def test_referenced_frames_are_bounded(frames: object, status: int) -> None:
    dataset = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[])
    dataset.OriginalImageSequence = [Dataset(ReferencedSOPInstanceUID="1.2.3", ReferencedFrameNumber=frames)]
    assert check(GRAY_IMAGE_BOX, dataset).Status == status
