"""A grid as text, as an object for JSON, and as a self-contained page.

Peers with the same letter gave the same answer to a line; A is the answer of the first peer. Each text from a peer is
escaped.
"""

from collections.abc import Iterator
from html import escape
from typing import Any

from ..errors import cut, escaped
from .grid import Answer, Grid, GridPeer, Group

__all__ = ["grid_document", "grid_page", "grid_text"]

SCHEMA = "dimse-print/grid/1"
_MAX_LINE = 100  # characters of a line of the script in the text
_MAX_FACTS = 5  # facts of a group in the text
_MAX_LABEL = 24  # characters of a label in the text
_COLORS = ("#d7f0d8", "#ffe0b2", "#dbe9f7", "#e6dcf2", "#ffc9c9", "#eef5c8")
_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:2em;max-width:100em}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:2px 8px;text-align:left;vertical-align:top}"
    "pre{background:#f7f7f7;padding:.6em;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}"
    "summary{cursor:pointer}code{overflow-wrap:anywhere}.n{color:#666}.l{text-align:center;font-weight:bold}"
    + "".join(f".g{number}{{background:{color}}}" for number, color in enumerate(_COLORS))
)
_SCRIPT = """
const box = document.getElementById("d");
box.onchange = () => { for (const row of document.querySelectorAll("[data-same]")) row.hidden = box.checked; };
"""


def grid_text(grid: Grid) -> str:
    """Return the grid as text: a letter for each peer and step, and below each step the answer of each group.

    The last lines give, for each pair of peers, the number of steps on which they agree.
    """
    return "".join(f"{line}\n" for line in _lines(grid))


def _lines(grid: Grid) -> Iterator[str]:
    names = [escaped(peer.label)[:_MAX_LABEL] for peer in grid.peers]
    widths = [max(len(name), 2) for name in names]
    yield "  ".join(f"{name:{width}}" for name, width in zip(names, widths, strict=True)) + "  line"
    for number, step in enumerate(grid.script.steps):
        groups = grid.groups(number)
        letters = {member: group.letter for group in groups for member in group.members}
        cells = "  ".join(f"{letters[peer]:{width}}" for peer, width in enumerate(widths))
        yield f"{cells}  {step.number}: {escaped(cut(step.text, _MAX_LINE))}"
        for group in groups:
            facts = _differing(group, groups) if len(groups) > 1 else ()
            yield f"{'':4}{group.letter}  {'; '.join((group.answer.outcome, *facts))}"
    yield ""
    yield from _agreements(grid)


def _differing(group: Group, groups: tuple[Group, ...]) -> tuple[str, ...]:
    """Return the facts of a group that some other group lacks: the first `_MAX_FACTS`, and the number of the others."""
    common = set.intersection(*(set(each.answer.facts) for each in groups))
    found = [fact for fact in group.answer.facts if fact not in common]
    more = (f"and {len(found) - _MAX_FACTS} more",) if len(found) > _MAX_FACTS else ()
    return (*found[:_MAX_FACTS], *more)


def _agreements(grid: Grid) -> Iterator[str]:
    total = len(grid.script.steps)
    for one, peer in enumerate(grid.peers):
        for other in range(one + 1, len(grid.peers)):
            count = grid.agreement(one, other)
            yield escaped(f"{peer.label} and {grid.peers[other].label} agree on {count} of {total} lines")


def grid_document(grid: Grid) -> dict[str, Any]:
    """Return the grid as an object for JSON; peers are numbered from 0."""
    peers = range(len(grid.peers))
    return {
        "schema": SCHEMA,
        "script": grid.script.name,
        "about": grid.script.about,
        "unanimous": grid.is_unanimous,
        "peers": [
            {"label": peer.label, "peer": f"{peer.target.host}:{peer.target.port}", "ae": peer.target.called,
             "fault": peer.fault}
            for peer in grid.peers
        ],
        "steps": [
            {"line": step.number, "text": step.text, "groups": [_group(group) for group in grid.groups(number)]}
            for number, step in enumerate(grid.script.steps)
        ],
        "agreement": [[grid.agreement(one, other) for other in peers] for one in peers],
    }  # fmt: skip


def _group(group: Group) -> dict[str, Any]:
    answer = group.answer
    return {
        "letter": group.letter,
        "peers": list(group.members),
        "outcome": answer.outcome,
        "facts": list(answer.facts),
        "notes": list(answer.notes),
    }


# --- the page ---


def grid_page(grid: Grid) -> str:
    """Return the grid as a page that needs no network; it is complete without JavaScript."""
    return "".join(_page(grid))


def _page(grid: Grid) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>DICOM grid</title>'
    yield f"<style>{_STYLE}</style></head><body>\n<h1>Answers of several peers: {_html(grid.script.name)}</h1>\n"
    yield f"<p>{_html(grid.script.about)}</p>\n<p>Each peer got the same lines. Peers with the same letter gave the "
    yield "same answer: the same outcome, and the same attributes, except for UIDs that they have generated.</p>\n"
    yield from _pairs(grid)
    yield '<p><label><input type="checkbox" id="d"> only lines on which peers differ</label></p>\n'
    yield "<table><tr><th>line</th>"
    yield "".join(f"<th>{_html(peer.label)}</th>" for peer in grid.peers) + "</tr>\n"
    for number, step in enumerate(grid.script.steps):
        groups = grid.groups(number)
        same = ' data-same=""' if len(groups) == 1 else ""
        yield f"<tr{same}><td>{step.number}: <code>{_html(step.text)}</code></td>"
        places = {member: place for place, group in enumerate(groups) for member in group.members}
        for member, place in sorted(places.items()):
            color = f"g{place % len(_COLORS)}"
            yield f'<td class="{color}">{_answer_html(groups[place].letter, grid.peers[member].answers[number])}</td>'
        yield "</tr>\n"
    yield "</table>\n"
    for peer in grid.peers:
        yield from _conversation(peer)
    yield f"<script>{_SCRIPT}</script></body></html>\n"


def _pairs(grid: Grid) -> Iterator[str]:
    total, peers = len(grid.script.steps), range(len(grid.peers))
    yield f"<table><tr><th>agree, of {total} lines</th>"
    yield "".join(f"<th>{_html(peer.label)}</th>" for peer in grid.peers) + "</tr>\n"
    for one in peers:
        yield f"<tr><th>{_html(grid.peers[one].label)}</th>"
        yield "".join(f"<td>{grid.agreement(one, other)}</td>" for other in peers) + "</tr>\n"
    yield "</table>\n"


def _answer_html(letter: str, answer: Answer) -> str:
    head = f"<b>{_html(letter)}</b> {_html(answer.outcome)}"
    if not (answer.facts or answer.notes):
        return head
    facts = "".join(f"<br>{_html(fact)}" for fact in answer.facts)
    notes = "".join(f'<br><span class="n">{_html(note)}</span>' for note in answer.notes)
    return f"<details><summary>{head}</summary>{facts}{notes}</details>"


def _conversation(peer: GridPeer) -> Iterator[str]:
    yield f"<details><summary>All PDUs of {_html(peer.label)}</summary><pre>"
    for entry, lines in peer.trace.explained():
        if entry.note:
            yield f"{entry.seconds * 1000:10.1f} = {_html(entry.note)}\n"
        for line in lines:
            yield f"{entry.seconds * 1000:10.1f} {_html(entry.direction)} {_html(line)}\n"
    yield "</pre></details>\n"


def _html(text: object) -> str:
    return escape(escaped(str(text)))
