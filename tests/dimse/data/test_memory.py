"""The memory of a Data Set beyond its bytes, as tracemalloc counts it."""

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from delimited import delimit

from dimse.data import EXPLICIT_LE, Dataset, decode, encode, read_file, syntax_of, write_file
from dimse.uids import SecondaryCaptureImageStorage

PIXELS = 4 << 20
MAX_SHARE = 1.2  # times the bytes of the file


def frames() -> Dataset:
    """Return an image whose header has a thousand items, three sequences deep."""
    measures = [Dataset(PixelMeasuresSequence=[Dataset(PixelSpacing=[0.5, 0.5])]) for _ in range(1000)]
    return Dataset(
        SOPClassUID=SecondaryCaptureImageStorage,
        SOPInstanceUID="1.2.3",
        PerFrameFunctionalGroupsSequence=[Dataset(SharedFunctionalGroupsSequence=[item]) for item in measures],
    )


def image() -> Dataset:
    return Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3", PixelData=bytes(PIXELS))


def peak_memory(work: Callable[[], object]) -> int:
    """Return the peak memory of ``work``, in bytes."""
    work()  # tables are read when they are first needed
    gc.collect()
    tracemalloc.start()
    try:
        kept = work()
        assert kept is not None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_file(tmp_path / "image", image())
    return tmp_path / "image"


def test_file_at_a_path_is_kept_once(path: Path) -> None:
    assert peak_memory(lambda: read_file(path)) < MAX_SHARE * PIXELS
    assert peak_memory(lambda: read_file(path).dataset.PixelData) < MAX_SHARE * PIXELS
    assert peak_memory(lambda: read_file(path, mapped=True).dataset.PixelData) < 0.01 * PIXELS


def test_given_bytes_are_not_copied() -> None:
    data = encode(image(), EXPLICIT_LE)
    assert peak_memory(lambda: decode(data, EXPLICIT_LE).PixelData) < 0.01 * PIXELS
    assert peak_memory(lambda: encode(decode(data, EXPLICIT_LE), EXPLICIT_LE)) < MAX_SHARE * PIXELS


@pytest.mark.parametrize("undefined", [False, True], ids=["with a length", "delimited"])
def test_untouched_items_take_no_memory(tmp_path: Path, undefined: bool) -> None:
    header = frames()
    if undefined:
        delimit(header)
    data = encode(header, EXPLICIT_LE)
    assert peak_memory(lambda: decode(data, EXPLICIT_LE, whole=False).SOPInstanceUID) < 0.2 * len(data)
    write_file(tmp_path / "header", header)
    assert peak_memory(lambda: read_file(tmp_path / "header").dataset.SOPInstanceUID) < MAX_SHARE * len(data)
    assert read_file(tmp_path / "header").dataset == header


def test_fragments_are_views() -> None:
    rle = syntax_of("1.2.840.10008.1.2.5")
    data = encode(Dataset(PixelData=[b"", bytes(PIXELS)]), rle)
    assert peak_memory(lambda: decode(data, rle).PixelData) < 0.01 * PIXELS
