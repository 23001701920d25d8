"""Compression by isal if it is installed, else by zlib; both keep the pixels."""

import sys
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from numpy.typing import NDArray
from PIL import Image

from print_mgmt.film import Page
from print_mgmt.output import write_page
from print_mgmt.output.deflate import compressor, deflate_bytes

FORMATS = ("png", "pdf", "tiff")
SHAPES: dict[str, tuple[tuple[int, ...], type[np.uint8 | np.uint16]]] = {
    "gray 8": ((300, 411), np.uint8),
    "gray 16": ((300, 411), np.uint16),
    "color": ((300, 411, 3), np.uint8),
}


@pytest.fixture(params=["isal", "zlib"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Compress with each library in turn."""
    if request.param == "isal":
        pytest.importorskip("isal", reason="isal is not installed: pip install 'dimse-print[fast]'")
    else:
        monkeypatch.setitem(sys.modules, "isal", None)
    return str(request.param)


def film(kind: str) -> Page:
    """Return a page with a smooth, a noisy and an even part."""
    shape, dtype = SHAPES[kind]
    top = np.iinfo(dtype).max
    pixels = np.zeros(shape, dtype)
    pixels[:100] = (np.linspace(0, 1, shape[1])[:, None] if len(shape) == 3 else np.linspace(0, 1, shape[1])) * top
    pixels[100:200] = np.random.default_rng(1).integers(0, top, pixels[100:200].shape, dtype, endpoint=True)
    return Page(pixels=pixels, width_mm=100, height_mm=73, dpi=104)


def read(path: Path, shape: tuple[int, ...]) -> NDArray[np.generic]:
    if path.suffix != ".pdf":
        return np.asarray(Image.open(path))
    with pikepdf.open(path) as document:
        image = document.pages[0].Resources.XObject.Film
        octets = int(image.BitsPerComponent) // 8
        return np.frombuffer(image.read_bytes(), f">u{octets}").reshape(shape)


def written(kind: str, folder: Path) -> list[Path]:
    return write_page(film(kind), folder, "film", FORMATS)


def test_compressor_prefers_isal(library: str) -> None:
    assert type(compressor()).__module__.split("_")[0] == library


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("data", [b"", b"film", bytes(1 << 20), memoryview(b"12345678").cast("H")])
def test_zlib_reads_both_libraries(data: bytes | memoryview) -> None:
    assert zlib.decompress(deflate_bytes(data)) == bytes(data)


@pytest.mark.usefixtures("library")
def test_parts_make_one_stream() -> None:
    stream = compressor()
    parts = [np.random.default_rng(n).bytes(50_000) for n in range(9)]
    packed = b"".join([stream.compress(part) for part in parts]) + stream.flush()
    assert zlib.decompress(packed) == b"".join(parts)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("kind", SHAPES)
def test_files_hold_the_pixels_of_the_page(kind: str, tmp_path: Path) -> None:
    pixels = film(kind).pixels
    for path in written(kind, tmp_path):
        assert np.array_equal(read(path, pixels.shape), pixels), path.name


def test_processes_of_a_pool_write_the_same_pixels(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(len(SHAPES))]
    for folder in folders:
        folder.mkdir()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(write_page, film(kind), folder, "film", FORMATS)
            for kind, folder in zip(SHAPES, folders, strict=True)
        ]
        for kind, job in zip(SHAPES, jobs, strict=True):
            pixels = film(kind).pixels
            assert all(np.array_equal(read(path, pixels.shape), pixels) for path in job.result())
