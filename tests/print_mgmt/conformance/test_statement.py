"""The conformance statement, compared with the printer and the client."""

import asyncio
import errno
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from raw import Raw

from dimse.data import tag_of
from dimse.message import Response
from dimse.net import Limits, Operation, all_of, called_titles, calling_titles
from dimse.uids import (
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicPrintImageOverlayBox,
    ImageOverlayBox,
    ImplicitVRLittleEndian,
    Verification,
)
from dimse.ul import (
    AssociateRJ,
    AssociateRQ,
    MaximumLength,
    PresentationContextRQ,
    UnknownItem,
    UserIdentityRQ,
)
from print_mgmt import Film, PrintClient, PrintFailed, PrintServer
from print_mgmt.cli import main
from print_mgmt.config import PRESETS, Caller, PrinterConfig, preset, tables_of
from print_mgmt.conformance import SERVICES, conformance_statement
from print_mgmt.conformance.association import REFUSALS
from print_mgmt.film import Overlay, PresentationLUT
from print_mgmt.scp.printer import Perform
from print_mgmt.sop import SOP_CLASSES, TITLES
from print_mgmt.status import PRINT_STATUS

DOCUMENT = Path(__file__).parents[3] / "docs" / "conformance.md"


def test_document_is_current() -> None:
    """`print-mgmt conformance -o docs/conformance.md` updates it."""
    assert DOCUMENT.read_text(encoding="utf-8") == conformance_statement(preset("generic"))


@pytest.mark.parametrize("name", PRESETS)
def test_tables_are_complete(name: str) -> None:
    """Each row has as many cells as its head, and no text of a Python object."""
    statement = conformance_statement(preset(name))
    columns = 0
    for line in statement.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        columns = cells if line.startswith("|") and not columns else columns if line.startswith("|") else 0
        assert cells == columns or not line.startswith("|"), line
    assert not re.search(r"\bNone\b(?!\.)|<.*object|\{|\}", statement)


def test_statement_names_classes_statuses_and_attributes() -> None:
    statement = conformance_statement(PrinterConfig())
    for title, uid in zip(TITLES.values(), SOP_CLASSES.values(), strict=True):
        assert f"| {title} | {uid} |" in statement
    assert all(f"| {status:04X} |" in statement for status in PRINT_STATUS)
    tables = tables_of(PrinterConfig())
    for table in (tables.film_session, tables.film_box, tables.gray_image_box, tables.overlay_box):
        assert all(f"| {row.keyword} | {tag_of(row.keyword)} | {row.usage} |" in statement for row in table)


def test_statement_claims_only_supported_features() -> None:
    statement = conformance_statement(preset("minimal"))
    assert "Explicit VR Little Endian" not in statement
    assert "Basic Color Image Box, N-SET" not in statement
    assert f"| Basic Color Print Management Meta | {BasicColorPrintManagementMeta} | Yes | No |" in statement
    assert "| Trim | (2010,0140) | U/U | not supported |" in statement
    assert "| FilmSizeID | (2010,0050) | U/M | 8INX10IN | 8INX10IN |" in statement


def test_statement_says_that_a_printer_is_strict() -> None:
    assert "This printer is strict" in conformance_statement(preset("strict"))


def test_statement_names_the_behavior_toward_a_caller() -> None:
    assert "| AGFA_NX* | N-ACTION names no Print Job; warnings are answered as success |" in conformance_statement(
        preset("agfa-ds3000")
    )


@pytest.mark.parametrize(
    ("codes", "changes"),
    [
        ((1, 1, 2), {"application_context_name": "1.2.3"}),
        ((1, 1, 3), {"calling_ae_title": "STRANGER"}),
        ((1, 1, 7), {"called_ae_title": "SOMEBODY"}),
        ((1, 2, 1), {"user_information": (UserIdentityRQ(2, False, b"user", b"passcode"),)}),
        ((1, 2, 2), {"protocol_version": 2}),
        ((1, 3, 2), {"user_information": (UnknownItem(0x7F, b""),) * 500}),
        ((2, 3, 2), {}),
    ],
    ids=str,
)
async def test_rejections_match_the_statement(codes: tuple[int, int, int], changes: dict[str, Any]) -> None:
    request = AssociateRQ(
        called_ae_title="PRINTSCP",
        calling_ae_title="CT01",
        presentation_contexts=(PresentationContextRQ(1, Verification, (ImplicitVRLittleEndian,)),),
        user_information=(MaximumLength(16384),),
    )
    policy = all_of(called_titles("PRINTSCP"), calling_titles(["CT01"]))
    limits = Limits(associations=0) if not changes else Limits()
    async with PrintServer(nothing, port=0, policy=policy, limits=limits) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        raw = Raw(reader, writer)
        raw.send(replace(request, **changes))
        answer = await raw.receive()
        writer.close()
    assert isinstance(answer, AssociateRJ)
    assert (answer.result, answer.source, answer.reason) == codes
    assert "| {} | {} | {} | ".format(*codes) + REFUSALS[codes] in conformance_statement(PrinterConfig())


async def nothing(_: Film) -> None:
    """Print nothing."""


def test_contents_link_all_numbered_headings() -> None:
    statement = conformance_statement(PrinterConfig())
    headings = re.findall(r"^#{2,5} (\d.*)$", statement, re.MULTILINE)
    listed = re.findall(r"^ *- \[(\d.*)\]\(#", statement, re.MULTILINE)
    assert listed == headings[2:], "all but the overview and the contents"


def test_command_prints_the_statement_of_a_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conformance", "--preset", "aycan"]) == 0
    assert capsys.readouterr().out == conformance_statement(preset("aycan"))


def test_command_writes_the_statement_of_a_file(tmp_path: Path) -> None:
    config, out = tmp_path / "own.toml", tmp_path / "own.md"
    config.write_text('[printer]\nPrinterName = "OWN"\n')
    assert main(["conformance", "--config", str(config), "-o", str(out)]) == 0
    assert out.read_text().startswith("# DICOM Conformance Statement: OWN\n")


def test_command_names_the_wrong_key_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "own.toml"
    config.write_text("dpi = 3")
    assert main(["conformance", "--config", str(config)]) == 1
    assert "own.toml:1: dpi: unknown key" in capsys.readouterr().err


def test_old_statement_stays_if_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "own.md"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full_disk)
    assert (main(["conformance", "-o", str(path)]), path.read_text()) == (1, "old")


def test_statement_says_how_sessions_are_printed() -> None:
    row = "| Printing of film sessions |"
    made = conformance_statement(replace(PrinterConfig(), MaximumCollatedFilms=10))
    assert f"{row} up to 10 films collated, others not (B601) |" in made
    assert f"{row} not collated (B601) |" in conformance_statement(replace(PrinterConfig(), collates=False))
    assert f"{row} no; C616 for a second film |" in conformance_statement(preset("minimal"))


@pytest.mark.parametrize("keyword", ["ImageOverlayBox", "BasicPrintImageOverlayBox"])
def test_statement_has_the_attributes_of_each_kind_of_overlay(keyword: str) -> None:
    config = PrinterConfig(sop_classes=("BasicGrayscalePrintManagementMeta", keyword))
    assert "###### Image Overlay Boxes, N-CREATE and N-SET\n" in conformance_statement(config)


def test_caller_without_a_difference_has_no_section() -> None:
    config = replace(PrinterConfig(), callers={"CT*": Caller()})
    assert conformance_statement(config) == conformance_statement(PrinterConfig())


async def test_client_invokes_the_stated_services() -> None:
    """The client uses each of its services once."""
    invoked: dict[str, set[str]] = {}

    async def listen(_: PrintServer, operation: Operation, perform: Perform) -> Response:
        message = operation.message
        sop_class = getattr(message, "RequestedSOPClassUID", None) or getattr(message, "AffectedSOPClassUID", "")
        name = type(message).__name__.removesuffix("RQ")
        invoked.setdefault(str(sop_class), set()).add(f"N-{name[1:].upper()}")
        return await perform(operation)

    async def on_film(_: Film) -> None:
        pass

    async with PrintServer(on_film, port=0, intercept=listen) as server:
        async with PrintClient(server.host, server.port) as client:
            await client.printer()
            await client.configuration()
            await client.print_images(
                [np.zeros((4, 4), np.uint8)],
                presentation_lut=PresentationLUT(shape="LIN OD"),
                annotations=["left knee"],
                AnnotationDisplayFormatID="LABEL",
            )
            with pytest.raises(PrintFailed):
                await client.job("1.2.3").refresh()
            async with client.film_session() as session, session.film_box():
                await session.print()
        for kind in (ImageOverlayBox, BasicPrintImageOverlayBox):
            async with PrintClient(server.host, server.port, optional=[kind]) as client:
                async with client.film_session() as session, session.film_box() as film:
                    overlay = Overlay(pixels=np.ones((2, 2), np.bool_))
                    await film.set_image(1, np.zeros((4, 4), np.uint8), overlay=overlay)
    stated = {uid: set(services) for uid, services in SERVICES.items() if uid != BasicColorImageBox}
    assert invoked == stated
