"""PS3.10 §7: DICOM files, as they should be and as they are found."""

import io
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
    Limits,
    TransferSyntax,
    encode,
    read_file,
    syntax_of,
    write_file,
)
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
def test_a_file_comes_back_from_a_path_bytes_and_a_stream(syntax: TransferSyntax, tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    write_file(path, image(), syntax=syntax)
    for source in (path, str(path), path.read_bytes(), memoryview(path.read_bytes()), path.open("rb")):
        file = read_file(source)
        assert (file.dataset, file.syntax) == (image(), syntax)
        if isinstance(source, io.BufferedReader):
            source.close()


def test_file_meta_information() -> None:
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


def test_nothing_is_written_where_something_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    ds = image()
    del ds.SOPInstanceUID
    with pytest.raises(EncodeError, match="a file needs SOPInstanceUID"):
        write_file(path, ds)
    with pytest.raises(EncodeError, match="wants compressed Pixel Data"):
        write_file(path, image(), syntax=JPEG)
    ds = image()
    ds.TransferSyntaxUID = "1.2.3"
    with pytest.raises(EncodeError, match="groups up to 0002"):
        write_file(path, ds)
    assert not path.exists()


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", bytes(200), b"<html>" * 40, b"\x08\0\x05\0", b"\x08\0\x05\0\xff\xff\xff\x7f" * 40]
)
def test_what_is_no_dicom_file(data: bytes) -> None:
    with pytest.raises(DecodeError, match=r"^not a DICOM file: no DICM at byte 128, and no Data Set at byte 0$"):
        read_file(data)


def test_os_errors_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "absent.dcm")
    with pytest.raises(OSError, match="directory"):
        read_file(tmp_path)


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE], ids=lambda syntax: syntax.name)
def test_a_bare_data_set_is_found_out(syntax: TransferSyntax) -> None:
    file = read_file(encode(image(), syntax))
    assert (file.dataset, file.syntax, len(file.meta)) == (image(), syntax, 0)


def test_file_meta_information_without_a_preamble() -> None:
    file = read_file(written(image(), IMPLICIT_LE)[132:])
    assert (file.dataset, file.syntax) == (image(), IMPLICIT_LE)


@pytest.mark.parametrize("length", [b"\0\0\0\0", b"\xff\xff\xff\xff", None])
def test_the_length_of_group_0002_may_be_wrong_or_absent(length: bytes | None) -> None:
    data = written(image(), EXPLICIT_LE)
    wrong = data[:132] + (data[132:140] + length if length else b"") + data[144:]
    assert read_file(wrong).dataset == image()


@pytest.mark.parametrize(
    ("said", "really", "found"),
    [
        (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_LE),
        (EXPLICIT_LE, IMPLICIT_LE, IMPLICIT_LE),
        (EXPLICIT_BE, IMPLICIT_LE, IMPLICIT_LE),
    ],
    ids=lambda syntax: syntax.name,
)
def test_a_file_that_lies_about_its_vrs(said: TransferSyntax, really: TransferSyntax, found: TransferSyntax) -> None:
    data = written(image(), said)
    start = len(data) - len(encode(image(), said))
    file = read_file(data[:start] + encode(image(), really))
    assert (file.dataset, file.syntax) == (image(), found)
    assert file.meta.TransferSyntaxUID == said.uid


def test_compressed_pixels_in_implicit_vr() -> None:
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


def test_a_file_without_a_transfer_syntax_or_without_a_data_set() -> None:
    data = written(image(), EXPLICIT_LE)
    start = data.index(b"\x02\0\x10\0UI")
    assert read_file(data[:start] + data[start + 28 :]).dataset == image()
    empty = read_file(data[: len(data) - len(encode(image(), EXPLICIT_LE))])
    assert (len(empty.dataset), empty.syntax) == (0, EXPLICIT_LE)


def test_an_unknown_transfer_syntax() -> None:
    data = written(image(), EXPLICIT_LE).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0")
    with pytest.raises(DecodeError, match=r"'1\.2\.840\.10008\.1\.2\.9' is not a Transfer Syntax"):
        read_file(data)


def test_a_group_0002_without_end() -> None:
    data = bytes(128) + b"DICM" + b"\x02\0\x01\x01UI\0\0" * 5000 + encode(image(), EXPLICIT_LE)
    with pytest.raises(DecodeError, match="group 0002 has more than 1000 elements"):
        read_file(data)


def test_limits() -> None:
    with pytest.raises(DecodeError, match="more than 3 elements"):
        read_file(written(image(), EXPLICIT_LE), limits=Limits(elements=3))
