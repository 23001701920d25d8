"""The folder as a destination."""

import asyncio
import errno
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from accepted import DOE, accepted_film

from dimse.data import Dataset, read_file
from print_mgmt import ConfigError, Sheet
from print_mgmt.destinations import Condition, DeliveryFailed, FolderDestination, Outcome
from print_mgmt.output.folder import FORMATS

ALL = ("png", "pdf", "tiff", "dcm", "json")


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.iterdir()}


async def test_film_is_written_in_each_format(tmp_path: Path) -> None:
    destination = FolderDestination(path=str(tmp_path / "new"), formats=ALL, name="{date}/{calling}-{id}", dpi=20)
    receipt = await destination.deliver(accepted_film(), DOE)
    assert {Path(path).suffix[1:] for path in receipt.made} == set(ALL)
    assert {str(tmp_path / "new" / name) for name in names(tmp_path / "new")} == set(receipt.made)


async def test_film_with_a_long_name_is_written(tmp_path: Path) -> None:
    """The name of the file is also the title of the object, which has at most 64 characters."""
    name = "{calling}-" + "x" * 70 + "-{id}"
    receipt = await FolderDestination(path=str(tmp_path), formats=ALL, name=name, dpi=20).deliver(accepted_film(), DOE)
    (path,) = (path for path in receipt.made if path.endswith(".dcm"))
    assert read_file(path).dataset.SeriesDescription == Path(path).stem[:64]


async def test_repeat_writes_nothing(tmp_path: Path) -> None:
    destination = FolderDestination(path=str(tmp_path), dpi=20)
    first = await destination.deliver(accepted_film(), DOE)
    before = times(tmp_path)
    assert await destination.deliver(accepted_film(), DOE) == first
    assert times(tmp_path) == before


async def test_films_with_the_same_number_do_not_share_a_file(tmp_path: Path) -> None:
    """The numbers of a site begin anew when the index of its spool is rebuilt."""
    destination = FolderDestination(path=str(tmp_path), formats=("png",), name="film-{number}", dpi=20)
    made = [(await destination.deliver(accepted_film(7, SOPInstanceUID=uid), DOE)).made for uid in ("1.2.3", "1.2.4")]
    assert len({path for (path,) in made}) == len(names(tmp_path)) == 2


async def test_repeat_writes_only_missing_files(tmp_path: Path) -> None:
    destination = FolderDestination(path=str(tmp_path), formats=("png", "pdf"), dpi=20)
    png, pdf = map(Path, (await destination.deliver(accepted_film(), DOE)).made)
    kept = png.stat().st_ino
    pdf.unlink()
    await destination.deliver(accepted_film(), DOE)
    assert pdf.exists()
    assert png.stat().st_ino == kept


async def test_dicom_file_has_the_patient_and_a_stable_uid(tmp_path: Path) -> None:
    made: list[str] = []
    for folder in ("one", "two"):
        destination = FolderDestination(path=str(tmp_path / folder), formats=("dcm",), dpi=20)
        made += (await destination.deliver(accepted_film(), DOE)).made
    one, two = (read_file(path).dataset for path in made)
    assert (one.PatientName, one.PatientID, one.StudyInstanceUID) == ("Doe^Jane", "4711", "1.2.3")
    assert one.SOPInstanceUID == two.SOPInstanceUID


def read_json(path: str) -> Any:
    return json.loads(Path(path).read_text())


async def test_json_file_has_the_patient(tmp_path: Path) -> None:
    destination = FolderDestination(path=str(tmp_path), formats=("json",), dpi=20)
    (path,) = (await destination.deliver(accepted_film(), DOE)).made
    assert read_json(path)["identified"]["PatientID"] == "4711"


async def test_hostile_values_stay_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    destination = FolderDestination(path=str(folder), formats=ALL, name="{label}/{patient_id}-{calling}", dpi=20)
    film = accepted_film(Originator="\x1b[2J/..", FilmSessionLabel="../../../tmp/\0" + "x" * (1 << 20))
    await destination.deliver(film, Dataset(PatientID="../../etc"))
    assert len(names(folder)) == 5
    assert len(names(tmp_path)) == 5


async def test_full_disk_leaves_no_file_and_allows_a_retry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeliveryFailed, match="No space left") as raised:
        await FolderDestination(path=str(tmp_path), dpi=20).deliver(accepted_film(), DOE)
    assert (raised.value.outcome, raised.value.info) == (Outcome.LATER, "INSUFFIC MEMORY")
    assert names(tmp_path) == set()


async def test_retry_writes_only_the_format_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_png = FORMATS["png"]

    def fail_once(*_: object) -> None:
        monkeypatch.setitem(FORMATS, "png", write_png)
        raise ValueError("a bug")

    destination = FolderDestination(path=str(tmp_path), formats=("png", "pdf", "tiff"), dpi=20)
    monkeypatch.setitem(FORMATS, "png", fail_once)
    with pytest.raises(DeliveryFailed, match="a bug"):
        await destination.deliver(accepted_film(), DOE)
    before = times(tmp_path)
    assert {path.suffix for path in before} == {".pdf", ".tiff"}
    await destination.deliver(accepted_film(), DOE)
    after = times(tmp_path)
    assert {path.suffix for path in after} == {".png", ".pdf", ".tiff"}
    assert before.items() <= after.items()


async def test_unrenderable_film_is_never_retried(tmp_path: Path) -> None:
    film = accepted_film(sheet=Sheet(ImageDisplayFormat="CUSTOM\\9"))
    with pytest.raises(DeliveryFailed) as raised:
        await FolderDestination(path=str(tmp_path), dpi=20).deliver(film, DOE)
    assert raised.value.outcome is Outcome.NEVER


async def test_check_makes_the_folder_and_clears_drafts(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / ".film.png.0123abcd.part").touch()
    assert await FolderDestination(path=str(folder)).check() == Condition()
    assert names(tmp_path) == set()


async def test_delivery_clears_the_drafts_of_its_subfolder(tmp_path: Path) -> None:
    """A process that was killed while it wrote the same film may have left them."""
    folder = tmp_path / "CT01"
    folder.mkdir()
    (folder / ".film.png.0123abcd.part").touch()
    destination = FolderDestination(path=str(tmp_path), formats=("png",), name="CT01/{number}", dpi=20)
    (written,) = (await destination.deliver(accepted_film(), DOE)).made
    assert [*folder.iterdir()] == [Path(written)]


async def test_check_warns_of_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    condition = await FolderDestination(path=str(tmp_path / "x")).check()
    assert condition.PrinterStatus == "WARNING"
    assert condition.reason.startswith(str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("path", {"path": ""}),
        ("formats", {"formats": ("png", "gif")}),
        ("formats", {"formats": ()}),
        ("formats", {"formats": ("png", "png")}),
        ("name", {"name": "{nobody}"}),
        ("dpi", {"dpi": 0}),
    ],
)
def test_wrong_value_names_its_key(key: str, values: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as raised:
        FolderDestination(**{"path": "films", **values})  # type: ignore[arg-type]  # wrong on purpose
    assert raised.value.key == key


async def test_folder_that_hangs_takes_no_thread_of_asyncio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder may be on a server that does not answer any more."""
    go_on, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    mkdir = Path.mkdir

    def hang(path: Path, **options: bool) -> None:
        go_on.wait(60)
        mkdir(path, **options)

    monkeypatch.setattr(Path, "mkdir", hang)
    destination = FolderDestination(path=str(tmp_path), formats=("png",), dpi=20)
    delivering = asyncio.create_task(destination.deliver(accepted_film(), DOE))
    checking = asyncio.create_task(destination.check())
    assert await asyncio.to_thread(int, "7") == 7
    assert not delivering.done()
    go_on.set()
    assert len((await delivering).made) == 1
    assert await checking == Condition()
