import pytest

from dimse.packaged import packaged_text


def test_text_is_read_from_its_package() -> None:
    assert packaged_text("dimse", "uids.tsv").startswith("1.2.840.10008.")


def test_absent_text_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        packaged_text("dimse", "absent.tsv")
