"""The print SCP against a model of it, with requests in any order: PS3.4 H.4.1 to H.4.4 and H.4.9."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from budget import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from print_scu import SUCCESS, Scu, uids

from dimse.data import Dataset
from dimse.uids import BasicAnnotationBox, BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox, PresentationLUT
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item
from print_mgmt.jobs import PrintJob
from print_mgmt.model import reference

NO_SUCH_INSTANCE, INVALID_VALUE = 0x0112, 0x0106
IMAGE = to_item(PrintImage(pixels=np.zeros((2, 2), np.uint8), PhotometricInterpretation="MONOCHROME2"))
FORMATS = {"STANDARD\\1,1": 1, "STANDARD\\3,1": 3, "ROW\\1,2": 3, "COL\\2,2": 4}

films = st.integers(0, 4)  # a film box, counted over all so far
luts = st.integers(0, 3)
positions = st.integers(1, 4)
texts = st.sampled_from(["", "left", "right"])


@dataclass
class ModelLUT:
    uid: str
    shape: str
    alive: bool = True


@dataclass
class ModelFilm:
    uid: str
    boxes: list[str]
    annotations: list[str]
    filled: dict[int, str] = field(default_factory=dict)  # position: polarity
    texts: dict[int, str] = field(default_factory=dict)
    lut: str = ""


class PrinterModel(RuleBasedStateMachine):
    """A model with at most one session, its film boxes in order, of which only the last may be used, and LUTs."""

    def __init__(self) -> None:
        super().__init__()
        self.scu = Scu()
        self.session = ""
        self.copies = 1
        self.alive: list[ModelFilm] = []
        self.ever: list[ModelFilm] = []
        self.luts: list[ModelLUT] = []
        self.jobs: list[tuple[PrintJob, list[dict[int, str]]]] = []

    def film(self, number: int) -> ModelFilm:
        """Return any film box so far, or one that never existed."""
        never = ModelFilm("1.2.3", ["1.2.4"] * 4, ["1.2.5"] * 2)
        return self.ever[number % len(self.ever)] if self.ever else never

    def lut(self, number: int) -> ModelLUT:
        return self.luts[number % len(self.luts)] if self.luts else ModelLUT("1.2.6", "", alive=False)

    def usable(self, film: ModelFilm) -> bool:
        return bool(self.alive) and film is self.alive[-1]

    # --- film session ---

    @rule(copies=st.integers(1, 3))
    def create_session(self, copies: int) -> None:
        answer = self.scu.create(BasicFilmSession, dataset=Dataset(NumberOfCopies=copies))
        assert answer.Status == (SUCCESS if not self.session else 0x0213)
        if answer.Status == SUCCESS:
            self.session, self.copies = answer.AffectedSOPInstanceUID or "", copies

    @rule(copies=st.integers(1, 3))
    def set_session(self, copies: int) -> None:
        answer = self.scu.set(BasicFilmSession, self.session or "1.2", Dataset(NumberOfCopies=copies))
        assert answer.Status == (SUCCESS if self.session else NO_SUCH_INSTANCE)
        self.copies = copies if self.session else self.copies

    @rule()
    def delete_session(self) -> None:
        answer = self.scu.delete(BasicFilmSession, self.session or "1.2")
        assert answer.Status == (SUCCESS if self.session else NO_SUCH_INSTANCE)
        self.session = ""
        self.alive.clear()

    @rule()
    def end_the_association(self) -> None:
        self.scu.service.close()
        self.session = ""
        self.alive.clear()
        for lut in self.luts:
            lut.alive = False

    # --- film boxes ---

    @rule(display_format=st.sampled_from(sorted(FORMATS)), annotated=st.booleans(), number=luts, refer=st.booleans())
    def create_film_box(self, display_format: str, annotated: bool, number: int, refer: bool) -> None:
        lut = self.lut(number)
        references = [reference(PresentationLUT, lut.uid)]
        attributes: dict[str, Any] = {"ReferencedPresentationLUTSequence": references} if refer else {}
        format_id = "COMBINED" if annotated else None
        answer = self.scu.film_box(
            self.session or "1.2", ImageDisplayFormat=display_format, AnnotationDisplayFormatID=format_id, **attributes
        )
        made = bool(self.session) and (lut.alive or not refer)
        assert answer.Status == (SUCCESS if made else INVALID_VALUE)
        if made:
            boxes = uids(answer, "ReferencedImageBoxSequence")
            annotations = uids(answer, "ReferencedBasicAnnotationBoxSequence")
            assert (len(boxes), len(annotations)) == (FORMATS[display_format], 2 * annotated)
            film = ModelFilm(answer.AffectedSOPInstanceUID or "", boxes, annotations, lut=lut.shape if refer else "")
            self.alive.append(film)
            self.ever.append(film)

    @rule(number=films)
    def delete_film_box(self, number: int) -> None:
        film = self.film(number)
        answer = self.scu.delete(BasicFilmBox, film.uid)
        assert answer.Status == (SUCCESS if self.usable(film) else NO_SUCH_INSTANCE)
        if answer.Status == SUCCESS:
            self.alive.pop()

    @rule(number=films, lut=luts)
    def set_film_box(self, number: int, lut: int) -> None:
        film, chosen = self.film(number), self.lut(lut)
        references = [reference(PresentationLUT, chosen.uid)]
        answer = self.scu.set(BasicFilmBox, film.uid, Dataset(ReferencedPresentationLUTSequence=references))
        if not self.usable(film):
            assert answer.Status == NO_SUCH_INSTANCE
        else:
            assert answer.Status == (SUCCESS if chosen.alive else INVALID_VALUE)
            film.lut = chosen.shape if chosen.alive else film.lut

    # --- image boxes and annotation boxes ---

    @rule(number=films, position=positions, polarity=st.sampled_from(["NORMAL", "REVERSE", ""]))
    def set_image(self, number: int, position: int, polarity: str) -> None:
        """Set the image; without a polarity, erase it."""
        film = self.film(number)
        if position > len(film.boxes):
            return
        dataset = Dataset(ImageBoxPosition=position, BasicGrayscaleImageSequence=[IMAGE] if polarity else [])
        if polarity:
            dataset.Polarity = polarity
        answer = self.scu.set(BasicGrayscaleImageBox, film.boxes[position - 1], dataset)
        assert answer.Status == (SUCCESS if self.usable(film) else NO_SUCH_INSTANCE)
        if answer.Status == SUCCESS:
            film.filled.pop(position, None)
            film.filled |= {position: polarity} if polarity else {}

    @rule(number=films, position=st.integers(1, 2), words=texts)
    def annotate(self, number: int, position: int, words: str) -> None:
        film = self.film(number)
        if position > len(film.annotations):
            return
        dataset = Dataset(AnnotationPosition=position, TextString=words or None)
        answer = self.scu.set(BasicAnnotationBox, film.annotations[position - 1], dataset)
        assert answer.Status == (SUCCESS if self.usable(film) else NO_SUCH_INSTANCE)
        if answer.Status == SUCCESS:
            film.texts.pop(position, None)
            film.texts |= {position: words} if words else {}

    # --- Presentation LUTs ---

    @rule(shape=st.sampled_from(["IDENTITY", "LIN OD"]))
    def create_lut(self, shape: str) -> None:
        self.luts.append(ModelLUT(self.scu.lut(PresentationLUTShape=shape), shape))

    @rule(number=luts)
    def delete_lut(self, number: int) -> None:
        lut = self.lut(number)
        assert self.scu.delete(PresentationLUT, lut.uid).Status == (SUCCESS if lut.alive else NO_SUCH_INSTANCE)
        lut.alive = False

    # --- printing ---

    @rule(number=films)
    def print_film_box(self, number: int) -> None:
        film = self.film(number)
        answer = self.scu.print(BasicFilmBox, film.uid)
        if not self.usable(film):
            assert answer.Status == NO_SUCH_INSTANCE
            return
        assert answer.Status == (SUCCESS if film.filled else 0xB603)
        self.remember(answer.job, [film])

    @rule()
    def print_session(self) -> None:
        answer = self.scu.print(BasicFilmSession, self.session or "1.2")
        if not self.session:
            assert answer.Status == NO_SUCH_INSTANCE
        elif not self.alive:
            assert answer.Status == 0xC600
        else:
            assert answer.Status == (SUCCESS if any(film.filled for film in self.alive) else 0xB602)
            self.remember(answer.job, self.alive)

    def remember(self, job: PrintJob | None, printed: list[ModelFilm]) -> None:
        assert job is not None
        assert job.copies == self.copies
        order = [exposure.number for exposure in job.unprinted]
        assert order == [*range(1, len(printed) + 1)] * self.copies, "collated: 1 2 3 1 2 3"
        for copy, film in zip(job.films, printed, strict=True):
            texts = {note.AnnotationPosition: note.TextString for note in copy.sheet.annotations}
            assert texts == film.texts
            lut = copy.sheet.presentation_lut
            assert (lut.shape if lut else "") == film.lut
        self.jobs.append((job, [dict(film.filled) for film in printed]))

    # --- invariants ---

    @invariant()
    def keeps_what_the_model_keeps(self) -> None:
        session = self.scu.service.session
        assert (session.SOPInstanceUID if session else "") == self.session
        kept = [box.SOPInstanceUID for box in session.film_boxes] if session else []
        assert kept == [film.uid for film in self.alive]

    @invariant()
    def jobs_are_as_they_were_when_they_were_made(self) -> None:
        """PS3.4 H.4.2.2.4: N-SET, N-DELETE and the end of the association do not change them."""
        for job, made_of in self.jobs:
            for copy, filled in zip(job.films, made_of, strict=True):
                cells = enumerate(copy.sheet.cells, 1)
                assert {at: cell.Polarity for at, cell in cells if cell.image is not None} == filled

    def teardown(self) -> None:
        """Check that nothing is left at the end of the association."""
        self.scu.service.close()
        for film in self.ever:
            assert self.scu.delete(BasicFilmBox, film.uid).Status == NO_SUCH_INSTANCE
        for lut in self.luts:
            assert self.scu.delete(PresentationLUT, lut.uid).Status == NO_SUCH_INSTANCE


PrinterModel.TestCase.settings = settings(max_examples=examples(40), stateful_step_count=40)
TestPrinterModel = PrinterModel.TestCase
