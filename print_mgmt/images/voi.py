"""The VOI LUT module, PS3.3 C.11.2: windows and tables that select the Values of Interest of an image.

An image may have several tables (VOI LUT Sequence) and windows (Window Center and Width). They are alternatives, and
the first valid one is used unless the user selects another. Those of the frame itself come before those that all
frames share. Tables come before windows: a modality that writes both means the window for viewers that support no
tables.

Tables and windows return levels: 0 for the lowest output value, 1 for the highest.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice

import numpy as np

from ..film.elementary import exp
from .errors import ImageError
from .frame import Frame, shown_values
from .lut import lut_of, missing_parts
from .stored_values import Floats

__all__ = ["MAX_CHOICES", "VOI_FUNCTIONS", "Choice", "Voi", "Window", "choose"]

Voi = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Window:
    """A window, in units of the rescaled values. Calling it with values returns their levels, 0 to 1.

    Raises ImageError for a width or a function that PS3.3 does not allow, and for infinity and NaN.
    """

    WindowCenter: float
    WindowWidth: float
    VOILUTFunction: str = "LINEAR"

    def __post_init__(self) -> None:
        name, width = self.VOILUTFunction, self.WindowWidth
        if name not in VOI_FUNCTIONS:
            raise ImageError(f"VOILUTFunction {name!r} is not one of {', '.join(VOI_FUNCTIONS)} (PS3.3 C.11.2.1.3)")
        if not math.isfinite(width + self.WindowCenter):
            raise ImageError(f"WindowCenter {self.WindowCenter:g} and WindowWidth {width:g} must be finite numbers")
        if not (width >= 1 or (width > 0 and name != "LINEAR")):
            bound = "at least 1 (PS3.3 C.11.2.1.2)" if name == "LINEAR" else "positive (PS3.3 C.11.2.1.3)"
            raise ImageError(f"WindowWidth {width:g} must be {bound}")

    def __call__(self, values: Floats) -> Floats:
        return VOI_FUNCTIONS[self.VOILUTFunction](values, self.WindowCenter, self.WindowWidth)


# A window; the number (from 1) or the explanation of a table or window in the image; "auto" to use none of them, and
# stretch the values; None for the first valid table or window
Choice = Window | int | str | None

MAX_CHOICES = 256  # tables that are read, and windows that are read: a hostile image may list a million


def choose(frame: Frame, choice: Choice, *, is_signed: bool, scale_lut: bool = False) -> Voi | None:
    """Return the chosen table or window; None if the choice is "auto".

    Without a choice, return the first valid table or window, or None if there is none; invalid ones are skipped with a
    note. ``is_signed``: the rescaled values may be negative. ``scale_lut`` makes the largest entry of a table white.
    Raises ImageError if the chosen table or window is missing or invalid.
    """
    if isinstance(choice, Window):
        return choice
    if choice == "auto":
        return None
    tables, places = partial(_tables, is_signed=is_signed, scale=scale_lut), frame.places("WindowCenter")
    if choice is None:
        candidates_in_turn = (read(place) for place in places for read in (tables, _windows))
        return _first_valid(frame, chain.from_iterable(candidates_in_turn))
    candidates = next(filter(None, (tables(place) + _windows(place) for place in places)), [])
    for number, (explanation, make) in enumerate(candidates, 1):
        if choice == number or (isinstance(choice, str) and choice.casefold() == explanation.casefold()):
            return make()
    names = ", ".join(f"{number} {explanation}".rstrip() for number, (explanation, _) in enumerate(candidates, 1))
    raise ImageError(f"no VOI LUT or window {choice!r} in this image: it has {names or 'none'} (PS3.3 C.11.2)")


def _first_valid(frame: Frame, candidates: Iterable[tuple[str, Callable[[], Voi]]]) -> Voi | None:
    """Return the first valid table or window; None if all are invalid."""
    for _, make in candidates:
        try:
            return make()
        except ImageError as exc:
            frame.note(f"{exc}: ignored")
    return None


def _tables(frame: Frame, *, is_signed: bool, scale: bool) -> list[tuple[str, Callable[[], Voi]]]:
    """Return the explanation of each table and a function that reads the table: only the chosen one must be valid."""

    def table(index: int) -> Voi:
        name = f"VOILUTSequence[{index}]"
        if missing := missing_parts(items[index]):
            raise ImageError(f"{name} has no {missing} (PS3.3 C.11.2.1.1)")
        lut = lut_of(items[index], name, frame, is_signed=is_signed)
        if lut.is_short:
            raise ImageError(f"{name} LUTData has {len(lut.entries)} of {lut.descriptor.entries} entries")
        largest = max(int(lut.entries.max()), 1)
        highest = largest if scale or largest > lut.descriptor.highest else lut.highest
        if 2 * largest <= highest:
            frame.note(
                f"{name} LUTDescriptor says {lut.descriptor.bits} bits, but the largest entry is {largest}: "
                f"white is {highest}, so no pixel is white (PS3.3 C.11.2.1.1); scale_lut makes {largest} white"
            )
        return lambda values: lut.look_up(values) / highest

    items = frame.items("VOILUTSequence")[:MAX_CHOICES]
    return [(str(item.get("LUTExplanation") or ""), partial(table, index)) for index, item in enumerate(items)]


def _windows(frame: Frame) -> list[tuple[str, Callable[[], Voi]]]:
    centers, widths = frame.numbers_or_none("WindowCenter"), frame.numbers_or_none("WindowWidth")
    pairs = list(islice(zip(centers, widths, strict=False), MAX_CHOICES))
    explanations = [*frame.texts("WindowCenterWidthExplanation"), *[""] * len(pairs)]
    function = frame.term("VOILUTFunction", "LINEAR") if pairs else ""
    if pairs and function not in VOI_FUNCTIONS:
        frame.note(
            f"VOILUTFunction {shown_values([function])} is not one of {', '.join(VOI_FUNCTIONS)}: read as LINEAR"
            " (PS3.3 C.11.2.1.3)"
        )
        function = "LINEAR"
    return [(text, partial(_window, *pair, function)) for text, pair in zip(explanations, pairs, strict=False)]


def _window(center: float | None, width: float | None, function: str) -> Window:
    if center is None or width is None:
        raise ImageError("WindowCenter or WindowWidth is not a number (PS3.3 C.11.2.1.2)")
    return Window(center, width, function)


def _linear(x: Floats, c: float, w: float) -> Floats:
    """Apply PS3.3 C.11.2.1.2.1: the center is half a value lower than written, and the window one value narrower."""
    low, high = c - 0.5 - (w - 1) / 2, c - 0.5 + (w - 1) / 2
    ramp = (x - (c - 0.5)) / (w - 1 if w > 1 else 1) + 0.5  # a width of 1 has no ramp, only a step
    return np.where(x <= low, 0, np.where(x > high, 1, ramp))


def _linear_exact(x: Floats, c: float, w: float) -> Floats:
    """Apply PS3.3 C.11.2.1.3.2, as corrected in 2019: earlier editions lack the 0.5 that centers the ramp."""
    return np.where(x <= c - w / 2, 0, np.where(x > c + w / 2, 1, (x - c) / w + 0.5))


def _sigmoid(x: Floats, c: float, w: float) -> Floats:
    """Apply PS3.3 C.11.2.1.3.1."""
    return 1 / (1 + exp(-4 * (x - c) / w))


VOI_FUNCTIONS: dict[str, Callable[[Floats, float, float], Floats]] = {
    "LINEAR": _linear,
    "LINEAR_EXACT": _linear_exact,
    "SIGMOID": _sigmoid,
}
