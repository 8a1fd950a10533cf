"""Two studies of the same cells, run by run: did a new version, machine or setting change anything?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.family import VERDICT_METRIC
from reports.outcomes import Outcomes
from reports.results import StudyResults
from reports.statistics import paired
from reports.statistics.verdict import BETTER, WORSE, Rules, judge

IDENTICAL = "identical"
_ORIGIN = ("commit", "versions", "devices", "backends")


def comparison(first: StudyResults, second: StudyResults, places: tuple[str, str] = ("first", "second")) -> Card:
    """Second minus first, for every cell that both have, paired by seed; Holm over these cells.

    The frame's columns: cell_id, cell, seeds, first, second, difference, ci_low, ci_high, identical, p_value,
    p_adjusted, verdict.

    Args:
        first, second: what came before the change, and after it.
        places: where they were read from: the title names these where the studies have the same name.

    Raises:
        ValueError: one line: nothing to compare, or other data.
    """
    cells = _common_cells(first, second)
    seeds = sorted(set(map(int, first.runs["seed"])) & set(map(int, second.runs["seed"])))
    if not seeds:
        raise ValueError(f"no seed in common: {_seeds(first)} against {_seeds(second)}")
    _same_data(first, second)
    before, after = (_values(each, cells, seeds) for each in (first, second))
    differences, scale = after - before, np.nanmax(np.abs([before, after]), axis=(0, 2), initial=0.0)
    judged = judge(differences, scale, Rules(first.study["objective"].get("margin")))
    low, high = paired.interval(judged.moments)
    both = ~np.isnan(differences)
    frame = pd.DataFrame({
        "cell_id": list(cells), "cell": list(cells.values()), "seeds": judged.moments.n,
        "first": _mean(before, both), "second": _mean(after, both), "difference": judged.moments.mean,
        "ci_low": low, "ci_high": high, "identical": (both & (before == after)).sum(axis=1),
        "p_value": judged.p, "p_adjusted": judged.p_adjusted, "verdict": judged.verdicts,
    })  # fmt: skip
    alike = (frame["seeds"] > 0) & (frame["identical"] == frame["seeds"])
    frame.loc[alike, "verdict"] = IDENTICAL
    title, notes = _title(first, second, places), tuple(_notes(first, second, cells))
    return Card("comparison", title, (_sentence(frame),), frame, _table(frame), notes)


def _title(first: StudyResults, second: StudyResults, places: tuple[str, str]) -> str:
    before, after = _name(first), _name(second)
    if before == after:
        before, after = (f"{before} in {place}" for place in places)
    return f"{after} against {before}, {VERDICT_METRIC}"


def _common_cells(first: StudyResults, second: StudyResults) -> dict[str, str]:
    known = {cell["cell_id"] for cell in second.study["cells"]}
    cells = {cell["cell_id"]: str(cell["cell"]) for cell in first.study["cells"] if cell["cell_id"] in known}
    if not cells:
        raise ValueError(
            f"no cell in common: {_design(first)} against {_design(second)}; cells are the same if all settings are "
            "(data set and split, model, training)"
        )
    return cells


def _same_data(first: StudyResults, second: StudyResults) -> None:
    one, other = ({str(each) for each in study.runs["data_fingerprint"].dropna()} - {""} for study in (first, second))
    if one and other and one != other:
        said = (", ".join(each[:12] for each in sorted(found)) for found in (one, other))
        raise ValueError(f"the data differ: fingerprint {' against '.join(said)}")


def _values(results: StudyResults, cells: dict[str, str], seeds: list[int]) -> Any:
    outcomes = Outcomes.of(results, VERDICT_METRIC)
    columns = [outcomes.seeds.index(seed) for seed in seeds]
    return outcomes.value[np.ix_([outcomes.rows[cell] for cell in cells], columns)]


def _mean(values: Any, used: Any) -> Any:
    """Mean over the seeds that both studies have; NaN without any."""
    count = used.sum(axis=1)
    return np.where(count > 0, np.where(used, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _sentence(frame: pd.DataFrame) -> str:
    runs, same = int(frame["seeds"].sum()), int(frame["identical"].sum())
    said = f"{wording.count(len(frame), 'cell')}, {wording.count(runs, 'pair')} of runs, {same:,} of them identical."
    changed = frame[frame["verdict"].isin([BETTER, WORSE])]
    if len(changed):
        return f"{said} Changed: {wording.listing([f'{row.cell} ({row.verdict})' for row in changed.itertuples()])}."
    if same == runs:
        return f"{said} Nothing changed." if runs else f"{said} Nothing can be said."
    widest = np.nanmax(np.abs(frame[["ci_low", "ci_high"]].to_numpy(float)), initial=np.nan)
    reach = "" if np.isnan(widest) else f" the intervals leave room for {wording.fixed(widest * 100)} points."
    return f"{said} No change was detected;{reach or ' one pair a cell bounds nothing.'}"


def _table(frame: pd.DataFrame) -> Table:
    headers = ("cell", "first", "second", "difference (95 % CI)", "pairs", "identical", "p (Holm)", "verdict")
    rows = tuple(
        (row["cell"], wording.percent(row["first"]), wording.percent(row["second"]),
         wording.points(row["difference"], row["ci_low"], row["ci_high"]), str(row["seeds"]), str(row["identical"]),
         wording.p_value(row["p_adjusted"]), row["verdict"])
        for row in frame.to_dict("records")
    )  # fmt: skip
    return Table(headers, rows, (False, *[True] * 6, False))


def _notes(first: StudyResults, second: StudyResults, cells: dict[str, str]) -> list[str]:
    notes = [
        f"{what}: {one} against {other}"
        for what in _ORIGIN
        if (one := _origin(first, what)) != (other := _origin(second, what))
    ]
    for study, other in ((first, "second"), (second, "first")):
        if alone := [str(cell["cell"]) for cell in study.study["cells"] if cell["cell_id"] not in cells]:
            notes.append(f"not in the {other} study: {', '.join(alone)}")
    return notes or ["commit, versions, devices and back ends are the same"]


def _origin(results: StudyResults, what: str) -> str:
    value = results.provenance.get(what)
    if isinstance(value, dict):
        return ", ".join(f"{name} {wording.listing(_texts(value[name]))}" for name in sorted(value)) or "not recorded"
    return ", ".join(_texts(value)) or "not recorded"


def _texts(value: Any) -> list[str]:
    return [] if value is None else [str(each) for each in value] if isinstance(value, list | tuple) else [str(value)]


def _name(results: StudyResults) -> str:
    study = results.study
    return f"{study['name']} ({study['branch']})" if study.get("branch", "main") != "main" else str(study["name"])


def _design(results: StudyResults) -> str:
    return f"{_name(results)} ({results.study['data'].get('name', 'data')}; {', '.join(results.axes) or 'no axes'})"


def _seeds(results: StudyResults) -> str:
    return wording.listing(sorted({str(each) for each in results.runs["seed"]}))
