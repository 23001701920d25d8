"""Arabic letters as they join their neighbors, for a Pillow without raqm.

Each letter has up to four forms. Unicode has them as characters of their own (Arabic Presentation Forms), whose
decompositions say which letter and which form they are. So the tables are computed, not written.
"""

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

__all__ = ["joined"]

_FORMS = (range(0xFB50, 0xFDFE), range(0xFE70, 0xFEFD))
_ISOLATED, _FINAL, _INITIAL, _MEDIAL = "<isolated>", "<final>", "<initial>", "<medial>"
_CAUSES = "\N{ARABIC TATWEEL}\N{ZERO WIDTH JOINER}"  # they join on both sides, and have one form
_LAM = "\N{ARABIC LETTER LAM}"


def joined(text: str, has: Callable[[str], bool]) -> str:
    """Return ``text``, in the order in which it is read, with each letter in the form that joins its neighbors.

    ``has`` says whether the font has a character: a letter stays as it is where its form is missing.
    """
    forms, written = _forms(), list[str]()
    letters = [index for index, character in enumerate(text) if unicodedata.category(character) != "Mn"]
    skipped: set[int] = set()
    position = {index: place for place, index in enumerate(letters)}
    for index, character in enumerate(text):
        if index in skipped:
            continue
        if character not in forms:
            written.append(character)
            continue
        place = position[index]
        before = text[letters[place - 1]] if place else ""
        after = text[letters[place + 1]] if place + 1 < len(letters) else ""
        pair = text[index : index + 2]
        if len(pair) == 2 and pair in forms:
            form = forms[pair].get(_FINAL if _joins_next(before) else _ISOLATED, "")
            if form and has(form):  # lam and alef are always one
                written.append(form)
                skipped.add(index + 1)
                continue
        form = forms[character].get(_form(before, character, after), "")
        written.append(form if form and has(form) else character)
    return "".join(written)


def _form(before: str, character: str, after: str) -> str:
    begins = not (_joins_next(before) and _joins_previous(character))
    ends = not (_joins_next(character) and _joins_previous(after))
    if begins:
        return _ISOLATED if ends else _INITIAL
    return _FINAL if ends else _MEDIAL


def _joins_next(character: str) -> bool:
    return character != "" and (character in _CAUSES or _INITIAL in _forms().get(character, {}))


def _joins_previous(character: str) -> bool:
    return character != "" and (character in _CAUSES or _FINAL in _forms().get(character, {}))


@lru_cache(maxsize=1)  # 700 look-ups, and always the same
def _forms() -> Mapping[str, Mapping[str, str]]:
    """The forms of each letter, and of lam with alef."""
    found: dict[str, dict[str, str]] = {}
    for code in (code for codes in _FORMS for code in codes):
        kind, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        text = "".join(chr(int(letter, 16)) for letter in letters)
        if kind in (_ISOLATED, _FINAL, _INITIAL, _MEDIAL) and (len(text) == 1 or (len(text) == 2 and text[0] == _LAM)):
            found.setdefault(text, {})[kind] = chr(code)
    return found
