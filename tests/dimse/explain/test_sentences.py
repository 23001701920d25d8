"""The sentences about fields: each field of the tables has one."""

from collections.abc import Iterator

import pytest

from dimse.data import tag_of
from dimse.explain import Field
from dimse.explain.fields import PDUS, PDV_FIELDS, UNKNOWN, UNRECOGNIZED, Layout, Row
from dimse.explain.sentences import sentence_of, table_of


def field(name: str, tag: int | None = None, vr: str = "") -> Field:
    return Field((), memoryview(b""), 0, "element", name, tag=tag, vr=vr)


def names() -> set[str]:
    """Return the names of all items and fields in the tables."""

    def of_rows(rows: tuple[Row, ...]) -> Iterator[str]:
        for row in rows:
            yield row.name
            yield from of_rows(row.each)

    def of_layout(layout: Layout) -> Iterator[str]:
        yield layout.name
        yield from of_rows(layout.fields)
        for item in layout.items.values():
            yield from of_layout(item)

    layouts = [*PDUS.values(), UNKNOWN, UNRECOGNIZED]
    return {name for layout in layouts for name in of_layout(layout)} | set(of_rows(PDV_FIELDS))


@pytest.mark.parametrize("name", sorted(names()))
def test_field_of_the_tables_has_a_sentence(name: str) -> None:
    assert sentence_of(field(name)).endswith((".", "?"))


def test_element_has_a_sentence_from_the_dictionary() -> None:
    patient = field("PatientName", tag_of("PatientName"), "PN")
    assert sentence_of(patient) == "Patient's Name: an attribute of the Data Set, of VR PN, Person Name."
    assert table_of(patient) == "PS3.6 Table 6-1"


def test_delimiter_is_not_an_attribute() -> None:
    item = field("Item", 0xFFFEE000)
    assert sentence_of(item).startswith("Begins one item of a sequence")
    assert table_of(item) == "PS3.5 Table 7.5-1"
