"""The pages of ``dimse tap``: a process that writes a page for each recording, one after another."""

import sys
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from ..errors import DecodeError, DimseError, escaped
from ..explain import association_of, read_capture
from ..explain.page import Chapter, page_of
from ..explain.redaction import redacted
from ..files import write_whole
from .tap_lines import yield_to_forwarding
from .tap_live import Views

__all__ = ["PageProcess", "page_of_recording"]

_MAX_READ = 1 << 28  # bytes of a recording that a page explains
_PATIENCE = 60.0  # seconds in which one page must be finished, while the command ends


class PageProcess:
    """A process that writes pages. ``views`` is pickled, so it must be a function at the top level of a module."""

    def __init__(self, views: Views, *, is_redacted: bool = False, patience: float = _PATIENCE) -> None:
        self._views = views
        self._patience = patience
        self._waiting: set[Future[str]] = set()
        self._workers: set[BaseProcess] = set()
        self._is_redacted = is_redacted
        self._pool = _new_pool()

    def make(self, recording: Path, page: Path, title: str, faults: Sequence[str], *, keep: bool) -> Future[str]:
        """Start to write ``page``. The result of the future is an error in words, or "".

        The future raises BrokenProcessPool if the process is killed. Unless ``keep``, the process deletes the recording
        afterwards.
        """
        others = {*active_children()}
        work = partial(
            page_of_recording, recording, page, title, faults, self._views, keep=keep, is_redacted=self._is_redacted
        )
        try:
            made = self._pool.submit(work)
        except BrokenProcessPool:  # something killed the process, and with it the pages that were under way
            self._pool = _new_pool()
            made = self._pool.submit(work)
        self._workers |= {*active_children()} - others
        self._waiting.add(made)
        made.add_done_callback(self._waiting.discard)
        return made

    def close(self) -> None:
        """Finish all pages that were started, and end the process.

        If no page is finished within ``patience`` seconds, as on a disk that hangs, the remaining pages fail.
        """
        waiting, done = {*self._waiting}, set[Future[str]]()
        while waiting:
            done, waiting = wait(waiting, self._patience, FIRST_COMPLETED)
            if not done:
                words = f"missing pages: {len(waiting)}; none was finished within {self._patience:g} s"
                print(f"dimse: {words}", file=sys.stderr)
                for process in self._workers:
                    process.kill()
                break
        self._pool.shutdown(wait=not waiting)


def _new_pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=yield_to_forwarding)


def page_of_recording(
    recording: Path,
    page: Path,
    title: str,
    faults: Sequence[str],
    views: Views,
    *,
    keep: bool,
    is_redacted: bool = False,
) -> str:
    """Write a page about a recording with one connection, whose client counts as the requestor.

    Return the error in words, or "" if there is none. Unless ``keep``, delete the recording afterwards.
    """
    notes = list(faults)
    try:
        with recording.open("rb") as file:
            data = file.read(_MAX_READ)
            if file.read(1):
                notes.append(f"The page has only the first {_MAX_READ >> 20} MiB of the recording.")
        broken: list[DecodeError] = []
        connections = read_capture(data, broken)
        notes += map(str, broken)
        chapters = []
        for one in map(association_of, connections):
            steps = one.steps(views())
            shown = map(redacted, steps) if is_redacted else steps
            chapters.append(Chapter(title="" if is_redacted else title, steps=shown, faults=one.gaps))
        text = page_of(f"{escaped(page.stem)}, explained", chapters, views(), notes)
        write_whole(page, [text.encode()])
    except (OSError, DimseError) as exc:
        return escaped(str(exc))
    finally:
        if not keep:
            recording.unlink(missing_ok=True)
    return ""
