"""The Grayscale Standard Display Function, PS3.14, applied to optical densities.

``luminance`` is the function itself: the luminance of each JND Index, which counts just-noticeable differences.
``jnd_index`` is its inverse.

The greatest and the least density of a film give a range of luminances. P-Values divide this range into steps, each of
the same number of just-noticeable differences (PS3.14 §7.2 and D.2). ``density`` and ``p_value`` convert between
P-Values and densities.

Here a P-Value is 0 (darkest) to 1, for any number of bits. Luminances are cd/m2, densities OD.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .elementary import log, log10, polynomial, power_of_10

__all__ = ["FilmViewing", "jnd_index", "luminance"]

Floats = NDArray[np.float64]

# PS3.14 §7.1: numerator and denominator, by ascending powers of ln j
_NUMERATOR = (-1.3011877, 8.0242636e-2, 1.3646699e-1, -2.5468404e-2, 1.3635334e-3)
_DENOMINATOR = (1.0, -2.5840191e-2, -1.0320229e-1, 2.8745620e-2, -3.1978977e-3, 1.2992634e-4)
# PS3.14 §7.1: the inverse, by ascending powers of log10 L
_INVERSE = (
    *(71.498068, 94.593053, 41.912053, 9.8247004, 0.28175407),
    *(-1.1878455, -0.18014349, 0.14710899, -0.017046845),
)
_MIN_LUMINANCE, _MAX_LUMINANCE = 0.05, 4000.0  # cd/m2, the range of the function
_ROUNDING = 1e-9  # a luminance on a limit may be computed as just beyond it; the relative error is below this
_MAX_LIGHT = 1e9  # cd/m2: below the sun, above any lightbox


def luminance(j: float | Floats) -> Floats:
    """Return the luminance (cd/m2) of JND Index ``j``, 1 to 1023, PS3.14 §7.1."""
    return power_of_10(_log_luminance(j))


def _log_luminance(j: float | Floats) -> Floats:
    x = log(j)
    return np.asarray(polynomial(x, _NUMERATOR) / polynomial(x, _DENOMINATOR))


def jnd_index(luminance: float | Floats) -> Floats:
    """Return the JND Index of a luminance, 0.05 to 4000 cd/m2, PS3.14 §7.1.

    The polynomial of the standard has an error of up to 0.09 JND. A step of the secant method reduces it to 0.005 JND.
    """
    sought = log10(luminance)
    estimate: Floats = np.asarray(polynomial(sought, _INVERSE), np.float64)
    return np.asarray(
        estimate
        + (sought - _log_luminance(estimate)) / (_log_luminance(estimate + 0.5) - _log_luminance(estimate - 0.5))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmViewing:
    """A film on a lightbox: its densities (OD) and its light (cd/m2). The default is the example of PS3.14 D.2.

    `density` and `p_value` have a meaning only if `is_defined` returns True; they do not check this.
    """

    min_density: float = 0.20
    max_density: float = 3.00
    illumination: float = 2000.0  # L0: the luminance of the lightbox
    ambient: float = 10.0  # La: the ambient light that the film reflects

    def is_defined(self) -> bool:
        """Return whether the luminances of the film are within the range of PS3.14 §7.1, and at least one JND apart."""
        is_lit = 0 < self.illumination < _MAX_LIGHT and 0 <= self.ambient < _MAX_LIGHT
        if not (is_lit and 0 <= self.min_density < self.max_density):
            return False
        luminances = self.luminance_of(np.array([self.max_density, self.min_density]))
        return bool(
            luminances[0] >= _MIN_LUMINANCE * (1 - _ROUNDING)
            and luminances[1] <= _MAX_LUMINANCE * (1 + _ROUNDING)
            and np.diff(jnd_index(luminances))[0] >= 1
        )

    def density(self, p_value: float | Floats) -> Floats:
        """Return the density (OD) of a P-Value, 0 to 1."""
        darkest, brightest = self._range()
        luminances = luminance(darkest + np.asarray(p_value) * (brightest - darkest))
        transmitted = (luminances - self.ambient) / self.illumination
        transmitted = np.clip(transmitted, power_of_10(-self.max_density), power_of_10(-self.min_density))
        return np.asarray(-log10(transmitted))

    def p_value(self, density: float | Floats) -> Floats:
        """Return the P-Value, 0 to 1, of a density (OD). A density out of range is replaced by the nearest limit."""
        darkest, brightest = self._range()
        indices = jnd_index(self.luminance_of(np.clip(density, self.min_density, self.max_density)))
        return np.clip((indices - darkest) / (brightest - darkest), 0.0, 1.0)

    def luminance_of(self, density: float | Floats) -> Floats:
        """Return the luminance (cd/m2) of a density (OD) on this film, PS3.14 §7.2."""
        return np.asarray(self.ambient + self.illumination * power_of_10(-np.asarray(density)))

    def _range(self) -> tuple[float, float]:
        return float(jnd_index(self.luminance_of(self.max_density))), float(
            jnd_index(self.luminance_of(self.min_density))
        )
