"""PS3.5 §7: Data Sets and elements as containers."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
from elements import first_item
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import EXPLICIT_LE, Dataset, Element, Tag, decode, encode, tag_of
from dimse.errors import DecodeError, EncodeError


def film_box() -> Dataset:
    return Dataset(
        ImageDisplayFormat="STANDARD\\2,3",
        FilmOrientation="PORTRAIT",
        ReferencedFilmSessionSequence=[Dataset(ReferencedSOPInstanceUID="1.2.3")],
    )


def test_element_is_found_by_attribute_keyword_and_tag() -> None:
    ds = Dataset(Rows=4)
    assert ds.Rows == ds["Rows"].value == ds[0x00280010].value == ds.get("Rows") == ds.get(0x00280010) == 4
    element = ds["Rows"]
    assert (element.tag, element.VR, element.keyword) == (Tag(0x00280010), "US", "Rows")
    assert isinstance(element.tag, Tag)


def test_element_is_set_and_removed_in_each_way() -> None:
    ds = Dataset()
    ds.Rows = 4
    ds["Columns"] = 5
    ds[0x00280100] = 16
    ds.add(Element(0x00091001, "LO", "private"))
    assert [element.tag for element in ds] == [0x00091001, 0x00280010, 0x00280011, 0x00280100]
    del ds.Rows
    del ds["Columns"]
    del ds[0x00280100]
    assert [element.value for element in ds] == ["private"]
    assert "Rows" not in ds
    assert 0x00091001 in ds


def test_absent_attribute_raises_its_keyword() -> None:
    ds = Dataset()
    with pytest.raises(AttributeError, match=r"there is no Rows \(0028,0010\) in this Data Set"):
        ds.Rows  # noqa: B018
    with pytest.raises(AttributeError, match=r"Rows \(0028,0010\)"):
        del ds.Rows


def test_absent_element_raises_its_keyword() -> None:
    ds = Dataset()
    with pytest.raises(KeyError, match=r"Rows \(0028,0010\)"):
        ds["Rows"]
    with pytest.raises(KeyError, match=r"Rows \(0028,0010\)"):
        del ds["Rows"]


def test_absent_private_element_raises_its_tag() -> None:
    with pytest.raises(KeyError, match=r"there is no \(0009,1010\) in this Data Set"):
        Dataset()[0x00091010]


def test_get_of_an_absent_element_returns_the_default() -> None:
    ds = Dataset()
    assert ds.get("Rows") is None
    assert ds.get("Rows", 7) == 7
    assert not hasattr(ds, "Rows")
    assert len(ds) == 0


def test_values_of_keywords_keep_their_order() -> None:
    decoded = decode(encode(Dataset(Rows=4, Columns=5), EXPLICIT_LE), EXPLICIT_LE)
    assert decoded.values_of("Columns", "BitsStored", "Rows") == [5, None, 4]


def test_values_of_an_unknown_keyword_raise() -> None:
    with pytest.raises(EncodeError, match="did you mean Rows"):
        Dataset(Rows=4).values_of("Row")


def test_elements_by_tag_are_in_order() -> None:
    assert [*Dataset(Columns=5, Rows=4).by_tag()] == [tag_of("Rows"), tag_of("Columns")]


def test_attribute_of_an_unknown_keyword_raises() -> None:
    with pytest.raises(AttributeError, match="did you mean Rows"):
        Dataset().Row  # noqa: B018


@pytest.mark.parametrize(
    "use",
    [
        lambda dataset: setattr(dataset, "Row", 4),
        lambda _: Dataset(Row=4),
        lambda dataset: dataset["Row"],
        lambda dataset: dataset.get("Row"),
        lambda dataset: "Row" in dataset,
    ],
    ids=["set", "create", "index", "get", "in"],
)
def test_unknown_keyword_raises_wherever_it_is_used(use: Callable[[Dataset], object]) -> None:
    with pytest.raises(EncodeError, match="did you mean Rows"):
        use(Dataset())


def test_protocol_names_are_not_keywords() -> None:
    assert not hasattr(Dataset(), "__array_interface__")
    assert not hasattr(Dataset(), "_repr_html_")


@pytest.mark.parametrize(
    ("keyword", "value", "path", "fault"),
    [
        ("Rows", 70000, "(0028,0010)", "US cannot hold 70000"),
        ("FilmOrientation", "portrait", "(2010,0040)", "CS cannot hold 'portrait'"),
        (
            "ReferencedFilmSessionSequence",
            Dataset(),
            "(2010,0500)",
            "the value of a sequence must be a list of Dataset",
        ),
        ("ReferencedFilmSessionSequence", ["1.2"], "(2010,0500)", "the value of a sequence must be a list of Dataset"),
        ("PixelData", [1, 2], "(7FE0,0010)", "OB cannot hold 1: type int, not bytes"),
    ],
)
def test_encode_error_names_the_tag(keyword: str, value: object, path: str, fault: str) -> None:
    with pytest.raises(EncodeError) as caught:
        Dataset(**{keyword: value})
    assert caught.value.path == path
    assert str(caught.value).startswith(f"{path}: {fault}")


def test_image_display_format_is_one_text() -> None:
    assert film_box().ImageDisplayFormat == "STANDARD\\2,3"


@pytest.mark.parametrize(
    ("attributes", "vr"),
    [
        ({"PixelPaddingValue": 5}, "US"),
        ({"PixelPaddingValue": -5}, "SS"),
        ({"PixelPaddingValue": [5, -5]}, "SS"),
        ({"PixelRepresentation": 1, "PixelPaddingValue": 5}, "SS"),
        ({"PixelRepresentation": 0, "PixelPaddingValue": 5}, "US"),
    ],
)
def test_us_or_ss_follows_the_sign_of_the_pixels(attributes: dict[str, object], vr: str) -> None:
    assert vr == Dataset(**attributes)["PixelPaddingValue"].VR


def test_pixel_data_takes_words_or_fragments() -> None:
    assert Dataset(PixelData=b"\0\1")["PixelData"].VR == "OW"
    compressed = Dataset(PixelData=[b"", b"\1\2", np.zeros(2, np.uint8)])["PixelData"]
    assert compressed.VR == "OB"
    assert compressed.value == [b"", b"\1\2", b"\0\0"]


def test_private_element_needs_a_vr() -> None:
    with pytest.raises(EncodeError, match=r"^\(0009,1001\): UN cannot hold 'text'"):
        Dataset()[0x00091001] = "text"


def test_given_bytes_are_written_unchecked() -> None:
    ds = Dataset()
    ds.add(Element(0x20100040, "CS", b"lower "))
    ds.add(Element(0x00280010, "US", b"\1\2\3\4\5\6"))
    assert ds.FilmOrientation == "lower"
    assert ds.Rows == [0x0201, 0x0403, 0x0605]
    assert b"CS\x06\0lower " in encode(ds, EXPLICIT_LE)
    assert Element(0x00280010, "US", b"").value is None


def test_equality_of_data_sets_compares_tags_and_values() -> None:
    assert film_box() == film_box()
    assert film_box() != Dataset()
    assert Dataset(Rows=4) != Dataset(Rows=5)
    assert Dataset(Rows=4) != Dataset(Columns=4)
    assert film_box() != "a film box"


def test_equality_of_elements_compares_vrs() -> None:
    assert Element(0x00091001, "LO", "a") != Element(0x00091001, "SH", "a")
    assert Element(0x00280010, "US", 4) != 4


def test_decoded_data_set_equals_the_encoded_one() -> None:
    assert decode(encode(film_box(), EXPLICIT_LE), EXPLICIT_LE) == film_box()


def test_data_sets_and_elements_are_not_hashable() -> None:
    with pytest.raises(TypeError):
        hash(Dataset())
    with pytest.raises(TypeError):
        hash(Element(0x00280010, "US", 4))


def test_update_adds_all_elements() -> None:
    ds = Dataset(Rows=4, Columns=5)
    ds.update(Dataset(Rows=6, FilmOrientation="PORTRAIT"))
    assert (ds.Rows, ds.Columns, ds.FilmOrientation) == (6, 5, "PORTRAIT")


@pytest.fixture(params=[False, True], ids=["set", "decoded"])
def original(request: pytest.FixtureRequest) -> Dataset:
    """Return a Data Set with a list and a sequence."""
    original = film_box()
    original.ImageType = ["ORIGINAL", "PRIMARY"]
    return decode(encode(original, EXPLICIT_LE), EXPLICIT_LE) if request.param else original


def test_copy_equals_the_original(original: Dataset) -> None:
    assert original.copy() == original


def test_copy_owns_its_lists(original: Dataset) -> None:
    types, twin = original.ImageType, original.copy()
    assert isinstance(types, list)
    types.append("AXIAL")
    assert twin.ImageType == ["ORIGINAL", "PRIMARY"]


def test_copy_owns_its_elements(original: Dataset) -> None:
    original.copy().FilmOrientation = "LANDSCAPE"
    assert original.FilmOrientation == "PORTRAIT"


def test_copy_owns_its_items(original: Dataset) -> None:
    first_item(original.copy().ReferencedFilmSessionSequence).ReferencedSOPInstanceUID = "4.5"
    assert first_item(original.ReferencedFilmSessionSequence).ReferencedSOPInstanceUID == "1.2.3"


def test_copy_module_copies_data_sets() -> None:
    twin = copy.copy(Dataset(Rows=4))
    assert twin.Rows == 4


def test_repr_is_short_and_has_no_values() -> None:
    assert repr(film_box()) == ("<Dataset of 3: ImageDisplayFormat, FilmOrientation, ReferencedFilmSessionSequence>")
    ds = Dataset(PatientName="Doe^Jane", Rows=1, Columns=1)
    ds.add(Element(0x00091001, "LO", "x"))
    assert repr(ds) == "<Dataset of 4: (0009,1001), PatientName, Rows, Columns>"
    assert repr(ds["PatientName"]) == "<Element (0010,0010) PN PatientName>"
    many = Dataset()
    for number in range(9):
        many.add(Element(0x00091000 + number, "LO", "x"))
    assert repr(many).endswith("(0009,1007), ...>")


def test_decode_error_of_a_value_names_its_path() -> None:
    item = Dataset()
    item.add(Element(0x00280010, "US", b"\1\2\3\4\5\6"[:4]))
    item.add(Element(0x00280011, "UL", b"\1\2"))
    data = encode(Dataset(ReferencedImageBoxSequence=[Dataset(), item]), EXPLICIT_LE)
    items = decode(data, EXPLICIT_LE).ReferencedImageBoxSequence
    assert isinstance(items, list)
    assert isinstance(items[1], Dataset)
    assert items[1].Rows == [0x0201, 0x0403]
    with pytest.raises(
        DecodeError, match=r"^\(2010,0510\)\[1\]\.\(0028,0011\): UL needs a multiple of 4 bytes"
    ) as caught:
        items[1].Columns  # noqa: B018
    assert caught.value.path == "(2010,0510)[1].(0028,0011)"


_WORDS = st.sampled_from(
    ["Rows", "Columns", "PixelPaddingValue", "PatientName", "ReferencedStudySequence", "StudyDate"]
)
_VALUES = {"Rows": 4, "PixelPaddingValue": -1, "PatientName": "Doe^Jane", "ReferencedStudySequence": []}


@given(st.sets(_WORDS), _WORDS, st.booleans())
def test_get_and_in_agree_with_item_access(present: set[str], asked: str, is_decoded: bool) -> None:
    dataset = Dataset(**{keyword: _VALUES.get(keyword) for keyword in present})
    if is_decoded:
        dataset = decode(encode(dataset, EXPLICIT_LE), EXPLICIT_LE)
    assert (asked in dataset) == (tag_of(asked) in dataset) == (asked in present)
    first = dataset.get(asked, "none")  # decodes the value
    expected = dataset[asked].value if asked in present else "none"
    assert first == dataset.get(asked, "none") == dataset.get(tag_of(asked), "none") == expected
