"""The examples in docs/services.md run."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "services.md").read_text()
SERVICE, CLIENT, POLICY = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_examples_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    exec(compile(SERVICE + CLIENT, "docs/services.md", "exec"), names)
    assert capsys.readouterr().out.splitlines() == ["found patient 1", "found patient 1", "status 0000"]
    exec(compile(POLICY, "docs/services.md", "exec"), names)
    assert callable(names["policy"])
