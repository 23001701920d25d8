"""Checks the attributes of a request against their table (PS3.4 H.2.4), and sorts the attributes that an SCU chooses.

=================================  =========================  =============================
attribute                          tolerant printer           strict printer
=================================  =========================  =============================
M/M, missing; without a value      0120; 0121                 the same
M/M, with an unsupported value     0106                       the same
M/M, a list instead of one value   0212                       the same
U, missing or without a value      the default is used        the same
U, with an unsupported value       0116, the default is used  0106
U, not supported here              0107, ignored              0105
not of the SOP Class               0107, ignored              0105
=================================  =========================  =============================

A list is several values, or the items of a sequence. A value that is not a list, where a sequence is required, is
answered with 0212, too. N-SET uses no defaults: it ignores an unsupported value with the warning 0116.

A tolerant printer accepts terms in small letters, and the aliases of its configuration. It also refuses an unsupported
value (0106) if the default in its place would waste a film. For example, a film of another size than the requested one
is of no use. A tolerant printer ignores attributes unrelated to printing, such as patient data, without a warning,
because some modalities (Agfa) stop at a warning. Both printers ignore attributes that the dictionary does not have,
such as private attributes.

The check decodes the values of all accepted attributes and of the attributes in their items. It does not decode the
items of images, which `print_mgmt.items` reads. So every attribute that is kept with a film is readable when the film
is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from dimse.data import Dataset, Element, Item, Tag, Value, tag_of
from dimse.errors import DecodeError, EncodeError, ServiceError

from ..status import (
    ATTRIBUTE_LIST,
    INVALID_VALUE,
    MISSING_ATTRIBUTE,
    MISSING_VALUE,
    MISTYPED_ARGUMENT,
    NO_SUCH_ATTRIBUTE,
    OUT_OF_RANGE,
    meaning,
)
from .tables import FILM_BOX, FILM_SESSION, IMAGE_BOX, Attribute, Table, row_of
from .values import character_sets, shown

__all__ = ["Checked", "Chosen", "Refusal", "check", "choose", "pick", "refuse", "value_of"]

_CHARSET = tag_of("SpecificCharacterSet")
_PRINT_GROUPS = range(0x2000, 0x2131)  # attributes of printing, PS3.6 Table 6-1
_MAX_NAMED = 64  # attributes in an Attribute Identifier List: peers limit the length of a command


class Refusal(ServiceError):
    """A request has failed because of an attribute, which ``offending`` names."""

    def __init__(self, status: int, keyword: str, comment: str) -> None:
        super().__init__(status, meaning(status), comment=comment, offending=(tag_of(keyword),))


def refuse(status: int, keyword: str, comment: str) -> Refusal:
    """Return the error for a refused attribute; its comment is the keyword followed by ``comment``."""
    return Refusal(status, keyword, f"{keyword} {comment}")


@dataclass(slots=True)
class Checked:
    """The accepted attributes of a Data Set, the attributes that the printer does not use, and the warnings.

    A response has only one status: the highest status of its warnings. So a status of Print Management (B6xx) comes
    before a replaced value (0116), and this comes before an ignored attribute (0107).
    """

    attributes: Dataset = field(default_factory=Dataset)
    unused: Dataset = field(default_factory=Dataset)
    warnings: list[tuple[int, Tag | None, str]] = field(default_factory=list)

    def warn(self, status: int, keyword: str, comment: str) -> None:
        """Add a warning. Its comment is ``keyword``, which may be empty, followed by ``comment``."""
        tag = tag_of(keyword) if keyword else None
        self.warnings.append((status, tag, f"{keyword} {comment}".strip()))

    @property
    def Status(self) -> int:
        """The status of the most important warning, or 0000 if there are no warnings."""
        return self._most_important()[0]

    @property
    def comment(self) -> str:
        """The comment of the most important warning, or an empty string if there are no warnings."""
        return self._most_important()[1]

    @property
    def offending(self) -> tuple[Tag, ...]:
        """The attributes of all warnings without duplicates, at most 64."""
        tags = dict.fromkeys(tag for _, tag, _ in self.warnings if tag is not None)
        return tuple(tags)[:_MAX_NAMED]

    def _most_important(self) -> tuple[int, str]:
        if not self.warnings:
            return 0x0000, ""
        status, _, comment = max(self.warnings, key=lambda warning: warning[0])  # 0107 < 0116 < B600
        return status, comment


def check(table: Table, dataset: Dataset, *, defaults: bool = False, strict: bool = False) -> Checked:
    """Check ``dataset`` against ``table``. With ``defaults``, attributes without a usable value get defaults.

    Raises `Refusal` with the status of the first attribute that is refused.
    """
    checked = Checked()
    found = dataset.by_tag()
    charset = found.get(_CHARSET)
    for tag, row, default, is_needed in _rows(table):
        element = found.pop(tag, None)
        usual = default if defaults else None
        if element is not None:
            _check_attribute(row, element, checked, usual, strict=strict)
        elif is_needed:
            raise _missing(row, None)
        elif usual is not None:
            checked.attributes.add(usual)
    if found:
        _check_rest(found.values(), checked, strict=strict)
    if charset is not None:
        _add_character_set(charset, checked.attributes)
        if checked.unused:
            _add_character_set(charset, checked.unused)
    return checked


@lru_cache(maxsize=256)  # measured: the checks of a film session and a film box take a seventh less time
def _rows(table: Table) -> tuple[tuple[Tag, Attribute, Element | None, bool], ...]:
    """Return each row with its tag, its default as an element (None if there is none), and whether it is required."""
    return tuple((tag_of(row.keyword), row, _default(row), row.mandatory and row.supported) for row in table)


def _default(row: Attribute) -> Element | None:
    return Dataset(**{row.keyword: row.default})[row.keyword] if row.supported and row.default is not None else None


def _check_attribute(
    row: Attribute, element: Element, checked: Checked, default: Element | None, *, strict: bool
) -> None:
    if not row.supported:
        checked.unused.add(element)
        _reject_attribute(row.keyword, "is not supported", checked, strict=strict)
        return
    value = value_of(element)
    if value is None or (value == [] and not row.values.allows(value)):
        if row.mandatory:
            raise _missing(row, element)
        if default is not None:
            checked.attributes.add(default)
        return
    term = value if strict or not isinstance(value, str) else _term_for(row, value)
    if row.values.allows(term):
        if row.items and isinstance(value, list):
            element = _check_items(row, element, value, checked, strict=strict)
        if term == value:
            checked.attributes.add(element)  # as the peer wrote it, because it is returned to the peer
        else:
            checked.attributes[row.keyword] = term
        return
    _reject_value(row, value, checked, default, strict=strict)
    checked.unused.add(element)


def _term_for(row: Attribute, value: str) -> str:
    """Return the term of the printer that a peer means. Small letters, which CS does not allow, become capitals."""
    if value in row.aliases:
        return row.aliases[value]
    capitals = value.upper()
    if capitals == value or row.values.allows(value):
        return value
    return row.aliases.get(capitals, capitals)


def value_of(element: Element) -> Value:
    """Return the value of an element of a request. Raises `Refusal` (0106) for bytes that are not a value of its VR."""
    try:
        return element.value
    except DecodeError as exc:
        raise Refusal(INVALID_VALUE, element.keyword, f"{element.keyword}: {exc.what}") from exc


def _missing(row: Attribute, element: Element | None, where: str = "") -> Refusal:
    status, words = (MISSING_ATTRIBUTE, "is missing") if element is None else (MISSING_VALUE, "has no value")
    return refuse(status, row.keyword, words + where)


def _reject_value(row: Attribute, value: Value, checked: Checked, default: Element | None, *, strict: bool) -> None:
    comment = f"{shown(value)}, not {row.values.words}"
    if row.mandatory and isinstance(value, list) != row.values.is_sequence:
        raise refuse(MISTYPED_ARGUMENT, row.keyword, comment)
    if row.mandatory or row.refuse or strict:
        raise refuse(INVALID_VALUE, row.keyword, comment)
    checked.warn(OUT_OF_RANGE, row.keyword, comment)
    if default is not None:
        checked.attributes.add(default)


def _check_items(
    row: Attribute, sequence: Element, items: Sequence[object], checked: Checked, *, strict: bool
) -> Element:
    """Return the sequence without the attributes that `_check_item` leaves out, or unchanged if it leaves out none."""
    kept: list[Item] = []
    is_whole = True
    for item in items:
        assert isinstance(item, Dataset)
        made = _check_item(row, item, f", in {row.keyword}", checked, strict=strict)
        is_whole = is_whole and len(made) == len(item)
        kept.append(made)
    return sequence if is_whole else Element(sequence.tag, "SQ", kept)


def _check_item(row: Attribute, item: Dataset, where: str, checked: Checked, *, strict: bool) -> Dataset:
    """Return the elements of an item that have a row and no unsupported value, and its Specific Character Set.

    An optional attribute with an unsupported value is left out with a warning, or refused if ``strict``. ``where`` is
    the last part of each comment, because the end of a long Error Comment is cut off.
    """
    made, elements = Dataset(), item.by_tag()
    for tag, inner, _, _ in _rows(row.items):
        element = elements.get(tag)
        is_required = inner.usage.startswith("M")  # also MC: each item has these attributes
        try:
            found = None if element is None else value_of(element)
            if found is None and is_required:
                raise _missing(inner, element, where)
            if found is not None and not inner.values.allows(found):
                raise refuse(INVALID_VALUE, inner.keyword, f"{shown(found)}, not {inner.values.words}{where}")
        except Refusal as exc:
            if is_required or strict:
                raise
            checked.warnings.append((OUT_OF_RANGE, Tag(exc.offending[0]), exc.comment))
        else:
            if element is not None:
                made.add(element)
    if _CHARSET in elements:
        _add_character_set(elements[_CHARSET], made)
    return made


def _add_character_set(charset: Element, made: Dataset) -> None:
    """Add Specific Character Set, which any Data Set may have (PS3.3 C.12.1.1.2).

    A value that is not text is ignored; the other attributes were then decoded in the default repertoire.
    """
    try:
        value = charset.value
    except DecodeError:
        return
    if value is not None and character_sets.allows(value):
        made.add(charset)


def _check_rest(elements: Iterable[Element], checked: Checked, *, strict: bool) -> None:
    """Handle elements without a row: ignore those unrelated to printing, warn about the others or refuse them."""
    for element in elements:
        if element.tag == _CHARSET:
            continue
        keyword = element.keyword
        checked.unused.add(element)
        if keyword and (strict or element.tag >> 16 in _PRINT_GROUPS):
            _reject_attribute(keyword, "has no place here", checked, strict=strict)


def _reject_attribute(keyword: str, words: str, checked: Checked, *, strict: bool) -> None:
    if strict:
        raise refuse(NO_SUCH_ATTRIBUTE, keyword, words)
    checked.warn(ATTRIBUTE_LIST, keyword, words)


# --- attributes that an SCU chooses ---


@dataclass(frozen=True, slots=True)
class Chosen:
    """The attributes that an SCU chooses, by the instance that they belong to: PS3.4 H.4.1 to H.4.3."""

    film_session: Dataset
    film_box: Dataset
    image_box: Dataset


def choose(attributes: Mapping[str, Value]) -> Chosen:
    """Sort attributes by the instance to which they belong.

    An attribute of both film box and image box goes to the film box. Raises `EncodeError` as `pick` does.
    """
    by_level: dict[str, dict[str, Value]] = {level: {} for level in _LEVELS}
    for keyword, value in attributes.items():
        level = next((level for level, table in _LEVELS.items() if row_of(table, keyword)), None)
        if level is None:
            raise _not_chosen(keyword, "a film session, film box or image box")
        by_level[level][keyword] = value
    return Chosen(**{level: pick(_LEVELS[level], chosen) for level, chosen in by_level.items()})


def pick(table: Table, attributes: Mapping[str, Value]) -> Dataset:
    """Return, as a Data Set, the attributes that an SCU chooses for one instance.

    Values are not checked against the table: the printer decides which values it supports.

    Raises `EncodeError` for a keyword that does not exist or that an SCU does not choose for this instance, and for a
    value that its VR cannot hold.
    """
    picked = Dataset()
    for keyword, value in attributes.items():
        if keyword in _SET_BY_CLIENT or row_of(table, keyword) is None:
            level = next((level for level, known in _LEVELS.items() if known is table), "instance")
            raise _not_chosen(keyword, f"a {level.replace('_', ' ')}")
        picked[keyword] = value
    return picked


def _not_chosen(keyword: str, instance: str) -> EncodeError:
    """Return the error for an attribute that the caller cannot choose. Raises `EncodeError` for an unknown keyword."""
    tag_of(keyword)
    if keyword in _SET_BY_CLIENT:
        return EncodeError("set by the client itself (PS3.4 H.4)", path=keyword)
    return EncodeError(f"not an attribute that an SCU chooses for {instance} (PS3.4 H.4)", path=keyword)


_SET_BY_CLIENT = ("ReferencedFilmSessionSequence", "ImageBoxPosition")

_LEVELS: dict[str, Table] = {"film_session": FILM_SESSION, "film_box": FILM_BOX, "image_box": IMAGE_BOX}
