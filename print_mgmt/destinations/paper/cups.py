"""A queue of CUPS, by its command line: `lp` takes a document, and `lpstat` tells when it has left the queue.

`lpstat` does not tell whether a job was printed, canceled or aborted. So the scheduler, which speaks IPP, is asked for
that if the extra ``paper`` is installed.
"""

import asyncio
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..destination import Condition, DeliveryFailed, Outcome
from ..program import Ended, find_program, run_program
from .reasons import condition_of
from .ticket import Ticket

__all__ = ["CupsQueue"]

_PLAIN_LANGUAGE = ("env", "LC_ALL=C")  # their answers are parsed
_JOB = re.compile(rb"request id is (\S+-\d+) ")
_ALERTS = re.compile(r"^\s+Alerts: *(.*)$", re.MULTILINE)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds between two questions about a job
_SCHEDULER = "localhost:631"


@dataclass(frozen=True, slots=True, kw_only=True)
class CupsQueue:
    """The queue ``queue`` of CUPS, on the server ``server`` (HOST or HOST:PORT), or on the default one.

    ``seconds`` is the time for each command.
    """

    queue: str
    server: str = ""
    seconds: float = 60.0

    async def condition(self) -> Condition:
        """Ask for the state of the queue."""
        if find_program("lp") is None:
            return Condition("FAILURE", "CHECK PRINTER", "lp is not installed (Debian: cups-client)")
        said = await self._ask("-l", "-p", self.queue, "-a", self.queue)
        if said.status:
            return Condition("FAILURE", "PRINTER OFFLINE", said.said or "lpstat failed")
        text = said.out.decode("utf-8", "replace")
        alerts = _ALERTS.search(text)
        reasons = alerts[1].split() if alerts else []
        accepting = " not accepting requests" not in text
        return condition_of(reasons, stopped=" disabled since " in text, accepting=accepting)

    async def media(self) -> tuple[str, ...]:
        """Return nothing: CUPS finds the medium by its name, and names differ between drivers."""
        return ()

    async def submit(self, document: Path, ticket: Ticket) -> str:
        """Hand over a document, and return the id of the job."""
        options = {"media": ticket.media, "sides": ticket.sides, "print-scaling": ticket.scaling}
        if ticket.tray:
            options["InputSlot"] = ticket.tray
        words = [word for name, value in {**options, **ticket.options}.items() for word in ("-o", f"{name}={value}")]
        ended = await self._run(
            "lp", "-d", self.queue, "-n", str(ticket.copies), "-t", ticket.name, *words, str(document)
        )
        if ended.timed_out:
            raise DeliveryFailed(Outcome.INDETERMINATE, f"lp did not end in {self.seconds:g} s")
        if ended.status:
            raise DeliveryFailed(Outcome.LATER, ended.said or f"lp failed with exit status {ended.status}")
        found = _JOB.search(ended.out)
        if found is None:
            raise DeliveryFailed(Outcome.INDETERMINATE, "lp did not tell the id of the job")
        return found[1].decode("ascii", "replace")

    async def follow(self, job: str, seconds: float) -> tuple[str, ...]:
        """Wait until the job has left the queue, and see how it ended."""
        pause = _FIRST_PAUSE
        try:
            async with asyncio.timeout(seconds):
                while await self._waits(job):
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
        except TimeoutError:
            return (f"{job} has not ended in {seconds:g} s",)
        return await self._end(job)

    async def _waits(self, job: str) -> bool:
        """Return whether a job is in the queue. Raises `DeliveryFailed`."""
        ended = await self._ask("-W", "not-completed", "-o", self.queue)
        if ended.status:
            reason = f"{job} was accepted, but lpstat fails: {ended.said}"
            raise DeliveryFailed(Outcome.INDETERMINATE, reason)
        rows = ended.out.decode("utf-8", "replace").splitlines()
        return any(row.split(maxsplit=1)[:1] == [job] for row in rows)

    async def _end(self, job: str) -> tuple[str, ...]:
        """Ask the scheduler how a job ended; return its warnings. Raises `DeliveryFailed` if it was not printed."""
        if find_spec("ippx") is None:
            return (f"{job} has left the queue; its end is not known without ippx (pip install dimse-print[paper])",)
        from .ipp import IppQueue, judged  # the extra ``paper``

        server = self.server or (await self._ask("-H")).out.decode("utf-8", "replace").strip()
        if not server or server.startswith("/"):  # a Unix socket
            server = _SCHEDULER
        try:
            uri = f"ipp://{server}/printers/{self.queue}"
            state = await IppQueue(uri=uri, seconds=self.seconds).state(int(job.rpartition("-")[2]))
        except DeliveryFailed as exc:
            return (f"{job} has left the queue; its end is not known: {exc}",)
        return judged(state)

    async def _ask(self, *words: str) -> Ended:
        return await self._run("lpstat", *words)

    async def _run(self, program: str, *words: str) -> Ended:
        server = ("-h", self.server) if self.server else ()
        return await run_program((*_PLAIN_LANGUAGE, program, *server, *words), seconds=self.seconds)
