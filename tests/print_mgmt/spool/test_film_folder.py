"""The folder of the embedded spool, while another process moves or removes films."""

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from spools import PRINTER, EmbeddedPlace, job

from print_mgmt.spool import Cancel, CorruptFilm, FilmState, Reprint
from print_mgmt.spool.film_file import MAX_FILM
from print_mgmt.spool.film_folder import FilmFolder

FILM = "1ngtz1zwcfxf727d.1"


class Moved(FilmFolder):
    """A folder whose film another process moves after its path was determined."""

    next_move: bool | None = None  # to ``ended``, or back

    def path(self, film_id: str, checksum: str) -> Path:
        path = super().path(film_id, checksum)
        if self.next_move is not None:
            ended, self.next_move = self.next_move, None
            self.move(film_id, checksum, ended=ended)
        return path


@pytest.fixture
def folder(tmp_path: Path) -> Moved:
    folder = Moved(tmp_path, in_memory=1 << 20)
    with ExitStack() as stack:
        folder.open(stack)
    return folder


@pytest.fixture
def checksum(folder: Moved) -> str:
    with ExitStack() as stack:
        folder.open(stack)
        file = folder.write(FILM, [b"film"])
        file.remove_draft()
    return file.checksum


@pytest.mark.parametrize("ended", [True, False])
def test_film_is_read_while_it_is_moved(folder: Moved, checksum: str, *, ended: bool) -> None:
    folder.move(FILM, checksum, ended=not ended)
    folder.next_move = ended
    assert folder.read(FILM, checksum) == b"film"


def test_film_is_removed_while_it_is_moved(folder: Moved, checksum: str) -> None:
    folder.next_move = True
    folder.remove([(FILM, checksum)])
    assert folder.ids() == set()


def test_file_that_claims_to_be_huge_is_not_read(folder: Moved, checksum: str) -> None:
    """A sparse file may have any size."""
    os.truncate(folder.path(FILM, checksum), MAX_FILM + 1)
    with pytest.raises(CorruptFilm, match=r"^the file has 4294967297 bytes; a film has at most 4294967296$"):
        folder.read(FILM, checksum)


def test_removed_folder_has_no_unindexed_films(folder: Moved) -> None:
    shutil.rmtree(folder.films)
    assert folder.unindexed_films(set) == []


async def test_film_that_is_moved_back_is_not_missed_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process queues the film again; its file is moved after ``films`` was read, and before ``ended`` is."""
    place = EmbeddedPlace(tmp_path)
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        await spool.change(film, Cancel())
        monkeypatch.setattr(FilmFolder, "move", lambda *_, **__: None)
        checksum = (await spool.change(film, Reprint())).checksum
    monkeypatch.undo()

    def found(folder: FilmFolder) -> set[str]:
        folder.move(film, checksum, ended=False)
        return set()

    monkeypatch.setattr(FilmFolder, "ids", found)
    async with place.spool() as spool:
        assert (await spool.show(film)).state is FilmState.QUEUED
