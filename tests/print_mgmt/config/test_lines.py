"""The lines of keys in TOML."""

import json
import tomllib
from typing import SupportsIndex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from print_mgmt.config.lines import line_of, lines_of

TEXT = """# a comment = 1
strict = true

[printer]  # another
PrinterName = "FILM1"
"odd key" = '''
[no.table]
no_key = 1
'''
list = [  # of [brackets]
  "]", 2,
]
a.b = { c = 1, d = "}" }

[[media]]
MaxDensity = 1
[[media]]
MaxDensity = 2
  [media.deep]
  x = 1
["quoted.name".z]
y = 1
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("strict", 2),
        ("printer", 4),
        ("printer.PrinterName", 5),
        ("printer.odd key", 6),
        ("printer.list", 10),
        ("printer.list[1]", 10),
        ("printer.a.b.c", 13),
        ("media[0].MaxDensity", 16),
        ("media[1]", 17),
        ("media[1].MaxDensity", 18),
        ("media[1].deep.x", 20),
        ("quoted.name.z.y", 22),
        ("printer.nobody", 4),
        ("nobody", None),
    ],
)
def test_key_is_found_on_its_line(key: str, line: int | None) -> None:
    assert line_of(lines_of(TEXT), key) == line


def test_text_in_a_string_is_not_taken_for_a_key() -> None:
    assert "printer.no_key" not in lines_of(TEXT)


def test_quoted_header_may_look_like_a_comment() -> None:
    assert lines_of('["a] # b"]\nx = 1\n') == {"a] # b": 1, "a] # b.x": 2}


class CountedText(str):
    """A text that counts the characters that its methods `count` and slices read."""

    read = 0

    def count(self, sub: str, start: SupportsIndex | None = 0, end: SupportsIndex | None = None, /) -> int:
        CountedText.read += len(self[start:end])
        return super().count(sub, start, end)

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        found = super().__getitem__(key)
        CountedText.read += len(found)
        return found


def test_each_part_of_a_text_is_read_once_or_twice() -> None:
    """With 20,000 keys, the lines took a minute when the whole text was read for each key."""
    text = CountedText("".join(f"key{number} = 1\n" for number in range(100)))
    CountedText.read = 0
    assert len(lines_of(text)) == 100
    assert CountedText.read <= 4 * len(text)


PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
VALUES = st.one_of(st.integers(), st.booleans(), PRINTABLE, st.lists(st.text("[]{}'\"#=\n")))


@given(st.lists(st.tuples(st.text("abc=[]#'.\" ", min_size=1), VALUES), unique_by=lambda pair: pair[0]))
def test_lines_follow_any_value(pairs: list[tuple[str, object]]) -> None:
    """Each key is written on a line of its own; values may contain whatever looks like TOML."""
    text = "".join(f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in pairs)
    assert list(tomllib.loads(text)) == [key for key, _ in pairs]
    assert lines_of(text) == {key: number for number, (key, _) in enumerate(pairs, 1)}


@example("[#]")
@given(st.text("ab=[]#'\"\\ \n.{}1"))
def test_wrong_text_ends_in_lines_or_an_error(text: str) -> None:
    try:
        lines_of(text)
    except tomllib.TOMLDecodeError:
        return
