"""The films of the embedded spool as files of one folder.

``films/ID.CHECKSUM.dcm`` is a film, ``ended/`` has those that are done or cancelled, ``quarantine/`` those that are
damaged. A file appears whole: it is written as a draft, forced to the disk, and then gets its name. The draft keeps its
name, too, until the index knows the film, so that another process can tell a film that is on its way from one that was
left behind. The name carries the checksum, so a file can be verified without the index.
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
_OWN = 0o600  # films show patients
_LARGE = 1 << 20  # bytes: a thread costs less than the checksum of more

Step = Callable[[str], None]


def no_step(name: str) -> None:
    """Do nothing at a named step of the spool; tests break it there."""


@contextmanager
def _checksum(pieces: Sequence[bytes | memoryview]) -> Iterator[Callable[[], str]]:
    """Return a function for the checksum, which is made while the block runs.

    A film of 40 MiB takes half the time if another core makes its checksum while this one writes.
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
    """A film file that was just written; ``stack`` removes its draft."""

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
        """Remove the draft: the index knows the film. A draft that cannot be removed now is removed at a start."""
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
        """Write a film, and force it to the disk, except for its name: `sync` does that. Raises OSError."""
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
        """Return the file of a film, which may have ended."""
        name = f"{film_id}.{checksum}.dcm"
        return next((path for path in (self.films / name, self.ended / name) if path.exists()), self.films / name)

    def read(self, film_id: str, checksum: str) -> bytes:
        """Return the bytes of a film. Raises `CorruptFilm` if they are not those that were written, and OSError."""
        path = self.path(film_id, checksum)
        try:
            data = path.read_bytes()
        except FileNotFoundError as exc:
            raise CorruptFilm(f"film {film_id}: its file is missing") from exc
        if hashlib.sha256(data).hexdigest() != checksum:
            raise CorruptFilm(f"film {film_id}: its file does not have the checksum of the film that was accepted")
        return data

    def condemn(self, film_id: str, checksum: str) -> None:
        """Put a damaged film into quarantine."""
        path = self.path(film_id, checksum)
        try:
            path.replace(self.quarantine / path.name)
        except OSError as exc:
            _log.error("film %s is damaged, and cannot be put into quarantine: %s", film_id, escaped(str(exc)))
        else:
            _log.error("film %s is damaged: it is now %s", film_id, escaped(str(self.quarantine / path.name)))

    def move(self, film_id: str, checksum: str, *, ended: bool) -> None:
        """Note in the name of a file whether the film has ended, for a start without the index."""
        source, target = (self.films, self.ended) if ended else (self.ended, self.films)
        name = f"{film_id}.{checksum}.dcm"
        with suppress(OSError):  # the index knows it better
            (source / name).rename(target / name)

    def remove(self, film_id: str, checksum: str) -> None:
        """Remove the file of a film. Raises OSError."""
        self.path(film_id, checksum).unlink(missing_ok=True)

    def clear(self, known: Callable[[], set[str]]) -> int:
        """Remove drafts and films that a killed process left before it had accepted them, and return their number.

        ``known`` returns the ids of all films in the index; it is called after the folder has been read.
        """
        count = clear_drafts(self.films)
        found = {film_id: path for film_id, _, path in self.found(self.films)}
        coming = {name[1:].partition(".dcm.")[0] for name in os.listdir(self.films) if name.startswith(".")}  # noqa: PTH208  # names are enough
        for film_id in found.keys() - coming - known():
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
        """Return the free bytes of the disk, 0 if they cannot be found out."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return 0

    def check_id(self, film_id: str) -> None:
        """Raise `SpoolError` for a text that is no id of a film."""
        if not FILM_ID.fullmatch(film_id):
            raise SpoolError(f"{film_id!a} is no id of a film, such as 0123456789abcdef.1")
