"""The lines and files of ``print-mgmt serve``, for clients with any titles and labels."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from print_scu import Scu, uids

from dimse.data import Dataset
from dimse.uids import BasicFilmBox
from print_mgmt.cli.reported_folder import ReportedFolder
from print_mgmt.destinations import FolderDestination
from print_mgmt.film import PrintImage
from print_mgmt.scp import Film

IMAGE = PrintImage(pixels=np.zeros((3, 5), np.uint8), PhotometricInterpretation="MONOCHROME2")


def film(*, title: str = "CT1", label: str = "", display_format: str = r"STANDARD\1,1", text: str = "") -> Film:
    """Return a film of one image and one annotation, as N-ACTION makes it."""
    scu = Scu(calling_ae_title=title)
    session = scu.session(FilmSessionLabel=label or None, SpecificCharacterSet="ISO_IR 192")
    created = scu.film_box(session, ImageDisplayFormat=display_format, AnnotationDisplayFormatID="LABEL")
    scu.image(uids(created, "ReferencedImageBoxSequence")[0], 1, IMAGE, Polarity="REVERSE")
    scu.annotate(uids(created, "ReferencedBasicAnnotationBoxSequence")[0], 1, TextString=text or None)
    job = scu.print(BasicFilmBox, created.AffectedSOPInstanceUID or "").job
    assert job is not None
    job.CreationDate, job.CreationTime, job.host = "20260102", "030405", "192.0.2.7"
    return Film(1, job, job.unprinted[0])


def read(out: Path) -> dict[str, Any]:
    """Return the sidecar in a folder."""
    (sidecar,) = out.glob("film-20260102-030405-0001-*.json")
    told: dict[str, Any] = json.loads(sidecar.read_text(encoding="utf-8"))
    return told


async def filed(out: Path, made: Film, *, as_json: bool = False) -> dict[str, Any]:
    """Write a film and return its sidecar."""
    folder = FolderDestination(path=str(out), formats=("png", "json"), dpi=30)
    await ReportedFolder(folder=folder, as_json=as_json).deliver(made, Dataset())
    return read(out)


TITLES = {
    b"R\xd6NTGEN1": r"R\xd6NTGEN1",
    b"\xe2\x80\x8bCT": r"\xe2\x80\x8bCT",
    b"A\nB\r\x1b[2J": r"A\nB\r\x1b[2J",
    b"../..\\..": r"../..\..",
    b"\xff" * 16: r"\xff" * 16,
}


@pytest.mark.parametrize("title", TITLES)
async def test_line_escapes_the_calling_title(title: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = await filed(tmp_path, film(title=title.decode("ascii", "surrogateescape")))
    assert told["calling_ae_title"] == TITLES[title]
    assert f" film 1 from {TITLES[title]}: " in capsys.readouterr().out


@pytest.mark.parametrize("title", TITLES)
async def test_json_line_has_any_calling_title(
    title: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await filed(tmp_path, film(title=title.decode("ascii", "surrogateescape")), as_json=True)
    assert json.loads(capsys.readouterr().out)["calling_ae_title"] == TITLES[title]


async def test_film_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await filed(tmp_path, film(display_format="STANDARD\\\n\r1,\n1"))
    assert len(capsys.readouterr().out.splitlines()) == 1


async def test_sidecar_has_all_attributes_of_the_client(tmp_path: Path) -> None:
    told = await filed(tmp_path, film(label="Grün", text="links"))
    assert told["film_session"]["FilmSessionLabel"] == "Grün"
    (annotation,) = told["annotation_boxes"]
    assert (annotation["AnnotationPosition"], annotation["TextString"]) == (1, "links")
    (image_box,) = told["image_boxes"]
    assert image_box["Polarity"] == "REVERSE"
    (image,) = image_box["BasicGrayscaleImageSequence"]
    assert (image["Rows"], image["Columns"], image["BitsStored"], image["PixelData"]) == (3, 5, 8, "15 bytes")


async def test_sidecar_has_referenced_instances(tmp_path: Path) -> None:
    scu = Scu()
    lut = scu.lut()
    reference = Dataset(ReferencedSOPClassUID="1.2.840.10008.5.1.1.23", ReferencedSOPInstanceUID=lut)
    film_box, boxes = scu.film(ReferencedPresentationLUTSequence=[reference])
    scu.image(boxes[0], 1, IMAGE)
    job = scu.print(BasicFilmBox, film_box).job
    assert job is not None
    job.CreationDate, job.CreationTime = "20260102", "030405"
    told = await filed(tmp_path, Film(1, job, job.unprinted[0]))
    assert told["referenced"] == [{"PresentationLUTShape": "IDENTITY"}]


# --- names and lines ---


async def test_sidecar_has_time_and_address(tmp_path: Path) -> None:
    told = await filed(tmp_path, film())
    assert (told["time"], told["host"]) == ("2026-01-02T03:04:05", "192.0.2.7")


async def test_line_begins_with_the_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await filed(tmp_path, film())
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d film 1 from CT1: ", capsys.readouterr().out)
