"""The Grayscale Standard Display Function, compared with the tables of PS3.14."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from print_mgmt.film.gsdf import FilmViewing, jnd_index, luminance

NOMINAL = FilmViewing()
VECTORS = Path(__file__).parents[2] / "vectors"


def table(name: str) -> tuple[list[float], list[float]]:
    with (VECTORS / name).open(newline="") as file:
        rows = [[float(number) for number in row] for row in list(csv.reader(file))[1:]]
    return [row[0] for row in rows], [row[1] for row in rows]


def test_luminance_matches_table_b_1() -> None:
    """All 1023 rows, to the four decimals of the table."""
    indices, printed = table("gsdf_table_b1.csv")
    assert len(indices) == 1023
    computed = luminance(np.array(indices))
    assert np.all(np.abs(computed - printed) <= np.maximum(1e-4, 5e-5 * np.array(printed)))


def test_jnd_index_inverts_luminance() -> None:
    """The polynomial of PS3.14 §7.1 has an error of up to 0.09 just-noticeable differences."""
    indices = np.arange(1.0, 1024.0)
    assert np.abs(jnd_index(luminance(indices)) - indices).max() < 0.005


def test_densities_match_table_d_2_1() -> None:
    """8-bit P-Values on a film of 0.20 to 3.00 OD, under 2000 and 10 cd/m2, within 0.002 OD."""
    p_values, printed = table("gsdf_table_d2_1.csv")
    assert len(p_values) == 256
    assert np.abs(NOMINAL.density(np.array(p_values) / 255) - printed).max() < 0.002


def test_p_value_inverts_density() -> None:
    p_values = np.linspace(0, 1, 101)
    assert np.abs(NOMINAL.p_value(NOMINAL.density(p_values)) - p_values).max() < 1e-5


@pytest.mark.parametrize(("density", "p_value"), [(3.0, 0.0), (0.2, 1.0), (9.0, 0.0), (0.0, 1.0)])
def test_density_beyond_the_film_has_the_nearest_p_value(density: float, p_value: float) -> None:
    assert NOMINAL.p_value(density) == pytest.approx(p_value)


def test_reflective_print_matches_the_standard() -> None:
    """PS3.14 §7.2: L = L0 * 10 ** -D, with 150 cd/m2."""
    paper = FilmViewing(min_density=0.05, max_density=2.10, illumination=150, ambient=0)
    assert paper.density(np.array([0, 64, 128, 192, 255]) / 255) == pytest.approx(
        [2.100, 1.322, 0.814, 0.406, 0.050], abs=0.002
    )


@pytest.mark.parametrize(
    ("illumination", "ambient", "defined"),
    [(2000, 10, True), (2000, 0, True), (0, 10, False), (65535, 10, False), (2000, 65535, False), (1, 0, False)],
)
def test_is_defined_rejects_unusable_light(illumination: float, ambient: float, defined: bool) -> None:
    """PS3.14 §7.1: 0.05 to 4000 cd/m2."""
    assert FilmViewing(illumination=illumination, ambient=ambient).is_defined() is defined


@pytest.mark.parametrize(
    ("min_density", "max_density", "illumination"),
    [(0.20, 2.00, 5), (0.20, 3.00, 50), (0.20, 4.00, 500), (0, 3.00, 4000), (1.00, 3.00, 40000)],
)
def test_limits_of_the_function_are_defined(min_density: float, max_density: float, illumination: int) -> None:
    """500 cd/m2 through 4.00 OD are 0.05 cd/m2, 40000 cd/m2 through 1.00 OD are 4000 cd/m2 (PS3.14 §7.1)."""
    on_the_limit = FilmViewing(min_density=min_density, max_density=max_density, illumination=illumination, ambient=0)
    assert on_the_limit.is_defined()


@given(st.integers(0, 200), st.integers(1, 300), st.integers(1, 3500), st.integers(0, 500))
def test_densities_fall_as_p_values_rise(least: int, more: int, illumination: int, ambient: int) -> None:
    viewing = FilmViewing(
        min_density=least / 100, max_density=(least + more) / 100, illumination=illumination, ambient=ambient
    )
    assume(viewing.is_defined())
    densities = viewing.density(np.linspace(0, 1, 256))
    assert densities[0] == pytest.approx(viewing.max_density, abs=0.002)
    assert densities[-1] == pytest.approx(viewing.min_density, abs=0.002)
    assert np.all(np.diff(densities) <= 0)
