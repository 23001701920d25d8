"""The characteristic curve of an exposing device: which value makes which density.

A calibration measures the densities of a step wedge of known values. The file is CSV with the columns
``density`` (OD) and ``value`` (in any unit, 0 to full scale); the largest value is full scale.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import OWN_RULE, LayoutError

__all__ = ["CharacteristicCurve", "read_curve"]

_COLUMNS = ["density", "value"]


@dataclass(frozen=True, slots=True)
class CharacteristicCurve:
    """Densities (OD, ascending) and the values that make them, ascending or descending throughout."""

    densities: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        densities, values = np.asarray(self.densities), np.asarray(self.values)
        if len(densities) != len(values) or len(densities) < 2:
            _refuse(f"{len(densities)} densities for {len(values)} values", "needs two points at least")
        if not (np.isfinite(densities).all() and np.isfinite(values).all() and values.min() >= 0):
            _refuse(values.min(), "needs finite densities, and values of 0 or more")
        _require_monotone(densities, "densities", np.diff(densities) > 0)
        steps = np.diff(values)
        _require_monotone(values, "values", steps > 0 if steps[0] > 0 else steps < 0)

    def drive(self, density: ArrayLike) -> NDArray[np.float64]:
        """Return the value, 0 to 1 of full scale, that makes a density (OD); beyond the measured ones the last."""
        return _interpolated(density, self.densities, np.asarray(self.values) / max(self.values))

    def density(self, drive: ArrayLike) -> NDArray[np.float64]:
        """Return the density (OD) that a value of 0 to 1 of full scale makes; beyond the measured ones the last."""
        step = 1 if self.values[0] < self.values[-1] else -1
        parts = np.asarray(self.values[::step]) / max(self.values)
        return _interpolated(drive, parts, self.densities[::step])


def _interpolated(x: ArrayLike, points: ArrayLike, values: ArrayLike) -> NDArray[np.float64]:
    """Interpolate between rising points; not by np.interp, which fuses operations on some processors."""
    points, values = np.asarray(points, np.float64), np.asarray(values, np.float64)
    sought = np.clip(np.asarray(x, np.float64), points[0], points[-1])
    step = np.searchsorted(points[1:-1], sought, side="right")
    share = (sought - points[step]) / (points[step + 1] - points[step])
    return np.asarray(values[step] + share * (values[step + 1] - values[step]))


def read_curve(lines: Iterable[str]) -> CharacteristicCurve:
    """Read a curve from the lines of a CSV file; rows may be in any order. Raises LayoutError."""
    header, *rows = _rows(lines) or [[]]
    if [cell.strip().lower() for cell in header] != _COLUMNS:
        _refuse(header, f"needs the columns {', '.join(_COLUMNS)}")
    points = sorted(_point(row) for row in rows)
    return CharacteristicCurve(tuple(density for density, _ in points), tuple(value for _, value in points))


def _rows(lines: Iterable[str]) -> list[list[str]]:
    try:
        return list(csv.reader(line for line in lines if line.strip() and not line.startswith("#")))
    except csv.Error as exc:
        raise LayoutError("characteristic curve", "CSV", str(exc), rule=OWN_RULE) from exc


def _point(row: list[str]) -> tuple[float, float]:
    try:
        density, value = (float(cell) for cell in row)
    except ValueError as exc:
        raise LayoutError("characteristic curve", row, "is no row of two numbers", rule=OWN_RULE) from exc
    return density, value


def _require_monotone(series: NDArray[np.float64], name: str, good: NDArray[np.bool_]) -> None:
    if not good.all():
        at = int(np.argmin(good))
        _refuse(series[at + 1].item(), f"{name} must rise or fall throughout; after {series[at]:g}")


def _refuse(value: object, why: str) -> None:
    raise LayoutError("characteristic curve", value, why, rule=OWN_RULE)
