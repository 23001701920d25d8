"""Decoding with every value read, encoding, and an image of 40 MiB, beside pydicom.

All Data Sets are in memory, in Explicit VR Little Endian. Some jobs are also compared with dicomsdl and dcmdump, which
are written in C++:

- *header*: an enhanced multi-frame header of 5,509 elements, with sequences three levels deep and without pixels. Its
  variants: the numbers that the frames of a volume have in common, numbers that all differ, and delimiters in place of
  lengths.
- *CT slice*: pydicom's own CT_small.dcm, a file of 128 x 128 pixels: opened, and with every value read.
- *image*: a file whose Pixel Data has 40 MiB; decoding ends with the pixels as bytes.

The objects of the test runner are frozen, so that the garbage collector does not visit them during a measurement.
dcmdump is timed as a whole program that reads many files; it writes text, and cuts long values.

The parts of the time of the header, 8.5 ms on the machine of the README, where pydicom takes 95:

==========  ======  ===============================================================================================
parsing     3.6 ms  3,960 values at 0.4 us, of which the header takes 0.1 and the object 0.15; 1,549 sequences with
                    their items at 1.3 us: three objects, two tuples, a list and a dict each
values      2.5 ms  0.25 us for a number, 0.5 for a text, 1.3 for a new DS of three numbers: cut the text, make the
                    numbers, keep their texts
reading     1.6 ms  the loop of `look`; for each of 1,721 Data Sets a sort and a list
freeing     0.9 ms  19 garbage collections for 13,900 objects that may be part of a cycle
==========  ======  ===============================================================================================

A call into C costs Python 0.05 to 0.1 us. Each element needs its header unpacked, its VR looked up, its tag made, and
its object made and kept: 0.4 us. Most of the time, and of the memory, goes into objects: 26,500 blocks, 15 times the
bytes of this header, and 32,200 blocks with all values (pydicom: 66,700). An opened file has 21 blocks until something
in a sequence is accessed. A regular expression skips common elements at 0.05 us each; sequences are skipped by their
lengths, or by another expression that knows four levels of them, all of this header in 0.5 ms. Anything never accessed
is encoded as one view.

Numbers of DS and IS are remembered by their text, because the frames of an image share most of them. The header whose
numbers all differ shows the gain.

Encoding makes two pieces for each element in 1.2 us: 0.08 us to pack the header, 0.3 to 1 us to write the value.
"""

import gc
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from delimited import delimit

from benchmarks.conftest import Figure
from benchmarks.duels import Duel, timed
from benchmarks.images import large_image
from benchmarks.own import look
from benchmarks.processes import Memory, require_linux, require_programs, worker
from dimse.data import EXPLICIT_LE, Dataset, decode, encode, encode_rope, read_file, set_pixels, write_file
from dimse.uids import SecondaryCaptureImageStorage

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed: pip install pydicom")

PEER = "pydicom"
FRAMES = 172
FILES = 20  # of one run of dcmdump


def header(step: float = 0.0) -> Dataset:
    """Return per-frame functional groups of an Enhanced CT, PS3.3 §C.7.6.16. With a ``step`` no frames share a DS.

    No DS is a whole number: we write the float 1.0 as "1", and pydicom as "1.0".
    """
    return Dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1",
        SOPInstanceUID="1.2.3.4",
        PatientName="Phantom^Multi",
        NumberOfFrames=FRAMES,
        PerFrameFunctionalGroupsSequence=[_frame(number, number * step) for number in range(1, FRAMES + 1)],
    )


def _frame(number: int, more: float) -> Dataset:
    content = Dataset(
        FrameAcquisitionNumber=number,
        FrameReferenceDateTime="20240102101112.123456",
        FrameAcquisitionDateTime="20240102101112.123456",
        FrameAcquisitionDuration=12.5,
        DimensionIndexValues=[1, number],
        StackID="1",
        InStackPositionNumber=number,
    )
    purpose = Dataset(CodeValue="121311", CodingSchemeDesignator="DCM", CodeMeaning="Localizer")
    localizer = Dataset(
        ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        ReferencedSOPInstanceUID=f"1.2.3.5.{number}",
        PurposeOfReferenceCodeSequence=[purpose],
    )
    center, width, pixel = [40.5 + more, 600.5 + more], [400.5 + more, 1600.5 + more], 0.48828125 + more
    window = Dataset(WindowCenter=center, WindowWidth=width, WindowCenterWidthExplanation=["SOFT", "BONE"])
    cosines = [0.96, 0.28, 0.05 + more, -0.28, 0.96, 0.05 + more]
    return Dataset(
        FrameContentSequence=[content],
        PlanePositionSequence=[Dataset(ImagePositionPatient=[-125.5, -130.25, number + 0.25])],
        PlaneOrientationSequence=[Dataset(ImageOrientationPatient=cosines)],
        PixelMeasuresSequence=[Dataset(SliceThickness=1.25 + more, PixelSpacing=[pixel, pixel])],
        FrameVOILUTSequence=[window],
        PixelValueTransformationSequence=[
            Dataset(RescaleIntercept=-1024.5 - more, RescaleSlope=1.5 + more, RescaleType="HU")
        ],
        CTImageFrameTypeSequence=[Dataset(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])],
        ReferencedImageSequence=[localizer],
    )


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("kind", ["", ", no number twice", ", delimited"])
def test_decode_header(duel: Duel, kind: str) -> None:
    ours = header(0.000123 if "number" in kind else 0.0)
    if "delimited" in kind:
        delimit(ours)
    data = encode(ours, EXPLICIT_LE)
    count = look(decode(data, EXPLICIT_LE))
    assert look(_read(data)) == count
    duel(
        f"Decode {count} elements{kind}",
        PEER,
        timed(lambda: look(decode(data, EXPLICIT_LE)), 5),
        timed(lambda: look(_read(data))),
    )


def test_decode_header_beside_dicomsdl(duel: Duel) -> None:
    dicomsdl = pytest.importorskip("dicomsdl", reason="dicomsdl is not installed: pip install dicomsdl")

    def every(dataset: Any) -> int:
        count = 0
        for element in dataset:
            count += 1
            if element.vr() == dicomsdl.VR.SQ:
                count += sum(map(every, element.toSequence()))
            else:
                element.value()
        return count

    data = _file(header())
    count = look(read_file(data).dataset)
    assert count == every(dicomsdl.open_memory(data)) - len(read_file(data).meta)
    duel(
        f"Decode {count} elements",
        "dicomsdl (C++)",
        timed(lambda: look(read_file(data).dataset), 5),
        timed(lambda: every(dicomsdl.open_memory(data)), 2),
    )


def test_dump_header_beside_dcmdump(duel: Duel, tmp_path: Path) -> None:
    require_programs("dcmdump")
    path = tmp_path / "header.dcm"
    path.write_bytes(_file(header()))
    duel(
        "Decode the header from a file",
        f"dcmdump (C++), {FILES} files",
        timed(lambda: look(read_file(path).dataset), 5),
        lambda: timed(partial(subprocess.run, ["dcmdump", *[path] * FILES], stdout=subprocess.DEVNULL))() / FILES,
    )


def test_encode_header(duel: Duel) -> None:
    ours = header()
    theirs = _twin(ours)
    assert encode(ours, EXPLICIT_LE) == _written(theirs)
    duel(
        f"Encode {look(ours)} elements",
        PEER,
        timed(partial(encode, ours, EXPLICIT_LE), 5),
        timed(partial(_written, theirs)),
    )


def test_encode_untouched_header(duel: Duel) -> None:
    data = encode(header(), EXPLICIT_LE)
    decoded = decode(data, EXPLICIT_LE)
    assert encode(decoded, EXPLICIT_LE) == data
    duel(
        "Encode an untouched header",
        "a copy of its bytes",
        timed(partial(encode, decoded, EXPLICIT_LE), 1000),
        timed(partial(bytes, memoryview(data)), 1000),
    )


def test_open_slice(duel: Duel) -> None:
    data = _slice()
    duel(
        "Open a CT slice",
        PEER,
        timed(lambda: read_file(data), 200),
        timed(lambda: pydicom.dcmread(BytesIO(data)), 20),
    )


def test_open_slice_beside_dicomsdl(duel: Duel) -> None:
    dicomsdl = pytest.importorskip("dicomsdl", reason="dicomsdl is not installed: pip install dicomsdl")
    data = _slice()
    duel(
        "Open a CT slice",
        "dicomsdl (C++)",
        timed(lambda: read_file(data), 200),
        timed(lambda: dicomsdl.open_memory(data), 200),
    )


def test_decode_slice(duel: Duel) -> None:
    data = _slice()
    duel(
        "Decode a CT slice",
        PEER,
        timed(lambda: look(read_file(data).dataset), 50),
        timed(lambda: look(pydicom.dcmread(BytesIO(data))), 10),
    )


def test_decode_image(duel: Duel) -> None:
    data = _file(_image())
    duel(
        "Decode 40 MiB",
        PEER,
        timed(lambda: read_file(data).dataset.PixelData, 100),
        timed(lambda: pydicom.dcmread(BytesIO(data)).PixelData),
    )


def test_encode_image(duel: Duel) -> None:
    image = _image()
    theirs = _twin(image)
    duel(
        "Encode 40 MiB, in pieces",
        f"{PEER}, in one",
        timed(partial(encode_rope, image, EXPLICIT_LE), 100),
        timed(partial(_written, theirs)),
    )


def test_memory_of_a_file(figure: Figure, tmp_path: Path) -> None:
    """Measure the peak memory of reading a file of 40 MiB, minus the memory after reading a small file."""
    require_linux()
    path, small = tmp_path / "image.dcm", tmp_path / "small.dcm"
    path.write_bytes(_file(_image()))
    small.write_bytes(_slice())
    for name, read in (("ours", _pixels), (PEER, _pixels_by_peer)):
        with worker() as reader:
            reader.submit(read, small).result()
            memory = Memory(reader.submit(os.getpid).result())
            before = memory.now
            memory.forget_peak()
            reader.submit(read, path).result()
            figure(
                f"Memory to read 40 MiB, {name}", f"{(memory.peak - before) / path.stat().st_size:.2f} times the file"
            )


def _pixels(path: Path) -> int:
    pixels = read_file(path).dataset.PixelData
    assert isinstance(pixels, memoryview)
    return len(pixels)


def _pixels_by_peer(path: Path) -> int:
    return len(pydicom.dcmread(path).PixelData)


def _image() -> Dataset:
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3.4")
    set_pixels(dataset, large_image(), photometric="MONOCHROME2")
    return dataset


def _file(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    write_file(buffer, dataset)
    return buffer.getvalue()


def _slice() -> bytes:
    return Path(pydicom.data.get_testdata_file("CT_small.dcm", download=False)).read_bytes()


def _read(data: bytes) -> Dataset:
    dataset: Dataset = pydicom.filereader.read_dataset(BytesIO(data), is_implicit_VR=False, is_little_endian=True)
    return dataset


def _written(dataset: Dataset) -> bytes:
    buffer = pydicom.filebase.DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    pydicom.filewriter.write_dataset(buffer, dataset)
    written: bytes = buffer.getvalue()
    return written


def _twin(dataset: Dataset) -> Dataset:
    """Return a Data Set of pydicom with the same values."""
    twin: Dataset = pydicom.Dataset()
    for element in dataset:
        value: object = element.value
        if isinstance(value, list) and element.VR == "SQ":
            value = [_twin(item) for item in value if isinstance(item, Dataset)]
        setattr(twin, element.keyword, value)
    return twin
