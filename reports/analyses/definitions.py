"""What the compared levels are: their equations and sources, as the study had them on record."""

from __future__ import annotations

import pandas as pd

from reports.analyses.card import Card, Table
from reports.results import StudyResults

_COLUMNS = ("axis", "level", "equation", "source")


class Definitions:
    """Equations and sources. The frame's columns: axis, level, equation, source."""

    key = "definitions"
    title = "What the levels are"

    def inapplicable(self, results: StudyResults) -> str | None:
        return "no equation of a level is on record" if _frame(results).empty else None

    def compute(self, results: StudyResults) -> Card:
        frame = _frame(results)
        prose = (
            "Equations of what each level computes, and where it comes from. Options at their defaults are left out; "
            "the study file at the end has them all.",
        )
        rows = tuple(tuple(map(str, row)) for row in frame.to_numpy().tolist())
        table = Table(_COLUMNS, rows, (False,) * 4, caption="What each level computes, and its source.")
        return Card(self.key, self.title, prose, frame, table, folded=True)


def _frame(results: StudyResults) -> pd.DataFrame:
    rows = [
        (axis["name"], level, axis["definitions"][level]["equation"], axis["definitions"][level]["source"])
        for axis in results.study["axes"]
        for level in axis.get("levels", [])
        if level in axis.get("definitions", {})
    ]
    return pd.DataFrame(rows, columns=[*_COLUMNS])
