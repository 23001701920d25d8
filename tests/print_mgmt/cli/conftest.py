"""Gives each test of a command its own state folder, with an empty spool."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def states(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("states")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder
