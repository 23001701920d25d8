"""``report.html``: a table of cases and peers, and the explained conversation of each case, in a self-contained file.

The page is complete without JavaScript; a short script filters the cases, and opens the case that a link names. Each
text that may come from a peer is escaped.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ...errors import escaped
from ..case import category_of
from ..observation import RULE_KEPT
from .conversation import conversations

__all__ = ["page"]

Document = Mapping[str, Any]

_COLORS = {  # the background of each verdict, on a light and on a dark page
    "PASS": ("#d7f0d8", "#1d4a24"),
    "NON-STRICT": ("#eef5c8", "#46501a"),
    "WEAK": ("#ffe0b2", "#6b430c"),
    "FAIL": ("#ffc9c9", "#7a1f1f"),
    "INFO": ("#dbe9f7", "#1f3f5f"),
    "INCONCLUSIVE": ("#e6dcf2", "#46305f"),
    "UNIMPLEMENTED": ("#eeeeee", "#3a3a3a"),
    "SKIPPED": ("#f6f6f6", "#2c2c2c"),
    "ERROR": ("#f3b6e4", "#6b1f5a"),
}
_MEANINGS = {
    "PASS": "the peer meets the requirement of the standard",
    "NON-STRICT": "what the peer does is not what the standard prefers, but is allowed, or harms no other peer",
    "WEAK": 'the peer has a fault, but violates no sentence with "shall"',
    "FAIL": 'the peer violates a sentence with "shall"',
    "INFO": "the standard does not decide the question",
    "INCONCLUSIVE": "the case does not cover what the peer did, or its preparation failed, or the peer was full",
    "UNIMPLEMENTED": "the peer lacks a feature that the case needs",
    "SKIPPED": "the options leave the case out, or it does not apply to this peer",
    "ERROR": "the tester is at fault, never the peer",
    "DAMAGED": "a mark beside the verdict: after the case, no new association worked, or the peer's program had ended",
}
_NOTATION = {
    "AC(1=0)": "A-ASSOCIATE-AC with result 0 for context 1",
    "RJ(1,1,7)": "A-ASSOCIATE-RJ with this result, source and reason",
    "ABORT(2,0)": "A-ABORT with this source and reason",
    "RP": "A-RELEASE-RP",
    "RSP(0000)": "a response with this status",
    "CLOSED": "the peer ended the connection",
    "SILENCE": "the peer did nothing",
    "PROBE": "a new association during or after the case: it works (alive), does not (dead), or is rejected (RJ)",
    "..., SILENCE": "any events, the last of which is silence",
    "* and |": 'any value, and "or"; a comma separates events in their order',
}
_TRACE = (
    "A line of a trace has milliseconds since the start of the case, the number of the connection, and > for octets of "
    "the tester, < for octets of the peer, = for any other event."
)
_STYLE = (
    ":root{color-scheme:light dark;--line:#ccc;--quiet:#f7f7f7}"
    "body{font:14px/1.4 system-ui,sans-serif;margin:min(2em,3vw);max-width:100em;overflow-wrap:anywhere}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;overflow-wrap:normal}"
    "td,th{border:1px solid var(--line);padding:2px 8px;text-align:left;vertical-align:top}"
    ".trace{background:var(--quiet);padding:.6em;font-family:monospace;white-space:pre-wrap}"
    ".trace pre{margin:0 0 .6em;padding-left:2ch;overflow-x:auto;overflow-wrap:normal}"
    ".trace div{padding-left:2ch;text-indent:0}.log{padding-left:2em}"
    "summary{cursor:pointer}.m{font-family:monospace;white-space:nowrap}label{margin-right:1em;white-space:nowrap}"
    "summary span{padding:0 .4em;border-radius:.3em}"
    + "".join(f".v-{name}{{background:{light}}}" for name, (light, _) in _COLORS.items())
    + "@media(prefers-color-scheme:dark){:root{--line:#555;--quiet:#222}body{background:#161616;color:#e6e6e6}"
    + "a{color:#8ab4f8}"
    + "".join(f".v-{name}{{background:{dark}}}" for name, (_, dark) in _COLORS.items())
    + "}"
)
_SCRIPT = """
const q = document.getElementById("q"), choices = [...document.querySelectorAll("select")];
function show() {
  const text = q.value.toLowerCase();
  for (const row of document.querySelectorAll("[data-case]")) {
    const fits = each => !each.value || row.dataset[each.id].split(" ").includes(each.value);
    row.hidden = !(row.textContent.toLowerCase().includes(text) && choices.every(fits));
  }
}
q.oninput = show;
for (const each of choices) each.onchange = show;
function unfold() {
  const chosen = document.getElementById(location.hash.slice(1));
  if (chosen) chosen.open = true;
}
onhashchange = unfold;
unfold();
"""
_GAP = "If the case does not cover what the peer did, please report it with its trace to the authors of the tester."
_SETS = ("pass", "non-strict", "fail")  # the page's names for the sets of `expected`
_LEVELS = ("MUST", "SHOULD", "MAY", "INFO")


def page(documents: Sequence[Document]) -> str:
    """Return the page of one report, or of several as a matrix with a column for each peer."""
    return "".join(_page(documents))


def _page(documents: Sequence[Document]) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>DICOM conformance</title>'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<style>{_STYLE}</style></head><body>\n<h1>DICOM conformance</h1>\n"
    for document in documents:
        yield _head(document)
    categories = dict.fromkeys(category_of(case["id"]) for document in documents for case in document["cases"])
    yield '<p><label>Search <input id="q"></label>'
    for name, values in (("verdict", _COLORS), ("level", _LEVELS), ("category", categories)):
        yield _choice(name, values)
    yield "</p>\n"
    yield from _legend()
    by_peer = [{case["id"]: case for case in document["cases"]} for document in documents]
    yield from _matrix(documents, by_peer)
    for document, traces in zip(documents, conversations(documents), strict=True):
        yield f"<h2>{_text(_peer(document))}</h2>\n"
        for case in document["cases"]:
            yield from _case(case, traces[case["id"]])
    yield f"<script>{_SCRIPT}</script></body></html>\n"


def _legend() -> Iterator[str]:
    yield "<details><summary>What the words mean</summary>\n<ul>"
    for name, meaning in _MEANINGS.items():
        yield f'<li><span class="v-{name}">{name}</span>: {_text(meaning)}</li>'
    yield "</ul>\n<ul>"
    for name, meaning in _NOTATION.items():
        yield f'<li><span class="m">{_text(name)}</span>: {_text(meaning)}</li>'
    yield f"</ul>\n<p>{_text(_TRACE)}</p></details>\n"


def _choice(name: str, values: Iterable[str]) -> str:
    options = "".join(f"<option>{_text(value)}</option>" for value in values)
    return f'<label>{name.title()} <select id="{name}"><option value="">all</option>{options}</select></label>'


def _data(case_id: str, level: str, verdicts: str) -> str:
    """Return the attributes that the filters read."""
    category = _text(category_of(case_id))
    return f'data-case="" data-category="{category}" data-level="{_text(level)}" data-verdict="{_text(verdicts)}"'


def _peer(document: Document) -> str:
    name = document["peer"]["implementation_version_name"]
    return f"{document['run']['ae']}@{document['run']['peer']}" + (f" ({name})" if name else "")


def _head(document: Document) -> str:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in document["counts"].items() if count)
    word = "CONFORMANT" if document["conformant"] else document["run"]["stopped"] or "not conformant"
    tool = f"{document['tool']['name']} {document['tool']['version']}"
    return (
        f"<p><b>{_text(_peer(document))}</b>: {_text(word)}; {_text(counts)}. {_text(document['run']['started'])}, "
        f"{_text(tool)}, catalogue {_text(document['tool']['catalogue_sha256'][:12])}</p>\n"
    )


def _matrix(documents: Sequence[Document], by_peer: Sequence[Mapping[str, Document]]) -> Iterator[str]:
    yield '<div class="wide"><table><tr><th>case</th><th>title</th><th>level</th>'
    yield "".join(f"<th>{_text(_peer(document))}</th>" for document in documents) + "</tr>\n"
    ids = dict.fromkeys(case_id for cases in by_peer for case_id in cases)
    for case_id in ids:
        found = [cases.get(case_id) for cases in by_peer]
        first = next(case for case in found if case is not None)
        verdicts = " ".join(case["verdict"] for case in found if case is not None)
        yield f"<tr {_data(case_id, first['level'], verdicts)}>"
        yield f'<td class="m"><a href="#{_text(case_id)}">{_text(case_id)}</a></td><td>{_text(first["title"])}</td>'
        yield f"<td>{_text(first['level'])}</td>"
        yield "".join(map(_cell, found)) + "</tr>\n"
    yield "</table></div>\n"


def _cell(case: Document | None) -> str:
    if case is None:
        return "<td></td>"
    word = case["verdict"] + (" DAMAGED" if case["damaged"] else "")
    return f'<td class="v-{_text(case["verdict"])}" title="{_text(case["reason"])}">{_text(word)}</td>'


def _case(case: Document, trace: str) -> Iterator[str]:
    verdicts = _text(case["verdict"])
    yield f'<details id="{_text(case["id"])}" {_data(case["id"], case["level"], case["verdict"])}><summary>'
    yield f'<b class="m">{_text(case["id"])}</b> <span class="v-{verdicts}">{verdicts}</span> {_text(case["title"])}'
    yield f"</summary>\n<p>{_text(case['level'])}, {_text(case['section'])}. {_text(case['reason'])}</p>\n<ul>"
    if case.get("steps"):
        yield f"<li>steps: {_text(case['steps'])}</li>"
    for name, text in zip(_SETS, case["expected"].values(), strict=True):
        yield f"<li>{name}: {_text(text or 'nothing')}</li>"
    yield f"<li>observed: {_text(', '.join(case['observed']) or 'nothing')}</li>"
    yield f"<li>end of the association: {_text(case['close'] or 'not judged')}</li></ul>\n"
    for sub in case["subcases"][1:]:
        yield f"<p>{_text(sub['name'])}: {_text(sub['verdict'])}, {_text(sub['reason'])}</p>\n"
    if case.get("cosmetic"):
        yield "<p>Cosmetic: no peer suffers if this rule is broken.</p>\n"
    if case["verdict"] == "INCONCLUSIVE":
        yield f"<p>{_GAP}</p>\n"
    yield from _log(case)
    yield trace
    yield f"<p><code>{_text(case['reproduce'])}</code></p></details>\n"


def _log(case: Document) -> Iterator[str]:
    """Yield the log of a case: a line for each assertion, with its section."""
    if not case.get("assertions"):
        return
    names = [sub["name"] for sub in case["subcases"]]
    yield '<ol class="log">'
    for each in case["assertions"]:
        name = names[each["subcase"]] if each["subcase"] < len(names) else ""
        verdict = _text(each["verdict"])
        yield f'<li><span class="m">{each["t_ms"]:.1f} ms</span> <span class="v-{verdict}">{verdict}</span> '
        yield f"{_text(name)}{': ' if name else ''}{_text(_assertion(each))} [{_text(each['section'])}]</li>"
    yield "</ol>\n"


def _assertion(assertion: Document) -> str:
    due, seen = assertion["due"], assertion["seen"]
    if due == str(RULE_KEPT):
        return str(seen)
    return f"kept: {due}" if seen == str(RULE_KEPT) else f"expected {due}; got {seen}"


def _text(text: object) -> str:
    return escape(escaped(str(text)))
