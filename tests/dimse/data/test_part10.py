"""PS3.10 §7: DICOM files, correct ones and the forms that devices write."""

import io
import mmap
import struct
from pathlib import Path

import pytest

from dimse import uids
from dimse.data import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    DecodeLimits,
    Element,
    Finding,
    TransferSyntax,
    decode,
    encode,
    read_file,
    syntax_of,
    write_file,
)
from dimse.data.part10 import encode_meta
from dimse.data.skip import pixels_offset
from dimse.errors import DecodeError, EncodeError

SYNTAXES = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE]
JPEG = syntax_of("1.2.840.10008.1.2.4.50")


def image() -> Dataset:
    return Dataset(SOPClassUID=uids.SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3", Rows=4, PixelData=bytes(9000))


def written(dataset: Dataset, syntax: TransferSyntax) -> bytes:
    stream = io.BytesIO()
    write_file(stream, dataset, syntax=syntax)
    return stream.getvalue()


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_file_is_read_from_path_bytes_and_stream(syntax: TransferSyntax, tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    write_file(path, image(), syntax=syntax)
    for source in (path, str(path), path.read_bytes(), memoryview(path.read_bytes()), path.open("rb")):
        file = read_file(source)
        assert (file.dataset, file.syntax) == (image(), syntax)
        if isinstance(source, io.BufferedReader):
            source.close()


def test_file_meta_information_describes_the_file() -> None:
    data = written(image(), IMPLICIT_LE)
    assert data[:132] == bytes(128) + b"DICM"
    assert data[132:144] == b"\x02\0\0\0UL\x04\0" + struct.pack("<I", data.index(b"\x08\0\x16\0") - 144)
    meta = read_file(data).meta
    assert meta.FileMetaInformationVersion == b"\0\1"
    assert meta.MediaStorageSOPClassUID == uids.SecondaryCaptureImageStorage
    assert meta.MediaStorageSOPInstanceUID == "1.2.3"
    assert meta.TransferSyntaxUID == uids.ImplicitVRLittleEndian
    assert meta.ImplementationClassUID == uids.IMPLEMENTATION_CLASS_UID
    assert meta.ImplementationVersionName == uids.IMPLEMENTATION_VERSION_NAME


def test_compressed_pixels_are_read_and_written_back() -> None:
    ds = image()
    ds.PixelData = [b"", b"\xff\xd8\xff\xd9"]
    file = read_file(written(ds, JPEG))
    assert file.dataset.PixelData == [b"", b"\xff\xd8\xff\xd9"]
    assert written(file.dataset, file.syntax) == written(ds, JPEG)


def test_image_without_a_uid_is_not_written(tmp_path: Path) -> None:
    ds = image()
    del ds.SOPInstanceUID
    with pytest.raises(EncodeError, match="a file needs SOPInstanceUID"):
        write_file(tmp_path / "image.dcm", ds)
    assert not list(tmp_path.iterdir())


def test_native_image_is_not_written_in_a_compressed_syntax(tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="needs compressed Pixel Data"):
        write_file(tmp_path / "image.dcm", image(), syntax=JPEG)
    assert not list(tmp_path.iterdir())


def test_data_set_with_group_0002_is_not_written(tmp_path: Path) -> None:
    ds = image()
    ds.TransferSyntaxUID = "1.2.3"
    with pytest.raises(EncodeError, match="groups 0000 to 0002"):
        write_file(tmp_path / "image.dcm", ds)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", bytes(200), b"<html>" * 40, b"\x08\0\x05\0", b"\x08\0\x05\0\xff\xff\xff\x7f" * 40]
)
def test_other_files_are_rejected(data: bytes) -> None:
    with pytest.raises(
        DecodeError, match=r"^not a DICOM file: no DICM at byte 128, and no Data Set at byte 0 \[PS3\.10 §7\.1\]$"
    ):
        read_file(data)


def test_os_errors_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "absent.dcm")
    with pytest.raises(OSError, match="directory"):
        read_file(tmp_path)


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE], ids=lambda syntax: syntax.name)
def test_bare_data_set_is_recognized(syntax: TransferSyntax) -> None:
    file = read_file(encode(image(), syntax))
    assert (file.dataset, file.syntax, len(file.meta)) == (image(), syntax, 0)


def test_preamble_may_be_missing() -> None:
    file = read_file(written(image(), IMPLICIT_LE)[132:])
    assert (file.dataset, file.syntax) == (image(), IMPLICIT_LE)


@pytest.mark.parametrize("length", [b"\0\0\0\0", b"\xff\xff\xff\xff", None])
def test_length_of_group_0002_may_be_wrong_or_missing(length: bytes | None) -> None:
    data = written(image(), EXPLICIT_LE)
    wrong = data[:132] + (data[132:140] + length if length else b"") + data[144:]
    assert read_file(wrong).dataset == image()


@pytest.mark.parametrize(
    ("bits", "raw", "right"),
    [(16, struct.pack(">4H", 0, 100, 200, 300), struct.pack("<4H", 0, 100, 200, 300)),
     (32, struct.pack(">2L", 1, 70000), struct.pack("<2L", 1, 70000)),
     (8, b"\1\2\3\4", b"\1\2\3\4")],
)  # fmt: skip
def test_big_endian_pixels_of_a_private_syntax_are_swapped(bits: int, raw: bytes, right: bytes) -> None:
    words = Dataset(Rows=1, Columns=4, BitsAllocated=bits)
    words.add(Element(0x7FE00010, "OW", raw))
    item = Dataset(BitsAllocated=bits, IconImageSequence=[words], SOPInstanceUID="1.2.3")
    item.add(Element(0x7FE00010, "OW", raw))
    private = "1.2.840.113619.5.2"
    meta = Dataset(TransferSyntaxUID=private)
    report: list[Finding] = []
    file = read_file(encode(meta, EXPLICIT_LE) + encode(item, IMPLICIT_LE), report=report)
    assert (file.syntax.uid, file.dataset.PixelData, file.dataset.BitsAllocated) == (private, right, bits)
    assert first_item(file.dataset.IconImageSequence).PixelData == right
    assert f"(0002,0010): {private!r} is not a Transfer Syntax of the standard [PS3.6 §A]" in map(str, report)
    for syntax in (EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE):
        assert decode(encode(file.dataset, syntax), syntax).PixelData == right
        again = read_file(encode(meta, EXPLICIT_LE) + encode(item, IMPLICIT_LE)).dataset
        unread = decode(encode(again, syntax), syntax)
        assert unread.PixelData == right, "whether it was accessed or not"
        assert first_item(unread.IconImageSequence).PixelData == right, "whether it was accessed or not"
    with pytest.raises(EncodeError, match="can be read, but not written"):
        encode(file.dataset, file.syntax)


def first_item(value: object) -> Dataset:
    assert isinstance(value, list)
    assert isinstance(value[0], Dataset)
    return value[0]


def implicit(tag: int, value: bytes) -> bytes:
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, len(value)) + value


@pytest.mark.parametrize("has_length", [True, False])
@pytest.mark.parametrize(
    "again", [implicit(0x00020003, b"1.2.3\0"), implicit(0x00020016, b"MODX"), implicit(0x00020102, b"")], ids=len
)
def test_second_group_0002_belongs_to_the_data_set(again: bytes, has_length: bool) -> None:
    data = written(image(), IMPLICIT_LE)
    meta = 144 + int.from_bytes(data[140:144], "little")
    head = data[:meta] if has_length else data[:132] + data[144:meta]
    report: list[Finding] = []
    file = read_file(head + again + data[meta:], report=report)
    assert file.meta.TransferSyntaxUID == IMPLICIT_LE.uid
    assert [element for element in file.dataset if element.tag.group > 2] == [*image()]
    assert "the element belongs to the File Meta Information, not to the Data Set" in [
        finding.what for finding in report
    ]


def test_second_group_0002_does_not_change_the_syntax() -> None:
    data = written(image(), EXPLICIT_LE)
    meta = 144 + int.from_bytes(data[140:144], "little")
    again = b"\2\0\x10\0UI\x12\0" + IMPLICIT_LE.uid.encode() + b"\0"
    file = read_file(data[:meta] + again + data[meta:])
    assert (file.meta.TransferSyntaxUID, file.syntax) == (EXPLICIT_LE.uid, EXPLICIT_LE)
    assert file.dataset.Rows == image().Rows


@pytest.mark.parametrize(
    ("said", "really", "found"),
    [
        (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_LE),
        (EXPLICIT_LE, IMPLICIT_LE, IMPLICIT_LE),
        (EXPLICIT_BE, IMPLICIT_LE, IMPLICIT_LE),
    ],
    ids=lambda syntax: syntax.name,
)
def test_data_set_in_the_other_vr_encoding_is_read(
    said: TransferSyntax, really: TransferSyntax, found: TransferSyntax
) -> None:
    data = written(image(), said)
    start = len(data) - len(encode(image(), said))
    file = read_file(data[:start] + encode(image(), really))
    assert (file.dataset, file.syntax) == (image(), found)
    assert file.meta.TransferSyntaxUID == said.uid


@pytest.mark.parametrize("code", [b"--", b"  ", b"\0\0", b"??"])
@pytest.mark.parametrize("syntax", [EXPLICIT_LE, EXPLICIT_BE, JPEG], ids=lambda syntax: syntax.name)
def test_wrong_vr_of_first_element_is_read_and_reported(syntax: TransferSyntax, code: bytes) -> None:
    data = written(Dataset(SOPClassUID="1.2", SOPInstanceUID="1.2.3", Modality="CT"), syntax)
    first = encode(Dataset(SpecificCharacterSet="ISO_IR 100"), syntax).replace(b"CS", code)
    begin = data.index(encode(Dataset(SOPClassUID="1.2"), syntax))
    report: list[Finding] = []
    file = read_file(data[:begin] + first + data[begin:], report=report)
    assert (file.syntax, file.dataset.SpecificCharacterSet, file.dataset.Modality) == (syntax, "ISO_IR 100", "CT")
    assert [(one.path, one.offset) for one in report if one.what.endswith("is not a VR")] == [("(0008,0005)", begin)]


def test_compressed_pixels_in_implicit_vr_are_read() -> None:
    ds = image()
    ds.PixelData = [b"", b"\1\2"]
    data = written(ds, JPEG)
    start = len(data) - len(encode(ds, JPEG))
    explicit = encode(Dataset(SOPInstanceUID="1.2.3"), IMPLICIT_LE)
    file = read_file(
        data[:start] + explicit + b"\xe0\x7f\x10\0\xff\xff\xff\xff" + data[data.index(b"\xfe\xff\0\xe0") :]
    )
    assert file.dataset.PixelData == [b"", b"\1\2"]
    assert (file.syntax.uid, file.syntax.implicit, file.syntax.encapsulated) == (JPEG.uid, True, True)
    assert encode(file.dataset, file.syntax).startswith(explicit)


@pytest.mark.parametrize(
    ("named", "actual"),
    [(EXPLICIT_LE, EXPLICIT_BE), (EXPLICIT_BE, EXPLICIT_LE), (DEFLATED_LE, EXPLICIT_LE), (DEFLATED_LE, EXPLICIT_BE)],
    ids=lambda syntax: syntax.name,
)
def test_data_set_in_the_other_byte_order_or_not_deflated_is_read(
    named: TransferSyntax, actual: TransferSyntax
) -> None:
    ds = Dataset(SOPClassUID="1.2", SOPInstanceUID="1.3", Rows=2)
    report: list[Finding] = []
    file = read_file(bytes(128) + b"DICM" + encode_meta(ds, named, Dataset()) + encode(ds, actual), report=report)
    assert (file.dataset, file.syntax) == (ds, actual)
    assert [finding.what for finding in report] == [f"{named.name} is named, but the Data Set is encoded differently"]


def test_known_element_of_a_high_group_keeps_its_byte_order() -> None:
    """(2000,0010) is also (0020,1000), which PS3.6 knows as well."""
    ds = Dataset(NumberOfCopies=2)
    meta = encode_meta(Dataset(SOPClassUID="1.2", SOPInstanceUID="1.3"), EXPLICIT_LE, Dataset())
    assert read_file(bytes(128) + b"DICM" + meta + encode(ds, EXPLICIT_LE)).dataset == ds


def test_transfer_syntax_and_data_set_may_be_missing() -> None:
    data = written(image(), EXPLICIT_LE)
    start = data.index(b"\x02\0\x10\0UI")
    assert read_file(data[:start] + data[start + 28 :]).dataset == image()
    empty = read_file(data[: len(data) - len(encode(image(), EXPLICIT_LE))])
    assert (len(empty.dataset), empty.syntax) == (0, EXPLICIT_LE)


def with_unknown_syntax(data: bytes, uid: bytes) -> bytes:
    return data.replace(uid + b"\0", b"1.2.840.113619.5.3".ljust(len(uid) + 1, b"\0"))


def test_unknown_transfer_syntax_is_guessed() -> None:
    file = read_file(with_unknown_syntax(written(image(), EXPLICIT_LE), b"1.2.840.10008.1.2.1"))
    assert (file.dataset, file.syntax.uid, file.syntax.encapsulated) == (image(), "1.2.840.113619.5.3", False)
    assert file.syntax.name == "unknown Transfer Syntax 1.2.840.113619.5.3"
    compressed = image()
    compressed.PixelData = [b"", b"\1\2"]
    file = read_file(with_unknown_syntax(written(compressed, JPEG), JPEG.uid.encode()))
    assert file.syntax.encapsulated
    assert encode(file.dataset, file.syntax) == encode(compressed, JPEG)


def test_file_meta_information_may_be_implicit() -> None:
    meta = encode(Dataset(TransferSyntaxUID=uids.ExplicitVRLittleEndian), IMPLICIT_LE)
    file = read_file(bytes(128) + b"DICM" + meta + encode(image(), EXPLICIT_LE))
    assert (file.dataset, file.syntax) == (image(), EXPLICIT_LE)
    assert file.meta.TransferSyntaxUID == uids.ExplicitVRLittleEndian


# Tolerated faults


def findings(data: bytes) -> list[str]:
    report: list[Finding] = []
    read_file(data, report=report)
    return [str(finding) for finding in report]


@pytest.mark.parametrize("syntax", [*SYNTAXES], ids=lambda syntax: syntax.name)
def test_written_file_has_no_findings(syntax: TransferSyntax) -> None:
    assert findings(written(image(), syntax)) == []


def test_faults_of_file_meta_information_are_reported() -> None:
    data = written(image(), EXPLICIT_LE)
    bare = encode(image(), EXPLICIT_LE)
    implicit = encode(Dataset(TransferSyntaxUID=uids.ExplicitVRLittleEndian), IMPLICIT_LE)
    assert findings(bare) == [
        "the preamble with DICM is missing (at byte 0) [PS3.10 §7.1]",
        "there is no File Meta Information (at byte 0) [PS3.10 §7.1]",
    ]
    assert findings(bytes(128) + b"DICM" + implicit + bare) == [
        "the File Meta Information is in implicit VR (at byte 132) [PS3.10 §7.1]",
        "FileMetaInformationGroupLength is missing (at byte 132) [PS3.10 §7.1]",
        "FileMetaInformationVersion is missing (at byte 132) [PS3.10 §7.1]",
        "MediaStorageSOPClassUID is missing (at byte 132) [PS3.10 §7.1]",
        "MediaStorageSOPInstanceUID is missing (at byte 132) [PS3.10 §7.1]",
        "ImplementationClassUID is missing (at byte 132) [PS3.10 §7.1]",
    ]
    real = len(data) - len(bare) - 144
    assert findings(data[:140] + bytes(4) + data[144:]) == [
        f"(0002,0000): the group has {real} bytes, not 0 (at byte 132) [PS3.10 §7.1]"
    ]
    other = data.replace(b"1.2.3\0", b"1.2.4\0", 1)
    assert findings(other) == ["(0002,0003): '1.2.4', but '1.2.3' in the Data Set [PS3.10 §7.1]"]


def test_faults_of_the_transfer_syntax_are_reported() -> None:
    data = written(image(), IMPLICIT_LE)
    start = len(data) - len(encode(image(), IMPLICIT_LE))
    what = "Implicit VR Little Endian is named, but the Data Set is encoded differently"
    assert findings(data[:start] + encode(image(), EXPLICIT_LE)) == [
        f"(0002,0010): {what} (at byte {start}) [PS3.5 §10]"
    ]
    assert findings(with_unknown_syntax(written(image(), EXPLICIT_LE), b"1.2.840.10008.1.2.1")) == [
        "(0002,0010): '1.2.840.113619.5.3' is not a Transfer Syntax of the standard [PS3.6 §A]"
    ]


# Before the pixels


def before_pixels() -> Dataset:
    ds = image()
    del ds.PixelData
    return ds


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_reading_stops_before_the_pixels(syntax: TransferSyntax, tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    ds = image()
    ds.DataSetTrailingPadding = bytes(4)
    write_file(path, ds, syntax=syntax)
    for source in (path, path.read_bytes()):
        for mapped in (False, True):
            file = read_file(source, stop_before_pixels=True, mapped=mapped)
            assert (file.dataset, file.syntax) == (before_pixels(), syntax)


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("vr", ["SQ", "UN"])
def test_pixels_in_items_are_read(vr: str, undefined: bool) -> None:
    icon = Dataset(Rows=1, PixelData=b"\1\2")
    icon.undefined_length = undefined
    ds = image()
    ds.add(Element(0x00091001, vr, [icon, Dataset()], undefined_length=undefined))
    ds.add(Element(0x00880200, "SQ", [icon], undefined_length=undefined))
    for syntax in (EXPLICIT_LE, IMPLICIT_LE):
        whole = read_file(written(ds, syntax)).dataset
        del whole.PixelData
        assert read_file(written(ds, syntax), stop_before_pixels=True).dataset == whole


def test_fragments_are_not_read() -> None:
    ds = image()
    ds.PixelData = [b"", b"\1\2"]
    ds.ExtendedOffsetTable = bytes(8)
    assert read_file(written(ds, JPEG), stop_before_pixels=True).dataset == before_pixels()


def test_only_bytes_before_the_pixels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    write_file(path, image())
    whole = path.read_bytes()
    with path.open("wb") as stream:  # 4 GiB of pixels, which take no room on the disk
        start = whole.index(b"\xe0\x7f\x10\0")
        stream.write(whole[:start] + b"\xe0\x7f\x10\0OW\0\0" + b"\xfe\xff\xff\xff")
        stream.truncate(1 << 32)
    assert read_file(path, stop_before_pixels=True).dataset == before_pixels()


@pytest.mark.parametrize("data", [b"\xfe\xff\x0d\xe0\0\0\0\0" * 3, bytes(40), b"\x08\0\x05\0CS"])
def test_other_bytes_have_no_pixels(data: bytes) -> None:
    assert pixels_offset(memoryview(data), EXPLICIT_LE) == len(data)


def test_pixels_are_found_after_thousands_of_elements() -> None:
    data = b"".join(struct.pack("<HH2sH", 0x0009, number, b"LO", 0) for number in range(0x1000, 0x2000))
    assert pixels_offset(memoryview(data + b"\xe0\x7f\x10\0OW\0\0" + bytes(4)), EXPLICIT_LE) == len(data)


def test_reading_stops_before_pixels_after_an_odd_sequence() -> None:
    meta = encode_meta(Dataset(SOPClassUID="1.2", SOPInstanceUID="1.2.3"), EXPLICIT_LE, Dataset())
    item = b"\xfe\xff\0\xe0" + bytes(4) + b"\xfe\xff\x0d\xe0" + bytes(4)  # of defined length, and with a delimiter
    sequence = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff" + item + b"\xfe\xff\xdd\xe0" + bytes(4)
    pixels = b"\xe0\x7f\x10\0OW\0\0\2\0\0\0\1\2"
    file = read_file(bytes(128) + b"DICM" + meta + sequence + pixels, stop_before_pixels=True)
    assert [element.keyword for element in file.dataset] == ["ReferencedImageSequence"]


def test_search_for_pixels_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.data.skip._MAX_IN_FILE", 3)
    data = encode(Dataset(Rows=1), EXPLICIT_LE) * 4
    assert pixels_offset(memoryview(data), EXPLICIT_LE) == len(data)


def test_mapped_file_stays_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    write_file(path, image())
    pixels = read_file(path, mapped=True).dataset.PixelData
    assert isinstance(pixels, memoryview)
    assert isinstance(pixels.obj, mmap.mmap)
    with path.open("r+b") as stream:
        stream.seek(-1, io.SEEK_END)
        stream.write(b"\7")
    assert pixels[-1] == 7, "a change of the file is seen"
    assert read_file(path, stop_before_pixels=True).dataset == before_pixels()


def test_empty_file_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(DecodeError, match="not a DICOM file"):
        read_file(path, mapped=True)


# Writing


def test_given_elements_of_group_0002_are_written() -> None:
    meta = Dataset(
        SourceApplicationEntityTitle="HERE", TransferSyntaxUID=uids.ImplicitVRLittleEndian, MediaStorageSOPClassUID="9"
    )
    meta.add(Element(0x00020000, "UL", 5))
    stream = io.BytesIO()
    write_file(stream, image(), meta=meta)
    found = read_file(stream.getvalue()).meta
    assert found.SourceApplicationEntityTitle == "HERE"
    assert found.TransferSyntaxUID == uids.ExplicitVRLittleEndian
    assert found.MediaStorageSOPClassUID == uids.SecondaryCaptureImageStorage
    assert found[0x00020000].value == stream.getvalue().index(b"\x08\0\x16\0") - 144
    with pytest.raises(EncodeError, match="only elements of group 0002"):
        write_file(stream, image(), meta=image())


def test_directory_has_its_uids_in_group_0002() -> None:
    meta = Dataset(MediaStorageSOPClassUID="1.2.840.10008.1.3.10", MediaStorageSOPInstanceUID="1.2.3")
    stream = io.BytesIO()
    write_file(stream, Dataset(FileSetID="SET"), meta=meta)
    assert read_file(stream.getvalue()).meta.MediaStorageSOPInstanceUID == "1.2.3"


def test_group_0002_without_end_is_rejected() -> None:
    data = bytes(128) + b"DICM" + b"\x02\0\x01\x01UI\0\0" * 5000 + encode(image(), EXPLICIT_LE)
    with pytest.raises(DecodeError, match="group 0002 has more than 1000 elements"):
        read_file(data)


def test_limits_apply_to_files() -> None:
    with pytest.raises(DecodeError, match="more than 3 elements"):
        read_file(written(image(), EXPLICIT_LE), limits=DecodeLimits(elements=3))


def test_cut_off_element_of_group_0002_is_refused() -> None:
    length, uid = b"\x02\x00\x00\x00UL\x04\x00\xa4\x00\x00\x00", b"\x02\x00\x02\x00UI\x1a\x001.2.84"
    with pytest.raises(DecodeError):
        read_file(bytes(128) + b"DICM" + length + uid)


def test_first_header_of_a_future_vr_may_be_cut_off() -> None:
    """Such a VR has a header of 12 bytes, but the file ends after 10."""
    meta = written(image(), EXPLICIT_LE).removesuffix(encode(image(), EXPLICIT_LE))
    with pytest.raises(DecodeError, match="the header of an element is cut off"):
        read_file(meta + b"\x28\0\x10\0ZZ\6\0\1\1")


def test_data_set_of_group_0002_alone_is_reported() -> None:
    data = written(image(), IMPLICIT_LE)
    start = len(data) - len(encode(image(), IMPLICIT_LE))
    (finding,) = findings(data[:start] + implicit(0x00020102, b"ab"))
    assert finding.startswith("(0002,0102): the element belongs to the File Meta Information")
