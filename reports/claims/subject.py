"""What a claim is about in one study: the axis, the two levels, the matched cells, the limits of the difference."""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reports import wording
from reports.claims.grammar import Claim, Condition
from reports.family import rules_of
from reports.matching import Match, axis_of, pairs
from reports.results import StudyResults

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_SHORT = {"T": "timesteps"}


@dataclass(frozen=True)
class Subject:
    """A claim put to a study.

    Attributes:
        claim: the sentence.
        axis, level, other: the levels compared; the difference is `level` minus `other`.
        low, high: the claim says that the difference lies between them; infinite where it has no limit.
        match: the cells of both levels that are the same in every other axis and fulfil the conditions.
    """

    claim: Claim
    axis: str
    level: str
    other: str
    low: float
    high: float
    match: Match


def subject(claim: Claim, results: StudyResults) -> Subject:
    """What the claim is about.

    Raises:
        ValueError: one line: a name that the study does not have, or one that could mean several axes.
    """
    try:
        if results.study["design"] == "search":
            raise ValueError("a search has no contrasts; its cells are no pairs")
        axis, level, other = _sides(claim, results)
        selection = _selection(claim, axis, results)
        cells, left_out = (
            [cell for cell in each if all(cell["levels"].get(name) in meant for name, meant in selection.items())]
            for each in (results.study["cells"], results.exclusions)
        )
        reasons = [str(cell.get("reason", "")) for cell in left_out if cell["levels"].get(axis) in (level, other)]
        found = pairs(cells, axis, level, other)
        match = Match(level, found, len(found) + len(reasons), tuple(dict.fromkeys(reasons)))
        return Subject(claim, axis, level, other, *_limits(claim, results), match)
    except ValueError as error:
        raise ValueError(f"{claim.text!r}: {error}") from None


def _limits(claim: Claim, results: StudyResults) -> tuple[float, float]:
    rules, amount = rules_of(results), claim.amount
    if amount is None and claim.relation in ("matches", "is not worse than"):
        amount = rules.margin
        if amount is None:
            word = "within" if claim.relation == "matches" else "by more than"
            raise ValueError(f"the study has no margin, so say how much: '{word} 1 point'")
    size = amount or 0.0
    low, high = {
        "beats": (size, math.inf), "loses to": (-math.inf, -size),
        "matches": (-size, size), "is not worse than": (-size, math.inf),
    }[claim.relation]  # fmt: skip
    return (low, high) if rules.maximize else (-high, -low)


def _sides(claim: Claim, results: StudyResults) -> tuple[str, str, str]:
    """The axis that has both levels, and the two as it prints them."""
    named = [_named(text, results) for text in (claim.level, claim.other)]
    axes = {axis for axis, _ in named if axis is not None}
    if len(axes) > 1:
        raise ValueError(f"levels of two axes, {wording.listing(sorted(axes))}; a claim compares levels of one")
    sides = [text for _, text in named]
    having = [{axis: label for axis in results.axes if (label := _label(results, axis, side))} for side in sides]
    for side, found in zip(sides, having, strict=True):
        _require(side, found, axes, results)
    both = [axis for axis in results.axes if axis in having[0] and axis in having[1] and axis in (axes or {axis})]
    if not both:
        where = [f"{side!r} of {wording.listing(list(found))}" for side, found in zip(sides, having, strict=True)]
        raise ValueError(f"{' and '.join(where)}: a claim compares two levels of one axis")
    if len(both) > 1:
        raise ValueError(f"both are levels of {wording.listing(both)}; write {both[0]}={sides[0]}")
    axis = both[0]
    if having[0][axis] == having[1][axis]:
        raise ValueError(f"{having[0][axis]!r} is compared with itself")
    return axis, having[0][axis], having[1][axis]


def _named(text: str, results: StudyResults) -> tuple[str | None, str]:
    """(axis, level) of `axis=level`; a label that has an equals sign itself is a label."""
    if any(_label(results, axis, text) for axis in results.axes):
        return None, text
    found = re.fullmatch(r"([A-Za-z_][\w.]*)\s?=\s?(.+)", text)
    return (_axis(found[1], results), found[2]) if found else (None, text)


def _require(side: str, found: Mapping[str, str], axes: Iterable[str], results: StudyResults) -> None:
    wanted = list(axes)
    if not found or not (set(wanted) <= set(found)):
        known = [str(level) for axis in wanted or results.axes for level in axis_of(results, axis)["levels"]]
        listed = "; ".join(
            f"{axis}: {', '.join(map(str, axis_of(results, axis)['levels']))}" for axis in wanted or results.axes
        )
        place = f"a level of {wanted[0]}" if wanted else "a level"
        raise ValueError(f"{side!r} is not {place} of this study{_near(side, known)} levels: {listed}")


def _axis(name: str, results: StudyResults) -> str:
    """The axis of a name, a path, or `T`."""
    for axis in results.study["axes"]:
        if name in (axis["name"], axis.get("path")):
            return str(axis["name"])
    if _SHORT.get(name) in results.axes:
        return _SHORT[name]
    raise ValueError(
        f"{name!r} is not an axis of this study{_near(name, results.axes)} axes: {', '.join(results.axes)}"
    )


def _label(results: StudyResults, axis: str, text: str) -> str | None:
    """The level of an axis that a text means: its label, or for numbers the same number."""
    levels = [str(level) for level in axis_of(results, axis)["levels"]]
    if text in levels:
        return text
    number = _number(text)
    return next((level for level in levels if number is not None and _number(level) == number), None)


def _selection(claim: Claim, compared: str, results: StudyResults) -> dict[str, set[str]]:
    """Axis -> the levels for which all conditions on it hold."""
    selection: dict[str, set[str]] = {}
    for condition in claim.conditions:
        axis = _axis(condition.axis, results)
        if axis == compared:
            raise ValueError(f"a condition on {axis}, whose levels are compared, leaves no pair; name another axis")
        meant = _meant(condition, axis, results)
        selection[axis] = selection.get(axis, meant) & meant
    return selection


def _meant(condition: Condition, axis: str, results: StudyResults) -> set[str]:
    """The levels of an axis for which a condition holds."""
    levels, compare = [str(level) for level in axis_of(results, axis)["levels"]], _COMPARE[condition.operator]
    if condition.operator in ("=", "!="):
        label = _label(results, axis, condition.value)
        if label is None:
            near = _near(condition.value, levels)
            raise ValueError(f"{condition.value!r} is not a level of {axis}{near} levels: {', '.join(levels)}")
        return {level for level in levels if compare(level, label)}
    numbers, limit = [_number(level) for level in levels], _number(condition.value)
    if limit is None:
        raise ValueError(f"{axis} {condition.operator} {condition.value}: {condition.value!r} is not a number")
    if None in numbers:
        raise ValueError(f"{axis} {condition.operator} {condition.value}: its levels have no order; use = or !=")
    found = {level for level, number in zip(levels, numbers, strict=True) if compare(number, limit)}
    if not found:
        said = f"{axis} {condition.operator} {condition.value}"
        raise ValueError(f"no level of this study has {said}; levels: {', '.join(levels)}")
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _near(name: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {match[0]!r}?" if match else ";"
