"""The chain of sources: the first value wins, and a failing source loses no film."""

import asyncio

import pytest
from accepted import accepted_film
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import Dataset
from print_mgmt import Film
from print_mgmt.site.identify import IDENTITY, Findings, Identity, Patience, Source, identify
from print_mgmt.site.identify import identity as identity_module


class Fixed:
    """A source that finds the same values for every film, or raises an exception."""

    def __init__(self, error: Exception | None = None, **values: str) -> None:
        self.error = error
        self.values = values
        self.known: list[Dataset] = []

    async def find(self, film: Film, known: Dataset) -> Findings:  # noqa: ARG002
        self.known.append(known)
        if self.error:
            raise self.error
        return Findings(self.values)


async def test_first_source_of_a_value_wins() -> None:
    sources = {"label": Fixed(PatientID="1"), "worklist": Fixed(PatientID="2", PatientName="Doe^Jane")}
    identity = await identify(accepted_film(), sources)
    assert identity.attributes == Dataset(PatientID="1", PatientName="Doe^Jane")
    assert identity.sources == {"PatientID": "label", "PatientName": "worklist"}


async def test_later_source_gets_earlier_values() -> None:
    later = Fixed()
    await identify(accepted_film(), {"a": Fixed(PatientID="1"), "b": later})
    assert later.known == [Dataset(PatientID="1")]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("gone"), "a: gone"),
        (ZeroDivisionError("bug"), "a: ZeroDivisionError: bug"),
        (TimeoutError(), "a: TimeoutError"),
        (KeyError(), "a: KeyError"),
    ],
)
async def test_failed_source_becomes_a_note(error: Exception, words: str) -> None:
    identity = await identify(accepted_film(), {"a": Fixed(error), "b": Fixed(PatientID="1")})
    assert identity.sources == {"PatientID": "b"}
    assert identity.notes == [words]


class Silent:
    """A source that never answers. ``asked`` counts the films that it was asked for."""

    asked = 0

    async def find(self, film: Film, known: Dataset) -> Findings:  # noqa: ARG002
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError


async def test_films_of_a_job_share_the_time_of_their_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead worklist made a session of 13 films exceed the time of its N-ACTION."""
    monkeypatch.setattr(identity_module, "_JOB_SECONDS", 0.01)
    monkeypatch.setattr(identity_module, "_SOURCE_SECONDS", 0.01)
    silent, patience = Silent(), Patience()
    found = [await identify(accepted_film(), {"worklist": silent}, patience) for _ in range(3)]
    assert silent.asked == 1
    assert [identity.notes[0][:18] for identity in found] == ["worklist: was give", *["worklist: was not "] * 2]


async def test_quick_source_is_asked_after_a_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_module, "_JOB_SECONDS", 0.01)
    monkeypatch.setattr(identity_module, "_SOURCE_SECONDS", 0.1)
    sources: dict[str, Source] = {"worklist": Silent(), "label": Fixed(PatientID="1")}
    patience = Patience()
    found = [await identify(accepted_film(), sources, patience) for _ in range(3)]
    assert [identity.sources for identity in found] == [{"PatientID": "label"}] * 3


@pytest.mark.parametrize("findings", [None, Findings({"PatientID": 4711}), Findings(notes=(7,))])  # type: ignore[dict-item,arg-type]
async def test_source_of_wrong_types_becomes_a_note(findings: Findings) -> None:
    class Wrong:
        async def find(self, film: Film, known: Dataset) -> Findings:  # noqa: ARG002
            return findings

    identity = await identify(accepted_film(), {"a": Wrong(), "b": Fixed(PatientID="1")})
    assert identity.sources == {"PatientID": "b"}
    (note,) = identity.notes
    assert note.startswith("a: ")


@pytest.mark.parametrize("value", ["4711\\4712", "47\ud80011"])
def test_value_that_cannot_be_stored_becomes_a_note(value: str) -> None:
    identity = Identity()
    identity.add("program", Findings({"PatientID": value}))
    assert (len(identity.attributes), len(identity.notes)) == (0, 1)


async def test_identity_needs_all_its_attributes() -> None:
    identity = await identify(accepted_film(), {"a": Fixed(PatientID="1")})
    assert identity.has(("PatientID",))
    assert not identity.has(("PatientID", "PatientName"))


@given(st.sampled_from(IDENTITY), st.text(max_size=200) | st.just("x" * (1 << 20)))
def test_any_value_becomes_an_attribute_or_a_note(keyword: str, value: str) -> None:
    identity = Identity()
    identity.add("label", Findings({keyword: value}))
    assert len(identity.sources) + len(identity.notes) == bool(value.strip())
    assert all(note.isprintable() and len(note) <= 300 for note in identity.notes)


def test_other_attributes_are_not_taken() -> None:
    identity = Identity()
    identity.add("label", Findings({"PixelData": "x", "SOPInstanceUID": "1.2"}))
    assert len(identity.attributes) == 0
