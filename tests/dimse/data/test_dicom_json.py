"""PS3.18 Annex F: the model of each VR, written and read, and objects that are not models."""

import json
import math
import struct
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import (
    DA,
    DS,
    EXPLICIT_LE,
    IMPLICIT_LE,
    IS,
    VRS,
    Dataset,
    Element,
    PersonName,
    decode,
    encode,
    from_json,
    read_file,
    to_json,
)
from dimse.data.dicom_json import Json
from dimse.errors import DecodeError, EncodeError

pydicom = pytest.importorskip("pydicom")
DATA = Path(pydicom.__file__).parent / "data"

# For each VR a value and its model: Table F.2.3-1 and §F.2.2.
# fmt: off
MODELS: list[tuple[str, object, dict[str, Json]]] = [
    ("AE", "PRINTSCP", {"Value": ["PRINTSCP"]}),
    ("AS", "045Y", {"Value": ["045Y"]}),
    ("AT", [0x00280010, 0x0008103E], {"Value": ["00280010", "0008103E"]}),
    ("CS", ["A", "B"], {"Value": ["A", "B"]}),
    ("DA", "20240229", {"Value": ["20240229"]}),
    ("DS", [1.5, -2.0], {"Value": [1.5, -2]}),
    ("DS", ["0.50", "9007199254740993"], {"Value": [0.5, "9007199254740993"]}),
    ("DT", "20240229120000.5-0130", {"Value": ["20240229120000.5-0130"]}),
    ("FL", 0.5, {"Value": [0.5]}),
    ("FD", [0.1, 1e300], {"Value": [0.1, 1e300]}),
    ("IS", [7, None], {"Value": [7, None]}),
    ("LO", ["", "b"], {"Value": [None, "b"]}),
    ("LT", "a\\b\r\nc", {"Value": ["a\\b\r\nc"]}),
    ("OB", b"\0\1", {"InlineBinary": "AAE="}),
    ("OD", bytes(8), {"InlineBinary": "AAAAAAAAAAA="}),
    ("OF", bytes(4), {"InlineBinary": "AAAAAA=="}),
    ("OL", bytes(4), {"InlineBinary": "AAAAAA=="}),
    ("OV", bytes(8), {"InlineBinary": "AAAAAAAAAAA="}),
    ("OW", b"\1\2", {"InlineBinary": "AQI="}),
    ("PN", "Yamada^Tarou=山田^太郎=やまだ^たろう",
     {"Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}]}),
    ("PN", ["A^B", "", "=山田"], {"Value": [{"Alphabetic": "A^B"}, None, {"Ideographic": "山田"}]}),
    ("SH", "Grün", {"Value": ["Grün"]}),
    ("SL", -(2**31), {"Value": [-(2**31)]}),
    ("SQ", [Dataset(Rows=4), Dataset()], {"Value": [{"00280010": {"vr": "US", "Value": [4]}}, {}]}),
    ("SS", -1, {"Value": [-1]}),
    ("ST", "STANDARD\\2,3", {"Value": ["STANDARD\\2,3"]}),
    ("SV", [5, -(2**53), -(2**53) + 1], {"Value": [5, "-9007199254740992", -9007199254740991]}),
    ("TM", "101112.5", {"Value": ["101112.5"]}),
    ("UC", ["long", "longer"], {"Value": ["long", "longer"]}),
    ("UI", "1.2.840.10008.1.1", {"Value": ["1.2.840.10008.1.1"]}),
    ("UL", 2**32 - 1, {"Value": [2**32 - 1]}),
    ("UN", b"ab", {"InlineBinary": "YWI="}),
    ("UR", "http://a/b", {"Value": ["http://a/b"]}),
    ("US", [1, 2], {"Value": [1, 2]}),
    ("UT", "a\\b", {"Value": ["a\\b"]}),
    ("UV", 2**64 - 1, {"Value": ["18446744073709551615"]}),
]
# fmt: on


def single(vr: str, value: object) -> Dataset:
    ds = Dataset()
    ds.add(Element(0x00291001, vr, value))
    return ds


def test_every_vr_has_a_model() -> None:
    assert {vr for vr, _, _ in MODELS} == VRS.keys()


@pytest.mark.parametrize(("vr", "value", "model"), MODELS, ids=lambda value: value if isinstance(value, str) else "")
def test_each_vr_is_written_and_read(vr: str, value: object, model: dict[str, Json]) -> None:
    ds = single(vr, value)
    assert to_json(ds) == {"00291001": {"vr": vr, **model}}
    assert from_json(json.loads(json.dumps(to_json(ds), allow_nan=False))) == ds


@pytest.mark.parametrize("vr", sorted(VRS))
def test_empty_attribute_has_only_a_vr(vr: str) -> None:
    """PS3.18 §F.2.5."""
    ds = single(vr, None)
    assert to_json(ds) == {"00291001": {"vr": vr}}
    assert from_json(to_json(ds)) == ds


@pytest.mark.parametrize(("number", "text"), [(math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN")])
@pytest.mark.parametrize("vr", ["FL", "FD"])
def test_value_that_is_not_a_number_is_a_string(vr: str, number: float, text: str) -> None:
    model = to_json(single(vr, [1.5, number]))
    assert model == {"00291001": {"vr": vr, "Value": [1.5, text]}}
    back = from_json(model).get(0x00291001)
    assert isinstance(back, list)
    assert back[0] == 1.5
    assert str(back[1]) == str(number)


def test_attributes_are_sorted_without_group_lengths() -> None:
    """PS3.18 §F.2.2."""
    ds = Dataset(Rows=1, AffectedSOPClassUID="1.2", PatientName="A")
    ds.add(Element(0x00000000, "UL", 8))
    assert list(to_json(ds)) == ["00000002", "00100010", "00280010"]
    lengths = {"00080000": {"vr": "UL", "Value": [4]}, "00280010": {"vr": "US", "Value": [1]}}
    assert from_json(lengths) == Dataset(Rows=1)


def test_character_set_attribute_is_kept() -> None:
    """PS3.18 §F.2.2, note 3."""
    ds = decode(encode(Dataset(SpecificCharacterSet="ISO_IR 100", PatientName="Müller"), IMPLICIT_LE), IMPLICIT_LE)
    model = to_json(ds)
    assert model["00080005"] == {"vr": "CS", "Value": ["ISO_IR 100"]}
    assert model["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Müller"}]}
    assert encode(from_json(model), IMPLICIT_LE) == encode(ds, IMPLICIT_LE)


def test_sequence_in_un_becomes_sq() -> None:
    item = encode(Dataset(Rows=4), IMPLICIT_LE)
    raw = struct.pack("<HH2s2xI", 0x29, 0x1001, b"UN", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, len(item))
    raw += item + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    rows: dict[str, Json] = {"vr": "US", "Value": [4]}
    assert to_json(decode(raw, EXPLICIT_LE)) == {"00291001": {"vr": "SQ", "Value": [{"00280010": rows}]}}


def test_signed_lut_descriptor_has_numbers_of_its_vr() -> None:
    ds = Dataset(PixelRepresentation=1, LUTDescriptor=[40000, -1024, 16])  # SS is -32768 to 32767, PS3.5 6.2
    model = to_json(ds)
    assert model["00283002"] == {"vr": "SS", "Value": [-25536, -1024, 16]}
    assert from_json(model) == ds


def test_read_values_have_the_types_of_a_data_set() -> None:
    model = {
        "00080020": {"vr": "DA", "Value": ["20240229"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}, None]},
        "00200013": {"vr": "IS", "Value": [7]},
        "00281050": {"vr": "DS", "Value": [40, "1.50"]},
    }
    ds = from_json(model)
    assert [type(ds.StudyDate), type(ds.InstanceNumber)] == [DA, IS]
    assert isinstance(ds.PatientName, list)
    assert isinstance(ds.WindowCenter, list)
    assert [type(name) for name in ds.PatientName] == [PersonName, PersonName]
    assert [item.text for item in ds.WindowCenter if isinstance(item, DS)] == ["40", "1.50"]
    names = ds.PatientName
    names.append(None)
    assert to_json(ds)["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}, None, None]}


def test_compressed_pixels_are_written_as_items() -> None:
    ds = Dataset(PixelData=[b"", b"\1\2"])
    model = to_json(ds)
    assert model == {"7FE00010": {"vr": "OB", "InlineBinary": "/v8A4AAAAAD+/wDgAgAAAAEC"}}
    assert from_json(model) == ds


def test_bytes_can_be_left_out() -> None:
    ds = Dataset(Rows=1, PixelData=bytes(98), ReferencedImageSequence=[Dataset(ICCProfile=b"\1\2", Columns=2)])
    model = to_json(ds, binary="omit")
    columns: Json = {"00280011": {"vr": "US", "Value": [2]}}
    assert model == {"00081140": {"vr": "SQ", "Value": [columns]}, "00280010": {"vr": "US", "Value": [1]}}


@pytest.mark.parametrize(
    ("vr", "value", "wanted"),
    [
        ("IS", ["7", 8.0, None, " 9 "], [7, 8, None, 9]),
        ("DS", ["1.50", 2, 0.1234567890123456789], [1.5, 2, 0.1234567890123456789]),
        ("US", [5.0], 5),
        ("SV", ["5"], 5),
        ("FD", ["-inf"], -math.inf),
        ("FD", ["-5", "+.5", "1.", "2.5E-3", "infinity"], [-5.0, 0.5, 1.0, 0.0025, math.inf]),
        ("SV", ["-9223372036854775808", "+1"], [-(2**63), 1]),
        ("CS", ["lower case", " padded "], ["lower case", "padded"]),
        ("LO", [], None),
        ("LO", [None, None], ["", ""]),
        ("PN", [{"Alphabetic": None, "Phonetic": "b", "Other": 1}], "==b"),
    ],
)
def test_lenient_forms_are_read(vr: str, value: object, wanted: object) -> None:
    assert from_json({"0029100a": {"vr": vr, "Value": value, "privateCreator": "x"}}).get(0x0029100A) == wanted


BAD: list[tuple[object, str]] = [
    ([], "an attribute must be an object, not []"),
    ({}, "vr is None, not two capital letters"),
    ({"vr": "us"}, "vr is 'us', not two capital letters"),
    ({"vr": "US", "Value": [1], "InlineBinary": ""}, "Value and InlineBinary cannot be combined"),
    ({"vr": "OB", "BulkDataURI": "http://x/y"}, "the value is at 'http://x/y', and values are not fetched"),
    ({"vr": "US", "Value": 1}, "Value must be an array, not 1"),
    ({"vr": "US", "Value": [70000]}, "US cannot hold [70000]"),
    ({"vr": "US", "Value": [1.5]}, "US cannot hold [1.5]"),
    ({"vr": "US", "Value": [True]}, "US cannot hold True"),
    ({"vr": "US", "Value": ["1"]}, "US cannot hold '1'"),
    ({"vr": "US", "Value": [None]}, "US cannot hold None"),
    ({"vr": "US", "Value": [math.nan]}, "US cannot hold nan"),
    ({"vr": "UL", "Value": [math.inf]}, "UL cannot hold inf"),
    ({"vr": "US", "InlineBinary": "AAE="}, "US cannot have InlineBinary"),
    ({"vr": "FL", "Value": [1e300]}, "FL cannot hold [1e+300]"),
    ({"vr": "UV", "Value": ["x"]}, "UV cannot hold 'x'"),
    ({"vr": "SV", "Value": ["1_000"]}, "SV cannot hold '1_000'"),
    ({"vr": "SV", "Value": [" 5 "]}, "SV cannot hold ' 5 '"),
    ({"vr": "UV", "Value": ["\u0661"]}, "UV cannot hold '\u0661'"),
    ({"vr": "FL", "Value": ["1_0.5"]}, "FL cannot hold '1_0.5'"),
    ({"vr": "FD", "Value": ["\u0661"]}, "FD cannot hold '\u0661'"),
    ({"vr": "FL", "Value": ["1e999"]}, "FL cannot hold '1e999'"),
    ({"vr": "FD", "Value": ["-1e999"]}, "FD cannot hold '-1e999'"),
    ({"vr": "FD", "Value": [" inf"]}, "FD cannot hold ' inf'"),
    ({"vr": "AT", "Value": [2621456]}, "AT cannot hold 2621456"),
    ({"vr": "AT", "Value": ["0028"]}, "'0028' is not a tag of eight hexadecimal digits"),
    ({"vr": "IS", "Value": ["1\\x"]}, "would separate two values"),
    ({"vr": "IS", "Value": ["x", 1.5]}, "needs an integer of at most 20 characters, got 'x'"),
    ({"vr": "IS", "Value": [1.5]}, "needs an integer of at most 20 characters, got '1.5'"),
    ({"vr": "IS", "Value": [False]}, "IS cannot hold False"),
    ({"vr": "DS", "Value": [math.nan]}, "needs a finite decimal number, got 'nan'"),
    ({"vr": "DS", "Value": ["\u03a9"]}, "DS cannot hold '\u03a9': Specific Character Set does not apply to this VR"),
    ({"vr": "LO", "Value": [1]}, "LO cannot hold 1"),
    ({"vr": "LO", "Value": ["a\\b"]}, "a backslash in 'a\\\\b' would separate two values"),
    ({"vr": "LO", "Value": ["\ud800"]}, "a surrogate is not a character"),
    ({"vr": "LT", "Value": ["a", "b"]}, "LT can have only one value, not 2"),
    ({"vr": "CS", "Value": ["山"]}, "CS cannot hold '山'"),
    ({"vr": "PN", "Value": ["A^B"]}, "PN cannot hold 'A^B'"),
    ({"vr": "PN", "Value": [{"Alphabetic": 1}]}, "PN cannot hold {'Alphabetic': 1}"),
    ({"vr": "OB", "Value": [1]}, "OB needs InlineBinary, a string"),
    ({"vr": "OB", "InlineBinary": 1}, "OB needs InlineBinary, a string"),
    ({"vr": "OB", "InlineBinary": "A?=="}, "base64"),
    ({"vr": "OW", "InlineBinary": "AA=="}, "the length must be a multiple of 2 bytes, not 1"),
    ({"vr": "SQ", "Value": [None]}, "an item must be an object, not None"),
    ({"vr": "SQ", "Value": {}}, "Value must be an array, not {}"),
]


@pytest.mark.parametrize(("attribute", "what"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_error_names_the_path(attribute: object, what: str) -> None:
    inner = {"vr": "SQ", "Value": [{}, {"00280010": attribute}]}
    with pytest.raises(DecodeError) as caught:
        from_json({"20200110": inner})
    assert caught.value.path == "(2020,0110)[1].(0028,0010)"
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ([], r"^a Data Set must be an object, not \[\] \[PS3\.18 §F\.2\]$"),
        ({"Rows": {}}, r"^'Rows' is not a tag of eight hexadecimal digits \[PS3\.18 §F\.2\]$"),
        (
            {"20200110": {"vr": "SQ", "Value": [{"0028": {}}]}},
            r"^\(2020,0110\)\[0\]: '0028' is not a tag",
        ),
    ],
)
def test_other_objects_are_rejected(model: object, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        from_json(model)


def test_nesting_is_bounded_both_ways() -> None:
    model: dict[str, object] = {}
    ds = Dataset()
    for _ in range(65):
        model = {"20200110": {"vr": "SQ", "Value": [model]}}
        ds = Dataset(ReferencedImageSequence=[ds])
    with pytest.raises(DecodeError, match="sequences nest deeper than 64"):
        from_json(model)
    with pytest.raises(EncodeError, match="sequences nest deeper than 64"):
        to_json(ds)


def decoded(vr: str, raw: bytes) -> Dataset:
    """Return a decoded element of some bytes in an item."""
    return decode(
        encode(Dataset(PatientID="4711", ReferencedImageSequence=[single(vr, raw)]), EXPLICIT_LE), EXPLICIT_LE
    )


@pytest.mark.parametrize(
    ("vr", "raw", "model"),
    [
        ("FL", b"\1\2", {"vr": "UN", "InlineBinary": "AQI="}),
        ("AT", b"\x18\0", {"vr": "UN", "InlineBinary": "GAA="}),
        ("IS", b"2.5 ", {"vr": "IS", "Value": ["2.5"]}),
        ("IS", b"1\\1,000\\\\3 ", {"vr": "IS", "Value": [1, "1,000", None, 3]}),
        ("DS", b"1.5\\abc ", {"vr": "DS", "Value": [1.5, "abc"]}),
        ("DS", b"nan ", {"vr": "DS", "Value": ["nan"]}),
        ("DS", b"\xe9 ", {"vr": "DS", "Value": ["é"]}),
    ],
)
def test_undecodable_value_keeps_its_bytes(vr: str, raw: bytes, model: Json) -> None:
    whole = to_json(decoded(vr, raw))
    assert whole["00100020"] == {"vr": "LO", "Value": ["4711"]}
    assert whole["00081140"] == {"vr": "SQ", "Value": [{"00291001": model}]}
    assert to_json(from_json(whole)) == whole


def test_undecodable_value_is_omitted_without_bytes() -> None:
    assert to_json(decoded("FL", b"\1\2"), binary="omit")["00081140"] == {
        "vr": "SQ", "Value": [{"00291001": {"vr": "UN"}}]
    }  # fmt: skip


# Values that reading does not change: they have no padding, and names have no empty groups at their end.
TEXT = st.text(alphabet="ABC xyz-é山ﾔ", min_size=1, max_size=12).map(str.strip)
NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q"}
VALUES: dict[str, st.SearchStrategy[object]] = {
    **dict.fromkeys(("LO", "SH", "PN", "UC", "ST", "LT", "UT"), TEXT),
    **{vr: st.binary(max_size=40).map(lambda raw: raw * 8) for vr in ("OB", "OD", "OF", "OL", "OV", "OW", "UN")},
    **{
        vr: st.integers(
            -(1 << struct.calcsize(code) * 8 - 1) if code.islower() else 0,
            (1 << struct.calcsize(code) * 8 - code.islower()) - 1,
        )
        for vr, code in NUMBERS.items()
    },
    "FL": st.floats(width=32, allow_nan=False),
    "FD": st.floats(allow_nan=False),
    "DS": st.floats(-1e300, 1e300) | st.integers(-(10**9), 10**9),
    "IS": st.integers(-(2**31), 2**31 - 1),
    "AT": st.integers(0, 0xFFFFFFFF),
}
MANY = sorted(vr for vr in VALUES if VRS[vr].many)


def element(vr: str) -> st.SearchStrategy[Element]:
    values = VALUES[vr] | st.lists(VALUES[vr], min_size=2, max_size=4) if vr in MANY else VALUES[vr]
    tags = st.integers(0x00291001, 0x002910FF)
    return st.builds(lambda tag, value: Element(tag, vr, value), tags, values)


def filled(elements: list[Element], items: list[Dataset]) -> Dataset:
    ds = Dataset()
    for part in elements:
        ds.add(part)
    ds.add(Element(0x20200110, "SQ", items))
    return ds


ELEMENTS = st.lists(st.sampled_from(sorted(VALUES)).flatmap(element), max_size=6)
DATA_SETS = st.recursive(
    st.builds(filled, ELEMENTS, st.just([])),
    lambda inner: st.builds(filled, ELEMENTS, st.lists(inner, max_size=3)),
    max_leaves=5,
)


@given(DATA_SETS)
def test_reading_undoes_writing(ds: Dataset) -> None:
    assert from_json(json.loads(json.dumps(to_json(ds), allow_nan=False))) == ds


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from([*VRS, "Value"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["vr", "Value", "InlineBinary"]), inner)
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(VRS)), JUNK, JUNK)
def test_any_object_is_rejected_or_a_data_set(vr: str, junk: object, more: object) -> None:
    for model in (junk, {"00280010": junk}, {"7FE00010": {"vr": vr, "Value": [junk, more]}}):
        try:
            ds = from_json(model)
        except DecodeError:
            continue
        assert from_json(to_json(ds)) is not None


# Models compared with pydicom's. These differences are on purpose: group lengths are left out, an empty value is null,
# an empty sequence has no value (§F.2.2, §F.2.5), no value is padded, and OW is little endian in every syntax (§F.2.7).

REFUSED = {"MR_truncated.dcm", "rtplan_truncated.dcm", "no_meta.dcm"}
BAD_NUMBER = "badVR.dcm"  # its Number of Frames is "1A"
BIG_ENDIAN = {
    "MR_small_bigendian.dcm",
    "MR_small_expb.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "rtdose_expb.dcm",
    "rtdose_expb_1frame.dcm",
}
LEFT_OUT = "300C0002"  # left out of files where pydicom rejects a UID in it
FILES = [
    path
    for path in sorted([*DATA.glob("test_files/*.dcm"), *DATA.glob("charset_files/*.dcm")])
    if path.name not in {*REFUSED, BAD_NUMBER}
]


def by_pydicom(path: Path) -> dict[str, dict[str, list[object]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: dict[str, dict[str, list[object]]] = pydicom.dcmread(path, force=True).to_json_dict(
            suppress_invalid_tags=True
        )
        return model


def same(ours: Json, theirs: object, name: str) -> None:
    """Assert that two models are the same except for the differences above."""
    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    assert [tag for tag in ours if tag in theirs or tag != LEFT_OUT] == sorted(
        tag for tag in theirs if not tag.endswith("0000")
    )
    for tag in ours.keys() & theirs.keys():
        attribute, other = ours[tag], theirs[tag]
        assert isinstance(attribute, dict)
        if attribute["vr"] == "UN":  # pydicom knows some private attributes
            continue
        assert attribute["vr"] == other["vr"] or (attribute["vr"], str(other["vr"])) == ("OW", "OB"), tag
        values = attribute.get("Value", [])
        assert isinstance(values, list)
        if attribute["vr"] == "SQ":
            for item, their_item in zip(values, other["Value"], strict=True):
                same(item, their_item, name)
        elif "InlineBinary" not in attribute:
            assert values == [_stripped(item) for item in other.get("Value", [])], tag
        elif name not in BIG_ENDIAN:
            assert attribute["InlineBinary"] == other["InlineBinary"], tag


def _stripped(item: object) -> object:
    return (item.strip(" ") or None) if isinstance(item, str) else item


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_model_equals_the_model_of_pydicom(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = to_json(read_file(path).dataset)
    same(ours, by_pydicom(path), path.name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_survive_the_model(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = to_json(read_file(path).dataset)
        assert to_json(from_json(json.loads(json.dumps(model, allow_nan=False)))) == model


def of_another_writer(name: str) -> dict[str, Any]:
    """Return a model in the files of pydicom."""
    model: dict[str, Any] = json.loads((DATA / "test_files" / name).read_text("utf-8"))
    return model


def test_names_of_another_writer_are_read() -> None:
    dataset = from_json(of_another_writer("test_PN.json"))
    assert (dataset.PatientName, dataset.ReferringPhysicianName) == ("Prostate^Volunteer", None)


def test_null_among_numbers_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"^\(0018,1310\): US cannot hold None \[PS3\.18 §F\.2\]$"):
        from_json(of_another_writer("test1.json"))


def test_value_at_another_place_is_not_fetched() -> None:
    model = of_another_writer("test1.json")
    model["00181310"]["Value"].pop()
    with pytest.raises(
        DecodeError, match=r"^\(7FE0,0010\): the value is at '', and values are not fetched \[PS3\.18 §F\.2\]$"
    ):
        from_json(model)


def test_model_of_another_writer_survives() -> None:
    model = of_another_writer("test1.json")
    model["00181310"]["Value"].pop()
    del model["7FE00010"]
    assert from_json(to_json(from_json(model))) == from_json(model)


def test_string_that_is_not_a_number_is_kept() -> None:
    model = to_json(read_file(DATA / "test_files" / BAD_NUMBER).dataset)
    assert model["00280008"] == {"vr": "IS", "Value": ["1A"]}
