"""Ranges as levels: `{low: 2, high: 16, type: int}`, for what a search or a tuning samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from ablate.errors import RequestError
from ablate.validation import explain
from lightning_modules.choices import Choices

_DIGITS = 4
"""Significant digits of a sampled number: a level must be readable, and no result hangs on the fifth."""


class _Fields(Choices):
    low: float
    high: float
    type: Literal["int", "float"] | None = None
    log: bool = False
    step: float | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included: whole ones, equally spaced ones (`step`) or any.

    With `log` a sampler spreads its values over orders of magnitude.
    """

    low: float
    high: float
    integer: bool = False
    log: bool = False
    step: float | None = None

    def __contains__(self, value: float) -> bool:
        if not self.low <= value <= self.high or (self.integer and value != int(value)):
            return False
        return self.step is None or _whole((value - self.low) / self.step)

    def __str__(self) -> str:
        parts = [f"{self.low:g}..{self.high:g}"]
        parts += [f"in steps of {self.step:g}"] if self.step is not None and self.step != 1 else []
        return " ".join([*parts, *(["log"] if self.log else [])])

    def settle(self, value: float) -> float:
        """A sampled number as it is used and printed: whole where it has to be, else of four digits, in the range."""
        if self.integer:
            return round(value)
        if self.step is not None:
            return float(f"{value:.12g}")
        return min(max(float(f"{value:.{_DIGITS}g}"), self.low), self.high)


def is_range(value: Mapping[str, Any]) -> bool:
    """Whether a mapping means a range: it names one of its ends."""
    return "low" in value or "high" in value


def read(value: Mapping[str, Any], where: str) -> Range:
    """A range from a study file.

    Raises:
        RequestError: naming what is wrong with it.
    """
    try:
        fields = _Fields.model_validate(dict(value))
    except ValidationError as error:
        raise RequestError(f"{where}.{explain(error, _Fields)}") from error
    whole = all(isinstance(each, int) for each in (value["low"], value["high"], value.get("step", 1)))
    integer = fields.type == "int" or (fields.type is None and whole)
    if reason := _problem(fields, integer=integer, whole=whole):
        raise RequestError(f"{where}{reason}")
    if integer:
        return Range(int(fields.low), int(fields.high), True, fields.log, int(fields.step or 1))
    return Range(fields.low, fields.high, False, fields.log, fields.step)


def _problem(fields: _Fields, *, integer: bool, whole: bool) -> str | None:
    low, high, step = fields.low, fields.high, fields.step
    if integer and not whole:
        return ".type: int needs whole numbers for low, high and step"
    if not low < high:
        return f".high: {high:g} is not above low, {low:g}"
    if fields.log and low <= 0:
        return f".low: {low:g} has no logarithm; with log it must be above 0"
    if step is None:
        return None
    if fields.log:
        return f".step: {step:g} cannot be taken on a logarithmic scale; leave out step or log"
    if step <= 0:
        return f".step: {step:g} is too small; a number above 0 is needed"
    if not _whole((high - low) / step):
        return f".step: {step:g} does not lead from {low:g} to {high:g} in whole steps"
    return None


def _whole(number: float) -> bool:
    return math.isclose(number, round(number), abs_tol=1e-9)
