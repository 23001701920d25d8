"""``print-mgmt print`` as users type it: the effect of each option on the films."""

import asyncio
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from printers import Odd, pixels, printer

import print_mgmt.cli
from dimse.data import Dataset, set_pixels, write_file
from dimse.message import NActionRQ, NSetRQ, Request
from dimse.net import Association, Operation
from dimse.net.scu import n_event_report
from dimse.uids import (
    BasicColorPrintManagementMeta,
    BasicGrayscalePrintManagementMeta,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    PrintJob,
    new_uid,
)
from print_mgmt import Film, JobFailed, PrintServer, Window, prepare, preset
from print_mgmt.images import PATTERNS
from print_mgmt.model import reference
from print_mgmt.scu import PROFILES
from print_mgmt.service import Answer

FRAMES = np.arange(5, dtype=np.uint8)[:, None, None] * 50 + np.arange(6, dtype=np.uint8).reshape(2, 3)


@pytest.fixture
def cine(tmp_path: Path) -> str:
    """Five frames, 0.5 mm between columns."""
    dataset = Dataset(SOPClassUID=MultiFrameGrayscaleByteSecondaryCaptureImageStorage, SOPInstanceUID=new_uid())
    set_pixels(dataset, FRAMES, photometric="MONOCHROME2")
    dataset.WindowCenter, dataset.WindowWidth = 128, 256  # the range of 8 bits without a window
    dataset.PixelSpacing = [0.5, 0.5]
    path = tmp_path / "cine.dcm"
    write_file(path, dataset)
    return str(path)


async def command(*arguments: object) -> int:
    return await asyncio.to_thread(print_mgmt.cli.main, [str(argument) for argument in arguments])


async def films_of(*arguments: object, **options: Any) -> list[Film]:
    """Return the films that a command prints on a `PrintServer`."""
    async with printer(**options) as (server, films):
        assert await command("print", f"A@{server.host}:{server.port}", *arguments) == 0
    return films


def shown(films: list[Film]) -> list[Any]:
    return [found for film in films for found in pixels(film) if found is not None]


@pytest.mark.parametrize(
    ("frames", "wanted"),
    [
        ((), [1]),
        (("--frames", "all"), [1, 2, 3, 4, 5]),
        (("--frames", "2-3,5"), [2, 3, 5]),
        (("--frames", "4-99"), [4, 5]),
    ],
)
async def test_frames_are_chosen_by_number(
    cine: str, frames: tuple[str, ...], wanted: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The default is the first frame, with a note of the number of frames."""
    films = await films_of(cine, *frames, "--layout", "2x3")
    assert [found.tolist() for found in shown(films)] == [FRAMES[frame - 1].tolist() for frame in wanted]
    note = f"print-mgmt: {cine}: only the first of 5 frames is printed (--frames all prints all)\n"
    assert capsys.readouterr().err == ("" if frames else note)


async def test_missing_frames_are_an_error(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await command("print", "A@127.0.0.1:1", cine, "--frames", "6") == 1
    assert capsys.readouterr().err == f"print-mgmt: {cine}: there is no frame 6: the image has 5\n"


@pytest.mark.parametrize(
    ("window", "choice"),
    [
        ("100,50", Window(100, 50)),
        ("100.5,80,SIGMOID", Window(100.5, 80, "SIGMOID")),
        ("-60,500", Window(-60, 500)),
        ("-60.5, +5e2 ,sigmoid", Window(-60.5, 500, "SIGMOID")),
        ("-60\\500", Window(-60, 500)),
        ("1", 1),
        ("auto", "auto"),
    ],
)
async def test_windows_are_chosen_by_option(cine: str, window: str, choice: Window | int | str) -> None:
    (found,) = shown(await films_of(cine, "--window", window))
    assert np.array_equal(found, prepare(cine, window=choice).pixels)


async def test_pictures_print_in_color(tmp_path: Path) -> None:
    rgba = np.zeros((3, 4, 4), np.uint8)
    rgba[..., 0], rgba[:, :2, 3] = 200, 255
    path = tmp_path / "picture.png"
    Image.fromarray(rgba).save(path)
    (found,) = shown(await films_of(path, "--color", "--background", "BLACK"))
    assert found[0].tolist() == [[200, 0, 0]] * 2 + [[0, 0, 0]] * 2


@pytest.mark.parametrize(
    ("words", "is_color"),
    [
        ((), True),
        (("--color",), True),
        (("--color", "auto"), True),
        (("--color=yes",), True),
        (("--color", "no"), False),
    ],
)
async def test_auto_color_follows_the_images(
    words: tuple[str, ...], is_color: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of an image after the option is never its value."""
    path = tmp_path / "red.png"
    Image.new("RGB", (4, 3), (200, 0, 0)).save(path)
    (found,) = shown(await films_of(*words, path))
    assert found.ndim == (3 if is_color else 2)
    warning = "print-mgmt: warning: image 1 of film 1: a color image is printed in gray\n"
    assert capsys.readouterr().err == ("" if is_color else warning)


async def test_auto_color_prints_gray_images_in_gray(cine: str) -> None:
    (found,) = shown(await films_of(cine))
    assert found.ndim == 2


@pytest.mark.parametrize("is_color", [False, True])
async def test_auto_color_follows_the_printer(is_color: bool, tmp_path: Path) -> None:
    """A printer with color only, or with gray only, gets each image in that form."""
    path = tmp_path / "picture.png"
    Image.new("L" if is_color else "RGB", (4, 3)).save(path)
    meta = BasicColorPrintManagementMeta if is_color else BasicGrayscalePrintManagementMeta
    odd = Odd(contexts=(meta,))
    async with odd.serving() as server:
        assert await command("print", f"A@{server.host}:{server.port}", path) == 0
    image = odd.films[0].sheet.cells[0].image
    assert image is not None
    assert image.pixels.ndim == (3 if is_color else 2)


async def test_ignored_faults_of_images_are_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = Dataset(SOPClassUID=MultiFrameGrayscaleByteSecondaryCaptureImageStorage, SOPInstanceUID=new_uid())
    set_pixels(dataset, FRAMES[0], photometric="MONOCHROME2")
    dataset.WindowCenter, dataset.WindowWidth = 0, 0
    path = tmp_path / "ge.dcm"
    write_file(path, dataset)
    async with printer() as (server, _):
        assert await command("print", f"A@{server.host}:{server.port}", path, "--json") == 0
    out, err = capsys.readouterr()
    (warning,) = json.loads(out)["warnings"]
    assert warning.startswith(f"image 1 of film 1: {path}: WindowWidth 0 must be at least 1")
    assert err == f"print-mgmt: warning: {warning}\n"


async def test_attributes_come_from_options_and_keywords(cine: str) -> None:
    (film,) = await films_of(
        cine,
        *("--layout", "1x2", "--film-size", "A4", "--orientation", "LANDSCAPE", "--medium", "PAPER", "--copies", "2"),
        *("--priority", "HIGH", "--magnification", "CUBIC", "--true-size", "--lut", "lin-od"),
        *("--annotate", "left", "--annotate", "knee", "--annotation-format", "COMBINED"),
        *("--film", "MaxDensity=180", "--session", "FilmSessionLabel=Jane", "--image", "Polarity=REVERSE"),
    )
    session, sheet = film.film_session, film.sheet
    assert (session.MediumType, session.PrintPriority, session.FilmSessionLabel, film.copies) == (
        "PAPER",
        "HIGH",
        "Jane",
        2,
    )
    assert (sheet.ImageDisplayFormat, sheet.FilmSizeID, sheet.FilmOrientation) == (r"STANDARD\1,2", "A4", "LANDSCAPE")
    assert (sheet.MagnificationType, sheet.MaxDensity) == ("CUBIC", 180)
    assert sheet.presentation_lut is not None
    assert sheet.presentation_lut.shape == "LIN OD"
    assert [(each.AnnotationPosition, each.TextString) for each in sheet.annotations] == [(1, "left"), (2, "knee")]
    assert (sheet.cells[0].Polarity, sheet.cells[0].RequestedImageSize) == ("REVERSE", 1.5)


async def test_terms_may_be_in_lower_case(cine: str) -> None:
    sizes = ("--film-size", "14inx17in", "--orientation", "landscape", "--medium", "blue film")
    (film,) = await films_of(cine, *sizes, "--priority", "low", "--magnification", "replicate", "--overlays", "none")
    session, sheet = film.film_session, film.sheet
    assert (session.MediumType, session.PrintPriority) == ("BLUE FILM", "LOW")
    assert (sheet.FilmSizeID, sheet.FilmOrientation, sheet.MagnificationType) == ("14INX17IN", "LANDSCAPE", "REPLICATE")


async def test_presentation_lut_comes_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.lut"
    path.write_text("\n".join(str(entry * 4) for entry in range(256)))
    (film,) = await films_of("--pattern", "steps", "--film-size", "8INX10IN", "--lut", path)
    assert film.sheet.presentation_lut is not None
    assert film.sheet.presentation_lut.table is not None
    assert film.sheet.presentation_lut.table[255] == 1020
    assert await command("print", "A@127.0.0.1:1", "--pattern", "steps", "--lut", tmp_path / "no.lut") == 1
    assert capsys.readouterr().err.endswith(f"print-mgmt: {tmp_path / 'no.lut'}: No such file or directory\n")


async def test_patterns_fill_an_image_box() -> None:
    """Each pixel of a pattern is one pixel of the film, so the pattern tests the printer, not its magnification."""
    (film,) = await films_of("--pattern", "geometry", "--film-size", "8INX10IN", "--bits", "auto")
    (cell,) = film.sheet.cells
    assert cell.image is not None
    rows, columns = cell.image.pixels.shape
    assert (rows, columns) == ((10 * 320) - round(6 / 25.4 * 320), (8 * 320) - round(6 / 25.4 * 320))
    assert cell.image.BitsStored == 12
    assert np.array_equal(cell.image.pixels, prepare(PATTERNS["geometry"](rows, columns, 12), bits=12).pixels)


async def test_reduce_shrinks_images_to_their_box(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.fromarray(np.zeros((4000, 3000), np.uint8)).save(path)
    options = ("--film-size", "8INX10IN", "--layout", "2x2")
    (whole,) = shown(await films_of(path, *options))
    (less,) = shown(await films_of(path, *options, "--reduce"))
    assert whole.shape == (4000, 3000)
    assert less.shape[0] < 10 * 320 / 2
    assert abs(less.shape[0] / less.shape[1] - 4 / 3) < 0.002


async def test_wait_shows_the_events_of_jobs(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    await films_of(cine, "--frames", "1,2", "--wait")
    out = capsys.readouterr().out.splitlines()
    assert out[0].endswith("printed 2 images on 2 films")
    assert [line for line in out if "Done" in line] == ["job 1: Done, NORMAL", "job 2: Done, NORMAL"]
    await films_of(cine, "--frames", "1,2", "--wait", "--collate", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["films"], report["images"]) == (2, 2)
    ((status, info),) = [(job["status"], job["info"]) for job in report["jobs"]]
    assert (status, info) == ("DONE", "NORMAL")


def flooding(*events: int) -> Odd:
    """A printer whose job sends these events, by Event Type ID."""

    def name_job(message: Request) -> Answer | None:
        if not isinstance(message, NActionRQ):
            return None
        return Answer(dataset=Dataset(ReferencedPrintJobSequencePullStoredPrint=[reference(PrintJob, "1.2.3")]))

    async def send(association: Association, operation: Operation) -> None:
        for event in events if isinstance(operation.message, NActionRQ) else ():
            await n_event_report(association, operation.context, PrintJob, "1.2.3", event, Dataset())

    return Odd(name_job, before=send, contexts=(BasicGrayscalePrintManagementMeta, PrintJob))


async def test_wait_shows_only_changes_of_a_job(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with flooding(1, 1, 2, 2, 2, 3).serving() as server:
        assert await command("print", f"A@{server.host}:{server.port}", cine, "--frames", "1", "--wait") == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["job 1: Pending", "job 1: Printing", "job 1: Done"]


async def test_wait_shows_a_bounded_number_of_changes(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with flooding(*(1, 2) * 60, 3).serving() as server:
        assert await command("print", f"A@{server.host}:{server.port}", cine, "--frames", "1", "--wait") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1:] == ["job 1: Pending", "job 1: Printing"] * 50 + ["job 1: Done"]
    assert captured.err.endswith("print-mgmt: job 1: it has changed 100 times; only its end is shown now\n")


async def test_failed_job_is_exit_status_1(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def jams(_: Film) -> None:
        raise JobFailed("FILM JAM")

    async with PrintServer(jams, port=0) as server:
        assert await command("print", f"A@{server.host}:{server.port}", cine, "--wait") == 1
    assert "job 1: Failure, FILM JAM\n" in capsys.readouterr().out


async def test_wait_ends_before_a_job_that_is_held(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    goes_on = asyncio.Event()

    async def waits(_: Film) -> None:
        await goes_on.wait()

    async with PrintServer(waits, port=0) as server:
        assert await command("print", f"A@{server.host}:{server.port}", cine, "--wait-at-most", "0.1") == 1
        goes_on.set()
    captured = capsys.readouterr()
    assert captured.out.startswith(f"A@{server.host}:{server.port} printed 1 image on 1 film\n")
    assert captured.err.endswith("job 1 has not ended within 0.1 s; its films stay with the printer\n")


async def test_wait_at_most_shows_the_end_of_a_job(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    await films_of(cine, "--wait-at-most", "600")
    assert capsys.readouterr().out.splitlines()[-1] == "job 1: Done, NORMAL"


async def test_wait_tells_of_a_printer_without_jobs(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with Odd().serving() as server:
        assert await command("print", f"A@{server.host}:{server.port}", cine, "--wait") == 0
    assert "print-mgmt: job 1: the printer did not name the job\n" in capsys.readouterr().err


async def test_json_report_has_the_status_of_each_operation(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    odd = Odd(lambda message: Answer(Status=0xB604) if isinstance(message, NSetRQ | NActionRQ) else None)
    async with odd.serving() as server:
        assert await command("print", f"A@{server.host}:{server.port}", cine, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["answers"] == [
        {"operation": "N-CREATE of the film session", "status": "0000"},
        {"operation": "N-CREATE of film 1", "status": "0000"},
        {"operation": "N-SET of image 1 of film 1", "status": "B604"},
        {"operation": "N-ACTION (Print) of film 1", "status": "B604"},
    ]
    assert len(report["warnings"]) == 2
    assert report["warnings"][0].startswith("N-SET of image 1 of film 1: status B604H")


async def test_failure_tells_how_many_films_a_session_has(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    odd = Odd(lambda message: Answer(Status=0xB60A) if isinstance(message, NActionRQ) else None)
    async with odd.serving() as server:
        words = ("--frames", "1-3", "--collate", "--true-size")
        assert await command("print", f"A@{server.host}:{server.port}", cine, *words) == 1
    assert capsys.readouterr().err.splitlines()[-2] == "print-mgmt: 3 films printed before this error:"


async def test_failure_tells_how_many_films_are_printed(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings come first. The printed films come directly before the reason, which is the last line."""
    statuses = [0xB604, 0xB604, 0xC605]
    odd = Odd(lambda message: Answer(Status=statuses.pop(0)) if isinstance(message, NSetRQ) else None)
    async with odd.serving() as server:
        assert await command("print", f"A@{server.host}:{server.port}", cine, "--frames", "all") == 1
    captured = capsys.readouterr()
    lines = [line.removeprefix("print-mgmt: ") for line in captured.err.splitlines()]
    assert captured.out == ""
    assert lines[0].startswith("warning: N-SET of image 1 of film 1: status B604H")
    assert all(line.startswith("warning: ") for line in lines[:-2])
    assert lines[-2] == "2 films printed before this error:"
    assert lines[-1].startswith("N-SET of image 1 of film 3: status C605H")


async def test_options_for_special_printers_change_requests(cine: str) -> None:
    """--action, --action-data, --printer-uids, --retries."""
    odd = Odd()
    async with odd.serving() as server:
        options = ("--action", "session", "--action-data", "--printer-uids", "--implicit-only", "--meta-only")
        assert await command("print", f"A@{server.host}:{server.port}", cine, *options) == 0
        assert odd.data[0] is not None
        calls = 0

        async def breaks(association: Any, operation: Any) -> None:
            nonlocal calls
            calls += isinstance(operation.message, NSetRQ)
            if calls == 1 and isinstance(operation.message, NSetRQ):
                association.abort()

        odd.before = breaks
        assert await command("print", f"A@{server.host}:{server.port}", cine, "--retries", "1") == 0
    assert (odd.printed, calls) == (2, 2)


async def test_possibly_printed_film_is_not_repeated(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def breaks(association: Any, operation: Any) -> None:
        if isinstance(operation.message, NActionRQ):
            association.abort()

    async with Odd(before=breaks).serving() as server:
        assert await command("print", f"A@{server.host}:{server.port}", cine, "--retries", "3") == 1
    assert capsys.readouterr().err.endswith("; it is unknown whether film 1 was printed\n")


async def test_profile_moves_an_annotation_to_the_label(cine: str) -> None:
    films = await films_of(cine, "--profile", "aycan", "--annotate", "left knee")
    assert films[0].film_session.FilmSessionLabel == "left knee"


async def test_profile_leaves_out_an_unsupported_attribute(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    await films_of(cine, "--profile", "aycan", "--film", "Trim=YES")
    assert "warning: left out: Trim is not supported (profile aycan)\n" in capsys.readouterr().err


async def test_profile_refuses_an_unsupported_format(cine: str, capsys: pytest.CaptureFixture[str]) -> None:
    async with printer() as (server, _):
        peer = f"A@{server.host}:{server.port}"
        assert await command("print", peer, cine, "--profile", "minimal", "--layout", "2x2") == 1
    assert capsys.readouterr().err.endswith(r"ImageDisplayFormat: 'STANDARD\2,2': minimal has STANDARD\1,1" + "\n")


def test_list_profiles_shows_all_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        print_mgmt.cli.main(["print", "--list-profiles"])
    assert caught.value.code == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(PROFILES)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--frames", "0"], "'0' is neither 'all' nor frames"),
        (["--frames", "3-1"], "'3-1' is neither 'all' nor frames"),
        (["--frames", "1,,2"], "is neither 'all' nor frames"),
        (["--bits", "10"], "'10' is not 8, 12 or auto"),
        (["--window", "-600,-5"], "WindowWidth -5 must be at least 1 (PS3.3 C.11.2.1.2)"),
        (["--window", "40,0"], "WindowWidth 0 must be at least 1 (PS3.3 C.11.2.1.2)"),
        (["--window", "1.2.3,4"], "'1.2.3,4' is not CENTER,WIDTH"),
        (["--retries", "-1"], "is not a number of retries"),
        (["--profile", "nobody"], "'nobody' is not one of agfa-ds3000, aycan"),
        (["--profile", "nothing.toml"], "nothing.toml: No such file or directory"),
        (["--overlays", "RED"], "invalid choice"),
    ],
)
def test_wrong_usage_is_exit_status_2(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        print_mgmt.cli.main(["print", "A@localhost:104", "a.dcm", *options])
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert words in error
    assert error.count("\n") == 1


async def test_true_size_needs_a_known_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "picture.bmp"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(path, dpi=(0, 0))
    assert await command("print", "A@127.0.0.1:1", path, "--true-size") == 1
    error = capsys.readouterr().err
    assert error.startswith(f"print-mgmt: {path}: true size: the image does not contain")
    assert error.count("\n") == 1


async def test_true_size_refuses_a_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert await command("print", "A@127.0.0.1:1", "--pattern", "steps", "--true-size") == 1
    error = capsys.readouterr().err
    assert error.startswith("print-mgmt: --pattern steps: true size: the image does not contain")
    assert error.count("\n") == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_terminal_gets_a_progress_bar(cine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    await films_of(cine, "--frames", "all")
    assert "printing" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


async def test_auto_layout_takes_a_format_of_the_printer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "a.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(picture)
    (film,) = await films_of(*[picture] * 5, "--layout", "auto", "--film-size", "14INX17IN")
    assert film.sheet.ImageDisplayFormat == r"STANDARD\2,3"
    assert capsys.readouterr().err == ""


async def test_auto_layout_without_formats_is_one_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "a.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(picture)
    films = await films_of(*[picture] * 2, "--layout", "auto", config=preset("minimal"))
    assert [film.sheet.ImageDisplayFormat for film in films] == [r"STANDARD\1,1"] * 2
    assert "lists no display formats" in capsys.readouterr().err


async def test_options_may_stand_between_arguments(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(picture)
    (film,) = await films_of("--copies", 2, picture, "--layout", "1x2", picture, "--film-size", "A4")
    assert (film.copies, film.sheet.FilmSizeID, len(shown([film]))) == (2, "A4", 2)
