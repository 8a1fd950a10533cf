"""Where one number of the guide comes from: the runs of both sides, block by block, and what was made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.effects import axis_effects
from reports.family import VERDICT_METRIC, Family
from reports.outcomes import State, state_of
from reports.results import StudyResults
from reports.schema import WANDB_RUN

_FATES = {State.DIVERGED: "diverged, counts at chance", State.LOST: "lost", State.PRUNED: "pruned",
          State.ABSENT: "not run"}  # fmt: skip


def explanation(results: StudyResults, axis: str, level: str) -> Card:
    """The runs, the formula and the origin behind a row of `effects.csv`.

    The frame's columns: seed, level_cell, reference_cell, level_run, reference_run, level, reference, difference,
    counts; and level_wandb, reference_wandb, the ids in Weights & Biases, where `runs.csv` has them.
    """
    effect = next(row for row in axis_effects(results, axis).to_dict("records") if row["level"] == level)
    title = f"{axis}={level} against {effect['reference']}, {VERDICT_METRIC}"
    family = Family.of(results, axis)
    at = next((at for at, match in enumerate(family.contrasts) if match.level == level), None)
    if at is None:
        return Card("explain", title, (f"{effect['verdict']}: {effect['reason']}",))
    frame, runs = _pairs(results, family, at), results.runs.set_index("run_id")
    used = [run for side in ("level_run", "reference_run") for run in frame[side] if run in runs.index]
    prose = (*_formula(effect), *_origin(results, runs.loc[list(dict.fromkeys(used))]))
    return Card("explain", title, (), frame, _table(frame, level, effect["reference"]),
                (*_left_out(frame, runs), *prose, _result(effect)))  # fmt: skip


def _pairs(results: StudyResults, family: Family, at: int) -> pd.DataFrame:
    """One row per matched pair of cells and seed block."""
    of = {(run.cell_id, run.seed): run.run_id for run in results.runs.itertuples()}
    wandb = dict(zip(results.runs["run_id"], results.runs.get(WANDB_RUN, ()), strict=False))
    rows, outcomes = [], family.outcomes
    for above, below in family.contrasts[at].pairs:
        values = outcomes.value[[outcomes.rows[above], outcomes.rows[below]]]
        for block, seed in enumerate(outcomes.seeds):
            rows.append({
                "seed": seed, "level_cell": above, "reference_cell": below,
                "level_run": of.get((above, seed), ""), "reference_run": of.get((below, seed), ""),
                "level": values[0, block], "reference": values[1, block],
                "difference": values[0, block] - values[1, block],
                "counts": not np.isnan(family.sides[at].differences[block]),
            })  # fmt: skip
    frame = pd.DataFrame(rows)
    if not any(wandb.values()):
        return frame
    ids = {f"{side}_wandb": [wandb.get(run, "") for run in frame[f"{side}_run"]] for side in ("level", "reference")}
    return frame.assign(**ids)


def _table(frame: pd.DataFrame, level: str, reference: str) -> Table:
    headers = ["seed", level, reference, "difference", f"run of {level}", f"run of {reference}"]
    ids = ["level_run", "reference_run"]
    if "level_wandb" in frame:
        headers += [f"W&B, {level}", f"W&B, {reference}"]
        ids += ["level_wandb", "reference_wandb"]
    rows = tuple(
        (str(row["seed"]), wording.fixed(row["level"], 4), wording.fixed(row["reference"], 4),
         wording.fixed(row["difference"], 4, sign=True), *(row[each] or wording.MISSING for each in ids))
        for row in frame.to_dict("records")
    )  # fmt: skip
    return Table(tuple(headers), rows, (True,) * 4 + (False,) * len(ids))


def _left_out(frame: pd.DataFrame, runs: pd.DataFrame) -> list[str]:
    """Every run without a value of its own, and every complete block that another pair's loss takes with it."""
    notes = []
    for run_id in dict.fromkeys([*frame["level_run"], *frame["reference_run"]]):
        if run_id not in runs.index:
            continue
        status, reason = str(runs.loc[run_id, "status"]), str(runs.loc[run_id, "reason"])
        if (state := state_of(status, reason)) != State.COMPLETE:
            notes.append(f"{run_id} {_FATES[state]}: {reason or status}")
    gone = sorted(set(frame.loc[~frame["counts"], "seed"]))
    return [*notes, *([f"seed blocks left out: {', '.join(map(str, gone))}"] if gone else [])]


def _formula(row: dict[Any, Any]) -> list[str]:
    n = int(row["seeds"])
    if wording.absent(row["t_value"]):
        return [f"mean difference {wording.fixed(row['difference'], 4, sign=True)} over {n} seed blocks; no test"]
    return [
        f"mean difference {row['difference']:+.4f} = mean of the {n} differences by seed block; "
        f"SD {row['sd_difference']:.4f}; t = mean / (SD / sqrt({n})) = {row['t_value']:.2f} ({n - 1} df), "
        f"p {wording.p_value(row['p_value'])}",
        f"Holm over the {row['family_size']} contrasts of {row['axis']} (the smallest p times {row['family_size']}, "
        f"the next times one less, never below the one before, at most 1): p {wording.p_value(row['p_adjusted'])}; "
        f"pair correlation {wording.fixed(row['pair_correlation'], 2)}",
        "interval of the task (the wider of this and one over seeds and test samples): "
        f"{_points_or_none(row['ci_task_low'], row['ci_task_high'])}; adjusted for all contrasts of the axis "
        f"(Bonferroni): {_points_or_none(row['ci_adj_low'], row['ci_adj_high'])}",
    ]


def _points_or_none(low: float, high: float) -> str:
    return "none" if wording.absent(low) else f"{wording.span(low, high)} points"


def _origin(results: StudyResults, runs: pd.DataFrame) -> list[str]:
    versions = ", ".join(f"{name} {value}" for name, value in sorted(results.provenance.get("versions", {}).items()))
    found = {name: sorted(set(runs[name]) - {""}) for name in ("commit", "data_fingerprint", "device")}
    said = {name: ", ".join(values) or "not recorded" for name, values in found.items()}
    return [f"commit {said['commit']}; data {said['data_fingerprint']}; {said['device']}",
            f"versions: {versions or 'not recorded'}"]  # fmt: skip


def _result(row: dict[Any, Any]) -> str:
    size = wording.points(row["difference"], row["ci_low"], row["ci_high"])
    return f"{size} points (95 % CI), p (Holm) {wording.p_value(row['p_adjusted'])}, {row['verdict']}: {row['reason']}"
