"""PS3.5: decoding undoes encoding for every VR, nesting and syntax; changed bytes are an error or a value."""

import copy
import io
import pickle
import struct
from contextlib import suppress

import pytest
from budget import examples
from delimited import delimit
from hypothesis import given, settings
from hypothesis import strategies as st

from dimse.data import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    VRS,
    Dataset,
    Element,
    Finding,
    TransferSyntax,
    decode,
    dump,
    encode,
    encode_rope,
    expected_length,
    pixel_array,
    read_file,
    syntax_of,
    tag_of,
    write_file,
)
from dimse.errors import DecodeError, EncodeError

RLE = syntax_of("1.2.840.10008.1.2.5")
SYNTAXES = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE]


def text(alphabet: str, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet=alphabet, min_size=1, max_size=most)


def several(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return values | st.lists(values, min_size=2, max_size=4)


def integers(code: str) -> st.SearchStrategy[object]:
    bits = struct.calcsize(code) * 8
    low = -(1 << bits - 1) if code.islower() else 0
    return several(st.integers(low, low + (1 << bits) - 1))


def words(size: int) -> st.SearchStrategy[object]:
    return st.binary(max_size=12).map(lambda raw: raw * size)


LETTERS = "ABC xyz-é山ﾔ"  # in UTF-8; the other character sets have tests of their own
NAMES = st.lists(text(LETTERS, 10), min_size=1, max_size=5).map("^".join)

# For each VR an attribute that has it, and values for it.
ATTRIBUTES: dict[str, tuple[str, st.SearchStrategy[object]]] = {
    "AE": ("RetrieveAETitle", several(text("AB c", 16))),
    "AS": ("PatientAge", st.sampled_from(["045Y", "001D"])),
    "AT": ("DataElement", several(st.integers(0, 0xFFFFFFFF))),
    "CS": ("FilmOrientation", several(text("AB_ 0", 16))),
    "DA": ("StudyDate", several(st.dates())),
    "DS": ("WindowCenter", several(st.integers(-(10**9), 10**9) | st.floats(-1e300, 1e300))),
    "DT": ("AcquisitionDateTime", several(st.datetimes() | st.just("20240229120000.5-0130"))),
    "FL": ("RecommendedDisplayFrameRateInFloat", several(st.floats(width=32, allow_nan=False))),
    "FD": ("TimeRange", several(st.floats(allow_nan=False))),
    "IS": ("NumberOfCopies", several(st.integers(-(2**31), 2**31 - 1))),
    "LO": ("FilmSessionLabel", several(text(LETTERS, 64))),
    "LT": ("AdditionalPatientHistory", text(LETTERS + "\\\r\n", 99)),
    "OB": ("ICCProfile", st.binary(max_size=5000)),
    "OD": ("DoubleFloatPixelData", words(8)),
    "OF": ("FloatPixelData", words(4)),
    "OL": ("LongPrimitivePointIndexList", words(4)),
    "OV": ("SelectorOVValue", words(8)),
    "OW": ("PixelData", words(2)),
    "PN": ("PatientName", several(st.lists(NAMES, min_size=1, max_size=3).map("=".join))),
    "SH": ("AccessionNumber", several(text(LETTERS, 16))),
    "SL": ("ReferencePixelX0", integers("i")),
    "SS": ("TagAngleSecondAxis", integers("h")),
    "ST": ("ImageDisplayFormat", text(LETTERS + "\\\r\n", 99)),
    "SV": ("SelectorSVValue", integers("q")),
    "TM": ("StudyTime", several(st.times())),
    "UC": ("LongCodeValue", several(text(LETTERS, 99))),
    "UI": ("SOPInstanceUID", several(st.sampled_from(["1.2.3", "1.2.840.10008.1.2"]))),
    "UL": ("PrivateDataElementValueMultiplicity", integers("I")),
    "UN": ("SelectorUNValue", st.binary(max_size=20)),
    "UR": ("CodingSchemeURL", text("ab:/ ", 30)),
    "US": ("Rows", integers("H")),
    "UT": ("TextValue", text(LETTERS + "\\\r\n", 99)),
    "UV": ("FileOffsetInContainer", integers("Q")),
}


def element(vr: str) -> st.SearchStrategy[Element]:
    keyword, values = ATTRIBUTES[vr]
    return values.map(lambda value: Element(tag_of(keyword), vr, _even(value)))


def _even(value: object) -> object:
    """Return bytes as they are read back: padding is part of the data."""
    return value + b"\0" * (len(value) & 1) if isinstance(value, bytes) else value


elements = st.lists(st.sampled_from(sorted(ATTRIBUTES)).flatmap(element), max_size=6)


def data_set(parts: list[Element], *items: Dataset, undefined: bool = False) -> Dataset:
    ds = Dataset()
    for part in parts:
        ds.add(part)
    if items:
        ds.add(Element(tag_of("ReferencedImageBoxSequence"), "SQ", list(items), undefined_length=undefined))
    ds.undefined_length = undefined
    return ds


nested = st.recursive(
    elements.map(data_set),
    lambda inner: st.builds(
        lambda parts, items, undefined: data_set(parts, *items, undefined=undefined),
        elements,
        st.lists(inner, max_size=3),
        st.booleans(),
    ),
    max_leaves=6,
)


@st.composite
def data_sets(draw: st.DrawFn) -> Dataset:
    ds = draw(nested)
    ds.SpecificCharacterSet = "ISO_IR 192"
    return ds


def test_every_vr_but_sq_is_tried() -> None:
    assert VRS.keys() - ATTRIBUTES.keys() == {"SQ"}


@given(st.sampled_from(sorted(ATTRIBUTES)).flatmap(element), st.sampled_from(SYNTAXES))
def test_every_vr_comes_back(one: Element, syntax: TransferSyntax) -> None:
    ds = data_set([one])
    ds.SpecificCharacterSet = "ISO_IR 192"
    back = decode(encode(ds, syntax), syntax)[one.tag]
    assert (back.VR, back.value) == (one.VR, one.value)


@given(data_sets(), st.sampled_from(SYNTAXES), st.sampled_from(SYNTAXES))
def test_decoding_undoes_encoding(ds: Dataset, syntax: TransferSyntax, other: TransferSyntax) -> None:
    data = encode(ds, syntax)
    assert len(data) % 2 == 0
    assert b"".join(encode_rope(ds, syntax)) == data
    decoded = decode(data, syntax)
    assert encode(decoded, syntax) == data, "untouched"
    assert encode(decoded, other) == encode(ds, other), "in another syntax"
    assert pickle.loads(pickle.dumps(decoded)) == copy.deepcopy(decoded) == decoded
    assert decoded == ds
    assert encode(decoded, syntax) == data, "read, but not changed"
    assert encode(decoded.copy(), syntax) == data


@st.composite
def private(draw: st.DrawFn) -> list[Element]:
    """Return an element of any VR in a private block, and the private creator."""
    group = draw(st.sampled_from([0x0009, 0x0029, 0x6001, 0x7FE1]))
    block, number = draw(st.integers(0x10, 0xFF)), draw(st.integers(0, 0xFF))
    one = draw(st.sampled_from(sorted(ATTRIBUTES)).flatmap(element))
    creator = Element(group << 16 | block, "LO", "ACME")
    return [creator, Element(group << 16 | block << 8 | number, one.VR, one.value)]


overlays = st.integers(0, 15).map(lambda plane: [Element(0x60003000 + (plane << 17), "OW", bytes(10))])
odd = text("ABC", 9).map(lambda value: [Element(tag_of("PatientComments"), "LT", value.encode())])
large = st.sampled_from([("ICCProfile", "OB"), ("TextValue", "UT"), ("PixelData", "OW")]).map(
    lambda row: [Element(tag_of(row[0]), row[1], b"x" * 70_000)]
)


@st.composite
def richer(draw: st.DrawFn) -> Dataset:
    """Draw private attributes, repeating groups, odd lengths and large values, also in nested items."""
    ds = outer = draw(data_sets())
    for parts in draw(st.lists(private() | overlays | odd | large, max_size=4)):
        for part in parts:
            ds.add(part)
        if draw(st.booleans()):
            ds.ReferencedImageSequence = [Dataset(), inner := Dataset(Rows=1)]
            ds = inner
    if draw(st.booleans()):
        delimit(outer)
    return outer


@given(richer(), st.sampled_from(SYNTAXES))
def test_encoded_data_set_is_sound_and_is_decoded(ds: Dataset, syntax: TransferSyntax) -> None:
    data = encode(ds, syntax)
    report: list[Finding] = []
    decoded = decode(data, syntax, report=report)
    assert report == []
    later = decode(data, syntax, whole=False)
    if not syntax.deflated:
        assert encode(later, syntax) == data
    assert later == decoded
    examine(decoded)
    assert encode(decoded, syntax) == encode(decoded.copy(), syntax) == data
    assert syntax.implicit or decoded == ds


@given(data_sets(), st.sampled_from([IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE]), st.data())
def test_size_hint_never_exceeds_the_data_set(ds: Dataset, syntax: TransferSyntax, data: st.DataObject) -> None:
    whole = encode(ds, syntax)
    cut = data.draw(st.integers(0, len(whole)))
    hint = expected_length(whole[:cut], syntax)
    assert hint is None or cut < hint <= len(whole)


def examine(ds: Dataset) -> None:
    """Access everything; only DecodeError may be raised."""
    for part in ds:
        with suppress(DecodeError):
            value = part.value
            for item in value if isinstance(value, list) else ():
                if isinstance(item, Dataset):
                    examine(item)


@st.composite
def mutated(draw: st.DrawFn, valid: bytes) -> bytes:
    """Draw ``valid`` with bytes changed, removed, inserted, or cut off."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        change = draw(st.binary(max_size=4) | st.sampled_from([b"\xff\xff\xff\xff", b"\xfe\xff\x0d\xe0", b"SQ", b"UN"]))
        data[place : place + draw(st.integers(0, 4))] = change
    return bytes(data[: draw(st.none() | st.integers(0, len(data)))])


IMAGE = Dataset(
    SpecificCharacterSet="ISO_IR 100",
    SOPClassUID="1.2.840.10008.5.1.4.1.1.7",
    SOPInstanceUID="1.2.3",
    PatientName="Müller^Jörg",
    SamplesPerPixel=1,
    PhotometricInterpretation="MONOCHROME2",
    NumberOfFrames=1,
    Rows=2,
    Columns=3,
    BitsAllocated=16,
    BitsStored=12,
    PixelRepresentation=0,
    RescaleSlope=1.5,
    PixelData=bytes(12),
)


def test_elements_before_a_fault_are_written_as_they_were_read() -> None:
    late, pixels = b"\x28\x00\x10\x00\x02\x00\x00\x00\x01\x00", b"\xe0\x7f\x10\x00\x02\x00\x00\x00\x01\x02"
    early = b"\x08\x00\x60\x00\x02\x00\x00\x00CT"
    decoded = decode(late + early + pixels + b"\xfc\xff\xfc\xff", IMPLICIT_LE, report=[])
    assert encode(decoded, IMPLICIT_LE) == late + early + pixels


@settings(max_examples=examples(400))
@given(st.data(), st.sampled_from(SYNTAXES))
def test_mutated_data_sets_are_decoded_or_refused(data: st.DataObject, syntax: TransferSyntax) -> None:
    ds = data.draw(data_sets() | richer())
    raw = data.draw(mutated(encode(ds, syntax)))
    expected_length(raw, syntax)
    report: list[Finding] = []
    try:
        decoded = decode(raw, syntax, report=report)
    except DecodeError:
        return
    if not syntax.deflated and not any(finding.rule == "PS3.5 §10" for finding in report):  # in the other VR encoding
        same = encode(decoded, syntax)
        assert raw.startswith(same), "an untouched Data Set is written back"
        rest = raw[len(same) :]
        is_told = any(finding.what.endswith(("after Pixel Data", "follow the last element")) for finding in report)
        assert not rest or is_told
    assert all(finding.rule and finding.what for finding in report)
    examine(decoded)
    later = decode(raw, syntax, whole=False)
    examine(later)
    assert dump(later) == dump(decoded) == dump(pickle.loads(pickle.dumps(decoded))) == dump(copy.deepcopy(decoded))
    assert dump(pickle.loads(pickle.dumps(decode(raw, syntax, whole=False)))) == dump(decoded)
    with suppress(EncodeError):  # the value cannot be written as it is
        proper = encode(decoded, syntax)
        again = decode(proper, syntax, isolate=True)
        examine(again)
        assert encode(again, syntax) == proper, "stable from then on"
    assert isinstance(dump(decoded), str)
    for other in SYNTAXES:
        with suppress(EncodeError):
            encode(decoded, other)


@settings(max_examples=examples(400))
@given(st.data(), st.sampled_from(SYNTAXES))
def test_mutated_files_are_read_or_refused(data: st.DataObject, syntax: TransferSyntax) -> None:
    stream = io.BytesIO()
    write_file(stream, IMAGE, syntax=syntax)
    raw = stream.getvalue()
    raw = data.draw(st.sampled_from([raw[:132], raw[:128]])) + data.draw(mutated(raw[132:]))
    with suppress(DecodeError):
        file = read_file(raw)
        examine(file.meta)
        examine(file.dataset)
        pixel_array(file.dataset, file.syntax)


@given(st.data())
def test_mutated_fragments_are_decoded_or_refused(data: st.DataObject) -> None:
    raw = data.draw(mutated(encode(Dataset(Rows=2, PixelData=[b"", b"\1\2", b"\3\4\5\6"]), RLE)))
    with suppress(DecodeError):
        examine(decode(raw, RLE))


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_every_beginning_of_a_data_set_is_decoded_or_refused(syntax: TransferSyntax) -> None:
    whole = encode(Dataset(Rows=2, ReferencedImageBoxSequence=[IMAGE, Dataset()]), syntax)
    for end in range(len(whole)):
        with suppress(DecodeError):
            examine(decode(whole[:end], syntax))
