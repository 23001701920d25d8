"""A recording as one HTML file that needs no network: a sequence diagram, bytes and fields, states, pictures.

Texts of a peer reach the page in only two ways: escaped as HTML, or in a block of JSON that contains no ``<`` and that
the script shows as text. The Content Security Policy in the file allows the file's own script and style, by their
hashes, and pictures inside the file; nothing else runs or loads, whatever a value contains.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape

from ..packaged import packaged_text
from ..uids import name_or_uid
from ..ul.state import ACTIONS, TABLE_9_10, Event, State
from .conversation import REQUESTOR
from .elements import Field
from .pictures import Picture, picture_of
from .record import Contract, Step, View
from .sentences import Glossary

__all__ = ["HEAD", "Chapter", "page_of", "source_hash"]

_SHOWN_BYTES, _FIRST_BYTES = 256, 48  # a field of more than 256 bytes shows only its first 48
_MAX_FIELDS = 5_000  # fields of a step, as for an image of 16 MiB in PDUs of 16 KiB
_MAX_FIELDS_READ = 300_000  # fields of all steps, including steps that the page has no room for; they take ten seconds
_MAX_DETAILS = 2_000_000  # characters of all fields of a page
_FIELD_SIZE = 30  # characters of a field, besides its bytes and its texts
_MAX_PICTURES = 700_000  # bytes of all pictures of a page
_MAX_STEPS = 5_000  # steps of a page
_CATEGORIES = {"pdu": 0, "item": 1, "pdv": 2, "command": 3, "element": 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One association of a page. ``faults`` say where its recording is incomplete."""

    title: str
    steps: Iterable[Step]
    faults: Sequence[str] = ()


def page_of(title: str, chapters: Iterable[Chapter], views: Iterable[View] = (), faults: Sequence[str] = ()) -> str:
    """Return a page about associations as HTML; ``faults`` concern the whole recording.

    ``faults`` are read last, so reading ``chapters`` may add some. The faults of a chapter are read after its steps.
    ``views`` are asked only for sentences about attributes. The events that views find in messages are in the steps.
    If a recording is too large for a page, its beginning is shown, and the page says what is missing.
    """
    book = _Book(views)
    sections, data = [], []
    for number, chapter in enumerate(chapters):
        if book.is_full:  # go on, because reading `chapters` may add faults
            book.note_end()
            continue
        section, shown = book.chapter(number, chapter)
        sections.append(section)
        data.append(shown)
    style, script = (packaged_text("dimse.explain", name) for name in ("page.css", "page.js"))
    everything = {
        "chapters": data,
        "glossary": book.glossary.entries,
        "strings": list(book.strings),
        "pictures": book.pictures,
        **_words_of_states(),
    }
    notes = "".join(f'<p class="fault">{escape(fault)}</p>' for fault in [*faults, *book.notes])
    return _FRAME.format(
        policy=f"default-src 'none'; script-src '{source_hash(script)}'; style-src '{source_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'",
        title=escape(title),
        style=style,
        notes=notes,
        chapters="".join(sections),
        table=_table(),
        data=_json(everything),
        script=script,
    )


# The beginning of a page, to be formatted with its policy, title and style
HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
"""
_FRAME = (
    HEAD
    + """<body>
<header>
<div><h1>{title}</h1><p id="where"></p></div>
<nav aria-label="steps">
<button type="button" id="back" title="previous step (left arrow)">◀</button>
<output id="count"></output>
<button type="button" id="next" title="next step (right arrow)">▶</button>
</nav>
<p class="keys"><kbd>←</kbd> <kbd>→</kbd> steps <kbd>↑</kbd> <kbd>↓</kbd> fields</p>
</header>
{notes}
<noscript><p class="fault">Bytes and fields need the script of this page; the sequence below does not.</p></noscript>
<main>
<section class="sequence" id="sequence" aria-label="Sequence">
{chapters}
</section>
<section class="message" aria-label="Message">
<div class="says" id="says"></div>
<div class="split">
<div class="hex" id="hex" tabindex="0" role="group" aria-label="Bytes"></div>
<div class="fields" id="fields" tabindex="0" role="listbox" aria-label="Fields"></div>
</div>
<div class="card" id="card" aria-live="polite"></div>
</section>
<aside class="film" id="film" aria-label="What the messages create"></aside>
<section class="states" aria-label="State machines">
<h2>Both state machines <small>PS3.8 Table 9-10</small></h2>
<div id="moves"></div>
<div class="grid">{table}</div>
</section>
</main>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""
)


def source_hash(text: str) -> str:
    """Return the hash by which a Content Security Policy allows a script or a style, without quotes."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _json(value: object) -> str:
    """Return ASCII JSON that cannot end the HTML element that contains it."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class _Book:
    """The material that the chapters of a page share: texts, sentences, pictures, and the room that is left."""

    def __init__(self, views: Iterable[View]) -> None:
        self.glossary = Glossary(views)
        self.strings: dict[str, int] = {}
        self.pictures: list[tuple[str, int, int]] = []
        self.notes: list[str] = []
        self._numbers: dict[bytes, int] = {}  # the numbers of the pictures, by their PNG
        self._keys: dict[str, int] = {}
        self._room = _MAX_DETAILS
        self._picture_room = _MAX_PICTURES
        self._steps = 0
        self._read = 0  # the number of fields read so far

    @property
    def is_full(self) -> bool:
        """Whether no more steps are read."""
        return self._steps == _MAX_STEPS or self._read > _MAX_FIELDS_READ

    def note_end(self) -> None:
        """Note that the recording has more steps than the page."""
        self._note(f"The page ends after {self._steps} steps; the recording goes on.")

    def chapter(self, number: int, chapter: Chapter) -> tuple[str, dict[str, object]]:
        """Return an association as HTML, and its data for the script."""
        rows: list[str] = []
        steps: list[dict[str, object]] = []
        start: float | None = None
        for step in chapter.steps:
            if self.is_full:
                self.note_end()
                break
            self._steps += 1
            start = step.time if start is None else start
            since = None if step.time is None or start is None else step.time - start
            rows.append(_row(number, len(steps), step, since))
            steps.append(self._step(step, since))
        heading = f"<h2>{escape(chapter.title)}</h2>" if chapter.title else ""
        faults = "".join(f'<p class="fault">{escape(fault)}</p>' for fault in chapter.faults)
        sides = '<div class="sides"><span>requestor</span><span>acceptor</span></div>'
        html = f'<div class="chapter">{heading}{sides}<ol>{"".join(rows)}</ol>{faults}</div>'
        return html, {"title": chapter.title, "steps": steps}

    def _note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)

    def _string(self, text: str) -> int:
        """Return the number of a text in the page, which has each text once."""
        if text not in self.strings:
            self._room -= len(text)
        return self.strings.setdefault(text, len(self.strings))

    def _key(self, key: str) -> int:
        """Return a number for the key of an event, which may be the UID of an instance; 0 for no key."""
        return self._keys.setdefault(key, len(self._keys) + 1) if key else 0

    def _step(self, step: Step, since: float | None) -> dict[str, object]:
        shown: dict[str, object] = {
            "side": 0 if step.side == REQUESTOR else 1,
            "name": step.name,
            "words": step.words,
            "at": step.offset,
            "length": step.length,
            "pdus": len(step.turns),
            "moves": _moves(step),
        }
        if since is not None:
            shown["time"] = round(since, 6)
        if step.contract is not None:
            shown["contract"] = _contract(step.contract)
        if step.view_events:
            shown["viewEvents"] = [
                {
                    "name": event.name,
                    "words": event.words,
                    "key": self._key(event.key),
                    "box": event.box and (self._key(event.box[0]), event.box[1]),
                    "ratio": event.width / event.height if event.width and event.height else 0,
                    "boxes": event.boxes,
                    "picture": self._picture(Picture(event.image, event.width, event.height) if event.image else None),
                }
                for event in step.view_events
            ]
        self._read += len(step.fields)
        shown_fields = _shortened(step.fields)
        fields = [self._field(one) for one in shown_fields] if self._room > 0 else []
        if step.fields and not fields:
            self._note("The page has no room for the fields of its last steps; `dimse explain` shows them as text.")
        shown["fields"] = fields
        return shown

    def _field(self, one: Field) -> list[object]:
        """Return a field: place, depth, category, name, value, number of its sentence, bytes, any other properties."""
        place = [number for start, end in one.ranges for number in (start, end - start)]
        length = sum(place[1::2])
        octets = "" if one.secret else one.data[: length if length <= _SHOWN_BYTES else _FIRST_BYTES].hex()
        self._room -= len(octets) + _FIELD_SIZE
        more: dict[str, object] = {}
        if one.secret:
            more["secret"] = 1
        if one.error:
            more["error"] = one.error
        if one.tag is not None:
            more["tag"] = f"({one.tag >> 16:04X},{one.tag & 0xFFFF:04X}) {one.vr}".rstrip()
        if one.pixels is not None and not one.secret:
            more["picture"] = self._picture(picture_of(one.pixels, one.data[one.value_start :]))
        return [
            place,
            one.depth,
            _CATEGORIES[one.category],
            self._string(one.name),
            self._string(one.value),
            self.glossary.number(one),
            octets,
            *([more] if more else []),
        ]

    def _picture(self, picture: Picture | None) -> int:
        """Return the number of a picture in the page, or -1 for no picture."""
        if picture is None:
            return -1
        known = self._numbers.get(picture.png)
        if known is not None:
            return known
        if len(picture.png) > self._picture_room:
            self._note("The page has no room for more pictures.")
            return -1
        self._picture_room -= len(picture.png)
        self._numbers[picture.png] = len(self.pictures)
        self.pictures.append((b64encode(picture.png).decode(), picture.width, picture.height))
        return len(self.pictures) - 1


def _shortened(fields: Sequence[Field]) -> Sequence[Field]:
    """Return the first fields of a step, and one field for the bytes of all others."""
    if len(fields) <= _MAX_FIELDS:
        return fields
    first, others = fields[:_MAX_FIELDS], fields[_MAX_FIELDS:]
    start = min(one.ranges[0][0] for one in others)
    taken = [place for one in first for place in one.ranges if place[1] > start]
    rest = Field(
        ((start, max(one.ranges[-1][1] for one in others)),),
        memoryview(b""),
        0,
        "pdu",
        f"{len(others)} more fields",
        "the page has no room for them; `dimse explain` shows all of them as text",
    )
    if taken:  # the bytes of one of the first fields lie between bytes of the others
        ranges = sorted(place for one in others for place in one.ranges)
        rest = rest._replace(ranges=tuple(ranges))
    return [*first, rest]


def _row(chapter: int, number: int, step: Step, since: float | None) -> str:
    """Return a step as a row of the sequence."""
    kinds = ["step", "requestor" if step.side == REQUESTOR else "acceptor"]
    if step.errors or step.has_failed:
        kinds.append("wrong")
    if not step.turns:
        kinds.append("end")
    time = "" if since is None else f"<time>{since * 1000:.1f} ms</time>"
    return (
        f'<li><button type="button" class="{" ".join(kinds)}" data-chapter="{chapter}" data-step="{number}">'
        f"<b>{escape(step.name)}</b><span>{escape(step.words)}</span>{time}</button></li>"
    )


def _moves(step: Step) -> list[list[object]]:
    """Return the different moves of a step, each with the number of times that it occurs."""
    counted: dict[tuple[int, str, str, str, str], int] = {}
    for move in step.moves:
        key = (0 if move.side == REQUESTOR else 1, move.before.name, move.event.name, move.action, move.after.name)
        counted[key] = counted.get(key, 0) + 1
    return [[*key, count] for key, count in counted.items()]


def _contract(contract: Contract) -> dict[str, object]:
    return {
        "contexts": [
            [one.id, name_or_uid(one.abstract_syntax), one.result, name_or_uid(one.transfer_syntax)]
            for one in contract.contexts
        ],
        "lengths": contract.maximum_lengths,
        "window": contract.window,
    }


def _words_of_states() -> dict[str, object]:
    """Return the words for the states, events and actions of PS3.8 Tables 9-1 to 9-10."""
    actions = {action.name: [verb.value for verb in action.does] for action in ACTIONS}
    return {
        "states": {state.name: state.value for state in State},
        "events": {event.name: event.value for event in Event},
        "actions": actions,
    }


@cache
def _table() -> str:
    """Return Table 9-10 as HTML."""
    heads, rows = "".join(_heads_of_states()), "".join(_rows_of_events())
    return f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _heads_of_states() -> Iterator[str]:
    for state in State:
        yield f'<th scope="col" data-state="{state.name}" title="{escape(state.value)}">{state.name[3:]}</th>'


def _rows_of_events() -> Iterator[str]:
    for event in Event:
        cells = []
        for state in State:
            action = TABLE_9_10.get((state, event))
            name = action.name if action else ""
            cells.append(f'<td data-cell="{state.name} {event.name}">{name}</td>')
        title = escape(event.value)
        yield f'<tr><th scope="row" title="{title}">{event.name}</th>{"".join(cells)}</tr>'
