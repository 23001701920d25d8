"""A film has the same pixels on every processor, with every BLAS kernel, and with any sizes of work."""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
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

SMALL_STRIPS = ("_STRIP=1", "_COPY_BLOCK=512")
LARGE_STRIPS = ("_STRIP=100000000", "_MAX_PRODUCT=100000000")
NARROW_BANDS = ("_BAND=5", "_COLUMNS=7", "_MAX_SPAN=32", "_MAX_PRODUCT=4096")


def blas(kernel: str, threads: int = 1) -> dict[str, str]:
    """Return the variables for a kernel of OpenBLAS; other libraries, and other processors than x86, ignore it."""
    return {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": str(threads)}


# Sizes of work of the renderer, and variables. One process starts for each, so that a machine also has other sizes
MACHINES = {
    "Haswell": ((), blas("Haswell")),
    "Sandybridge, small strips": (SMALL_STRIPS, blas("Sandybridge")),
    "Nehalem, large strips, 2 threads": (LARGE_STRIPS, blas("Nehalem", 2)),
    "Prescott, narrow bands, 2 threads": (NARROW_BANDS, blas("Prescott", 2)),
    "no SIMD": ((), {"NPY_DISABLE_CPU_FEATURES": simd_found()}),
}


@pytest.fixture(scope="module")
def here() -> list[str]:
    return fingerprints()


def elsewhere(sizes: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    paths = os.pathsep.join(map(str, (ROOT, *sys.path)))
    # OpenBLAS's threads sleep at once when they have nothing to do: they waste half of the CPU time otherwise
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_THREAD_TIMEOUT": "4", **variables}
    command = [sys.executable, str(PROGRAM), *sizes]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize("machine", MACHINES)
def test_films_do_not_depend_on_the_machine(machine: str, here: list[str]) -> None:
    assert elsewhere(*MACHINES[machine]) == here


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
