"""The answer to a request."""

from dataclasses import dataclass

from dimse.data import Dataset
from dimse.errors import ServiceError

from ..attributes import Checked
from ..jobs import PrintJob
from ..model import FilmCopy
from ..status import SUCCESS, meaning

__all__ = ["Answer", "answer_for", "failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The elements of a response, its Data Set, and the job that N-ACTION has created.

    ``comment`` is the Error Comment. ``names_sop_class``: the response has an Affected SOP Class UID. Some printers
    omit it, as PS3.7 §10.1.5.1.3 allows.
    """

    Status: int = SUCCESS
    comment: str = ""
    dataset: Dataset | None = None
    AffectedSOPInstanceUID: str | None = None
    AttributeIdentifierList: tuple[int, ...] | None = None
    ActionTypeID: int | None = None
    EventTypeID: int | None = None
    names_sop_class: bool = True
    job: PrintJob | None = None

    @property
    def films(self) -> tuple[FilmCopy, ...]:
        """The films of the job."""
        return self.job.films if self.job is not None else ()


def answer_for(checked: Checked, uid: str | None = None, *, current: Dataset | None = None) -> Answer:
    """Return the answer to N-CREATE or N-SET: the accepted attributes, and the most important warning.

    ``uid`` is the UID of the new instance, for N-CREATE. ``current`` are all attributes of the instance after N-SET:
    for each attribute that was not accepted, the answer contains the current value, if there is one.
    """
    if not checked.warnings:
        return Answer(dataset=checked.attributes, AffectedSOPInstanceUID=uid)
    if current is not None:
        for tag in checked.offending:
            if tag in current and tag not in checked.attributes:
                checked.attributes.add(current[tag])
    return Answer(
        Status=checked.Status,
        comment=checked.comment,
        dataset=checked.attributes,
        AffectedSOPInstanceUID=uid,
        AttributeIdentifierList=checked.offending or None,
    )


def failure(status: int, comment: str) -> ServiceError:
    """Return the error for an answer with ``status``; ``comment`` is the answer's Error Comment."""
    return ServiceError(status, meaning(status), comment=comment)
