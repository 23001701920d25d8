"""The DICOM files in pydicom, and the files of clinical size in pydicom-data."""

import importlib.util
import os
from pathlib import Path

import pytest

__all__ = ["CLINICAL", "SAMPLES", "need_clinical"]


def _files(package: str) -> dict[str, Path]:
    """Files by their paths in the package's folder of data."""
    found = importlib.util.find_spec(package)
    folder = Path(found.origin or "").parent / "data" if found else Path()
    kept = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in ("", ".dcm", ".dic"))
    return {path.relative_to(folder).as_posix(): path for path in kept if path.name != "README"} if found else {}


CLINICAL = _files("data_store")
SAMPLES = _files("pydicom") | CLINICAL


def need_clinical() -> None:
    """Skip where pydicom-data is not installed, but fail in continuous integration."""
    if not CLINICAL:
        reason = "pydicom-data is not installed: pip install pydicom-data"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
