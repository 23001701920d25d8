"""Identity from texts on the film; no text can stall the printer."""

import asyncio

import pytest
from accepted import accepted_film

from dimse.data import Dataset
from dimse.errors import DimseError
from print_mgmt import ConfigError, Film, Sheet
from print_mgmt.film import Annotation
from print_mgmt.site.identify import PatternSource

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
