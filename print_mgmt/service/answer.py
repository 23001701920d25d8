"""What the response to a request says; and the statuses by name, PS3.7 Annex C and PS3.4 Annex H.4."""

from dataclasses import dataclass

from dimse.data import Dataset
from dimse.errors import ServiceError

from ..attributes import Checked
from ..jobs import PrintJob
from ..model import FilmCopy
from ..status import meaning

__all__ = ["Answer", "answered", "failure"]

# PS3.7 Annex C
SUCCESS, INVALID_VALUE, ATTRIBUTE_LIST, PROCESSING_FAILURE = 0x0000, 0x0106, 0x0107, 0x0110
DUPLICATE_INSTANCE, NO_SUCH_INSTANCE, NO_SUCH_EVENT = 0x0111, 0x0112, 0x0113
NO_SUCH_ARGUMENT, INVALID_ARGUMENT, OUT_OF_RANGE = 0x0114, 0x0115, 0x0116
INVALID_INSTANCE, NO_SUCH_CLASS, CLASS_CONFLICT = 0x0117, 0x0118, 0x0119
MISSING_ATTRIBUTE, CLASS_NOT_SUPPORTED, NO_SUCH_ACTION = 0x0120, 0x0122, 0x0123
NOT_AUTHORIZED, UNRECOGNIZED_OPERATION, RESOURCE_LIMITATION = 0x0124, 0x0211, 0x0213
# PS3.4 Annex H.4
MEMORY_NOT_SUPPORTED, NOT_COLLATED, EMPTY_SESSION, EMPTY_FILM = 0xB600, 0xB601, 0xB602, 0xB603
DEMAGNIFIED, DENSITY_LIMITED, CROPPED, DECIMATED = 0xB604, 0xB605, 0xB609, 0xB60A
NO_FILM_BOX, QUEUE_FULL_SESSION, QUEUE_FULL_FILM, IMAGE_TOO_LARGE = 0xC600, 0xC601, 0xC602, 0xC603
NO_MEMORY, COMBINED_TOO_LARGE, UNPRINTED_FILM_BOX = 0xC605, 0xC613, 0xC616


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the response says, and the job that its request made.

    ``class_uid``: whether the response names the SOP Class (some printers do not, PS3.7 §10.1.5.1.2).
    """

    Status: int = SUCCESS
    comment: str = ""
    dataset: Dataset | None = None
    AffectedSOPInstanceUID: str | None = None
    AttributeIdentifierList: tuple[int, ...] | None = None
    ActionTypeID: int | None = None
    EventTypeID: int | None = None
    class_uid: bool = True
    job: PrintJob | None = None

    @property
    def films(self) -> tuple[FilmCopy, ...]:
        """The films of the job."""
        return self.job.films if self.job is not None else ()


def answered(checked: Checked, uid: str | None = None) -> Answer:
    """The answer to N-CREATE or N-SET: what holds now, and the foremost warning."""
    return Answer(
        Status=checked.Status,
        comment=checked.comment,
        dataset=checked.attributes,
        AffectedSOPInstanceUID=uid,
        AttributeIdentifierList=checked.offending or None,
    )


def failure(status: int, comment: str) -> ServiceError:
    """The error whose response has ``status``."""
    return ServiceError(status, meaning(status), comment=comment)
