"""Scales of a chart's axes: which part of the numbers is shown, where each is drawn, and which are labelled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """Numbers onto a length.

    Attributes:
        low, high: ends of what is shown; their decimal logarithms on a logarithmic scale.
        length: what they are drawn on, in units of the picture.
        log: whether the scale is logarithmic.
        down: whether large numbers are near 0, as they are on an axis that points up in a picture.
    """

    low: float
    high: float
    length: float
    log: bool = False
    down: bool = False

    @classmethod
    def over(
        cls, values: Iterable[float], length: float, *, log: bool = False, down: bool = False, pad: float = 0.05
    ) -> Scale:
        """The scale that shows all finite values, with room at both ends; a logarithmic one needs positive values."""
        shown = [value for value in values if math.isfinite(value)]
        log = log and bool(shown) and min(shown) > 0
        ends = [math.log10(value) for value in shown] if log else shown
        low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
        if high <= low:
            room = abs(low) * 0.1 or 1.0
            low, high = low - room, high + room
        margin = (high - low) * pad
        return cls(low - margin, high + margin, length, log, down)

    def __call__(self, value: float) -> float:
        """Where a value is drawn."""
        at = math.log10(value) if self.log else value
        share = (at - self.low) / (self.high - self.low)
        return self.length * (1 - share if self.down else share)

    def ticks(self, wanted: int = 6, *, at: Sequence[float] = ()) -> list[tuple[float, str]]:
        """(place, label) of round numbers within the scale, about as many as wanted; or of the numbers given."""
        if at:
            return [(self(value), label(value, _resolution(at))) for value in at]
        if self.log and self.high - self.low >= 1:
            return [(self(value), label(value, value)) for value in _decades(self.low, self.high, wanted)]
        low, high = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
        values, step = _round_numbers(low, high, wanted)
        return [(self(value), label(value, step)) for value in values]


def _resolution(values: Sequence[float]) -> float:
    """The step whose decimals tell these numbers exactly."""
    return next((10.0**-digits for digits in range(7) if all(round(each, digits) == each for each in values)), 1e-7)


def _round_numbers(low: float, high: float, wanted: int) -> tuple[list[float], float]:
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [count * step for count in range(first, last + 1)], step


def _decades(low: float, high: float, wanted: int) -> list[float]:
    """1, 2, 5 times the powers of ten where that is not too many, else powers of ten alone, every so many of them."""
    first, last = math.floor(low), math.ceil(high)
    dense = [each * 10.0**power for power in range(first, last + 1) for each in _STEPS[:3]]
    inside = [value for value in dense if low - 1e-9 <= math.log10(value) <= high + 1e-9]
    if len(inside) <= wanted + 3:
        return inside
    every = max(1, math.ceil((high - low) / wanted))
    return [10.0**power for power in range(first, last + 1, every) if low - 1e-9 <= power <= high + 1e-9]


def label(value: float, step: float) -> str:
    """A number with the decimals that its step needs, thousands apart, a true minus sign and no negative zero."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    text = f"{value:,.{decimals}f}"
    negative = text.startswith("-") and any(digit in text for digit in "123456789")
    return ("\N{MINUS SIGN}" if negative else "") + text.lstrip("-")
