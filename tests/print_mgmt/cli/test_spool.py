"""``print-mgmt spool``: each command, its errors, and its use while a server runs."""

import asyncio
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from served import site_serving
from spools import FOLDER, PRINTER, EmbeddedPlace, Place, job

import print_mgmt.cli
from print_mgmt import PrintClient
from print_mgmt.spool import Action, Done, EmbeddedSpool, FilmRecord, FilmState, SpoolError, open_spool
from print_mgmt.spool.film_folder import FilmFolder

Run = Callable[..., tuple[int, str, str]]
SITE = """
[spool]
at = "{spool}"
[printers.one]
ae_title = "LASER"
[printers.two]
ae_title = "FILM2"
[destinations.folder]
type = "folder"
path = "films"
[destinations.other]
type = "folder"
path = "others"
[[routes]]
called = ["FILM2"]
to = ["other"]
[[routes]]
to = ["folder"]
"""


@pytest.fixture
def run(address: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the spool of the test; return exit status, output and errors."""

    def run(command: str, *arguments: str) -> tuple[int, str, str]:
        where = () if "--config" in arguments else ("--spool", address)
        status = print_mgmt.cli.main(["spool", command, *where, *arguments])
        return status, *capsys.readouterr()

    return run


def stored(address: str, label: str = "thorax", **fields: str) -> str:
    """Store a film for a printer and a folder, and return its id."""

    async def store() -> str:
        made = job()
        made.FilmSessionLabel = label
        for name, value in fields.items():
            setattr(made, name, value)
        async with open_spool(address) as spool:
            return (await spool.accept(made, [PRINTER, FOLDER]))[0]

    return asyncio.run(store())


def done(address: str) -> None:
    """Deliver all films."""

    async def deliver() -> None:
        async with open_spool(address) as spool:
            for name in ("printer", "folder"):
                while (lease := await spool.lease(name, 60)) is not None:
                    await spool.report(lease, Done())

    asyncio.run(deliver())


def film(address: str, film_id: str) -> FilmRecord:
    async def show() -> FilmRecord:
        async with open_spool(address) as spool:
            return await spool.show(film_id)

    return asyncio.run(show())


def test_list_is_a_table(address: str, run: Run) -> None:
    film_id = stored(address)
    status, output, _ = run("list")
    head, row = output.splitlines()
    assert (status, head.split()[:3]) == (0, ["FILM", "STATE", "PRIORITY"])
    assert row.startswith(f"{film_id}  queued  MED")
    assert row.endswith("printer, folder")


def test_list_selects_states_and_printers(address: str, run: Run) -> None:
    first, second = stored(address), stored(address, PrinterName="OTHER")
    run("hold", first)
    listed = [
        [json.loads(line)["id"] for line in run("list", "--json", *options)[1].splitlines()]
        for options in (("--state", "held"), ("--printer", "OTHER"), ("--limit", "1"))
    ]
    assert listed == [[first], [second], [first]]


def test_list_of_an_empty_spool_says_no_films(address: str, run: Run) -> None:
    done(address)
    assert run("list") == (0, "no films\n", "")


HOSTILE = "\x1b[2J\u202eab\r\n\x07"


@pytest.mark.parametrize("command", ["list", "show"])
def test_hostile_label_cannot_reach_the_terminal(command: str, address: str, run: Run) -> None:
    film_id = stored(address, HOSTILE, Originator="\x1b]0;x\x07")
    _, output, _ = run(command, *([film_id] if command == "show" else []))
    assert all(line.isprintable() for line in output.splitlines())
    assert r"\x1b[2J" in output


def test_show_has_each_delivery(address: str, run: Run) -> None:
    film_id = stored(address)
    _, output, _ = run("show", film_id)
    assert "  to printer: queued, 0 attempts\n  to folder: queued, 0 attempts\n" in output
    shown = json.loads(run("show", "--json", film_id)[1])
    assert [one["destination"] for one in shown["deliveries"]] == ["printer", "folder"]


def test_films_go_through_their_states(address: str, run: Run) -> None:
    film_id = stored(address)
    said = [run(command, film_id)[1] for command in ("hold", "release", "cancel", "reprint")]
    assert said == [f"{film_id}: {state}\n" for state in ("held", "queued", "canceled", "queued")]


def test_hold_keeps_its_reason(address: str, run: Run) -> None:
    film_id = stored(address)
    run("hold", film_id, "--reason", "wrong patient")
    assert {one.reason for one in film(address, film_id).deliveries} == {"wrong patient"}


def test_all_option_changes_every_film(address: str, run: Run) -> None:
    films = [stored(address) for _ in range(3)]
    status, output, _ = run("hold", "--all")
    assert (status, len(output.splitlines())) == (0, 3)
    assert {film(address, one).state for one in films} == {FilmState.HELD}


def test_all_reports_a_spool_that_fails(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class FailingSpool(EmbeddedSpool):
        has_failed = False

        async def list(self, **chosen: Any) -> tuple[FilmRecord, ...]:
            if self.has_failed:
                raise SpoolError("the spool database has failed")
            return await super().list(**chosen)

        async def change(self, film_id: str, action: Action) -> NoReturn:
            self.has_failed = True
            raise SpoolError(f"film {film_id}: {action}: the spool database has failed")

    stored(str(tmp_path / "failing"))
    monkeypatch.setattr("print_mgmt.cli.spool.open_spool", FailingSpool)
    status, _, error = run("hold", "--all", "--spool", str(tmp_path / "failing"))
    assert (status, error) == (1, "print-mgmt: the spool database has failed\n")


def test_priority_command_changes_the_priority(address: str, run: Run) -> None:
    film_id = stored(address)
    run("priority", "HIGH", film_id)
    assert film(address, film_id).PrintPriority == "HIGH"


def test_move_follows_the_routes_of_another_printer(tmp_path: Path, address: str, run: Run) -> None:
    file = tmp_path / "site.toml"
    file.write_text(SITE.replace("{spool}", address))
    film_id = stored(address)
    assert run("move", film_id, "--printer", "two", "--config", str(file))[0] == 0
    moved = film(address, film_id)
    assert (moved.printer, [one.destination for one in moved.deliveries]) == ("FILM2", ["other"])
    assert moved.deliveries[0].repeatable


def test_move_chooses_the_given_destination(address: str, run: Run) -> None:
    film_id = stored(address)
    assert run("move", film_id, "--to", "folder")[0] == 0
    assert [one.destination for one in film(address, film_id).deliveries] == ["folder"]


def test_purge_removes_ended_films(address: str, run: Run) -> None:
    stored(address)
    done(address)
    stored(address)
    assert run("purge", "--days", "0") == (0, "1 film removed\n", "")
    assert len(run("list", "--json")[1].splitlines()) == 1


def test_verify_finds_a_damaged_film(place: Place, address: str, run: Run) -> None:
    film_id = stored(address)
    assert run("verify")[:2] == (0, "1 film intact, none is damaged\n")
    place.damage(film_id)
    status, output, _ = run("verify", "--json")
    assert (status, json.loads(output)) == (1, {"intact": 0, "damaged": [film_id]})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "0123456789abcdef.1"], "there is no film '0123456789abcdef.1'"),
        (["release", "{film}"], "film {film} is queued: there is nothing to release"),
        (["reprint", "{film}"], "film {film} is queued: only a film that has ended can be printed again"),
        (["move", "{film}", "--to", "moon"], "film {film} has no delivery to 'moon'"),
    ],
)
def test_failure_is_one_line(arguments: list[str], words: str, address: str, run: Run) -> None:
    film_id = stored(address)
    status, _, errors = run(*(word.replace("{film}", film_id) for word in arguments))
    assert (status, errors.count("\n")) == (1, 1)
    assert errors.startswith(f"print-mgmt: {words.replace('{film}', film_id)}")


@pytest.mark.parametrize(("column", "value"), [("accepted", "1e300"), ("ended", "{infinity}")])
def test_film_with_an_absurd_time_is_kept(column: str, value: str, place: Place, run: Run) -> None:
    film_id = stored(place.address)
    done(place.address)
    infinity = "9e999" if place.name == "embedded" else "'Infinity'"
    place.sql(f"UPDATE film SET {column} = {value.replace('{infinity}', infinity)}")
    assert run("purge", "--days", "0") == (0, "0 films removed\n", "")
    assert f"{film_id}  damaged: film '{film_id}': {column} is " in run("list")[1]


@pytest.mark.parametrize(
    "arguments", [["show", "\udcff"], ["show", "a\0"], ["hold", "\udcff"], ["priority", "HIGH", "\udcff"]]
)
def test_impossible_id_is_one_line(arguments: list[str], run: Run, address: str) -> None:
    stored(address)
    status, _, errors = run(*arguments)
    assert (status, errors.count("\n")) == (1, 1)
    assert errors.startswith("print-mgmt: there is no film ")


def test_printer_name_that_is_not_unicode_selects_its_films(run: Run, address: str) -> None:
    film_id = stored(address, PrinterName="A\udcff")
    assert json.loads(run("list", "--json", "--printer", "A\udcff")[1])["id"] == film_id


def test_reason_that_is_not_unicode_is_escaped(run: Run, address: str) -> None:
    film_id = stored(address)
    assert run("hold", film_id, "--reason", "by \udcff")[0] == 0
    assert film(address, film_id).deliveries[0].reason == r"by \xff"


def test_other_films_are_changed_after_a_failure(address: str, run: Run) -> None:
    film_id = stored(address)
    status, output, errors = run("hold", "0123456789abcdef.1", film_id)
    assert (status, output, errors.count("\n")) == (1, f"{film_id}: held\n", 1)


def test_missing_spool_is_not_created(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "spool"
    assert print_mgmt.cli.main(["spool", "list", "--spool", str(folder)]) == 1
    assert capsys.readouterr().err == f"print-mgmt: there is no spool in {folder}\n"
    assert not folder.exists()


def test_unreachable_database_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"postgresql://nobody@/films?host={tmp_path}"
    assert print_mgmt.cli.main(["spool", "list", "--spool", address]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("option", ["--days=-5", "--days=nan", "--days=x", "--films=-1", f"--size={'9' * 20}"])
def test_purge_refuses_a_wrong_limit(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        print_mgmt.cli.main(["spool", "purge", option])
    assert ended.value.code == 2
    assert f"argument {option.partition('=')[0]}: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["hold"], ["hold", "--all", "x.1"], ["purge"], ["move", "x.1"], ["move", "x.1", "--printer", "two"], ["eat"]],
)
def test_wrong_usage_is_exit_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        print_mgmt.cli.main(["spool", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_commands_work_while_the_server_runs(tmp_path: Path, address: str, run: Run) -> None:
    file = tmp_path / "site.toml"
    file.write_text(SITE.replace("{spool}", address).replace('to = ["folder"]', 'to = ["folder"]\nhold = true'))
    with site_serving(file) as (listening, process):
        host, _, port = listening.rpartition(":")

        async def print_one() -> None:
            async with PrintClient(host, int(port), called_ae_title="LASER") as client:
                await client.print_images([np.zeros((2, 2), np.uint8)])

        asyncio.run(print_one())
        (line,) = run("list", "--json", "--config", str(file))[1].splitlines()
        assert json.loads(line)["state"] == "held"
        assert run("release", json.loads(line)["id"], "--config", str(file))[0] == 0
        process.terminate()
        process.communicate(timeout=60)
    assert len(list((tmp_path / "films").glob("*.png"))) == 1


# --- damaged rows ---


def test_list_shows_a_damaged_film(run: Run, place: Place, address: str) -> None:
    film, other = stored(address), stored(address)
    place.sql(f"UPDATE film SET state = 'lost' WHERE id = '{film}'")
    status, out, _ = run("list")
    assert status == 0
    assert f"{film}  damaged: film '{film}': state is 'lost', not one of" in out
    assert f"{other}  queued" in out
    assert out.endswith("Damaged films are not delivered. Repair them: print-mgmt spool repair\n")


def test_list_shows_a_damaged_film_as_json(run: Run, place: Place, address: str) -> None:
    film = stored(address)
    place.sql("UPDATE film SET state = 'lost'")
    (line,) = run("list", "--json")[1].splitlines()
    assert (json.loads(line)["id"], json.loads(line)["state"]) == (film, "damaged")


def test_repair_prints_the_state_of_each_film(run: Run, place: Place, address: str) -> None:
    film = stored(address)
    place.sql("UPDATE film SET state = 'lost'")
    advice = "printer may have printed it: check, then use print-mgmt spool confirm or retry"
    assert run("repair") == (0, f"{film}  restored: queued; {advice}\n1 film restored, 0 removed\n", "")
    assert run("repair") == (0, "no film is damaged\n", "")
    assert json.loads(run("repair", "--json")[1]) == {"restored": [], "removed": []}
    assert f"{film}  queued" in run("list")[1]


def test_repair_names_the_films_of_a_damaged_job(run: Run, place: Place, address: str) -> None:
    film = stored(address)
    place.sql("UPDATE job SET copies = -1")
    assert run("repair") == (0, f"{film}  restored: queued\n1 film restored, 0 removed\n", "")


def test_repair_names_a_film_that_it_cannot_read(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "films")
    film = stored(address)
    EmbeddedPlace(tmp_path / "films").sql("UPDATE film SET state = 'lost'")

    def refused(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(FilmFolder, "read", refused)
    status, out, err = run("repair", "--spool", address)
    assert (status, out) == (1, "")
    assert f"print-mgmt: film {film} is still damaged: the index is damaged: film '{film}': state" in err


def test_repair_says_which_film_is_lost(run: Run, place: Place, address: str) -> None:
    film = stored(address)
    place.sql("UPDATE film SET state = 'lost'")
    place.damage(film)
    removed = f"{film}  removed: its bytes are lost or damaged, too; see the quarantine"
    assert run("repair") == (1, f"{removed}\n0 films restored, 1 removed\n", "")
