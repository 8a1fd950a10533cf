"""The study's best cell beside published results on the same data, each with its protocol."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.effects import TEST_SELECTED
from reports.family import VERDICT_METRIC
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics import paired

_VALIDATION = "validation-selected"
_COLUMNS = ("system", "accuracy", "timesteps", "parameters", "protocol", "evidence", "reference")


class Published:
    """Published accuracies. The frame's columns: those of `reports/published/results.csv`, the best cell first."""

    key = "published"
    title = "Beside published results"

    def inapplicable(self, results: StudyResults) -> str | None:
        name = results.study["data"].get("name")
        return None if len(_published(name)) else f"no published result on {name or 'unnamed data'} is on record"

    def compute(self, results: StudyResults) -> Card:
        published = _published(results.study["data"]["name"])
        best = _best(results)
        rows = ([best] if best else []) + published.to_dict("records")
        frame = pd.DataFrame(rows, columns=[*published.columns])
        headers = ("system", "accuracy %", "timesteps", "parameters", "protocol", "evidence", "reference")
        beside = "The best cell of this study beside published" if best else "Published"
        caption = f"{beside} accuracies on {results.study['data']['name']}."
        table = Table(headers, tuple(_cells(row) for row in rows), (False, True, True, True, False, False, False),
                      caption=caption)  # fmt: skip
        return Card(self.key, self.title, _prose(results, best), frame, table, _warnings(results, frame), folded=True)


def _published(name: str | None) -> pd.DataFrame:
    with (resources.files("reports") / "published" / "results.csv").open(encoding="utf-8") as file:
        known = pd.read_csv(file)
    found: pd.DataFrame = known[known["dataset"] == name].sort_values(["accuracy", "system"], ascending=[False, True])
    return found.reset_index(drop=True)


def _best(results: StudyResults) -> dict[str, Any] | None:
    """The cell with the best mean validation accuracy; its test accuracy is what is quoted."""
    validation, test = Outcomes.of(results, "val_accuracy"), Outcomes.of(results, VERDICT_METRIC)
    means = paired.moments(validation.value).mean
    if np.isnan(means).all():
        return None
    at = int(np.nanargmax(means))
    cell = results.study["cells"][at]
    of = paired.moments(test.value[at])
    low, high = paired.interval(of)
    runs = results.runs[(results.runs["cell_id"] == cell["cell_id"]) & (results.runs["status"] == "complete")]
    return {
        "source": "this study", "dataset": results.study["data"]["name"], "system": f"{cell['cell']} (this study)",
        "timesteps": cell["levels"].get("timesteps", results.study["baseline"].get("timesteps")),
        "parameters": runs["parameters"].mean(), "accuracy": of.mean[0] * 100,
        "protocol": TEST_SELECTED if results.study["protocol"] == "paper_compat" else _VALIDATION,
        "evidence": f"{wording.count(int(of.n[0]), 'seed')}, 95 % CI {wording.percent(low[0])} to "
                    f"{wording.percent(high[0])}" if of.n[0] > 1 else "1 seed",
        "reference": f"commit {str(results.provenance.get('commit', ''))[:7] or 'unknown'}",
    }  # fmt: skip


def _cells(row: dict[Any, Any]) -> tuple[str, ...]:
    missing = {name for name in _COLUMNS if pd.isna(row.get(name))}
    shown = {name: wording.MISSING if name in missing else str(row[name]) for name in _COLUMNS}
    for name, decimals in (("accuracy", 2), ("parameters", 0)):
        if name not in missing:
            shown[name] = wording.fixed(float(row[name]), decimals)
    if "timesteps" not in missing:
        shown["timesteps"] = str(row["timesteps"]).removesuffix(".0")
    return tuple(shown[name] for name in _COLUMNS)


def _prose(results: StudyResults, best: dict[str, Any] | None) -> tuple[str, ...]:
    if best is None:
        return ("No cell of this study is complete.",)
    cells = len(results.study["cells"])
    if cells == 1:
        return ("The study has one cell; its test accuracy is quoted.", *_part(results))
    return (
        f"The best of {cells} cells was selected on validation accuracy. Its test accuracy comes from the same seeds, "
        "not from fresh ones, and may be optimistic (fresh ones: ablate run STUDY --confirm best --seeds 5).",
        *_part(results),
    )


def _part(results: StudyResults) -> tuple[str, ...]:
    split = str(results.study["data"].get("split", ""))
    if not split.startswith("subset"):
        return ()
    return (f"This study trained on a part of the training images ({split}); the published systems on all.",)


def _warnings(results: StudyResults, frame: pd.DataFrame) -> tuple[str, ...]:
    own = TEST_SELECTED if results.study["protocol"] == "paper_compat" else _VALIDATION
    published = frame[frame["source"] != "this study"]["protocol"].astype(str)
    other = int((~published.str.startswith(own)).sum())
    notes = []
    if other:
        notes.append(
            f"Protocols differ: {other} of {len(published)} published figures are not {own} or do not say"
            f"{_both(frame)}."
        )
    return tuple(notes)


def _both(frame: pd.DataFrame) -> str:
    """What choosing on the test set was worth, of systems whose authors gave figures of both kinds."""
    given = frame[frame["source"] != "this study"].assign(kind=frame["protocol"].astype(str).str.partition(" ")[0])
    best = given.pivot_table(index="system", columns="kind", values="accuracy", aggfunc="max")
    if not {TEST_SELECTED, _VALIDATION} <= set(best.columns):
        return ""
    gained = (best[TEST_SELECTED] - best[_VALIDATION]).dropna()
    said = [f"{wording.fixed(by)} points for {system}" for system, by in gained.items()]
    if not said:
        return ""
    return f"; where both figures are known, the one chosen on the test set is higher by {wording.listing(said)}"
