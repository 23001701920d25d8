"""A queue of CUPS, used through its commands: `lp` submits a document, and `lpstat` tells when it has left the queue.

`lpstat` does not tell whether a job was printed, canceled or aborted. If the extra ``paper`` is installed, `CupsQueue`
asks the scheduler of CUPS by IPP.
"""

import asyncio
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..destination import Condition, DeliveryFailed, Outcome
from ..program import ProgramResult, find_program, run_program
from .reasons import condition_of
from .ticket import Ticket, polling_pauses

__all__ = ["CupsQueue"]

_PLAIN_LANGUAGE = ("env", "LC_ALL=C")  # untranslated output, because it is parsed
_JOB = re.compile(rb"request id is (\S+-\d+) ")
_ALERTS = re.compile(r"^[ \t]+Alerts: *(.*)$", re.MULTILINE)
_SCHEDULER = "localhost:631"  # the default address of CUPS


@dataclass(frozen=True, slots=True, kw_only=True)
class CupsQueue:
    """The queue ``queue`` of CUPS on ``server`` (HOST or HOST:PORT), or on the default server.

    ``seconds`` is the time limit for each command and for each response of the scheduler.
    """

    queue: str
    server: str = ""
    seconds: float = 60.0

    async def condition(self) -> Condition:
        """Return the condition of the queue, from `lpstat`."""
        if find_program("lp") is None:
            return Condition("FAILURE", "CHECK PRINTER", "lp is not installed (Debian: cups-client)")
        result = await self._run_lpstat("-l", "-p", self.queue, "-a", self.queue)
        if failure := self._failure("lpstat", result):
            return Condition("FAILURE", "PRINTER OFFLINE", failure)
        text = result.out.decode("utf-8", "replace")
        alerts = _ALERTS.search(text)
        reasons = alerts[1].split() if alerts else []
        accepting = " not accepting requests" not in text
        return condition_of(reasons, stopped=" disabled since " in text, accepting=accepting)

    async def media(self) -> tuple[str, ...]:
        """Return an empty tuple, because the standard names of the media are not known.

        The drivers of CUPS use other names. CUPS itself finds the medium for a standard name.
        """
        return ()

    async def submit(self, document: Path, ticket: Ticket) -> str:
        """Submit a document, and return the id of the job. Raises `DeliveryFailed`."""
        options = {"media": ticket.media, "sides": ticket.sides, "print-scaling": ticket.scaling}
        if ticket.tray:
            options["InputSlot"] = ticket.tray
        words = [word for name, value in {**options, **ticket.options}.items() for word in ("-o", f"{name}={value}")]
        result = await self._run(
            "lp", "-d", self.queue, "-n", str(ticket.copies), "-t", ticket.name, *words, str(document)
        )
        if failure := self._failure("lp", result):
            is_known = result.status > 0 and not result.timed_out
            raise DeliveryFailed(Outcome.LATER if is_known else Outcome.INDETERMINATE, failure)
        found = _JOB.search(result.out)
        if found is None:
            raise DeliveryFailed(Outcome.INDETERMINATE, "the output of lp has no id of the job")
        return found[1].decode("ascii", "replace")

    async def follow(self, job: str, seconds: float) -> tuple[str, ...]:
        """Wait at most ``seconds`` for the job to leave the queue; return its warnings.

        A job that is still in the queue has a warning that says so. Raises `DeliveryFailed` if the job was not printed,
        or if `lpstat` fails.
        """
        try:
            async with asyncio.timeout(seconds):
                for pause in polling_pauses():
                    if not await self._is_queued(job):
                        break
                    await asyncio.sleep(pause)
        except TimeoutError:
            return (f"{job} did not end within {seconds:g} s",)
        return await self._final_warnings(job)

    async def _is_queued(self, job: str) -> bool:
        """Return whether a job is in the queue. Raises `DeliveryFailed`."""
        result = await self._run_lpstat("-W", "not-completed", "-o", self.queue)
        if failure := self._failure("lpstat", result):
            raise DeliveryFailed(Outcome.INDETERMINATE, f"{job} was accepted, but its state is unknown: {failure}")
        rows = result.out.decode("utf-8", "replace").splitlines()
        return any(row.split(maxsplit=1)[:1] == [job] for row in rows)

    async def _final_warnings(self, job: str) -> tuple[str, ...]:
        """Ask the scheduler how a job ended; return its warnings. Raises `DeliveryFailed` if it was not printed."""
        if find_spec("ippx") is None:
            why = "its final state is unknown without ippx (pip install 'dimse-print[paper]')"
            return (f"{job} has left the queue; {why}",)
        from .ipp import IppQueue, job_warnings  # needs the extra ``paper``

        server = self.server or (await self._run_lpstat("-H")).out.decode("utf-8", "replace").strip()
        if not server or server.startswith("/"):  # the server is the path of a Unix socket
            server = _SCHEDULER
        try:
            uri = f"ipp://{server}/printers/{self.queue}"
            state = await IppQueue(uri=uri, seconds=self.seconds).state(int(job.rpartition("-")[2]))
        except DeliveryFailed as exc:
            return (f"{job} has left the queue; its final state is unknown: {exc}",)
        return job_warnings(state)

    def _failure(self, program: str, result: ProgramResult) -> str:
        """Return why a command failed, "" if it did not: its own error, which names it, or else how it ended."""
        if result.last_error and result.status > 0 and not result.timed_out:
            return result.last_error
        failure = result.failure(self.seconds)
        return failure and f"{program} {failure}"

    async def _run_lpstat(self, *words: str) -> ProgramResult:
        return await self._run("lpstat", *words)

    async def _run(self, program: str, *words: str) -> ProgramResult:
        server = ("-h", self.server) if self.server else ()
        return await run_program((*_PLAIN_LANGUAGE, program, *server, *words), seconds=self.seconds)
