"""Other DICOM printers as a destination: one printer, or several that can stand in for each other.

With "failover", each film goes to the first printer, and to the next one only if the first fails. With "balance", a
film goes first to the printer that is printing the fewest of our films. In both cases, the next printer is tried only
if the film was certainly not printed before.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from dimse.data import Dataset
from dimse.errors import DecodeError, DimseError, escaped

from ..config import ConfigError
from ..film import Sheet
from ..scp import Film
from ..scu import OPTIONAL, PROFILES, Color, PrintClient, PrintFailed, profile
from ..status import STATUS_INFO
from ..typed import term
from .destination import Condition, DeliveryFailed, Outcome, Receipt, as_failures, check_dpi, failure_of
from .relay import optional_classes, relay
from .remote import DicomNode, check_peer

__all__ = ["PrinterDestination"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterDestination(DicomNode):
    """A `Destination` that prints films on the DICOM printers ``printers``, each AE@HOST:PORT.

    ``profile`` names a printer model (`print_mgmt.scu.PROFILES`). ``dpi`` is the resolution, in pixels per inch, of
    films that have to be rendered. ``follow`` is the time in seconds to wait for the end of a print job; with 0, the
    destination does not wait. `DicomNode` has the other fields. Raises `ConfigError`.
    """

    printers: tuple[str, ...]
    choice: Literal["failover", "balance"] = "failover"
    profile: str = ""
    follow: float = 0.0
    dpi: int = 150
    repeatable: bool = field(default=False, init=False)
    _busy: Counter[str] = field(default_factory=Counter, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.printers:
            raise ConfigError("printers", "needs at least one printer, AE@HOST:PORT")
        if len(set(self.printers)) < len(self.printers):
            raise ConfigError("printers", "names a printer twice")
        for index, printer in enumerate(self.printers):
            check_peer(f"printers[{index}]", printer)
        self.check_settings()
        if self.profile and self.profile not in PROFILES:
            raise ConfigError("profile", f"{self.profile!a} is not one of {', '.join(PROFILES)}")
        if not 0 <= self.follow <= 86_400:
            raise ConfigError("follow", f"{self.follow:g} must be from 0 to 86400 seconds")
        check_dpi(self.dpi)

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:  # noqa: ARG002  # a printer does not need it
        """Print a film on the first printer that accepts it. Raises `DeliveryFailed`."""
        failures: list[DeliveryFailed] = []
        for printer in self._ordered_printers():
            self._busy[printer] += 1
            try:
                with as_failures(printer):
                    receipt = await self._print(printer, film)
            except DeliveryFailed as exc:
                failures.append(exc)
                if exc.outcome is Outcome.INDETERMINATE:
                    break
            else:
                return replace(receipt, warnings=(*map(str, failures), *receipt.warnings))
            finally:
                self._busy[printer] -= 1
        raise _combine(failures)

    async def check(self) -> Condition:
        """Ask all printers (N-GET, PS3.4 H.4.6), and return one condition: FAILURE only if all are in FAILURE."""
        conditions = [await self._condition_of(printer) for printer in self.printers]
        bad = [condition for condition in conditions if condition.PrinterStatus != "NORMAL"]
        if not bad:
            return Condition()
        failed = all(condition.PrinterStatus == "FAILURE" for condition in conditions)
        reasons = "; ".join(condition.reason for condition in bad)
        return Condition("FAILURE" if failed else "WARNING", bad[0].PrinterStatusInfo, reasons)

    def _ordered_printers(self) -> Sequence[str]:
        """Return the printers in the order in which to try them."""
        if self.choice == "failover":
            return self.printers
        return sorted(self.printers, key=lambda printer: self._busy[printer])

    async def _print(self, printer: str, film: Film) -> Receipt:
        receipt = None
        try:
            async with self._client(printer, _color_of(film.sheet), optional_classes(film.sheet)) as client:
                condition = await _printer_condition(client)
                if condition.PrinterStatus == "FAILURE":
                    raise DeliveryFailed(Outcome.LATER, condition.reason, info=condition.PrinterStatusInfo)
                receipt = await relay(client, film, dpi=self.dpi, follow=self.follow)
        except (DimseError, OSError, asyncio.CancelledError) as exc:
            if receipt is None:
                raise
            reason = str(exc) or "the delivery was stopped"
            return replace(receipt, warnings=(*receipt.warnings, f"after the film was printed: {reason}"))
        return receipt

    async def _condition_of(self, printer: str) -> Condition:
        try:
            async with self._client(printer, None, OPTIONAL) as client:
                condition = await _printer_condition(client)
        except (DimseError, OSError) as exc:
            return Condition("FAILURE", "PRINTER OFFLINE", f"{printer}: {failure_of(exc)}")
        return replace(condition, reason=f"{printer}: {condition.reason}") if condition.reason else condition

    @asynccontextmanager
    async def _client(self, printer: str, color: Color, optional: Sequence[str]) -> AsyncIterator[PrintClient]:
        peer = check_peer("printers", printer)
        async with PrintClient(
            peer.host,
            peer.port,
            called_ae_title=peer.ae_title,
            calling_ae_title=self.calling,
            color=color,
            optional=optional,
            profile=profile(self.profile) if self.profile else None,
            tls=await self.tls_context(),
            timeouts=self.timeouts,
            trace=self._trace,
        ) as client:
            yield client


async def _printer_condition(client: PrintClient) -> Condition:
    """Return the condition of a printer. A printer that does not report its status is assumed to be ready."""
    try:
        attributes = await client.printer()
    except (PrintFailed, DecodeError):
        return Condition()
    status, info = term(attributes, "PrinterStatus"), term(attributes, "PrinterStatusInfo")
    if status not in ("WARNING", "FAILURE"):
        return Condition()
    known = info if info in STATUS_INFO else "CHECK PRINTER"
    return Condition(status, known, f"the printer reports {status}: {escaped(info)}")


def _color_of(sheet: Sheet) -> Color:
    is_color = any(cell.image and cell.image.PhotometricInterpretation == "RGB" for cell in sheet.cells)
    return "prefer" if is_color else "avoid"


def _combine(failures: Sequence[DeliveryFailed]) -> DeliveryFailed:
    """Return one failure for all printers, with all reasons.

    It is INDETERMINATE if a printer may have printed the film, otherwise LATER if a printer may print it later.
    """
    outcomes = {failure.outcome for failure in failures}
    order = (Outcome.INDETERMINATE, Outcome.LATER, Outcome.NEVER)
    outcome = next(outcome for outcome in order if outcome in outcomes)
    info = next(failure.info for failure in failures if failure.outcome is outcome)
    return DeliveryFailed(outcome, "; ".join(map(str, failures)), info=info)
