"""``print-mgmt status``: the printer, its configuration, and its jobs."""

import asyncio
import json
import struct

import pytest
from printers import Odd, gray, printer
from raw import until

import print_mgmt.cli
from dimse.data import Dataset, Element, tag_of
from dimse.message import NGetRQ, Request
from dimse.uids import (
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    PrinterConfigurationRetrieval,
)
from print_mgmt import Film, JobFailed, PrintClient, PrintServer, preset
from print_mgmt.model import Printer
from print_mgmt.service import Answer


async def status(host: str, port: int, *options: str) -> int:
    return await asyncio.to_thread(print_mgmt.cli.main, ["status", f"A@{host}:{port}", *options])


async def test_status_shows_printer_and_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    async with printer(config=preset("agfa-ds3000")) as (server, _):
        assert await status(server.host, server.port) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "PrinterStatus: NORMAL" in shown
    start = shown.index("Basic Grayscale Print Management Meta SOP Class:")
    assert shown[start + 1 : start + 4] == [
        "  media: BLUE FILM, CLEAR FILM, PAPER in 14INX17IN, 14INX14IN, 11INX14IN, 8INX10IN",
        r"  formats: STANDARD\1,1, STANDARD\2,1, STANDARD\1,2, STANDARD\2,2 and 16 more",
        "  bits: 12 in memory, 12 printed",
    ]


async def test_incomplete_configuration_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    media = [Dataset(FilmSizeID="8INX10IN"), Dataset(MediumType="PAPER", FilmSizeID="8INX10IN")]
    configuration = Dataset(PrinterConfigurationSequence=[Dataset(MediaInstalledSequence=media)])

    def change(message: Request) -> Answer | None:
        is_configuration = isinstance(message, NGetRQ) and message.RequestedSOPClassUID == PrinterConfigurationRetrieval
        return Answer(dataset=configuration) if is_configuration else None

    odd = Odd(change, contexts=(BasicGrayscalePrintManagementMeta, PrinterConfigurationRetrieval))
    async with odd.serving() as server:
        assert await status(server.host, server.port) == 0
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "no SOP Class:",
        "  media: PAPER in 8INX10IN",
        "  formats: not listed",
        "  bits: unknown in memory, unknown printed",
    ]


async def test_json_has_printer_and_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    async with printer(config=preset("agfa-ds3000")) as (server, _):
        assert await status(server.host, server.port, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["PrinterName"] == "AGFA_DI3000"
    gray_item, _ = answer["PrinterConfigurationSequence"]
    assert gray_item["MediaInstalledSequence"][0]["FilmSizeID"] == "14INX17IN"


@pytest.mark.parametrize("fails", [False, True])
async def test_status_shows_jobs(fails: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Jobs of disconnected clients are shown, too. Answering the last event deletes a job (PS3.4 H.4.5.2.1.2)."""
    go_on = asyncio.Event()

    async def on_film(_: Film) -> None:
        await go_on.wait()
        if fails:
            raise JobFailed("FILM JAM")

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            (job,) = (await client.print_images([gray(1)])).jobs
        uid = job.SOPInstanceUID
        ended = await status(server.host, server.port, "--job", uid)
        go_on.set()
        assert ended == 0
        shown = capsys.readouterr().out.splitlines()
        assert "  ExecutionStatus: PRINTING" in shown[shown.index(f"job {uid}") :]
        await until(lambda: server.printed + server.failed)
        assert await status(server.host, server.port, "--job", uid, "--json") == (1 if fails else 0)
    told = json.loads(capsys.readouterr().out)["jobs"][uid]
    expected = ("FAILURE", "FILM JAM") if fails else ("DONE", "NORMAL")
    assert (told["ExecutionStatus"], told["ExecutionStatusInfo"]) == expected


async def test_unknown_job_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    async with printer() as (server, _):
        assert await status(server.host, server.port, "--job", "1.2.3") == 1
    assert capsys.readouterr().err.startswith("print-mgmt: N-GET of the print job: status 0112H")
    async with Odd().serving() as odd:
        assert await status(odd.host, odd.port, "--job", "1.2.3") == 1
    assert "Print Job SOP Class" in capsys.readouterr().err


async def test_incomplete_answers_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A printer of color only; status 0105 with some attributes; text with control characters."""
    hostile = struct.pack("<HHI", 0x2110, 0x0030, 4) + b"\x1b[2J"
    odd = Odd(
        lambda message: Answer(Status=0x0105) if isinstance(message, NGetRQ) else None,
        raw=lambda message: hostile if isinstance(message, NGetRQ) else None,
        contexts=(BasicColorPrintManagementMeta,),
    )
    async with odd.serving() as server:
        assert await status(server.host, server.port, "--implicit-only") == 0
    shown = capsys.readouterr()
    assert shown.out == "PrinterName: \\x1b[2J\n"
    assert "warning: N-GET of the printer: status 0105H" in shown.err


def with_private_attributes() -> Odd:
    """Return a printer whose answers have private attributes: a creator, a text and bytes."""
    created = struct.pack("<HH2sH", 0x0009, 0x0010, b"LO", 4) + b"ACME"
    words = struct.pack("<HH2sH", 0x0009, 0x1001, b"LO", 4) + b"WARM"
    octets = struct.pack("<HH2sHI", 0x0009, 0x1002, b"OB", 0, 6) + bytes(6)
    return Odd(raw=lambda message: created + words + octets if isinstance(message, NGetRQ) else None)


async def test_private_attributes_are_shown_by_tag(capsys: pytest.CaptureFixture[str]) -> None:
    async with with_private_attributes().serving() as server:
        assert await status(server.host, server.port) == 0
    assert capsys.readouterr().out.splitlines() == [
        "(0009,0010): ACME",
        "(0009,1001): WARM",
        "(0009,1002): 6 bytes",
    ]


async def test_json_has_private_attributes_by_tag(capsys: pytest.CaptureFixture[str]) -> None:
    async with with_private_attributes().serving() as server:
        assert await status(server.host, server.port, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"(0009,0010)": "ACME", "(0009,1001)": "WARM", "(0009,1002)": "6 bytes"}


async def test_printer_in_failure_is_exit_status_1() -> None:
    async with printer(printer=Printer(PrinterName="P")) as (server, _):
        server.printer_state.set("FAILURE", "FILM JAM")
        assert await status(server.host, server.port) == 1
        server.printer_state.set("WARNING", "SUPPLY LOW")
        assert await status(server.host, server.port) == 0


async def test_status_in_small_letters_is_understood() -> None:
    failed = Dataset()
    failed.add(Element(tag_of("PrinterStatus"), "CS", b"Failure "))
    failed.add(Element(tag_of("PrinterStatusInfo"), "CS", b"Film Jam"))
    answer = Answer(dataset=failed)
    async with Odd(lambda message: answer if isinstance(message, NGetRQ) else None).serving() as server:
        assert await status(server.host, server.port) == 1


@pytest.mark.parametrize(
    ("printer_status", "options", "ended"),
    [
        ("NORMAL", (), 0),
        ("NORMAL", ("--strict",), 0),
        ("WARNING", (), 0),
        ("WARNING", ("--strict",), 1),
        ("FAILURE", (), 1),
        ("FAILURE", ("--strict", "--json"), 1),
    ],
)
async def test_exit_status_follows_the_printer_status(
    printer_status: str, options: tuple[str, ...], ended: int
) -> None:
    async with printer() as (server, _):
        server.printer_state.set(printer_status, "NORMAL" if printer_status == "NORMAL" else "SUPPLY LOW")
        assert await status(server.host, server.port, *options) == ended
