"""The default spool is a folder for the state of applications."""

from pathlib import Path

import pytest

from print_mgmt.site.spools import default_spool
from print_mgmt.spool import SpoolError


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


def test_user_without_a_home_folder_has_no_default_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", fail)
    with pytest.raises(SpoolError, match=r"no home folder for the default spool: give another by --spool or spool\.at"):
        default_spool()
