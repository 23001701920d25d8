"""The print SCP's rules without I/O: PS3.4 Annex H, one request in, one answer out.

A `PrintService` serves one association. It owns the film session and all below it, so what an
association made goes when it goes. A request that cannot be performed raises nothing: it becomes
an answer with the standard's status, and changes nothing.

``N-ACTION`` yields copies of the films to print; whoever calls says with `queue_full` that they
could not be taken, before the answer goes out.
"""

from dataclasses import dataclass

from dimse.data import Dataset, Tag, keyword_of, tag_of
from dimse.errors import ServiceError
from dimse.message import (
    NActionRQ,
    NCreateRQ,
    NDeleteRQ,
    NGetRQ,
    NSetRQ,
    Request,
)
from dimse.uids import BasicFilmBox, BasicFilmSession, PrinterInstance, is_valid_uid, new_uid

from .attributes import FILM_BOX, FILM_SESSION, IMAGE_BOX, Checked, check, shown
from .film import parse_format
from .images.item import from_item
from .model import FilmBox, FilmCopy, FilmSession, ImageBox, Printer, reference
from .sop import IMAGE_BOX as IMAGE_BOX_OF
from .sop import IMAGE_SEQUENCE, OPERATIONS, TITLES
from .status import meaning
from .typed import integer, items, text

__all__ = ["Answer", "PrintService"]

_PRINT = 1  # the one Action Type ID, PS3.4 Tables H.4-3 and H.4-6

# PS3.7 Annex C
_MISSING_ATTRIBUTE, _INVALID_VALUE, _ATTRIBUTE_LIST = 0x0120, 0x0106, 0x0107
_DUPLICATE_INSTANCE, _NO_SUCH_INSTANCE, _INVALID_INSTANCE = 0x0111, 0x0112, 0x0117
_NO_SUCH_CLASS, _CLASS_CONFLICT, _NO_SUCH_ACTION = 0x0118, 0x0119, 0x0123
_UNRECOGNIZED_OPERATION, _RESOURCE_LIMITATION = 0x0211, 0x0213
# PS3.4 Annex H.4
_MEMORY_NOT_SUPPORTED, _EMPTY_SESSION, _EMPTY_FILM = 0xB600, 0xB602, 0xB603
_NO_FILM_BOX, _QUEUE_FULL_SESSION, _QUEUE_FULL_FILM, _NO_MEMORY = 0xC600, 0xC601, 0xC602, 0xC605

# A peer that creates film boxes and never prints them is stopped here, and so is one that fills them.
MAX_FILM_BOXES = 64
MEMORY = 1 << 31  # bytes of pixels in one session

Instance = FilmSession | FilmBox | ImageBox


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the response says, and the films that its request printed."""

    Status: int = 0x0000
    comment: str = ""
    dataset: Dataset | None = None
    AffectedSOPInstanceUID: str | None = None
    AttributeIdentifierList: tuple[int, ...] | None = None
    ActionTypeID: int | None = None
    films: tuple[FilmCopy, ...] = ()


class PrintService:
    """The print SCP for one association.

    ``printer`` is what N-GET tells; ``memory`` bounds the pixels of a session, in bytes.
    """

    def __init__(self, printer: Printer, memory: int = MEMORY) -> None:
        self.session: FilmSession | None = None
        self._printer = printer
        self._memory = memory
        self._instances: dict[str, Instance] = {}

    def handle(self, meta: str, message: Request, dataset: Dataset | None) -> Answer:
        """Perform ``message``, which came on a context for the Meta SOP Class ``meta``."""
        try:
            return self._handle(meta, message, dataset if dataset is not None else Dataset())
        except ServiceError as exc:
            return Answer(Status=exc.status, comment=exc.comment or exc.meaning)

    def close(self) -> None:
        """The association has ended: forget all that it made."""
        self.session = None
        self._instances.clear()

    @staticmethod
    def queue_full(message: NActionRQ) -> Answer:
        """The answer to an N-ACTION whose films could not be taken."""
        is_session = message.RequestedSOPClassUID == BasicFilmSession
        status = _QUEUE_FULL_SESSION if is_session else _QUEUE_FULL_FILM
        return Answer(Status=status, comment="the print queue is full")

    def _handle(self, meta: str, message: Request, dataset: Dataset) -> Answer:
        match message:
            case NCreateRQ(AffectedSOPClassUID=sop_class):
                self._check_operation(message, sop_class)
                create = {BasicFilmSession: self._create_session, BasicFilmBox: self._create_film_box}
                return create[sop_class](meta, message, dataset)
            case NGetRQ(RequestedSOPClassUID=sop_class):
                self._check_operation(message, sop_class)
                return self._get_printer(message)
            case NSetRQ(RequestedSOPClassUID=sop_class):
                instance = self._instance(message, sop_class, message.RequestedSOPInstanceUID)
                return self._set(instance, dataset)
            case NActionRQ(RequestedSOPClassUID=sop_class):
                instance = self._instance(message, sop_class, message.RequestedSOPInstanceUID)
                return self._print(instance, message.ActionTypeID)
            case NDeleteRQ(RequestedSOPClassUID=sop_class):
                self._delete(self._instance(message, sop_class, message.RequestedSOPInstanceUID))
                return Answer()
        raise _failure(_UNRECOGNIZED_OPERATION, "not an operation of Print Management")

    # --- which instance ---

    @staticmethod
    def _check_operation(message: Request, sop_class: str) -> None:
        if sop_class not in OPERATIONS:
            raise _failure(_NO_SUCH_CLASS, f"SOP Class {shown(sop_class)} is not served here")
        if type(message) not in OPERATIONS[sop_class]:
            raise _failure(_UNRECOGNIZED_OPERATION, f"not an operation of {TITLES[sop_class]}")

    def _instance(self, message: Request, sop_class: str, uid: str) -> Instance:
        self._check_operation(message, sop_class)
        instance = self._instances.get(uid)
        if instance is None:
            raise _failure(_NO_SUCH_INSTANCE, f"there is no {TITLES[sop_class]} {shown(uid)}")
        if instance.SOPClassUID != sop_class:
            raise _failure(_CLASS_CONFLICT, f"{shown(uid)} is a {TITLES[instance.SOPClassUID]}")
        if not self._is_current(instance):
            raise _failure(_NO_SUCH_INSTANCE, "only the last film box may be used (PS3.4 H.4.2.2)")
        return instance

    def _is_current(self, instance: Instance) -> bool:
        """Only the film box created last, and its image boxes, may be worked with, PS3.4 H.4.2.2."""
        if isinstance(instance, FilmSession):
            return True
        assert self.session is not None
        last = self.session.film_boxes[-1]
        return instance is last or instance in last.image_boxes

    def _new_instance_uid(self, proposed: str | None) -> str:
        if not proposed:
            return new_uid()
        if not is_valid_uid(proposed):
            raise _failure(_INVALID_INSTANCE, f"{shown(proposed)} is no UID (PS3.5 §9.1)")
        if proposed in self._instances:
            raise _failure(_DUPLICATE_INSTANCE, f"{shown(proposed)} exists already")
        return proposed

    # --- N-CREATE ---

    def _create_session(self, meta: str, message: NCreateRQ, dataset: Dataset) -> Answer:  # noqa: ARG002
        uid = self._new_instance_uid(message.AffectedSOPInstanceUID)
        if self.session is not None:
            raise _failure(_RESOURCE_LIMITATION, "an association has one film session (PS3.4 H.4.1)")
        checked = check(FILM_SESSION, dataset, defaults=True)
        self.session = FilmSession(SOPInstanceUID=uid, attributes=checked.attributes)
        self._instances[uid] = self.session
        return self._created(uid, _without_memory(checked))

    def _create_film_box(self, meta: str, message: NCreateRQ, dataset: Dataset) -> Answer:
        uid = self._new_instance_uid(message.AffectedSOPInstanceUID)
        checked = check(FILM_BOX, dataset, defaults=True)
        session = self._referenced_session(checked.attributes)
        if len(session.film_boxes) >= MAX_FILM_BOXES:
            raise _failure(_RESOURCE_LIMITATION, f"a session has at most {MAX_FILM_BOXES} film boxes")
        columns, rows = parse_format(str(checked.attributes.ImageDisplayFormat))
        image_boxes = tuple(
            ImageBox(SOPClassUID=IMAGE_BOX_OF[meta], SOPInstanceUID=new_uid(), ImageBoxPosition=position)
            for position in range(1, columns * rows + 1)
        )
        checked.attributes.ReferencedImageBoxSequence = [
            reference(box.SOPClassUID, box.SOPInstanceUID) for box in image_boxes
        ]
        film_box = FilmBox(SOPInstanceUID=uid, attributes=checked.attributes, image_boxes=image_boxes)
        session.film_boxes.append(film_box)
        self._instances[uid] = film_box
        self._instances.update((box.SOPInstanceUID, box) for box in image_boxes)
        return self._created(uid, checked)

    def _referenced_session(self, attributes: Dataset) -> FilmSession:
        references = items(attributes, "ReferencedFilmSessionSequence")
        referenced = text(references[0], "ReferencedSOPInstanceUID") if references else ""
        if self.session is None or referenced != self.session.SOPInstanceUID:
            raise _failure(_INVALID_VALUE, f"ReferencedFilmSessionSequence: there is no session {shown(referenced)}")
        return self.session

    @staticmethod
    def _created(uid: str, checked: Checked) -> Answer:
        return Answer(
            Status=checked.Status,
            comment=checked.comment,
            dataset=checked.attributes,
            AffectedSOPInstanceUID=uid,
            AttributeIdentifierList=checked.offending or None,
        )

    # --- N-GET ---

    def _get_printer(self, message: NGetRQ) -> Answer:
        if message.RequestedSOPInstanceUID not in (PrinterInstance, ""):
            raise _failure(_NO_SUCH_INSTANCE, f"the printer is {PrinterInstance}")
        attributes = self._printer.attributes()
        asked = message.AttributeIdentifierList
        if not asked:
            return Answer(dataset=attributes)
        found = Dataset()
        unknown = []
        for tag in asked:
            if tag in attributes:
                found[tag] = attributes.get(tag)
            else:
                unknown.append(Tag(tag))
        if not unknown:
            return Answer(dataset=found)
        names = ", ".join(keyword_of(tag) or str(tag) for tag in unknown[:3])
        return Answer(
            Status=_ATTRIBUTE_LIST,
            comment=f"a printer has no {names}",
            dataset=found,
            AttributeIdentifierList=tuple(unknown),
        )

    # --- N-SET ---

    def _set(self, instance: Instance, dataset: Dataset) -> Answer:
        match instance:
            case FilmSession():
                checked = _without_memory(check(FILM_SESSION, dataset, defaults=False))
            case FilmBox():
                checked = check(FILM_BOX, _changeable(dataset), defaults=False, required=False)
            case ImageBox():
                checked = self._set_image(instance, dataset)
        instance.attributes.update(checked.attributes)
        return Answer(
            Status=checked.Status,
            comment=checked.comment,
            dataset=checked.attributes,
            AttributeIdentifierList=checked.offending or None,
        )

    def _set_image(self, box: ImageBox, dataset: Dataset) -> Checked:
        checked = check(IMAGE_BOX, dataset, defaults=False)
        position = integer(checked.attributes, "ImageBoxPosition")
        if position != box.ImageBoxPosition:
            raise _failure(_INVALID_VALUE, f"ImageBoxPosition {position}, this is box {box.ImageBoxPosition}")
        sequence = IMAGE_SEQUENCE[box.SOPClassUID]
        if sequence not in dataset:
            raise _failure(_MISSING_ATTRIBUTE, f"{sequence} is missing")
        images = items(dataset, sequence)
        if len(images) > 1:
            raise _failure(_INVALID_VALUE, f"{sequence} has {len(images)} items, not one")
        is_color = sequence == "BasicColorImageSequence"
        image = from_item(images[0], color=is_color) if images else None
        if image is not None and self._used(besides=box) + image.pixels.nbytes > self._memory:
            raise _failure(_NO_MEMORY, f"no more than {self._memory} bytes of pixels in a film session")
        box.image = image
        return checked

    def _used(self, *, besides: ImageBox) -> int:
        assert self.session is not None
        boxes = (box for film_box in self.session.film_boxes for box in film_box.image_boxes)
        return sum(box.image.pixels.nbytes for box in boxes if box.image is not None and box is not besides)

    # --- N-ACTION ---

    def _print(self, instance: Instance, action_type: int) -> Answer:
        if action_type != _PRINT:
            raise _failure(_NO_SUCH_ACTION, f"Action Type ID {action_type}; the one there is is 1 (Print)")
        assert self.session is not None
        boxes = self.session.film_boxes if isinstance(instance, FilmSession) else [instance]
        if not boxes:
            raise _failure(_NO_FILM_BOX, "the film session has no film box")
        films = tuple(FilmCopy.of(self.session, box) for box in boxes if isinstance(box, FilmBox))
        if any(cell.image for film in films for cell in film.sheet.cells):
            return Answer(films=films, ActionTypeID=action_type)
        status = _EMPTY_SESSION if isinstance(instance, FilmSession) else _EMPTY_FILM
        return Answer(Status=status, comment="no image box has an image", films=films, ActionTypeID=action_type)

    # --- N-DELETE ---

    def _delete(self, instance: Instance) -> None:
        assert self.session is not None
        if isinstance(instance, FilmSession):
            self.close()
        elif isinstance(instance, FilmBox):
            self.session.film_boxes.remove(instance)
            for uid in (instance.SOPInstanceUID, *(box.SOPInstanceUID for box in instance.image_boxes)):
                del self._instances[uid]


def _failure(status: int, comment: str) -> ServiceError:
    return ServiceError(status, meaning(status), comment=comment)


def _without_memory(checked: Checked) -> Checked:
    """Memory is not allocated here: B600, PS3.4 Table H.4-3."""
    if "MemoryAllocation" not in checked.attributes:
        return checked
    del checked.attributes.MemoryAllocation
    tag = tag_of("MemoryAllocation")
    return Checked(checked.attributes, _MEMORY_NOT_SUPPORTED, "memory is not allocated", (*checked.offending, tag))


# PS3.4 H.4.2.2.2: what N-SET cannot change any more
_FIXED = (
    "ImageDisplayFormat",
    "FilmOrientation",
    "FilmSizeID",
    "AnnotationDisplayFormatID",
    "RequestedResolutionID",
    "ReferencedFilmSessionSequence",
)


def _changeable(dataset: Dataset) -> Dataset:
    for keyword in _FIXED:
        if keyword in dataset:
            raise _failure(_INVALID_VALUE, f"{keyword} of a film box cannot be changed")
    return dataset
