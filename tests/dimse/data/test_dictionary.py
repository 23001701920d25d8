"""PS3.6 Table 6-1, and the tags that no table can list."""

import pytest

from dimse.data import Tag, keyword_of, lookup, tag_of
from dimse.data.dictionary import plain_vrs, tags_by_keyword, vr_of, vrs_of
from dimse.errors import EncodeError


def test_lookup_returns_a_row() -> None:
    entry = lookup(0x20100010)
    assert entry is not None
    assert entry.tag == 0x20100010
    assert (entry.vr, entry.vm, entry.keyword) == ("ST", "1", "ImageDisplayFormat")
    assert (entry.name, entry.retired) == ("Image Display Format", False)


def test_lookup_marks_retired_rows() -> None:
    entry = lookup(0x00280005)
    assert entry is not None
    assert entry.retired


@pytest.mark.parametrize(
    ("keyword", "tag"),
    [
        ("Rows", 0x00280010),
        ("PixelData", 0x7FE00010),
        ("FilmSizeID", 0x20100050),
        ("CommandGroupLength", 0x00000000),
        ("FileMetaInformationVersion", 0x00020001),
        ("EthnicGroups", 0x00102162),  # new in 2026b
        ("OverlayRows", 0x60000010),  # the first of a repeating group
    ],
)
def test_keywords_and_tags_are_inverse(keyword: str, tag: int) -> None:
    assert tag_of(keyword) == tag
    assert isinstance(tag_of(keyword), Tag)
    assert keyword_of(tag) == keyword


@pytest.mark.parametrize(
    ("tag", "keyword"),
    [
        (0x601E3000, "OverlayData"),  # 60xx
        (0x50020010, "NumberOfPoints"),  # 50xx
        (0x002031AA, "SourceImageIDs"),  # (0020,31xx)
        (0x00280432, "CoefficientCoding"),  # (0028,04x2)
        (0x10001230, "EscapeTriplet"),  # (1000,xxx0)
        (0x1010ABCD, "ZonalMap"),  # (1010,xxxx)
    ],
)
def test_repeating_elements_have_their_row(tag: int, keyword: str) -> None:
    entry = lookup(tag)
    assert entry is not None
    assert entry.keyword == keyword_of(tag) == keyword
    assert entry.tag == tag


def test_odd_groups_do_not_repeat() -> None:
    assert lookup(0x60013000) is None


def test_private_creator_is_known_and_its_block_is_not() -> None:
    creator = lookup(0x00090010)
    assert creator is not None
    assert (creator.vr, creator.name) == ("LO", "Private Creator")
    assert lookup(0x00091001) is None
    assert vr_of(0x00091001) == "UN"
    assert keyword_of(0x00091001) == ""


def test_group_lengths_are_known_in_every_group() -> None:
    assert vr_of(0x00100000) == vr_of(0x00090000) == "UL"


def test_unknown_tag_has_no_row() -> None:
    assert lookup(0x0008FFFE) is None
    assert vr_of(0x0008FFFE) == "UN"


def test_unknown_keyword_is_rejected_with_similar_ones() -> None:
    with pytest.raises(EncodeError, match=r"'FilmSizeId' is not a DICOM keyword: did you mean FilmSizeID"):
        tag_of("FilmSizeId")
    with pytest.raises(EncodeError, match=r"is not a DICOM keyword$"):
        tag_of("qqqqqqqqqqqq")


@pytest.mark.parametrize(
    ("keyword", "vr"),
    [
        ("PixelData", "OW"),  # OB or OW
        ("LUTData", "OW"),  # US or OW
        ("GrayLookupTableData", "OW"),  # US or SS or OW
        ("PixelPaddingValue", "US or SS"),
        ("OverlayData", "OW"),
    ],
)
def test_choices_of_vr_are_resolved(keyword: str, vr: str) -> None:
    assert vr_of(tag_of(keyword)) == vr


@pytest.mark.parametrize(("tag", "vrs"), [(0x7FE00010, "OB or OW"), (0x00280010, "US"), (0x00090001, "")])
def test_vrs_of_a_tag_are_those_of_the_standard(tag: int, vrs: str) -> None:
    assert vrs_of(tag) == vrs


def test_plain_vrs_have_no_sequence_and_no_choice() -> None:
    plain = plain_vrs()
    assert plain[0x00280010] == "US"
    assert set(map(len, plain.values())) == {2}
    assert "SQ" not in plain.values()
    assert tag_of("PixelData") not in plain


def test_plain_vrs_equal_the_vrs_of_the_rows() -> None:
    """A check of VRs compares with `plain_vrs` first, and looks up the row only if the VR differs."""
    for tag, vr in plain_vrs().items():
        row = lookup(tag)
        assert row is not None
        assert (row.vr, vr_of(tag)) == (vr, vr)


def test_tags_by_keyword_agree_with_tag_of() -> None:
    for keyword, tag in tags_by_keyword().items():
        assert tag_of(keyword) == tag
