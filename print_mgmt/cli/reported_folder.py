"""The output folder of ``print-mgmt serve``: each film that is written is reported with a line."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dimse.data import Dataset
from dimse.errors import escaped

from ..destinations import Condition, DeliveryFailed, FolderDestination, Outcome, Receipt, describe
from ..jobs import JobFailed
from ..scp import Film, Misbehavior

__all__ = ["ReportedFolder", "listening_line"]

_log = logging.getLogger("print_mgmt.cli")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedFolder:
    """A `Destination` that writes films into a folder and calls ``report`` with a line for each film.

    With ``as_json``, the line is a JSON object. ``faults`` make films fail on purpose.
    """

    folder: FolderDestination
    as_json: bool = False
    report: Callable[[str], object] = print
    faults: Misbehavior | None = None

    @property
    def repeatable(self) -> bool:
        """True: a film whose files exist is not written again."""
        return self.folder.repeatable

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        """Write the files of a film, and report their names. Raises `DeliveryFailed`."""
        if self.faults is not None:
            try:
                self.faults.count_film()
            except JobFailed as exc:
                raise DeliveryFailed(Outcome.NEVER, str(exc), info=exc.ExecutionStatusInfo) from exc
        receipt = await self.folder.deliver(film, identified)
        try:
            line = self._line(film, receipt.made)
        except Exception:  # a bug, but the delivery has succeeded
            _log.exception("%r is written, but its line cannot be made", film)
        else:
            self.report(line)
        return receipt

    async def check(self) -> Condition:
        """Create the folder if necessary, and return its condition."""
        return await self.folder.check()

    def _line(self, film: Film, files: Sequence[str]) -> str:
        sheet = film.sheet
        if self.as_json:
            return json.dumps({"film": film.number, "files": files, **describe(film)})
        layout = f"{sheet.FilmSizeID} {sheet.FilmOrientation} {sheet.ImageDisplayFormat}"
        line = f"film {film.number} from {film.calling_ae_title}: {layout}: {' '.join(files)}"
        return escaped(f"{datetime.now():%Y-%m-%d %H:%M:%S} {line}")


def listening_line(host: str, port: int, *, as_json: bool) -> str:
    """Return a line with the address that the printer listens on, as text or as a JSON object."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"  # IPv6
    return json.dumps({"listening": address}) if as_json else f"listening on {address}"
