"""PS3.5 Table 6.2-1, and the VRs that the dictionary leaves open: PS3.5 Annex A, PS3.3 §C.7.6.3 and §C.11.1."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from dimse.data import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, VRS, Dataset, Element, TransferSyntax, decode, encode
from dimse.data.vr import row_of
from dimse.errors import EncodeError

REFERENCE = os.environ.get("DIMSE_REFERENCE")


def test_table_has_34_vrs() -> None:
    assert len(VRS) == 34
    assert all(row.name == name for name, row in VRS.items())


def test_long_form_follows_section_7_1_2() -> None:
    long = {name for name, row in VRS.items() if row.long}
    assert long == {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}


def test_only_uids_and_streams_are_padded_with_nul() -> None:
    assert {name for name, row in VRS.items() if row.kind == "text" and row.pad == b"\0"} == {"UI"}
    assert all(row.pad == b"\0" for row in VRS.values() if row.kind == "stream")


def test_character_set_applies_to_seven_vrs() -> None:
    assert {name for name, row in VRS.items() if row.charset} == {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}


def test_future_vr_is_treated_as_unknown() -> None:
    assert row_of("ZZ") is VRS["UN"]
    assert row_of("US") is VRS["US"]


@pytest.mark.skipif(REFERENCE is None, reason="DIMSE_REFERENCE does not name the reference tables")
def test_table_equals_the_reference() -> None:
    assert REFERENCE is not None
    with (Path(REFERENCE) / "vr.csv").open(encoding="utf-8") as lines:
        rows = {row["vr"]: row for row in csv.DictReader(lines)}
    assert rows.keys() == VRS.keys()
    for name, row in rows.items():
        ours = VRS[name]
        assert ours.long == (row["explicit_length_form"] == "long"), name
        assert ours.many == (row["vm"] == "1-n"), name
        if row["pad"] != "-":
            assert ours.pad == (b"\0" if row["pad"] == "00H" else b" "), name


SIGNED, UNSIGNED = b"\x28\0\x03\1\x02\0\0\0\1\0", b"\x28\0\x03\1\x02\0\0\0\0\0"  # Pixel Representation, in implicit VR
PADDING = b"\x28\0\x20\1\x02\0\0\0\xfe\xff"
UNDEFINED = b"\xff\xff\xff\xff"
ITEM_END, SEQUENCE_END = b"\xfe\xff\x0d\xe0" + bytes(4), b"\xfe\xff\xdd\xe0" + bytes(4)


def sequence(content: bytes, *, undefined: bool = False) -> bytes:
    """Return a Modality LUT Sequence of one item, in implicit VR."""
    length = UNDEFINED if undefined else len(content).to_bytes(4, "little")
    item = b"\xfe\xff\0\xe0" + length + content + ITEM_END * undefined
    length = UNDEFINED if undefined else len(item).to_bytes(4, "little")
    return b"\x28\0\0\x30" + length + item + SEQUENCE_END * undefined


def first_item_of(ds: Dataset, keyword: str = "ModalityLUTSequence") -> Dataset:
    value = ds.get(keyword)
    assert isinstance(value, list)
    assert isinstance(value[0], Dataset)
    return value[0]


def test_pixel_representation_decides_in_its_data_set() -> None:
    assert decode(PADDING, IMPLICIT_LE).PixelPaddingValue == 0xFFFE
    assert decode(UNSIGNED + PADDING, IMPLICIT_LE)["PixelPaddingValue"].VR == "US"
    assert decode(SIGNED + PADDING, IMPLICIT_LE).PixelPaddingValue == -2


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "as needed"])
@pytest.mark.parametrize("undefined", [False, True], ids=["defined", "undefined"])
def test_nearest_pixel_representation_decides(whole: bool, undefined: bool) -> None:
    nested = sequence(PADDING, undefined=undefined)
    assert first_item_of(decode(SIGNED + nested, IMPLICIT_LE, whole=whole)).PixelPaddingValue == -2
    assert first_item_of(decode(UNSIGNED + nested, IMPLICIT_LE, whole=whole)).PixelPaddingValue == 0xFFFE
    own = sequence(UNSIGNED + PADDING, undefined=undefined)
    assert first_item_of(decode(SIGNED + own, IMPLICIT_LE, whole=whole)).PixelPaddingValue == 0xFFFE
    twice = sequence(UNSIGNED + sequence(PADDING, undefined=undefined), undefined=undefined)
    assert first_item_of(first_item_of(decode(SIGNED + twice, IMPLICIT_LE, whole=whole))).PixelPaddingValue == 0xFFFE


@pytest.mark.parametrize(("number", "said"), [(0, 0xFFFE), (1, -2)])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "as needed"])
def test_un_in_explicit_vr_follows_the_pixel_representation(whole: bool, number: int, said: int) -> None:
    long = b"\x09\0\x10\0UT\0\0" + bytes(4)
    representation = b"\x28\0\x03\1US\2\0" + bytes([number, 0])
    unknown = b"\x29\0\1\x10UN\0\0" + UNDEFINED + b"\xfe\xff\0\xe0" + UNDEFINED + PADDING + ITEM_END + SEQUENCE_END
    for data in (long + representation + unknown, long + unknown + representation):
        value = decode(data, EXPLICIT_LE, whole=whole)[0x00291001].value
        assert isinstance(value, list)
        assert isinstance(value[0], Dataset)
        expected = said if data.index(b"\x28\0\x03\1") < data.index(b"UN") else 0xFFFE
        assert value[0].PixelPaddingValue == expected, "an element out of order comes too late"


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "as needed"])
@pytest.mark.parametrize("undefined", [False, True], ids=["defined", "undefined"])
def test_un_in_an_item_follows_the_pixel_representation(whole: bool, undefined: bool) -> None:
    length = UNDEFINED if undefined else (18).to_bytes(4, "little")
    padding = b"\xfe\xff\0\xe0\x0a\0\0\0" + PADDING
    unknown = b"\x28\0\0\x30UN\0\0" + length + padding + SEQUENCE_END * undefined
    item = b"\xfe\xff\0\xe0" + len(unknown).to_bytes(4, "little") + unknown
    after = b"\x28\0\x10\x30SQ\0\0" + len(item).to_bytes(4, "little") + item
    before = after.replace(b"\x28\0\x10\x30", b"\x08\0\x40\x11", 1)
    for number, said in ((0, 0xFFFE), (1, -2)):
        representation = b"\x28\0\x03\1US\2\0" + bytes([number, 0])
        ds = decode(before + representation + after, EXPLICIT_LE, whole=whole)
        assert first_item_of(first_item_of(ds, "VOILUTSequence")).PixelPaddingValue == said
        assert first_item_of(first_item_of(ds, "ReferencedImageSequence")).PixelPaddingValue == 0xFFFE, (
            "it came too late"
        )


def test_un_of_an_ambiguous_attribute_gets_a_vr() -> None:
    padding = b"\x28\0\x20\1UN\0\0\2\0\0\0\xfe\xff"
    assert decode(b"\x28\0\x03\1US\2\0\1\0" + padding, EXPLICIT_LE).PixelPaddingValue == -2
    assert decode(padding, EXPLICIT_LE).PixelPaddingValue == 0xFFFE


def test_pixel_data_is_bytes_or_words() -> None:
    assert Dataset(PixelData=b"\0\0")["PixelData"].VR == "OW"
    assert Dataset(BitsAllocated=8, PixelData=b"\0")["PixelData"].VR == "OB"
    assert Dataset(PixelData=[b"", b"\0\0"])["PixelData"].VR == "OB"


@pytest.mark.parametrize("keyword", ["LUTData", "OverlayData", "RedPaletteColorLookupTableData", "WaveformData"])
def test_bulk_data_are_words(keyword: str) -> None:
    assert Dataset(**{keyword: b"\0\0"})[keyword].VR == "OW"


def test_decoded_lut_data_are_words() -> None:
    assert decode(b"\x28\0\x06\x30\2\0\0\0\1\2", IMPLICIT_LE)["LUTData"].VR == "OW"


DESCRIPTOR = (0xFFFF, -1024, 16)  # entries; the first value mapped; bits


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE], ids=lambda syntax: syntax.name)
def test_only_the_second_value_of_a_lut_descriptor_is_signed(syntax: TransferSyntax) -> None:
    ds = Dataset(PixelRepresentation=1, LUTDescriptor=list(DESCRIPTOR))
    assert ds["LUTDescriptor"].VR == "SS"
    assert ds.LUTDescriptor == list(DESCRIPTOR)
    data = encode(ds, syntax)
    decoded = decode(data, syntax)
    assert decoded == ds
    assert encode(decoded, syntax) == data
    for other in (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE):
        assert encode(decoded, other) == encode(ds, other)
    unsigned = Dataset(PixelRepresentation=0, LUTDescriptor=[0xFFFF, 0xFC00, 16])
    assert encode(unsigned, IMPLICIT_LE)[18:] == encode(ds, IMPLICIT_LE)[18:], "the same words"


@pytest.mark.parametrize("empty", [None, [], ()])
def test_signed_lut_descriptor_may_be_empty(empty: object) -> None:
    assert Element(0x00283002, "SS", empty).value is None


def test_signed_lut_descriptor_may_be_an_array() -> None:
    assert Element(0x00283002, "SS", np.array(DESCRIPTOR)).value == list(DESCRIPTOR)


@pytest.mark.parametrize("values", [[-1, 0, 16], [256, 40000, 16], [256, 0, 70000], ["x", 0, 16]], ids=str)
def test_lut_descriptor_rejects_numbers_out_of_range(values: list[int | str]) -> None:
    with pytest.raises(EncodeError, match=r"^\(0028,3002\): (US|SS) cannot hold"):
        Element(0x00283002, "SS", values)


def test_changed_lut_descriptor_is_checked_when_it_is_encoded() -> None:
    ds = Dataset(LUTDescriptor=list(DESCRIPTOR))
    changed = ds.LUTDescriptor
    assert isinstance(changed, list)
    changed.append("x")
    with pytest.raises(EncodeError, match=r"^\(0028,3002\): SS cannot hold its values"):
        encode(ds, EXPLICIT_LE)


def test_lut_descriptor_of_one_value_is_signed() -> None:
    """It is no descriptor, which has three values."""
    assert decode(b"\x28\0\2\x30SS\2\0\xff\xff", EXPLICIT_LE).LUTDescriptor == -1
