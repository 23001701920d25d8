"""PRN-E, events: their form, the associations that receive them, and missing confirmations."""

import asyncio
import shlex

from dimse.errors import shown
from dimse.message import NEventReportRQ
from dimse.uids import BasicFilmBox, Printer, PrinterInstance, PrintJob
from dimse.ul import ReleaseRQ
from dimse.verify import Case, Flags, Level, Peer, SubCase, Unprepared
from dimse.verify.case import CaseRun
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    DEAD,
    DEVIATED,
    RELEASED,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    Asked,
    Broken,
    Kept,
    Observation,
    Seen,
    Silent,
    Then,
    succeeded,
)
from dimse.verify.verdict import Close

from ..conversation import Conversation, conversation
from ..film import END_OF_JOB, data_of, is_of_job, next_event
from ..rules import EventRules

__all__ = ["EVENTS"]

_NO_SUCH_EVENT = 0x0113
_MAX_EVENTS = 8  # events in a row before what is judged; more of them make the case INCONCLUSIVE
_ID_OFFSET = 1000  # added to a Message ID to get one that the peer did not use


async def watch_from_another_association(peer: Peer) -> Seen:
    """Look for job events on an association that prints nothing.

    A second association prints and receives the events of its job. If --max-films allows it, a third association prints
    and is released at once.
    """
    async with conversation(peer, PrintJob) as watching:
        for stays_open in (True, False):
            if not stays_open and not peer.shared.films_left:
                break
            async with conversation(peer, PrintJob) as printing:
                await _print_job(printing, stays_open=stays_open)
                if not stays_open:
                    await printing.wire.release(peer.target.preparation)
        seen = await _job_event_or_end(watching)
        if isinstance(seen, Asked) and isinstance(seen.message, NEventReportRQ):
            return Broken(f"an event of {seen.message.AffectedSOPInstanceUID} on another association")
    return Kept("no job event on the other association") if isinstance(seen, Silent) else seen


async def _job_event_or_end(talk: Conversation) -> Seen:
    """Return the next event of a job, or what comes in its place; confirm the events of the printer before it.

    Each association that uses the printer gets its events (PS3.4 H.4.6.2.1.2). Raises `Unprepared` after too many.
    """
    for _ in range(_MAX_EVENTS + 1):
        seen = await talk.wire.next()
        if not (isinstance(seen, Asked) and isinstance(seen.message, NEventReportRQ)) or is_of_job(seen.message):
            return seen
        talk.wire.confirm(seen.message)
    raise Unprepared(f"more than {_MAX_EVENTS} events of the printer")


async def _print_job(talk: Conversation, *, stays_open: bool) -> None:
    """Print; if the association stays open, confirm the events of the job. Raises `Unprepared` if printing fails."""
    await talk.prepare_image()
    answer = await talk.print()
    if not succeeded(answer):
        raise Unprepared(f"the film was not printed: {answer}")
    while stays_open and (event := await next_event(talk, talk.options.patience)) is not None:
        talk.wire.confirm(event)
        if is_of_job(event) and event.EventTypeID in END_OF_JOB:
            break


def unconfirmed(status: int | None = None, id_offset: int = 0) -> CaseRun:
    """Return the run in which no event of a job is confirmed correctly.

    Without ``status``, no event is confirmed at all. With ``status``, the first event is confirmed with this status,
    and with ``id_offset`` added to its Message ID.
    """

    async def run(peer: Peer) -> Observation:
        async with conversation(peer, PrintJob) as talk:
            await talk.prepare_image()
            event = await _first_event(talk)
            if status is not None:
                talk.wire.confirm(event, status, (event.MessageID + id_offset) & 0xFFFF)
            talk.say(talk.get_request(Printer, PrinterInstance))
            first = await _skip_events(talk)
            if not talk.wire.is_associated:
                return (first,)
            talk.wire.send(ReleaseRQ())
            return first, await _skip_events(talk)

    return run


async def _first_event(talk: Conversation) -> NEventReportRQ:
    """Print, and return the first event, which may also be one of the printer. Raises `Unprepared` if there is none."""
    talk.take_film()
    talk.say(talk.action(BasicFilmBox, talk.film_uid))
    events: list[NEventReportRQ] = []
    seen = await _skip_events(talk, events)
    if not succeeded(seen) and not events:  # some printers answer N-ACTION only after the event was confirmed
        raise Unprepared(f"the film was not printed: {seen}")
    event = events[0] if events else await next_event(talk, talk.options.patience)
    if event is None:
        raise Unprepared("no event came")
    return event


async def _skip_events(talk: Conversation, events: list[NEventReportRQ] | None = None) -> Seen:
    """Add the peer's events to ``events`` without confirming them; return the first other thing that the peer sends.

    Raises `Unprepared` after too many events.
    """
    for _ in range(_MAX_EVENTS + 1):
        seen = await talk.wire.next()
        if not (isinstance(seen, Asked) and isinstance(seen.message, NEventReportRQ)):
            return seen
        if events is not None:
            events.append(seen.message)
    raise Unprepared(f"more than {_MAX_EVENTS} events without a confirmation")


# --- events of the printer ---


async def change_status(peer: Peer) -> Seen:
    async with conversation(peer) as one, conversation(peer) as two:
        for word, number in (("warning", 2), ("normal", 1)):
            await _run_event_command(one, word)
            for name, talk in (("first", one), ("second", two)):
                event = await _printer_event(talk, number)
                if event is None:
                    return Broken(f"no event of type {number} on the {name} association after {word}")
            status = data_of(await one.get()).get("PrinterStatus")
            if status != word.upper():
                return Broken(f"after {word} N-GET returns {shown(status)}")
    return Kept("the events Warning and Normal came on both associations")


async def _printer_event(talk: Conversation, number: int) -> NEventReportRQ | None:
    """Return the event of the printer with this Event Type ID, or None; confirm all events up to it."""
    while (event := await next_event(talk, talk.options.patience)) is not None:
        talk.wire.confirm(event)
        if event.EventTypeID == number and event.AffectedSOPInstanceUID == PrinterInstance:
            return event
    return None


async def _run_event_command(talk: Conversation, word: str) -> None:
    """Run --event-command with ``word``, the new status of the printer. Raises `Unprepared` if that fails.

    A command that does not end within --patience is killed.
    """
    command = (*talk.options.event_command, word)
    talk.peer.trace.note(0, f"run {shlex.join(command)}")
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    except OSError as exc:
        raise Unprepared(f"--event-command: {exc}") from exc
    try:
        async with asyncio.timeout(talk.options.patience):
            status = await process.wait()
    except TimeoutError as exc:
        raise Unprepared(f"--event-command {word} did not end within {talk.options.patience:g} s") from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        raise Unprepared(f"--event-command {word} ended with exit status {status}")


EVENTS: tuple[Case, ...] = (
    Case(
        id="PRN-E-2.02",
        title="Print Job events are well formed",
        section="PS3.4 H.4.5.2.1.1 Table H.4-14; PS3.7 §10.3.1.1",
        level=Level.MUST,
        needs=Flags.JOBS | Flags.FILM,
        make_listener=EventRules,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="PRN-E-2.04",
        title="Job events come only on the association that made the job",
        section="PS3.4 H.4.5.2.1.2 ('shall only use the N-EVENT-REPORT within the context of the Association')",
        level=Level.MUST,
        needs=Flags.JOBS | Flags.FILM | Flags.TWO_ASSOC,
        run=watch_from_another_association,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="PRN-E-2.06",
        title="An event does not replace a response",
        section="PS3.7 §10.1 (confirmed services), §10.1.1.2",
        level=Level.MUST,
        needs=Flags.PRINT,
        make_listener=EventRules,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="PRN-E-2.07",
        title="An event that is never confirmed",
        section="PS3.8 §9.2 (release); PS3.4 H.4.5.2.1.2",
        level=Level.SHOULD,
        needs=Flags.JOBS | Flags.FILM,
        run=unconfirmed(),
        passes=(ABORT, *(Then(SUCCESS, each) for each in (RELEASED, CLOSED, ABORT))),
        nonstrict=(Then(SILENCE, RELEASED),),
        fails=(Then(SILENCE, SILENCE), DEAD),
        subcases=(
            SubCase(name="0113", run=unconfirmed(_NO_SUCH_EVENT)),
            SubCase(name="another Message ID", run=unconfirmed(0x0000, _ID_OFFSET)),
        ),
        close=Close.EITHER,
        risky=True,
    ),
    Case(
        id="PRN-E-2.08",
        title="Printer events are well formed",
        section="PS3.4 H.4.6.2.1.1 Table H.4-16",
        level=Level.MUST,
        needs=Flags.PRINT,
        make_listener=EventRules,
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
    Case(
        id="PRN-E-2.09",
        title="A change of the printer's status is reported on each association",
        section="PS3.4 H.4.6.2.1.2 ('shall send the events to all SCUs with which the SCP has an Association')",
        level=Level.MUST,
        needs=Flags.PRINT | Flags.TWO_ASSOC | Flags.EVENT_HOOK,
        run=change_status,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
    ),
)
