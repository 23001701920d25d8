"""The default spool is a folder for the state of applications."""

from pathlib import Path

import pytest

from print_mgmt.site.spools import default_spool


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {"XDG_STATE_HOME": "/states"}, "/states"),
        ("linux", {"XDG_STATE_HOME": "", "HOME": "/home/jane"}, "/home/jane/.local/state"),
        ("darwin", {"HOME": "/Users/jane"}, "/Users/jane/Library/Application Support"),
        ("win32", {"LOCALAPPDATA": "/jane/local"}, "/jane/local"),
    ],
)
def test_default_spool_is_in_the_state_folder(
    platform: str, variables: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_spool() == Path(folder) / "dimse-print" / "spool"
