"""Numbers as a reader sees them: accuracies in per cent, differences in points, p values, counts."""

from __future__ import annotations

import math

MISSING = "-"


def absent(value: object) -> bool:
    """Whether a cell of a frame holds no number."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def fixed(value: float, decimals: int = 1, *, sign: bool = False) -> str:
    """A decimal number with thousands separators and without a negative zero."""
    if absent(value):
        return MISSING
    text = f"{value:{'+' if sign else ''},.{decimals}f}"
    return text.lstrip("+-") if float(text.replace(",", "")) == 0 else text


def percent(value: float, low: float | None = None, high: float | None = None) -> str:
    """A fraction in per cent with its interval: `93.1 (92.6, 93.6)`."""
    return _with_interval(value, low, high, sign=False)


def points(value: float, low: float | None = None, high: float | None = None) -> str:
    """A difference of fractions in percentage points with its interval: `+0.3 (-0.2, +0.8)`."""
    return _with_interval(value, low, high, sign=True)


def span(low: float, high: float) -> str:
    """An interval of a difference in percentage points: `-0.2 to +0.8`; an end beside zero keeps its side of it."""
    return f"{_end(low * 100)} to {_end(high * 100)}"


def _end(value: float) -> str:
    rounded = fixed(value, sign=True)
    return significant(value, 1, sign=True) if rounded == "0.0" and value else rounded


def _with_interval(value: float, low: float | None, high: float | None, *, sign: bool) -> str:
    centre = fixed(value * 100, sign=sign) if not absent(value) else MISSING
    if low is None or high is None or absent(low) or absent(high):
        return centre
    return f"{centre} ({fixed(low * 100, sign=sign)}, {fixed(high * 100, sign=sign)})"


def p_value(value: float) -> str:
    """A p value to three decimals; missing where no test exists."""
    if absent(value):
        return MISSING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def significant(value: float, digits: int = 2, *, sign: bool = False) -> str:
    """A quantity of unknown size to a few significant digits, without an exponent."""
    if absent(value) or value == 0 or math.isinf(value):
        return MISSING if absent(value) else "0" if value == 0 else str(value)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return fixed(value, decimals, sign=sign)


def margin(value: float | None) -> str:
    """The margin of equivalence in points: `margin 1 point`."""
    if value is None:
        return "no margin"
    size = f"{value * 100:.10g}"
    return f"margin {size} point{'' if size == '1' else 's'}"


def count(number: int, noun: str) -> str:
    """`1 run`, `5 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listing(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"
