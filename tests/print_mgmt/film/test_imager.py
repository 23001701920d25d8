"""Imagers and their characteristic curves."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from print_mgmt.film import CharacteristicCurve, Imager, LayoutError, read_curve

CSV = "# wedge of 4\ndensity, value\n3.00, 0\n0.20, 255\n\n1.60, 100\n"


def test_drive_interpolates_the_measured_values() -> None:
    """A density out of range has the nearest measured value. The largest value is full scale."""
    curve = read_curve(CSV.splitlines())
    assert curve.densities == (0.2, 1.6, 3.0)
    assert curve.drive([3.0, 2.3, 1.6, 0.2]) * 255 == pytest.approx([0, 50, 100, 255])
    assert curve.drive([9.0, 0.0]) * 255 == pytest.approx([0, 255])


def test_values_may_rise_with_density() -> None:
    curve = CharacteristicCurve((0.2, 3.0), (0, 4095))
    assert np.all(np.diff(curve.drive(np.linspace(0, 4, 50))) >= 0)


@pytest.mark.parametrize("values", [(0, 100, 255), (4095, 2000, 0)])
def test_density_inverts_drive(values: tuple[float, ...]) -> None:
    curve = CharacteristicCurve((0.2, 1.6, 3.0), values)
    densities = np.linspace(0.2, 3.0, 29)
    assert curve.density(curve.drive(densities)) == pytest.approx(densities)
    assert curve.density([0, 1]) == pytest.approx((0.2, 3.0) if values[0] == 0 else (3.0, 0.2))


def test_density_beyond_the_measured_values_is_the_nearest() -> None:
    assert CharacteristicCurve((0.2, 3.0), (100, 200)).density([0, 0.5, 0.75]) == pytest.approx([0.2, 0.2, 1.6])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the first line must be density,value"),
        ("value,density\n1,2\n", "the first line must be density,value"),
        ("density,value\n", "needs two or more densities"),
        ("density,value\n1,2\n", "needs two or more densities"),
        ("density,value\n1,2\n1,3\n", "follows 1, but densities must rise throughout"),
        ("density,value\n1,2\n2,2\n", "values must rise or fall throughout"),
        ("density,value\n1,2\n2,3\n3,1\n", "follows 3, but values must rise or fall throughout"),
        ("density,value\n1,-2\n2,3\n", "values of 0 or more"),
        ("density,value\n1,nan\n2,3\n", "curve nan: needs finite"),
        ("density,value\n1,x\n2,3\n", "is not a row of two numbers"),
        ("density,value\n1\n2,3\n", "is not a row of two numbers"),
        ("density,value\n1,2,3\n", "is not a row of two numbers"),
        ("density,value\n" + "1" * 200_000, "field larger than field limit"),
    ],
)
def test_invalid_curve_is_refused(text: str, why: str) -> None:
    with pytest.raises(LayoutError, match=why):
        read_curve(text.splitlines())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("edge_mm", -0.1),
        ("edge_mm", nan),
        ("gap_mm", -3),
        ("gap_mm", inf),
        ("slide_mm", (36.0, 0.0)),
        ("superslide_mm", (40.0, nan)),
        ("RequestedDecimateCropBehavior", "crop"),
    ],
)
def test_invalid_imager_names_its_field(field: str, value: Any) -> None:
    with pytest.raises(LayoutError, match=f"^{field} "):
        Imager(**{field: value})
