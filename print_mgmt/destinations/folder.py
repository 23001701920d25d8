"""A folder as a destination: writes films as PNG, PDF, TIFF, DICOM and JSON files.

A file appears complete or not at all, and an existing file is never replaced. The same film always gets the same file
names, so a delivery that is repeated after a crash writes only the missing files.

The folder may be on another machine, whose disk may hang. So everything that uses it has a thread of its own.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dimse.data import Dataset
from dimse.files import clear_drafts
from dimse.net.own_thread import in_own_thread

from ..config import ConfigError
from ..film import Page
from ..output import OutputError, check_formats, write_page
from ..scp import Film
from .capture import capture_attributes
from .description import describe
from .destination import Condition, Receipt, as_failures, check_dpi, failure_of
from .names import NameTemplate

__all__ = ["FolderDestination"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDestination:
    """A `Destination` that writes films into the folder ``path``, which is created if it does not exist.

    ``formats`` are keys of `print_mgmt.output.FORMATS`, ``name`` is the text of a `NameTemplate`, ``dpi`` the
    resolution in pixels per inch, and ``bits`` the number of bits per gray value. Raises `ConfigError`.
    """

    path: str
    formats: tuple[str, ...] = ("png", "pdf")
    name: str = NameTemplate().template
    dpi: int = 150
    bits: Literal[8, 16] = 8
    repeatable: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        NameTemplate(self.name)
        if not self.path:
            raise ConfigError("path", "is empty")
        if not self.formats or len(set(self.formats)) < len(self.formats):
            raise ConfigError("formats", "needs at least one format, and no format twice")
        try:
            check_formats(self.formats)
        except OutputError as exc:
            raise ConfigError("formats", str(exc)) from exc
        check_dpi(self.dpi)

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        """Write the missing files of a film. Raises `DeliveryFailed`."""
        with as_failures():
            *folders, name = NameTemplate(self.name).path_of(film, identified)
            folder = Path(self.path, *folders)
            paths = [folder / f"{name}.{suffix}" for suffix in self.formats]
            missing = [path.suffix[1:] for path in await in_own_thread(_missing_files, folder, paths)]
            if missing and folders:  # `check` clears only the top folder
                await in_own_thread(clear_drafts, folder)
            if missing:
                page = await film.render(self.dpi, bits=self.bits)
                await in_own_thread(_write_files, page, folder, name, missing, film, identified)
        return Receipt(tuple(map(str, paths)))

    async def check(self) -> Condition:
        """Create the folder, remove the drafts of killed processes, and check that files can be written."""
        try:
            await in_own_thread(_prepare, Path(self.path))
        except OSError as exc:
            return Condition("WARNING", "CHECK PRINTER", str(failure_of(exc)))
        return Condition()


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    clear_drafts(folder)
    probe = folder / ".dimse-print.check"
    probe.touch()
    probe.unlink(missing_ok=True)


def _missing_files(folder: Path, paths: list[Path]) -> list[Path]:
    """Create the folder, and return the files that do not exist yet."""
    folder.mkdir(parents=True, exist_ok=True)
    return [path for path in paths if not path.exists()]


def _write_files(page: Page, folder: Path, name: str, formats: list[str], film: Film, identified: Dataset) -> None:
    attributes = capture_attributes(film, identified)
    about = describe(film, identified)
    write_page(page, folder, name, formats, title=name, about=lambda: about, attributes=attributes)
