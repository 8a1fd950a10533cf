"""Does the effect of one axis depend on the level of another? Interaction contrasts of a factorial design."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import HeatMap
from reports.family import VERDICT_METRIC
from reports.matching import axis_of, levels_of
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics import paired
from reports.statistics.holm import holm
from reports.statistics.verdict import ALPHA

_NAMED = 5


class Interaction:
    """Two axes of a factorial design.

    The frame's columns: first, second (levels), seeds, cells, contrast, ci_low, ci_high, p_value, p_adjusted. The
    contrast is (first - its reference) at the second level minus the same at the second's reference, averaged within
    a seed block over the matched cells of the remaining axes, then over blocks; p is Holm-adjusted over the pair of
    axes.
    """

    def __init__(self, first: str, second: str) -> None:
        self.first, self.second = first, second
        self.key = f"interaction-{first}-{second}"
        self.title = f"{first} with {second}"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] != "factorial":
            return "interactions need a factorial design: around a baseline the axes do not cross"
        tested = _contrasts(results, self.first, self.second)["seeds"]
        return None if (tested >= 2).any() else "no two seed blocks hold the four cells of any interaction"

    def compute(self, results: StudyResults) -> Card:
        frame = _contrasts(results, self.first, self.second)
        return Card(self.key, self.title, tuple(self._prose(frame, results)), frame, self._table(results),
                    self._notes(results), folded=True, figure=self._figure(results))  # fmt: skip

    def _prose(self, frame: pd.DataFrame, results: StudyResults) -> Iterator[str]:
        decided = frame[frame["p_adjusted"] < ALPHA]
        tested = int(frame["p_value"].notna().sum())
        if decided.empty:
            yield (
                f"None of {wording.count(tested, 'interaction contrast')} is supported by the data; that is not "
                "evidence that the axes act independently."
            )
            return
        verb = "is" if len(decided) == 1 else "are"
        yield f"{len(decided)} of {wording.count(tested, 'interaction contrast')} {verb} supported by the data."
        order = decided["contrast"].abs().sort_values(ascending=False, kind="stable").index
        references = axis_of(results, self.first)["reference"], axis_of(results, self.second)["reference"]
        for row in decided.loc[order].head(_NAMED).to_dict("records"):
            size = wording.points(row["contrast"], row["ci_low"], row["ci_high"])
            yield (
                f"{self.first}={row['first']} against {references[0]} differs by {size} points between "
                f"{self.second}={row['second']} and {references[1]} (Holm-adjusted p "
                f"{wording.p_value(row['p_adjusted'])})."
            )
        if len(decided) > _NAMED:
            yield f"The {_NAMED} largest are named; guide.json holds all."

    def _table(self, results: StudyResults) -> Table:
        """Mean accuracies of the combinations with their number of runs."""
        means = self._figure(results)
        rows = tuple((first, *texts) for first, texts in zip(means.rows, means.texts, strict=True))
        return Table((f"{self.first} / {self.second}", *means.columns), rows, (False, *(True,) * len(means.columns)),
                     caption=means.caption)  # fmt: skip

    def _figure(self, results: StudyResults) -> HeatMap:
        value, outcomes = _values(results)
        firsts, seconds = ((axis_of(results, each)["reference"], *levels_of(axis_of(results, each)))
                           for each in (self.first, self.second))  # fmt: skip
        at: dict[tuple[str, str], list[int]] = {}
        for cell in results.study["cells"]:
            pair = cell["levels"][self.first], cell["levels"][self.second]
            at.setdefault(pair, []).append(outcomes.rows[cell["cell_id"]])
        means, texts = [], []
        for first in firsts:
            found = [value[at.get((first, second), [])] for second in seconds]
            there = [each[~np.isnan(each)] for each in found]
            means.append(tuple(float(each.mean()) * 100 if each.size else None for each in there))
            texts.append(tuple(f"{wording.percent(float(each.mean()))} ({each.size})" if each.size else wording.MISSING
                               for each in there))  # fmt: skip
        caption = (
            f"Mean test accuracy in % of each combination of {self.first} and {self.second}, in brackets the number of "
            "runs; references first."
        )
        return HeatMap(
            self.second, self.first, seconds, firsts, tuple(means), tuple(texts), "test accuracy, %", caption
        )

    def _notes(self, results: StudyResults) -> tuple[str, ...]:
        others = [axis for axis in results.axes if axis not in (self.first, self.second)]
        over = f", averaged over {wording.listing(others)}" if others else ""
        return (f"Cells: mean test accuracy in % (runs){over}; references first.",)


def _values(results: StudyResults) -> tuple[paired.Floats, Outcomes]:
    outcomes = Outcomes.of(results, VERDICT_METRIC)
    return outcomes.value, outcomes


def _contrasts(results: StudyResults, first: str, second: str) -> pd.DataFrame:
    value, outcomes = _values(results)
    place = {_levels(cell): outcomes.rows[cell["cell_id"]] for cell in results.study["cells"]}
    zero, null = axis_of(results, first)["reference"], axis_of(results, second)["reference"]
    rows, p_values = [], []
    for one in levels_of(axis_of(results, first)):
        for two in levels_of(axis_of(results, second)):
            quadruples = [
                each for cell in results.study["cells"]
                if (cell["levels"][first], cell["levels"][second]) == (one, two)
                and len(each := _quadruple(cell["levels"], place, {first: zero}, {second: null})) == 4
            ]  # fmt: skip
            by_cell = [value[a] - value[b] - value[c] + value[d] for a, b, c, d in quadruples]
            of = paired.moments(np.mean(by_cell, axis=0) if by_cell else np.full(value.shape[1], np.nan))
            low, high = paired.interval(of)
            rows.append({"first": one, "second": two, "seeds": int(of.n[0]), "cells": len(by_cell),
                         "contrast": of.mean[0], "ci_low": low[0], "ci_high": high[0]})  # fmt: skip
            p_values.append(paired.two_sided(of)[0])
    columns = ["first", "second", "seeds", "cells", "contrast", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns).assign(p_value=p_values, p_adjusted=holm(p_values))


def _levels(cell: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(cell["levels"].items())


def _quadruple(
    levels: Mapping[str, str],
    place: Mapping[frozenset[tuple[str, str]], int],
    first: Mapping[str, str],
    second: Mapping[str, str],
) -> tuple[int, ...]:
    """Rows of the cell and of those with the first axis, the second, both at their references; as many as there are."""
    wanted = ({**levels}, {**levels, **first}, {**levels, **second}, {**levels, **first, **second})
    found = (place.get(frozenset(each.items())) for each in wanted)
    return tuple(each for each in found if each is not None)
