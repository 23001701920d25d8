"""A Data Set that lies in a file, and arrays of its bytes."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from dimse.message import FileMap, file_of


@pytest.fixture
def whole(tmp_path: Path) -> FileMap:
    path = tmp_path / "data"
    path.write_bytes(bytes(range(256)) * 64)
    with path.open("rb") as file:
        return FileMap(file.fileno(), 0, access=mmap.ACCESS_READ)


def test_views_and_arrays_lead_to_their_file(whole: FileMap) -> None:
    view = memoryview(whole)[100:200]
    for data in (whole, view, np.frombuffer(view, np.uint8)[::2], np.frombuffer(whole, "<u2").reshape(64, 128).T):
        assert file_of(data) is whole


@pytest.mark.parametrize("data", [b"abc", bytearray(3), memoryview(b"abc"), np.zeros(3), None])
def test_bytes_in_memory_have_no_file(data: object) -> None:
    assert file_of(data) is None


def test_dropped_pages_are_read_again(whole: FileMap) -> None:
    whole.drop_pages()
    assert whole[:] == bytes(range(256)) * 64


def test_pages_are_kept_where_they_cannot_be_dropped(whole: FileMap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(mmap, "MADV_DONTNEED", raising=False)
    whole.drop_pages()
    assert whole[255] == 255
