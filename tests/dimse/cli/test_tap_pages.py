"""The process that writes the pages of ``dimse tap``."""

import os
from multiprocessing import active_children
from pathlib import Path

import pytest

from dimse.cli.tap import no_views
from dimse.cli.tap_pages import PageProcess


def test_killed_process_loses_no_later_page(tmp_path: Path) -> None:
    pages, missing = PageProcess(no_views), tmp_path / "a.pcapng"
    others = {*active_children()}
    lost = pages.make(missing, tmp_path / "a.html", "title", [], keep=True)
    for process in {*active_children()} - others:
        process.kill()
    assert lost.exception() is not None
    assert "No such file" in pages.make(missing, tmp_path / "b.html", "title", [], keep=True).result()
    pages.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_page_that_cannot_be_finished_does_not_hang_the_exit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = tmp_path / "a.pcapng"
    os.mkfifo(recording)  # nobody writes to it, so opening it never returns
    pages = PageProcess(no_views, patience=0.01)
    made = pages.make(recording, tmp_path / "a.html", "title", [], keep=True)
    pages.close()
    assert made.exception() is not None
    assert capsys.readouterr().err == "dimse: missing pages: 1; none was finished within 0.01 s\n"
