"""Finds the lines of keys in a TOML file for error messages: the parser of the standard library does not report them.

If the text is not TOML, lines may be missing, or ValueError is raised.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping

__all__ = ["line_of", "lines_of"]

_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL),
    re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL),
    re.compile(r'"(?:[^"\\]|\\.)*"'),
    re.compile(r"'[^']*'"),
)
_HEADER = re.compile(r"""[ \t]*(\[\[?)((?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^"'\]\n])+?)\]\]?[ \t]*(?:#.*)?(?:\r?\n|$)""")
_BRACKET = re.compile(r"[ \t]*\[")
_KEY = re.compile(r"""[ \t]*((?:"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_.\- \t])+?)[ \t]*=""")
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|$)")


def lines_of(text: str) -> Mapping[str, int]:
    """Return the line (from 1) of each written key and header, by its path, such as ``media[1].MaxDensity``.

    Items of an array of tables are counted from 0. Keys inside a value, such as an inline table, have no line.
    """
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table, number, counted = "", 1, 0
    for position, header, words in _statements(text):
        number += text.count("\n", counted, position)
        counted = position
        if header:
            table = _resolve(words, counts, is_array=header == "[[")
            lines.setdefault(table, number)
        else:
            lines.setdefault(".".join(filter(None, (table, *words))), number)
    return lines


def line_of(lines: Mapping[str, int], key: str) -> int | None:
    """Return the line of a key, or else of the innermost table or value around it; None if none of them has a line."""
    while key:
        if key in lines:
            return lines[key]
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return None


def _resolve(words: list[str], counts: dict[str, int], *, is_array: bool) -> str:
    """Return the path of a table.

    ``counts`` has the number of items of each array of tables so far. If the header begins another item, this function
    counts the item there.
    """
    path = ""
    for position, word in enumerate(words):
        path = f"{path}.{word}" if path else word
        if is_array and position == len(words) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path += f"[{counts[path] - 1}]"
    return path


def _statements(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the position, opening brackets and words of each header, and of each key outside a value.

    The brackets of a key are empty. Quotes around words are removed.
    """
    position = 0
    while position < len(text):
        if found := _BLANK.match(text, position):
            position = max(found.end(), position + 1)
        elif _BRACKET.match(text, position) and (found := _HEADER.match(text, position)):
            yield position, found[1], _words(found[2])
            position = found.end()
        elif found := _KEY.match(text, position):
            yield position, "", _words(found[1])
            position = _after_value(text, found.end())
        else:
            return


def _words(dotted: str) -> list[str]:
    """Return the parts of a dotted key, without quotes."""
    words: list[str] = []
    table: object = tomllib.loads(f"{dotted} = 0")
    while isinstance(table, dict) and table:  # it is empty only if the text is not well formed
        word, table = next(iter(table.items()))
        words.append(word)
    return words


def _after_value(text: str, position: int) -> int:
    """Return the position of the line after a value, which may have strings, brackets and comments over many lines."""
    depth = 0
    while position < len(text):
        char = text[position]
        if char in "\"'":
            found = next(filter(None, (string.match(text, position) for string in _STRINGS)), None)
            position = position + 1 if found is None else found.end()
            continue
        if char == "#":
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
            continue
        depth += (char in "[{") - (char in "]}")
        position += 1
        if char == "\n" and depth <= 0:
            break
    return position
