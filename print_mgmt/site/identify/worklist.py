"""Identifies patient and study in a Modality Worklist (PS3.4 Annex K), by C-FIND with values from earlier sources.

A worklist need not support each attribute as a key: it then also returns entries with other values (PS3.4 C.2.2.1.3,
status FF01). If the entries are about different patients, none is used. Otherwise, only the entries that have the
values of the query are used.
"""

import asyncio
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dimse.data import Dataset, DecodeLimits
from dimse.errors import DimseError
from dimse.message import StatusClass, is_pending, status_class
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
# After these statuses, entries may be missing. This side never cancels a query whose entries it still reads
_INCOMPLETE = (StatusClass.FAILURE, StatusClass.CANCEL)
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
_NAMES = ("PatientName", "ReferringPhysicianName")  # of VR PN
_Entry = dict[str, str]  # the value of each keyword in `_REQUESTED`


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistSource(DicomNode):
    """A source that queries the worklist ``peer``, AE@HOST:PORT.

    ``by`` names the attributes to search by; a query is sent only if all have values. Only entries with these values
    are used; if there are several, only values that all of them share. If the worklist returns entries about different
    patients, none is used. ``seconds`` is the time limit of a query. `DicomNode` has the other fields. Raises
    `ConfigError`.
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
        """Return the values that all matching entries share.

        Raises `DimseError` if the query fails, or a key has a wildcard.
        """
        values = {keyword: text(known, keyword) for keyword in self.by}
        for keyword, value in values.items():
            if not value:
                return Findings()
            if any(wildcard in value for wildcard in _WILDCARDS):
                raise DimseError(f"{keyword} contains a wildcard")  # its value identifies a patient
        try:
            async with asyncio.timeout(self.seconds):
                entries = await self._query(values)
        except TimeoutError as exc:
            raise DimseError(f"{self.peer} did not answer within {self.seconds:g} s") from exc
        return _shared_values(entries, values)

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
                    if status_class(response.Status) in _INCOMPLETE:
                        raise DimseError(f"{self.peer}: C-FIND: status {response.Status:04X}H")
                    if is_pending(response.Status):
                        entries.append(_entry(scu.dataset_of(association, context, response, _LIMITS)))
                    if len(entries) > _MAX_ENTRIES:
                        raise DimseError(f"{self.peer} returned more than {_MAX_ENTRIES} entries")
        return entries


def _entry(found: Dataset) -> _Entry:
    """Return the values of an entry that are used; the rest of the entry may take much memory. Raises `DecodeError`."""
    return {keyword: text(found, _KEYS.get(keyword, keyword)) for keyword in _REQUESTED}


def _has_values(entry: _Entry, asked: Mapping[str, str]) -> bool:
    return all(_is_same(keyword, value, entry[keyword]) for keyword, value in asked.items())


def _is_same(keyword: str, asked: str, found: str) -> bool:
    """Return whether the value in an entry matches the value of the query.

    A name may differ in case and accents (PS3.4 C.2.2.2.1), and one component group that is the same is enough.
    """
    if keyword not in _NAMES:
        return asked.strip() == found.strip()
    return not _groups_of(asked).isdisjoint(_groups_of(found))


def _groups_of(name: str) -> set[str]:
    """Return the component groups of a name, without accents and in one case; empty ones are left out."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    groups = ("^".join(map(str.strip, group.split("^"))).rstrip("^") for group in plain.casefold().split("="))
    return set(filter(None, groups))


def _shared_values(entries: Sequence[_Entry], asked: Mapping[str, str]) -> Findings:
    """Return the values that all entries with the values of the query share.

    There are none if there are no entries, or entries for different patients. Entries without the values are noted.
    """
    if not entries:
        return Findings(notes=("the worklist has no entry",))
    if len({(entry["PatientID"], entry["IssuerOfPatientID"]) for entry in entries}) > 1:
        return Findings(notes=(f"the worklist has {len(entries)} entries for different patients",))
    matching = [entry for entry in entries if _has_values(entry, asked)]
    found = {keyword: {entry[keyword] for entry in matching} for keyword in _REQUESTED}
    values = {keyword: each.pop() for keyword, each in found.items() if len(each) == 1}
    others = len(entries) - len(matching)
    note = f"entries of the worklist without the {' and '.join(asked)} of the query, which are not used: {others}"
    return Findings(values, notes=(note,) if others else ())
