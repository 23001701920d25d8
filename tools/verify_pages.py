"""The pages of the conformance matrix: matrix.html, matrix.md and trophies.md in docs/verify."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from dimse.errors import escaped
from dimse.verify.case import category_of

__all__ = ["Judged", "matrix_page", "matrix_table", "trophies_page"]

_NOTES = Path(__file__).with_name("verify_trophies.toml")
_GOOD = ("PASS", "INFO", "UNIMPLEMENTED", "SKIPPED")
_TROPHIES = ("FAIL", "WEAK")
_OURS = "dimse-print"
_ARTIM = "UL-F-1.01"
_NEEDS_ARTIM = ("UL-F-1.12", "UL-F-3.01", "UL-F-3.02", "UL-F-3.03")  # fail only if ARTIM was seen to expire sooner
_AGAIN = "once more"  # the note before a second try
_MAX_LINES = 24  # of a trace in the pages
_MAX_HEX = 48  # octets of a line
_MAX_REASON = 300  # characters of a reason
_COLORS = {
    "PASS": "#d7f0d8", "NON-STRICT": "#eef5c8", "WEAK": "#ffe0b2", "FAIL": "#ffc9c9", "INFO": "#dbe9f7",
    "INCONCLUSIVE": "#e6dcf2", "UNIMPLEMENTED": "#eeeeee", "SKIPPED": "#f6f6f6", "ERROR": "#f3b6e4",
}  # fmt: skip
_STYLE = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:2em;max-width:110em}"
    "table{border-collapse:collapse;margin:.5em 0 1.5em}td,th{border:1px solid #ccc;padding:2px 8px;text-align:left;"
    "vertical-align:top}thead th{position:sticky;top:0;background:#fff}td.v{white-space:nowrap}"
    "pre{background:#f7f7f7;padding:.6em;white-space:pre-wrap;overflow-wrap:anywhere}summary{cursor:pointer}"
    ".m{font-family:monospace;white-space:nowrap}label{margin-right:1.5em}"
    + "".join(f".v-{name}{{background:{color}}}" for name, color in _COLORS.items())
)
_SCRIPT = """
const $ = (id) => document.getElementById(id);
function show() {
  const text = $("q").value.toLowerCase();
  for (const row of document.querySelectorAll("[data-case]")) {
    row.hidden = !(row.textContent.toLowerCase().includes(text)
      && (!$("c").value || row.dataset.case === $("c").value)
      && (!$("l").value || row.dataset.level === $("l").value)
      && (!$("v").value || row.dataset.verdicts.split(" ").includes($("v").value))
      && (!$("d").checked || new Set(row.dataset.verdicts.split(" ")).size > 1));
  }
}
for (const id of ["q", "c", "l", "v", "d"]) $(id).oninput = show;
addEventListener("hashchange", () => { const e = $(location.hash.slice(1)); if (e) e.open = true; });
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """A peer with its report."""

    name: str
    role: str
    version: str
    report: Mapping[str, Any]
    commit: str = ""  # of the tester

    @property
    def title(self) -> str:
        """The name with its version: ``dcmprscp (DCMTK 3.6.7)``."""
        return self.version if self.version.startswith(self.name) else f"{self.name} ({self.version})"

    @property
    def key(self) -> str:
        return f"{self.name}-{self.role}".lower()

    @property
    def run(self) -> str:
        """When the peer was judged, and by which commit of the tester: ``2026-11-29 21:06 UTC, eca6d2e``."""
        started = self.report["run"]["started"][:16].replace("T", " ")
        return f"{started} UTC" + (f", {self.commit}" if self.commit else "")

    def cases(self) -> dict[str, Mapping[str, Any]]:
        """Return the cases by id."""
        return {case["id"]: case for case in self.report["cases"]}


def _counts(judged: Judged) -> str:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in judged.report["counts"].items() if count)
    damaged = judged.report["damaged"]
    return counts + (f", {damaged} DAMAGED" if damaged else "")


def _word(case: Mapping[str, Any]) -> str:
    return str(case["verdict"]) + (" DAMAGED" if case["damaged"] else "")


def _is_shown(case: Mapping[str, Any]) -> bool:
    """Return whether a case of a peer has details on the page."""
    return case["damaged"] or case["verdict"] not in _GOOD


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_REASON else f"{text[: _MAX_REASON - 3]}..."


# --- traces ---


def _trace(case: Mapping[str, Any]) -> Iterator[str]:
    """Yield the first conversation of the sub-case that decided: the PDUs of both sides, and the end."""
    subcases = enumerate(case.get("subcases", ()))
    decided = next((number for number, each in subcases if each["verdict"] == case["verdict"]), 0)
    entries = [entry for entry in case["trace"] if entry.get("subcase", 0) == decided]
    first = min((entry["connection"] for entry in entries if entry["connection"]), default=0)
    chosen = [entry for entry in entries if entry["connection"] in (0, first)]
    again = next((at for at, entry in enumerate(chosen, 1) if entry["note"].startswith(_AGAIN)), len(chosen))
    chosen = chosen[:again]
    lines = [line for run in _runs(chosen) for line in _lines(run)]
    dropped = len(lines) - _MAX_LINES
    if dropped > 0:
        half = _MAX_LINES // 2
        lines[half : half + dropped] = [f"          ... {dropped} more"]
    yield from lines


def _runs(entries: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the entries one by one, but single octets that follow each other together."""
    for is_octet, group in groupby(entries, key=lambda entry: entry["dir"] == ">" and entry["length"] == 1):
        run = list(group)
        yield from [run] if is_octet else ([entry] for entry in run)


def _lines(run: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of an entry, or one line for a run of single octets."""
    entry = run[0]
    head = f"{entry['t_ms']:9.0f} ms {entry['dir']} "
    if len(run) > 1:
        octets = "".join(each["hex"] for each in run[:_MAX_HEX])
        yield f"{head}{len(run)} octets one by one, until {run[-1]['t_ms']:.0f} ms: {octets} ..."
    elif entry["note"]:
        yield head + escaped(entry["note"].splitlines()[0])
    elif entry["explained"]:
        yield from (head + escaped(line) for line in entry["explained"])
    else:
        more = f" ... ({entry['length']} octets)" if entry["length"] > _MAX_HEX else ""
        yield head + entry["hex"][: 2 * _MAX_HEX] + more


# --- the page ---


def matrix_page(judged: Sequence[Judged]) -> str:
    """Return the self-contained page: a table of cases and peers for each role, with filters and details."""
    return "".join(_page(judged))


def _page(judged: Sequence[Judged]) -> Iterator[str]:
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>DICOM print conformance</title>'
    yield f"<style>{_STYLE}</style></head><body>\n<h1>DICOM print: cases and peers</h1>\n"
    yield "<p>Each cell is the verdict of the conformance tester for one program and one sentence of the standard. A "
    yield "FAIL breaks a rule with &ldquo;shall&rdquo;, or a cell of PS3.8 Table 9-10. Every verdict that is not good "
    yield "leads to its trace.</p>\n"
    yield "<table><tr><th>program</th><th>role</th><th>run</th><th>verdicts</th></tr>\n"
    for each in judged:
        yield f"<tr><td>{_html(each.title)}</td><td>{each.role}</td><td>{_html(each.run)}</td>"
        yield f"<td>{_html(_counts(each))}</td></tr>\n"
    yield "</table>\n" + _filters(judged)
    for role in ("SCP", "SCU"):
        yield from _table(role, [each for each in judged if each.role == role])
    yield "<h2>Details</h2>\n"
    for each in judged:
        for case in each.report["cases"]:
            if _is_shown(case):
                yield from _detail(each, case)
    yield f"<script>{_SCRIPT}</script></body></html>\n"


def _filters(judged: Sequence[Judged]) -> str:
    groups = (category_of(case["id"]) for each in judged for case in each.report["cases"])
    categories = dict.fromkeys(group.rpartition("-")[0] for group in groups)
    return (
        '<p><label>Search <input id="q"></label>'
        + _select("c", "Category", categories)
        + _select("l", "Level", ("MUST", "SHOULD", "MAY", "INFO"))
        + _select("v", "Verdict", _COLORS)
        + '<label><input type="checkbox" id="d"> only where programs differ</label></p>\n'
    )


def _select(name: str, title: str, values: Mapping[str, Any] | Sequence[str]) -> str:
    options = "".join(f"<option>{_html(value)}</option>" for value in values)
    return f'<label>{title} <select id="{name}"><option value="">all</option>{options}</select></label>'


def _table(role: str, judged: Sequence[Judged]) -> Iterator[str]:
    yield f"<h2>Programs as {role}</h2>\n<table><thead><tr><th>case</th><th>title</th><th>level</th>"
    yield "".join(f"<th>{_html(each.title)}</th>" for each in judged) + "</tr></thead>\n"
    for case_id, cases in _rows(judged):
        found = next(case for case in cases if case is not None)
        verdicts = " ".join(case["verdict"] for case in cases if case is not None)
        category = category_of(case_id).rpartition("-")[0]
        yield f'<tr data-case="{category}" data-level="{found["level"]}" data-verdicts="{verdicts}">'
        yield f'<td class="m" title="{_html(found["section"])}">{_html(case_id)}</td><td>{_html(found["title"])}</td>'
        yield f"<td>{found['level']}</td>"
        for each, case in zip(judged, cases, strict=True):
            yield _cell(each, case)
        yield "</tr>\n"
    yield "</table>\n"


def _rows(judged: Sequence[Judged]) -> Iterator[tuple[str, list[Mapping[str, Any] | None]]]:
    """Yield each case of the reports with the results of all peers, in the order of the catalogue."""
    by_peer = [each.cases() for each in judged]
    for case_id in sorted({case_id for cases in by_peer for case_id in cases}):
        yield case_id, [cases.get(case_id) for cases in by_peer]


def _cell(judged: Judged, case: Mapping[str, Any] | None) -> str:
    if case is None:
        return "<td></td>"
    word = _html(_word(case))
    if _is_shown(case):
        word = f'<a href="#{_html(judged.key)}-{case["id"]}">{word}</a>'
    return f'<td class="v v-{case["verdict"]}" title="{_html(_cut(case["reason"]))}">{word}</td>'


def _detail(judged: Judged, case: Mapping[str, Any]) -> Iterator[str]:
    word = f'<span class="v-{case["verdict"]}">{_html(_word(case))}</span>'
    name = f'{_html(judged.title)}, <span class="m">{_html(case["id"])}</span> {_html(case["title"])}'
    yield f'<details id="{_html(judged.key)}-{case["id"]}"><summary>{word} {name}</summary>\n'
    yield f"<p>{_html(case['level'])}, {_html(case['section'])}</p>\n<p>{_html(_cut(case['reason']))}</p>\n"
    trace = "\n".join(_trace(case))
    yield (f"<pre>{escape(trace)}</pre>" if trace else "") + "</details>\n"


def _html(text: object) -> str:
    return escape(escaped(str(text)))


# --- the table of the documentation ---


def matrix_table(judged: Sequence[Judged]) -> str:
    """Return the Markdown page: the programs with their counts, and the cases that are not good everywhere."""
    return "".join(_table_lines(judged))


_ABOUT_TABLE = """\
# Programs and cases

Made by `make verify-matrix`, which starts each program on this machine and runs all cases for its role. The page
[matrix.html](matrix.html) has all cases, with filters and traces; [trophies.md](trophies.md) has the faults, for the
maintainers of these programs. A library without a print SCP of its own runs only the cases below print. The column
*run* names the start of a run and the commit of the tester; a program is run again when its script has changed.

| program | role | run | verdicts |
|---|---|---|---|
"""
_ABOUT_KNOWN = """
A bad verdict of a client, and the mark DAMAGED, count only if a second run without other load had them too.

`tests/interop/test_verify_known.py` and `test_verify_print.py` hold the known faults that show within seconds, among
them UL-F-3.01 and UL-F-3.02 of DCMTK and UL-F-1.08 and ROB-1.02 of pynetdicom, with an ARTIM of one second. These need
a longer timer of the program, many connections or a long silence, so only this matrix holds them:

| program | cases | fault |
|---|---|---|
| Orthanc as SCP | UL-F-3.01, UL-F-3.02 | no ARTIM after A-RELEASE-RP and A-ASSOCIATE-RJ |
| DCMTK and Orthanc as SCP | UL-F-1.09, UL-F-1.12 | no answer to a cut-off request; ARTIM starts anew with each byte |
| DCMTK and Orthanc as SCP | UL-A-3.04, UL-A-4.09, UL-A-5.12, ROB-1.13 | no answer to an invalid request |
| DCMTK as SCP | UL-A-6.01, ROB-1.05 | one association at a time; the others wait |
| dcmprscp | DIMSE-1.15 | takes an invalid UID for a new instance |
| pynetdicom as SCP | UL-F-1.09, UL-F-1.12 | takes a cut-off request; ARTIM starts anew with each byte |
| pynetdicom as SCP | UL-F-3.03 | the connection stays open after its A-ABORT |
| pynetdicom as SCP | UL-A-4.07, UL-A-4.09, ROB-1.03 | waits for the rest of a PDU, or forever |
| dcmjs-dimse as SCU | UL-F-6.04, UL-F-7.03 | keeps the connection after an A-ABORT |
| print_server | UL-F-1.08, UL-F-1.09, ROB-1.01 | no answer to an unknown PDU; a cut-off request ends the program |
| print_client | UL-A-8.11, UL-F-7.06 | no timer: it waits for an answer forever |

print_server of CTN looks up AE titles in a database; `tools/verify_peers/ctn_scp.py` gives it one of its own. The
tester starts print_server again when a case has ended it: then the case is DAMAGED.
"""
_ABOUT_ROLE = "The cases that some program does not pass. An empty cell is PASS, INFO, or a case that does not apply."


def _table_lines(judged: Sequence[Judged]) -> Iterator[str]:
    yield _ABOUT_TABLE
    for each in judged:
        yield f"| {_cell_text(each.title)} | {each.role} | {_cell_text(each.run)} | {_cell_text(_counts(each))} |\n"
    yield _ABOUT_KNOWN
    for role in ("SCP", "SCU"):
        peers = [each for each in judged if each.role == role]
        yield f"\n## Programs as {role}\n\n{_ABOUT_ROLE}\n\n"
        yield "| case | level | title |" + "".join(f" {_cell_text(each.name)} |" for each in peers) + "\n"
        yield "|---|---|---|" + "---|" * len(peers) + "\n"
        for case_id, cases in _rows(peers):
            shown = [_word(case) if case is not None and _is_shown(case) else "" for case in cases]
            if any(shown):
                found = next(case for case in cases if case is not None)
                yield f"| {case_id} | {found['level']} | {_cell_text(found['title'])} | {' | '.join(shown)} |\n"


def _cell_text(text: str) -> str:
    return escaped(text).replace("|", "\\|")


# --- trophies ---


def trophies_page(judged: Sequence[Judged]) -> str:
    """Return the Markdown page of the faults in programs other than ours."""
    notes = tomllib.loads(_NOTES.read_text())
    return "".join(_trophy_lines(judged, notes)).rstrip("\n") + "\n"


_ABOUT_TROPHIES = """\
# Trophies

The faults that the conformance tester has found in independent programs, for their maintainers. A FAIL breaks a rule
that the standard states with "shall", or a cell of the state machine (PS3.8 Table 9-10). A WEAK breaks no such rule,
but the program hung, crashed, or reported success for something that it cannot have done.

Each entry has the sent PDUs, the demand of the section, and the answer. In a trace, `>` was sent to the program, and
`<` came from it; times count from the start of the case, and only the first conversation of the deciding sub-case is
shown. To repeat a case, start its command in the root of this repository. CTN needs the Debian packages `ctn` and
`mariadb-server-core`; `image` is what `tests/support/verified_peers.py` writes. `dcmtk.cfg` is
`tests/interop/dcmtk.cfg` with 11112 for `@PORT@`, beside the empty folders `database` and `spool`; `film.dcm` is what
`dcmpsprt -c dcmtk.cfg -p OURS8 IMAGE` writes into `database`; `orthanc.json` sets `DicomPort` to 11112 and
`DicomAlwaysAllowEcho`. `python tools/peers.py FOLDER` installs dcmjs-dimse and pydcm (set `NODE_PATH` to
`FOLDER/node_modules`, and use the Python of `FOLDER/pydcm`).

This page is made by `make verify-matrix`.

"""


def _trophy_lines(judged: Sequence[Judged], notes: Mapping[str, Any]) -> Iterator[str]:
    yield _ABOUT_TROPHIES
    for each in judged:
        found = [case for case in each.report["cases"] if case["verdict"] in _TROPHIES]
        if each.name == _OURS or not found:
            continue
        yield f"## {_markdown(each.title)} as {each.role}\n\n"
        if about := notes["about"].get(each.key):
            yield f"{_markdown(about)}\n\n"
        for case in found:
            yield from _trophy(each, case, notes)


def _trophy(judged: Judged, case: Mapping[str, Any], notes: Mapping[str, Any]) -> Iterator[str]:
    name, key = case["id"], judged.key
    yield f"### {name} {_markdown(case['title'])}\n\n**{_word(case)}**; {_markdown(case['section'])}\n\n"
    if sent := notes["sent"].get(name):
        yield f"- Sent: {_markdown(sent)}.\n"
    if rule := notes["rules"].get(name):
        yield f"- Rule: {_markdown(rule)}\n"
    yield f"- Result: {_markdown(_cut(case['reason']))}\n"
    if note := notes.get(key, {}).get(name):
        yield f"- {_markdown(note)}\n"
    if trace := "\n".join(_trace(case)):
        yield f"\n```\n{trace}\n```\n"
    if again := notes["again"].get(key):
        names = (_ARTIM, name) if name in _NEEDS_ARTIM else (name,)
        command = again.format(cases=" ".join(f"--case {each}" for each in names))
        if _is_print(name):
            command = command.replace("dimse verify", "print-mgmt verify", 1)
        yield f"\nTo repeat: `{command}`\n"
    yield "\n"


def _is_print(case_id: str) -> bool:
    return case_id.startswith("PRN-")


def _markdown(text: str) -> str:
    return escaped(text).replace("<", "&lt;").replace("|", "\\|").replace("*", "\\*")
