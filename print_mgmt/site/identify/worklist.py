"""Identifies patient and study in a Modality Worklist (PS3.4 Annex K), by C-FIND with values from earlier sources."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from dimse.data import Dataset, DecodeLimits
from dimse.errors import DimseError
from dimse.message import is_failure, is_pending
from dimse.net import scu

from ...config import ConfigError
from ...destinations.remote import DicomNode, check_peer
from ...scp import Film
from ...typed import text
from .identity import Findings, check_keywords

__all__ = ["WorklistSource"]

_FIND = "1.2.840.10008.5.1.4.31"  # Modality Worklist Information Model - FIND
_MAX_ENTRIES = 100  # worklist entries for one film; if there are more, the key is not specific enough
_LIMITS = DecodeLimits(elements=5_000)  # takes 10 ms of the event loop at most; real entries have fewer than 200
_WILDCARDS = "*?\\"  # a value with one of these characters could match other patients (PS3.4 C.2.2.2)
# Keys of PS3.4 Table K.6-1 whose keyword differs from the keyword of the film's attribute
_KEYS = {"StudyID": "RequestedProcedureID", "StudyDescription": "RequestedProcedureDescription"}
_REQUESTED = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "AccessionNumber",
    "ReferringPhysicianName",
    *_KEYS,
)
_Entry = dict[str, str]  # the value of each keyword in `_REQUESTED`


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistSource(DicomNode):
    """A source that queries the worklist ``peer``, AE@HOST:PORT.

    ``by`` names the attributes to search by; a query is sent only if all have values. If the worklist has several
    entries, only values that all of them share are used; entries about different patients are not used. ``seconds`` is
    the time limit of a query. `DicomNode` has the other fields. Raises `ConfigError`.
    """

    peer: str
    by: tuple[str, ...] = ("PatientID",)
    seconds: float = 10.0

    def __post_init__(self) -> None:
        check_peer("peer", self.peer)
        self.check_settings()
        check_keywords("by", self.by)
        if not self.by:
            raise ConfigError("by", "needs at least one attribute")
        for keyword in self.by:
            if keyword not in _REQUESTED:
                raise ConfigError("by", f"{keyword} is not a key of a worklist; the keys are {', '.join(_REQUESTED)}")

    async def find(self, film: Film, known: Dataset) -> Findings:  # noqa: ARG002
        """Return the values that all entries share. Raises `DimseError` if the query fails, or a key has a wildcard."""
        values = {keyword: text(known, keyword) for keyword in self.by}
        for keyword, value in values.items():
            if not value:
                return Findings()
            if any(wildcard in value for wildcard in _WILDCARDS):
                raise DimseError(f"{keyword} {value!a} contains a wildcard")
        try:
            async with asyncio.timeout(self.seconds):
                entries = await self._query(values)
        except TimeoutError as exc:
            raise DimseError(f"{self.peer} did not answer within {self.seconds:g} s") from exc
        return _shared_values(entries)

    async def _query(self, values: dict[str, str]) -> list[_Entry]:
        identifier = Dataset(**{_KEYS.get(keyword, keyword): values.get(keyword) for keyword in _REQUESTED})
        identifier.ScheduledProcedureStepSequence = [Dataset(Modality=None, ScheduledProcedureStepStartDate=None)]
        if not all(value.isascii() for value in values.values()):
            identifier.SpecificCharacterSet = "ISO_IR 192"
        entries: list[_Entry] = []
        async with self.associate(self.peer, _FIND) as association:
            context = association.context_for(_FIND)
            async with scu.c_find(association, context, identifier) as responses:
                async for response in responses:
                    if is_failure(response.Status):
                        raise DimseError(f"{self.peer}: C-FIND: status {response.Status:04X}H")
                    if is_pending(response.Status):
                        entries.append(_entry(scu.dataset_of(association, context, response, _LIMITS)))
                    if len(entries) > _MAX_ENTRIES:
                        raise DimseError(f"{self.peer} returned more than {_MAX_ENTRIES} entries")
        return entries


def _entry(found: Dataset) -> _Entry:
    """Return the values of an entry of the worklist; the rest of it may take much memory. Raises `DecodeError`."""
    return {keyword: text(found, _KEYS.get(keyword, keyword)) for keyword in _REQUESTED}


def _shared_values(entries: Sequence[_Entry]) -> Findings:
    """Return the values that all entries share; none if there are no entries, or entries for different patients."""
    if not entries:
        return Findings(notes=("the worklist has no entry",))
    if len({(entry["PatientID"], entry["IssuerOfPatientID"]) for entry in entries}) > 1:
        return Findings(notes=(f"the worklist has {len(entries)} entries for different patients",))
    found = {keyword: {entry[keyword] for entry in entries} for keyword in _REQUESTED}
    return Findings({keyword: values.pop() for keyword, values in found.items() if len(values) == 1})
