"""PRN-L and PRN-E, printing: N-ACTION, and the Print Job of a film. --max-films limits the films of these cases."""

import asyncio
from collections.abc import Callable

from dimse.data import tag_of
from dimse.errors import shown
from dimse.message import NActionRSP
from dimse.uids import BasicFilmSession, PrintJob
from dimse.verify import Case, Flags, Level, Peer, Unprepared
from dimse.verify.case import CaseRun
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    FAILURE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    SUCCESS,
    WARNING,
    Answered,
    Seen,
    matches,
    succeeded,
)

from ..conversation import Conversation, references, unimplemented
from ..film import END_OF_JOB, JOB_REFERENCE, PrintedFilm, data_of, forget_film, printed_film
from ..steps import Decided, Steps, on_print

__all__ = ["PRINTED"]

_PRINT_STATUSES = frozenset({0x0000, 0xB604, 0xB609, 0xB60A})
_NO_SUCH = Answered(0x0112)
_NOT_SUPPORTED = Answered(frozenset({0x0211, 0x0123}))
_QUEUE_FULL = Answered(0xC602)
_JOBS = tag_of(JOB_REFERENCE)
_NAMED = "Referenced Print Job Sequence"
_JOB_ENDS = "Execution Status of a job that is over is DONE or FAILURE"
_QUEUE_PAUSE = 5.0  # seconds before a second attempt if the queue of the printer is full
_EXECUTION = ("PENDING", "PRINTING", "DONE", "FAILURE")


def of_film(judge: Callable[[Steps, PrintedFilm], None]) -> CaseRun:
    """Return the run that judges the film that many cases share (`printed_film`)."""

    async def run(peer: Peer) -> Seen:
        film = await printed_film(peer)
        steps = Steps(peer)
        try:
            judge(steps, film)
        except Decided as decided:
            return decided.seen
        return steps.result()

    return run


async def print_film(peer: Peer) -> Seen:
    film = await printed_film(peer)
    if matches(_QUEUE_FULL, (film.print_answer,)) and peer.shared.films_left:
        forget_film(peer)
        await peer.dismiss()
        await asyncio.sleep(_QUEUE_PAUSE)
        film = await printed_film(peer)
    return film.print_answer


def _require_print(film: PrintedFilm) -> None:
    """Raise `Unprepared` if the film was not printed."""
    if not succeeded(film.print_answer):
        raise Unprepared(f"the film was not printed: {film.print_answer}")


def judge_job_reference(steps: Steps, film: PrintedFilm) -> None:
    _require_print(film)
    named = references(film.print_answer, JOB_REFERENCE)
    message = film.print_answer.message if isinstance(film.print_answer, Answered) else None
    others = [element.keyword or str(element.tag) for element in data_of(film.print_answer) if element.tag != _JOBS]
    instead = f"; the response has {', '.join(others)}" if others else ""
    steps.require(
        bool(named), f"{_NAMED} is present", f"no (2100,0500) in the response, though Print Job was negotiated{instead}"
    )
    steps.require(len(named) == 1, f"{_NAMED} has one item", f"{len(named)} items in Referenced Print Job Sequence")
    observed = f"Referenced SOP Class UID is {named[0][0]}, not Print Job"
    steps.require(named[0][0] == PrintJob, "Referenced SOP Class UID is Print Job", observed)
    number = message.ActionTypeID if isinstance(message, NActionRSP) else None
    steps.require(number is not None, "an Action Reply has Action Type ID", "an Action Reply without Action Type ID")
    steps.require(number == 1, "Action Type ID is as in the request", f"Action Type ID {number}; 1 was requested")
    steps.prefer(not others, "the Action Reply has nothing else", f"beside the Print Job: {', '.join(others)}")
    steps.record(f"the job {named[0][1]}")


def _require_job(film: PrintedFilm) -> None:
    """Raise `Unprepared` if the film was not printed, or has no Print Job."""
    _require_print(film)
    if not film.job:
        raise Unprepared("the response names no Print Job")


def judge_job_attributes(steps: Steps, film: PrintedFilm) -> None:
    _require_job(film)
    if film.first_get is None:
        raise Unprepared("no N-GET of the job was sent")
    if film.ended_first and matches(_NO_SUCH, (film.first_get,)):
        steps.record("RSP(0112): the end of the job had been confirmed")
        return
    steps.judge("N-GET of the job", film.first_get, kept=(SUCCESS,), deviated=(Answered(0x0107),))
    found = data_of(film.first_get)
    status = found.get("ExecutionStatus")
    steps.require(status in _EXECUTION, "Execution Status has a defined value", f"Execution Status is {shown(status)}")
    for keyword in ("ExecutionStatusInfo", "PrintPriority"):
        steps.require(found.get(keyword) is not None, f"{keyword} has a value", f"{keyword} is absent or empty")


def judge_job_end(steps: Steps, film: PrintedFilm) -> None:
    _require_job(film)
    numbers = [event.EventTypeID for event in film.events]
    seen = f"events {', '.join(map(str, numbers)) or 'none'}"
    if not film.is_ended:
        if film.last_get is None:
            raise Unprepared("the end of the job was not reported, and no N-GET asked for it")
        status = data_of(film.last_get).get("ExecutionStatus")
        steps.require(status in ("DONE", "FAILURE"), _JOB_ENDS, f"{seen}; Execution Status is {shown(status)}")
        steps.prefer(False, "an event reports the end of the job", f"{seen}; N-GET returns {shown(status)}")
        return
    ends = [number for number in numbers if number in END_OF_JOB]
    is_last = numbers[-1] in END_OF_JOB and len(ends) == 1
    steps.require(is_last, "the end of the job is the last event", f"{seen}: an event after the end")
    steps.prefer(len(numbers) > 1, "an event before the end", f"{seen}: nothing before the end")
    steps.record(seen)


def judge_job_is_gone(steps: Steps, film: PrintedFilm) -> None:
    _require_job(film)
    if not film.gets_after_end:
        raise Unprepared("neither Done nor Failure was reported")
    first, last = film.gets_after_end[0], film.gets_after_end[-1]
    if matches(_NO_SUCH, (first,)):
        steps.record("RSP(0112)")
    elif matches(SUCCESS, (first,)):
        steps.judge("N-GET of the job, the second time", last, kept=(), deviated=(_NO_SUCH, FAILURE), broken=(SUCCESS,))
    else:
        steps.judge("N-GET of the job", first, kept=(), deviated=(FAILURE,), broken=())


# --- cases that print films of their own ---


async def print_empty_film(talk: Conversation) -> Seen:
    await talk.prepare_film_box()
    return await talk.print()


async def print_empty_session(talk: Conversation) -> Seen:
    await talk.prepare_session()
    seen = await talk.print_nothing()
    if matches(_NOT_SUPPORTED, (seen,)):
        raise unimplemented(f"{seen}: the peer does not support N-ACTION of the film session")
    return seen


async def print_session(talk: Conversation) -> Seen:
    await talk.prepare_image()
    films = 1
    if Flags.FILM2 in talk.peer.flags and talk.peer.shared.films_left > 1:
        seen = await talk.create_film_box(talk.film_box(talk.layout))
        if succeeded(seen):
            await talk.prepare_image()
            films = 2
    return await talk.print(BasicFilmSession, talk.session_uid, films=films)


async def request_unknown_action(talk: Conversation) -> Seen:
    await talk.prepare_image()
    return await talk.print(number=2)


async def print_twice(talk: Conversation) -> Seen:
    steps = Steps(talk.peer)
    await talk.prepare_image()
    if talk.peer.shared.films_left < 2:
        await talk.print(films=2)  # raises `Unprepared`, which names the option
    steps.judge("N-ACTION", await talk.print())
    steps.judge("N-SET", await talk.set_image(talk.plain_image()))
    steps.judge("N-ACTION again", await talk.print())
    return steps.result()


_REFUSED = (ABORT, SILENCE, FAILURE)

PRINTED: tuple[Case, ...] = (
    Case(
        id="PRN-L-1.08",
        title="Print a film box",
        section="PS3.4 H.4.2.2.4",
        level=Level.MUST,
        needs=Flags.PRINT | Flags.FILM,
        run=print_film,
        passes=(Answered(_PRINT_STATUSES),),
        nonstrict=(_QUEUE_FULL,),
        fails=_REFUSED,
    ),
    Case(
        id="PRN-L-1.09",
        title="The reply names the Print Job, and nothing else",
        section="PS3.4 H.4.2.2.4.1 Table H.4-8; PS3.7 §10.1.4.1.5",
        level=Level.MUST,
        needs=Flags.JOBS | Flags.FILM,
        run=of_film(judge_job_reference),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="PRN-L-1.10",
        title="An empty film",
        section="PS3.4 H.4.2.2.4.2 Table H.4-9 (B603)",
        level=Level.SHOULD,
        needs=Flags.PRINT | Flags.FILM,
        run=on_print(print_empty_film),
        passes=(Answered(0xB603),),
        nonstrict=(SUCCESS, FAILURE),
        fails=(ABORT, SILENCE),
    ),
    Case(
        id="PRN-L-1.11",
        title="Print a session without film boxes",
        section="PS3.4 H.4.1.2.4.2 Table H.4-4 (C600)",
        level=Level.MUST,
        needs=Flags.PRINT | Flags.SESSION_ACTION,
        run=on_print(print_empty_session),
        passes=(Answered(0xC600),),
        nonstrict=(FAILURE, ABORT, CLOSED),
        fails=(SUCCESS, WARNING, SILENCE),
    ),
    Case(
        id="PRN-L-1.12",
        title="Print a session",
        section="PS3.4 H.4.1.2.4",
        level=Level.MUST,
        needs=Flags.PRINT | Flags.SESSION_ACTION | Flags.FILM,
        run=on_print(print_session),
        passes=(Answered(_PRINT_STATUSES | {0xB601}),),
        nonstrict=(Answered(0xC601),),
        fails=_REFUSED,
    ),
    Case(
        id="PRN-L-1.13",
        title="An Action Type ID that does not exist",
        section="PS3.7 §10.1.4.1.10 (0123); PS3.4 Table H.4-8",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=on_print(request_unknown_action),
        passes=(Answered(0x0123),),
        nonstrict=(FAILURE, ABORT, CLOSED),
        fails=(SUCCESS, WARNING, SILENCE),
    ),
    Case(
        id="PRN-L-1.22",
        title="A printed film can be changed and printed again",
        section="PS3.4 H.4.2.2.4.3 ('may further update the working SOP Instances')",
        level=Level.MUST,
        needs=Flags.PRINT | Flags.FILM2,
        run=on_print(print_twice),
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN, ABORT, SILENCE),
    ),
    Case(
        id="PRN-E-2.01",
        title="Print Job N-GET",
        section="PS3.4 H.4.5.2.2.1 Table H.4-15 (U/M)",
        level=Level.MUST,
        needs=Flags.JOBS | Flags.FILM,
        run=of_film(judge_job_attributes),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, ABORT, SILENCE),
    ),
    Case(
        id="PRN-E-2.03",
        title="The end of a job is reported",
        section="PS3.4 H.4.5.2.1.2 ('to inform the SCU about each execution change')",
        level=Level.SHOULD,
        needs=Flags.JOBS | Flags.FILM | Flags.SLOW,
        run=of_film(judge_job_end),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN,),
    ),
    Case(
        id="PRN-E-2.05",
        title="A job is deleted when its end is confirmed",
        section="PS3.4 H.4.5.2.1.2 ('shall delete the Print Job SOP Instance after receiving a confirmation')",
        level=Level.MUST,
        needs=Flags.JOBS | Flags.FILM,
        run=of_film(judge_job_is_gone),
        passes=(RULE_KEPT,),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, ABORT, SILENCE),
    ),
)
