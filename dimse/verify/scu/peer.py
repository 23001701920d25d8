"""The SCU under test, as a case sees it: with each `ScuPeer.visit` the SCU runs once against a script."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ...ul import Abort
from ..case import Flags, Unprepared
from ..peer import OUR_MAXIMUM_LENGTH
from ..result import Assertion, Options
from ..tls_material import TLSFiles
from ..trace import CaseTrace
from ..verdict import Column, Level
from .dispatcher import Dispatcher, Waiting
from .program import Ended, Program
from .service import MakeService
from .visit import OnPDU, Table, Visit

__all__ = ["ScuPeer", "ScuTarget"]

_MAX_REACTION = 10.0  # seconds that a reaction may take


@dataclass(frozen=True, slots=True, kw_only=True)
class ScuTarget:
    """The address at which the tester waits for the SCU, and the time limits for the SCU in seconds.

    Without a ``program``, a person or a machine runs the SCU for each visit. The visit is then over when the SCU has
    sent the request that the script waits for, and no association has been open for ``idle`` seconds.
    """

    host: str = "127.0.0.1"  # of the tester
    port: int = 0  # of the tester
    called: str = "VERIFYSCP"  # the AE title by which the SCU calls the tester
    patience: float = 45.0  # for the next step of the SCU
    idle: float = 3.0
    longest_visit: float = 1800.0  # from the start of the program, or the first event, to the end of the visit
    longest_timer: float = 40.0  # many SCUs have timers of 30 s: no bad verdict after a shorter silence
    program: Program | None = None
    tls: ssl.SSLContext | None = None
    files: TLSFiles = field(default_factory=TLSFiles)  # for the cases of TLS
    by_port: Mapping[int, str] = field(default_factory=dict)  # the id of the case for each port

    def settings(self) -> dict[str, object]:
        """Return the settings that a report lists among its options."""
        return {
            "patience_s": self.patience,
            "idle_s": self.idle,
            "ports": len(self.by_port),
            "tls": self.tls is not None,
        }


@dataclass(slots=True)
class ScuPeer:
    """The SCU under test, for one sub-case.

    ``plain`` is the visit of the plain scenario, once that visit is over, and ``last`` the latest visit. ``measured``
    collects figures by name, each with its unit, and ``assertions`` the log of the case. ``on_waiting`` is called when
    a visit waits for a person to run the SCU.
    """

    target: ScuTarget
    dispatcher: Dispatcher
    service: MakeService
    trace: CaseTrace
    case_id: str
    subcase: str
    patience: float
    options: Options
    flags: Flags = Flags.NONE
    plain: Visit | None = None
    measured: dict[str, tuple[float, str]] = field(default_factory=dict)
    last: Visit | None = None
    assertions: list[Assertion] = field(default_factory=list)
    level: Level = Level.MUST
    on_waiting: Callable[[], None] = lambda: None

    @property
    def random(self) -> Random:
        """A new generator, seeded by the run, the case and the sub-case, so that visits of one sub-case are alike."""
        return Random(f"{self.options.seed}/{self.case_id}/{self.subcase}")

    @property
    def second_or_only(self) -> int:
        """The number, in a `Table`, of the SCU's second request: 2, or 1 if the plain scenario has only one request."""
        return min(2, max(1, len(self.plain_visit().operations)))

    def log(self, due: str, seen: str, column: Column) -> None:
        """Add an assertion to the log of the case; ``column`` says how the case judges what was ``seen``."""
        self.assertions.append(Assertion.now(self.trace, self.level, due, seen, column))

    def plain_visit(self) -> Visit:
        """Return the visit of the plain scenario, which must be over."""
        assert self.plain is not None
        return self.plain

    def judge_plain(self) -> Visit:
        """Return the visit of the plain scenario, for a case that judges this visit instead of making its own.

        A note in the trace says so.
        """
        self.trace.note(0, "judges the visit of the plain scenario")
        return self.plain_visit()

    async def visit(
        self,
        table: Table,
        *,
        service: MakeService | None = None,
        on_pdu: OnPDU | None = None,
        is_judged: bool = True,
        max_length: int = OUR_MAXIMUM_LENGTH,
        tls: ssl.SSLContext | None = None,
        reads_hello: bool = False,
    ) -> Visit:
        """Let the SCU run once against a script.

        The invariants judge the traffic of the visit only if ``is_judged``. ``max_length`` is the Maximum Length of the
        tester. ``tls`` replaces the context of the target. With ``reads_hello``, only the ClientHello is read.

        Raises `Unprepared` if the command cannot be started, or if the SCU does not connect or goes on without end, and
        any error of the tester that ended the visit.
        """
        visit = Visit(dict(table), service or self.service, self.random, self.patience, on_pdu=on_pdu)
        visit.is_judged, visit.max_length = is_judged, max_length
        visit.tls, visit.reads_hello = tls, reads_hello
        self.last = visit
        await self._perform(visit)
        if visit.failure is not None:
            raise visit.failure
        if not (visit.wires or visit.hello):
            raise Unprepared("the SCU sent no ClientHello" if reads_hello else "the SCU did not connect")
        return visit

    async def _perform(self, visit: Visit) -> None:
        """Run the program, or wait until a person has run the SCU. Raises `Unprepared` if it goes on for too long."""
        self.dispatcher.waiting[self.case_id] = Waiting(self.case_id, visit, self.trace)
        try:
            if self.target.program is not None:
                async with asyncio.timeout(self.target.longest_visit):
                    await self._run(visit, self.target.program)
            else:
                self.on_waiting()
                await visit.changed.wait()  # a person may take any time to begin
                async with asyncio.timeout(self.target.longest_visit):
                    await self._wait(visit)
        except TimeoutError as exc:
            visit.is_endless = True
            raise Unprepared(f"the SCU went on for longer than {self.target.longest_visit:g} s") from exc
        finally:
            self._hang_up(visit)
            del self.dispatcher.waiting[self.case_id]

    async def _run(self, visit: Visit, program: Program) -> None:
        """Run the program until it ends, is silent on a connection, or has no connection open for ``patience`` seconds.

        Then end it if it still runs. Raises `Unprepared` if it cannot be started.
        """
        values = {
            "host": self.target.host,
            "port": str(self.dispatcher.port),
            "ae": self.target.called,
            "case": self.case_id,
            "seed": str(self.options.seed),
        }
        clock = asyncio.get_running_loop().time
        task = asyncio.ensure_future(program(values))
        last = clock()
        try:
            while not task.done() and not visit.hung:
                visit.changed.clear()
                left = last + self.patience - clock()
                if not visit.open and left <= 0:
                    visit.is_running = bool(visit.wires or visit.hello)
                    break
                await _either(task, visit.changed, None if visit.open else left)
                last = clock() if visit.open or visit.changed.is_set() else last
            if task.done():
                await self._until_read(visit)
        finally:
            self._hang_up(visit)
            await _end(task)
            if not task.cancelled() and task.exception() is None:
                visit.ended = task.result()
                self._note(visit.ended)
        try:
            if not task.cancelled():
                task.result()  # raises the error of a command that did not start
        except OSError as exc:
            raise Unprepared(f"the command did not start: {_words_of(exc)}") from exc

    async def _until_read(self, visit: Visit) -> None:
        """After the program has ended, wait until everything on its connections is read."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.patience + _MAX_REACTION):
                while visit.open:
                    visit.changed.clear()
                    await visit.changed.wait()

    async def _wait(self, visit: Visit) -> None:
        """Wait until a person has run the SCU, and its associations have ended."""
        while not visit.hung:
            await visit.changed.wait()
            visit.changed.clear()
            if visit.open or not self._is_complete(visit):
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self.target.idle):
                    await visit.changed.wait()
                    continue
            if not visit.open:
                break

    def _is_complete(self, visit: Visit) -> bool:
        """Return whether the SCU has come as far as the case needs, so that the visit may be over."""
        if visit.reads_hello or visit.tls is not None:
            return bool(visit.wires or visit.hello)
        if visit.table:
            return visit.first_reaction is not None
        return len(visit.wires) >= (1 if self.plain is None else len(self.plain.wires))

    def _hang_up(self, visit: Visit) -> None:
        for wire in visit.wires:
            if wire.is_open and wire.answer is not None:
                wire.send(Abort(0, 0))
            wire.close()

    def _note(self, ended: Ended) -> None:
        how = "was killed" if ended.was_killed else f"ended with exit status {ended.exit}"
        how = how if ended.signal is None else f"ended by signal {ended.signal}"
        self.trace.note(0, f"the command {how}")


async def _end(task: "asyncio.Task[Ended]") -> None:
    """End the program of ``task`` if it still runs, and wait for its end; if this is canceled, kill the program."""
    task.cancel()
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise


async def _either(task: "asyncio.Task[Ended]", changed: asyncio.Event, seconds: float | None) -> None:
    """Wait for the end of ``task`` or for a change, for at most ``seconds``."""
    waiter = asyncio.create_task(changed.wait())
    both: set[asyncio.Task[Any]] = {task, waiter}
    try:
        await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()


def _words_of(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"
