"""The rules of the house: imports point down, the core does no I/O, and each `__all__` is true."""

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib.util import find_spec
from pathlib import Path

import pytest

import dimse
import print_mgmt

ROOT = Path(__file__).parents[1]

# Lowest first. Members of one row never import each other.
FLOORS: list[tuple[str, ...]] = [
    ("dimse.packaged", "dimse.storage_classes"),
    (
        "dimse.errors",
        "dimse.exports",
        "dimse.files",
        "dimse.garbage",
        "dimse.interrupts",
        "dimse.limits",
        "dimse.version",
    ),
    ("dimse.uids",),
    ("dimse.ul", "dimse.data"),
    ("dimse.message", "dimse.tls"),
    ("dimse.explain",),
    ("dimse.net",),
    ("dimse.lab",),
    ("dimse.verify",),
    ("dimse.command_line", "dimse.terminal"),
    ("dimse.cli",),
    ("dimse.__main__",),
    (
        "print_mgmt.film",
        "print_mgmt.secondary_capture",
        "print_mgmt.sop",
        "print_mgmt.status",
        "print_mgmt.typed",
    ),
    ("print_mgmt.attributes", "print_mgmt.model", "print_mgmt.images", "print_mgmt.output"),
    ("print_mgmt.items", "print_mgmt.jobs", "print_mgmt.config"),
    ("print_mgmt.explain", "print_mgmt.service", "print_mgmt.spool", "print_mgmt.verify"),
    ("print_mgmt.scp", "print_mgmt.scu"),
    ("print_mgmt.destinations",),
    ("print_mgmt.conformance", "print_mgmt.site"),
    ("print_mgmt.cli",),
    ("print_mgmt.__main__",),
]
RANK = {name: rank for rank, names in enumerate(FLOORS) for name in names}
TOP = len(FLOORS)  # the two packages themselves, which import from everywhere
PACKAGES = ("dimse", "print_mgmt")
ASYNC = (
    "dimse.net",
    "dimse.lab",
    "dimse.command_line",
    "dimse.verify",
    "dimse.terminal",
    "dimse.cli",
    "print_mgmt.scp",
    "print_mgmt.scu",
    "print_mgmt.spool",
    "print_mgmt.verify",
    "print_mgmt.destinations",
    "print_mgmt.site",
    "print_mgmt.cli",
)
IPP = ("print_mgmt.destinations.paper.ipp",)  # it needs the extra ``paper``
B13 = ("dimse.tls.b13", "dimse.tls.b13_rules")  # they need the extra ``tls``
IO_MODULES = {"asyncio", "socket", "ssl", "time", "threading", "selectors", "select", "subprocess", "logging"}


def modules() -> Iterator[tuple[str, Path]]:
    for package in ("dimse", "print_mgmt"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if "." in name:  # the two top __init__ files import from everywhere
                yield name, path


def statements(module: ast.Module) -> list[ast.AST]:
    """Return the statements of a module, nested ones too; a walk through all expressions takes seven times as long."""
    found: list[ast.AST] = [module]
    for node in found:  # it grows
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            nested = getattr(node, part, None)
            found += nested if isinstance(nested, list) else ()
    return found


@cache
def imports(name: str, path: Path) -> frozenset[str]:
    """Return the full names of all imports of a module: modules, and names in them."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            whole = ".".join(filter(None, (base, node.module)))
            found |= {f"{whole}.{alias.name}" for alias in node.names}
    return frozenset(found)


def roots(name: str, path: Path) -> set[str]:
    """Return the packages that a module imports from."""
    return {imported.split(".")[0] for imported in imports(name, path)}


def floor(name: str) -> str:
    """Return the name of a module's floor: the first two parts of its own."""
    return ".".join(name.split(".")[:2])


def test_modules_have_a_floor() -> None:
    assert {floor(name) for name, _ in modules()} <= RANK.keys()


def test_imports_point_down() -> None:
    """No module imports from its own floor, from above, or from the top of the house."""
    wrong = []
    for name, path in modules():
        here = floor(name)
        there = {imported: floor(imported) for imported in imports(name, path) if imported.split(".")[0] in PACKAGES}
        wrong += [(name, each) for each, its in there.items() if its != here and RANK.get(its, TOP) >= RANK[here]]
    assert wrong == []


def test_architecture_draws_the_floors() -> None:
    """In docs/architecture.md a row has names with dots between them, and words for them after two spaces."""
    drawing = re.search(r"```\n(print_mgmt .*?)```", (ROOT / "docs/architecture.md").read_text(), re.DOTALL)
    assert drawing is not None
    package, drawn = "", []
    for line in drawing[1].splitlines():
        package = line[:13].strip() or package
        names = re.split(r" {2,}", line[13:])[0].split(" · ")
        drawn.append({f"{package}.{name}" for name in names})
    unseen = {
        f"dimse.{name}"
        for name in ("__main__", "exports", "garbage", "interrupts", "packaged", "storage_classes", "version")
    }
    unseen.add("print_mgmt.__main__")
    assert drawn[::-1] == [set(names) - unseen for names in FLOORS if set(names) - unseen]


def exists(name: str) -> bool:
    """Return whether a module or something in it has this name in one of the packages."""
    for package in ("dimse", "print_mgmt"):
        try:
            pkgutil.resolve_name(f"{package}.{name}")
        except (ImportError, AttributeError):
            continue
        return True
    return False


def test_architecture_names_existing_things() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    names = {name for name in re.findall(r"`([a-z_]+(?:\.\w+)+)`", text) if not name.endswith((".py", ".md"))}
    assert len(names) > 10
    assert {name for name in names if not exists(name)} == set()


def test_imports_form_no_circle() -> None:
    paths = dict(modules())
    graph = {}
    for name, path in paths.items():
        found = {imported if imported in paths else imported.rpartition(".")[0] for imported in imports(name, path)}
        graph[name] = found & paths.keys() - {name}
    TopologicalSorter(graph).prepare()  # it raises CycleError with the modules of the circle


def test_modules_are_named_by_nouns() -> None:
    assert {name for name, _ in modules() if name.endswith("ing")} == set()


def test_core_has_no_io_and_no_clock() -> None:
    wrong = []
    for name, path in modules():
        allowed = {"ssl"} if floor(name) == "dimse.tls" else set()
        wrong += [(name, each) for each in roots(name, path) & IO_MODULES - allowed if floor(name) not in ASYNC]
    assert wrong == []


def test_modules_import_no_dicom_library() -> None:
    libraries = {"pydicom", "pynetdicom", "gdcm", "dicomsdl", "highdicom"}
    assert [name for name, path in modules() if roots(name, path) & libraries] == []


@pytest.mark.parametrize(
    "code",
    [
        "import dimse",
        "import print_mgmt",
        "from dimse.cli import main; main(['--help'])",
        "from print_mgmt.cli import main; main(['--help'])",
        "from dimse.cli import main; main(['dump', '--help'])",
        "from dimse.cli import main; main(['explain', '--help'])",
    ],
)
def test_imports_and_help_load_only_needed_modules(code: str) -> None:
    heavy = "asyncio", "ssl", "ctypes", "numpy", "PIL", "dimse.net"
    check = f"import sys\ntry: {code}\nexcept SystemExit: pass\nprint(*sys.modules, sep='\\n')"
    shown = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True).stdout
    assert "dimse.exports" in shown.splitlines()
    assert set(heavy) & set(shown.splitlines()) == set()


SMALL = "dimse.net", "dimse.cli.echo"
LARGE = "dimse.cli", "print_mgmt.cli", "print_mgmt.cli.commands", "print_mgmt.site"


@pytest.fixture(scope="module")
def loaded() -> list[set[str]]:
    """Return the modules that a process has loaded after importing the small modules, and the large ones as well."""
    show = "print(*sys.modules)"
    code = "\n".join(("import sys", *(f"import {', '.join(names)}\n{show}" for names in (SMALL, LARGE))))
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return [set(line.split()) for line in shown.splitlines()]


def test_dimse_loads_no_numpy(loaded: list[set[str]]) -> None:
    assert set(SMALL) <= loaded[0]
    assert "numpy" not in loaded[0]


def test_only_b_13_imports_pyopenssl(loaded: list[set[str]]) -> None:
    assert set(LARGE) <= loaded[1]
    assert "OpenSSL" not in loaded[1]
    users = [name for name, path in modules() if "OpenSSL" in roots(name, path)]
    assert tuple(users) == tuple(sorted(B13))


def test_only_ipp_imports_ippx(loaded: list[set[str]]) -> None:
    assert set(LARGE) <= loaded[1]
    assert "ippx" not in loaded[1]
    assert tuple(name for name, path in modules() if "ippx" in roots(name, path)) == IPP


def test_only_pixels_imports_numpy_in_dimse() -> None:
    users = [name for name, path in modules() if name.startswith("dimse") and "numpy" in roots(name, path)]
    assert users == ["dimse.data.pixels"]


@pytest.mark.parametrize("package", [dimse, print_mgmt], ids=lambda package: package.__name__)
def test_modules_have_all_their_exports(package: object) -> None:
    path = [str(ROOT / package.__name__)]  # type: ignore[attr-defined]  # it is a package
    for info in pkgutil.walk_packages(path, f"{package.__name__}."):  # type: ignore[attr-defined]  # ditto
        if info.name.endswith("__main__") or (info.name in B13 and not find_spec("OpenSSL")):
            continue
        if info.name in IPP and not find_spec("ippx"):
            continue
        module = importlib.import_module(info.name)
        assert module.__doc__, info.name
        exported = module.__all__
        assert len(set(exported)) == len(exported), info.name
        assert all(hasattr(module, name) for name in exported), info.name


@pytest.mark.parametrize("package", [dimse, print_mgmt], ids=lambda package: package.__name__)
def test_top_exports_all_its_imports(package: object) -> None:
    source = Path(package.__file__ or "")  # type: ignore[attr-defined]  # it is a package
    tree = ast.parse(source.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    imported -= {"TYPE_CHECKING", "lazy_exports"}
    assert imported == set(package.__all__)  # type: ignore[attr-defined]  # ditto


@pytest.mark.parametrize("package", [dimse, print_mgmt], ids=lambda package: package.__name__)
def test_lazy_exports_equal_the_imports_for_types(package: object) -> None:
    """The imports for the type checker and the table for `lazy_exports` name the same modules and the same names."""
    path = Path(package.__file__ or "")  # type: ignore[attr-defined]  # it is a package
    choice = next(node for node in ast.parse(path.read_text()).body if isinstance(node, ast.If))
    imports = [node for node in choice.body if isinstance(node, ast.ImportFrom)]
    typed = {f".{node.module}": tuple(alias.name for alias in node.names) for node in imports}
    table = next(node for node in ast.walk(choice.orelse[0]) if isinstance(node, ast.Dict))
    assert ast.literal_eval(table) == typed
