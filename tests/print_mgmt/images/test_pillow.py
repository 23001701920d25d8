"""Ordinary pictures of each kind that Pillow writes: turned, transparent, deep, too large."""

import io
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from print_mgmt.images import ImageError, pillow, prepare, prepare_all
from print_mgmt.images.prepare import open_image

GRAY = np.arange(256, dtype=np.uint8).reshape(16, 16)
RGB = np.random.default_rng(5).integers(0, 256, (6, 4, 3)).astype(np.uint8)
DEEP = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)


def saved(tmp_path: Path, name: str, array: NDArray[np.generic] | Image.Image, **options: object) -> Path:
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(tmp_path / name, None, **options)
    return tmp_path / name


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.gif"])
def test_gray_is_printed_unchanged(tmp_path: Path, name: str) -> None:
    image = prepare(saved(tmp_path, name, GRAY))
    assert image.PhotometricInterpretation == "MONOCHROME2"
    assert np.array_equal(image.pixels, GRAY)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_color_is_printed_unchanged(tmp_path: Path, name: str) -> None:
    assert np.array_equal(prepare(saved(tmp_path, name, RGB), color=True).pixels, RGB)


def test_jpeg_is_printed_as_pillow_decodes_it(tmp_path: Path) -> None:
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    assert np.abs(prepare(saved(tmp_path, "a.jpg", flat), color=True).pixels.astype(int) - flat).max() < 5
    assert np.abs(prepare(saved(tmp_path, "g.jpeg", GRAY), bits=8).pixels.astype(int) - GRAY).max() < 40


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_gray_of_16_bits_keeps_12(tmp_path: Path, name: str) -> None:
    image = prepare(saved(tmp_path, name, DEEP), bits=12)
    assert np.abs(image.pixels - DEEP * (4095 / 65535)).max() <= 0.5


def test_file_name_does_not_matter(tmp_path: Path) -> None:
    """The first bytes of a file decide."""
    path = saved(tmp_path, "a.png", GRAY).rename(tmp_path / "picture.dcm")
    assert np.array_equal(prepare(path).pixels, GRAY)


def test_palette_and_single_bits_are_printed(tmp_path: Path) -> None:
    palette = Image.fromarray(RGB).quantize(24)
    expected = np.asarray(palette.convert("RGB"))
    assert np.array_equal(prepare(saved(tmp_path, "p.png", palette), color=True).pixels, expected)
    bits = Image.fromarray(GRAY > 100)
    assert np.array_equal(prepare(saved(tmp_path, "b.png", bits)).pixels, (GRAY > 100) * 255)


@pytest.mark.parametrize(("background", "ground"), [("WHITE", 255), ("BLACK", 0)])
def test_transparent_pixels_show_the_background(tmp_path: Path, background: str, ground: int) -> None:
    rgba = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [10, 20, 30, 51]]], np.uint8)
    path = saved(tmp_path, "t.png", rgba)
    image = prepare(path, color=True, background="WHITE" if background == "WHITE" else "BLACK")
    mixed = [round(0.2 * value + 0.8 * ground) for value in (10, 20, 30)]
    assert image.pixels.tolist() == [[[10, 20, 30], [ground] * 3, mixed]]


@pytest.mark.parametrize("mode", ["La", "RGBa"])
def test_multiplied_opacity_is_applied_once(mode: str) -> None:
    """51 of 255 is a fifth: gray 200 becomes 40, and four fifths of the white background are added."""
    image = Image.new(mode[:-1] + "A", (1, 1), (200, 51) if mode == "La" else (200, 200, 200, 51)).convert(mode)
    assert prepare(image).pixels.tolist() == [[round(200 * 0.2 + 255 * 0.8)]]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_one_color_may_be_transparent(tmp_path: Path, mode: str) -> None:
    """tRNS of PNG: gray 7 here, which becomes white."""
    image = Image.fromarray(np.array([[7, 8]], np.uint8)).convert(mode)
    path = saved(tmp_path, "t.png", image, transparency=7 if mode == "L" else (7, 7, 7))
    assert prepare(path).pixels.tolist() == [[255, 8]]


@pytest.mark.parametrize(
    ("depth", "line", "gray", "shown"),
    [
        (2, b"\x1b", 1, [0, 255, 170, 255]),  # 0, 1, 2, 3
        (4, b"\x01\x0f", 1, [0, 255, 0, 255]),
        (16, b"\0\0\1\1\1\0\xff\xff", 0x101, [0, 255, 1, 255]),
    ],
)
def test_transparent_gray_of_a_png_has_any_depth(
    tmp_path: Path, depth: int, line: bytes, gray: int, shown: list[int]
) -> None:
    """tRNS has the depth of the file (PNG 11.3.2.1); Pillow compares it with 8 bits, or not at all with 16."""
    path = tmp_path / "t.png"
    path.write_bytes(png(4, 1, depth, b"\0" + line, (b"tRNS", struct.pack(">H", gray))))
    assert prepare(path).pixels.tolist() == [shown]


def test_transparent_gray_shows_the_background(tmp_path: Path) -> None:
    gray = Image.fromarray(np.array([[[100, 255], [100, 0]]], np.uint8), mode="LA")
    assert prepare(saved(tmp_path, "la.png", gray)).pixels.tolist() == [[100, 255]]


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    """EXIF orientation 6: the camera was held a quarter turn to the left."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, "e.png", RGB, exif=exif)
    assert np.array_equal(prepare(path, color=True).pixels, np.rot90(RGB, -1))


def test_inverted_tiff_of_16_bits_is_monochrome1(tmp_path: Path) -> None:
    """PhotometricInterpretation 0 of TIFF is MONOCHROME1."""
    data = bytearray(saved(tmp_path, "a.tif", DEEP).read_bytes())
    at = data.index(struct.pack("<HHL", 262, 3, 1))
    data[at + 8] = 0
    (tmp_path / "w.tif").write_bytes(data)
    image = prepare(tmp_path / "w.tif")
    assert (image.PhotometricInterpretation, image.pixels[0, 0]) == ("MONOCHROME1", 0)


def test_inverted_tiff_of_floats_is_monochrome1(tmp_path: Path) -> None:
    data = bytearray(saved(tmp_path, "a.tif", np.array([[0, 0.25]], np.float32)).read_bytes())
    data[data.index(struct.pack("<HHL", 262, 3, 1)) + 8] = 0
    (tmp_path / "w.tif").write_bytes(data)
    image = prepare(tmp_path / "w.tif")
    assert (image.PhotometricInterpretation, image.pixels.tolist()) == ("MONOCHROME1", [[0, 64]])


def test_tiff_of_12_bits_uses_their_range(tmp_path: Path) -> None:
    data = saved(tmp_path, "a.tif", np.array([[0, 0]], np.uint16)).read_bytes()
    entry = struct.pack("<HHL", 258, 3, 1)
    data = data.replace(entry + b"\x10\0", entry + b"\x0c\0")
    at = struct.unpack_from("<L", data, data.index(struct.pack("<HHL", 273, 4, 1)) + 8)[0]
    (tmp_path / "t.tif").write_bytes(data[:at] + b"\x80\x0f\xff" + data[at + 3 :])
    assert prepare(tmp_path / "t.tif", bits=12).pixels.tolist() == [[0x800, 0xFFF]]


def test_pages_of_a_tiff_are_frames(tmp_path: Path) -> None:
    pages = [Image.fromarray(GRAY), Image.fromarray(255 - GRAY)]
    path = saved(tmp_path, "m.tif", pages[0], save_all=True, append_images=pages[1:])
    assert [int(image.pixels[0, 0]) for image in prepare_all(path)] == [0, 255]
    assert prepare(path, frame=2).pixels[0, 0] == 255
    with pytest.raises(ImageError, match=r"m\.tif: there is no frame 3: the image has 2"):
        prepare(path, frame=3)


def test_decoded_tiff_keeps_its_pixels(tmp_path: Path) -> None:
    with Image.open(saved(tmp_path, "d.tif", GRAY)) as image:
        image.load()
        assert np.array_equal(prepare(image).pixels, GRAY)
        assert np.array_equal(np.asarray(image), GRAY)


@pytest.mark.parametrize("broken", ["across", "down"])
def test_resolution_of_zero_by_zero_is_ignored(tmp_path: Path, broken: str) -> None:
    data = saved(tmp_path, "r.tif", GRAY, dpi=(143, 147)).read_bytes()
    known = struct.pack("<LL", 143 if broken == "across" else 147, 1)
    assert known in data
    (tmp_path / "z.tif").write_bytes(data.replace(known, bytes(8)))
    assert prepare(tmp_path / "z.tif").PixelAspectRatio == (1, 1)


def test_resolution_gives_the_pixel_size(tmp_path: Path) -> None:
    """If it differs across and down, it gives the aspect as well."""
    image = prepare(saved(tmp_path, "r.tif", GRAY, dpi=(254, 127)))
    assert image.PixelSpacing == pytest.approx((0.2, 0.1))
    assert image.PixelAspectRatio == (2, 1)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_resolution_turns_with_the_picture(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = prepare(saved(tmp_path, f"r.{suffix}", GRAY, dpi=(254, 127), exif=exif))
    assert image.PixelSpacing == pytest.approx((0.1, 0.2), rel=1e-4)


def test_floats_of_a_tiff_are_brightness(tmp_path: Path) -> None:
    floats = np.array([[0, 0.5, 1]], np.float32)
    assert prepare(saved(tmp_path, "f.tif", floats)).pixels.tolist() == [[0, 128, 255]]
    with pytest.raises(ImageError, match=r"g\.tif: floats must be 0 to 1"):
        prepare(saved(tmp_path, "g.tif", floats * 99))


def test_integers_of_32_bits_must_fit_into_16(tmp_path: Path) -> None:
    """Some versions of Pillow read 16 bits this way; larger values have no range for printing."""
    numbers = np.array([[0, 32768, 65535]], np.int32)
    assert prepare(saved(tmp_path, "i.tif", numbers)).pixels.tolist() == [[0, 128, 255]]
    with pytest.raises(ImageError, match=r"j\.tif: values from 0 to 65536 do not fit into 16 bits"):
        prepare(saved(tmp_path, "j.tif", np.array([[0, 65536]], np.int32)))


def png(width: int, height: int, depth: int = 8, lines: bytes = bytes(99), *chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))

    header = struct.pack(">LLBBBBB", width, height, depth, 0, 0, 0, 0)
    parts = ((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png(60000, 60000), "more than the limit of 134217728 pixels"),
        (png(100, 100), "cannot be read"),
        (png(0, 5), "cannot be read"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "cannot be read"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "cannot be read"),
        (b"II*\0\x08\0\0\0" + bytes(20), "cannot be read"),
        (b"GIF89a" + bytes(20), "cannot be read"),
    ],
)
def test_bombs_and_broken_pictures_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=message) as caught:
        prepare(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_large_picture_gives_no_warning_of_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning would be an error here. No filter is set, because all threads share the filters."""

    def refuse() -> None:
        raise AssertionError("filters of warnings are changed")

    monkeypatch.setattr(warnings, "catch_warnings", refuse)
    path = tmp_path / "large.png"
    path.write_bytes(png(10000, 10000))
    assert pillow.frame_count(path) == 1


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_tiff_may_be_larger_than_pillow_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str | None, orientation: int
) -> None:
    path = saved(tmp_path, "a.tif", GRAY[:8], compression=compression, tiffinfo={274: orientation})
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    upright = GRAY[:8] if orientation == 1 else np.rot90(GRAY[:8], -1)
    assert np.array_equal(prepare(path).pixels, upright)


def test_large_gif_is_refused_by_our_limit(tmp_path: Path) -> None:
    path = tmp_path / "large.gif"
    screen, end = struct.pack("<HH", 9000, 9000) + bytes(3), b";"
    path.write_bytes(b"GIF89a" + screen + b"," + struct.pack("<4HB", 0, 0, 9000, 9000, 0) + b"\x08\0" + end)
    with pytest.raises(ImageError) as caught:
        prepare(path)
    assert str(caught.value) == f"{path}: a GIF of 9000 x 9000 has more than the limit of 67108864 pixels"


def test_late_frame_of_a_gif_is_refused_by_our_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = (Image.new("L", (16, 16), level) for level in (0, 90, 180))
    path = saved(tmp_path, "a.gif", first, save_all=True, append_images=others)
    monkeypatch.setattr(pillow, "MAX_COMPOSED", 2 * 256)
    assert prepare(path, frame=2).pixels.shape == (16, 16)
    with pytest.raises(ImageError, match=r"a\.gif: frame 3 of a GIF of 16 x 16 is composed of more than 512 pixels"):
        prepare(path, frame=3)


def test_progressive_jpeg_is_printed(tmp_path: Path) -> None:
    image = prepare(saved(tmp_path, "a.jpg", GRAY, progressive=True), bits=8)
    assert np.abs(image.pixels.astype(int) - GRAY).max() < 40


def test_cmyk_jpeg_is_printed(tmp_path: Path) -> None:
    white = Image.new("CMYK", (16, 16), (0, 0, 0, 0))
    assert prepare(saved(tmp_path, "a.jpg", white), color=True).pixels.min() > 250


def test_gif_with_a_frame_beyond_its_screen_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "beyond.gif"
    screen, end = struct.pack("<HH", 10, 10) + bytes(3), b";"
    path.write_bytes(b"GIF89a" + screen + b"," + struct.pack("<4HB", 0, 0, 60000, 60000, 0) + b"\x08\0" + end)
    with pytest.raises(ImageError, match=r"a frame of the picture has more pixels than PIL\.Image\.MAX_IMAGE_PIXELS"):
        prepare(path)


def broken_second_page() -> bytes:
    """Return a TIFF of two pages; the second has an unknown PhotometricInterpretation."""
    file = io.BytesIO()
    Image.new("L", (4, 4)).save(file, "TIFF", save_all=True, append_images=[Image.new("L", (4, 4))])
    data = file.getvalue()
    entry = struct.pack("<HHI", 262, 3, 1)
    place = data.rindex(entry) + len(entry)
    return data[:place] + struct.pack("<H", 77) + data[place + 2 :]


def test_open_tiff_with_a_broken_page_is_refused() -> None:
    """Pillow reads the headers of all pages when it is asked for their number."""
    with Image.open(io.BytesIO(broken_second_page())) as opened, pytest.raises(ImageError, match="unknown pixel mode"):
        prepare(opened)


def test_closed_image_of_pillow_is_refused() -> None:
    opened = Image.open(io.BytesIO(broken_second_page()))
    opened.close()
    with pytest.raises(ImageError, match="closed image"):
        prepare(opened)


def test_jpeg_that_is_deleted_while_it_is_read_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, "a.jpg", np.full((8, 8), 77, np.uint8))
    source = open_image(path)
    whole = JpegImagePlugin.jpeg_factory

    def opened(file: IO[bytes]) -> Image.Image:
        path.unlink(missing_ok=True)
        return whole(file)

    monkeypatch.setattr(JpegImagePlugin, "jpeg_factory", opened)
    assert np.unique(source.picture(1, {}).in_gray(8).pixels).tolist() == [77]


def test_picture_that_is_deleted_after_it_was_counted_is_an_error_of_the_disk(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.jpg", np.zeros((8, 8), np.uint8))
    source = open_image(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        source.picture(1, {})


def test_error_about_a_picture_shows_no_python_object(tmp_path: Path) -> None:
    path = tmp_path / "bad.gif"
    path.write_bytes(b"GIF8" + bytes(40))
    with pytest.raises(ImageError) as caught:
        prepare(path)
    assert str(caught.value) == f"{path}: the picture cannot be read: its header is broken"


def test_dicom_with_a_tiff_header_is_dicom(tmp_path: Path) -> None:
    """Some whole slide images are both; the DICOM image is printed."""
    path = tmp_path / "dual.tif"
    path.write_bytes(b"II*\0" + bytes(124) + b"DICM" + b"\x08\0\x60\0CS\2\0OT")
    with pytest.raises(ImageError, match=r"dual\.tif: no Pixel Data"):
        prepare(path)


def test_error_names_the_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, "a.png", GRAY)
    monkeypatch.setitem(sys.modules, "PIL", None)  # as if it were not installed
    with pytest.raises(ImageError, match=r"need Pillow: pip install 'dimse-print\[film\]'"):
        prepare(path)


def test_extras_are_imported_on_demand() -> None:
    code = "import sys, print_mgmt.cli; sys.exit(bool({'PIL', 'imagecodecs'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
