"""The folder of the embedded spool, with a file for each film.

``films/ID.CHECKSUM.dcm`` is a film; ``ended/`` has the films that are done or canceled, and ``quarantine/`` the damaged
ones. The file name includes the checksum, so a film can be verified without the index, and a file that a power failure
left incomplete is never taken for a film. A film is first a draft with a hidden name (`dimse.files`). Until the film is
in the index, its file has the hidden name and the final name. So another process can distinguish a film that is being
accepted from a film that a killed process or a power failure has left behind.

Two threads store a film: one writes the bytes and forces them to the disk, the other computes the checksum and forces
the name to the disk. On ext4, one commit of the journal does both; doing one after the other takes up to five times as
long. Films that get their names while the disk is busy share one fsync of the folder.
"""

import errno
import hashlib
import logging
import mmap
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from io import FileIO
from pathlib import Path
from stat import S_ISREG
from threading import Lock
from typing import NamedTuple

from dimse.errors import escaped
from dimse.files import clear_drafts, finish, new_draft, publish, sync_folder
from dimse.message import FileMap
from dimse.net import Disk
from dimse.net.thread_pool import ThreadPool

from .film_file import MAX_FILM, PART, split_pieces
from .records import CHECKSUM, FILM_ID, CorruptFilm, SpoolLimits, reason_of

__all__ = ["WRITERS", "FilmFile", "FilmFolder", "NotAFile", "Step", "incoming_disk", "no_step", "remove_drafts"]

_log = logging.getLogger("print_mgmt.spool")

_NAME = re.compile(rf"({FILM_ID.pattern})\.({CHECKSUM.pattern})\.dcm", re.ASCII)
_OWNER_ONLY = 0o600  # permissions of a film file, which may identify a patient
WRITERS = 16  # maximum number of films that are written at the same time

Step = Callable[[str], None]


def no_step(name: str) -> None:
    """Do nothing at a named step of the spool. Tests replace this function by one that fails there."""


def _film_names(folder: Path) -> Iterator[re.Match[str]]:
    """Yield a match of `_NAME` for each film file.

    Path objects are avoided: making one for each file would take half of the time in which a spool starts.
    """
    return filter(None, map(_NAME.fullmatch, _names(folder)))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  # only names are needed
    except FileNotFoundError:  # somebody has removed the folder; the next start creates it
        return []


def _is_not_regular(path: Path) -> bool:
    """Return whether a path is a folder, a pipe or a device."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return not S_ISREG(path.stat().st_mode)
    return False


def _size(piece: bytes | memoryview) -> int:
    return piece.nbytes if isinstance(piece, memoryview) else len(piece)


def _discard(path: Path) -> None:
    """Remove the file of a refused film, or at least its content, so that the next start does not accept the film."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        try:
            os.truncate(path, 0)
        except OSError as exc:
            _log.error("a refused film cannot be removed, and would be printed after a restart: %s", reason_of(exc))


class NotAFile(OSError):
    """A folder, pipe or device with the name of a film."""


class FilmFile(NamedTuple):
    """A film file that has just been written; closing ``stack`` removes its draft."""

    path: Path
    size: int
    checksum: str
    stack: ExitStack

    def remove(self) -> None:
        """Remove the file: the film is not accepted."""
        _discard(self.path)
        self.remove_draft()

    def remove_draft(self) -> None:
        """Remove the draft: the film is in the index. If that fails, the next start removes the draft."""
        with suppress(OSError):
            self.stack.close()


def remove_drafts(written: Sequence[FilmFile]) -> None:
    """Remove the drafts of films that are in the index."""
    for file in written:
        file.remove_draft()


def incoming_disk(folder: Path | None, limits: SpoolLimits, step: Step) -> Disk:
    """Return the `Disk` that holds large images while they arrive. Without ``folder``, it uses the temporary folder."""
    return Disk(
        folder,
        above=limits.in_memory,
        least=limits.least,
        association_size=limits.association_incoming,
        host_size=limits.host_incoming,
        step=step,
    )


class FilmFolder:
    """The folder of a spool. Its methods block; several threads may call them. ``step`` is called at named steps.

    Films of more than ``in_memory`` bytes are not read into memory.
    """

    def __init__(self, root: Path, step: Step = no_step, *, in_memory: int) -> None:
        self.root = root
        self._in_memory = in_memory
        self.films, self.ended, self.quarantine = root / "films", root / "ended", root / "quarantine"
        self.step = step
        self._namers: ThreadPool | None = None
        self._naming, self._syncing = Lock(), Lock()
        self._named = 0  # films that have their names
        self._synced = 0  # films whose names are on the disk

    def open(self, stack: ExitStack) -> None:
        """Create the folders that do not exist, and the threads, which end with ``stack``. Raises OSError."""
        for folder in (self.root, self.films, self.ended, self.quarantine):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        sync_folder(self.root)
        self._namers = stack.enter_context(ThreadPool(WRITERS, "spool names"))

    def write(self, film_id: str, pieces: Sequence[bytes | memoryview]) -> FilmFile:
        """Write a film, and force it and its name to the disk. Raises OSError.

        The caller must call `FilmFile.remove_draft` once the film is in the index, or `FilmFile.remove`.
        """
        assert self._namers is not None
        with ExitStack() as stack:
            draft, file = new_draft(self.films / f"{film_id}.dcm", stack, _OWNER_ONLY)
            self.step("draft created")
            # In a list, from which it is popped: a variable would be in a cycle with the error of the future
            naming = [self._namers.submit(self._name_film, draft, film_id, pieces)]
            try:
                for part in split_pieces(pieces):
                    self.step("write")
                    file.write(part)
                self.step("fsync")
                finish(file)
            except BaseException:
                with suppress(OSError):
                    _discard(naming.pop().result()[0])
                raise
            path, checksum = naming.pop().result()
            return FilmFile(path, sum(map(_size, pieces)), checksum, stack.pop_all())
        raise AssertionError("unreachable")

    def _name_film(self, draft: Path, film_id: str, pieces: Sequence[bytes | memoryview]) -> tuple[Path, str]:
        """Give a film its name while its bytes are being written; return its path and its checksum."""
        digest = hashlib.sha256()
        for part in split_pieces(pieces):
            digest.update(part)
        path = self.films / f"{film_id}.{digest.hexdigest()}.dcm"
        self.step("name")
        publish(draft, path)
        try:
            self._sync_names()
        except BaseException:
            _discard(path)
            raise
        return path, digest.hexdigest()

    def _sync_names(self) -> None:
        """Force the names of films to the disk, unless another thread has done that after this film got its name."""
        with self._naming:
            self._named += 1
            number = self._named
        with self._syncing:
            if self._synced < number:
                named = self._named
                self.step("folder sync")
                sync_folder(self.films)
                self._synced = named

    def path(self, film_id: str, checksum: str) -> Path:
        """Return the path of a film's file in ``films`` or ``ended``; if neither has it, the path in ``films``."""
        name = f"{film_id}.{checksum}.dcm"
        return next((path for path in (self.films / name, self.ended / name) if path.exists()), self.films / name)

    def read(self, film_id: str, checksum: str) -> bytes | memoryview:
        """Return the bytes of a film. A file of more than ``in_memory`` bytes is mapped instead of read.

        Raises `CorruptFilm` if the file is missing, too large for a film, or has another checksum, and OSError:
        `NotAFile` for a folder, pipe or device.
        """
        try:
            data, digest = self._read_path(self.path(film_id, checksum))
        except FileNotFoundError:  # it may have just been moved to the other folder
            try:
                data, digest = self._read_path(self.path(film_id, checksum))
            except FileNotFoundError as exc:
                raise CorruptFilm(f"film {film_id}: its file is missing") from exc
        if digest != checksum:
            raise CorruptFilm(f"film {film_id}: the checksum of its file differs from the accepted film's")
        return data

    def _read_path(self, path: Path) -> tuple[bytes | memoryview, str]:
        if _is_not_regular(path):  # opening a pipe would wait for its writer
            raise NotAFile(errno.EINVAL, "not a regular file", str(path))
        with path.open("rb", buffering=0) as file:
            return self._read(file)

    def _read(self, file: FileIO) -> tuple[bytes | memoryview, str]:
        """Return the bytes of a file and their SHA-256.

        Every byte is read once before the file is mapped: an error of the disk is an OSError here, but ends the process
        when a map is read. A sparse file may claim any size, and reading it would take hours.
        """
        size = os.fstat(file.fileno()).st_size
        if size > MAX_FILM:
            raise CorruptFilm(f"the file has {size} bytes; a film has at most {MAX_FILM}")
        if size <= self._in_memory:
            data = file.read()
            return data, hashlib.sha256(data).hexdigest()
        digest = hashlib.sha256()
        for part in iter(partial(file.read, PART), b""):
            digest.update(part)
        try:
            return memoryview(FileMap(file.fileno(), size, access=mmap.ACCESS_READ)), digest.hexdigest()
        except ValueError as exc:  # the file has become shorter
            raise OSError(errno.EIO, str(exc)) from exc

    def move_to_quarantine(self, film_id: str, checksum: str) -> None:
        """Move a damaged film to the quarantine folder, and log that. A missing file or an error is logged, too."""
        path = self.path(film_id, checksum)
        try:
            path.replace(self.quarantine / path.name)
        except FileNotFoundError:
            _log.error("film %s: its file is missing", film_id)
        except OSError as exc:
            _log.error("film %s is damaged and cannot be moved to quarantine: %s", film_id, reason_of(exc))
        else:
            _log.error("film %s is damaged: moved to %s", film_id, escaped(str(self.quarantine / path.name)))

    def move(self, film_id: str, checksum: str, *, ended: bool) -> None:
        """Move a file to ``ended``, or back to ``films``; the folder shows `rebuild` whether the film has ended."""
        source, target = (self.films, self.ended) if ended else (self.ended, self.films)
        name = f"{film_id}.{checksum}.dcm"
        with suppress(OSError):  # the index also has the state
            (source / name).rename(target / name)

    def remove(self, films: Iterable[tuple[str, str]]) -> None:
        """Remove the files of films, given by id and checksum, permanently. Raises OSError.

        No power failure brings them back into ``films``, where the next start would take them for accepted films. A
        folder, pipe or device with the name of a film is moved to the quarantine folder.
        """
        for film_id, checksum in films:
            path = self.path(film_id, checksum)
            if _is_not_regular(path):
                self.move_to_quarantine(film_id, checksum)
                continue
            for folder in (self.films, self.ended):  # the file may be moved from the first to the second meanwhile
                (folder / path.name).unlink(missing_ok=True)
        self.step("removed")
        sync_folder(self.films)

    def remove_written(self, written: Sequence[FilmFile]) -> None:
        """Remove the files of a job that is not accepted. If the disk fails, a power failure may restore them."""
        for file in written:
            file.remove()
        with suppress(OSError):
            sync_folder(self.films)

    def unindexed_films(self, known: Callable[[], set[str]]) -> list[tuple[str, str]]:
        """Return id and checksum, sorted, of the films that are not in the index and that no process is accepting.

        Drafts of killed processes are removed. ``known`` returns the ids of all films in the index; it is called after
        the folder has been read. Raises OSError.
        """
        with suppress(FileNotFoundError):  # as in `_names`
            clear_drafts(self.films)
        found = {match[1]: match[2] for match in _film_names(self.films)}
        in_progress = {name[1:].partition(".dcm.")[0] for name in _names(self.films) if name.startswith(".")}
        return sorted((film_id, found[film_id]) for film_id in found.keys() - in_progress - known())

    def ids(self) -> set[str]:
        """Return the ids of all films that have a file, except for those in quarantine."""
        return {match[1] for folder in (self.films, self.ended) for match in _film_names(folder)}

    def film_files(self, folder: Path) -> Iterator[tuple[str, str]]:
        """Yield id and checksum of each film file in a folder."""
        for match in _film_names(folder):
            yield match[1], match[2]

    def free(self) -> int:
        """Return the number of free bytes on the disk, or 0 if it cannot be determined."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return 0
