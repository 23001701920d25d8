"""Install this project, editable, with all extras and the named dependency groups of pyproject.toml.

``pip install --group`` would suffice, but the pip of Python 3.11 does not have this option.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

project = Path(__file__).parents[1]


def main(groups: list[str]) -> int:
    """Run pip; show its output only if it fails."""
    with (project / "pyproject.toml").open("rb") as file:
        configured = tomllib.load(file)
    requirements = [line for group in groups for line in configured["dependency-groups"][group]]
    extras = ",".join(configured["project"]["optional-dependencies"])
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return subprocess.call([*command, "--editable", f"{project}[{extras}]", *requirements])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
