"""Logarithms and exponentials with the same bits on every processor.

The functions log, exp and power of numpy and of the C library differ in their last bit between instruction sets.
Addition, multiplication and division do not: IEEE 754 defines their rounding. So the series here use nothing else, one
operation of numpy at a time. Results of `log` and `exp` are within 2 units in the last place. The error of
`power_of_10` grows with its argument; it is about 16 units at 4 and at -4.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["exp", "log", "log10", "polynomial", "power_of_10"]

Floats = NDArray[np.float64]

_LN2 = 0.6931471805599453
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # exponent * _LN2_HIGH is exact
_LN10 = 2.302585092994046
_SQRT_HALF = 0.7071067811865476
_MAX_EXPONENT = 700.0  # larger exponents would overflow
_ATANH = tuple(1 / odd for odd in range(3, 25, 2))  # coefficients of powers of z * z, which is at most 0.03
_EXPONENTIAL = tuple(1 / math.factorial(n) for n in range(15))


def log(x: ArrayLike) -> Floats:
    """Return the natural logarithm of positive finite numbers."""
    mantissa, exponent = np.frexp(np.asarray(x, np.float64))
    is_low = mantissa < _SQRT_HALF
    mantissa, exponent = np.where(is_low, 2 * mantissa, mantissa), exponent - is_low
    z = (mantissa - 1) / (mantissa + 1)
    square = z * z
    tail = 2 * z * (square * polynomial(square, _ATANH))
    return np.asarray(exponent * _LN2_HIGH + (2 * z + (tail + exponent * _LN2_LOW)))


def exp(x: ArrayLike) -> Floats:
    """Return e to the power of ``x``, which is clipped to -700 to 700."""
    x = np.clip(np.asarray(x, np.float64), -_MAX_EXPONENT, _MAX_EXPONENT)
    doublings = np.rint(x / _LN2)
    rest = x - doublings * _LN2_HIGH - doublings * _LN2_LOW
    return np.asarray(np.ldexp(polynomial(rest, _EXPONENTIAL), doublings.astype(np.intc)))


def log10(x: ArrayLike) -> Floats:
    """Return the decimal logarithm of positive finite numbers."""
    return np.asarray(log(x) / _LN10)


def power_of_10(x: ArrayLike) -> Floats:
    """Return 10 to the power of ``x``, which is clipped to -304 to 304."""
    return exp(np.asarray(x) * _LN10)


def polynomial(x: Floats, coefficients: tuple[float, ...]) -> Floats:
    """Evaluate a polynomial with its coefficients by ascending powers, one operation of numpy at a time."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return np.asarray(value)
