"""The files that ``print-mgmt serve`` writes for each film, and the line that it prints."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from dimse.errors import escaped

from ..destinations import describe
from ..film import Page
from ..output import IncompleteError, write_page
from ..scp import Film

__all__ = ["FilmFolder"]

_log = logging.getLogger("print_mgmt.cli")
_NAMES = 9  # tried for one film


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmFolder:
    """A folder for films, each written in the ``formats``.

    ``out`` is its path. ``say`` gets a line for each film, a JSON object with ``as_json``. ``left`` maps each film that
    was written in some formats only to its name and the missing formats.
    """

    out: Path
    formats: Sequence[str]
    dpi: int
    bits: Literal[8, 16]
    as_json: bool
    say: Callable[[str], object] = print
    left: dict[tuple[str, int, int], tuple[str, Sequence[str]]] = field(default_factory=dict)

    async def take(self, film: Film) -> None:
        """Render a film and write it. Raises `LayoutError`, `OutputError` and OSError."""
        page = await film.render(self.dpi, bits=self.bits)
        await asyncio.to_thread(self._write, film, page)

    def _write(self, film: Film, page: Page) -> None:
        """Write the missing files of a film and print their names. Failed formats are logged with a traceback."""
        key = film.job.SOPInstanceUID, film.position, film.copy
        name, formats = self.left.get(key) or (self._free_name(film), self.formats)
        try:
            paths = write_page(page, self.out, name, formats, title=name, about=lambda: describe(film))
        except IncompleteError as exc:
            self.left[key] = name, tuple(exc.failures)
            for suffix, error in exc.failures.items():
                _log.error("%s.%s cannot be written", name, suffix, exc_info=error)
            if exc.paths:
                self._say(film, exc.paths)
            raise
        self.left.pop(key, None)
        self._say(film, paths)

    def _free_name(self, film: Film) -> str:
        """Return a name from the time of acceptance, with a number if files of an earlier run have that name."""
        own = f"film-{film.time:%Y%m%d-%H%M%S}-{film.number:04d}"
        for name in (own, *(f"{own}-{number}" for number in range(2, _NAMES + 1))):
            if not any((self.out / f"{name}.{suffix}").exists() for suffix in self.formats):
                return name
        return own

    def say_listening(self, host: str, port: int) -> None:
        """Print the address of the printer, which is ready."""
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"  # IPv6
        self.say(json.dumps({"listening": address}) if self.as_json else f"listening on {address}")

    def _say(self, film: Film, paths: Sequence[Path]) -> None:
        try:
            line = self._line(film, paths)
        except Exception:  # a bug; the files exist, and must not be written again
            _log.exception("%r is written, but its line cannot be printed", film)
        else:
            self.say(line)

    def _line(self, film: Film, paths: Sequence[Path]) -> str:
        sheet, files = film.sheet, list(map(str, paths))
        if self.as_json:
            return json.dumps({"film": film.number, "files": files, **describe(film)})
        layout = f"{sheet.FilmSizeID} {sheet.FilmOrientation} {sheet.ImageDisplayFormat}"
        said = f"film {film.number} from {film.calling_ae_title}: {layout}: {' '.join(files)}"
        return escaped(f"{datetime.now():%Y-%m-%d %H:%M:%S} {said}")
