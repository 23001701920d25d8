"""Pickled and copied Data Sets have the same values and the same bytes."""

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from delimited import delimit

from dimse.data import (
    DEFLATED_LE,
    DS,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    IS,
    Dataset,
    DecodeLimits,
    Element,
    TransferSyntax,
    decode,
    dump,
    encode,
    read_file,
    syntax_of,
    write_file,
)
from dimse.errors import DecodeError

RLE = syntax_of("1.2.840.10008.1.2.5")
SYNTAXES = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE]
BIG = 1 << 20


def image() -> Dataset:
    inner = Dataset(PixelSpacing=["0.50", "0.5"], CodeMeaning="山")
    return Dataset(
        SpecificCharacterSet=["", "ISO 2022 IR 87"],
        SOPClassUID="1.2.840.10008.5.1.4.1.1.7",
        SOPInstanceUID="1.2.3",
        PatientName="Yamada^Tarou=山^\\u592a",
        StudyDate="20240102",
        NumberOfFrames="007",
        Rows=4,
        BitsAllocated=32,
        ReferencedImageSequence=[inner, Dataset(ReferencedImageSequence=[Dataset(Rows=1)])],
        PixelData=bytes(range(64)),
    )


def pickled(value: Dataset) -> Dataset:
    again = pickle.loads(pickle.dumps(value))
    assert isinstance(again, Dataset)
    return again


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "as needed"])
@pytest.mark.parametrize("delimited", [True, False], ids=["delimited", "lengths"])
def test_data_set_is_pickled_in_any_state(syntax: TransferSyntax, whole: bool, delimited: bool) -> None:
    made = image()
    if delimited:
        delimit(made)
    data = encode(made, syntax)
    for looked_at in (id, len, dump):
        ds = decode(data, syntax, whole=whole)
        looked_at(ds)  # nothing, the list of elements, or all values
        again = pickled(ds)
        assert encode(again, syntax) == encode(ds, syntax)
        assert dump(pickled(ds)) == dump(ds)
        assert pickled(again) == copy.deepcopy(ds) == copy.copy(ds) == ds
        for other in SYNTAXES:
            assert encode(pickled(ds), other) == encode(ds.copy(), other)


def test_fragments_are_pickled() -> None:
    ds = Dataset(PixelData=[b"", b"\1\2", b"\3\4"])
    for one in (ds, decode(encode(ds, RLE), RLE)):
        assert encode(pickled(one), RLE) == encode(copy.deepcopy(one), RLE) == encode(ds, RLE)


def test_pickled_text_takes_a_new_character_set() -> None:
    ds = decode(encode(Dataset(SpecificCharacterSet="ISO_IR 100", PatientName="é"), EXPLICIT_LE), EXPLICIT_LE)
    for one in (pickled(ds), copy.deepcopy(ds)):
        one.SpecificCharacterSet = "ISO_IR 192"
        assert encode(one, EXPLICIT_LE).endswith(b"PN\2\0\xc3\xa9")


def test_pickled_item_has_only_its_own_bytes() -> None:
    ds = decode(encode(Dataset(ReferencedImageSequence=[image()], PixelData=bytes(BIG)), EXPLICIT_LE), EXPLICIT_LE)
    items = ds.ReferencedImageSequence
    assert isinstance(items, list)
    assert len(pickle.dumps(items[0])) < BIG / 50


def test_deep_copy_owns_its_lists_and_items() -> None:
    ds = decode(encode(image(), EXPLICIT_LE), EXPLICIT_LE)
    twin = copy.deepcopy(ds)
    items = twin.ReferencedImageSequence
    assert isinstance(items, list)
    assert isinstance(items[0], Dataset)
    items[0].CodeMeaning = "other"
    assert twin != ds


def test_pickled_wrong_value_raises_the_same_error() -> None:
    ds = decode(encode(Dataset(Rows=4, NumberOfFrames=b"1A"), EXPLICIT_LE), EXPLICIT_LE)
    again = pickled(ds)
    with pytest.raises(DecodeError, match=r"^\(0028,0008\): IS needs an integer of at most 20 characters, got '1A'"):
        again.NumberOfFrames  # noqa: B018
    assert again.Rows == 4


def test_limits_apply_after_pickling() -> None:
    data = encode(Dataset(ReferencedImageSequence=[Dataset(), Dataset()]), EXPLICIT_LE)
    ds = decode(data, EXPLICIT_LE, limits=DecodeLimits(items=1), whole=False)
    with pytest.raises(DecodeError, match="more than 1 items"):
        pickled(ds).ReferencedImageSequence  # noqa: B018


@pytest.mark.parametrize("value", [DS("1.50 "), DS(1e-7), IS("007"), IS(-5)], ids=str)
def test_numbers_keep_their_text(value: DS | IS) -> None:
    for again in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):
        assert (type(again), again, again.text) == (type(value), value, value.text)


def test_integer_beyond_its_vr_is_pickled() -> None:
    ds = decode(encode(Dataset(NumberOfFrames=b"99999999999 "), EXPLICIT_LE), EXPLICIT_LE)
    assert ds.NumberOfFrames == 99999999999
    assert pickled(ds).NumberOfFrames == copy.deepcopy(ds).NumberOfFrames == 99999999999


@pytest.mark.parametrize("mapped", [True, False])
def test_file_is_pickled(tmp_path: Path, mapped: bool) -> None:
    write_file(tmp_path / "image.dcm", image())
    file = read_file(tmp_path / "image.dcm", mapped=mapped)
    again, twin = pickle.loads(pickle.dumps(file)), copy.deepcopy(file)
    assert again == twin == file
    assert encode(again.dataset, again.syntax) == encode(file.dataset, file.syntax)


def test_element_is_pickled() -> None:
    for element in (Element(0x00280010, "US", 4), decode(encode(image(), EXPLICIT_BE), EXPLICIT_BE)["PixelData"]):
        assert pickle.loads(pickle.dumps(element)) == copy.deepcopy(element) == copy.copy(element) == element


def test_process_pool_takes_files(tmp_path: Path) -> None:
    write_file(tmp_path / "image.dcm", image())
    file = read_file(tmp_path / "image.dcm")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(len, file.dataset).result() == len(file.dataset)
