"""A film has the same pixels on every processor, with every BLAS kernel, and with any sizes of work."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fingerprints import fingerprints

PROGRAM = Path(__file__).parents[2] / "support" / "fingerprints.py"
ROOT = Path(__file__).parents[3]


def simd_found() -> str:
    """Return the optional instruction sets that numpy found on this processor."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"]
    return " ".join(extensions.get("found", ()))


# The last bit of these functions differs between processors. The matrix products of `raster` are exact, on its grid
INEXACT = {"exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "power", "float_power", "pow", "interp", "hypot"}
INEXACT |= {"dot", "vdot", "inner", "matmul", "tensordot", "einsum", "convolve", "mean", "average", "std", "var"}
INEXACT |= {"sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arctan2", "cbrt"}

MACHINES = {
    # OpenBLAS has a kernel for each of these x86 machines; other libraries and processors ignore the variable
    **{kernel: {"OPENBLAS_CORETYPE": kernel} for kernel in ("Haswell", "Sandybridge", "Nehalem", "Prescott")},
    "no SIMD": {"NPY_DISABLE_CPU_FEATURES": simd_found()},
}
SHARES = {
    "small strips": (["_STRIP=1", "_COPY_BLOCK=512"], "1"),
    "large strips": (["_STRIP=100000000", "_MAX_PRODUCT=100000000"], "2"),
    "narrow bands": (["_BAND=5", "_MAX_SPAN=32", "_MAX_PRODUCT=4096"], "2"),
}  # sizes of work of the renderer, and threads of OpenBLAS


@pytest.fixture(scope="module")
def here() -> list[str]:
    return fingerprints()


def elsewhere(arguments: list[str], variables: dict[str, str]) -> list[str]:
    paths = os.pathsep.join(map(str, (ROOT, *sys.path)))
    # OpenBLAS's threads sleep at once when they have nothing to do: they waste half of the CPU time otherwise
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_THREAD_TIMEOUT": "4", **variables}
    command = [sys.executable, str(PROGRAM), *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("machine", MACHINES)
def test_films_do_not_depend_on_the_processor(machine: str, here: list[str]) -> None:
    assert elsewhere([], MACHINES[machine]) == here


@pytest.mark.parametrize("share", SHARES)
def test_films_do_not_depend_on_the_sizes_of_strips(share: str, here: list[str]) -> None:
    sizes, threads = SHARES[share]
    assert elsewhere(sizes, {"OPENBLAS_NUM_THREADS": threads}) == here


def inexact(path: Path) -> set[str]:
    """Return the functions of numpy and math in a module whose results depend on the processor."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(value=ast.Name(id="np" | "math"), attr=name) if name in INEXACT:
                found.add(name)
            case ast.BinOp(op=ast.MatMult()):
                found.add("@")
    return found


def test_pixel_code_calls_exact_functions_only() -> None:
    modules = [path for folder in ("film", "images") for path in (ROOT / "print_mgmt" / folder).rglob("*.py")]
    found = {path.name: names for path in modules if (names := inexact(path))}
    assert found == {"raster.py": {"matmul", "@"}}
