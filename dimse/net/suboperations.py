"""The sub-operations of C-GET and C-MOVE, PS3.7 §9.1.3 and §9.1.4: C-STOREs, and the counts of them.

An SCP finds what is asked for, and lets `send_instances` send it: on the association of a C-GET itself, where
the peer took the SCP role for the SOP Classes, or on one to the destination of a C-MOVE.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass, field

from ..data import Dataset
from ..errors import DimseError
from ..message import CMoveRQ, Response, StatusClass, status_class
from .association import Association
from .operation import Operation
from .scu import c_store

__all__ = ["send_instances"]

_SUCCESS, _CANCEL = 0x0000, 0xFE00
_SOME_FAILED, _NONE_SENT = 0xB000, 0xA702
_MOST = 0xFFFF  # the counts are US


async def send_instances(
    operation: Operation, association: Association, instances: AsyncIterable[Dataset], count: int
) -> AsyncGenerator[Response, None]:
    """The responses of a C-GET or C-MOVE that sends ``count`` instances on ``association``: a handler yields them.

    ``instances`` are Data Sets with SOP Class and Instance UID. One that cannot be sent, for want of a context or
    whatever the reason, has failed. C-CANCEL ends it between two of them.
    """
    counts = _Counts(count)
    async for instance in instances:
        counts.add(str(instance.SOPInstanceUID), await _store(operation, association, instance))
        if operation.is_cancelled:
            yield counts.response(operation, _CANCEL, remaining=True)
            return
        yield operation.pending(None, **counts.elements(remaining=True))
    yield counts.response(operation, counts.status)


async def _store(operation: Operation, association: Association, instance: Dataset) -> StatusClass:
    origin: tuple[str, int] | None = None
    if isinstance(operation.message, CMoveRQ):
        assert operation.association.associate_rq is not None
        origin = operation.association.associate_rq.calling_ae_title, operation.message.MessageID
    try:
        response = await c_store(association, instance, move_originator=origin)
    except DimseError:
        return StatusClass.FAILURE
    return status_class(response.Status)


@dataclass(slots=True)
class _Counts:
    remaining: int
    completed: int = 0
    failed: list[str] = field(default_factory=list)
    warning: int = 0

    def add(self, uid: str, outcome: StatusClass) -> None:
        self.remaining = max(self.remaining - 1, 0)
        if outcome is StatusClass.SUCCESS:
            self.completed += 1
        elif outcome is StatusClass.WARNING:
            self.warning += 1
        else:
            self.failed.append(uid)

    @property
    def status(self) -> int:
        """That of the final response, where nobody cancelled."""
        if self.failed and not self.completed and not self.warning:
            return _NONE_SENT
        return _SOME_FAILED if self.failed or self.warning else _SUCCESS

    def elements(self, *, remaining: bool) -> dict[str, int]:
        """The counts as command elements; only a Pending or cancelled operation has some left."""
        counts = {
            "NumberOfCompletedSuboperations": self.completed,
            "NumberOfFailedSuboperations": len(self.failed),
            "NumberOfWarningSuboperations": self.warning,
        }
        if remaining:
            counts["NumberOfRemainingSuboperations"] = self.remaining
        return {keyword: min(count, _MOST) for keyword, count in counts.items()}

    def response(self, operation: Operation, status: int, *, remaining: bool = False) -> Response:
        failed = Dataset(FailedSOPInstanceUIDList=self.failed) if self.failed else None
        return operation.reply(status, dataset=failed, comment="", **self.elements(remaining=remaining))
