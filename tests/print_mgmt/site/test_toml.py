"""A site from TOML: every key, every fault with its line, and the example of the docs."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt import PrinterConfig, preset
from print_mgmt.config import toml
from print_mgmt.config.lines import lines_of
from print_mgmt.destinations import (
    CommandDestination,
    FolderDestination,
    PacsDestination,
    PrinterDestination,
    RetryPolicy,
    TLSFiles,
)
from print_mgmt.site import Facts, ListenConfig, SiteErrors, SpoolConfig, decide, load_site, read_site
from print_mgmt.site.identify import PatternSource, ProgramSource, SentSource, WorklistSource
from print_mgmt.site.toml import DESTINATIONS, SOURCES, is_site

DOCS = Path(__file__).parents[3] / "docs"
HERE = Path("/srv/film/site.toml")
PRINTER = '[printers.a]\nae_title = "A"\n'


def faults(text: str) -> list[str]:
    with pytest.raises(SiteErrors) as raised:
        read_site(text, HERE)
    return [line.removeprefix("/srv/film/site.toml") for line in raised.value.lines]


# --- the example of the docs ---


def test_example_is_a_site() -> None:
    site = load_site(DOCS / "site.toml")
    assert list(site.printers) == ["laser", "mammo", "paper"]
    kinds = {type(each.destination) for each in site.destinations.values()}
    assert kinds >= {PacsDestination, PrinterDestination, FolderDestination, CommandDestination}
    assert [type(source) for source in site.identification.sources.values()] == [
        SentSource,
        SentSource,
        PatternSource,
        WorklistSource,
        ProgramSource,
    ]


def test_page_explains_every_key() -> None:
    page = (DOCS / "site.md").read_text()
    kinds: list[type] = [*DESTINATIONS.values(), *SOURCES.values(), RetryPolicy, TLSFiles, ListenConfig, SpoolConfig]
    keys = {row.name for kind in kinds for row in fields(kind) if row.init}
    assert {key for key in keys if f"`{key}`" not in page} == set()
    assert {name for name in (*DESTINATIONS, *SOURCES) if f"`{name}`" not in page} == set()


# --- the contents of a file ---


def test_empty_file_is_a_printer_with_a_folder() -> None:
    site = read_site("", HERE)
    ((_, printer),) = site.printers.items()
    assert (printer.ae_title, printer.default) == ("PRINTSCP", True)
    assert site.destinations["films"].destination == FolderDestination(path="/srv/film/films")
    assert decide(site.routes, Facts()).to == ("films",)
    assert site.spool == SpoolConfig()


def test_printer_takes_a_preset_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("film_boxes = 3")
    text = '[printers.a]\nae_title = "A"\npreset = "minimal"\n[printers.b]\nae_title = "B"\nconfig = "p.toml"\n'
    site = read_site(text, tmp_path / "site.toml")
    assert site.printers["a"].config.media == preset("minimal").media
    assert site.printers["b"].config.film_boxes == 3
    assert site.printers["b"].config.printer.PrinterName == "B"


def test_loaded_media_are_the_installed_ones() -> None:
    site = read_site(
        PRINTER + 'loaded = [{ MediumType = "BLUE FILM", FilmSizeID = ["A4", "A3"] }, { MediumType = "PAPER" }]'
    )
    config = site.printers["a"].config
    installed = {(row.MediumType, size) for row in config.media if row.installed for size in row.FilmSizeID}
    paper = {("PAPER", size) for row in PrinterConfig().media if row.MediumType == "PAPER" for size in row.FilmSizeID}
    assert installed == {("BLUE FILM", "A4"), ("BLUE FILM", "A3")} | paper
    every = {(row.MediumType, size) for row in config.media for size in row.FilmSizeID}
    assert every == {(row.MediumType, size) for row in PrinterConfig().media for size in row.FilmSizeID}


def test_called_title_selects_the_printer() -> None:
    site = read_site('[printers.a]\nae_title = "A"\n[printers.b]\nae_title = "B"\ndefault = true')
    assert [printer and printer.ae_title for printer in map(site.printer, ("A", "A ", "B", "C"))] == [
        "A",
        "A",
        "B",
        "B",
    ]
    assert read_site(PRINTER).printer("B") is None


def test_site_without_routes_sends_films_everywhere() -> None:
    site = read_site('[destinations.x]\ntype = "folder"\npath = "x"\n[destinations.y]\ntype = "folder"\npath = "y"')
    assert decide(site.routes, Facts()).to == ("x", "y")


def test_paths_begin_at_the_folder_of_the_file() -> None:
    text = """
    spool.at = "s"
    [destinations.x]
    type = "folder"
    path = "x"
    [destinations.y]
    type = "folder"
    path = "/y"
    [destinations.z]
    type = "pacs"
    peer = "P@h:1"
    tls = { ca = "ca.pem" }
    """
    site = read_site(text, HERE)
    x, y, z = (each.destination for each in site.destinations.values())
    assert x == FolderDestination(path="/srv/film/x")
    assert y == FolderDestination(path="/y")
    assert z == PacsDestination(peer="P@h:1", tls=TLSFiles(ca="/srv/film/ca.pem"))
    assert site.spool.at == "/srv/film/s"


def test_address_of_a_database_is_kept() -> None:
    assert read_site('spool.at = "postgresql://h/films"', HERE).spool.at == "postgresql://h/films"


def test_retry_policy_belongs_to_its_destination() -> None:
    text = '[destinations.x]\ntype = "folder"\npath = "x"\nretry = { attempts = 3, then = "fail" }'
    assert read_site(text).destinations["x"].retry == RetryPolicy(attempts=3, then="fail")


# --- faults ---


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x = ", ": TOML: Invalid value (at end of document)"),
        ("\ncolor = 1", ":2: color: unknown key"),
        (PRINTER + "aetitle = 1", ":3: printers.a.aetitle: unknown key: did you mean ae_title? The keys are ae_title,"),
        ('[printers.a]\nae_title = "A-TITLE-OF-17-CHARS"', ":2: printers.a.ae_title: an AE title has 1 to 16"),
        ("[printers.a]", ":1: printers.a: missing keys: ae_title"),
        ('[printers."a b"]\nae_title = "A"', ":1: printers.a b: a name has 1 to 64"),
        (PRINTER + 'preset = "x"', ":3: printers.a.preset: 'x' is not one of agfa-ds3000,"),
        (PRINTER + 'preset = "x"\nconfig = "y"', ":4: printers.a.config: cannot be given together with preset"),
        (PRINTER + 'config = "y"', ":3: printers.a.config: /srv/film/y: No such file or directory"),
        (PRINTER + 'loaded = [{ MediumType = "FELT" }]', ":3: printers.a.loaded[0].MediumType: 'FELT' is not one of"),
        (PRINTER + 'missing_medium = "x"', ":3: printers.a.missing_medium: 'x' is not one of wait, print, fail"),
        (PRINTER + '[printers.b]\nae_title = "A"', ":4: printers.b.ae_title: 'A' is the title of printer 'a', too"),
        (PRINTER + 'default = true\n[printers.b]\nae_title = "B"\ndefault = true', ":6: printers.b.default: 'a' is"),
        ("[destinations.x]", ":1: destinations.x.type: is missing. The types are folder, pacs,"),
        ('[destinations.x]\ntype = "fax"', ":2: destinations.x.type: 'fax' is unknown. The types are folder, pacs,"),
        ('[destinations.x]\ntype = "folder"\npath = 1', ":3: destinations.x.path: 1 is not text"),
        ('[destinations.x]\ntype = "folder"\npath = ""', ":3: destinations.x.path: is empty"),
        ("[destinations.x]\n[destinations.x]", ": TOML: Cannot declare ('destinations', 'x') twice (at line 2"),
        (
            '[destinations.x]\ntype = "folder"\npath = "x"\nretry.attempts = 0',
            ":4: destinations.x.retry.attempts: 0 must be",
        ),
        ('[destinations.x]\ntype = "pacs"\npeer = "P@h:1"\ntls.shoe = 1', ":4: destinations.x.tls.shoe: unknown key"),
        ('[[routes]]\nto = ["x"]', ":2: routes[0].to: 'x' is not a destination. The destinations are films"),
        ('[[routes]]\nto = ["films", "films"]', ":2: routes[0].to: names a destination twice"),
        ('[[routes]]\nto = ["films"]\n[[routes]]\nshoe = 1', ":4: routes[1].shoe: unknown key"),
        ('[[routes]]\nto = ["films"]\nchange.FilmSizeID = "A9"', ":3: routes[0].change.FilmSizeID: 'A9' is not one of"),
        ("routes = 1", ":1: routes: is not an array of tables"),
        ("[routes]", ":1: routes: is not an array of tables"),
        ("identify.shoe = 1", ":1: identify.shoe: unknown key"),
        ('identify.needs = ["Shoe"]', ":1: identify.needs: 'Shoe' is not one of PatientName,"),
        ("identify.sources = 1", ":1: identify.sources: is not an array of tables"),
        (
            '[[identify.sources]]\ntype = "pattern"\npattern = "("',
            ":3: identify.sources[0].pattern: is not a regular expression",
        ),
        (
            '[[identify.sources]]\ntype = "sent"\n[[identify.sources]]\nname = "sent 1"\ntype = "sent"',
            ":4: identify.sources[1].name: 'sent 1' is the name of another source, too",
        ),
        (
            '[[identify.sources]]\nname = 5\ntype = "sent"',
            ":2: identify.sources[0].name: 5 is not text",
        ),
        ("listen.port = 70000", ":1: listen.port: 70000 is not a port"),
        ('listen.key = "k"', ":1: listen.key: also needs certificate"),
        ('listen.certificate = ""', ":1: listen.certificate: is empty"),
        ("a = " + "[" * 2000 + "]" * 2000, ": TOML: the values are nested too deeply"),
        ("a = " + "9" * 5000, ": TOML: a number has too many digits"),
        ("spool.keep.days = nan", ":1: spool.keep.days: nan must be at least 0"),
        ("spool.limits.low = -1", ":1: spool.limits.low: -1 must be at least 0"),
        ('spool.at = "mysql://x"', ":1: spool.at: 'mysql://x' is neither a folder nor postgresql://..."),
        (
            '[destinations.a]\ntype = "folder"\npath = "a\\u0000b"',
            ":3: destinations.a.path: '/srv/film/a\\x00b' has a NUL character",
        ),
        (
            '[destinations.a]\ntype = "folder"\npath = "a"\ndpi = 90000',
            ":4: destinations.a.dpi: a film of 14INX17IN at 90000 dpi has more than",
        ),
        (
            '[destinations.a]\ntype = "pacs"\npeer = "A@b:1"\ntls = { key = "k" }',
            ":4: destinations.a.tls.key: also needs certificate",
        ),
        (
            '[destinations.a]\ntype = "paper"\nuri = "ipp://[::1/x"',
            ":3: destinations.a.uri: 'ipp://[::1/x' is not a URI such as ipp://HOST:PORT/PATH",
        ),
        (
            '[destinations.a]\ntype = "paper"\nuri = "ipp://b:99999/x"',
            ":3: destinations.a.uri: 'ipp://b:99999/x' is not a URI such as ipp://HOST:PORT/PATH",
        ),
        ("spool.limits.low = true", ":1: spool.limits.low: True is not a whole number"),
    ],
)
def test_fault_names_line_key_and_rule(text: str, fault: str) -> None:
    (found,) = faults(text)
    assert found.startswith(fault)


def test_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("[listen]\nport = 104", encoding="utf-8-sig")
    assert is_site(path)
    assert load_site(path).listen.port == 104


def test_all_faults_are_reported_together() -> None:
    text = (
        'shoe = 1\n[listen]\nport = -1\n[printers.a]\n[destinations.x]\n[[routes]]\nto = ["y"]\n[identify]\nneeds = 1'
    )
    found = [re.match(r":(\d+): (\w+)", fault) for fault in faults(text)]
    assert [line and line.groups() for line in found] == [
        ("1", "shoe"),
        ("4", "printers"),
        ("5", "destinations"),
        ("7", "routes"),
        ("9", "identify"),
        ("3", "listen"),
    ]


def test_all_faults_of_a_table_are_reported() -> None:
    text = (
        '[printers.a]\nae_title = 1\nshoe = 2\ndefault = 3\n[destinations.x]\ntype = "folder"\npath = 1\ndpi = "x"\n'
        'retry = { attempts = "x", sock = 1 }\nat_once = "x"\n[spool]\nat = 1\nlimits = { low = "x", least = "y" }'
    )
    found = [re.match(r":(\d+): ([\w.]+)", fault) for fault in faults(text)]
    assert [line and line.groups() for line in found] == [
        ("2", "printers.a.ae_title"),
        ("3", "printers.a.shoe"),
        ("4", "printers.a.default"),
        ("9", "destinations.x.retry.attempts"),
        ("9", "destinations.x.retry.sock"),
        ("10", "destinations.x.at_once"),
        ("7", "destinations.x.path"),
        ("8", "destinations.x.dpi"),
        ("12", "spool.at"),
        ("13", "spool.limits.low"),
        ("13", "spool.limits.least"),
    ]


def test_lines_are_found_once_for_all_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []

    def found(text: str) -> Mapping[str, int]:
        texts.append(text)
        return lines_of(text)

    monkeypatch.setattr(toml, "lines_of", found)
    assert len(faults("[listen]\nshoe = 1\nhat = 2\n[spool]\ncoat = 3")) == 3
    assert len(texts) == 1


def test_fault_lists_only_some_of_very_many_destinations() -> None:
    """With 20,000 faults, each with 20,000 names, the lines had gigabytes."""
    made = "".join(f'[destinations.d{number}]\ntype = "folder"\npath = "x"\n' for number in range(60))
    (fault,) = faults(made + '[[routes]]\nto = ["d60"]')
    assert fault.endswith(" d48, d49 and 10 others")


def test_all_faults_of_arrays_are_reported() -> None:
    text = (
        '[destinations.x]\ntype = "folder"\nformats = [1, "png", 2]\n[[routes]]\nshoe = 1\n[[routes]]\n'
        'client = [3, 4]\n[[routes]]\nto = ["y", "z"]\n[identify]\nneeds = [5, 6]\n'
    )
    found = [re.match(r":(\d+): ([\w.\[\]]+)", fault) for fault in faults(text)]
    assert [line and line.groups() for line in found] == [
        ("3", "destinations.x.formats[0]"),
        ("3", "destinations.x.formats[2]"),
        ("1", "destinations.x"),  # the path is missing
        ("5", "routes[0].shoe"),
        ("7", "routes[1].client[0]"),
        ("7", "routes[1].client[1]"),
        ("9", "routes[2].to"),
        ("9", "routes[2].to"),
        ("11", "identify.needs[0]"),
        ("11", "identify.needs[1]"),
    ]


def test_broken_destination_is_not_also_a_fault_of_its_route() -> None:
    assert len(faults('[destinations.x]\ntype = "fax"\n[[routes]]\nto = ["x"]')) == 1


def test_fault_of_a_file_of_a_printer_names_both_lines(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("\nstrict = 1")
    with pytest.raises(SiteErrors) as raised:
        read_site(PRINTER + 'config = "p.toml"', tmp_path / "site.toml")
    (line,) = raised.value.lines
    assert line == f"{tmp_path}/site.toml:3: printers.a.config: {tmp_path}/p.toml:2: strict: 1 is not true or false"


def test_all_faults_of_a_file_of_a_printer_are_reported(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("strict = 1\nshoe = 2\n[printer]\nManufacturer = 3")
    with pytest.raises(SiteErrors) as raised:
        read_site(PRINTER + 'config = "p.toml"', tmp_path / "site.toml")
    start = f"{tmp_path}/site.toml:3: printers.a.config: {tmp_path}/p.toml:"
    keys = [line.removeprefix(start).split(": ")[:2] for line in raised.value.lines]
    assert keys == [["1", "strict"], ["2", "shoe"], ["4", "printer.Manufacturer"]]


def test_file_that_is_not_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes(b"\xff")
    with pytest.raises(SiteErrors, match=r"site\.toml: the byte at offset 0 is not UTF-8"):
        load_site(tmp_path / "site.toml")


VALUES = st.recursive(st.integers() | st.booleans() | st.text("ab\x1b\n", max_size=5), st.lists)
TABLES = st.sampled_from(("printers.a", "destinations.x", "listen", "spool", "identify"))
KEYS = st.sampled_from(("type", "path", "port", "at", "needs", "sources", "ae_title", "retry", "x"))


@given(TABLES, KEYS, VALUES)
def test_any_value_makes_a_site_or_faults(table: str, key: str, value: object) -> None:
    """For any value of a key, the result is a site or error lines without control characters."""
    lines: tuple[str, ...] = ()
    try:
        read_site(f"[{table}]\n{key} = {json.dumps(value)}\n", HERE)
    except SiteErrors as exc:
        lines = exc.lines
    assert all(line.isprintable() for line in lines)


def test_new_printer_name_differs_from_each_other_name(tmp_path: Path) -> None:
    text = ""
    for number, name in enumerate(("X", "X", "P1")):
        (tmp_path / f"{number}.toml").write_text(f'[printer]\nPrinterName = "{name}"\n')
        text += f'[printers.{number}]\nae_title = "P{number}"\nconfig = "{number}.toml"\n'
    printers = read_site(text, tmp_path / "site.toml").printers
    assert [printer.PrinterName for printer in printers.values()] == ["P0", "P1", "P2"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_configuration_of_a_printer_is_no_pipe(tmp_path: Path) -> None:
    """A server that reads it again would wait for a writer."""
    os.mkfifo(tmp_path / "printer.toml")
    text = '[printers.a]\nae_title = "FILM1"\nconfig = "printer.toml"\n'
    with pytest.raises(SiteErrors, match=r"printers\.a\.config: .*printer\.toml: not a regular file"):
        read_site(text, tmp_path / "site.toml")
