"""What a search found: its best cells, as a search and not as evidence for a level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from reports import runs_behind, wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import Chart, Point, Series, spread_wide
from reports.results import StudyResults

SHOWN = 10
LABEL = (
    "This is a search: cells were drawn to find a good one, so no two of them are a pair, and nothing here says by how "
    "much one level is better than another."
)


class BestCells:
    """The best cells of a search on validation.

    The frame's columns: cell, seeds, one per objective, test_accuracy, one per limit, feasible, front.
    """

    key = "best-cells"
    title = "The best cells of the search"

    def inapplicable(self, results: StudyResults) -> str | None:
        return None if results.study["design"] == "search" else "the study is no search"

    def compute(self, results: StudyResults) -> Card:
        frame = ranked(results)
        if frame.empty:
            return Card(self.key, self.title, (LABEL, "No cell is complete yet."), frame)
        search, objectives = results.study["search"], [each["metric"] for each in results.study["search"]["objectives"]]
        kept = int(frame["feasible"].sum())
        prose = [
            LABEL,
            f"{wording.count(len(frame), 'cell')} of {search['trials']} trials by {search['sampler']} are complete, "
            f"{kept} within the limits.",
        ]
        prose += [_optimism(frame, objectives[0])] if len(objectives) == 1 and kept else []
        columns = [*objectives, *(name for name in ("test_accuracy", *search["constraints"]) if name not in objectives)]
        shown = frame.head(SHOWN)
        rows = tuple(_cells(row, columns, several=len(objectives) > 1) for row in shown.to_dict("records"))
        headers = ("cell", "seeds", *columns, *(("on the front",) if len(objectives) > 1 else ()), "limits")
        numeric = (False, True, *(True for _ in columns), *((False,) if len(objectives) > 1 else ()), False)
        caption = "The best cells of the search: means over the seeds that they were selected on."
        runs = runs_behind.of_cells(results, shown["cell"])
        table = Table(headers, rows, numeric, runs=runs, caption=caption)
        notes = (f"The first {SHOWN} of {len(frame)} cells.",) if len(frame) > SHOWN else ()
        return Card(self.key, self.title, tuple(prose), frame, table, notes,
                    figure=_figure(frame, search["objectives"]))  # fmt: skip


def ranked(results: StudyResults) -> pd.DataFrame:
    """Complete cells, best first: those within the limits, then by rank of the first objective, the front first."""
    search = results.study["search"]
    objectives: Sequence[Mapping[str, Any]] = search["objectives"]
    limits: Mapping[str, float] = search["constraints"]
    runs = results.runs[results.runs["status"] == "complete"]
    names = list(dict.fromkeys([*(each["metric"] for each in objectives), "test_accuracy", *limits]))
    by_cell = runs[names].astype(float).groupby(runs["cell_id"])
    sizes, sds = by_cell.size().to_dict(), by_cell[objectives[0]["metric"]].std().to_dict()
    means = by_cell.mean().to_dict("index")
    rows = []
    for cell in results.study["cells"]:
        at = cell["cell_id"]
        if sizes.get(at) == len(results.study["seeds"]):
            feasible = all(means[at][name] <= limit for name, limit in limits.items())
            rows.append({"cell": cell["cell"], "seeds": sizes[at], **means[at], "sd": sds[at], "feasible": feasible})
    frame = pd.DataFrame(rows, columns=["cell", "seeds", *names, "sd", "feasible"])
    signs = np.array([1.0 if each["direction"] == "maximize" else -1.0 for each in objectives])
    scores = frame[[each["metric"] for each in objectives]].to_numpy(float) * signs
    kept = frame["feasible"].to_numpy(bool)
    front = np.zeros(len(frame), bool)
    front[kept] = _front(scores[kept])
    frame["front"] = front
    order = sorted(range(len(frame)), key=lambda at: (not kept[at], not front[at], *(-scores[at])))
    return frame.iloc[order].reset_index(drop=True)


def _front(scores: np.ndarray) -> np.ndarray:
    """Which rows no other beats: what beats one comes before it in this order, and what beats that one beats both."""
    front = np.zeros(len(scores), bool)
    for at in np.lexsort(-scores.T[::-1]):
        front[at] = not _beaten(scores[at], scores[front])
    return front


def _beaten(score: np.ndarray, others: np.ndarray) -> bool:
    return bool(((others >= score).all(axis=1) & (others > score).any(axis=1)).any())


def _optimism(frame: pd.DataFrame, metric: str) -> str:
    """How much the best of many owes to luck (Blom's approximation of the expected maximum of k normal values)."""
    kept = frame[frame["feasible"]]
    k, seeds = len(kept), int(kept["seeds"].iloc[0])
    excess = float(ndtri((k - 0.375) / (k + 0.25)))
    start = f"The first row was selected among {wording.count(k, 'cell')} and is optimistic"
    spread = float(kept["sd"].mean())
    if k < 2 or np.isnan(spread):
        return f"{start} by an unknown amount: confirm it on fresh seeds (--confirm best --seeds 5)."
    return (
        f"{start} by about {excess * spread / seeds**0.5:.3g} in {metric} if the cells were alike "
        f"({excess:.2f} standard errors): confirm it on fresh seeds (--confirm best --seeds 5)."
    )


def _cells(row: dict[Any, Any], columns: Sequence[str], *, several: bool) -> tuple[str, ...]:
    front = (("yes" if row["front"] else "no"),) if several else ()
    limits = "kept" if row["feasible"] else "exceeded"
    return row["cell"], str(row["seeds"]), *(value(name, row[name]) for name in columns), *front, limits


def value(metric: str, number: float) -> str:
    """A metric as a table prints it: accuracies in per cent, parameters whole."""
    if metric.endswith("accuracy"):
        return f"{wording.percent(number)} %" if not wording.absent(number) else wording.MISSING
    return wording.fixed(number, 0) if metric == "parameters" else wording.significant(number, 3)


def _figure(frame: pd.DataFrame, objectives: Sequence[Mapping[str, Any]]) -> Chart | None:
    """The cells over the first two objectives; a search for one has nothing to set against it."""
    if len(objectives) < 2 or frame.empty:
        return None
    up, across = (each["metric"] for each in objectives[:2])
    front, kept = frame["front"].astype(bool), frame["feasible"].astype(bool)
    # From its best x on: the steps go across first, so they stay within what the cells reach.
    along = frame[front].sort_values([across, up, "cell"], ascending=objectives[1]["direction"] == "minimize")
    parts = {"on the front": along, "off the front": frame[kept & ~front],
             "limits exceeded": frame[~kept]}  # fmt: skip
    # Over three objectives and more the front is no line in these two.
    series = tuple(
        Series(name, tuple(_point(row, across, up) for row in rows.to_dict("records")),
               joined=name == "on the front" and len(objectives) == 2, stepped=True)
        for name, rows in parts.items() if len(rows)
    )  # fmt: skip
    caption = (
        "Means of every complete cell of the search; a cell is on the front when no other is better in all objectives."
    )
    across_values = (point.x for each in series for point in each.points)
    return Chart(_label(across), _label(up), series, caption, x_log=spread_wide(across_values))


def _point(row: dict[Any, Any], across: str, up: str) -> Point:
    (x, _), (y, _) = _scaled(across), _scaled(up)
    measured = f"{up} {value(up, row[up])}, {across} {value(across, row[across])}"
    return Point(float(row[across]) * x, float(row[up]) * y, filled=bool(row["feasible"]),
                 text=f"{row['cell']}: {measured}, {wording.count(int(row['seeds']), 'seed')}")  # fmt: skip


def _scaled(metric: str) -> tuple[float, str]:
    return (100.0, "%") if metric.endswith("accuracy") else (1.0, {"energy_nj": "nJ a sample"}.get(metric, ""))


def _label(metric: str) -> str:
    return ", ".join(filter(None, (metric, _scaled(metric)[1])))
