"""The playground in Chromium: dimse runs in the browser, on Pyodide from npm."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from peers import program

from dimse.data import Dataset, write_file
from dimse.uids import SecondaryCaptureImageStorage
from tools import playground

pytestmark = pytest.mark.interop

HOUSE = Path(__file__).parents[2]
PATIENCE = 120_000  # milliseconds, since the browser compiles Python


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Log no requests."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the built playground."""
    program("npm", "npm")
    folder = tmp_path_factory.mktemp("playground")
    playground.main(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page(browser: Any, site: str) -> Iterator[Any]:
    """The page with Python running. The browser must report no error, and load from the site alone."""
    complaints: list[str] = []
    asked: list[str] = []
    found = browser.new_page(viewport={"width": 1300, "height": 900})
    found.on("console", lambda message: complaints.append(message.text))
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("request", lambda request: asked.append(request.url))
    found.goto(site)
    found.get_by_text("Ready: dimse").wait_for(timeout=PATIENCE)
    yield found
    found.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith((site, "data:", "blob:"))] == []


def choose(page: Any, path: Path, view: str = "page") -> None:
    """Let the page explain a file."""
    page.locator("#view").select_option(view)
    page.locator("#file").set_input_files(path)
    page.locator("#state", has_text=f"{path.name}: explained").wait_for(timeout=PATIENCE)


def test_example_becomes_a_page(page: Any) -> None:
    page.locator("#view").select_option("page")
    page.locator("#example").click()
    page.locator("#state", has_text="film.pcapng: explained").wait_for(timeout=PATIENCE)
    frame = page.frame_locator("#page")
    frame.locator("button.step", has_text="N-ACTION-RQ").first.click()
    assert "N-ACTION-RQ" in frame.locator("main").inner_text()


def test_brief_view_has_a_line_for_each_pdu(page: Any) -> None:
    choose(page, HOUSE / "docs" / "film.pcapng", "brief")
    assert "> 000000     492 A-ASSOCIATE-RQ" in page.locator("#text").inner_text()


def test_dicom_file_is_dumped(page: Any, tmp_path: Path) -> None:
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3", PatientName="DOE^JANE")
    write_file(tmp_path / "image.dcm", dataset)
    choose(page, tmp_path / "image.dcm")
    assert "DOE^JANE" in page.locator("#text").inner_text()


def test_dicom_file_is_not_shown_if_patient_data_is_hidden(page: Any, tmp_path: Path) -> None:
    write_file(tmp_path / "image.dcm", Dataset(SOPClassUID="1.2", SOPInstanceUID="1.2.3", PatientName="DOE^JANE"))
    page.locator("#redact").check()
    choose(page, tmp_path / "image.dcm")
    assert page.locator("#text").inner_text() == ""
    assert "only recordings" in page.locator("#faults").inner_text()
    assert page.locator("#save").is_disabled()
    page.locator("#redact").uncheck()


def test_redacted_recording_is_saved_without_its_name(page: Any, tmp_path: Path) -> None:
    (tmp_path / "DOE^JANE.pcapng").write_bytes((HOUSE / "docs" / "film.pcapng").read_bytes())
    page.locator("#redact").check()
    choose(page, tmp_path / "DOE^JANE.pcapng", "brief")
    with page.expect_download() as saved:
        page.locator("#save").click()
    assert saved.value.suggested_filename == "recording.txt"
    page.locator("#redact").uncheck()


def test_broken_file_is_a_clear_error(page: Any, tmp_path: Path) -> None:
    (tmp_path / "a<img src=x>.pcap").write_bytes(b"nothing")
    choose(page, tmp_path / "a<img src=x>.pcap")
    assert "neither a capture (pcap, pcapng) nor a stream of PDUs" in page.locator("#faults").inner_text()


def test_file_may_have_any_name(page: Any, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes((HOUSE / "docs" / "film.pcapng").read_bytes())
    choose(page, tmp_path / "page.html", "brief")
    assert "A-ASSOCIATE-RQ" in page.locator("#text").inner_text()


def test_explanation_can_be_stopped(page: Any, tmp_path: Path) -> None:
    (tmp_path / "long.bin").write_bytes(b"\4\0\0\0\0\6\0\0\0\2\1\2" * (1 << 20))
    page.locator("#view").select_option("text")
    page.locator("#file").set_input_files(tmp_path / "long.bin")
    page.locator("#stop").click()
    page.locator("#state", has_text="long.bin: stopped.").wait_for(timeout=PATIENCE)
    choose(page, HOUSE / "docs" / "film.pcapng", "brief")


def test_failed_python_starts_again(browser: Any, site: str, tmp_path: Path) -> None:
    page = browser.new_page()
    words = "versions = lambda: {'dimse': '', 'python': ''}\ndef explain(*_): raise MemoryError('no <b>room')"
    page.route("**/explain.py", lambda route: route.fulfill(body=words))
    page.goto(site)
    page.get_by_text("Ready: dimse").wait_for(timeout=PATIENCE)
    (tmp_path / "bomb.pcap").write_bytes(b"bomb")
    page.locator("#file").set_input_files(tmp_path / "bomb.pcap")
    shown = "bomb.pcap cannot be explained here: MemoryError: no <b>room. Use the command dimse explain."
    page.get_by_text(shown).wait_for(timeout=PATIENCE)
    page.close()
