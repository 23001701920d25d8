"""N-ACTION: PS3.4 H.4.1.2.4 and H.4.2.2.4."""

from dataclasses import replace

import pytest
from print_scu import CONFIG, GRAY, SUCCESS, Scu, ramp, uids

from dimse.data import Dataset
from dimse.uids import BasicFilmBox, BasicFilmSession
from print_mgmt.config import Caller, PrinterConfig
from print_mgmt.jobs import PrinterState
from print_mgmt.service import Answer

JOB = "ReferencedPrintJobSequencePullStoredPrint"


def printed_session(config: PrinterConfig = CONFIG, films: int = 4, copies: int = 2) -> Answer:
    scu = Scu(config=config)
    session = scu.session(NumberOfCopies=copies)
    for _ in range(films):
        scu.image(uids(scu.film_box(session), "ReferencedImageBoxSequence")[0], 1, ramp())
    return scu.print(BasicFilmSession, session)


def order(answer: Answer) -> list[int]:
    assert answer.job is not None
    return [exposure.number for exposure in answer.job.unprinted]


def test_session_is_printed_collated() -> None:
    """PS3.4 H.4.1.2.4: two copies of four films are 1 2 3 4 1 2 3 4."""
    answer = printed_session()
    assert (answer.Status, order(answer)) == (SUCCESS, [1, 2, 3, 4, 1, 2, 3, 4])


@pytest.mark.parametrize("config", [replace(CONFIG, collates=False), replace(CONFIG, MaximumCollatedFilms=3)])
def test_printer_without_collation_warns_and_prints(config: PrinterConfig) -> None:
    """B601 is a warning."""
    answer = printed_session(config)
    assert (answer.Status, order(answer)) == (0xB601, [1, 1, 2, 2, 3, 3, 4, 4])


def test_job_has_the_attributes_of_session_and_client() -> None:
    scu = Scu(calling_ae_title="MODALITY")
    session = scu.session(NumberOfCopies=3, PrintPriority="HIGH", FilmSessionLabel="knee")
    film_box = scu.film_box(session).AffectedSOPInstanceUID
    assert film_box
    job = scu.print(BasicFilmBox, film_box).job
    assert job is not None
    assert (len(job.films), job.copies, order(Answer(job=job))) == (1, 3, [1, 1, 1])
    assert (job.PrintPriority, job.FilmSessionLabel, job.Originator) == ("HIGH", "knee", "MODALITY")
    assert (job.PrinterName, job.ExecutionStatus) == ("TEST", "PENDING")


def test_second_n_action_makes_another_job() -> None:
    scu = Scu()
    film_box, _ = scu.film()
    jobs = [scu.print(BasicFilmBox, film_box).job for _ in range(2)]
    assert len({job.SOPInstanceUID for job in jobs if job is not None}) == 2


def test_answer_names_the_job_if_negotiated() -> None:
    """PS3.4 Table H.4-8: required if the Print Job SOP Class is supported."""
    scu = Scu()
    answer = scu.print(BasicFilmBox, scu.film()[0])
    assert answer.job is not None
    assert uids(answer, JOB) == [answer.job.SOPInstanceUID]
    scu = Scu(abstract_syntaxes=[GRAY])
    assert scu.print(BasicFilmBox, scu.film()[0]).dataset is None


def test_caller_option_hides_the_job() -> None:
    """Agfa NX negotiates Print Job and fails on it."""
    config = replace(CONFIG, callers={"AGFA*": Caller(job_reference=False)})
    for calling, named in (("AGFA_NX", False), ("OTHER", True)):
        scu = Scu(config=config, calling_ae_title=calling)
        answer = scu.print(BasicFilmBox, scu.film()[0])
        assert (answer.Status, answer.dataset is not None) == (0xB603, named)


@pytest.mark.parametrize("dataset", [None, Dataset(), Dataset(NumberOfCopies=2)])
def test_n_action_may_have_a_data_set(dataset: Dataset | None) -> None:
    """PS3.4 Table H.4-8 has no Action Information, but some SCUs send a Data Set."""
    scu = Scu()
    film_box, boxes = scu.film()
    scu.image(boxes[0], 1, ramp())
    assert scu.print(BasicFilmBox, film_box, dataset=dataset).Status == SUCCESS


def test_failed_printer_accepts_films_if_it_spools() -> None:
    state = PrinterState()
    state.set("FAILURE", "SUPPLY EMPTY")
    for spools, status in ((True, 0xB603), (False, 0x0110)):
        scu = Scu(config=replace(CONFIG, spools=spools), state=state)
        assert scu.print(BasicFilmBox, scu.film()[0]).Status == status


def test_full_queue_leaves_films_unprinted() -> None:
    """A printer that prints no sessions refuses another film box (C616) until the last one is printed."""
    scu = Scu(config=replace(CONFIG, MaximumCollatedFilms=0))
    session = scu.session()
    film_box = scu.film_box(session).AffectedSOPInstanceUID
    assert film_box
    assert scu.print(BasicFilmBox, film_box).Status == 0xB603
    assert scu.film_box(session).Status == SUCCESS
    last = scu.service.session
    assert last is not None
    uid = last.film_boxes[-1].SOPInstanceUID
    scu.print(BasicFilmBox, uid)
    assert scu.refuse(BasicFilmBox, uid).Status == 0xC602
    assert scu.film_box(session).Status == 0xC616


def test_deleted_film_box_makes_room() -> None:
    scu = Scu(config=replace(CONFIG, MaximumCollatedFilms=0))
    session = scu.session()
    film_box = scu.film_box(session).AffectedSOPInstanceUID
    assert film_box
    assert scu.delete(BasicFilmBox, film_box).Status == SUCCESS
    assert scu.film_box(session).Status == SUCCESS


def test_deleted_session_leaves_the_job_alone() -> None:
    """PS3.4 H.4.2.2.4: the SCP copies the instances."""
    scu = Scu()
    session = scu.session()
    created = scu.film_box(session, AnnotationDisplayFormatID="LABEL")
    scu.image(uids(created, "ReferencedImageBoxSequence")[0], 1, ramp())
    scu.annotate(uids(created, "ReferencedBasicAnnotationBoxSequence")[0], 1, TextString="knee")
    film_box = created.AffectedSOPInstanceUID
    assert film_box
    job = scu.print(BasicFilmBox, film_box).job
    scu.delete(BasicFilmSession, session)
    scu.service.close()
    assert job is not None
    sheet = job.films[0].sheet
    assert sheet.cells[0].image is not None
    assert [annotation.TextString for annotation in sheet.annotations] == ["knee"]
    assert job.ExecutionStatus == "PENDING"


def test_full_queue_keeps_the_printed_state() -> None:
    """C616 is for film boxes that were never printed; here, only the second job was refused."""
    scu = Scu(config=replace(CONFIG, MaximumCollatedFilms=0))
    session = scu.session()
    film = scu.film_box(session).AffectedSOPInstanceUID or ""
    assert scu.print(BasicFilmBox, film).Status == 0xB603
    assert scu.print(BasicFilmBox, film).Status == 0xB603
    assert scu.refuse(BasicFilmBox, film).Status == 0xC602
    assert scu.film_box(session).Status == SUCCESS


def test_n_set_after_n_action_changes_no_job() -> None:
    """A film is printed as it was at N-ACTION: its session, its film box and its image boxes."""
    scu = Scu()
    session = scu.session(FilmSessionLabel="first")
    created = scu.film_box(session, Trim="NO", FilmSizeID="A4")
    box, images = created.AffectedSOPInstanceUID or "", uids(created, "ReferencedImageBoxSequence")
    scu.image(images[0], 1, ramp(), Polarity="NORMAL")
    before = scu.print(BasicFilmBox, box).films[0]
    assert scu.set(BasicFilmSession, session, Dataset(FilmSessionLabel="second")).Status == SUCCESS
    assert scu.set(BasicFilmBox, box, Dataset(Trim="YES")).Status == SUCCESS
    assert scu.image(images[0], 1, ramp(), Polarity="REVERSE").Status == SUCCESS
    after = scu.print(BasicFilmBox, box).films[0]
    for film, words in ((before, ("first", "NO", "NORMAL")), (after, ("second", "YES", "REVERSE"))):
        assert (film.film_session.FilmSessionLabel, film.film_box.Trim, film.image_boxes[0].Polarity) == words
        assert (film.sheet.Trim, film.sheet.cells[0].Polarity) == words[1:]
