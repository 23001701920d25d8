"""Images, Presentation LUTs and overlays: written as PS3.3 has them, read as modalities write them, or refused."""

import tracemalloc
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, Element, TransferSyntax, decode, encode, tag_of
from dimse.errors import EncodeError, ServiceError
from print_mgmt.film import Overlay, PresentationLUT, PrintImage
from print_mgmt.images import prepare
from print_mgmt.items import from_item, lut_dataset, overlay_dataset, overlay_from, read_lut, to_item
from print_mgmt.typed import items

GRAY = np.arange(15, dtype=np.uint8).reshape(3, 5)
GAMMA = np.rint((np.arange(4096) / 4095) ** 2 * 4095).astype(np.uint16)
RGB = np.arange(45, dtype=np.uint8).reshape(3, 5, 3)


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE], ids=["implicit", "explicit"])
def test_gray_item_is_read_as_it_was_written(bits: Literal[8, 12], syntax: TransferSyntax) -> None:
    """8/8/7 or 16/12/11, also with an odd number of bytes and a padding NUL."""
    image = prepare(GRAY, bits=bits)
    item = decode(encode(to_item(image), syntax), syntax)
    assert (item.BitsAllocated, item.BitsStored, item.HighBit) == ((8, 8, 7) if bits == 8 else (16, 12, 11))
    assert "PlanarConfiguration" not in item
    read = from_item(item, color=False)
    assert np.array_equal(read.pixels, image.pixels)
    assert (read.PhotometricInterpretation, read.BitsStored) == ("MONOCHROME2", bits)


def test_color_item_is_written_by_planes() -> None:
    """Planar Configuration 1: all reds, all greens, all blues."""
    item = decode(encode(to_item(prepare(RGB, color=True)), IMPLICIT_LE), IMPLICIT_LE)
    assert (item.SamplesPerPixel, item.PlanarConfiguration, item.PhotometricInterpretation) == (3, 1, "RGB")
    data = item.PixelData
    assert isinstance(data, bytes | memoryview)
    assert bytes(data[:45]) == np.moveaxis(RGB, -1, 0).tobytes()
    assert np.array_equal(from_item(item, color=True).pixels, RGB)


def test_aspect_is_written_only_if_not_square() -> None:
    square, flat = (
        PrintImage(pixels=GRAY, PhotometricInterpretation="MONOCHROME2", PixelAspectRatio=ratio)
        for ratio in ((1, 1), (1, 2))
    )
    assert "PixelAspectRatio" not in to_item(square)
    assert from_item(to_item(flat), color=False).PixelAspectRatio == (1, 2)


BY_PIXEL: dict[str, object] = {"SamplesPerPixel": 3, "PlanarConfiguration": 0}


def item(**attributes: object) -> Dataset:
    return Dataset(**{**{element.keyword: element.value for element in to_item(prepare(GRAY))}, **attributes})


@pytest.mark.parametrize(
    ("attributes", "color"),
    [
        ({"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelData": bytes(30)}, False),
        ({"BitsAllocated": 16, "BitsStored": 10, "HighBit": 9, "PixelData": bytes(30)}, False),
        ({**BY_PIXEL, "PhotometricInterpretation": "RGB", "PixelData": bytes(46)}, True),
        ({**BY_PIXEL, "PhotometricInterpretation": "YBR_FULL", "PixelData": bytes(46)}, True),
        (
            {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422", "Columns": 4, "PixelData": bytes(24)},
            True,
        ),
    ],
    ids=["16 bits", "10 bits", "by pixel", "YBR_FULL", "YBR_FULL_422"],
)
def test_nonstandard_pixels_of_modalities_are_read(attributes: dict[str, object], color: bool) -> None:
    assert from_item(item(**attributes), color=color).pixels.shape[0] == 3


def in_small_letters(made: Dataset) -> Dataset:
    value = made.PhotometricInterpretation
    assert isinstance(value, str)
    made.add(Element(tag_of("PhotometricInterpretation"), "CS", value.lower().encode()))
    return made


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_small_letters_of_gray_are_capitals(photometric: str) -> None:
    image = from_item(in_small_letters(item(PhotometricInterpretation=photometric)), color=False)
    assert image.PhotometricInterpretation == photometric


def test_small_letters_of_halved_chrominances_are_capitals() -> None:
    made = item(SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", Columns=4, PixelData=bytes(range(24)))
    right = from_item(made, color=True)
    assert np.array_equal(from_item(in_small_letters(made), color=True).pixels, right.pixels)


def test_strict_printer_refuses_small_letters() -> None:
    with pytest.raises(ServiceError, match="'monochrome2', not MONOCHROME1, MONOCHROME2") as caught:
        from_item(in_small_letters(item()), color=False, strict=True)
    assert caught.value.status == 0x0106


def test_several_frames_are_0106() -> None:
    with pytest.raises(ServiceError, match="make no image") as caught:
        from_item(item(NumberOfFrames=2, PixelData=bytes(30)), color=False)
    assert caught.value.status == 0x0106


@pytest.mark.parametrize("planar", [0, 1])
def test_planar_configuration_orders_the_samples(planar: int) -> None:
    pixels = np.moveaxis(RGB, -1, 0) if planar else RGB
    made = to_item(prepare(RGB, color=True))
    made.PlanarConfiguration, made.PixelData = planar, pixels.tobytes() + b"\0"
    assert np.array_equal(from_item(made, color=True).pixels, RGB)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_missing_planar_configuration_is_0120(photometric: str) -> None:
    """Colors by pixel and by plane are equally long, so it cannot be guessed."""
    made = to_item(prepare(RGB, color=True))
    made.PhotometricInterpretation = photometric
    del made.PlanarConfiguration
    with pytest.raises(ServiceError, match="PlanarConfiguration is missing") as caught:
        from_item(made, color=True)
    assert (caught.value.status, caught.value.offending) == (0x0120, (tag_of("PlanarConfiguration"),))


@pytest.mark.parametrize(("planar", "status"), [(None, 0x0121), (2, 0x0106)])
def test_wrong_planar_configuration_is_refused(planar: int | None, status: int) -> None:
    made = to_item(prepare(RGB, color=True))
    made.PlanarConfiguration = planar
    with pytest.raises(ServiceError, match="PlanarConfiguration") as caught:
        from_item(made, color=True)
    assert caught.value.status == status


@pytest.mark.parametrize("padding", [1, 2, 3])
def test_padding_after_the_pixels_is_ignored(padding: int) -> None:
    """PS3.5 8.1.1; 15 pixels and a byte that makes them even."""
    made = item(PixelData=GRAY.tobytes() + bytes(padding))
    read = from_item(made, color=False)
    assert np.array_equal(read.pixels, GRAY)
    assert len(read.notes) == int(padding > 1)
    if padding > 1:
        with pytest.raises(ServiceError, match="PixelData"):
            from_item(made, color=False, strict=True)


@pytest.mark.parametrize(("rows", "columns", "excess"), [(40, 50, 39), (50, 40, 39), (40, 50, 2), (3, 500, 2)])
def test_padding_is_shorter_than_a_row_and_a_column(rows: int, columns: int, excess: int) -> None:
    """One more row or column than declared would be noise on the film."""
    made = item(Rows=rows, Columns=columns, PixelData=bytes(rows * columns + excess - excess % 2))
    assert from_item(made, color=False).pixels.shape == (rows, columns)
    for more in (rows, columns):
        made.PixelData = bytes(rows * columns + more + more % 2 + 2)
        with pytest.raises(ServiceError, match="PixelData"):
            from_item(made, color=False)


@pytest.mark.parametrize("excess", [64, 72, 128])
def test_excess_that_fits_no_larger_image_is_padding(excess: int) -> None:
    made = item(Rows=40, Columns=50, PixelData=bytes(2000 + excess))
    assert from_item(made, color=False).notes == (
        f"PixelData: {2000 + excess} bytes where 40 x 50 pixels need 2000: the rest is ignored (PS3.5 8.1.1)",
    )


@pytest.mark.parametrize("length", [41 * 50, 40 * 51, 42 * 52, 40 * 51 + 2, 80 * 50, 160 * 50 + 64])
def test_excess_that_fits_a_larger_image_is_refused(length: int) -> None:
    with pytest.raises(ServiceError, match=f"PixelData {length} bytes"):
        from_item(item(Rows=40, Columns=50, PixelData=bytes(length)), color=False)


@pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelData"])
def test_missing_attribute_is_0120(keyword: str) -> None:
    made = item()
    del made[keyword]
    with pytest.raises(ServiceError, match=f"{keyword} is missing") as caught:
        from_item(made, color=False)
    assert caught.value.status == 0x0120


@pytest.mark.parametrize(
    "attributes",
    [
        {"Rows": 65535, "Columns": 65535},
        {"Rows": 0},
        {"PixelData": bytes(8)},
        {"PixelData": bytes(32)},
        {"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31, "PixelData": bytes(60)},
        {"BitsStored": 1, "HighBit": 0},
        {"BitsStored": 12, "HighBit": 11},
        {"HighBit": 6},
        {"PixelRepresentation": 1},
        {"PhotometricInterpretation": "RGB"},
        {"SamplesPerPixel": 3},
        {"PixelAspectRatio": [0, 0]},
        {"PixelAspectRatio": [1, 2147483647]},
        {"PixelAspectRatio": b"999999999999999999\\999999999999999999"},
        {"PixelAspectRatio": [-1, -1]},
        {"PixelAspectRatio": [1]},
    ],
    ids=str,
)
def test_abuse_is_0106_and_costs_no_memory(attributes: dict[str, object]) -> None:
    made = item(**attributes)
    tracemalloc.start()
    with pytest.raises(ServiceError) as caught:
        from_item(made, color=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.status == 0x0106
    assert "\n" not in str(caught.value)
    assert peak < 1 << 20


def test_second_image_of_422_is_refused() -> None:
    made = item(SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", Columns=4, PixelData=b"\x80" * 48)
    with pytest.raises(ServiceError, match="48 bytes where 3 x 4 pixels need 24"):
        from_item(made, color=True)


def test_pairs_of_an_odd_row_are_refused() -> None:
    """Two pixels of YBR_FULL_422 share their chrominances, PS3.3 C.7.6.3.1.2."""
    made = item(SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", PixelData=bytes(30))
    with pytest.raises(ServiceError, match="YBR_FULL_422 is odd"):
        from_item(made, color=True)


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(["MONOCHROME1", "MONOCHROME2"]), st.integers(0, 2**32))
def test_reading_undoes_writing(rows: int, columns: int, photometric: str, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 4096, (rows, columns)).astype(np.uint16)
    image = PrintImage(pixels=pixels, PhotometricInterpretation=photometric, BitsStored=12)
    read = from_item(decode(encode(to_item(image), IMPLICIT_LE), IMPLICIT_LE), color=False)
    assert np.array_equal(read.pixels, pixels)
    assert read.PhotometricInterpretation == photometric


# --- Presentation LUT ---


@pytest.mark.parametrize(
    ("lut", "words"),
    [
        (PresentationLUT(shape="GAMMA"), "PresentationLUTShape: 'GAMMA' is not one of IDENTITY, LIN OD"),
        (
            PresentationLUT(table=np.zeros(100, np.uint16), bits=12),
            "LUTData: has shape (100,), not 256 or 4096 entries",
        ),
        (PresentationLUT(table=GAMMA, bits=11), "LUTData: has entries from 0 to 4095, which 11 bits cannot hold"),
        (PresentationLUT(table=GAMMA, bits=17), "LUTDescriptor: 17 bits for each entry, not 10 to 16"),
    ],
)
def test_wrong_lut_is_refused(lut: PresentationLUT, words: str) -> None:
    """PS3.3 C.11.4."""
    with pytest.raises(EncodeError) as caught:
        lut_dataset(lut)
    assert words in str(caught.value)


def test_lut_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "gamma.lut"
    path.write_text(
        "# gamma 2\n" + "\n".join(f"{entry}  # {index}\n" for index, entry in enumerate(GAMMA)), "utf-8-sig"
    )
    lut = read_lut(path)
    assert lut.table is not None
    assert (lut.bits, lut.table.tolist()) == (12, GAMMA.tolist())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1\n2\n", "has 2 entries, not 256 or 4096"),
        ("1\n-2\n", "line 2: '-2' is not an entry, 0 to 65535"),
        ("1\n\n70000\n", "line 3: '70000' is not an entry"),
        ("\xff\x00", "line 1: "),
        ("9" * 5000, "line 1: '99999999999999999999' is not an entry"),
    ],
    ids=["too short", "negative", "too large", "not text", "5000 digits"],
)
def test_wrong_lut_file_names_its_fault(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "gamma.lut"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(EncodeError) as caught:
        read_lut(path)
    assert str(caught.value).startswith(f"{path}: {words}")


# --- overlay ---


@given(
    nps.arrays(np.bool_, nps.array_shapes(min_dims=2, max_dims=2, max_side=20)),
    st.tuples(st.integers(-99, 99), st.integers(-99, 99)),
)
def test_overlay_is_read_as_it_was_written(
    plane: np.ndarray[tuple[int, int], np.dtype[np.bool_]], origin: tuple[int, int]
) -> None:
    """PS3.3 C.9.2: one bit a pixel, the first in the lowest bit, and an even number of bytes."""
    dataset = overlay_dataset(Overlay(pixels=plane, origin=origin))
    found = overlay_from(dataset, items(dataset, "OverlayPixelDataSequence"), None)
    assert found is not None
    assert np.array_equal(found.pixels, plane)
    assert (found.origin, found.OverlayBackgroundDensity) == (origin, None)


def test_wrong_plane_is_refused() -> None:
    for shape in ((0, 3), (4,), (2, 2, 2), (65536, 1)):
        with pytest.raises(EncodeError, match="not 1 to 65535 rows x 1 to 65535 columns"):
            overlay_dataset(Overlay(pixels=np.zeros(shape, np.bool_)))
