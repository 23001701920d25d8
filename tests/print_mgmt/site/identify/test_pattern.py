"""Identity from texts on the film; no text can stall the printer."""

import asyncio
import os

import pytest
from accepted import accepted_film

from dimse.data import Dataset
from dimse.errors import DimseError
from print_mgmt import ConfigError, Film, Sheet
from print_mgmt.destinations.program import ProgramResult
from print_mgmt.film import Annotation
from print_mgmt.site.identify import PatternSource, pattern

pytestmark = pytest.mark.all_loops

PATTERN = r"(?P<PatientID>\d{4,})(?: (?P<PatientName>\w+))?"


def film(label: str = "", *annotations: str) -> Film:
    texts = tuple(Annotation(AnnotationPosition=n, TextString=words) for n, words in enumerate(annotations, 1))
    made = accepted_film(sheet=Sheet(ImageDisplayFormat=r"STANDARD\1,1", annotations=texts))
    if label:
        made.film_session.FilmSessionLabel = label
    return made


async def found(source: PatternSource, made: Film) -> dict[str, str]:
    return dict((await source.find(made, Dataset())).values)


async def test_groups_become_attributes() -> None:
    values = await found(PatternSource(pattern=PATTERN), film("Thorax 4711 Doe"))
    assert values == {"PatientID": "4711", "PatientName": "Doe"}


async def test_annotations_are_searched_in_their_order() -> None:
    assert (await found(PatternSource(pattern=PATTERN), film("none", "one", "4711", "4712")))["PatientID"] == "4711"


async def test_only_chosen_texts_are_searched() -> None:
    assert await found(PatternSource(pattern=PATTERN, where=("annotations",)), film("4711")) == {}


async def test_text_without_a_match_identifies_nothing() -> None:
    assert await found(PatternSource(pattern=PATTERN), film("Thorax")) == {}


async def test_film_without_texts_asks_no_process() -> None:
    assert await found(PatternSource(pattern=PATTERN, seconds=1e-9), film()) == {}


async def test_end_of_a_long_text_is_not_searched() -> None:
    assert await found(PatternSource(pattern=PATTERN), film("", "x" * (1 << 20) + " 4711")) == {}


async def test_catastrophic_pattern_is_killed_while_others_work() -> None:
    source = PatternSource(pattern=r"(?P<PatientID>(a+)+)b", seconds=0.3)
    searching = asyncio.create_task(source.find(film("", "a" * 1000), Dataset()))
    turns = 0
    while not searching.done():
        await asyncio.sleep(0)
        turns += 1
    with pytest.raises(DimseError, match=r"took more than 0\.3 s"):
        await searching
    assert turns > 100


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"pattern": "("}, "is not a regular expression"),
        ({"pattern": "x"}, "needs a named group"),
        ({"pattern": "(?P<Shoe>x)"}, "'Shoe' is not one of"),
        ({"pattern": PATTERN, "where": ()}, "where: needs at least one place"),
        ({"pattern": PATTERN, "seconds": 0.0}, "seconds: 0 must be above 0"),
    ],
)
def test_wrong_value_is_refused(values: dict[str, object], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        PatternSource(**values)  # type: ignore[arg-type]  # wrong on purpose


async def test_two_processes_match_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client with 200 associations would use the processors for 200 processes."""
    running, most = 0, 0

    async def run(*_: object, **__: object) -> ProgramResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return ProgramResult(0, b'{"PatientID": "4711"}', "")

    monkeypatch.setattr(pattern, "run_program", run)
    source = PatternSource(pattern=PATTERN)
    found = await asyncio.gather(*(source.find(film("4711"), Dataset()) for _ in range(10)))
    assert [findings.values for findings in found] == [{"PatientID": "4711"}] * 10
    assert most == 2


async def test_silent_failure_of_the_matching_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern, "_MATCH", "raise SystemExit(3)")
    with pytest.raises(DimseError, match=r"the pattern cannot be matched: its program failed with exit status 3$"):
        await PatternSource(pattern=PATTERN).find(film("4711"), Dataset())


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system has no priorities of this kind")
async def test_matching_has_a_low_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern, "_MATCH", f"{pattern._MATCH}\nsys.exit(str(os.nice(0)))")
    with pytest.raises(DimseError, match=rf"the pattern cannot be matched: {min(os.nice(0) + 10, 19)}$"):
        await PatternSource(pattern=PATTERN).find(film("4711"), Dataset())
