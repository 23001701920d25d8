"""The address of a spool chooses its engine."""

from pathlib import Path

import pytest

from print_mgmt.spool import EmbeddedSpool, SpoolError, open_spool
from print_mgmt.spool.postgres import PostgresSpool


def test_folder_is_an_embedded_spool(tmp_path: Path) -> None:
    assert isinstance(open_spool(tmp_path), EmbeddedSpool)


def test_database_is_a_postgres_spool() -> None:
    assert isinstance(open_spool("postgresql://films@host/films"), PostgresSpool)


def test_missing_extra_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("print_mgmt.spool.address.find_spec", lambda _: None)
    with pytest.raises(SpoolError, match=r"pip install 'dimse-print\[postgres\]'"):
        open_spool("postgresql://films@host/films")
