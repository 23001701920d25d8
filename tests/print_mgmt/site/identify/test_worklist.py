"""Identity from a worklist; test peers answer, refuse, hang, and send too many entries."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from accepted import accepted_film

from dimse.data import Dataset, Element
from dimse.errors import ConnectionFailed, ContextNotAccepted, DimseError
from dimse.message import CFindRQ, Response
from dimse.net import VERIFICATION, Association, Handlers, Operation, Server, Service, serve
from dimse.uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from print_mgmt import ConfigError
from print_mgmt.site.identify import Findings, WorklistSource

FIND = "1.2.840.10008.5.1.4.31"
DOE = Dataset(
    PatientName="Doe^Jane",
    PatientID="4711",
    AccessionNumber="A1",
    StudyInstanceUID="1.2.3",
    RequestedProcedureID="P1",
    RequestedProcedureDescription="Thorax",
)
Answer = Callable[[Operation], AsyncGenerator[Response, None]]


class Worklist:
    """A worklist with these entries, or another ``answer``; ``asked`` has the identifiers."""

    def __init__(self, *entries: Dataset, answer: Answer | None = None) -> None:
        self.asked: list[Dataset] = []
        self._entries = entries
        self._answer = answer or self._all

    async def _all(self, operation: Operation) -> AsyncGenerator[Response, None]:
        self.asked.append(operation.dataset() or Dataset())
        for entry in self._entries:
            yield operation.pending(entry)

    @asynccontextmanager
    async def _open(self, association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG002
        yield {(FIND, CFindRQ): self._answer}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Server]:
        service = Service({FIND: (ExplicitVRLittleEndian, ImplicitVRLittleEndian)}, self._open)
        async with serve([service], port=0) as server:
            yield server


def source(server: Server, *by: str, seconds: float = 10.0) -> WorklistSource:
    return WorklistSource(peer=f"RIS@{server.host}:{server.port}", by=by or ("PatientID",), seconds=seconds)


async def ask(worklist: Worklist, *by: str, seconds: float = 10.0, **known: str) -> Findings:
    async with worklist.serving() as server:
        return await source(server, *by, seconds=seconds).find(accepted_film(), Dataset(**known))


async def test_entry_fills_patient_and_study() -> None:
    findings = await ask(Worklist(DOE), PatientID="4711")
    assert {keyword: value for keyword, value in findings.values.items() if value} == {
        "PatientName": "Doe^Jane",
        "PatientID": "4711",
        "AccessionNumber": "A1",
        "StudyInstanceUID": "1.2.3",
        "StudyID": "P1",
        "StudyDescription": "Thorax",
    }


async def test_query_has_the_known_values() -> None:
    worklist = Worklist(DOE)
    await ask(worklist, "PatientName", "AccessionNumber", PatientName="Döe^Jane", AccessionNumber="A1", PatientID="9")
    (asked,) = worklist.asked
    assert (asked.PatientName, asked.AccessionNumber, asked.PatientID) == ("Döe^Jane", "A1", None)


async def test_worklist_is_not_asked_without_a_value() -> None:
    worklist = Worklist(DOE)
    assert not (await ask(worklist, "PatientID", "AccessionNumber", PatientID="4711")).values
    assert worklist.asked == []


@pytest.mark.parametrize("value", ["*", "47?1", "4711*"])
async def test_wildcard_is_not_sent(value: str) -> None:
    worklist = Worklist(DOE)
    with pytest.raises(DimseError, match="contains a wildcard"):
        await ask(worklist, PatientID=value)
    assert worklist.asked == []


async def test_error_about_a_wildcard_hides_the_value() -> None:
    with pytest.raises(DimseError) as caught:
        await ask(Worklist(DOE), PatientID="4711*")
    assert "4711" not in str(caught.value)


async def test_values_that_differ_are_left_out() -> None:
    other = DOE.copy()
    other.AccessionNumber, other.RequestedProcedureID = "A2", "P2"
    values = (await ask(Worklist(DOE, other), PatientID="4711")).values
    assert values["PatientName"] == "Doe^Jane"
    assert not {"AccessionNumber", "StudyID"} & values.keys()


async def test_entries_of_two_patients_are_not_used() -> None:
    other = DOE.copy()
    other.PatientID = "4712"
    findings = await ask(Worklist(DOE, other), PatientID="4711")
    assert (dict(findings.values), findings.notes) == ({}, ("the worklist has 2 entries for different patients",))


@pytest.mark.parametrize("key", ["PatientID", "AccessionNumber", "StudyID", "PatientName", "StudyInstanceUID"])
async def test_entry_that_does_not_match_is_not_used(key: str) -> None:
    """A worklist that does not support a key returns the entries of other patients, too."""
    known: dict[str, Any] = {key: {"PatientName": "Roe^Jane", "StudyInstanceUID": "1.2.4"}.get(key, "X9")}
    findings = await ask(Worklist(DOE), key, **known)
    note = f"entries of the worklist without the {key} of the query, which are not used: 1"
    assert (dict(findings.values), findings.notes) == ({}, (note,))


async def test_entry_without_the_key_is_not_used() -> None:
    other = DOE.copy()
    other.AccessionNumber = None
    assert not (await ask(Worklist(other), "AccessionNumber", AccessionNumber="A1")).values


async def test_matching_entry_among_others_is_used() -> None:
    other = DOE.copy()
    other.AccessionNumber, other.RequestedProcedureID = "A2", "P2"
    findings = await ask(Worklist(other, DOE), "AccessionNumber", AccessionNumber="A1")
    note = "entries of the worklist without the AccessionNumber of the query, which are not used: 1"
    assert (findings.values["StudyID"], findings.notes) == ("P1", (note,))


@pytest.mark.parametrize("name", ["DOE^JANE", "D\u00f6e^Jane^", "Doe ^Jane=\u6e2c", "x=\u6e2c\u8a66=DOE^JANE"])
async def test_name_in_another_form_matches(name: str) -> None:
    """A worklist may ignore case and accents of a name, and match one of its component groups."""
    assert (await ask(Worklist(DOE), "PatientName", PatientName=name)).values["PatientID"] == "4711"


async def test_empty_worklist_is_noted() -> None:
    assert (await ask(Worklist(), PatientID="4711")).notes == ("the worklist has no entry",)


async def test_endless_worklist_is_an_error() -> None:
    async def answer(operation: Operation) -> AsyncGenerator[Response, None]:
        while not operation.is_cancelled:
            yield operation.pending(DOE)

    with pytest.raises(DimseError, match="more than 100 entries"):
        await ask(Worklist(answer=answer), PatientID="4711")


@pytest.mark.parametrize("status", [0xA700, 0xC001, 0xFE00])
async def test_incomplete_worklist_is_an_error(status: int) -> None:
    """The entries that are missing may belong to other patients, also if the worklist has canceled the query itself."""

    async def answer(operation: Operation) -> AsyncGenerator[Response, None]:
        yield operation.pending(DOE)
        yield operation.reply(status)

    with pytest.raises(DimseError, match=f"C-FIND: status {status:04X}H"):
        await ask(Worklist(answer=answer), PatientID="4711")


async def test_silent_worklist_is_an_error() -> None:
    async def answer(operation: Operation) -> AsyncGenerator[Response, None]:
        await asyncio.Event().wait()
        yield operation.reply()

    with pytest.raises(DimseError, match=r"did not (answer|respond) within|no response"):
        await ask(Worklist(answer=answer), seconds=0.3, PatientID="4711")


async def test_unreachable_worklist_is_an_error() -> None:
    async with Worklist().serving() as server:
        asked = source(server)
    with pytest.raises(ConnectionFailed):
        await asked.find(accepted_film(), Dataset(PatientID="4711"))


async def test_peer_without_worklist_is_an_error() -> None:
    async with serve([VERIFICATION], port=0) as server:
        with pytest.raises(ContextNotAccepted):
            await source(server).find(accepted_film(), Dataset(PatientID="4711"))


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("peer", {"peer": "x"}),
        ("calling", {"calling": "A-TITLE-OF-17-CHARS"}),
        ("by", {"by": ()}),
        ("by", {"by": ("Shoe",)}),
        ("by", {"by": ("StudyTime",)}),
        ("seconds", {"seconds": 0.0}),
    ],
)
def test_wrong_value_names_its_key(key: str, values: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as raised:
        WorklistSource(**{"peer": "RIS@h:1", **values})  # type: ignore[arg-type]  # wrong on purpose
    assert raised.value.key == key


async def test_long_entry_is_an_error() -> None:
    """100 entries of 512 MiB, which each message may have, would not fit into the memory."""
    with pytest.raises(DimseError, match="data_set"):
        await ask(Worklist(Dataset(PatientID="4711", PixelData=bytes(2 << 20))), PatientID="4711")


async def test_entry_of_very_many_elements_is_an_error() -> None:
    """They would block the event loop for longer than another client may wait."""
    many = Dataset(PatientID="4711")
    for number in range(5_000):
        many.add(Element(0x0011_1000 + (number // 200 << 17) + number % 200, "LO", "x"))
    with pytest.raises(DimseError, match=r"DecodeLimits\.elements"):
        await ask(Worklist(many), PatientID="4711")
