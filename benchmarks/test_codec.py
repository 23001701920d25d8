"""Data Sets: decoded with every value looked at, encoded from values; an image of 40 MiB. Beside pydicom.

All from memory and to memory, Explicit VR Little Endian:

- *header*: an enhanced multi-frame header of about 5,500 elements, three sequences deep, no pixels.
- *CT slice*: pydicom's own CT_small.dcm, a file of 128 x 128 pixels: opened, and with every value looked at.
- *image*: a file whose Pixel Data is 40 MiB; decoding ends with the pixels at hand as bytes.
"""

from functools import partial
from io import BytesIO
from pathlib import Path

import pytest

from benchmarks.duels import Duel, timed
from benchmarks.images import large_image
from dimse.data import EXPLICIT_LE, Dataset, decode, encode, read_file, set_pixels, write_file
from dimse.uids import SecondaryCaptureImageStorage

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed: pip install pydicom")

PEER = "pydicom"
FRAMES = 172


def header() -> Dataset:
    """Per-frame functional groups of an Enhanced CT, PS3.3 C.7.6.16.

    No DS is a whole number: the float 1.0 is "1" for us and "1.0" for pydicom.
    """
    return Dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1",
        SOPInstanceUID="1.2.3.4",
        PatientName="Phantom^Multi",
        NumberOfFrames=FRAMES,
        PerFrameFunctionalGroupsSequence=[_frame(number) for number in range(1, FRAMES + 1)],
    )


def _frame(number: int) -> Dataset:
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
    window = Dataset(
        WindowCenter=[40.5, 600.5], WindowWidth=[400.5, 1600.5], WindowCenterWidthExplanation=["SOFT", "BONE"]
    )
    return Dataset(
        FrameContentSequence=[content],
        PlanePositionSequence=[Dataset(ImagePositionPatient=[-125.5, -130.25, number + 0.25])],
        PlaneOrientationSequence=[Dataset(ImageOrientationPatient=[0.96, 0.28, 0.05, -0.28, 0.96, 0.05])],
        PixelMeasuresSequence=[Dataset(SliceThickness=1.25, PixelSpacing=[0.48828125, 0.48828125])],
        FrameVOILUTSequence=[window],
        PixelValueTransformationSequence=[Dataset(RescaleIntercept=-1024.5, RescaleSlope=1.5, RescaleType="HU")],
        CTImageFrameTypeSequence=[Dataset(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])],
        ReferencedImageSequence=[localizer],
    )


def look(dataset: Dataset) -> int:
    """Look at every value, of a Data Set of ours or of pydicom's; how many elements there are."""
    count = 0
    for element in dataset:
        count += 1
        value = element.value
        if element.VR == "SQ" and value:
            count += sum(map(look, value))  # type: ignore[arg-type]  # the items of a sequence
    return count


def test_decode_header(duel: Duel) -> None:
    data = encode(header(), EXPLICIT_LE)
    count = look(decode(data, EXPLICIT_LE))
    assert look(_read(data)) == count
    duel(
        f"Decode {count} elements",
        PEER,
        timed(lambda: look(decode(data, EXPLICIT_LE)), 3),
        timed(lambda: look(_read(data))),
    )


def test_encode_header(duel: Duel) -> None:
    ours = header()
    theirs = _twin(ours)
    assert encode(ours, EXPLICIT_LE) == _written(theirs)
    duel(
        f"Encode {look(ours)} elements",
        PEER,
        timed(partial(encode, ours, EXPLICIT_LE), 3),
        timed(partial(_written, theirs)),
    )


def test_open_slice(duel: Duel) -> None:
    data = _slice()
    duel(
        "Open a CT slice",
        PEER,
        timed(lambda: read_file(data), 100),
        timed(lambda: pydicom.dcmread(BytesIO(data)), 20),
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
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3.4")
    set_pixels(dataset, large_image(), photometric="MONOCHROME2")
    buffer = BytesIO()
    write_file(buffer, dataset)
    data = buffer.getvalue()
    duel(
        "Decode 40 MiB",
        PEER,
        timed(lambda: read_file(data).dataset.PixelData, 100),
        timed(lambda: pydicom.dcmread(BytesIO(data)).PixelData),
    )


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
    """The same values in a Data Set of pydicom's."""
    twin: Dataset = pydicom.Dataset()
    for element in dataset:
        value: object = element.value
        if isinstance(value, list) and element.VR == "SQ":
            value = [_twin(item) for item in value if isinstance(item, Dataset)]
        setattr(twin, element.keyword, value)
    return twin
