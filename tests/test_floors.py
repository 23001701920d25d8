"""Imports point down, the core does no I/O, and what a package exports is what it says."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import dimse
import print_mgmt

ROOT = Path(__file__).parents[1]

# Lowest first. Those of one row are strangers: none of them imports another.
FLOORS: list[tuple[str, ...]] = [
    ("dimse.storage_classes",),
    ("dimse.errors", "dimse.files", "dimse.limits", "dimse.uids", "dimse.version"),
    ("dimse.ul", "dimse.data"),
    ("dimse.message", "dimse.tls"),
    ("dimse.explain",),
    ("dimse.net", "dimse.peer"),
    ("dimse.terminal",),
    ("dimse.cli",),
    ("dimse.__main__",),
    (
        "print_mgmt.film",
        "print_mgmt.capture",
        "print_mgmt.sop",
        "print_mgmt.status",
        "print_mgmt.status_info",
        "print_mgmt.typed",
    ),
    ("print_mgmt.attributes", "print_mgmt.model", "print_mgmt.images", "print_mgmt.output"),
    ("print_mgmt.items", "print_mgmt.jobs", "print_mgmt.config"),
    ("print_mgmt.service",),
    ("print_mgmt.scp", "print_mgmt.scu"),
    ("print_mgmt.conformance",),
    ("print_mgmt.cli",),
    ("print_mgmt.__main__",),
]
RANK = {name: rank for rank, names in enumerate(FLOORS) for name in names}
ASYNC = (
    "dimse.net",
    "dimse.terminal",
    "dimse.cli",
    "print_mgmt.scp",
    "print_mgmt.scu",
    "print_mgmt.cli",
)
B13 = ("dimse.tls.b13", "dimse.tls.b13_rules")  # they stand on the extra ``tls``
IO_MODULES = {"asyncio", "socket", "ssl", "time", "threading", "selectors", "select", "subprocess", "logging"}


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("dimse", "print_mgmt"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if "." in name:  # the package's own __init__ stands on top of it
                yield name, path


def imports(name: str, path: Path) -> set[str]:
    """The modules that a module imports, by their full names."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            whole = ".".join(filter(None, (base, node.module)))
            named = {f"{whole}.{alias.name}" for alias in node.names}
            found |= named if whole in ("dimse", "print_mgmt") else {whole}
    return found


def floor(name: str) -> str:
    """The floor's name: the first two parts of a module's."""
    return ".".join(name.split(".")[:2])


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: str(value).replace("/", "."))
def test_imports_point_down(name: str, path: Path) -> None:
    here = floor(name)
    assert here in RANK, f"{here} stands on no floor: give it one"
    for imported in imports(name, path):
        there = floor(imported)
        if there in RANK and there != here:
            assert RANK[there] < RANK[here], f"{name} imports {imported} from its own floor or from above"
        assert imported not in ("dimse", "print_mgmt"), f"{name} imports the top of the house"


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: str(value).replace("/", "."))
def test_no_io_and_no_clock_in_the_core(name: str, path: Path) -> None:
    found = {imported.split(".")[0] for imported in imports(name, path)} & IO_MODULES
    allowed = {"ssl"} if floor(name) == "dimse.tls" else set()
    assert found <= allowed or floor(name) in ASYNC, name


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: str(value).replace("/", "."))
def test_no_dicom_library_is_imported(name: str, path: Path) -> None:
    roots = {imported.split(".")[0] for imported in imports(name, path)}
    assert not roots & {"pydicom", "pynetdicom", "gdcm", "dicomsdl", "highdicom"}, name


def test_dimse_does_not_import_numpy() -> None:
    code = "import sys, dimse, dimse.cli; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_who_asks_for_b_13_imports_pyopenssl() -> None:
    code = "import sys, dimse, dimse.cli, print_mgmt.cli; sys.exit('OpenSSL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    users = [name for name, path in modules() if any(module.startswith("OpenSSL") for module in imports(name, path))]
    assert tuple(users) == tuple(sorted(B13))


def test_pixels_is_the_only_module_of_dimse_that_imports_numpy() -> None:
    users = [name for name, path in modules() if name.startswith("dimse") and "numpy" in imports(name, path)]
    assert users == ["dimse.data.pixels"]


@pytest.mark.parametrize("package", [dimse, print_mgmt], ids=lambda package: package.__name__)
def test_every_module_says_what_it_exports_and_has_it(package: object) -> None:
    path = [str(ROOT / package.__name__)]  # type: ignore[attr-defined]  # it is a package
    for info in pkgutil.walk_packages(path, f"{package.__name__}."):  # type: ignore[attr-defined]  # ditto
        if info.name.endswith("__main__") or (info.name in B13 and not find_spec("OpenSSL")):
            continue
        module = importlib.import_module(info.name)
        assert module.__doc__, info.name
        exported = module.__all__
        assert len(set(exported)) == len(exported), info.name
        assert all(hasattr(module, name) for name in exported), info.name


@pytest.mark.parametrize("package", [dimse, print_mgmt], ids=lambda package: package.__name__)
def test_what_the_top_exports_is_what_it_imports(package: object) -> None:
    source = Path(package.__file__ or "")  # type: ignore[attr-defined]  # it is a package
    tree = ast.parse(source.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == set(package.__all__)  # type: ignore[attr-defined]  # ditto
