"""All images in pydicom and pydicom-data: printed as pydicom decodes them, or refused with a reason."""

import shutil
import subprocess
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import data_store
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, convert_color_space

from print_mgmt.images import ImageError, Window, prepare
from print_mgmt.images.prepare import ImageOptions, open_image

REAL = Path(next(iter(data_store.__path__))) / "data"
SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"

# Lossless or native, so that all decoders agree
GRAY = [
    *("CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_expb.dcm"),
    *("MR_small_implicit.dcm", "MR_small_jp2klossless.dcm", "MR_small_padded.dcm", "693_J2KI.dcm"),
    *("JPEG2000.dcm", "J2K_pixelrep_mismatch.dcm", "examples_overlay.dcm", "image_dfl.dcm"),
    *("liver_1frame.dcm", "liver_expb_1frame.dcm", "rtdose_1frame.dcm", "rtdose_expb_1frame.dcm"),
    *("rtdose_rle_1frame.dcm", "693_J2KR.dcm", "693_UNCI.dcm", "JPEG-LL.dcm", "JPEG2000_UNC.dcm"),
    *("JPGLosslessP14SV1_1s_1f_8b.dcm", "MR-SIEMENS-DICOM-WithOverlays.dcm", "MR2_J2KI.dcm", "MR2_J2KR.dcm"),
    *("MR2_UNCI.dcm", "RG1_J2KI.dcm", "RG3_J2KR.dcm", "RG3_UNCR.dcm", "bad_sequence.dcm"),
    *("emri_small.dcm", "emri_small_RLE.dcm", "emri_small_big_endian.dcm", "emri_small_jpeg_2k_lossless.dcm"),
    *("explicit_VR-UN.dcm", "liver.dcm", "liver_expb.dcm", "mlut_18.dcm", "vlut_04.dcm"),
]
COLOR = [
    *("ExplVR_BigEnd.dcm", "GDCMJ2K_TextGBR.dcm", "SC_jpeg_no_color_transform.dcm", "SC_rgb_dcmtk_+eb+cr.dcm"),
    *("SC_rgb_gdcm_KY.dcm", "SC_rgb_jpeg.dcm", "SC_rgb_jpeg_app14_dcmd.dcm", "SC_rgb_jpeg_gdcm.dcm"),
    *("SC_rgb_dcmtk_+eb+cy+n2.dcm", "SC_rgb_dcmtk_+eb+cy+s2.dcm", "SC_rgb_dcmtk_+eb+cy+s4.dcm"),
    *("SC_rgb_rle.dcm", "SC_rgb_rle_2frame.dcm", "SC_rgb_small_odd.dcm", "SC_rgb_small_odd_jpeg.dcm"),
    *("examples_jpeg2k.dcm", "examples_rgb_color.dcm", "SC_rgb.dcm", "SC_rgb_expb.dcm", "SC_rgb_2frame.dcm"),
    *("SC_ybr_full_uncompressed.dcm", "SC_ybr_full_422_uncompressed.dcm", "US1_J2KI.dcm", "US1_J2KR.dcm"),
    *("US1_UNCI.dcm", "color-pl.dcm", "color-px.dcm"),
]
# JPEG with 4:2:0 chrominances, which decoders interpolate differently
SMOOTHED = ["SC_rgb_dcmtk_+eb+cy+n1.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_jpeg_lossy_gdcm.dcm"]
DEEP = ["SC_rgb_rle_16bit.dcm", "SC_rgb_16bit.dcm", "SC_rgb_expb_16bit_2frame.dcm", "SC_rgb_32bit.dcm"]
PALETTE = [
    *("examples_palette.dcm", "OBXXXX1A.dcm", "OBXXXX1A_rle.dcm", "OBXXXX1A_expb_2frame.dcm"),
    *("OT-PAL-8-face.dcm", "gdcm-US-ALOKA-16.dcm"),
]


@cache
def path_of(name: str) -> Path:
    found = REAL / name
    path = get_testdata_file(name, download=False) if not found.exists() else str(found)
    assert isinstance(path, str), name
    return Path(path)


def theirs(name: str) -> pydicom.FileDataset:
    return pydicom.dcmread(path_of(name), force=True)


def first_frame(other: pydicom.FileDataset) -> NDArray[np.generic]:
    pixels: NDArray[np.generic] = pydicom.pixels.pixel_array(other, index=0, raw=True)
    return pixels


@pytest.fixture(autouse=True)
def _quiet() -> None:
    warnings.simplefilter("ignore")


LARGE = ("RG", "MR2", "US1")  # beginnings of the names of files that take long to decompress


@pytest.mark.parametrize(
    ("name", "bits"), [(name, bits) for name in GRAY for bits in (12, 8) if bits == 12 or not name.startswith(LARGE)]
)
def test_gray_agrees_with_pydicom(name: str, bits: int) -> None:
    """Modality LUT or rescale, then VOI LUT or window, or a stretch without both, give the full range."""
    other = theirs(name)
    values = apply_modality_lut(first_frame(other), other).astype(np.float64)
    if "WindowCenter" in other or "VOILUTSequence" in other:
        whole = values if "VOILUTSequence" not in other else values.astype(np.int64)
        seen = apply_voi_lut(whole, other).astype(np.float64)
        low, high = _range_of(other)
    else:
        padding = other.get("PixelPaddingValue")
        whole = apply_modality_lut(other.pixel_array, other).astype(np.float64)  # one range for all frames
        kept = whole[other.pixel_array != padding] if padding is not None else whole
        seen, low, high = values, float(kept.min()), float(kept.max())
    expected = np.clip((seen - low) / (high - low), 0, 1) * ((1 << bits) - 1)
    image = prepare(path_of(name), bits=12 if bits == 12 else 8, overlays="NONE")
    deep = other.BitsAllocated == 32  # the values were quantized to 16 bits
    assert np.abs(image.pixels - expected).max() <= (0.54 if deep else 0.5 + 1e-6)


def _range_of(other: pydicom.FileDataset) -> tuple[float, float]:
    """The output range of pydicom's VOI LUT or window."""
    if "VOILUTSequence" in other:
        return 0, (1 << other.VOILUTSequence[0].LUTDescriptor[2]) - 1
    if "ModalityLUTSequence" in other:
        return 0, (1 << other.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
    signed, bits = other.PixelRepresentation, other.BitsStored
    ends = np.array([-(1 << bits - 1), (1 << bits - 1) - 1] if signed else [0, (1 << bits) - 1])
    ends = ends * float(other.get("RescaleSlope", 1)) + float(other.get("RescaleIntercept", 0))
    return float(ends.min()), float(ends.max())


@pytest.mark.parametrize("name", COLOR + SMOOTHED)
def test_color_agrees_with_pydicom(name: str) -> None:
    """YBR becomes RGB; decoders of lossy JPEG may differ by one level."""
    other = theirs(name)
    expected = other.pixel_array
    expected = expected[0] if expected.ndim == 4 else expected
    image = prepare(path_of(name), color=True)
    difference = np.abs(image.pixels.astype(int) - expected.astype(int)).max()
    is_jpeg = str(other.file_meta.TransferSyntaxUID) == "1.2.840.10008.1.2.4.50"
    assert difference <= (2 if name in SMOOTHED else int(is_jpeg))


@pytest.mark.parametrize("name", DEEP)
def test_deep_color_becomes_8_bits(name: str) -> None:
    expected = theirs(name).pixel_array.astype(np.float64)
    expected = expected[0] if expected.ndim == 4 else expected
    highest = 65535 if "16bit" in name else 0xFFFFFFFF
    assert np.abs(prepare(path_of(name), color=True).pixels - expected * (255 / highest)).max() <= 0.51


@pytest.mark.parametrize("name", PALETTE)
def test_palette_agrees_with_pydicom(name: str) -> None:
    """Entries are bytes in the upper halves of words, or words of 16 bits in segmented tables."""
    other = theirs(name)
    if "TransferSyntaxUID" not in other.file_meta:
        other.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    pixels = other.pixel_array
    colors = apply_color_lut(pixels[0] if pixels.ndim == 3 else pixels, other).astype(np.float64)
    is_bytes = not np.any(colors % 256)
    if colors.max() > 255:
        colors = colors / 256 if is_bytes else colors * (255 / 65535)
    assert np.abs(prepare(path_of(name), color=True).pixels - colors).max() <= 0.5


def test_ybr_agrees_with_pydicom() -> None:
    other = theirs("SC_ybr_full_uncompressed.dcm")
    raw = pydicom.pixels.pixel_array(other, raw=True)
    expected = convert_color_space(raw, "YBR_FULL", "RGB")
    assert np.array_equal(prepare(path_of("SC_ybr_full_uncompressed.dcm"), color=True).pixels, expected)


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_jpeg_of_12_bits_is_near_the_original(name: str) -> None:
    """pydicom has no decoder for Process 4 without plugins, so the lossless original is the reference."""
    lossless = prepare(path_of("JPEG-LL.dcm"), bits=12).pixels.astype(int)
    image = prepare(path_of(name), bits=12)
    assert image.pixels.shape == (1024, 256)
    assert np.abs(image.pixels.astype(int) - lossless).mean() < 100


FILES = [path for folder in (REAL, SHIPPED) for path in sorted(folder.rglob("*")) if path.is_file()]
FILES = [path for path in FILES if not path.name.startswith(LARGE)]


def test_every_file_is_printed_or_refused_in_one_line() -> None:
    """Directories, reports, plans and cut off files raise ImageError with the name of the file."""
    printed = 0
    for path in FILES:
        with suppress(ImageError):
            printed += prepare(path).pixels.size > 0
    assert printed > 130


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("JPEG2000-embedded-sequence-delimiter.dcm", "JPEG 2000 of 1024 rows, 3722445056 columns"),
        ("emri_small_jpeg_2k_lossless_too_short.dcm", "cut off"),
        ("MR_truncated.dcm", "8192 bytes, but only 8130 follow"),
    ],
)
def test_broken_file_is_refused_with_a_reason(name: str, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        prepare(path_of(name))
    assert "\n" not in str(caught.value)


DCMTK = shutil.which("dcm2pnm")


@pytest.mark.interop
@pytest.mark.skipif(DCMTK is None, reason="dcm2pnm (DCMTK) is not installed")
@pytest.mark.parametrize(
    ("name", "options", "choice"),
    [
        ("RG1_UNCR.dcm", ["+Wi", "1"], 1),
        ("MR_small.dcm", ["+Ww", "100", "400"], Window(100, 400)),
        ("CT_small.dcm", ["+Ww", "100", "400"], Window(100, 400)),
        ("CT_small.dcm", ["+Ww", "100", "400", "+Wfs"], Window(100, 400, "SIGMOID")),
        ("693_UNCR.dcm", ["+Wi", "1"], 1),
        ("dicomdirtests/77654033/CR1/6154", ["+Wi", "1"], 1),
        ("CT_small.dcm", ["+Wm"], "auto"),
        ("mlut_18.dcm", ["+Wm"], "auto"),
        ("vlut_04.dcm", ["+Wl", "1"], 1),
    ],
)
def test_gray_agrees_with_dcmtk(name: str, options: list[str], choice: Window | int | str, tmp_path: Path) -> None:
    """Exactly, before anything is rounded: DCMTK then truncates values that we round to the nearest, half a level up.

    It also cuts off rescaled values: a slope of 0.684 makes a level of difference here and there.
    """
    assert DCMTK is not None
    output = tmp_path / "seen.pgm"
    subprocess.run([DCMTK, *options, "-O", "+op", str(path_of(name)), str(output)], check=True, capture_output=True)
    picture = open_image(path_of(name)).picture(1, ImageOptions(window=choice, overlays="NONE"))
    seen = 255 * picture.curve.take(picture.codes)
    seen = seen if picture.PhotometricInterpretation == "MONOCHROME2" else 255 - seen
    difference = np.abs(np.asarray(Image.open(output)) - np.floor(seen))
    assert difference.max() == (0 if float(theirs(name).get("RescaleSlope", 1)).is_integer() else 1)
