"""Film imagers: how a printer exposes films, and the characteristic curve of its device.

PS3.3 C.13 defines the requests of a client. Each printer has its own resolution, margins, limits of density and
defaults; its conformance statement lists them.

A characteristic curve gives the drive value for each density. A calibration exposes a step wedge of known values, and
measures their densities. Its result is a CSV file with the columns ``density`` (OD) and ``value`` (in any unit, from
0); the largest value is full scale.
"""

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import IMAGE_BOX_RULE, OWN_RULE, LayoutError, require
from .formats import Rect
from .gsdf import FilmViewing

__all__ = [
    "ANNOTATION_FORMATS",
    "BEHAVIORS",
    "FILM",
    "PAPER",
    "RESOLUTIONS",
    "CharacteristicCurve",
    "Imager",
    "read_curve",
]

RESOLUTIONS = ("STANDARD", "HIGH")
BEHAVIORS = ("DECIMATE", "CROP", "FAIL")

_STRIP = 6.0  # mm: the height of a box, for text of about 4 mm, which is legible at arm's length
# Annotation Display Format ID: its annotation boxes, in the order of Annotation Position
ANNOTATION_FORMATS = {
    "ANNOTATION": (Rect(3, -3 - _STRIP, -3, _STRIP),),
    "LABEL": (Rect(3, 3, -3, _STRIP),),
    "COMBINED": (Rect(3, 3, -3, _STRIP), Rect(3, -3 - _STRIP, -3, _STRIP)),
}
_MAX_DPI = 3855  # at a higher resolution, a film of 17 inches has more pixels than Rows, of VR US, can tell
_COLUMNS = ["density", "value"]


@dataclass(frozen=True, slots=True)
class CharacteristicCurve:
    """Densities (OD, ascending), and the drive values that make them, ascending or descending throughout.

    Raises LayoutError for densities and values in another order, for numbers that are not finite, for negative values,
    for fewer than two points, and for two tuples of different lengths.
    """

    densities: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        densities, values = np.asarray(self.densities), np.asarray(self.values)
        if len(densities) != len(values) or len(densities) < 2:
            _refuse(
                f"{len(densities)} densities and {len(values)} values",
                "needs two or more densities, and as many values",
            )
        wrong = [*densities[~np.isfinite(densities)], *values[~(np.isfinite(values) & (values >= 0))]]
        if wrong:
            _refuse(float(wrong[0]), "needs finite densities, and finite values of 0 or more")
        _require_monotone(densities, "densities must rise throughout", np.diff(densities) > 0)
        steps = np.diff(values)
        _require_monotone(values, "values must rise or fall throughout", steps > 0 if steps[0] > 0 else steps < 0)

    def drive(self, density: ArrayLike) -> NDArray[np.float64]:
        """Return the drive value, 0 to 1, for a density (OD). A density out of range has the nearest measured value."""
        return _interpolate(density, self.densities, np.asarray(self.values) / max(self.values))

    def density(self, drive: ArrayLike) -> NDArray[np.float64]:
        """Return the density (OD) of a drive value, 0 to 1. A value out of range has the nearest measured density."""
        step = 1 if self.values[0] < self.values[-1] else -1
        parts = np.asarray(self.values[::step]) / max(self.values)
        return _interpolate(drive, parts, self.densities[::step])


@dataclass(frozen=True, slots=True, kw_only=True)
class Imager:
    """A film imager; if ``reflective``, it prints on paper.

    ``dpi`` is the resolution of STANDARD, ``high_dpi`` of HIGH. ``edge_mm`` is the margin that cannot be exposed, and
    ``gap_mm`` the gap between image boxes. ``slide_mm`` and ``superslide_mm`` are width and height of a slide.

    MinDensity and MaxDensity (hundredths of OD) are the limits of the film. Densities, Illumination and
    ReflectedAmbientLight (cd/m2) are also the defaults for a film box without values of its own (PS3.14 §7.2).
    ``curve`` is for a device that takes drive values; without a curve, pages are for a display that conforms to PS3.14.

    ``custom_formats`` has the image boxes of ``CUSTOM\\i``, and ``annotation_formats`` the annotation boxes of each
    Annotation Display Format ID, both in the order of their positions; `Rect.on` explains negative values. ``fonts``
    are files or names; annotations use them before the fonts of the system.

    Raises LayoutError.
    """

    dpi: int = 320
    high_dpi: int = 640
    edge_mm: float = 3.0  # imagers cannot expose the last few millimeters of a film
    gap_mm: float = 1.0  # visible, and 99 boxes still fit on the smallest film
    MinDensity: int = 20
    MaxDensity: int = 300
    Illumination: int = 2000
    ReflectedAmbientLight: int = 10
    reflective: bool = False
    RequestedDecimateCropBehavior: str = "DECIMATE"
    custom_formats: Mapping[int, tuple[Rect, ...]] = field(default_factory=dict)
    annotation_formats: Mapping[str, tuple[Rect, ...]] = field(default_factory=lambda: ANNOTATION_FORMATS)
    slide_mm: tuple[float, float] = (36.0, 24.0)
    superslide_mm: tuple[float, float] = (40.0, 40.0)
    fonts: tuple[str, ...] = ()
    curve: CharacteristicCurve | None = None

    def __post_init__(self) -> None:
        for name, value in (("dpi", self.dpi), ("high_dpi", self.high_dpi)):
            if not 0 < value <= _MAX_DPI:
                raise LayoutError(name, value, f"is not a resolution from 1 to {_MAX_DPI} dpi", rule=OWN_RULE)
        for name, length in (("edge_mm", self.edge_mm), ("gap_mm", self.gap_mm)):
            if not 0 <= length < math.inf:
                raise LayoutError(name, length, "is not a length of 0 mm or more", rule=OWN_RULE)
        for name, size in (("slide_mm", self.slide_mm), ("superslide_mm", self.superslide_mm)):
            if not all(0 < side < math.inf for side in size):
                raise LayoutError(name, size, "is not a width and a height above 0 mm", rule=OWN_RULE)
        require("RequestedDecimateCropBehavior", self.RequestedDecimateCropBehavior, BEHAVIORS, rule=IMAGE_BOX_RULE)
        if not self.viewing().is_defined():
            light = f"{self.Illumination} and {self.ReflectedAmbientLight} cd/m2"
            why = "must rise, and give luminances of 0.05 to 4000 cd/m2 that are one JND or more apart"
            raise LayoutError(
                "densities", f"{self.MinDensity} to {self.MaxDensity} under {light}", why, rule="PS3.14 §7.1"
            )

    def __hash__(self) -> int:
        # Only some fields, because mappings have no hash
        return hash((self.dpi, self.edge_mm, self.gap_mm, self.MinDensity, self.MaxDensity))

    def viewing(
        self,
        *,
        MinDensity: int | None = None,
        MaxDensity: int | None = None,
        Illumination: int | None = None,
        ReflectedAmbientLight: int | None = None,
    ) -> FilmViewing:
        """Return the viewing conditions of a film, PS3.14 §7.2. None stands for the value of the printer."""
        ambient = self.ReflectedAmbientLight if ReflectedAmbientLight is None else ReflectedAmbientLight
        return FilmViewing(
            min_density=(self.MinDensity if MinDensity is None else MinDensity) / 100,
            max_density=(self.MaxDensity if MaxDensity is None else MaxDensity) / 100,
            illumination=self.Illumination if Illumination is None else Illumination,
            ambient=0 if self.reflective else ambient,  # on paper, the reflected light is the image itself
        )

    def light(
        self,
        Illumination: int,
        ReflectedAmbientLight: int,
        *,
        MinDensity: int | None = None,
        MaxDensity: int | None = None,
    ) -> tuple[int, int]:
        """Return the Illumination and Reflected Ambient Light (cd/m2) that a film is made for.

        Each is the requested value if it can be used, or else the value of the printer. Light can be used if the film
        has luminances within PS3.14 §7.1 under it, and if the lightbox is brighter than the ambient light. The film has
        the densities MinDensity to MaxDensity (hundredths of OD; None stands for the value of the printer). Paper keeps
        the ambient light of the printer.
        """
        own = self.Illumination, self.ReflectedAmbientLight
        if (Illumination, ReflectedAmbientLight) == own:
            return own
        ambient = own[1] if self.reflective else ReflectedAmbientLight
        limits = {"MinDensity": MinDensity, "MaxDensity": MaxDensity}
        if not self.viewing(**limits).is_defined():  # the densities are too close even under the light of the printer
            limits = {}
        for light in ((Illumination, ambient), (Illumination, own[1]), (own[0], ambient)):
            seen = self.viewing(Illumination=light[0], ReflectedAmbientLight=light[1], **limits)
            if seen.illumination > seen.ambient and seen.is_defined():
                return light
        return own

    def resolution(self, RequestedResolutionID: str = "STANDARD") -> int:
        """Return the resolution in dpi of STANDARD or HIGH. Raises LayoutError for another term."""
        require("RequestedResolutionID", RequestedResolutionID, RESOLUTIONS)
        return self.dpi if RequestedResolutionID == "STANDARD" else self.high_dpi


# Film and paper under the light that PS3.3 C.13.3 recommends; the film is the example of PS3.14 D.2
FILM = Imager()
PAPER = Imager(reflective=True, MinDensity=5, MaxDensity=210, Illumination=150, ReflectedAmbientLight=0)


# --- characteristic curves ---


def _interpolate(x: ArrayLike, points: ArrayLike, values: ArrayLike) -> NDArray[np.float64]:
    """Interpolate between ascending points, without np.interp, which rounds differently on some processors."""
    points, values = np.asarray(points, np.float64), np.asarray(values, np.float64)
    sought = np.clip(np.asarray(x, np.float64), points[0], points[-1])
    step = np.searchsorted(points[1:-1], sought, side="right")
    share = (sought - points[step]) / (points[step + 1] - points[step])
    return np.asarray(values[step] + share * (values[step + 1] - values[step]))


def read_curve(lines: Iterable[str]) -> CharacteristicCurve:
    """Read a curve from the lines of a CSV file, with rows in any order. Raises LayoutError.

    Empty lines, and lines that begin with ``#``, are ignored.
    """
    header, *rows = _read_rows(lines) or [[]]
    if [cell.strip().lower() for cell in header] != _COLUMNS:
        _refuse(",".join(header), f"the first line must be {','.join(_COLUMNS)}")
    points = sorted(_read_point(row) for row in rows)
    return CharacteristicCurve(tuple(density for density, _ in points), tuple(value for _, value in points))


def _read_rows(lines: Iterable[str]) -> list[list[str]]:
    try:
        return list(csv.reader(line for line in lines if line.strip() and not line.startswith("#")))
    except csv.Error as exc:
        raise LayoutError("characteristic curve", "CSV", str(exc), rule=OWN_RULE) from exc


def _read_point(row: list[str]) -> tuple[float, float]:
    try:
        density, value = (float(cell) for cell in row)
    except ValueError as exc:
        raise LayoutError("characteristic curve", ",".join(row), "is not a row of two numbers", rule=OWN_RULE) from exc
    return density, value


def _require_monotone(series: NDArray[np.float64], rule: str, is_right: NDArray[np.bool_]) -> None:
    if not is_right.all():
        at = int(np.argmin(is_right))
        _refuse(series[at + 1].item(), f"follows {series[at]:g}, but {rule}")


def _refuse(value: object, why: str) -> None:
    raise LayoutError("characteristic curve", value, why, rule=OWN_RULE)
