"""A value is bounded by its VR, its VM and the limits before it becomes an object."""

import io

import pytest

from dimse.data import (
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    DecodeLimits,
    Element,
    TransferSyntax,
    decode,
    encode,
    lookup,
    read_file,
    tag_of,
    write_file,
)
from dimse.errors import DecodeError

LONG = {
    "NumberOfCopies": b"1.0\\" * 1000,  # IS 1
    "ImageDisplayFormat": b"ROW\\" + b"1," * 10_000,  # ST 1
    "FilmSizeID": b"A" * 1026,  # CS 1
    "PatientName": b"A" * 4000,  # PN 1
    "PixelAspectRatio": b"1\\" * 1000,  # IS 2
    "TextString": b"A" * 2000,  # LO 1
    "Rows": bytes(2000),  # US 1
    "ReferencedFrameOfReferenceUID": b"1." * 1000,  # UI 1
    "LUTDescriptor": bytes(2000),  # US or SS 3
}


def first_vr(keyword: str) -> str:
    entry = lookup(tag_of(keyword))
    assert entry is not None
    return entry.vr.split(" ")[0]


def first_item(ds: Dataset) -> Dataset:
    items = ds.ReferencedImageSequence
    assert isinstance(items, list)
    assert isinstance(items[0], Dataset)
    return items[0]


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE], ids=lambda syntax: syntax.name)
def test_long_text_is_rejected_before_it_is_decoded(syntax: TransferSyntax) -> None:
    data = encode(Dataset(TextValue="x" * 2000, Rows=4), syntax)
    ds = decode(data, syntax, limits=DecodeLimits(value=1999))
    with pytest.raises(
        DecodeError, match=r"^\(0040,A160\): UT of 2000 bytes, more than 1999 .*\[DecodeLimits.value\]$"
    ):
        ds.TextValue  # noqa: B018
    assert ds.Rows == 4, "an unread value does not harm the others"
    assert encode(ds, syntax) == data
    assert decode(data, syntax, limits=DecodeLimits(value=2000)).TextValue == "x" * 2000


@pytest.mark.parametrize("keyword", LONG)
@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE], ids=lambda syntax: syntax.name)
def test_value_is_bounded_by_its_vr_and_vm(keyword: str, syntax: TransferSyntax) -> None:
    ds = Dataset()
    ds.add(Element(tag_of(keyword), first_vr(keyword), LONG[keyword]))
    wire = encode(ds, syntax)
    with pytest.raises(DecodeError, match=r"of \d+ bytes, more than \d+ .*\[DecodeLimits.overlength\]$"):
        decode(wire, syntax)[keyword].value  # noqa: B018
    item = encode(Dataset(ReferencedImageSequence=[ds]), syntax)
    with pytest.raises(DecodeError, match=r"^\(0008,1140\)\[0\]\."):
        first_item(decode(item, syntax))[keyword].value  # noqa: B018
    stream = io.BytesIO()
    write_file(stream, Dataset(SOPClassUID="1.2", SOPInstanceUID="1.3"), syntax=syntax)
    assert read_file(stream.getvalue() + wire).dataset[keyword].value is not None, (
        "the limit of a message does not apply to files"
    )


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ImageDisplayFormat", "A" * 4000),
        ("FilmSizeID", "A" * 60),
        ("TextString", "é" * 250),
        ("ContourData", [1.5] * 30_000),
        ("ReferencedFrameNumber", [7] * 30_000),
        ("TextValue", "x" * 1_000_000),
        ("AdditionalPatientHistory", "x" * 10_240),
        ("TableOfXBreakPoints", [7] * 30_000),
    ],
)
def test_value_within_vr_and_vm_is_accepted(keyword: str, value: object) -> None:
    raw = "\\".join(map(str, value)) if isinstance(value, list) else str(value)
    ds = Dataset(SpecificCharacterSet="ISO_IR 192")
    if keyword == "TableOfXBreakPoints":
        ds[keyword] = value
    else:
        ds[keyword] = raw.encode()
    assert decode(encode(ds, EXPLICIT_LE), EXPLICIT_LE).get(keyword) == value


def test_number_of_values_is_limited() -> None:
    limits = DecodeLimits(values=600)
    for ds, count in ((Dataset(ReferencedFrameNumber=[7] * 601), 601), (Dataset(TableOfXBreakPoints=[7] * 700), 700)):
        with pytest.raises(DecodeError, match=rf"of {count} values, more than 600 .*\[DecodeLimits.values\]$"):
            for element in decode(encode(ds, EXPLICIT_LE), EXPLICIT_LE, limits=limits):
                element.value  # noqa: B018


def test_streams_have_no_limit() -> None:
    data = encode(Dataset(PixelData=bytes(1000)), IMPLICIT_LE)
    assert decode(data, IMPLICIT_LE, limits=DecodeLimits(value=10)).PixelData == bytes(1000)
