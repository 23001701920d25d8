"""An SCU for a `PrintService`, without a network: each operation is one line of a test."""

from collections.abc import Collection
from typing import Any

import numpy as np

from dimse.data import Dataset, tag_of
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    PresentationLUT,
)
from print_mgmt.config import PrinterConfig
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item
from print_mgmt.jobs import JobQueue, PrinterState
from print_mgmt.model import Printer, reference
from print_mgmt.service import Answer, MemoryPool, PrintService
from print_mgmt.sop import MEMBERS, SOP_CLASSES
from print_mgmt.typed import items, text

__all__ = ["COLOR", "CONFIG", "GRAY", "SUCCESS", "Scu", "ramp", "uids"]

GRAY, COLOR = BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta
SUCCESS = 0x0000
CONFIG = PrinterConfig(printer=Printer(PrinterName="TEST"))


def ramp(rows: int = 4, columns: int = 6) -> PrintImage:
    """Return a small gray image, with different pixels."""
    pixels = np.arange(rows * columns, dtype=np.uint8).reshape(rows, columns)
    return PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2")


def uids(answer: Answer, sequence: str) -> list[str]:
    """Return the instances in a sequence of the answer."""
    assert answer.dataset is not None
    return [text(item, "ReferencedSOPInstanceUID") for item in items(answer.dataset, sequence)]


def made(answer: Answer) -> str:
    """Return the instance that an N-CREATE made."""
    assert answer.Status == SUCCESS, answer.comment
    assert answer.AffectedSOPInstanceUID
    return answer.AffectedSOPInstanceUID


class Scu:
    """An SCU that uses the context of ``meta``, and a context for each optional SOP Class."""

    def __init__(
        self,
        meta: str = GRAY,
        config: PrinterConfig = CONFIG,
        *,
        state: PrinterState | None = None,
        jobs: JobQueue | None = None,
        calling_ae_title: str = "SCU",
        abstract_syntaxes: Collection[str] = tuple(SOP_CLASSES.values()),
        pool: MemoryPool | None = None,
        memory: MemoryPool | None = None,
    ) -> None:
        self.service = PrintService(
            config,
            state,
            jobs,
            calling_ae_title=calling_ae_title,
            abstract_syntaxes=abstract_syntaxes,
            pool=pool,
            memory=memory,
        )
        self.meta = meta
        self.image_class = BasicGrayscaleImageBox if meta == GRAY else BasicColorImageBox

    def ask(self, message: Request, dataset: Dataset | None = None, *, on: str = "") -> Answer:
        named = str(getattr(message, "RequestedSOPClassUID", None) or getattr(message, "AffectedSOPClassUID", ""))
        own = named in SOP_CLASSES.values() and named not in MEMBERS[self.meta]
        return self.handle(on or (named if own else self.meta), message, dataset)

    def handle(self, abstract_syntax: str, message: Request, dataset: Dataset | None) -> Answer:
        return self.service.handle(abstract_syntax, message, dataset)

    def create(self, sop_class: str, uid: str | None = None, dataset: Dataset | None = None, *, on: str = "") -> Answer:
        message = NCreateRQ(MessageID=1, AffectedSOPClassUID=sop_class, AffectedSOPInstanceUID=uid)
        return self.ask(message, dataset, on=on)

    def set(self, sop_class: str, uid: str, dataset: Dataset) -> Answer:
        return self.ask(NSetRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid), dataset)

    def get(self, sop_class: str, uid: str, *keywords: str) -> Answer:
        tags = tuple(tag_of(keyword) for keyword in keywords) or None
        return self.ask(
            NGetRQ(
                MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid, AttributeIdentifierList=tags
            )
        )

    def print(self, sop_class: str, uid: str, action: int = 1, dataset: Dataset | None = None) -> Answer:
        message = NActionRQ(
            MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid, ActionTypeID=action
        )
        return self.ask(message, dataset)

    def refuse(self, sop_class: str, uid: str) -> Answer:
        """Return the answer for a full queue."""
        return self.service.queue_full(
            NActionRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid, ActionTypeID=1)
        )

    def delete(self, sop_class: str, uid: str) -> Answer:
        return self.ask(NDeleteRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid))

    def session(self, **attributes: Any) -> str:
        return made(self.create(BasicFilmSession, dataset=Dataset(**attributes)))

    def film_box(self, session: str, *, on: str = "", **attributes: Any) -> Answer:
        dataset = Dataset(**{"ImageDisplayFormat": "STANDARD\\2,3"} | attributes)
        dataset.ReferencedFilmSessionSequence = [reference(BasicFilmSession, session)]
        return self.create(BasicFilmBox, dataset=dataset, on=on)

    def film(self, **attributes: Any) -> tuple[str, list[str]]:
        """Create a session with a film box; return the UIDs of the film box and its image boxes."""
        answer = self.film_box(self.session(), **attributes)
        return made(answer), uids(answer, "ReferencedImageBoxSequence")

    def image(self, uid: str, position: int, image: PrintImage, **attributes: Any) -> Answer:
        return self.set(self.image_class, uid, self.image_dataset(position, to_item(image), **attributes))

    def image_dataset(self, position: int, item: Dataset, **attributes: Any) -> Dataset:
        dataset = Dataset(ImageBoxPosition=position, **attributes)
        name = "BasicGrayscaleImageSequence" if self.meta == GRAY else "BasicColorImageSequence"
        dataset[name] = [item]
        return dataset

    def lut(self, **attributes: Any) -> str:
        """Create a Presentation LUT; return its UID."""
        return made(self.create(PresentationLUT, dataset=Dataset(**attributes or {"PresentationLUTShape": "IDENTITY"})))

    def annotate(self, uid: str, position: int, **attributes: Any) -> Answer:
        return self.set(BasicAnnotationBox, uid, Dataset(AnnotationPosition=position, **attributes))
