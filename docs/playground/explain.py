"""The code that the playground runs in the browser: the commands of dimse, on a file in the memory of the page."""

import io
import platform
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

sys.path.insert(0, "/lib/app")

from dimse import __version__
from dimse.cli import main

_FOLDER = Path("/tmp/explained")  # a folder in the memory of the browser
_FORMS = {"text": (), "brief": ("--brief",), "json": ("--json",), "mermaid": ("--mermaid",)}


def versions() -> dict[str, str]:
    """Return the versions of dimse and Python."""
    return {"dimse": __version__, "python": platform.python_version()}


def explain(name: str, view: str, is_redacted: bool) -> tuple[str, str, str]:  # called from JavaScript
    """Return the explanation of the file in memory, its form (``page`` or ``text``), and its faults in words.

    A DICOM file is shown as text, but not if patient data is to be hidden.
    """
    recording, page = Path("/tmp/recording"), Path("/tmp/page.html")
    _FOLDER.mkdir(exist_ok=True)
    shown = _FOLDER / (Path(name).name.strip(".") or "recording")  # the page shows the name of the file
    recording.rename(shown)
    page.unlink(missing_ok=True)
    with shown.open("rb") as file:
        is_dicom = file.read(132)[128:] == b"DICM"
    if is_dicom and is_redacted:
        shown.rename(recording)
        return (
            "",
            "text",
            "A DICOM file is shown in full or not at all: only recordings can be shown without patient data.",
        )
    options = ["--redact"] if is_redacted else []
    if is_dicom:
        words = ["dump", str(shown)]
    elif view == "page":
        words = ["explain", str(shown), "-o", str(page), *options]
    else:
        words = ["explain", str(shown), *_FORMS[view], *options]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        main(words)
    shown.rename(recording)
    output = page.read_text() if page.exists() else out.getvalue()
    return output, "page" if page.exists() else "text", err.getvalue().replace(f"dimse: {_FOLDER}/", "")
