"""StudyResults: everything a guide is made of, and nothing that depends on the machine that prints it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from reports.frames import read_csv, read_text, to_csv, typed, write_text
from reports.schema import CURVES, LAYERS, RUN_IDENTITY, STATUSES, WANDB_RUN, Kind, run_columns

FORMAT = 1
RESULTS = "results.json"
"""The file that a folder with a report has, beside its tables."""
_STUDY, _CONFIRMATION = "study", "confirmation"
_STUDY_KEYS = ("name", "design", "protocol", "seeds", "axes", "baseline", "cells", "objective", "data")
_SECTIONS = ("study", "exclusions", "correct", "provenance")


@dataclass(frozen=True, eq=False)
class StudyResults:
    """A study and the rows of its runs, in a canonical order that does not depend on the order they came in.

    Attributes:
        study: description of the study (`study` of results.json).
        runs: one row per planned run, columns of `runs.csv`; missing metrics are missing.
        curves: one row per run, epoch, split and metric.
        layers: one row per run and spiking layer.
        exclusions: cells left out by rule: `cell`, `cell_id`, `levels`, `reason`.
        correct: run id -> base64 of packed bits, one a test sample, in the test set's fixed order.
        provenance: commit, versions, devices, back ends, data fingerprints.
        confirmation: rows like those of `runs`, of selected cells on fresh seeds; no effect is made of them.

    Raises:
        ValueError: for a column of the wrong kind, an unknown status, a run twice or a run of an unknown cell.
    """

    study: Mapping[str, Any]
    runs: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame
    exclusions: Sequence[Mapping[str, Any]]
    correct: Mapping[str, str]
    provenance: Mapping[str, Any]
    confirmation: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        runs = _runs(self.study, self.runs)
        if len(self.confirmation):
            object.__setattr__(self, "confirmation", _runs(self.study, self.confirmation))
        place = {run_id: at for at, run_id in enumerate([*runs["run_id"], *self.confirmation.get("run_id", ())])}
        object.__setattr__(self, "runs", runs)
        object.__setattr__(self, "curves", _details("curves", self.curves, CURVES, place))
        object.__setattr__(self, "layers", _details("layers", self.layers, LAYERS, place))
        excluded = sorted(self.exclusions, key=lambda each: (str(each.get("cell")), str(each.get("cell_id"))))
        object.__setattr__(self, "exclusions", tuple(excluded))

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes in the order of the study file."""
        return tuple(axis["name"] for axis in self.study["axes"])

    @classmethod
    def read(cls, directory: Path | str) -> Self:
        """Read the four files that `write` left in a directory.

        Raises:
            ValueError: one line that names the file and what is wrong with it.
        """
        folder = Path(directory)
        sections = _sections(folder / RESULTS)
        axes = [axis["name"] for axis in sections["study"]["axes"]]
        tables = {
            "runs": read_csv(folder / "runs.csv", [*RUN_IDENTITY, *axes]),
            "curves": read_csv(folder / "curves.csv", CURVES),
            "layers": read_csv(folder / "layers.csv", LAYERS),
        }
        runs, confirmation = _apart(tables["runs"])
        try:
            return cls(
                runs=runs, confirmation=confirmation, curves=tables["curves"], layers=tables["layers"], **sections
            )
        except ValueError as error:
            table, _, problem = str(error).partition(": ")
            raise ValueError(f"{folder / table}.csv: {problem}") from None

    def write(self, directory: Path | str) -> list[Path]:
        """Write `runs.csv`, `curves.csv`, `layers.csv` and `results.json`, each atomically; return their paths."""
        folder = Path(directory)
        content = {
            "format": FORMAT, "study": self.study, "exclusions": list(self.exclusions),
            "correct": self.correct, "provenance": self.provenance,
        }  # fmt: skip
        text = json.dumps(content, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        tables = {
            "runs.csv": _together(self.runs, self.confirmation),
            "curves.csv": self.curves,
            "layers.csv": self.layers,
        }
        paths = [write_text(folder / name, to_csv(frame)) for name, frame in tables.items()]
        return [*paths, write_text(folder / RESULTS, text)]


def _together(runs: pd.DataFrame, confirmation: pd.DataFrame) -> pd.DataFrame:
    """All rows as `runs.csv` holds them: with a column `purpose` where there are confirmation runs."""
    if not len(confirmation):
        return runs
    return pd.concat([runs.assign(purpose=_STUDY), confirmation.assign(purpose=_CONFIRMATION)], ignore_index=True)


def _apart(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The inverse of `_together`."""
    if "purpose" not in rows:
        return rows, pd.DataFrame()
    fresh = rows["purpose"] == _CONFIRMATION
    rest = rows.drop(columns="purpose")
    return rest[~fresh], rest[fresh]


def _sections(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise ValueError(f"{path}: format {found!r} is not known; this version reads format {FORMAT}")
    lacking = [key for key in _SECTIONS if key not in content]
    lacking += [f"study.{key}" for key in _STUDY_KEYS if key not in (content.get("study") or {})]
    if lacking:
        raise ValueError(f"{path}: {lacking[0]} is missing; it was not written for a study")
    return {key: content[key] for key in _SECTIONS}


def _runs(study: Mapping[str, Any], given: pd.DataFrame) -> pd.DataFrame:
    try:
        columns = run_columns(tuple(axis["name"] for axis in study["axes"]))
        columns |= {WANDB_RUN: "text"} if WANDB_RUN in given else {}  # some ids are all digits
        runs = typed(given, columns)
        _check_runs(study, runs)
    except ValueError as error:
        raise ValueError(f"runs: {error}") from None
    order = {cell["cell_id"]: at for at, cell in enumerate(study["cells"])}
    keys = pd.DataFrame({
        "cell": runs["cell_id"].map(lambda each: order.get(each, len(order))),
        "cell_id": runs["cell_id"], "seed": runs["seed"], "run_id": runs["run_id"],
    })  # fmt: skip
    return runs.loc[keys.sort_values(list(keys.columns)).index].reset_index(drop=True)


def _check_runs(study: Mapping[str, Any], runs: pd.DataFrame) -> None:
    for status in runs["status"]:
        if status not in STATUSES:
            raise ValueError(f"column status: {status!r} is not one of {', '.join(STATUSES)}")
    if runs["seed"].isna().any():
        raise ValueError("column seed: every run needs a seed")
    twice = runs["run_id"][runs["run_id"].duplicated()].tolist()
    if twice:
        raise ValueError(f"column run_id: {twice[0]!r} is there twice")
    block_twice = runs[runs.duplicated(["cell_id", "seed"])]
    if len(block_twice):
        raise ValueError(f"column seed: cell {block_twice.iloc[0]['cell_id']!r} has one seed twice")
    complete = runs[runs["status"] == "complete"]
    prints = {each: count for each, count in complete["data_fingerprint"].value_counts().items() if each}
    if len(prints) > 1:
        found = ", ".join(f"{count} on {str(each)[:12]}" for each, count in prints.items())
        raise ValueError(
            f"column data_fingerprint: complete runs saw different data ({found}); they never meet in one table"
        )
    known = {cell["cell_id"] for cell in study["cells"]}
    foreign = [row.cell_id for row in runs.itertuples() if row.cell_id not in known and row.status != "excluded"]
    if foreign:
        raise ValueError(f"column cell_id: {foreign[0]!r} is not a cell of the study {study['name']!r}")


def _details(table: str, given: pd.DataFrame, columns: Mapping[str, Kind], place: Mapping[str, int]) -> pd.DataFrame:
    try:
        frame = typed(given, columns)
    except ValueError as error:
        raise ValueError(f"{table}: {error}") from None
    unknown = [each for each in frame["run_id"].unique() if each not in place]
    if unknown:
        raise ValueError(f"{table}: column run_id: {unknown[0]!r} is not a run of the study")
    keys = frame.copy()
    keys["run_id"] = keys["run_id"].map(place)
    if "layer" in keys:
        keys["layer"] = keys["layer"].map({each: _natural(each) for each in keys["layer"].unique()})
    if _in_order(keys):
        return frame
    return frame.loc[keys.sort_values(list(keys.columns)).index].reset_index(drop=True)


def _in_order(keys: pd.DataFrame) -> bool:
    """Whether rows are in the order of their columns, as all are that were written here; sorting takes far longer."""
    tied = np.ones(max(len(keys) - 1, 0), bool)
    for _, column in keys.items():
        if column.hasnans:
            return False
        key = column.to_numpy() if column.dtype != object else pd.factorize(column, sort=True)[0]
        if (tied & (key[1:] < key[:-1])).any():
            return False
        tied &= key[1:] == key[:-1]
    return True


def _natural(name: str) -> str:
    """A sort key that puts `block2` before `block10`."""
    return re.sub(r"\d+", lambda digits: digits.group().zfill(9), name)
