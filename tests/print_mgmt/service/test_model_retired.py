"""VOI LUT Boxes, overlays of both kinds, the medium and the memory against a model, whatever the order of requests.

The film boxes, annotations and Presentation LUTs have a model of their own (`test_model`).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from budget import examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from print_scu import SUCCESS, Scu, uids

from dimse.data import Dataset
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicPrintImageOverlayBox,
    ImageOverlayBox,
    VOILUTBox,
)
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item
from print_mgmt.model import reference
from print_mgmt.service import MemoryPool

NO_SUCH_INSTANCE, INVALID_VALUE = 0x0112, 0x0106
GRAY = PrintImage(pixels=np.full((2, 2), 128, np.uint8), PhotometricInterpretation="MONOCHROME2")
WINDOWS = {5: 255, 250: 0}  # center of a narrow window: the output for 128
OVERLAYS = {1998: ImageOverlayBox, 2004: BasicPrintImageOverlayBox}

numbers = st.integers(0, 3)
positions = st.integers(1, 2)
centers = st.sampled_from(sorted(WINDOWS))
densities = st.sampled_from(["BLACK", "WHITE", "150"])


@dataclass(eq=False)
class Loose:
    """A VOI LUT Box, with its center as value, or an overlay box, with its density as value."""

    uid: str
    value: Any
    alive: bool = True


@dataclass
class Box:
    uid: str
    filled: bool = False
    voi: Loose | None = None
    overlays: list[Loose] = field(default_factory=list)


NEVER = Loose("1.2.3", None, alive=False)


class RetiredModel(RuleBasedStateMachine):
    """A model with one film after another; references of image boxes outlive N-DELETE, except to overlays of 1998."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = MemoryPool(1 << 20)
        self.scu = Scu(memory=self.memory)
        self.session = self.scu.session(MediumType="BLUE FILM")
        self.medium = "BLUE FILM"
        self.film, self.boxes = "", [Box(NEVER.uid)]
        self.vois: list[Loose] = []
        self.overlays: dict[int, list[Loose]] = {1998: [], 2004: []}

    def box(self, position: int) -> Box:
        return self.boxes[min(position, len(self.boxes)) - 1]

    def chosen(self, there: list[Loose], number: int) -> Loose:
        return there[number % len(there)] if there else NEVER

    # --- the film and its medium ---

    @rule()
    def create_film_box(self) -> None:
        answer = self.scu.film_box(self.session, ImageDisplayFormat="STANDARD\\1,2")
        if answer.Status == SUCCESS:  # else the session is full
            self.film = answer.AffectedSOPInstanceUID or ""
            self.boxes = [Box(uid) for uid in uids(answer, "ReferencedImageBoxSequence")]

    @rule(medium=st.sampled_from(["PAPER", "BLUE FILM"]))
    def change_the_medium(self, medium: str) -> None:
        assert self.scu.set(BasicFilmSession, self.session, Dataset(MediumType=medium)).Status == SUCCESS
        self.medium = medium

    # --- VOI LUT boxes ---

    @rule(center=centers)
    def create_voi(self, center: int) -> None:
        made = self.scu.create(VOILUTBox, dataset=Dataset(WindowCenter=[center], WindowWidth=[2]))
        assert made.Status == SUCCESS
        self.vois.append(Loose(made.AffectedSOPInstanceUID or "", center))

    @rule(number=numbers, center=centers)
    def set_voi(self, number: int, center: int) -> None:
        voi = self.chosen(self.vois, number)
        answer = self.scu.set(VOILUTBox, voi.uid, Dataset(WindowCenter=[center], WindowWidth=[2]))
        assert answer.Status == (SUCCESS if voi.alive else NO_SUCH_INSTANCE)
        voi.value = center if voi.alive else voi.value

    @rule(number=numbers)
    def delete_voi(self, number: int) -> None:
        voi = self.chosen(self.vois, number)
        assert self.scu.delete(VOILUTBox, voi.uid).Status == (SUCCESS if voi.alive else NO_SUCH_INSTANCE)
        voi.alive = False

    # --- overlay boxes ---

    @rule(position=positions, density=densities)
    def create_overlay_of_1998(self, position: int, density: str) -> None:
        box = self.box(position)
        dataset = overlay(density)
        dataset.ReferencedImageBoxSequence = [reference(BasicGrayscaleImageBox, box.uid)]
        made = self.scu.create(ImageOverlayBox, dataset=dataset)
        assert made.Status == (SUCCESS if self.film else INVALID_VALUE)
        if self.film:
            self.overlays[1998].append(Loose(made.AffectedSOPInstanceUID or "", density))
            box.overlays.append(self.overlays[1998][-1])

    @rule(density=densities)
    def create_overlay_of_2004(self, density: str) -> None:
        made = self.scu.create(BasicPrintImageOverlayBox, dataset=overlay(density))
        assert made.Status == SUCCESS
        self.overlays[2004].append(Loose(made.AffectedSOPInstanceUID or "", density))

    @rule(year=st.sampled_from(sorted(OVERLAYS)), number=numbers, density=densities)
    def set_overlay(self, year: int, number: int, density: str) -> None:
        one = self.chosen(self.overlays[year], number)
        answer = self.scu.set(OVERLAYS[year], one.uid, Dataset(OverlayForegroundDensity=density))
        assert answer.Status == (SUCCESS if one.alive else NO_SUCH_INSTANCE)
        one.value = density if one.alive else one.value

    @rule(year=st.sampled_from(sorted(OVERLAYS)), number=numbers)
    def delete_overlay(self, year: int, number: int) -> None:
        one = self.chosen(self.overlays[year], number)
        assert self.scu.delete(OVERLAYS[year], one.uid).Status == (SUCCESS if one.alive else NO_SUCH_INSTANCE)
        one.alive = False
        for box in self.boxes if year == 1998 else ():
            box.overlays = [other for other in box.overlays if other is not one]

    # --- image boxes ---

    @rule(position=positions, filled=st.booleans(), voi=numbers | st.none(), overlay=numbers | st.none())
    def set_image(self, position: int, filled: bool, voi: int | None, overlay: int | None) -> None:
        box = self.box(position)
        dataset = Dataset(ImageBoxPosition=min(position, len(self.boxes)))
        dataset.BasicGrayscaleImageSequence = [to_item(GRAY)] if filled else []
        seen = box.voi if voi is None else self.chosen(self.vois, voi)
        burnt = box.overlays if overlay is None else [self.chosen(self.overlays[2004], overlay)]
        if voi is not None and seen is not None:
            dataset.ReferencedVOILUTBoxSequence = [reference(VOILUTBox, seen.uid)]
        if overlay is not None:
            dataset.ReferencedImageOverlayBoxSequence = [reference(BasicPrintImageOverlayBox, burnt[0].uid)]
        answer = self.scu.set(BasicGrayscaleImageBox, box.uid, dataset)
        is_there = (voi is None or seen is None or seen.alive) and (overlay is None or burnt[0].alive)
        assert answer.Status == (NO_SUCH_INSTANCE if not self.film else SUCCESS if is_there else INVALID_VALUE)
        if answer.Status == SUCCESS:
            box.filled, box.voi, box.overlays = filled, seen, list(burnt)

    # --- printing ---

    @rule()
    def print_film(self) -> None:
        answer = self.scu.print(BasicFilmBox, self.film or NEVER.uid)
        if not self.film:
            assert answer.Status == NO_SUCH_INSTANCE
            return
        (film,) = answer.films
        assert (film.film_session.MediumType, film.imager.reflective) == (self.medium, self.medium == "PAPER")
        for cell, box in zip(film.sheet.cells, self.boxes, strict=True):
            assert (cell.image is not None) == box.filled
            assert [one.OverlayForegroundDensity for one in cell.overlays] == [one.value for one in box.overlays]
            if cell.image is not None:
                value = WINDOWS[box.voi.value] if box.voi is not None else 128
                assert (cell.image.pixels == value).all()

    def teardown(self) -> None:
        """Check that all memory is free at the end of the association."""
        self.scu.service.close()
        assert self.memory.reserve("somebody else", self.memory.size)


def overlay(density: str) -> Dataset:
    plane = Dataset(OverlayRows=2, OverlayColumns=8, OverlayOrigin=[1, 1], OverlayBitsAllocated=1)
    plane.OverlayBitPosition, plane.OverlayData = 0, b"\xff\xff"
    return Dataset(OverlayPixelDataSequence=[plane], OverlayForegroundDensity=density)


RetiredModel.TestCase.settings = settings(max_examples=examples(40), stateful_step_count=40)
TestRetiredModel = RetiredModel.TestCase
