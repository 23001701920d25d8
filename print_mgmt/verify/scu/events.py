"""PRN-E-3: the handling of events of the printer and of print jobs by a print SCU."""

from dataclasses import dataclass
from typing import Any

from dimse.data import Dataset
from dimse.message import NEventReportRQ, NEventReportRSP
from dimse.uids import (
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    Printer,
    PrinterInstance,
    PrintJob,
)
from dimse.verify import Case, Close, Flags, Level, SubCase
from dimse.verify.case import CaseRun
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    DEVIATED,
    RULE_BROKEN,
    SILENCE,
    Aborted,
    Answered,
    Asked,
    Broken,
    Closed,
    Deviated,
    Garbled,
    Kept,
    Observation,
    Outcomes,
    ReleaseAsked,
    Seen,
    Silent,
)
from dimse.verify.scu import Exchange, Reaction, ScuPeer, Visit
from dimse.verify.scu.outcomes import Observe, crash, goes_on, require_reached
from dimse.verify.scu.reactions import with_fields
from dimse.verify.scu.visit import ASSOCIATE

from ..film import JOB_REFERENCE
from .material import (
    CRASHED,
    PRINTER_GET,
    RELEASE,
    accepting,
    encoded,
    print_case,
    require_operation,
    run_with,
    with_data,
)
from .plain_printer import SUPPORTED, references

__all__ = ["PRN_E_3"]

_FIRST_ID = 1000  # the Message ID of the first event
_MANY = 100  # events in a row
_NORMAL, _WARNING, _FAILURE, _UNKNOWN = 1, 2, 3, 99  # Event Type IDs of the printer
_PRINTING, _DONE, _FAILED = 2, 3, 4  # Event Type IDs of a job
_NO_SUCH_EVENT = 0x0113
_THIRD = 3  # the number of a request; most cases send their event just before or just after its response
_PRINTER_CONTEXTS = (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta, Printer)
_SUPPLY_LOW = Dataset(PrinterStatusInfo="SUPPLY LOW")
_JAMMED = Dataset(PrinterStatusInfo="FILM JAM", PrinterName="PLAIN")


@dataclass(frozen=True, slots=True)
class Event:
    """An event to send. ``number`` is its Event Type ID."""

    number: int
    data: Dataset | None = None
    message_id: int = _FIRST_ID


def send_event(exchange: Exchange, event: Event, *, sop_class: str = Printer, instance: str = PrinterInstance) -> None:
    """Send an N-EVENT-REPORT-RQ on a context for its SOP Class; send nothing if there is none."""
    wire = exchange.wire
    wanted = _PRINTER_CONTEXTS if sop_class == Printer else (sop_class,)
    number = next((each for each, (abstract, _) in wire.contexts.items() if abstract in wanted), None)
    if number is None:
        return
    on_context = Exchange(exchange.visit, wire, exchange.asked, number)
    request = NEventReportRQ(
        MessageID=event.message_id,
        AffectedSOPClassUID=sop_class,
        AffectedSOPInstanceUID=instance,
        EventTypeID=event.number,
        Data=None if event.data is None else encoded(on_context, event.data),
    )
    wire.say(request, number)


def before_answer(*events: Event) -> Reaction:
    """Return the reaction that sends events, and then the right answer."""

    async def react(exchange: Exchange) -> None:
        for event in events:
            send_event(exchange, event)
        exchange.proceed()

    return react


def after_answer(*events: Event) -> Reaction:
    """Return the reaction that gives the right answer, and then sends events."""

    async def react(exchange: Exchange) -> None:
        exchange.proceed()
        for event in events:
            send_event(exchange, event)

    return react


def _confirmations(visit: Visit) -> list[tuple[int, Answered]]:
    """Return the confirmations, each with the number of requests that came before it, but after the first event."""
    found, asked = [], 0
    for seen in visit.after():
        asked += isinstance(seen, Asked)
        if isinstance(seen, Answered) and isinstance(seen.message, NEventReportRSP):
            found.append((asked, seen))
    return found


def _responded(seen: Answered) -> int:
    return int(getattr(seen.message, "MessageIDBeingRespondedTo", -1))


def _first_failure(visit: Visit) -> Seen | None:
    return next((seen for seen in visit.after() if isinstance(seen, Aborted | Silent | Garbled)), None)


def judge_confirmation(peer: ScuPeer, visit: Visit) -> Observation:
    """Judge whether the SCU confirmed the event and went on."""
    if found := crash(visit):
        return found
    require_reached(visit)
    if (bad := _first_failure(visit)) is not None:
        return (bad,)
    confirmations = _confirmations(visit)
    if not confirmations:
        return (Broken("no N-EVENT-REPORT-RSP"),)
    asked, seen = confirmations[0]
    if _responded(seen) != _FIRST_ID:
        return (Broken(f"Message ID Being Responded To is {_responded(seen)}, not {_FIRST_ID}"),)
    contexts = visit.first_reaction[0].contexts if visit.first_reaction else {}
    abstract = contexts[seen.context_id][0] if seen.context_id in contexts else ""
    if abstract not in _PRINTER_CONTEXTS:
        return (Broken(f"the confirmation is on context {seen.context_id}, which is not for the printer"),)
    rest = goes_on(peer, visit)
    if not isinstance(rest[0], Kept):
        return rest
    if seen.status:
        return (Deviated(f"confirmed with status {seen.status:04X}H"),)
    if asked:
        return (Deviated("the confirmation came after the next request"),)
    return (Kept("the SCU confirms the event and goes on"),)


def judge_any_confirmation(_peer: ScuPeer, visit: Visit) -> Observation:
    """Judge whether the SCU confirmed the event; it may then stop."""
    if found := crash(visit):
        return found
    require_reached(visit)
    confirmations = _confirmations(visit)
    if not confirmations:
        bad = _first_failure(visit)
        return (bad or Broken("no N-EVENT-REPORT-RSP"),)
    status = confirmations[0][1].status
    if _responded(confirmations[0][1]) != _FIRST_ID:
        return (Broken(f"Message ID Being Responded To is {_responded(confirmations[0][1])}, not {_FIRST_ID}"),)
    return (Deviated(f"confirmed with status {status:04X}H"),) if status else (Kept("confirmed"),)


def _judge_status(_peer: ScuPeer, visit: Visit) -> Observation:
    """Return the status of the confirmation, the abort that came instead, or `Broken`."""
    if found := crash(visit):
        return found
    require_reached(visit)
    confirmations = _confirmations(visit)
    if confirmations:
        return (Answered(confirmations[0][1].status),)
    bad = next((seen for seen in visit.after() if isinstance(seen, Aborted | Silent | Garbled | Closed)), None)
    return (bad if isinstance(bad, Aborted) else Broken("no N-EVENT-REPORT-RSP"),)


def _judge_all_confirmations(peer: ScuPeer, visit: Visit) -> Observation:
    """Judge whether the SCU confirmed all events in a row, in their order, and went on."""
    if found := crash(visit):
        return found
    require_reached(visit)
    if (bad := _first_failure(visit)) is not None:
        return (bad,)
    numbers = [_responded(seen) for _, seen in _confirmations(visit)]
    if numbers != list(range(_FIRST_ID, _FIRST_ID + _MANY)):
        return (Broken(f"{len(numbers)} confirmations, which do not answer the {_MANY} events in their order"),)
    return goes_on(peer, visit)


def _at_third(reaction: Reaction, observe: Observe) -> CaseRun:
    """Return the run with a reaction to the third request, or to the last one if there are fewer."""

    async def run(peer: ScuPeer) -> Observation:
        number = min(_THIRD, len(peer.plain_visit().operations))
        return observe(peer, await peer.visit({("*", number): reaction}))

    return run


# --- jobs ---


def with_job(*numbers: int) -> Reaction:
    """Return the reaction that answers N-ACTION with a print job, and sends its events, of the types ``numbers``.

    Without a context for Print Job, it gives the plain answer.
    """

    async def react(exchange: Exchange) -> None:
        uid = f"2.25.{exchange.visit.random.getrandbits(100)}"
        if all(abstract != PrintJob for abstract, _ in exchange.wire.contexts.values()):
            exchange.proceed()
            return
        data = Dataset()
        data[JOB_REFERENCE] = references([(PrintJob, uid)])
        exchange.proceed(Data=encoded(exchange, data))
        for number, kind in enumerate(numbers):
            info = Dataset(ExecutionStatusInfo="NORMAL" if kind != _FAILED else "CHECK PRINTER")
            event = Event(kind, info, _FIRST_ID + number)
            send_event(exchange, event, sop_class=PrintJob, instance=uid)

    return react


def _job_confirmations(count: int) -> Observe:
    """Return a function that judges whether the SCU confirmed the ``count`` events of its job."""

    def observe(_peer: ScuPeer, visit: Visit) -> Observation:
        if found := crash(visit):
            return found
        require_reached(visit)
        assert visit.first_reaction is not None
        if all(abstract != PrintJob for abstract, _ in visit.first_reaction[0].contexts.values()):
            return (Deviated("no context for Print Job on the association that prints"),)
        after = visit.after()
        confirmations = [seen for _, seen in _confirmations(visit)]
        aborted = next((seen for seen in after if isinstance(seen, Aborted)), None)
        if len(confirmations) < count:
            asked = sum(isinstance(seen, Asked) for seen in after)
            if asked > 1:
                return (Broken("an event is not confirmed, although later requests were sent"),)
            if any(isinstance(seen, Silent) for seen in after):
                return (Silent(),)
            released = any(isinstance(seen, ReleaseAsked) for seen in after)
            early = Deviated("the SCU releases the association before it confirms the events")
            return (early,) if released else (aborted or Closed(),)
        wrong = [seen for number, seen in enumerate(confirmations) if _responded(seen) != _FIRST_ID + number]
        contexts = visit.first_reaction[0].contexts
        wrong += [seen for seen in confirmations if contexts.get(seen.context_id or 0, ("",))[0] != PrintJob]
        if wrong:
            return (
                Broken(f"a wrong confirmation, of Message ID {_responded(wrong[0])} on context {wrong[0].context_id}"),
            )
        status = next((seen.status for seen in confirmations if seen.status), None)
        return (Deviated(f"confirmed with status {status:04X}H"),) if status else (Kept(f"{count} events confirmed"),)

    return observe


_WITH_JOBS = (*SUPPORTED, PrintJob)


def _job_run(*numbers: int) -> CaseRun:
    table = {("N-ACTION", 1): with_job(*numbers)}
    return run_with(table, _job_confirmations(len(numbers)), service=accepting(*_WITH_JOBS))


# --- N-GET of the printer ---


def _printer_get(reaction: Reaction) -> CaseRun:
    """Return the run with a reaction to the first N-GET of the printer; afterwards the SCU may release."""

    async def run(peer: ScuPeer) -> Observation:
        require_operation(peer, PRINTER_GET)
        visit = await peer.visit({(PRINTER_GET, 1): reaction})
        found = goes_on(peer, visit)
        return (Kept("the SCU releases the association"),) if found == (RELEASE,) else found

    return run


def _in_state(status: str) -> Reaction:
    def change(data: Dataset, _: Exchange) -> Dataset:
        data["PrinterStatus"] = status
        data["PrinterStatusInfo"] = "SUPPLY LOW" if status == "WARNING" else "FILM JAM"
        return data

    return with_data(change)


def _case(number: str, title: str, section: str, run: CaseRun, **more: Any) -> Case:
    return print_case(f"PRN-E-3.{number}", title, section, run, **more)


_CONFIRMATION = "('The SCU shall return the confirmation')"
_UNCONFIRMED: Outcomes = (RULE_BROKEN, ABORT, CLOSED, RELEASE, SILENCE, CRASHED, Garbled())

PRN_E_3: tuple[Case, ...] = (
    _case(
        "01",
        "A printer event between request and response",
        f"PS3.4 H.4.6.2.1.2 {_CONFIRMATION}; PS3.7 §10.3.1.2",
        _at_third(before_answer(Event(_WARNING, _SUPPLY_LOW)), judge_confirmation),
        nonstrict=(DEVIATED,),
        fails=_UNCONFIRMED,
    ),
    _case(
        "02",
        "A printer event before the first request, and while the SCU is idle",
        "PS3.4 H.4.6.2.1.2",
        run_with({(ASSOCIATE, 1): after_answer(Event(_WARNING, _SUPPLY_LOW))}, judge_confirmation),
        subcases=(
            SubCase(
                name="after a response", run=_at_third(after_answer(Event(_WARNING, _SUPPLY_LOW)), judge_confirmation)
            ),
        ),
        nonstrict=(DEVIATED,),
        fails=_UNCONFIRMED,
    ),
    _case(
        "03",
        "Normal and Failure events",
        "PS3.4 H.4.6.2.1.1, H.4.6.2.1.2",
        _at_third(before_answer(Event(_NORMAL)), judge_any_confirmation),
        subcases=(
            SubCase(name="Failure", run=_at_third(before_answer(Event(_FAILURE, _JAMMED)), judge_any_confirmation)),
        ),
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, SILENCE, ABORT, CRASHED),
        close=Close.EITHER,
    ),
    _case(
        "04",
        "An Event Type ID that does not exist",
        "PS3.7 §10.1.1.1.8 (0113)",
        _at_third(before_answer(Event(_UNKNOWN)), _judge_status),
        level=Level.SHOULD,
        passes=(Answered(_NO_SUCH_EVENT),),
        nonstrict=(Answered(),),
        fails=(RULE_BROKEN, ABORT, CRASHED),
    ),
    _case(
        "05",
        "Job events",
        f"PS3.4 H.4.5.2.1.2 {_CONFIRMATION}",
        _job_run(_PRINTING, _DONE),
        subcases=(
            SubCase(name="Failure", run=_job_run(_PRINTING, _FAILED)),
            SubCase(name="no Done", run=_job_run(_PRINTING)),
        ),
        needs=Flags.SCU_JOBS,
        nonstrict=(DEVIATED,),
        fails=(RULE_BROKEN, ABORT, SILENCE, CRASHED),
    ),
    _case(
        "06",
        "A hundred events in a row",
        "PS3.4 H.4.6.2.1.2",
        _at_third(
            before_answer(*(Event(_WARNING, _SUPPLY_LOW, _FIRST_ID + each) for each in range(_MANY))),
            _judge_all_confirmations,
        ),
        level=Level.SHOULD,
        nonstrict=(ABORT,),
        fails=(SILENCE, RULE_BROKEN, CRASHED),
        close=Close.EITHER,
    ),
    _case(
        "07",
        "Printer N-GET answers that are not plain success",
        "PS3.4 H.4.6.2.2",
        _printer_get(with_fields(Status=0x0107)),
        level=Level.SHOULD,
        subcases=(
            SubCase(name="0105", run=_printer_get(with_fields(Status=0x0105, Data=None))),
            SubCase(name="0000 without data set", run=_printer_get(with_fields(Data=None))),
            SubCase(name="WARNING", run=_printer_get(_in_state("WARNING"))),
            SubCase(name="FAILURE", run=_printer_get(_in_state("FAILURE"))),
        ),
        nonstrict=(ABORT,),
        fails=(SILENCE, CRASHED),
        close=Close.EITHER,
    ),
)
