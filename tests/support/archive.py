"""A small archive for tests: C-STORE, C-FIND, C-GET and C-MOVE of Study Root, PS3.4 Annexes B and C."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager

from dimse.data import Dataset
from dimse.errors import ServiceError
from dimse.message import CFindRQ, CGetRQ, CMoveRQ, CStoreRQ, Response
from dimse.net import Association, Handlers, Operation, Service, connect, send_instances
from dimse.uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage, new_uid

FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))
STORAGE = SecondaryCaptureImageStorage
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


def instance(patient: str, number: int, size: int = 100) -> Dataset:
    """Return an instance to store."""
    return Dataset(
        SOPClassUID=STORAGE,
        SOPInstanceUID=new_uid(),
        StudyInstanceUID=f"1.2.{number}",
        SeriesInstanceUID=f"1.2.{number}.1",
        PatientName=patient,
        PatientID=patient[:3],
        InstanceNumber=number,
        Modality="OT",
        StudyDate="20240101",
        PixelData=bytes(2 * size),
    )


QUERY = Dataset(QueryRetrieveLevel="STUDY", PatientName="Doe*", StudyInstanceUID="")
DOES = [instance(f"Doe^{number}", number) for number in range(5)]
ROE = instance("Roe", 9)
CONTEXTS: dict[str, tuple[str, ...]] = dict.fromkeys((FIND, GET, MOVE), SYNTAXES)


class Archive:
    """Keeps instances by UID. ``destinations`` maps AE titles to hosts and ports, for C-MOVE."""

    def __init__(self, *instances: Dataset, destinations: Mapping[str, tuple[str, int]] | None = None) -> None:
        self.instances = {str(kept.SOPInstanceUID): kept for kept in instances}
        self.destinations = destinations or {}
        self.cancelled = 0
        self.waits_after: int | None = None  # the number of C-FIND matches after which it waits for C-CANCEL
        self.stored: list[CStoreRQ] = []
        contexts = dict.fromkeys((FIND, MOVE, GET, STORAGE), SYNTAXES)
        self.service = Service(contexts, self._open, as_scu=(STORAGE,))
        self.handlers: Handlers = {
            (FIND, CFindRQ): self._find,
            (GET, CGetRQ): self._get,
            (MOVE, CMoveRQ): self._move,
            (STORAGE, CStoreRQ): self.store,
        }

    @asynccontextmanager
    async def _open(self, association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG002
        yield self.handlers

    async def store(self, operation: Operation) -> Response:
        """Perform C-STORE."""
        dataset, message = operation.dataset(), operation.message
        assert dataset is not None
        assert isinstance(message, CStoreRQ)
        self.stored.append(message)
        self.instances[message.AffectedSOPInstanceUID] = dataset
        return operation.reply()

    async def _find(self, operation: Operation) -> AsyncGenerator[Response, None]:
        try:
            for number, kept in enumerate(self._matches(operation)):
                if number == self.waits_after:
                    await operation.cancelled()
                yield operation.pending(
                    Dataset(
                        QueryRetrieveLevel="STUDY",
                        PatientName=kept.PatientName,
                        StudyInstanceUID=kept.StudyInstanceUID,
                    )
                )
        finally:
            self.cancelled += operation.is_cancelled

    def _get(self, operation: Operation) -> AsyncGenerator[Response, None]:
        found = self._matches(operation)
        return send_instances(operation, operation.association, _one_by_one(found), len(found))

    async def _move(self, operation: Operation) -> AsyncGenerator[Response, None]:
        assert isinstance(operation.message, CMoveRQ)
        if operation.message.MoveDestination not in self.destinations:
            raise ServiceError(0xA801, "Move Destination unknown")
        host, port = self.destinations[operation.message.MoveDestination]
        found = self._matches(operation)
        async with connect(host, port, {STORAGE: SYNTAXES}) as destination:
            async for response in send_instances(operation, destination, _one_by_one(found), len(found)):
                yield response

    def _matches(self, operation: Operation) -> list[Dataset]:
        identifier = operation.dataset()
        assert identifier is not None
        wanted = str(identifier.get("PatientName") or "*").rstrip("*")
        study = identifier.get("StudyInstanceUID") or None
        return [
            kept
            for kept in self.instances.values()
            if str(kept.PatientName).startswith(wanted) and study in (None, kept.StudyInstanceUID)
        ]


async def _one_by_one(found: list[Dataset]) -> AsyncIterator[Dataset]:
    for kept in found:
        yield kept
