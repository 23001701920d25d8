"""``report.html``: a table of cases and peers, and the explained conversation of each case, in a self-contained file.

The page is complete without JavaScript; a short script only filters the cases. Every text that may come from a peer
is escaped.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ...errors import escaped
from ..case import group_of

__all__ = ["page"]

Document = Mapping[str, Any]

_MOST_HEX = 64  # octets that are shown of each entry of a trace
_COLORS = {
    "PASS": "#d7f0d8",
    "NON-STRICT": "#eef5c8",
    "WEAK": "#ffe0b2",
    "FAIL": "#ffc9c9",
    "INFO": "#dbe9f7",
    "INCONCLUSIVE": "#e6dcf2",
    "UNIMPLEMENTED": "#eeeeee",
    "SKIPPED": "#f6f6f6",
    "ERROR": "#f3b6e4",
}
_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:2em;max-width:100em}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:2px 8px;text-align:left;vertical-align:top}"
    "pre{background:#f7f7f7;padding:.6em;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}"
    "summary{cursor:pointer}.m{font-family:monospace;white-space:nowrap}"
    + "".join(f".v-{name}{{background:{color}}}" for name, color in _COLORS.items())
)
_SCRIPT = """
const q = document.getElementById("q"), v = document.getElementById("v");
function show() {
  const text = q.value.toLowerCase();
  for (const row of document.querySelectorAll("[data-case]")) {
    const has = row.textContent.toLowerCase().includes(text);
    row.hidden = !(has && (!v.value || row.dataset.verdicts.split(" ").includes(v.value)));
  }
}
q.oninput = v.onchange = show;
"""


def page(documents: Sequence[Document]) -> str:
    """Return the page of one report, or of several as a matrix with a column for each peer."""
    return "".join(_page(documents))


def _page(documents: Sequence[Document]) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>DICOM conformance</title>'
    yield f"<style>{_STYLE}</style></head><body>\n<h1>DICOM conformance</h1>\n"
    for document in documents:
        yield _head(document)
    options = "".join(f"<option>{name}</option>" for name in _COLORS)
    yield '<p><label>Search <input id="q"></label> <label>Verdict <select id="v"><option value="">all</option>'
    yield f"{options}</select></label></p>\n"
    by_peer = [{case["id"]: case for case in document["cases"]} for document in documents]
    yield from _matrix(documents, by_peer)
    for document in documents:
        yield f"<h2>{_text(_peer(document))}</h2>\n"
        for case in document["cases"]:
            yield from _case(case)
    yield f"<script>{_SCRIPT}</script></body></html>\n"


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
    yield "<table><tr><th>case</th><th>title</th><th>level</th>"
    yield "".join(f"<th>{_text(_peer(document))}</th>" for document in documents) + "</tr>\n"
    ids = dict.fromkeys(case_id for cases in by_peer for case_id in cases)
    for case_id in ids:
        found = [cases.get(case_id) for cases in by_peer]
        first = next(case for case in found if case is not None)
        verdicts = " ".join(case["verdict"] for case in found if case is not None)
        yield f'<tr data-case="{_text(group_of(case_id))}" data-verdicts="{_text(verdicts)}">'
        yield f'<td class="m"><a href="#{_text(case_id)}">{_text(case_id)}</a></td><td>{_text(first["title"])}</td>'
        yield f"<td>{_text(first['level'])}</td>"
        yield "".join(map(_cell, found)) + "</tr>\n"
    yield "</table>\n"


def _cell(case: Document | None) -> str:
    if case is None:
        return "<td></td>"
    word = case["verdict"] + (" DAMAGED" if case["damaged"] else "")
    return f'<td class="v-{_text(case["verdict"])}" title="{_text(case["reason"])}">{_text(word)}</td>'


def _case(case: Document) -> Iterator[str]:
    verdicts = _text(case["verdict"])
    yield f'<details id="{_text(case["id"])}" data-case="" data-verdicts="{verdicts}"><summary>'
    yield f'<b class="m">{_text(case["id"])}</b> <span class="v-{verdicts}">{verdicts}</span> {_text(case["title"])}'
    yield f"</summary>\n<p>{_text(case['level'])}, {_text(case['section'])}. {_text(case['reason'])}</p>\n<ul>"
    for name, text in case["expected"].items():
        yield f"<li>{_text(name)}: {_text(text or 'nothing')}</li>"
    yield f"<li>came: {_text(', '.join(case['observed']) or 'nothing')}</li>"
    yield f"<li>association: {_text(case['close'] or 'not judged')}</li></ul>\n"
    for sub in case["subcases"][1:]:
        yield f"<p>{_text(sub['name'])}: {_text(sub['verdict'])}, {_text(sub['reason'])}</p>\n"
    if case["trace"]:
        yield f"<pre>{''.join(map(_entry, case['trace']))}</pre>\n"
    yield f"<p><code>{_text(case['reproduce'])}</code></p></details>\n"


def _entry(entry: Document) -> str:
    head = f"{entry['t_ms']:10.1f} {entry['connection']} {entry['dir']} "
    if entry["note"]:
        note = "\n".join(map(escaped, entry["note"].splitlines()))
        return escape(f"{head}{note}\n")
    shown = entry["hex"][: 2 * _MOST_HEX]
    more = f" ... ({entry['length']} octets)" if entry["length"] > _MOST_HEX else ""
    lines = [f"{head}{shown}{more}", *(f"{'':14}{escaped(line)}" for line in entry["explained"])]
    return escape("\n".join(lines) + "\n")


def _text(text: object) -> str:
    return escape(escaped(str(text)))
