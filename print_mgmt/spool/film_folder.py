"""The folder of the embedded spool, with a file for each film.

``films/ID.CHECKSUM.dcm`` is a film; ``ended/`` has the films that are done or canceled, and ``quarantine/`` the damaged
ones. A file appears only when it is complete: it is written as a draft, forced to the disk, and then gets its name. The
draft's own name remains until the film is in the index, so that another process can distinguish a film that is being
accepted from one that a killed process left behind. The file name includes the checksum, so a film can be verified
without the index.
"""

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from dimse.errors import escaped
from dimse.files import clear_drafts, finish, new_draft, publish, sync_folder

from .records import CorruptFilm, SpoolError

__all__ = ["FILM_ID", "FilmFile", "FilmFolder", "Step", "no_step"]

_log = logging.getLogger("print_mgmt.spool")

FILM_ID = re.compile(r"[0-9a-z]{16}\.\d{1,4}", re.ASCII)
_NAME = re.compile(rf"({FILM_ID.pattern})\.([0-9a-f]{{64}})\.dcm", re.ASCII)
_OWN = 0o600  # permissions: films identify patients
_LARGE = 1 << 20  # bytes of a film: above this size, a thread for the checksum saves more time than it costs

Step = Callable[[str], None]


def no_step(name: str) -> None:
    """Do nothing at a named step of the spool. Tests pass another function, which fails there."""


@contextmanager
def _checksum(pieces: Sequence[bytes | memoryview]) -> Iterator[Callable[[], str]]:
    """Compute a checksum while the block runs; yield a function that returns it.

    Writing a film of 40 MiB takes half the time if another core computes the checksum meanwhile.
    """
    digest = hashlib.sha256()

    def update() -> None:
        for piece in pieces:
            digest.update(piece)

    def result() -> str:
        if thread is not None:
            thread.join()
        return digest.hexdigest()

    thread = None
    if sum(map(_size, pieces)) > _LARGE:
        thread = Thread(target=update, name="checksum")
        thread.start()
    else:
        update()
    try:
        yield result
    finally:
        result()


def _size(piece: bytes | memoryview) -> int:
    return piece.nbytes if isinstance(piece, memoryview) else len(piece)


class FilmFile(NamedTuple):
    """A film file that has just been written; closing ``stack`` removes its draft."""

    path: Path
    size: int
    checksum: str
    stack: ExitStack

    def undo(self) -> None:
        """Remove the file: the film is not accepted."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        self.settle()

    def settle(self) -> None:
        """Remove the draft: the film is in the index. If that fails, the next start removes the draft."""
        with suppress(OSError):
            self.stack.close()


class FilmFolder:
    """The folder of a spool. Its methods block; several threads may call them. ``step`` is called at named steps."""

    def __init__(self, root: Path, step: Step = no_step) -> None:
        self.root = root
        self.films, self.ended, self.quarantine = root / "films", root / "ended", root / "quarantine"
        self._step = step

    def create(self) -> None:
        """Create the folders that do not exist. Raises OSError."""
        for folder in (self.root, self.films, self.ended, self.quarantine):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sync_folder(self.root)

    def write(self, film_id: str, pieces: list[bytes | memoryview]) -> FilmFile:
        """Write a film, and force its bytes to the disk; `sync` does so for its name. Raises OSError."""
        with ExitStack() as stack:
            draft, file = new_draft(self.films / f"{film_id}.dcm", stack, _OWN)
            self._step("draft created")
            checksum = stack.enter_context(_checksum(pieces))
            for piece in pieces:
                self._step("write")
                file.write(piece)
            self._step("fsync")
            finish(file)
            path = self.films / f"{film_id}.{checksum()}.dcm"
            self._step("name")
            publish(draft, path)
            return FilmFile(path, sum(map(_size, pieces)), checksum(), stack.pop_all())
        raise AssertionError("unreachable")

    def sync(self) -> None:
        """Force the names of films to the disk. Raises OSError."""
        self._step("folder sync")
        sync_folder(self.films)

    def path(self, film_id: str, checksum: str) -> Path:
        """Return the path of a film, in ``films`` or in ``ended``."""
        name = f"{film_id}.{checksum}.dcm"
        return next((path for path in (self.films / name, self.ended / name) if path.exists()), self.films / name)

    def read(self, film_id: str, checksum: str) -> bytes:
        """Return a film's bytes. Raises `CorruptFilm` if they are missing or have another checksum, or OSError."""
        path = self.path(film_id, checksum)
        try:
            data = path.read_bytes()
        except FileNotFoundError as exc:
            raise CorruptFilm(f"film {film_id}: its file is missing") from exc
        if hashlib.sha256(data).hexdigest() != checksum:
            raise CorruptFilm(f"film {film_id}: the checksum of its file is not that of the accepted film")
        return data

    def condemn(self, film_id: str, checksum: str) -> None:
        """Move a damaged film to the quarantine folder."""
        path = self.path(film_id, checksum)
        try:
            path.replace(self.quarantine / path.name)
        except OSError as exc:
            _log.error("film %s is damaged and cannot be moved to quarantine: %s", film_id, escaped(str(exc)))
        else:
            _log.error("film %s is damaged: moved to %s", film_id, escaped(str(self.quarantine / path.name)))

    def move(self, film_id: str, checksum: str, *, ended: bool) -> None:
        """Move a file to ``ended``, or back to ``films``: `rebuild` needs that to know whether the film has ended."""
        source, target = (self.films, self.ended) if ended else (self.ended, self.films)
        name = f"{film_id}.{checksum}.dcm"
        with suppress(OSError):  # the index has the state, too
            (source / name).rename(target / name)

    def remove(self, film_id: str, checksum: str) -> None:
        """Remove the file of a film. Raises OSError."""
        self.path(film_id, checksum).unlink(missing_ok=True)

    def clear(self, known: Callable[[], set[str]]) -> int:
        """Remove the drafts and films that a killed process had not yet accepted, and return their number.

        ``known`` returns the ids of all films in the index; it is called after the folder has been read.
        """
        count = clear_drafts(self.films)
        found = {film_id: path for film_id, _, path in self.found(self.films)}
        in_progress = {name[1:].partition(".dcm.")[0] for name in os.listdir(self.films) if name.startswith(".")}  # noqa: PTH208  # only names are needed
        for film_id in found.keys() - in_progress - known():
            found[film_id].unlink(missing_ok=True)
            count += 1
        return count

    def found(self, folder: Path) -> Iterator[tuple[str, str, Path]]:
        """Yield id, checksum and path of each film file in a folder."""
        with os.scandir(folder) as entries:
            for entry in entries:
                if match := _NAME.fullmatch(entry.name):
                    yield match[1], match[2], Path(entry.path)

    def free(self) -> int:
        """Return the number of free bytes on the disk, or 0 if it cannot be determined."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return 0

    def check_id(self, film_id: str) -> None:
        """Raise `SpoolError` for a text that is not a film id."""
        if not FILM_ID.fullmatch(film_id):
            raise SpoolError(f"{film_id!a} is not a film id, such as 0123456789abcdef.1")
