"""The version is the same in all places."""

import pytest

import dimse.cli
import print_mgmt.cli
from dimse.uids import IMPLEMENTATION_VERSION_NAME


def test_both_packages_have_the_same_version() -> None:
    assert dimse.__version__ == print_mgmt.__version__


@pytest.mark.parametrize(("program", "name"), [(dimse.cli, "dimse"), (print_mgmt.cli, "print-mgmt")])
def test_version_option_shows_the_version(program: object, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["--version"])  # type: ignore[attr-defined]  # it is a module
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{name} {dimse.__version__}\n"


def test_version_name_on_the_wire_has_the_version() -> None:
    """PS3.7 D.3.3.2.3: at most 16 characters."""
    assert "DIMSE_PRINT_" + dimse.__version__.replace(".", "") == IMPLEMENTATION_VERSION_NAME
    assert len(IMPLEMENTATION_VERSION_NAME) <= 16
