"""Parts of services: the Verification service, and the sub-operations of C-GET and C-MOVE.

Verification (PS3.4 Annex A) performs C-ECHO, and shows how to write a service.

The sub-operations (PS3.7 §9.1.3 and §9.1.4) are C-STOREs. An SCP finds the instances, and `send_instances` sends them:
for C-GET on the same association, if the peer took the SCP role for their SOP Classes; for C-MOVE on an association
with the destination.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field

from ..data import Dataset
from ..data.check import check_value
from ..errors import DimseError
from ..message import CEchoRQ, CMoveRQ, Response, StatusClass, status_class
from ..uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification
from .association import Association
from .performer import Operation, SynchronousHandler
from .scu import c_store
from .server import Service

__all__ = ["VERIFICATION", "send_instances"]

_SUCCESS, _CANCEL = 0x0000, 0xFE00
_SOME_FAILED, _NONE_SENT = 0xB000, 0xA702
_MAX_COUNT = 0xFFFF  # the greatest number in a US


async def send_instances(
    operation: Operation, association: Association, instances: AsyncIterable[Dataset], count: int
) -> AsyncGenerator[Response, None]:
    """Send ``instances`` on ``association``, and yield the responses of the C-GET or C-MOVE for the handler.

    ``instances`` are Data Sets with SOP Class and Instance UID, and ``count`` is their number. An instance that cannot
    be sent, for lack of a context or for any other reason, counts as failed. C-CANCEL ends the operation between two
    instances. If ``instances`` is a generator, it is closed at the end.
    """
    counts = _Counts(count)
    async with aclosing(instances) if isinstance(instances, AsyncGenerator) else nullcontext():
        async for instance in instances:
            counts.add(instance, await _store(operation, association, instance))
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
    """The sub-operations of a C-GET or C-MOVE, counted by outcome."""

    remaining: int
    completed: int = 0
    failed: int = 0
    warning: int = 0
    failed_uids: list[str] = field(default_factory=list)

    def add(self, instance: Dataset, outcome: StatusClass) -> None:
        self.remaining = max(self.remaining - 1, 0)
        if outcome is StatusClass.SUCCESS:
            self.completed += 1
        elif outcome is StatusClass.WARNING:
            self.warning += 1
        else:
            self.failed += 1
            self.failed_uids += _listed_uid(instance)

    @property
    def status(self) -> int:
        """The status of the final response, unless the operation was canceled."""
        if self.failed and not self.completed and not self.warning:
            return _NONE_SENT
        return _SOME_FAILED if self.failed or self.warning else _SUCCESS

    def elements(self, *, remaining: bool) -> dict[str, int]:
        """Return the counts as command elements; ``remaining`` is for a Pending or canceled operation."""
        counts = {
            "NumberOfCompletedSuboperations": self.completed,
            "NumberOfFailedSuboperations": self.failed,
            "NumberOfWarningSuboperations": self.warning,
        }
        if remaining:
            counts["NumberOfRemainingSuboperations"] = self.remaining
        return {keyword: min(count, _MAX_COUNT) for keyword, count in counts.items()}

    def response(self, operation: Operation, status: int, *, remaining: bool = False) -> Response:
        failed = Dataset(FailedSOPInstanceUIDList=self.failed_uids) if self.failed_uids else None
        return operation.reply(status, dataset=failed, comment="", **self.elements(remaining=remaining))


def _listed_uid(instance: Dataset) -> list[str]:
    """Return a list with the Instance UID; an empty list if the UID is missing, or cannot be read or written."""
    try:
        uid = instance.get("SOPInstanceUID")
        return [uid] if isinstance(uid, str) and check_value("UI", uid) else []
    except DimseError:
        return []


def _echo(operation: Operation) -> Response:
    return operation.reply()


VERIFICATION = Service(
    {Verification: (ExplicitVRLittleEndian, ImplicitVRLittleEndian)},
    {(Verification, CEchoRQ): SynchronousHandler(_echo)},
)
