"""The film that many cases share: it is printed once, and all of these cases judge what the tester observed.

With ``--max-films 1``, it is the only film of a run.
"""

from dataclasses import dataclass, field

from dimse.data import Dataset
from dimse.message import NEventReportRQ
from dimse.uids import PrintJob, is_valid_uid
from dimse.verify import Flags, Peer, Unprepared
from dimse.verify.observation import Asked, Seen, Silent

from .conversation import Conversation, conversation, references

__all__ = [
    "END_OF_JOB",
    "JOB_REFERENCE",
    "PrintedFilm",
    "data_of",
    "forget_film",
    "is_of_job",
    "next_event",
    "printed_film",
]

END_OF_JOB = (3, 4)  # Event Type IDs: Done, Failure
JOB_REFERENCE = "ReferencedPrintJobSequencePullStoredPrint"  # the name of (2100,0500) in PS3.6
_FILM = "print: the film"
_PAUSE = 1.0  # seconds, at most, between the two N-GETs of a job whose end was confirmed


@dataclass(slots=True)
class PrintedFilm:
    """The observations of a film that the case ``case_id`` printed; ``job`` is the UID of its Print Job, or "".

    ``events`` are the events of the job. Those of the printer may come at any time, and do not count.
    """

    case_id: str
    print_answer: Seen
    job: str = ""
    first_get: Seen | None = None  # the answer to an N-GET of the job that was sent before its end was confirmed
    ended_first: bool = False  # the end was confirmed before the answer to ``first_get`` came
    events: list[NEventReportRQ] = field(default_factory=list)
    gets_after_end: list[Seen] = field(default_factory=list)  # answers to N-GET of the job after its confirmed end
    last_get: Seen | None = None  # the answer to N-GET of the job if no event reported its end

    @property
    def is_ended(self) -> bool:
        """Whether an event reported the end of the job."""
        return any(event.EventTypeID in END_OF_JOB for event in self.events)


def forget_film(peer: Peer) -> None:
    """Let the next case print a film of its own."""
    peer.shared.found.pop(_FILM, None)


async def printed_film(peer: Peer) -> PrintedFilm:
    """Return the film of the run; print it if there is none yet.

    If the response names a Print Job, get the job, and wait for its events until it ends, or until --patience is over.
    Raises `Unprepared`, with the verdict SKIPPED if --max-films is used up.
    """
    found = peer.shared.found.get(_FILM)
    if isinstance(found, PrintedFilm):
        peer.trace.note(0, f"the film that {found.case_id} printed is judged; the trace of that case shows it")
        return found
    further = (PrintJob,) if Flags.JOBS in peer.flags else ()
    async with conversation(peer, *further) as talk:
        await talk.prepare_image()
        film = PrintedFilm(peer.case_id, await talk.print())
        peer.shared.found[_FILM] = film
        named = references(film.print_answer, JOB_REFERENCE)
        if named and further and is_valid_uid(named[0][1]):
            film.job = named[0][1]
            await _follow(talk, film)
    return film


async def _follow(talk: Conversation, film: PrintedFilm) -> None:
    """Get the job, and then receive its events until it ends."""
    film.first_get = await _get_job(talk, film, is_first=True)
    patience = talk.peer.target.slow_patience if Flags.SLOW in talk.peer.flags else talk.options.patience
    while not film.is_ended and (event := await next_event(talk, patience)) is not None:
        _take_event(talk, film, event)
    if not film.is_ended:
        film.last_get = await talk.get(PrintJob, film.job)
        return
    film.gets_after_end.append(await _get_job(talk, film))
    if getattr(film.gets_after_end[0], "status", None) == 0:
        if (event := await next_event(talk, min(_PAUSE, talk.peer.timeout))) is not None:
            _take_event(talk, film, event)
        film.gets_after_end.append(await _get_job(talk, film))


async def _get_job(talk: Conversation, film: PrintedFilm, *, is_first: bool = False) -> Seen:
    """Return the answer to N-GET of the job; take the events that come before the answer."""
    talk.say(talk.get_request(PrintJob, film.job))
    while True:
        seen = await talk.wire.next()
        if not (isinstance(seen, Asked) and isinstance(seen.message, NEventReportRQ)):
            return seen
        _take_event(talk, film, seen.message)
        film.ended_first |= is_first and film.is_ended


def _take_event(talk: Conversation, film: PrintedFilm, event: NEventReportRQ) -> None:
    """Confirm an event, and keep it if it is of the job of the film, and not of an earlier job."""
    talk.wire.confirm(event)
    if is_of_job(event) and event.AffectedSOPInstanceUID == film.job:
        film.events.append(event)


def is_of_job(event: NEventReportRQ) -> bool:
    """Return whether an event is of a Print Job, and not of the printer, which sends its events to all SCUs."""
    return event.AffectedSOPClassUID == PrintJob


async def next_event(talk: Conversation, seconds: float) -> NEventReportRQ | None:
    """Return the next event, or None if none comes within ``seconds``. Raises `Unprepared` if anything else comes."""
    seen = await talk.wire.next(seconds)
    if isinstance(seen, Asked) and isinstance(seen.message, NEventReportRQ):
        return seen.message
    if isinstance(seen, Silent):
        return None
    raise Unprepared(f"{seen} came instead of an event")


def data_of(seen: Seen) -> Dataset:
    """Return the Data Set of an answer, or an empty Data Set if it has none."""
    found = getattr(seen, "data", None)
    return found if isinstance(found, Dataset) else Dataset()
