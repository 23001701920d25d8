"""The requirements of an installation, in pyproject.toml."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]


def test_extra_all_has_all_extras() -> None:
    (requirement,) = EXTRAS["all"]
    found = re.fullmatch(r"dimse-print\[([a-z,]+)\]", requirement)
    assert found is not None
    assert sorted(found[1].split(",")) == sorted(EXTRAS.keys() - {"all"})


def test_dev_group_has_all_extras() -> None:
    """Otherwise tests would be skipped."""
    asked = {re.split(r"[>\[;]", line)[0] for line in PROJECT["dependency-groups"]["dev"]}
    wanted = {re.split(r"[>\[;]", line)[0] for name in EXTRAS.keys() - {"all", "cli"} for line in EXTRAS[name]}
    assert wanted <= asked


def test_readme_installs_all() -> None:
    assert "pip install 'dimse-print[all]'" in (ROOT / "README.md").read_text(encoding="utf-8")
