"""A site: several printers on one port, one spool, and destinations that do not wait for each other."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sites import IMAGE, Shelf, delivered, printed, site_config, site_printer, until

from dimse.errors import AssociationRejected, ContextNotAccepted
from dimse.net import Record, connect, scu
from dimse.uids import ExplicitVRLittleEndian, PrintJob
from dimse.ul import AssociateRQ
from print_mgmt import Film, PrintClient, PrinterConfig, PrintFailed, PrintServer
from print_mgmt.config import Medium
from print_mgmt.destinations import (
    Condition,
    DeliveryFailed,
    Outcome,
    PacsDestination,
    PrinterDestination,
    RetryPolicy,
)
from print_mgmt.destinations.destination import Traceable
from print_mgmt.site import Identification, Keep, ListenConfig, Route, Site, SiteDestination, SpoolConfig
from print_mgmt.site.identify import SentSource, WorklistSource
from print_mgmt.site.routes import Change
from print_mgmt.spool import EmbeddedSpool, FilmRecord, FilmState, Release, Retry, SpoolLimits
from print_mgmt.typed import text

SMALL = (
    Medium(MediumType="BLUE FILM", FilmSizeID=("8INX10IN",)),
    Medium(MediumType="BLUE FILM", FilmSizeID=("14INX17IN",), installed=False),
)
SOON = RetryPolicy(attempts=3, first=0.001, longest=0.001, then="hold")


def all_are(state: FilmState, count: int = 1) -> Callable[[tuple[FilmRecord, ...]], bool]:
    return lambda films: [film.state for film in films] == [state] * count


def refuse(outcome: Outcome, info: str = "CHECK PRINTER") -> Callable[[Film], None]:
    def fail(_: Film) -> None:
        raise DeliveryFailed(outcome, "refused", info=info)

    return fail


async def status_of_a_session(site: Site, *, images: int, copies: int) -> int:
    """Print a film session with one N-ACTION, and return its status."""
    async with PrintClient(site.host, site.port, called_ae_title="FILM1") as client:
        await client.print_images(
            [IMAGE] * images, collate=True, ImageDisplayFormat=r"STANDARD\1,1", NumberOfCopies=copies
        )
    return next(status for name, status in client.answers if name.startswith("N-ACTION"))


# --- printers ---


@pytest.mark.parametrize(
    ("repeatable", "images", "copies", "status"),
    [(False, 2, 2, 0xB601), (False, 2, 1, 0x0000), (False, 1, 2, 0x0000), (True, 2, 2, 0x0000)],
    ids=["printer", "one copy", "one film", "folder"],
)
async def test_session_that_is_not_collated_is_b601(
    tmp_path: Path, images: int, copies: int, status: int, *, repeatable: bool
) -> None:
    """A destination that prints makes all copies of a film at once: 1 1 2 2, not 1 2 1 2."""
    config = site_config(tmp_path, shelves={"shelf": Shelf(repeatable=repeatable)})
    async with Site(config) as site:
        assert await status_of_a_session(site, images=images, copies=copies) == status


async def test_session_for_a_folder_and_a_printer_is_b601(tmp_path: Path) -> None:
    shelves = {"folder": Shelf(repeatable=True), "printer": Shelf()}
    async with Site(site_config(tmp_path, shelves=shelves)) as site:
        assert await status_of_a_session(site, images=2, copies=2) == 0xB601


async def test_called_title_selects_the_printer(tmp_path: Path) -> None:
    shelf = Shelf()
    config = site_config(tmp_path, site_printer("FILM1"), site_printer("FILM2"), shelves={"shelf": shelf})
    async with Site(config) as site:
        await printed(site, "FILM2")
        (film,) = await delivered(site, all_are(FilmState.DONE))
        assert film.printer == "FILM2"
        async with PrintClient(site.host, site.port, called_ae_title="FILM1") as client:
            assert text(await client.printer(), "PrinterName") == "FILM1"


async def test_unknown_title_is_rejected(tmp_path: Path) -> None:
    async with Site(site_config(tmp_path, site_printer("FILM1"))) as site:
        with pytest.raises(AssociationRejected) as caught:
            await printed(site, "OTHER")
    assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 1, 7)


async def test_default_printer_gets_unknown_titles(tmp_path: Path) -> None:
    printers = site_printer("FILM1"), site_printer("FILM2", default=True)
    async with Site(site_config(tmp_path, *printers, shelves={"shelf": Shelf()})) as site:
        await printed(site, "OTHER")
        (film,) = await delivered(site, all_are(FilmState.DONE))
    assert film.printer == "FILM2"


async def test_each_printer_has_its_own_contexts(tmp_path: Path) -> None:
    gray = PrinterConfig(sop_classes=("BasicGrayscalePrintManagementMeta",))
    printers = site_printer("GRAY", config=gray), site_printer("COLOR")
    async with Site(site_config(tmp_path, *printers, shelves={"shelf": Shelf()})) as site:
        async with PrintClient(site.host, site.port, called_ae_title="COLOR", color=True) as client:
            await client.print_images([np.zeros((2, 2, 3), np.uint8)])
        with pytest.raises(ContextNotAccepted):
            async with PrintClient(site.host, site.port, called_ae_title="GRAY", color=True) as client:
                await client.print_images([np.zeros((2, 2, 3), np.uint8)])


async def test_each_printer_has_its_own_state(tmp_path: Path) -> None:
    async with Site(site_config(tmp_path, site_printer("FILM1"), site_printer("FILM2"))) as site:
        site.states["FILM2"].set("WARNING", "SUPPLY LOW")
        found = []
        for title in ("FILM1", "FILM2"):
            async with PrintClient(site.host, site.port, called_ae_title=title) as client:
                found.append(text(await client.printer(), "PrinterStatusInfo"))
    assert found == ["NORMAL", "SUPPLY LOW"]


async def job_status(site: Site, called: str, uid: str) -> int:
    """Return the status of N-GET Print Job."""
    contexts = {PrintJob: (ExplicitVRLittleEndian,)}
    async with connect(site.host, site.port, contexts, called_ae_title=called) as association:
        return (await scu.n_get(association, association.context_for(PrintJob), PrintJob, uid)).Status


async def test_job_of_another_printer_is_unknown(tmp_path: Path) -> None:
    async with Site(site_config(tmp_path, site_printer("FILM1"), site_printer("FILM2"))) as site:
        await printed(site, "FILM1")
        (film,) = await site.spool.list()
        assert await job_status(site, "FILM1", film.job) == 0
        assert await job_status(site, "FILM2", film.job) == 0x0112


async def test_full_queue_refuses_films(tmp_path: Path) -> None:
    printer = site_printer("FILM1", queue_length=1)
    gate = asyncio.Event()
    async with Site(site_config(tmp_path, printer, shelves={"shelf": Shelf(gate=gate)})) as site:
        await printed(site)
        with pytest.raises(PrintFailed, match=r"C60[12]H"):
            await printed(site)
        gate.set()


# --- routes ---


async def test_routes_choose_destinations(tmp_path: Path) -> None:
    shelves = {"a": Shelf(), "b": Shelf()}
    routes = Route(calling=("MR*",), to=("a",)), Route(to=("b",))
    async with Site(site_config(tmp_path, shelves=shelves, routes=routes)) as site:
        await printed(site, calling="MR01")
        await printed(site, calling="CT01")
        await delivered(site, all_are(FilmState.DONE, 2))
    assert [[film.calling_ae_title for film in shelf.films] for shelf in shelves.values()] == [["MR01"], ["CT01"]]


async def test_held_film_waits_for_its_release(tmp_path: Path) -> None:
    shelf = Shelf()
    routes = (Route(name="training", to=("shelf",), hold=True),)
    async with Site(site_config(tmp_path, shelves={"shelf": shelf}, routes=routes)) as site:
        await printed(site)
        (film,) = await delivered(site, all_are(FilmState.HELD))
        assert film.deliveries[0].reason == "route training holds it"
        await site.spool.change(film.id, Release())
        await delivered(site, all_are(FilmState.DONE))


async def test_route_changes_size_and_priority(tmp_path: Path) -> None:
    shelf = Shelf()
    routes = (Route(to=("shelf",), change=Change(FilmSizeID="A4", PrintPriority="HIGH")),)
    async with Site(site_config(tmp_path, shelves={"shelf": shelf}, routes=routes)) as site:
        await printed(site, FilmSizeID="14INX17IN")
        await delivered(site, all_are(FilmState.DONE))
    (film,) = shelf.films
    assert (film.sheet.FilmSizeID, text(film.film_box, "FilmSizeID"), film.job.PrintPriority) == ("A4", "A4", "HIGH")


async def test_films_of_one_job_have_their_own_routes(tmp_path: Path) -> None:
    shelves = {"small": Shelf(), "large": Shelf()}
    routes = Route(FilmSizeID=("8INX10IN",), to=("small",), change=Change(PrintPriority="LOW")), Route(to=("large",))
    async with Site(site_config(tmp_path, shelves=shelves, routes=routes)) as site:
        async with PrintClient(site.host, site.port) as client:
            async with client.film_session() as session, AsyncExitStack() as stack:
                for size in ("8INX10IN", "14INX17IN"):
                    film_box = session.film_box(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID=size)
                    await (await stack.enter_async_context(film_box)).set_image(1, IMAGE)
                await session.print()
        films = await delivered(site, all_are(FilmState.DONE, 2))
    assert len({film.job for film in films}) == 1
    assert [film.PrintPriority for film in films] == ["LOW", "MED"]
    assert [[film.sheet.FilmSizeID for film in shelf.films] for shelf in shelves.values()] == [
        ["8INX10IN"],
        ["14INX17IN"],
    ]


async def test_film_without_a_route_is_routed_by_new_rules(tmp_path: Path) -> None:
    shelf = Shelf()
    config = site_config(tmp_path, shelves={"shelf": shelf}, routes=())
    async with Site(config) as site:
        await printed(site)
        await delivered(site, all_are(FilmState.RECEIVED))
        await site.reload(replace(config, routes=(Route(to=("shelf",)),)))
        await delivered(site, all_are(FilmState.DONE))


async def test_film_without_its_destination_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = site_config(tmp_path, shelves={"shelf": Shelf()})
    async with Site(config, delivers=False) as site:
        await printed(site)
    async with Site(replace(config, destinations={}, routes=())):
        pass
    assert "1 film waits for the destination shelf, which this site does not have" in caplog.text


async def test_site_without_pillow_says_what_it_does_not_offer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    async with Site(site_config(tmp_path, shelves={"shelf": Shelf()})):
        pass
    needed = "annotation boxes are not offered: text needs Pillow (pip install 'dimse-print[film]')"
    assert caplog.messages == [needed]


async def test_film_without_its_printer_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = site_config(tmp_path, shelves={"shelf": Shelf()}, routes=())
    async with Site(config) as site:
        await printed(site)
        name = next(iter(site.config.printers.values())).PrinterName
    async with Site(replace(config, printers={})):
        pass
    assert f"1 film waits for the printer {name}, which this site does not have" in caplog.text


# --- identification ---


async def test_identity_reaches_the_destination_after_a_restart(tmp_path: Path) -> None:
    identification = Identification(sources={"sent": SentSource(attributes={"PatientID": "FilmSessionLabel"})})
    shelf = Shelf(gate=asyncio.Event())
    config = site_config(tmp_path, shelves={"shelf": shelf}, identification=identification)
    routes = (Route(to=("shelf",), hold=True),)
    async with Site(replace(config, routes=routes)) as site:
        await printed(site, FilmSessionLabel="4711")
    assert shelf.gate is not None
    shelf.gate.set()
    async with Site(replace(config, identification=Identification())) as site:
        (film,) = await site.spool.list()
        await site.spool.change(film.id, Release())
        await delivered(site, all_are(FilmState.DONE))
    assert [text(identified, "PatientID") for identified in shelf.identified] == ["4711"]


async def test_unidentified_film_is_held_if_configured(tmp_path: Path) -> None:
    identification = Identification(sources={"sent": SentSource()}, unidentified="hold")
    async with Site(site_config(tmp_path, shelves={"shelf": Shelf()}, identification=identification)) as site:
        await printed(site)
        (film,) = await delivered(site, all_are(FilmState.HELD))
    assert film.deliveries[0].reason == "not identified: PatientID is not known"


# --- destinations ---


async def test_destinations_do_not_wait_for_each_other(tmp_path: Path) -> None:
    shelves = {"slow": Shelf(gate=asyncio.Event()), "fast": Shelf()}
    async with Site(site_config(tmp_path, shelves=shelves)) as site:
        await printed(site, images=3)
        await delivered(site, lambda _: len(shelves["fast"].films) == 3)
        assert not shelves["slow"].films
        assert shelves["slow"].gate is not None
        shelves["slow"].gate.set()
        await delivered(site, all_are(FilmState.DONE, 3))


async def test_bad_film_does_not_block_others(tmp_path: Path) -> None:
    def fail(film: Film) -> None:
        if film.job.FilmSessionLabel == "bad":
            raise DeliveryFailed(Outcome.LATER, "not now")

    shelf = Shelf(fail)
    async with Site(site_config(tmp_path, shelves={"shelf": shelf})) as site:
        await printed(site, FilmSessionLabel="bad")
        await printed(site)
        await delivered(site, lambda films: [film.state for film in films] == [FilmState.QUEUED, FilmState.DONE])


@pytest.mark.parametrize(
    ("outcome", "then", "state"),
    [
        (Outcome.LATER, "hold", FilmState.HELD),
        (Outcome.NEVER, "hold", FilmState.HELD),
        (Outcome.NEVER, "fail", FilmState.FAILED),
        (Outcome.INDETERMINATE, "hold", FilmState.INDETERMINATE),
    ],
)
async def test_failure_ends_as_the_policy_says(outcome: Outcome, then: str, state: FilmState, tmp_path: Path) -> None:
    retry = replace(SOON, then="hold" if then == "hold" else "fail")
    shelf = Shelf(refuse(outcome))
    config = site_config(tmp_path, shelves={"shelf": shelf})
    config = replace(config, destinations={"shelf": SiteDestination(destination=shelf, retry=retry)})
    async with Site(config) as site:
        await printed(site)
        (film,) = await delivered(site, all_are(state))
    assert film.deliveries[0].reason == "refused"
    assert film.deliveries[0].attempts == (3 if outcome is Outcome.LATER else 1)


async def test_trouble_of_a_destination_changes_the_printer_status(tmp_path: Path) -> None:
    shelf = Shelf(refuse(Outcome.LATER, "FILM JAM"))
    config = site_config(tmp_path, site_printer("FILM1"), site_printer("FILM2"), shelves={"shelf": shelf})
    async with Site(replace(config, routes=(Route(called=("FILM1",), to=("shelf",)), Route(hold=True)))) as site:
        await printed(site)
        await until(site.states["FILM1"], "WARNING", "FILM JAM")
        assert site.states["FILM2"].PrinterStatus == "NORMAL"
        shelf.fail = Shelf().fail
        (film,) = await site.spool.list()
        await site.spool.change(film.id, Retry())
        await delivered(site, all_are(FilmState.DONE))
        assert site.states["FILM1"].PrinterStatus == "NORMAL"


async def test_failed_destinations_fail_their_printer(tmp_path: Path) -> None:
    shelf = Shelf(condition=Condition("FAILURE", "PRINTER OFFLINE", "nobody answers"))
    async with Site(site_config(tmp_path, shelves={"shelf": shelf})) as site:
        await until(site.states["FILM1"], "FAILURE")
        await printed(site)  # the spool accepts the film


async def test_nearly_full_disk_is_a_warning(tmp_path: Path) -> None:
    spool = SpoolConfig(at=str(tmp_path), limits=SpoolLimits(low=1 << 60, least=1))
    async with Site(site_config(tmp_path, spool=spool)) as site:
        await until(site.states["FILM1"], "WARNING")


# --- media ---


async def test_only_the_film_without_a_medium_waits(tmp_path: Path) -> None:
    printer = site_printer("FILM1", config=PrinterConfig(media=SMALL))
    shelf = Shelf()
    config = site_config(tmp_path, printer, shelves={"shelf": shelf})
    async with Site(config) as site:
        await printed(site, FilmSizeID="14INX17IN")
        await printed(site, FilmSizeID="8INX10IN")
        await delivered(site, lambda films: [film.state for film in films] == [FilmState.WAITING, FilmState.DONE])
        loaded = replace(printer, config=replace(printer.config, media=(replace(SMALL[1], installed=True), SMALL[0])))
        await site.reload(replace(config, printers={"FILM1": loaded}))
        await delivered(site, all_are(FilmState.DONE, 2))


async def test_missing_medium_prints_on_a_loaded_medium(tmp_path: Path) -> None:
    printer = site_printer("FILM1", config=PrinterConfig(media=SMALL), missing_medium="print")
    shelf = Shelf()
    async with Site(site_config(tmp_path, printer, shelves={"shelf": shelf})) as site:
        await printed(site, FilmSizeID="14INX17IN")
        await delivered(site, all_are(FilmState.DONE))
    assert [film.sheet.FilmSizeID for film in shelf.films] == ["8INX10IN"]


async def test_missing_medium_fails_if_configured(tmp_path: Path) -> None:
    printer = site_printer("FILM1", config=PrinterConfig(media=SMALL), missing_medium="fail")
    async with Site(site_config(tmp_path, printer, shelves={"shelf": Shelf()})) as site:
        await printed(site, FilmSizeID="14INX17IN")
        (film,) = await delivered(site, all_are(FilmState.FAILED))
    assert film.deliveries[0].info == "REQ MED NOT INST"


# --- a changed configuration ---


async def test_reload_keeps_associations(tmp_path: Path) -> None:
    shelves = {"a": Shelf(), "b": Shelf()}
    config = site_config(tmp_path, shelves=shelves, routes=(Route(to=("a",)),))
    async with Site(config) as site, PrintClient(site.host, site.port) as client:
        await client.print_images([IMAGE])
        found = await site.reload(replace(config, routes=(Route(to=("b",)),)))
        assert found.changed == ("routes",)
        await client.print_images([IMAGE])
        await delivered(site, all_are(FilmState.DONE, 2))
    assert [len(shelf.films) for shelf in shelves.values()] == [1, 1]


async def test_reload_adds_and_removes_destinations(tmp_path: Path) -> None:
    old, new = Shelf(), Shelf()
    config = site_config(tmp_path, shelves={"old": old})
    after = site_config(tmp_path, shelves={"new": new})
    async with Site(config) as site:
        found = await site.reload(after)
        assert found.changed == ("destinations.old", "destinations.new", "routes")
        await printed(site)
        await delivered(site, all_are(FilmState.DONE))
    assert (len(old.films), len(new.films)) == (0, 1)


async def test_reload_of_a_closed_site_starts_no_worker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = site_config(tmp_path, shelves={"old": Shelf()})
    async with Site(config) as site:
        pass
    before = asyncio.all_tasks()
    await site.reload(site_config(tmp_path, shelves={"new": Shelf()}))
    assert (asyncio.all_tasks(), caplog.messages) == (before, [])
    async with site:
        assert list(site.config.destinations) == ["new"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
async def test_reload_does_not_wait_for_the_writer_of_a_pipe(tmp_path: Path) -> None:
    """A thread that waits for it cannot be stopped, and then the server could not be stopped either."""
    path = tmp_path / "site.toml"
    path.write_text("[listen]\nport = 0\n[spool]\nat = 'spool'\n")
    site = Site.load(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        await site.reload()


async def test_last_reload_decides(tmp_path: Path) -> None:
    """The first one takes longer, since it reads the file."""
    file, longer = tmp_path / "site.toml", Route(name="last", hold=True)
    file.write_text('[spool]\nat = "spool"\n[listen]\nport = 0\n[printers.one]\nae_title = "FILM1"\n')
    async with Site.load(file) as site:
        first = asyncio.create_task(site.reload())
        await asyncio.sleep(0)
        await site.reload(replace(site.config, routes=(longer,)))
        await first
        assert site.config.routes == (longer,)


async def test_reload_without_pillow_needs_no_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The printers then have no annotation boxes, whatever the file says."""
    monkeypatch.setattr("print_mgmt.config.printer.can_draw_text", lambda: False)
    config = site_config(tmp_path)
    assert (await Site(config).reload(config))[1:] == ((), ())


async def test_reload_names_changes_that_need_a_restart(tmp_path: Path) -> None:
    config = site_config(tmp_path, site_printer("FILM1"))
    after = site_config(tmp_path / "other", site_printer("FILM1"), site_printer("FILM2"))
    async with Site(config) as site:
        found = await site.reload(after)
        assert (found.changed, found.needs_restart) == ((), ("printers.FILM2", "spool"))


# --- the end ---


async def test_old_films_are_removed_at_the_start(tmp_path: Path) -> None:
    config = site_config(tmp_path, shelves={"shelf": Shelf()})
    async with Site(config) as site:
        await printed(site)
        await delivered(site, all_are(FilmState.DONE))
    spool = SpoolConfig(at=str(tmp_path), keep=Keep(days=0))
    async with Site(replace(config, spool=spool)) as site:
        await delivered(site, lambda films: not films)


async def test_closing_delivers_queued_films(tmp_path: Path) -> None:
    shelf = Shelf()
    async with Site(site_config(tmp_path, shelves={"shelf": shelf})) as site:
        await printed(site, images=5)
    assert len(shelf.films) == 5


async def test_site_delivers_again_after_it_was_closed(tmp_path: Path) -> None:
    shelf = Shelf()
    site = Site(site_config(tmp_path, shelves={"shelf": shelf}))
    for _ in range(2):
        async with site:
            await printed(site)
            await delivered(site, lambda films: all(film.state is FilmState.DONE for film in films))
    assert len(shelf.films) == 2


async def test_site_can_be_opened_after_a_failed_attempt(tmp_path: Path) -> None:
    async with Site(site_config(tmp_path / "first")) as first:
        config = site_config(tmp_path / "second", listen=ListenConfig(port=first.port))
        second = Site(config)
        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()
    async with second:
        assert second.port == first.port


async def test_undelivered_film_survives_a_restart(tmp_path: Path) -> None:
    shelf = Shelf(refuse(Outcome.LATER))
    config = site_config(tmp_path, shelves={"shelf": shelf})
    async with Site(config) as site:
        await printed(site)
        await delivered(site, lambda films: films[0].deliveries[0].attempts == 1)
    shelf.fail = Shelf().fail
    async with Site(config) as site:
        (film,) = await site.spool.list()
        await site.spool.change(film.id, Retry())
        await delivered(site, all_are(FilmState.DONE))


async def test_site_without_port_only_delivers(tmp_path: Path) -> None:
    """The site shares the spool of another site, which has no workers for that destination."""
    shelf = Shelf()
    front = site_config(tmp_path, routes=(Route(hold=True),))
    async with Site(front) as site, Site(site_config(tmp_path, shelves={"shelf": shelf}), accepts=False) as worker:
        await printed(site)
        assert worker.port == 0
        await worker.reload(worker.config)
        await delivered(site, all_are(FilmState.DONE))
    assert len(shelf.films) == 1


# --- traces ---


async def test_trace_sees_the_associations_of_deliveries(tmp_path: Path) -> None:
    async with PrintServer(lambda _: None, port=0) as printer:
        to = PrinterDestination(printers=(f"OTHER@{printer.host}:{printer.port}",), dpi=20)
        config = replace(site_config(tmp_path), destinations={"other": SiteDestination(destination=to)})
        config = replace(config, routes=(Route(name="all", to=("other",)),))
        seen: list[Record] = []
        async with Site(config, trace=seen.append) as site:
            await printed(site)
            await delivered(site, all_are(FilmState.DONE))
    called = {record.what.called_ae_title for record in seen if isinstance(record.what, AssociateRQ)}
    assert called == {"FILM1", "OTHER"}


@pytest.mark.parametrize(
    "one", [PacsDestination(peer="A@h:1"), PrinterDestination(printers=("A@h:1",)), WorklistSource(peer="A@h:1")]
)
def test_traced_copy_is_equal(one: Traceable) -> None:
    assert one.traced(print) == one


async def test_clean_up_goes_on_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls, again = list[float](), asyncio.Event()

    async def purge(_self: object, *, age: float, **_: object) -> tuple[FilmRecord, ...]:
        calls.append(age)
        if len(calls) == 1:
            raise ValueError("a bug")
        again.set()
        await asyncio.Event().wait()
        return ()

    monkeypatch.setattr(EmbeddedSpool, "purge", purge)
    monkeypatch.setattr("print_mgmt.site.site._PURGE_PERIOD", 0.0)
    async with Site(site_config(tmp_path)):
        await again.wait()
    assert "the spool cannot be cleaned up" in caplog.text


async def test_destination_that_does_not_answer_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of its folder may hang."""

    class Silent(Shelf):
        async def check(self) -> Condition:
            await gate.wait()
            return Condition()

    monkeypatch.setattr("print_mgmt.site.workers._CHECK_PERIOD", 0.01)
    gate = asyncio.Event()
    async with Site(site_config(tmp_path, shelves={"shelf": Silent()})) as site:
        await until(site.states["FILM1"], "WARNING", "CHECK PRINTER")
        gate.set()
        await until(site.states["FILM1"], "NORMAL")
