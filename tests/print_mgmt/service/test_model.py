"""The print SCP's state against a model of it: PS3.4 H.4.1 to H.4.3, whatever the order of requests."""

from dataclasses import dataclass, field

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dimse.data import Dataset
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NSetRQ
from dimse.uids import BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox, BasicGrayscalePrintManagementMeta
from print_mgmt.film import PrintImage
from print_mgmt.images.item import to_item
from print_mgmt.model import reference
from print_mgmt.service import Answer, PrintService
from print_mgmt.typed import items, text

SUCCESS, NO_SUCH_INSTANCE = 0x0000, 0x0112
IMAGE = to_item(PrintImage(pixels=np.zeros((2, 2), np.uint8), PhotometricInterpretation="MONOCHROME2"))

films = st.integers(0, 4)  # which film box, counted over all that there have been
positions = st.integers(1, 3)


@dataclass
class ModelFilm:
    uid: str
    boxes: list[str]
    filled: set[int] = field(default_factory=set)


class PrinterModel(RuleBasedStateMachine):
    """A session is there or not; its film boxes stand in a row; only the last may be worked with."""

    def __init__(self) -> None:
        super().__init__()
        self.service = PrintService()
        self.session = ""
        self.alive: list[ModelFilm] = []
        self.ever: list[ModelFilm] = []

    def set(self, sop_class: str, uid: str, dataset: Dataset) -> Answer:
        message = NSetRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid)
        return self.service.handle(BasicGrayscalePrintManagementMeta, message, dataset)

    def create(self, sop_class: str, dataset: Dataset) -> Answer:
        message = NCreateRQ(MessageID=1, AffectedSOPClassUID=sop_class)
        return self.service.handle(BasicGrayscalePrintManagementMeta, message, dataset)

    def film(self, number: int) -> ModelFilm:
        """Any film box there has ever been, or one that never was."""
        return self.ever[number % len(self.ever)] if self.ever else ModelFilm("1.2.3", ["1.2.4"] * 3)

    def usable(self, film: ModelFilm) -> bool:
        return bool(self.alive) and film is self.alive[-1]

    @rule()
    def create_session(self) -> None:
        answer = self.create(BasicFilmSession, Dataset())
        assert (answer.Status == SUCCESS) == (not self.session)
        self.session = self.session or answer.AffectedSOPInstanceUID or ""

    @rule(columns=st.integers(1, 3))
    def create_film_box(self, columns: int) -> None:
        dataset = Dataset(ImageDisplayFormat=f"STANDARD\\{columns},1")
        dataset.ReferencedFilmSessionSequence = [reference(BasicFilmSession, self.session or "1.2")]
        answer = self.create(BasicFilmBox, dataset)
        assert (answer.Status == SUCCESS) == bool(self.session)
        if answer.Status == SUCCESS:
            assert answer.dataset is not None
            made = items(answer.dataset, "ReferencedImageBoxSequence")
            assert len(made) == columns
            boxes = [text(item, "ReferencedSOPInstanceUID") for item in made]
            self.alive.append(ModelFilm(answer.AffectedSOPInstanceUID or "", boxes))
            self.ever.append(self.alive[-1])

    @rule(number=films, position=positions, erase=st.booleans())
    def set_image(self, number: int, position: int, erase: bool) -> None:
        film = self.film(number)
        if position > len(film.boxes):
            return
        sequence = [] if erase else [IMAGE]
        dataset = Dataset(ImageBoxPosition=position, BasicGrayscaleImageSequence=sequence)
        answer = self.set(BasicGrayscaleImageBox, film.boxes[position - 1], dataset)
        assert answer.Status == (SUCCESS if self.usable(film) else NO_SUCH_INSTANCE)
        if answer.Status == SUCCESS:
            film.filled = film.filled - {position} if erase else film.filled | {position}

    @rule(number=films)
    def print_film_box(self, number: int) -> None:
        film = self.film(number)
        message = NActionRQ(
            MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=film.uid, ActionTypeID=1
        )
        answer = self.service.handle(BasicGrayscalePrintManagementMeta, message, None)
        if not self.usable(film):
            assert answer.Status == NO_SUCH_INSTANCE
            return
        assert answer.Status == (SUCCESS if film.filled else 0xB603)
        (copy,) = answer.films
        printed = {number for number, cell in enumerate(copy.sheet.cells, 1) if cell.image is not None}
        assert printed == film.filled

    @rule()
    def print_session(self) -> None:
        message = NActionRQ(
            MessageID=1,
            RequestedSOPClassUID=BasicFilmSession,
            RequestedSOPInstanceUID=self.session or "1.2",
            ActionTypeID=1,
        )
        answer = self.service.handle(BasicGrayscalePrintManagementMeta, message, None)
        if not self.session:
            assert answer.Status == NO_SUCH_INSTANCE
        elif not self.alive:
            assert answer.Status == 0xC600
        else:
            assert answer.Status == (SUCCESS if any(film.filled for film in self.alive) else 0xB602)
            assert len(answer.films) == len(self.alive)

    @rule(number=films)
    def delete_film_box(self, number: int) -> None:
        film = self.film(number)
        message = NDeleteRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=film.uid)
        answer = self.service.handle(BasicGrayscalePrintManagementMeta, message, None)
        assert answer.Status == (SUCCESS if self.usable(film) else NO_SUCH_INSTANCE)
        if answer.Status == SUCCESS:
            self.alive.pop()

    @rule()
    def delete_session(self) -> None:
        uid = self.session or "1.2"
        message = NDeleteRQ(MessageID=1, RequestedSOPClassUID=BasicFilmSession, RequestedSOPInstanceUID=uid)
        answer = self.service.handle(BasicGrayscalePrintManagementMeta, message, None)
        assert answer.Status == (SUCCESS if self.session else NO_SUCH_INSTANCE)
        self.session = ""
        self.alive.clear()

    @invariant()
    def keeps_what_the_model_keeps(self) -> None:
        session = self.service.session
        assert (session.SOPInstanceUID if session else "") == self.session
        kept = [box.SOPInstanceUID for box in session.film_boxes] if session else []
        assert kept == [film.uid for film in self.alive]


PrinterModel.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestPrinterModel = PrinterModel.TestCase
