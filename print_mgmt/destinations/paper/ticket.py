"""The job ticket, and the interface that queues of CUPS and IPP printers implement."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from ..destination import Condition

__all__ = ["PaperQueue", "Scaling", "Sides", "Ticket", "polling_pauses"]

_FIRST_PAUSE, _MAX_PAUSE = 0.2, 10.0  # seconds between two requests for the state of a job; the pause doubles each time

Sides = Literal["one-sided", "two-sided-long-edge", "two-sided-short-edge"]
Scaling = Literal["none", "auto-fit", "fit"]  # print-scaling (PWG 5100.16); "auto-fit" scales only larger documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The settings for printing a document: ``name`` names the job, and ``media`` the paper (PWG 5101.1).

    ``tray`` is a tray of the printer, "" to let the queue choose. ``options`` are options of the queue by name; they
    prevail over the other settings of the same name.
    """

    name: str
    media: str
    copies: int = 1
    sides: Sides = "one-sided"
    scaling: Scaling = "none"
    tray: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


class PaperQueue(Protocol):
    """A queue of a paper printer. All methods except ``condition`` raise `DeliveryFailed`.

    ``media`` returns the media of the printer, the loaded ones first, or an empty tuple if they are not known.
    ``submit`` submits a PDF document, and returns the id of the job. ``follow`` waits at most ``seconds`` for the end
    of a job, and returns its warnings; if the job has not ended, a warning says so.
    """

    async def condition(self) -> Condition: ...

    async def media(self) -> tuple[str, ...]: ...

    async def submit(self, document: Path, ticket: Ticket) -> str: ...

    async def follow(self, job: str, seconds: float) -> tuple[str, ...]: ...


def polling_pauses() -> Iterator[float]:
    """Yield the pauses in seconds between two requests for the state of a job: short at first, then longer."""
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, _MAX_PAUSE)
