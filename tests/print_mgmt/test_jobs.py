"""Print jobs, their queue and the printer's state, PS3.3 C.13.8 and C.13.9, without a network."""

from copy import copy
from datetime import datetime

import pytest
from budget import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from made_films import film_copy, print_job

from dimse.data import Dataset, decode, encode, syntax_of
from dimse.errors import EncodeError, LocalProtocolError
from dimse.uids import ImplicitVRLittleEndian
from print_mgmt.jobs import JobFailed, PrinterState, PrintJob, PrintQueue

NOW = datetime(2024, 2, 29, 7, 8, 9)


# --- a job ---


def test_copies_are_collated() -> None:
    films = tuple(film_copy() for _ in range(4))
    exposures = PrintJob(films=films, copies=2).unprinted
    assert [exposure.number for exposure in exposures] == [1, 2, 3, 4, 1, 2, 3, 4]
    assert [exposure.copy for exposure in exposures] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert [exposure.film for exposure in exposures] == [*films, *films]


def test_copy_of_a_job_has_films_but_no_listeners() -> None:
    job = PrintJob(films=(film_copy(), film_copy()), copies=2)
    job.listeners.add(lambda _: None)
    twin = copy(job)
    assert twin.listeners == set()
    assert (twin.films, twin.unprinted) == (job.films, job.unprinted)
    assert (twin.SOPInstanceUID, twin.ExecutionStatus) == (job.SOPInstanceUID, job.ExecutionStatus)
    assert len(job.listeners) == 1


def test_listeners_hear_each_step() -> None:
    heard: list[tuple[int, str, str]] = []
    printed = print_job()
    printed.listeners.add(lambda job: heard.append((job.EventTypeID, job.ExecutionStatus, job.ExecutionStatusInfo)))
    queue = PrintQueue()
    assert queue.offer(printed, NOW)
    assert queue.take() is printed
    printed.become("DONE")
    assert heard == [(1, "PENDING", "QUEUED"), (2, "PRINTING", "NORMAL"), (3, "DONE", "NORMAL")]


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ((), "DONE"),
        ((), "FAILURE"),
        (("PRINTING",), "PENDING"),
        (("PRINTING",), "PRINTING"),
        (("PRINTING", "DONE"), "FAILURE"),
        (("PRINTING", "DONE"), "PENDING"),
        (("PRINTING", "FAILURE"), "PRINTING"),
    ],
)
def test_wrong_step_is_refused(steps: tuple[str, ...], wrong: str) -> None:
    infos = {"PENDING": "QUEUED", "FAILURE": "FILM JAM"}
    stepping = print_job()
    for status in steps:
        stepping.become(status, infos.get(status, "NORMAL"))
    before = (stepping.ExecutionStatus, stepping.ExecutionStatusInfo)
    with pytest.raises(LocalProtocolError, match=f"cannot become {wrong}"):
        stepping.become(wrong, infos.get(wrong, "NORMAL"))
    assert (stepping.ExecutionStatus, stepping.ExecutionStatusInfo) == before


def test_reason_of_a_failure_must_be_a_known_term() -> None:
    assert JobFailed("FILM JAM").ExecutionStatusInfo == "FILM JAM"
    assert str(JobFailed("COVER OPEN", "the door is open")) == "the door is open"
    with pytest.raises(EncodeError, match="ExecutionStatusInfo: 'NORMAL'"):
        JobFailed("NORMAL")


def test_attributes_and_events_have_their_values() -> None:
    printed = PrintJob(films=(film_copy(),), PrintPriority="HIGH", Originator="CT01", FilmSessionLabel="Knee")
    PrintQueue().offer(printed, NOW)
    assert printed.attributes() == Dataset(
        ExecutionStatus="PENDING",
        ExecutionStatusInfo="QUEUED",
        PrintPriority="HIGH",
        CreationDate="20240229",
        CreationTime="070809",
        PrinterName=None,
        Originator="CT01",
    )
    assert printed.event_information() == Dataset(
        ExecutionStatusInfo="QUEUED", FilmSessionLabel="Knee", PrinterName=None
    )


@given(originator=st.text(max_size=20), label=st.text(max_size=80))
def test_any_originator_and_label_can_be_encoded(originator: str, label: str) -> None:
    told = PrintJob(films=(film_copy(),), Originator=originator, FilmSessionLabel=label, PrinterName="Dünya")
    for dataset in (told.attributes(), told.event_information()):
        assert decode(encode(dataset, syntax_of(ImplicitVRLittleEndian)), syntax_of(ImplicitVRLittleEndian)) == dataset
        assert dataset.PrinterName == "Dünya"


def test_invalid_characters_become_question_marks() -> None:
    told = PrintJob(films=(film_copy(),), Originator="CT\x07\\1", FilmSessionLabel="Knie\u00fc\n" + "x" * 80)
    assert told.attributes().Originator == "CT??1"
    assert told.event_information().FilmSessionLabel == "Knie\u00fc?" + "x" * 58


# --- the queue ---


def test_jobs_are_sorted_by_priority_and_time() -> None:
    queue = PrintQueue()
    jobs = [print_job(PrintPriority=priority) for priority in ("LOW", "MED", "HIGH", "MED", "HIGH", "LOW")]
    assert all(queue.offer(waiting, NOW) for waiting in jobs)
    taken = [queue.take() for _ in jobs]
    assert [jobs.index(next_) for next_ in taken if next_] == [2, 4, 1, 3, 0, 5]
    assert queue.take() is None


def test_full_queue_refuses_jobs() -> None:
    queue = PrintQueue(length=1)
    first, second = print_job(), print_job()
    assert queue.offer(first, NOW)
    assert not queue.offer(second, NOW)
    assert queue.find(second.SOPInstanceUID) is None
    queue.take()
    assert queue.offer(second, NOW)


def test_waiting_job_cannot_be_offered_again() -> None:
    queue = PrintQueue()
    waiting = print_job()
    queue.offer(waiting, NOW)
    with pytest.raises(LocalProtocolError, match="already in the queue"):
        queue.offer(waiting, NOW)


def test_queue_refuses_a_printing_job_of_another_queue() -> None:
    other, queue = PrintQueue(), PrintQueue()
    job = print_job()
    other.offer(job, NOW)
    other.take()
    with pytest.raises(LocalProtocolError, match="cannot become PENDING"):
        queue.offer(job, NOW)
    assert (queue.take(), queue.find(job.SOPInstanceUID)) == (None, None)


def test_memory_is_bounded_but_one_job_always_fits() -> None:
    queue = PrintQueue(memory=100)
    large = print_job(200)
    assert queue.offer(large, NOW)
    assert not queue.offer(print_job(1), NOW)
    queue.take()
    assert not queue.offer(print_job(1), NOW), "it is being printed"
    large.become("DONE")
    queue.finish(large)
    assert queue.offer(print_job(60), NOW)
    assert not queue.offer(print_job(41), NOW)
    assert queue.offer(print_job(40), NOW)


def failed_job(queue: PrintQueue) -> PrintJob:
    """Return a job whose first film of two is printed."""
    job = PrintJob(films=(film_copy(), film_copy()))
    queue.offer(job, NOW)
    queue.take()
    del job.unprinted[0]
    job.become("FAILURE", "FILM JAM")
    queue.finish(job)
    return job


def test_confirmed_failed_job_is_kept_but_not_found() -> None:
    queue = PrintQueue()
    job = failed_job(queue)
    job.confirmed = True
    assert queue.find(job.SOPInstanceUID) is None
    assert queue.failed == (job,)


def test_failed_job_is_offered_with_its_unprinted_films() -> None:
    queue = PrintQueue()
    job = failed_job(queue)
    assert queue.offer(job, datetime(2030, 1, 1))
    assert job.CreationDate == "20240229"
    assert queue.find(job.SOPInstanceUID) is job
    assert queue.take() is job
    assert [exposure.number for exposure in job.unprinted] == [2]


def ended(queue: PrintQueue, job: PrintJob, ExecutionStatus: str = "FAILURE") -> PrintJob:
    """Offer a job to the queue, print and finish it."""
    assert queue.offer(job, NOW)
    while queue.take() is not job:
        pass
    job.become(ExecutionStatus, "UNKNOWN" if ExecutionStatus == "FAILURE" else "NORMAL")
    queue.finish(job)
    return job


def test_failed_job_is_never_dropped_for_another() -> None:
    queue = PrintQueue(memory=100)
    failed = [ended(queue, print_job(30)) for _ in range(3)]
    assert not queue.offer(print_job(11), NOW)
    assert queue.offer(print_job(10), NOW)
    assert queue.failed == tuple(failed)


def test_failed_job_outlives_the_history() -> None:
    queue = PrintQueue(history=2)
    failed = ended(queue, print_job())
    for _ in range(10):
        ended(queue, print_job(), "DONE")
    assert queue.failed == (failed,)
    assert failed.unprinted


def test_failed_jobs_are_offered_again_beyond_the_length() -> None:
    queue = PrintQueue(length=2)
    failed = [ended(queue, print_job()) for _ in range(5)]
    assert all(queue.offer(job, NOW) for job in failed)
    assert not queue.offer(print_job(), NOW)
    assert [queue.take() for _ in range(5)] == failed


def test_discarded_job_leaves_room_and_no_films() -> None:
    queue = PrintQueue(memory=100)
    failed = ended(queue, print_job(100))
    assert not queue.offer(print_job(1), NOW)
    queue.discard(failed)
    assert queue.offer(print_job(100), NOW)
    assert (queue.failed, failed.films, failed.unprinted) == ((), (), [])
    assert queue.find(failed.SOPInstanceUID) is failed


def test_only_a_failed_job_is_discarded() -> None:
    queue = PrintQueue()
    done = ended(queue, print_job(), "DONE")
    with pytest.raises(LocalProtocolError, match="not one of the failed jobs"):
        queue.discard(done)


def test_one_host_leaves_memory_for_the_others() -> None:
    queue = PrintQueue(memory=100, host_memory=50)
    assert queue.offer(print_job(50, host="10.0.0.1"), NOW)
    assert not queue.offer(print_job(1, host="10.0.0.1"), NOW)
    assert queue.offer(print_job(50, host="10.0.0.2"), NOW)


def test_further_copies_count() -> None:
    assert print_job(1, copies=99).nbytes > 98 * 64


def test_done_job_cannot_be_offered_again() -> None:
    """This holds even after the history has forgotten the job: otherwise, the queue would lose its next job."""
    queue = PrintQueue(history=0)
    printed, waiting = print_job(), print_job()
    queue.offer(printed, NOW)
    queue.take()
    printed.become("DONE")
    queue.finish(printed)
    with pytest.raises(LocalProtocolError, match="is DONE or discarded"):
        queue.offer(printed, NOW)
    assert queue.offer(waiting, NOW)
    assert queue.take() is waiting


def test_discarded_job_cannot_be_offered_again() -> None:
    """This holds even after the history has forgotten the job: otherwise, a job without films would be printed."""
    queue = PrintQueue(history=1)
    given_up = [ended(queue, print_job()) for _ in range(2)]
    for job in given_up:
        queue.discard(job)
    for job in given_up:
        with pytest.raises(LocalProtocolError, match="is DONE or discarded"):
            queue.offer(job, NOW)
        assert job.ExecutionStatus == "FAILURE"


def test_failed_job_of_another_queue_can_be_offered() -> None:
    failed = ended(PrintQueue(), print_job())
    assert PrintQueue().offer(failed, NOW)


def test_last_done_jobs_are_found() -> None:
    queue = PrintQueue(history=2)
    jobs = [print_job() for _ in range(4)]
    for done in jobs:
        queue.offer(done, NOW)
    for done in jobs[:3]:
        queue.take()
        done.become("DONE")
        queue.finish(done)
    assert [queue.find(known.SOPInstanceUID) for known in jobs] == [None, *jobs[1:]]
    assert (jobs[2].films, jobs[2].unprinted, jobs[2].nbytes) == ((), [], 0)


class QueueModel(RuleBasedStateMachine):
    """A model of the queue: waiting jobs, one that is printed, failed jobs and the history."""

    LENGTH, MEMORY, HISTORY = 3, 50, 4

    def __init__(self) -> None:
        super().__init__()
        self.queue = PrintQueue(self.LENGTH, memory=self.MEMORY, history=self.HISTORY)
        self.waiting: list[PrintJob] = []
        self.printing: list[PrintJob] = []
        self.ended: list[PrintJob] = []
        self.failed: list[PrintJob] = []

    @rule(priority=st.sampled_from(["HIGH", "MED", "LOW"]), nbytes=st.integers(1, 60))
    def offer(self, priority: str, nbytes: int) -> None:
        self._offer(print_job(nbytes, PrintPriority=priority))

    @precondition(lambda self: self.failed)
    @rule(number=st.integers(0, 9))
    def retry(self, number: int) -> None:
        again = self.failed.pop(number % len(self.failed))
        assert self.queue.offer(again, NOW)
        self.waiting.append(again)

    @precondition(lambda self: self.failed)
    @rule(number=st.integers(0, 9))
    def discard(self, number: int) -> None:
        given_up = self.failed.pop(number % len(self.failed))
        self.queue.discard(given_up)
        self.ended = [*self.ended, given_up][-self.HISTORY :]

    def _offer(self, offered: PrintJob) -> None:
        held = sum(job.nbytes for job in self.waiting + self.printing + self.failed)
        fits = len(self.waiting) < self.LENGTH and (not held or held + offered.nbytes <= self.MEMORY)
        assert self.queue.offer(offered, NOW) == fits
        if fits:
            self.waiting.append(offered)

    @rule()
    def take(self) -> None:
        expected = min(self.waiting, key=lambda job: ("HIGH", "MED", "LOW").index(job.PrintPriority), default=None)
        assert self.queue.take() is expected
        if expected:
            self.waiting.remove(expected)
            self.printing.append(expected)

    @precondition(lambda self: self.printing)
    @rule(fails=st.booleans())
    def finish(self, fails: bool) -> None:
        ended = self.printing.pop(0)
        ended.become(*(("FAILURE", "FILM JAM") if fails else ("DONE", "NORMAL")))
        self.queue.finish(ended)
        if fails:
            self.failed.append(ended)
        else:
            self.ended = [*self.ended, ended][-self.HISTORY :]

    @invariant()
    def every_job_is_where_it_belongs(self) -> None:
        assert len(self.queue) == len(self.waiting)
        assert self.queue.failed == tuple(self.failed)
        for known in self.waiting + self.printing + self.failed + self.ended:
            assert self.queue.find(known.SOPInstanceUID) is known
        assert all(job.ExecutionStatus == "PENDING" for job in self.waiting)
        assert all(job.ExecutionStatus == "PRINTING" for job in self.printing)

    @invariant()
    def memory_is_bounded(self) -> None:
        jobs = self.waiting + self.printing + self.failed + self.ended
        largest = max((job.nbytes for job in jobs), default=0)
        assert sum(job.nbytes for job in jobs) <= max(self.MEMORY, largest)


TestQueueModel = QueueModel.TestCase
TestQueueModel.settings = settings(max_examples=examples(60), stateful_step_count=40)


# --- the printer ---


def test_listeners_hear_only_changes_of_state() -> None:
    state = PrinterState()
    heard: list[tuple[int, Dataset]] = []
    state.listeners.add(lambda state: heard.append((state.EventTypeID, state.event_information("Film 1"))))
    state.set("NORMAL")
    state.set("WARNING", "SUPPLY LOW")
    state.set("WARNING", "SUPPLY LOW")
    state.set("FAILURE", "SUPPLY EMPTY")
    state.set("NORMAL")
    assert heard == [
        (2, Dataset(PrinterStatusInfo="SUPPLY LOW", PrinterName="Film 1")),
        (3, Dataset(PrinterStatusInfo="SUPPLY EMPTY", PrinterName="Film 1")),
        (1, Dataset()),
    ]


def test_unknown_state_changes_nothing() -> None:
    state = PrinterState()
    with pytest.raises(EncodeError, match="PrinterStatusInfo: 'ON FIRE'"):
        state.set("FAILURE", "ON FIRE")
    assert repr(state) == "<PrinterState NORMAL, NORMAL>"
