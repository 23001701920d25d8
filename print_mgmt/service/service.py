"""`PrintService` applies the rules of a print SCP (PS3.4 Annex H) to requests, without I/O.

A `PrintService` serves one association. It owns all instances that are created on the association; its caller must call
`PrintService.close` when the association ends. A request that cannot be performed changes nothing.
`PrintService.handle` does not raise an error for it: the answer has the status that the standard defines.

N-ACTION creates a job, which has a copy of the current films. A caller that cannot accept the job replaces the answer
by `PrintService.queue_full`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from dimse.data import Dataset, tag_of, take_known_vrs
from dimse.errors import ServiceError, escaped
from dimse.message import (
    NActionRQ,
    NCreateRQ,
    NDeleteRQ,
    NEventReportRQ,
    NGetRQ,
    NSetRQ,
    Request,
    StatusClass,
    status_class,
)
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicPrintImageOverlayBox,
    ImageOverlayBox,
    PresentationLUT,
    Printer,
    PrinterConfigurationRetrieval,
    PrinterInstance,
    PrintJob,
    VOILUTBox,
)

from ..config import PrinterConfig
from ..jobs import JobFinder, PrinterState, PrintQueue
from ..model import AnnotationBox, FilmBox, FilmSession, ImageBox, OverlayBox, VOIBox
from ..sop import EVENTS, IMAGE_SEQUENCE, OPERATIONS, SOP_CLASSES, TITLES
from ..status import NO_SUCH_EVENT, NOT_AUTHORIZED, QUEUE_FULL_FILM, QUEUE_FULL_SESSION, UNRECOGNIZED_OPERATION
from .answer import Answer, failure
from .films import (
    create_film_box,
    create_film_session,
    create_presentation_lut,
    set_film_box,
    set_film_session,
)
from .image_box import set_annotation_box, set_image_box
from .instances import Call, Instances, MemoryPool
from .n_action import print_film_box, print_film_session
from .n_get import get_print_job, get_printer, get_printer_configuration
from .retired import create_overlay_box, create_voi_lut_box, delete_overlay_box, set_overlay_box, set_voi_lut_box

__all__ = ["PrintService"]

# Above these figures, a request takes long, and is not performed on the event loop
_MAX_COLOR = 1 << 20  # bytes of color pixels: converting them to RGB takes 10 ms
# Bytes of other data, in the request or kept with its instance: decoding them takes up to 10 ms if they are DS or IS
_MAX_OTHER = 1 << 14
_MAX_BOXES = 256  # image boxes to print, or requested attributes: they take 5 ms

_BOX_REFERENCES = ("ReferencedImageBoxSequence", "ReferencedBasicAnnotationBoxSequence")
_IMAGE_TAGS = {sop_class: tag_of(sequence) for sop_class, sequence in IMAGE_SEQUENCE.items()}


class PrintService:
    """The print SCP for one association, with the configuration ``config``.

    All associations of a printer share ``state``, ``pool`` (the memory that film sessions reserve) and ``memory`` (the
    memory of all instances). ``jobs`` finds the Print Jobs for N-GET. ``calling_ae_title`` and ``host`` are the AE
    title and the address of the client; ``abstract_syntaxes`` are the abstract syntaxes of the accepted presentation
    contexts.
    """

    def __init__(
        self,
        config: PrinterConfig | None = None,
        state: PrinterState | None = None,
        jobs: JobFinder | None = None,
        *,
        calling_ae_title: str = "",
        host: str = "",
        abstract_syntaxes: Collection[str] = tuple(SOP_CLASSES.values()),
        pool: MemoryPool | None = None,
        memory: MemoryPool | None = None,
    ) -> None:
        config = config if config is not None else PrinterConfig()
        self._instances = Instances(
            config,
            state if state is not None else PrinterState(),
            jobs if jobs is not None else PrintQueue(),
            pool if pool is not None else MemoryPool(config.MaximumMemoryAllocation),
            memory if memory is not None else MemoryPool(config.total_memory, host_size=config.host_memory),
            calling_ae_title=calling_ae_title,
            host=host,
            abstract_syntaxes=abstract_syntaxes,
        )

    @property
    def session(self) -> FilmSession | None:
        """The film session, or None if there is none."""
        return self._instances.session

    def handle(self, abstract_syntax: str, message: Request, dataset: Dataset | None) -> Answer:
        """Perform a request on a presentation context for ``abstract_syntax``, and return the answer."""
        instances = self._instances
        if dataset is not None and not instances.config.strict:
            take_known_vrs(dataset)
        try:
            answer = self._perform(_call_of(abstract_syntax, message, dataset))
        except ServiceError as exc:
            has_list = isinstance(message, NCreateRQ | NSetRQ | NGetRQ)  # only their responses name attributes
            return Answer(
                Status=exc.status,
                comment=exc.comment or exc.meaning,
                AttributeIdentifierList=exc.offending or None if has_list else None,
            )
        if isinstance(message, NCreateRQ | NSetRQ) and not instances.caller.echo:
            answer = replace(answer, dataset=_box_references(answer.dataset))
        if isinstance(message, NCreateRQ) and not instances.caller.class_uid:
            answer = replace(answer, names_sop_class=False)
        if not instances.caller.warnings and status_class(answer.Status) is StatusClass.WARNING:
            answer = replace(answer, Status=0x0000, comment="", AttributeIdentifierList=None)
        return answer

    def takes_long(self, message: Request, dataset: Dataset | None) -> bool:
        """Return whether a request takes so long that other clients should not wait for it.

        `handle` may then run in another thread, if no other method of this service runs at the same time.
        """
        if isinstance(message, NSetRQ) and message.RequestedSOPClassUID == BasicAnnotationBox:
            return True  # because fonts are searched for the characters
        if isinstance(message, NGetRQ):
            return len(message.AttributeIdentifierList or ()) > _MAX_BOXES
        session = self._instances.session
        if isinstance(message, NActionRQ) and session is not None:
            return session.has_voi or sum(len(box.image_boxes) for box in session.film_boxes) > _MAX_BOXES
        sop_class, length = "", 0
        if isinstance(message, NSetRQ):
            sop_class = message.RequestedSOPClassUID
            length = self._instances.stored_bytes(message.RequestedSOPInstanceUID)
        for tag, element in dataset.by_tag().items() if dataset is not None else ():
            if tag != _IMAGE_TAGS.get(sop_class):
                length += len(element.raw)
            elif sop_class == BasicColorImageBox and len(element.raw) > _MAX_COLOR:
                return True
        return length > _MAX_OTHER

    def close(self) -> None:
        """Forget all instances at the end of the association. Its jobs are not affected."""
        self._instances.forget()

    def queue_full(self, message: NActionRQ, why: str = "the print queue is full") -> Answer:
        """Return the answer to an N-ACTION whose job was refused, and count its films as not printed."""
        is_session = message.RequestedSOPClassUID == BasicFilmSession
        session = self._instances.session
        for box in session.film_boxes if session is not None else ():
            if is_session or message.RequestedSOPInstanceUID in (box.SOPInstanceUID, ""):
                box.jobs -= 1
        status = QUEUE_FULL_SESSION if is_session else QUEUE_FULL_FILM
        return Answer(Status=status, comment=why)

    # --- one request ---

    def _perform(self, call: Call) -> Answer:
        instances, message = self._instances, call.message
        instances.check_class(call)
        if isinstance(message, NEventReportRQ) and call.sop_class in EVENTS:
            raise failure(NO_SUCH_EVENT, f"{TITLES[call.sop_class]} sends events, but accepts none")
        if isinstance(message, NCreateRQ) and call.sop_class == Printer and not instances.config.strict:
            return self._answer_printer_creation()
        if type(message) not in OPERATIONS[call.sop_class]:
            raise failure(UNRECOGNIZED_OPERATION, f"not an operation of {TITLES[call.sop_class]}")
        if isinstance(message, NGetRQ):
            return _GET[call.sop_class](instances, message)
        if not instances.caller.may_print:
            raise failure(
                NOT_AUTHORIZED, f"{escaped(instances.calling_ae_title)} may only query the printer and its jobs"
            )
        if isinstance(message, NCreateRQ):
            return _CREATE[call.sop_class](instances, call)
        completed = instances.complete(call)
        match message:
            case NSetRQ():
                answer = self._set(completed)
            case NActionRQ():
                answer = self._print(completed, message)
            case _:
                self._delete(completed)
                instances.release_deleted()
                answer = Answer()
        return answer if completed is call else replace(answer, AffectedSOPInstanceUID=completed.uid)

    def _answer_printer_creation(self) -> Answer:
        """Answer N-CREATE of the printer, which the SCU of United Imaging sends, with the printer's attributes."""
        instances = self._instances
        message = NGetRQ(MessageID=0, RequestedSOPClassUID=Printer, RequestedSOPInstanceUID=PrinterInstance)
        return get_printer(instances, message)

    def _set(self, call: Call) -> Answer:
        instances, dataset = self._instances, call.dataset
        match instances.find(call.sop_class, call.uid):
            case FilmSession() as session:
                return set_film_session(instances, session, dataset)
            case FilmBox() as box:
                return set_film_box(instances, box, dataset)
            case ImageBox() as box:
                return set_image_box(instances, box, call)
            case AnnotationBox() as box:
                return set_annotation_box(instances, box, dataset)
            case VOIBox() as box:
                return set_voi_lut_box(instances, box, dataset)
            case box:
                assert isinstance(box, OverlayBox)  # no other class has N-SET (`OPERATIONS`)
                return set_overlay_box(instances, box, dataset)

    def _print(self, call: Call, message: NActionRQ) -> Answer:
        instances = self._instances
        instance = instances.find(call.sop_class, call.uid)
        if isinstance(instance, FilmSession):
            return print_film_session(instances, instance, message, call.dataset)
        assert isinstance(instance, FilmBox)
        return print_film_box(instances, instance, message, call.dataset)

    def _delete(self, call: Call) -> None:
        instances = self._instances
        match instances.find(call.sop_class, call.uid):
            case FilmSession():
                instances.delete_session()
            case FilmBox() as box:
                instances.remove_film_box(box)
            case OverlayBox() as box:
                delete_overlay_box(instances, box)
            case instance:
                instances.remove(instance)


def _box_references(dataset: Dataset | None) -> Dataset | None:
    """Return the references of a film box to its boxes, without which no client can print; None if there are none."""
    if dataset is None:
        return None
    references = Dataset(**{keyword: dataset.get(keyword) for keyword in _BOX_REFERENCES if keyword in dataset})
    return references or None


def _call_of(abstract_syntax: str, message: Request, dataset: Dataset | None) -> Call:
    """Return a request with its SOP Class and Instance. Raises `ServiceError` for a request of a C-service."""
    dataset = dataset if dataset is not None else Dataset()
    match message:
        case NCreateRQ():
            return Call(
                abstract_syntax, message, message.AffectedSOPClassUID, message.AffectedSOPInstanceUID or "", dataset
            )
        case NEventReportRQ():
            return Call(abstract_syntax, message, message.AffectedSOPClassUID, message.AffectedSOPInstanceUID, dataset)
        case NGetRQ() | NSetRQ() | NActionRQ() | NDeleteRQ():
            uid = message.RequestedSOPInstanceUID
            return Call(abstract_syntax, message, message.RequestedSOPClassUID, uid, dataset)
    raise failure(UNRECOGNIZED_OPERATION, "not an operation of Print Management")


_CREATE: Mapping[str, Callable[[Instances, Call], Answer]] = {
    BasicFilmSession: create_film_session,
    BasicFilmBox: create_film_box,
    PresentationLUT: create_presentation_lut,
    VOILUTBox: create_voi_lut_box,
    ImageOverlayBox: create_overlay_box,
    BasicPrintImageOverlayBox: create_overlay_box,
}
_GET: Mapping[str, Callable[[Instances, NGetRQ], Answer]] = {
    Printer: get_printer,
    PrinterConfigurationRetrieval: get_printer_configuration,
    PrintJob: get_print_job,
}
